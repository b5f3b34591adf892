"""Tiling: where the overlapping tiles of a map lie, how they are read, and how a network runs over them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby, islice
from math import ceil
from operator import itemgetter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtl.config import STRIDE
from mtl.data.crop import Origin, crop
from targets.errors import UserError
from targets.scene import Bool, Float, Rows

CPU_CELLS, GPU_CELLS = 2**18, 2**22  # of a batch: 4 and 64 tiles of 256 cells
Net = Callable[[Tensor], dict[str, Tensor]]  # (B, C, H, W) -> {name: (B, channels, H, W)}


def pad_length(length: int, window: int) -> int:
    """Length of a side in cells, rounded up to a multiple of the encoder's stride, and at least one window.

    Examples
    --------
    >>> pad_length(300, window=128), pad_length(50, window=128)
    (320, 128)
    """
    return max(window, ceil(length / STRIDE) * STRIDE)


def space_tiles(length: int, window: int, stride: int) -> list[int]:
    """Origins of tiles along one side: evenly spaced, at most `stride` apart, on multiples of the encoder's stride.

    An origin off these multiples would shift the encoder's grid and change what the network predicts. Even spacing
    avoids the crammed last tile of MONAI's `dense_patch_slices`, whose origin is no such multiple either.

    Parameters
    ----------
    length : int
        Of the side, in cells.
    window : int
        Side of a tile, in cells.
    stride : int
        Largest distance of neighbouring origins, in cells.

    Raises
    ------
    UserError
        Window or stride is not a positive multiple of 32, or the stride leaves gaps.

    Examples
    --------
    >>> space_tiles(300, window=128, stride=96)
    [0, 96, 192]
    """
    for name, value in (("window", window), ("stride", stride)):
        if value <= 0 or value % STRIDE:
            raise UserError(f"tile {name}", f"{value}", f"a positive multiple of {STRIDE}")
    if stride > window:
        raise UserError("tile stride", f"{stride} is larger than the window {window}", "tiles that leave no gap")
    span = pad_length(length, window) - window
    steps = ceil(span / stride)
    # floor of even spacing on the 32-grid: gaps differ by at most one grid step and never exceed the stride
    return [STRIDE * (i * (span // STRIDE) // steps) for i in range(steps + 1)] if steps else [0]


def place_tiles(map_valid: Bool, window: int, stride: int) -> list[Origin]:
    """Origins (row, column) of the tiles that a map of any shape needs, from the top down.

    Rows of tiles are spaced from the first to the last row of the map, and the tiles of each from the first to the last
    column that the map has there; tiles without a cell of the map are left out.

    Parameters
    ----------
    map_valid : (H, W) bool
        Inside the map.
    window, stride : int
        Side of a tile and largest distance of neighbouring origins, in cells.
    """
    places = []
    for row in _space_over(map_valid.max(axis=1), window, stride):
        columns = map_valid[row : row + window].max(axis=0)
        places += [(row, col) for col in _space_over(columns, window, stride) if columns[col : col + window].any()]
    return places


def _space_over(needed: Bool, window: int, stride: int) -> list[int]:
    """`space_tiles` from the first to the last needed cell of a side (n,), within its padded length."""
    (cells,) = np.nonzero(needed)
    if not cells.size:
        return []
    first = int(cells[0]) // STRIDE * STRIDE
    length = int(cells[-1]) + 1 - first
    first = min(first, pad_length(len(needed), window) - pad_length(length, window))
    return [first + origin for origin in space_tiles(length, window, stride)]


def default_batch_size(window: int, device: torch.device) -> int:
    """Tiles of a batch that keep the device busy: on a CPU more gain nothing; a GPU's memory may ask for fewer."""
    return max(1, (CPU_CELLS if device.type == "cpu" else GPU_CELLS) // window**2)


@dataclass(frozen=True)
class TiledMap:
    """The inputs of a map, as tiles read them.

    Attributes
    ----------
    read : Rows
        Slice of rows -> inputs (C, rows, W) float32.
    fill : (C,) float32
        Value of each channel beyond the map.
    map_valid : (H, W) bool
        Inside the map.
    context : Callable[[Origin], Float] | None, default None
        Origin of a tile -> (C, window, window) inputs of the wider square around it, which the network sees behind
        the tile's own channels; None: the network sees the tile alone.
    """

    read: Rows
    fill: NDArray[np.float32]
    map_valid: Bool
    context: Callable[[Origin], Float] | None = None

    def tiles(self, window: int, stride: int) -> Iterator[tuple[Origin, Float]]:
        """Origins and inputs (C, window, window) of the tiles that hold a valid cell, from the top down.

        A row of tiles reads the rows of the map once. With a context, tiles are (2C, window, window).
        """
        for row, origins in groupby(place_tiles(self.map_valid, window, stride), itemgetter(0)):
            band = self.read(slice(row, row + window))
            for origin in origins:
                tile = crop(band, (0, origin[1]), window, self.fill)
                yield origin, tile if self.context is None else np.concatenate([tile, self.context(origin)])


def run_tiles(
    net: Net, tiled_map: TiledMap, window: int, stride: int, batch_size: int, device: torch.device
) -> Iterator[tuple[Origin, dict[str, Tensor]]]:
    """Run a network over the tiles of a map that hold a valid cell, from the top down.

    Parameters
    ----------
    net : Net
        Network in evaluation.
    tiled_map : TiledMap
        Its inputs.
    window, stride : int
        Side of a tile and largest distance of neighbouring origins, in cells.
    batch_size : int
        Tiles at a time; fewer where the device's memory does not hold them.
    device : torch.device
        Of the network.

    Yields
    ------
    (row, col) of a tile in the padded map, {name: (channels, window, window) float32} as the network gives them, on
    the device.
    """
    tiles: Iterator[tuple[Origin, Float]] = tiled_map.tiles(window, stride)
    while group := list(islice(tiles, batch_size)):
        x = torch.from_numpy(np.stack([tile for _, tile in group]))
        if device.type == "cuda":  # the copy from pinned memory does not wait for the tiles before
            x = x.pin_memory()
        try:
            outputs = net(x.to(device, memory_format=torch.channels_last, non_blocking=True))
        except torch.OutOfMemoryError:
            if len(group) == 1:
                raise
            batch_size, tiles = len(group) // 2, chain(group, tiles)
            continue
        outputs = {name: values.float() for name, values in outputs.items()}
        for i, (origin, _) in enumerate(group):
            yield origin, {name: values[i] for name, values in outputs.items()}
