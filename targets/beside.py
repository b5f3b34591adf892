"""What of a picture is map, and what stands beside it on the paper: a title, numbers, a frame, a colour bar?"""

import cv2
import numpy as np
from numpy.typing import NDArray

# Shares are of the cells of the largest connected part of a picture.
NOTE = 0.02  # smaller parts are letters, numbers and symbols
BAR = 1 / 6  # a smaller part that is a bar is a colour bar
LONG, FILLED = 4.0, 0.85  # a bar: length over width, and how much of its box it fills at least
THIN = 0.1  # of its box, what the lines of a frame fill at most


def without_notes(coloured: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(H, W) bool, the cells of a picture alone that are coloured, without what stands beside the map.

    Letters that touch the map stay: they are ink on it. A map of lines alone keeps its frame.

    Parameters
    ----------
    coloured : (H, W) bool, what is not paper; at least one cell.
    """
    _, parts, found, _ = cv2.connectedComponentsWithStats(coloured.astype(np.uint8), connectivity=8)
    wide, high, cells = (found[1:, n] for n in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA))
    share, filled = cells / cells.max(), cells / (wide * high)
    bar = (share < BAR) & (filled >= FILLED) & (np.maximum(wide, high) >= LONG * np.minimum(wide, high))
    lines = (filled < THIN) & (filled[cells.argmax()] >= THIN)
    kept = (share >= NOTE) & ~bar & ~lines
    return np.concatenate([[False], kept])[parts]
