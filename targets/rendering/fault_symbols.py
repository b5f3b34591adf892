"""Fault symbols: filled, edged, outlines, single lines, or lines with teeth on the downthrown side."""

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.morphology import skeletonize

from targets.rendering.palettes import BLACK, RGB, Colour
from targets.rendering.text import blend_colour
from targets.scene import Scene
from targets.surface.gradient import central_differences

FaultSymbol = Literal["filled", "edged", "outline", "line", "teeth"]
Mask = NDArray[np.uint8]  # (H, W) opacity, 0 or 255
TOOTH_LENGTH = 4  # pixels by which a tooth is longer than the line is wide; neighbours are twice as far apart


def draw_faults(picture: RGB, scene: Scene, symbol: FaultSymbol, width: int, colour: Colour) -> None:
    """Draw the faults of a map into its picture.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        Changed in place.
    scene : Scene
        The map; its depth says which side of a fault is down.
    symbol : FaultSymbol
        Filled, edged, outline, line or teeth.
    width : int
        Pixels by which faults are drawn wider than their cells.
    colour : Colour
        Red, green, blue.
    """
    if not scene.fault.any():
        return
    cells = scene.fault.astype(np.uint8) * 255
    SYMBOL_DRAWERS[symbol](picture, scene, cells, width, colour)


def _draw_filled(picture: RGB, scene: Scene, cells: Mask, width: int, colour: Colour) -> None:
    """The cells in one colour, with a soft edge."""
    soft = np.maximum(cv2.GaussianBlur(_dilate(cells, width), (3, 3), 0), cells)
    blend_colour(picture, soft, (0, 0), colour)


def _draw_edged(picture: RGB, scene: Scene, cells: Mask, width: int, colour: Colour) -> None:
    """Filled, with a thin black line around."""
    _draw_filled(picture, scene, cells, width, BLACK)
    blend_colour(picture, cv2.GaussianBlur(_dilate(cells, width - 1), (3, 3), 0), (0, 0), colour)


def _draw_outline(picture: RGB, scene: Scene, cells: Mask, width: int, colour: Colour) -> None:
    """The rim of the fault polygons alone; inside, the map's colours are seen."""
    solid = _dilate(cells, 1)
    rim = solid & ~cv2.erode(solid, np.ones((3, 3), np.uint8))
    blend_colour(picture, cv2.GaussianBlur(_dilate(rim, width - 1), (3, 3), 0), (0, 0), colour)


def _draw_line(picture: RGB, scene: Scene, cells: Mask, width: int, colour: Colour) -> None:
    """One line along the middle of the cells."""
    centre_line = skeletonize(cells > 0).astype(np.uint8) * 255
    blend_colour(picture, cv2.GaussianBlur(_dilate(centre_line, max(1, width - 1)), (3, 3), 0), (0, 0), colour)


def _draw_teeth(picture: RGB, scene: Scene, cells: Mask, width: int, colour: Colour) -> None:
    """A line with short strokes on its deeper side, as downthrown sides are marked."""
    _draw_line(picture, scene, cells, width, colour)
    centre_line = skeletonize(cells > 0)
    gradient = np.stack(central_differences(cv2.GaussianBlur(scene.depth, (0, 0), 3.0)))
    taken = np.zeros(scene.shape, bool)
    spacing = 2 * TOOTH_LENGTH
    for row, col in np.argwhere(centre_line & scene.map_valid):
        near = np.s_[max(0, row - spacing) : row + spacing + 1, max(0, col - spacing) : col + spacing + 1]
        down = gradient[:, row, col]
        if taken[near].any() or not np.hypot(*down) > 0:
            continue
        taken[row, col] = True
        end = np.array([row, col]) + down / np.hypot(*down) * (TOOTH_LENGTH + width)
        cv2.line(picture, (int(col), int(row)), (round(float(end[1])), round(float(end[0]))), colour, 1, cv2.LINE_AA)


SYMBOL_DRAWERS: dict[FaultSymbol, Callable[[RGB, Scene, Mask, int, Colour], None]] = {
    "filled": _draw_filled,
    "edged": _draw_edged,
    "outline": _draw_outline,
    "line": _draw_line,
    "teeth": _draw_teeth,
}


def _dilate(cells: Mask, by: int) -> Mask:
    """Widen cells by so many pixels on each side."""
    if by <= 0:
        return cells
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    return np.asarray(cv2.dilate(cells, disc), np.uint8)
