"""What lies around a tile: the wider square with the same centre, reduced to the tile's size, that a network is shown
beside the tile, because a trap larger than the tile, or its spill point, cannot be judged from the tile alone."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from mtl.data.crop import Origin, crop
from targets.scene import Float, Rows

AT_ONCE = 32  # rows of blocks that are reduced together
FACTORS = (2, 4, 8)  # how many times as wide: a tile's origin, a multiple of 32, is one of the reduced map's cells too


class Context:
    """The squares around the tiles of one map, which is reduced once.

    Parameters
    ----------
    read
        A slice of rows -> inputs (C, rows, W) float32 of the map.
    shape : (H, W)
        Of the map.
    outside : (C,)
        What each channel is beyond the map.
    size
        Side of a tile in cells.
    factor
        How many times as wide the square around it is.
    """

    def __init__(
        self, read: Rows, shape: tuple[int, int], outside: Sequence[float] | NDArray, size: int, factor: int
    ) -> None:
        self._map = reduced(read, shape, factor, outside)
        self._outside, self._size, self._factor = outside, size, factor

    def __call__(self, origin: Origin) -> Float:
        """(C, size, size), reduced, of the square around the tile from a row and column on.

        The centre of a tile whose origin is no multiple of the factor is off by half a reduced cell at most.
        """
        row, col = (round((first + self._size / 2) / self._factor - self._size / 2) for first in origin)
        return crop(self._map, (row, col), self._size, self._outside)


def reduced(read: Rows, shape: tuple[int, int], factor: int, outside: Sequence[float] | NDArray) -> Float:
    """(C, h, w) means of blocks of factor × factor cells; beyond the map, channel c is outside[c].

    Rows are read a few blocks at a time: the map itself may be larger than memory.
    """
    fill = np.asarray(outside, np.float32)[:, None, None]
    rows, cols = (ceil(length / factor) for length in shape)
    means = np.empty((len(fill), rows, cols), np.float32)
    for top in range(0, rows, AT_ONCE):
        count = min(AT_ONCE, rows - top)
        band = read(slice(top * factor, (top + count) * factor))
        blocks = np.empty((len(fill), count * factor, cols * factor), np.float32)
        blocks[:] = fill
        blocks[:, : band.shape[1], : band.shape[2]] = band
        means[:, top : top + count] = blocks.reshape(len(fill), count, factor, cols, factor).mean((2, 4))
    return means
