"""Contour lines traced on a depth grid and drawn into a picture: index contours, dashes, labels."""

import contourpy
import cv2
import numpy as np
from numpy.typing import NDArray

from targets.rendering.palettes import RGB, WHITE
from targets.rendering.style import Style
from targets.rendering.text import draw_text
from targets.scene import Bool, Float, Scene

Points = NDArray[np.float64]  # (n, 2) x and y of a line, in pixels
ContourLine = tuple[float, Points]  # a contour's depth, and one connected piece of it
DASH_LENGTH = 5.0  # pixels
LABEL_HEIGHT = 7.7  # pixels, height of the digits of a contour label
LABEL_DISTANCE = 80  # pixels between two contour labels, so that they do not hide the map


def draw_contours(picture: RGB, scene: Scene, interval: float, base: float, style: Style) -> None:
    """Draw the contours of a map, and their labels.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        Changed in place.
    scene : Scene
        The map.
    interval, base : float
        A contour lies at `base` and at every multiple of `interval` from it, in depth units.
    style : Style
        Widths, colours, dashes and labels.
    """
    thin, index = split_index_contours(scene, interval, base, style.index_every)
    thin_lines = [part for _, line in thin for part in (split_into_dashes(line) if style.dashed_contours else [line])]
    opacity = rasterize_lines(thin_lines, [line for _, line in index], scene.shape, style.contour_width)
    picture[:] = cv2.multiply(picture, cv2.cvtColor(255 - opacity, cv2.COLOR_GRAY2RGB), scale=1 / 255)
    if any(style.contour_colour):
        picture += np.rint(opacity[..., None] / 255.0 * np.array(style.contour_colour)).astype(np.uint8)
    if style.contour_labels and min(scene.shape) >= 3 * LABEL_DISTANCE:
        _draw_labels(picture, index, style)


def split_index_contours(
    scene: Scene, interval: float, base: float, index_every: int = 5
) -> tuple[list[ContourLine], list[ContourLine]]:
    """Trace the contours of a map, index contours apart from the others.

    Parameters
    ----------
    scene : Scene
        The map.
    interval, base : float
        In depth units.
    index_every : int, default 5
        Every how many contours from the base one is an index contour; 0: none.

    Returns
    -------
    thin, index : list[ContourLine]
        The contours between index contours, and these.
    """
    thin: list[ContourLine] = []
    index: list[ContourLine] = []
    for level, line in trace_contours(scene.depth, scene.map_valid, interval, base):
        is_index = index_every > 0 and round((level - base) / interval) % index_every == 0
        (index if is_index else thin).append((level, line))
    return thin, index


def split_into_dashes(line: Points) -> list[Points]:
    """Keep every second piece of a line (n, 2), each `DASH_LENGTH` pixels long."""
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    number = (along // DASH_LENGTH).astype(int)
    return np.split(line, np.flatnonzero(np.diff(number)) + 1)[::2]


def rasterize_lines(thin: list[Points], index: list[Points], shape: tuple[int, int], width: float) -> NDArray[np.uint8]:
    """Draw lines with soft edges as opacity.

    Parameters
    ----------
    thin, index : list of (n, 2) float64
        Lines; index lines are half a pixel wider.
    shape : tuple[int, int]
        Rows and columns of the result.
    width : float
        Pixels, in steps of a half.

    Returns
    -------
    (H, W) uint8
        0 (none) to 255.
    """
    doubled = np.zeros((shape[0] * 2, shape[1] * 2), np.uint8)  # twice the resolution, for half-pixel widths
    for wider, lines in enumerate((thin, index)):
        points = [np.rint(line * 32 + 8).astype(np.int32) for line in lines]  # sixteenths of a doubled pixel
        cv2.polylines(doubled, points, False, 255, max(1, round(2 * width) + wider), cv2.LINE_AA, shift=4)
    return np.asarray(cv2.resize(doubled, shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _draw_labels(picture: RGB, lines: list[ContourLine], style: Style) -> None:
    """Write the depths of contours onto them, where labels are far enough apart."""
    labels: list[tuple[str, NDArray, float]] = []
    for level, line in lines:
        at = len(line) // 2
        if all(np.hypot(*(line[at] - other)) > LABEL_DISTANCE for _, other, _ in labels):
            right, down = line[min(at + 6, len(line) - 1)] - line[max(at - 6, 0)]
            labels.append((f"{level:g}", line[at], -np.degrees(np.arctan(down / right)) if right else 90.0))
    for text, (x, y), angle in labels:
        shown_angle = angle if style.align_labels else 0.0
        draw_text(
            picture, text, (x, y), LABEL_HEIGHT, style.contour_colour, style.annotations.font, shown_angle, halo=WHITE
        )


def trace_contours(depth: Float, valid: Bool, interval: float, base: float, block: int = 128) -> list[ContourLine]:
    """Trace contours by linear interpolation between cells.

    The grid is traced block by block: a block spans few levels, while tracing costs the whole grid once per level.

    Parameters
    ----------
    depth : (H, W) float32
        Depth, positive down.
    valid : (H, W) bool
        False outside the map, where no contour runs.
    interval, base : float
        In depth units.
    block : int, default 128
        Cells along a side of a block.

    Returns
    -------
    list[ContourLine]
        Every connected piece of every contour; pieces end at the sides of blocks.

    Examples
    --------
    >>> depth = np.tile(np.float32([0, 10, 20, 30]), (2, 1))
    >>> [(float(level), line[:, 0].tolist()) for level, line in trace_contours(depth, depth >= 0, 15.0, 10.0)]
    [(10.0, [1.0, 1.0]), (25.0, [2.5, 2.5])]
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
