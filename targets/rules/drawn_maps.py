"""Maps on which traps were drawn, as the search for rules reads them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label, regionprops

from targets.scene import Bool, Scene


@dataclass(frozen=True, eq=False)
class DrawnMap:
    """A map with a depth and the traps that somebody drew on it.

    Attributes
    ----------
    scene : Scene
        The map, with the true surface as its depth and without its picture.
    drawn : (H, W) bool
        The drawn traps, inside the map.
    labels : (H, W) int32
        The drawn traps one by one, 1 to M.
    areas : (M + 1,) float64
        Their cells; the first is nothing.
    outlines : (M + 1,) float64
        Lengths of their outlines in cells, the first is 0.
    interpreter : str
        Who drew them; "" where the files do not say.
    """

    scene: Scene
    drawn: Bool
    labels: NDArray[np.int32]
    areas: NDArray[np.float64]
    outlines: NDArray[np.float64]
    interpreter: str

    @property
    def name(self) -> str:
        """The map's name."""
        return self.scene.name


def drawn_maps(scenes: Iterable[Scene]) -> list[DrawnMap]:
    """Pick the maps from which rules can be learned: those with a depth and drawn traps.

    Parameters
    ----------
    scenes : Iterable[Scene]
        Any maps and seismic images.

    Returns
    -------
    list[DrawnMap]
        In their order.
    """
    return [_drawn_map(scene) for scene in scenes if has_drawn_traps(scene)]


def has_drawn_traps(scene: Scene) -> bool:
    """Whether rules can be learned from a map: it has a depth with relief, and an interpreter drew its traps."""
    if scene.traps is None or scene.salt is not None or not (scene.has_depth or scene.true_depth is not None):
        return False
    low, high = _on_true_surface(scene).relief
    return high > low


def _on_true_surface(scene: Scene) -> Scene:
    """The map with its true surface as its depth."""
    return scene if scene.true_depth is None else scene.replace(depth=scene.true_depth, true_depth=None)


def _drawn_map(scene: Scene) -> DrawnMap:
    """The map of a scene with drawn traps."""
    assert scene.traps is not None
    traps, scene = scene.traps, _on_true_surface(scene)
    interpreter = scene.provenance.interpreter if scene.provenance is not None else ""
    drawn = np.asarray(traps & scene.map_valid)
    labels = np.asarray(label(drawn, connectivity=2), np.int32)
    areas = np.bincount(labels.ravel()).astype(np.float64)
    areas[0] = 0
    outlines = np.array([0.0, *(region.perimeter for region in regionprops(labels))])
    return DrawnMap(scene.replace(rgb=None), drawn, labels, areas, outlines, interpreter)
