"""Outline of a map: its inside, from the cells that have data."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from targets.surface.fill import GAP_RADIUS


def inside_of_map(known: NDArray[np.bool_], radius: int = GAP_RADIUS) -> NDArray[np.bool_]:
    """Find the cells inside a map, given the cells that have data.

    Inside are the known cells, the gaps between them up to ``2*radius`` cells wide even where they run out of the
    map (a morphological closing with a square, which keeps the corners of rectangular outlines), and every hole that
    does not touch the array's edge, however wide. All else is outside.

    Parameters
    ----------
    known : (H, W) bool
        Cells with data.
    radius : int, default GAP_RADIUS
        Half the width of the widest gap that is closed, cells.

    Returns
    -------
    (H, W) bool
        Cells inside, among them all known ones.

    Examples
    --------
    >>> ring = np.ones((9, 9), bool)
    >>> ring[2:7, 2:7] = False
    >>> bool(inside_of_map(ring).all())
    True
    """
    # Water that comes in from the edge passes diagonals too: a hole is what is enclosed by 4-connected cells.
    return ndimage.binary_fill_holes(close_gaps(known, radius), np.ones((3, 3), np.bool_))


def close_gaps(known: NDArray[np.bool_], radius: int = GAP_RADIUS) -> NDArray[np.bool_]:
    """Close gaps up to ``2*radius`` cells wide between known cells (H, W)."""
    size = 2 * radius + 1
    # Room around the array: OpenCV would take its edge for more of the map, and close bays.
    padded = np.pad(known, size).astype(np.uint8)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    return closed[size:-size, size:-size].astype(bool)
