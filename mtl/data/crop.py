"""Crops of an array at an origin, padded beyond its border."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Origin = tuple[int, int]


def crop(array: NDArray, origin: Origin, size: int, fill: Sequence[float] | NDArray) -> NDArray:
    """Cut a square out of an array.

    Parameters
    ----------
    array : (C, H, W)
        Of any type.
    origin : tuple of int
        Row and column of the first cell; may be negative.
    size : int
        Side in cells.
    fill : (C,)
        Value of each channel beyond the array.

    Returns
    -------
    (C, size, size)
        A view where the square lies inside the array.

    Examples
    --------
    >>> crop(np.array([[[1, 2], [3, 4]]]), (0, 1), 2, [9]).tolist()
    [[[2, 9], [4, 9]]]
    """
    (row, col), (top, left) = origin, (max(0, first) for first in origin)
    inside = array[:, top : max(0, row + size), left : max(0, col + size)]
    if inside.shape[1:] == (size, size):
        return inside
    patch = np.empty((array.shape[0], size, size), array.dtype)
    patch[:] = np.asarray(fill, array.dtype)[:, None, None]
    patch[:, top - row :, left - col :][:, : inside.shape[1], : inside.shape[2]] = inside
    return patch
