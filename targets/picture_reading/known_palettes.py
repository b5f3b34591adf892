"""Known palettes in pictures: which one a map is drawn in, and where on it each pixel lies."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from targets.common.rgb_planes import colourfulness
from targets.rendering.palettes import PALETTES, colour_table
from targets.scene import Bool, Float, Scene

MIN_COLOURFULNESS = 40  # strongest less weakest channel, grey levels; contours, text and faults have less
MAX_PALETTE_DISTANCE = 25.0  # grey levels between pixels free of ink and the nearest colour of their palette
MIN_INK_FREE_SHARE = 0.3  # of the pixels of a picture
MAX_SAMPLE = 4000  # pixels that are compared


@dataclass(frozen=True, eq=False)
class PaletteMatch:
    """The palette of a picture.

    Attributes
    ----------
    palette : str
        The known palette that fits best, or "unknown".
    agreement : float | None
        Correlation of a pixel's position on the palette with its depth, +1 = blue deep and red high; None when the map
        has no depth, or the palette is unknown.
    step_colours : (n, 3) uint8
        Median colour of n equal steps of depth, deepest first; None without a depth.
    """

    palette: str
    agreement: float | None
    step_colours: NDArray[np.uint8] | None


def match_palette(scene: Scene, steps: int = 12) -> PaletteMatch | None:
    """Find the palette of a map's picture.

    Parameters
    ----------
    scene : Scene
        The map.
    steps : int, default 12
        Number of `step_colours`.

    Returns
    -------
    PaletteMatch or None
        None when the map has no picture, or the picture has no colour.
    """
    if scene.rgb is None:
        return None
    use = scene.map_valid & ~scene.fault & (colourfulness(scene.rgb) > MIN_COLOURFULNESS)
    if not use.any():
        return None
    cells = np.flatnonzero(use)
    cells = cells[:: max(1, len(cells) // MAX_SAMPLE)]
    pixels = scene.rgb.reshape(-1, 3)[cells]
    name, distance = nearest_palette(pixels, MIN_INK_FREE_SHARE)
    name = name if distance <= MAX_PALETTE_DISTANCE else "unknown"
    if not scene.has_depth:
        return PaletteMatch(name, None, None)
    depth = scene.depth.ravel()[cells]
    agreement = None
    if name != "unknown" and np.ptp(depth) > 0:
        position = project_onto_palette(pixels, name)[0]
        if np.ptp(position) > 0:
            agreement = float(np.corrcoef(position, -depth)[0, 1])
    edges = np.quantile(depth, np.linspace(1, 0, steps + 1))
    in_step = [(depth <= deep) & (depth >= high) for deep, high in pairwise(edges)]
    medians = [np.median(pixels[part], axis=0) if part.any() else np.full(3, 255) for part in in_step]
    return PaletteMatch(name, agreement, np.array(medians).astype(np.uint8))


def palette_positions(scene: Scene, name: str) -> tuple[Float, Bool]:
    """Locate every pixel of a map's picture on a palette.

    Parameters
    ----------
    scene : Scene
        A map with a picture.
    name : str
        Name of the palette.

    Returns
    -------
    position : (H, W) float32
        0 = deepest colour, 1 = shallowest; 0 where a pixel has no colour.
    coloured : (H, W) bool
        The pixels of the map that have a colour.
    """
    assert scene.rgb is not None
    use = scene.map_valid & ~scene.fault & (colourfulness(scene.rgb) > MIN_COLOURFULNESS)
    position = np.zeros(scene.shape, np.float32)
    position[use] = project_onto_palette(scene.rgb[use], name)[0]
    return position, use


def nearest_palette(pixels: NDArray[np.uint8], share: float) -> tuple[str, float]:
    """Find the known palette whose colours lie nearest to a share of pixels.

    Parameters
    ----------
    pixels : (n, 3) uint8
        Red, green, blue; n > 0.
    share : float
        Share of the pixels that must lie on the palette; the rest may be ink.

    Returns
    -------
    name : str
        The palette.
    distance : float
        Grey levels between the farthest of these pixels and the palette.
    """
    pixels = pixels[:: max(1, len(pixels) // MAX_SAMPLE)]
    fits = ((name, float(np.quantile(project_onto_palette(pixels, name)[1], share))) for name in PALETTES)
    return min(fits, key=lambda fit: fit[1])


def project_onto_palette(pixels: NDArray[np.uint8], name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project pixels onto a palette.

    Parameters
    ----------
    pixels : (..., 3) uint8
        Red, green, blue.
    name : str
        Name of the palette.

    Returns
    -------
    position : (...) float64
        0 = deepest colour, 1 = shallowest.
    distance : (...) float64
        Grey levels between the pixel and the palette.

    Examples
    --------
    >>> deepest, shallowest = PALETTES["jet"][0], PALETTES["jet"][-1]
    >>> position, distance = project_onto_palette(np.uint8([deepest, shallowest]), "jet")
    >>> position.tolist(), distance.tolist()
    ([0.0, 1.0], [0.0, 0.0])
    """
    distance, nearest = cKDTree(colour_table(name).astype(np.float32)).query(pixels.astype(np.float32))
    return np.asarray(nearest / 255, np.float64), np.asarray(distance, np.float64)
