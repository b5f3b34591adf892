"""Context of a tile: the wider square with the same centre, downsampled to the size of the tile.

A network sees it beside the tile, because a trap larger than the tile, or its spill point, cannot be judged from the
tile alone.
"""

from collections.abc import Sequence
from math import ceil

import numpy as np
from einops import reduce
from numpy.typing import NDArray

from mtl.data.crop import Origin, crop
from targets.scene import Float, Rows

BLOCK_ROWS = 32  # rows of blocks that are averaged together: bounds the memory of a map read in parts
FACTORS = (2, 4, 8)  # how many times as wide: a tile's origin, a multiple of 32, falls on a downsampled cell too


class Context:
    """The contexts of the tiles of one map, which is downsampled once.

    Parameters
    ----------
    read : Rows
        A slice of rows -> inputs (C, rows, W) float32 of the map.
    shape : tuple of int
        (H, W) of the map.
    fill : (C,)
        Value of each channel beyond the map.
    size : int
        Side of a tile in cells.
    factor : int
        How many times as wide as the tile the context is.
    """

    def __init__(
        self, read: Rows, shape: tuple[int, int], fill: Sequence[float] | NDArray, size: int, factor: int
    ) -> None:
        self._map = block_means(read, shape, factor, fill)
        self._fill, self._size, self._factor = fill, size, factor

    def __call__(self, origin: Origin) -> Float:
        """(C, size, size) float32 context of the tile whose first cell is at a row and column.

        The centre of a tile whose origin is no multiple of the factor is off by half a downsampled cell at most.
        """
        row, col = (round((first + self._size / 2) / self._factor - self._size / 2) for first in origin)
        return crop(self._map, (row, col), self._size, self._fill)


def block_means(read: Rows, shape: tuple[int, int], factor: int, fill: Sequence[float] | NDArray) -> Float:
    """(C, h, w) float32 means of blocks of factor × factor cells; beyond the map, channel c is fill[c].

    Rows are read a few blocks at a time: the map itself may be larger than memory.

    Examples
    --------
    >>> planes = np.array([[[1, 3, 5], [1, 3, 5]]], np.float32)
    >>> block_means(lambda rows: planes[:, rows], (2, 3), 2, [7]).tolist()
    [[[2.0, 6.0]]]
    """
    fills = np.asarray(fill, np.float32)[:, None, None]
    rows, cols = (ceil(length / factor) for length in shape)
    means = np.empty((len(fills), rows, cols), np.float32)
    for top in range(0, rows, BLOCK_ROWS):
        count = min(BLOCK_ROWS, rows - top)
        band = read(slice(top * factor, (top + count) * factor))
        blocks = np.empty((len(fills), count * factor, cols * factor), np.float32)
        blocks[:] = fills
        blocks[:, : band.shape[1], : band.shape[2]] = band
        means[:, top : top + count] = reduce(blocks, "c (h i) (w j) -> c h w", "mean", i=factor, j=factor)
    return means
