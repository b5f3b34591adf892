"""Which palette is a map drawn in, and where on it does each pixel lie?"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from targets.common.rgb_planes import colourfulness
from targets.rendering.palettes import PALETTES, colour_table
from targets.scene import Bool, Scene

PALE = 40  # difference of the strongest and the weakest channel; contours, text and faults have less colour
FAR = 25.0  # grey levels between pixels free of ink and the nearest colour of their palette
CLEAN = 0.3  # share of the pixels of a picture that are free of ink at least
SAMPLE = 4000  # pixels looked at


@dataclass(frozen=True, eq=False)
class PaletteMatch:
    """What the colours of a picture say.

    Attributes
    ----------
    palette : str
        The known palette that fits best, or "unknown".
    agreement : float | None
        Correlation of a pixel's place on the palette with its depth, +1 = blue deep and red high; None when the map has
        no depth, or the palette is unknown.
    steps : (n, 3) uint8
        The middle colour of n equal steps of depth, deepest first; None without a depth.
    """

    palette: str
    agreement: float | None
    step_colours: NDArray[np.uint8] | None


def match_palette(scene: Scene, steps: int = 12) -> PaletteMatch | None:
    """The palette of a map's picture; None when it has none, or it holds no colour."""
    if scene.rgb is None:
        return None
    use = scene.map_valid & ~scene.fault & (colourfulness(scene.rgb) > PALE)
    if not use.any():
        return None
    cells = np.flatnonzero(use)
    cells = cells[:: max(1, len(cells) // SAMPLE)]
    pixels = scene.rgb.reshape(-1, 3)[cells]
    name, distance = nearest_palette(pixels, CLEAN)
    name = name if distance <= FAR else "unknown"
    if not scene.has_depth:
        return PaletteMatch(name, None, None)
    depth = scene.depth.ravel()[cells]
    agreement = None
    if name != "unknown" and np.ptp(depth) > 0:
        place = project_onto_palette(pixels, name)[0]
        if np.ptp(place) > 0:
            agreement = float(np.corrcoef(place, -depth)[0, 1])
    edges = np.quantile(depth, np.linspace(1, 0, steps + 1))
    parts = [(depth <= deep) & (depth >= high) for deep, high in pairwise(edges)]
    middle = [np.median(pixels[part], axis=0) if part.any() else np.full(3, 255) for part in parts]
    return PaletteMatch(name, agreement, np.array(middle).astype(np.uint8))


def palette_positions(scene: Scene, name: str) -> tuple[NDArray[np.float32], Bool]:
    """Where on a palette every pixel lies, 0 = deepest colour, 1 = shallowest; and the pixels that have a colour."""
    assert scene.rgb is not None
    use = scene.map_valid & ~scene.fault & (colourfulness(scene.rgb) > PALE)
    place = np.zeros(scene.shape, np.float32)
    place[use] = project_onto_palette(scene.rgb[use], name)[0]
    return place, use


def nearest_palette(pixels: NDArray[np.uint8], share: float) -> tuple[str, float]:
    """The palette whose colours lie nearest to this share of pixels (n, 3), n > 0, and how far the last of these is."""
    pixels = pixels[:: max(1, len(pixels) // SAMPLE)]
    fits = ((name, float(np.quantile(project_onto_palette(pixels, name)[1], share))) for name in PALETTES)
    return min(fits, key=lambda fit: fit[1])


def project_onto_palette(pixels: NDArray[np.uint8], name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where on a palette each of pixels (..., 3) lies, 0 = deepest colour, 1 = shallowest, and how far from it."""
    distance, nearest = cKDTree(colour_table(name).astype(np.float32)).query(pixels.astype(np.float32))
    return np.asarray(nearest / 255, np.float64), np.asarray(distance, np.float64)
