"""How are faults drawn? Filled, edged, as outlines, as single lines, or with teeth on the side that is down."""

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.morphology import skeletonize

from targets.rendering.palettes import BLACK, Colour
from targets.rendering.text import blend_colour
from targets.scene import Scene

FaultSymbol = Literal["filled", "edged", "outline", "line", "teeth"]
TOOTH = 4  # pixels a tooth is longer than the line is wide; neighbours are twice as far apart
Ink = NDArray[np.uint8]  # (H, W) 0 none to 255


def draw_faults(picture: NDArray[np.uint8], scene: Scene, mark: FaultSymbol, width: int, colour: Colour) -> None:
    """Draw fault cells into `picture`, (H, W, 3) uint8, `width` pixels wider than they are."""
    if not scene.fault.any():
        return
    cells = scene.fault.astype(np.uint8) * 255
    DRAWERS[mark](picture, scene, cells, width, colour)


def _filled(picture: NDArray[np.uint8], scene: Scene, cells: Ink, width: int, colour: Colour) -> None:
    """The cells in one colour, with a soft edge."""
    soft = np.maximum(cv2.GaussianBlur(_widened(cells, width), (3, 3), 0), cells)
    blend_colour(picture, soft, (0, 0), colour)


def _edged(picture: NDArray[np.uint8], scene: Scene, cells: Ink, width: int, colour: Colour) -> None:
    """Filled, with a thin black line around."""
    _filled(picture, scene, cells, width, BLACK)
    blend_colour(picture, cv2.GaussianBlur(_widened(cells, width - 1), (3, 3), 0), (0, 0), colour)


def _outline(picture: NDArray[np.uint8], scene: Scene, cells: Ink, width: int, colour: Colour) -> None:
    """The rim of the fault polygons alone; the colours of the map go on inside."""
    solid = _widened(cells, 1)
    rim = solid & ~cv2.erode(solid, np.ones((3, 3), np.uint8))
    blend_colour(picture, cv2.GaussianBlur(_widened(rim, width - 1), (3, 3), 0), (0, 0), colour)


def _line(picture: NDArray[np.uint8], scene: Scene, cells: Ink, width: int, colour: Colour) -> None:
    """One line along the middle of the cells."""
    middle = skeletonize(cells > 0).astype(np.uint8) * 255
    blend_colour(picture, cv2.GaussianBlur(_widened(middle, max(1, width - 1)), (3, 3), 0), (0, 0), colour)


def _teeth(picture: NDArray[np.uint8], scene: Scene, cells: Ink, width: int, colour: Colour) -> None:
    """A line with short strokes on its deeper side, as downthrown sides are marked."""
    _line(picture, scene, cells, width, colour)
    middle = skeletonize(cells > 0)
    down = np.stack(np.gradient(cv2.GaussianBlur(scene.depth, (0, 0), 3.0)))
    places = np.argwhere(middle & scene.map_valid)
    taken = np.zeros(scene.shape, bool)
    for row, col in places:
        near = np.s_[max(0, row - 2 * TOOTH) : row + 2 * TOOTH + 1, max(0, col - 2 * TOOTH) : col + 2 * TOOTH + 1]
        way = down[:, row, col]
        if taken[near].any() or not np.hypot(*way) > 0:
            continue
        taken[row, col] = True
        end = np.array([row, col]) + way / np.hypot(*way) * (TOOTH + width)
        cv2.line(picture, (int(col), int(row)), (round(float(end[1])), round(float(end[0]))), colour, 1, cv2.LINE_AA)


DRAWERS: dict[FaultSymbol, Callable[[NDArray[np.uint8], Scene, Ink, int, Colour], None]] = {
    "filled": _filled,
    "edged": _edged,
    "outline": _outline,
    "line": _line,
    "teeth": _teeth,
}


def _widened(cells: Ink, by: int) -> Ink:
    """Cells made wider by so many pixels on each side."""
    if by <= 0:
        return cells
    return np.asarray(
        cv2.dilate(cells, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))), np.uint8
    )
