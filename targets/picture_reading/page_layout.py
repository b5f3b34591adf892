"""What of a picture is map, and what stands beside it on the paper: a title, numbers, a frame, a colour bar?"""

import cv2
import numpy as np
from numpy.typing import NDArray

LINE = 7  # pixels; what is narrower is a line: a frame, its ticks, an arrow, most letters

# Shares are of the cells of the largest connected part of a picture.
NOTE = 0.02  # smaller parts are letters, numbers and symbols
BAR = 1 / 6  # a smaller part that is a bar is a colour bar
LONG, FILLED = 4.0, 0.85  # a bar: length over width, and how much of its box it fills at least
COLOURED = 0.5  # of what is not paper, the share that is broader than lines at least; less is a map of lines alone


def remove_marginalia(foreground: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(H, W) bool, the cells of a picture alone that are coloured, without what stands beside the map.

    A map of lines alone keeps its frame.

    Parameters
    ----------
    coloured : (H, W) bool
        What is not paper; at least one cell.
    """
    broad = foreground & ~_lines(foreground)
    if broad.sum() < COLOURED * foreground.sum():
        broad = foreground
    _, parts, found, _ = cv2.connectedComponentsWithStats(broad.astype(np.uint8), connectivity=8)
    wide, high, cells = (found[1:, n] for n in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA))
    share, filled = cells / cells.max(), cells / (wide * high)
    bar = (share < BAR) & (filled >= FILLED) & (np.maximum(wide, high) >= LONG * np.minimum(wide, high))
    return np.concatenate([[False], (share >= NOTE) & ~bar])[parts]


def _lines(coloured: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(H, W) bool, what is farther than `LINE` / 2 from all that is broad; gaps as narrow as lines are none."""
    padded, square = np.pad(coloured, LINE).astype(np.uint8), np.ones((LINE, LINE), np.uint8)
    for change in (cv2.MORPH_CLOSE, cv2.MORPH_OPEN, cv2.MORPH_DILATE):
        padded = cv2.morphologyEx(padded, change, square)
    return np.asarray(padded[LINE:-LINE, LINE:-LINE] == 0, np.bool_)
