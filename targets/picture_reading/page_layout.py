"""Layout of a page with a map: the map body, separated from titles, numbers, frames and colour bars beside it."""

import cv2
import numpy as np

from targets.scene import Bool

MAX_LINE_WIDTH = 7  # pixels; narrower parts are lines: a frame, its ticks, an arrow, most letters

# Shares are of the cells of the largest connected part of a picture.
MIN_PART_SHARE = 0.02  # smaller parts are letters, numbers and symbols
MAX_BAR_SHARE = 1 / 6  # a smaller part of the shape of a bar is a colour bar
MIN_BAR_ASPECT, MIN_BAR_FILL = 4.0, 0.85  # length over width of a bar, and the share of its bounding box that it fills
MIN_BROAD_SHARE = 0.5  # of the foreground, the share that is broader than lines; less is a map of lines alone


def remove_marginalia(foreground: Bool) -> Bool:
    """Keep the map body of a page, without the marginalia beside it: title, numbers, frame, colour bar.

    A map of lines alone keeps its frame.

    Parameters
    ----------
    foreground : (H, W) bool
        What is not paper; at least one cell.

    Returns
    -------
    (H, W) bool
        Cells of the map.

    Examples
    --------
    >>> page = np.zeros((60, 60), bool)
    >>> page[10:50, 10:40] = page[12:48, 50] = True  # a map, and a line beside it
    >>> remove_marginalia(page).sum(), remove_marginalia(page)[:, 50].any()
    (np.int64(1200), np.False_)
    """
    broad = foreground & ~_detect_lines(foreground)
    if broad.sum() < MIN_BROAD_SHARE * foreground.sum():
        broad = foreground
    _, parts, stats, _ = cv2.connectedComponentsWithStats(broad.astype(np.uint8), connectivity=8)
    width, height, cells = (stats[1:, n] for n in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA))
    share, fill = cells / cells.max(), cells / (width * height)
    long = np.maximum(width, height) >= MIN_BAR_ASPECT * np.minimum(width, height)
    is_bar = (share < MAX_BAR_SHARE) & (fill >= MIN_BAR_FILL) & long
    return np.concatenate([[False], (share >= MIN_PART_SHARE) & ~is_bar])[parts]


def _detect_lines(foreground: Bool) -> Bool:
    """(H, W) bool: cells farther than `MAX_LINE_WIDTH` / 2 from all broad parts; gaps as narrow as lines are none."""
    width = MAX_LINE_WIDTH
    padded, square = np.pad(foreground, width).astype(np.uint8), np.ones((width, width), np.uint8)
    for operation in (cv2.MORPH_CLOSE, cv2.MORPH_OPEN, cv2.MORPH_DILATE):
        padded = cv2.morphologyEx(padded, operation, square)
    return np.asarray(padded[width:-width, width:-width] == 0, np.bool_)
