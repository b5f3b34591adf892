"""Crops of an array at an origin, padded beyond the border."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Origin = tuple[int, int]


def crop(array: NDArray, origin: Origin, size: int, fill: Sequence[float] | NDArray) -> NDArray:
    """(C, size, size) of a (C, H, W) array from a row and column on; beyond the array, channel c is fill[c]."""
    (row, col), (top, left) = origin, (max(0, first) for first in origin)
    inside = array[:, top : max(0, row + size), left : max(0, col + size)]
    if inside.shape[1:] == (size, size):
        return inside
    patch = np.empty((array.shape[0], size, size), array.dtype)
    patch[:] = np.asarray(fill, array.dtype)[:, None, None]
    patch[:, top - row :, left - col :][:, : inside.shape[1], : inside.shape[2]] = inside
    return patch
