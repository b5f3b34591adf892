"""Contour lines drawn into a picture: thick and thin, dashed, labelled."""

import contourpy
import cv2
import numpy as np
from numpy.typing import NDArray

from targets.rendering.palettes import RGB, WHITE
from targets.rendering.style import Style
from targets.rendering.text import draw_text
from targets.scene import Float, Scene

Line = tuple[float, NDArray[np.float64]]  # a contour's depth, and its points as (n, 2) x and y in pixels
DASH = 5.0  # pixels
LABEL_SIZE = 7.7  # pixels, height of the digits of a contour's depth
LABEL_DISTANCE = 80  # pixels between two contour labels, so that they do not hide the map


def draw_contours(picture: RGB, scene: Scene, interval: float, base: float, style: Style) -> None:
    """Draw contours into `picture`, and their depths."""
    thin, thick = split_index_contours(scene, interval, base, style.index_every)
    fine = [part for _, line in thin for part in (split_into_dashes(line) if style.dashed_contours else [line])]
    ink = rasterize_lines(fine, [line for _, line in thick], scene.shape, style.contour_width)
    picture[:] = cv2.multiply(picture, cv2.cvtColor(255 - ink, cv2.COLOR_GRAY2RGB), scale=1 / 255)
    if any(style.contour_colour):
        picture += np.rint(ink[..., None] / 255.0 * np.array(style.contour_colour)).astype(np.uint8)
    if style.contour_labels and min(scene.shape) >= 3 * LABEL_DISTANCE:
        _draw_labels(picture, thick, style)


def split_index_contours(scene: Scene, interval: float, base: float, every: int = 5) -> tuple[list[Line], list[Line]]:
    """The thin contours of a map, and its index contours: every `every`-th from the base, 0: none."""
    thin: list[Line] = []
    thick: list[Line] = []
    for level, line in trace_contours(scene.depth, scene.map_valid, interval, base):
        index = every > 0 and round((level - base) / interval) % every == 0
        (thick if index else thin).append((level, line))
    return thin, thick


def split_into_dashes(line: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Every second piece of a line, each `DASH` pixels long."""
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    number = (along // DASH).astype(int)
    return np.split(line, np.flatnonzero(np.diff(number)) + 1)[::2]


def rasterize_lines(
    thin: list[NDArray[np.float64]], thick: list[NDArray[np.float64]], shape: tuple[int, int], width: float
) -> NDArray[np.uint8]:
    """(H, W) how black some contours are, the thick ones half a pixel wider than `width`."""
    fine = np.zeros((shape[0] * 2, shape[1] * 2), np.uint8)  # twice as fine, for half-pixel widths
    for wider, lines in enumerate((thin, thick)):
        points = [np.rint(line * 32 + 8).astype(np.int32) for line in lines]  # sixteenths of a fine pixel
        cv2.polylines(fine, points, False, 255, max(1, round(2 * width) + wider), cv2.LINE_AA, shift=4)
    return np.asarray(cv2.resize(fine, shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _draw_labels(picture: RGB, lines: list[Line], style: Style) -> None:
    """Write the depths of contours onto them, where labels are far enough apart."""
    labels: list[tuple[str, NDArray, float]] = []
    for level, line in lines:
        at = len(line) // 2
        if all(np.hypot(*(line[at] - other)) > LABEL_DISTANCE for _, other, _ in labels):
            right, down = line[min(at + 6, len(line) - 1)] - line[max(at - 6, 0)]
            labels.append((f"{level:g}", line[at], -np.degrees(np.arctan(down / right)) if right else 90.0))
    for text, (x, y), angle in labels:
        turned = angle if style.align_labels else 0.0
        draw_text(picture, text, (x, y), LABEL_SIZE, style.contour_colour, style.annotations.font, turned, halo=WHITE)


def trace_contours(depth: Float, valid: NDArray[np.bool_], interval: float, base: float, block: int = 128) -> list[Line]:
    """(level, (n, 2) x and y in pixels) of every contour piece.

    Traced block by block, because a block spans few levels while tracing costs the whole grid once per level.
    """
    pieces = []
    for top in range(0, depth.shape[0] - 1, block):
        for left in range(0, depth.shape[1] - 1, block):
            window = np.s_[top : top + block + 1, left : left + block + 1]
            z, inside = depth[window].astype(np.float64), valid[window]
            if not inside.any():
                continue
            first, last = np.ceil((z.min() - base) / interval), np.floor((z.max() - base) / interval)
            levels = base + interval * np.arange(first, last + 1)
            if len(levels) == 0:
                continue
            masked = z if inside.all() else np.ma.array(z, mask=~inside)
            lines = contourpy.contour_generator(z=masked, line_type="Separate").multi_lines(levels)
            for level, found in zip(levels, lines, strict=True):
                pieces += [(level, line + np.array([left, top])) for line in found]
    return pieces
