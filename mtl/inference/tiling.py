"""How one network answers for a map of any size: overlapping tiles, blended with weights that fade to their borders."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, groupby, islice
from math import ceil
from operator import itemgetter
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtl.config import STRIDE
from mtl.data.crop import Origin, crop
from targets.errors import UserError
from targets.scene import Bool, Float, Rows

CPU_CELLS, GPU_CELLS = 2**18, 2**22  # of a batch: 4 and 64 tiles of 256 cells
Net = Callable[[Tensor], dict[str, Tensor]]


def pad_length(length: int, window: int) -> int:
    """The length rounded up to a multiple of the encoder's stride, and at least one window."""
    return max(window, ceil(length / STRIDE) * STRIDE)


def space_tiles(length: int, window: int, stride: int) -> list[int]:
    """Origins of tiles along one side: evenly spread, at most `stride` apart, all on multiples of the encoder's stride.

    An origin off these multiples would shift the encoder's grid and change the answer.

    Raises
    ------
    UserError
        Window or stride is not a positive multiple of 32, or the stride leaves gaps.
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
    """(row, col) of the tiles that a map of any shape (H, W) needs, from the top down.

    Rows of tiles are spread from the first to the last row of the map, and the tiles of each from the first to the last
    column that the map has there; tiles in which it has no cell at all are left out.
    """
    places = []
    for row in _origins_over(map_valid.max(axis=1), window, stride):
        held = map_valid[row : row + window].max(axis=0)
        places += [(row, col) for col in _origins_over(held, window, stride) if held[col : col + window].any()]
    return places


def _origins_over(held: Bool, window: int, stride: int) -> list[int]:
    """`tile_origins` from the first to the last cell of a side (n,) that holds something, within its padded length."""
    (cells,) = np.nonzero(held)
    if not cells.size:
        return []
    first = int(cells[0]) // STRIDE * STRIDE
    length = int(cells[-1]) + 1 - first
    first = min(first, pad_length(len(held), window) - pad_length(length, window))
    return [first + origin for origin in space_tiles(length, window, stride)]


def make_tile_weights(window: int, kind: Literal["gaussian", "hann"]) -> Tensor:
    """(window, window) float32, positive, 1 in the middle: the product of one profile down and the same across.

    No floor is laid under the product: along the border of the map it would make the weights of all tiles there alike,
    and their edges would show. MONAI's importance map has one, of 0.001; and the first and last of its Hann weights
    are 0, which would lose cells that no other tile covers.
    """
    if kind == "gaussian":
        side = torch.signal.windows.gaussian(window, std=window / 8)
    else:
        side = torch.signal.windows.hann(window + 2)[1:-1]
    side = (side / side.max()).float()
    return torch.outer(side, side)


class TileBlender:
    """A weighted average of overlapping tiles: the weights are summed beside the values, in float32.

    It holds a band of rows only. Within the band tiles may come in any order; `rows` hands out those that no later
    tile will touch, and moves the band down.

    Parameters
    ----------
    band
        (rows held, W); at least a window high.
    weights
        (window, window) tile weights; sums stay on their device.
    channels
        {name: C} of the values that are blended.
    """

    def __init__(self, band: tuple[int, int], weights: Tensor, channels: Mapping[str, int]) -> None:
        self._weights, self._top = weights, 0
        self._total = torch.zeros(1, *band, device=weights.device)
        self._sums = {name: torch.zeros(planes, *band, device=weights.device) for name, planes in channels.items()}

    def add(self, origin: Origin, tile: Mapping[str, Tensor]) -> None:
        """Add one tile's values, {name: (C, window, window)}; cells that are not finite are left out."""
        row, col = origin[0] - self._top, origin[1]
        size = self._weights.shape[0]
        here = (slice(None), slice(row, row + size), slice(col, col + size))
        finite = torch.stack([torch.isfinite(values).all(0) for values in tile.values()]).all(0)
        weights = self._weights * finite
        self._total[here] += weights
        for name, values in tile.items():
            self._sums[name][here].addcmul_(torch.where(finite, values, 0), weights)

    def finished_rows(self, until: int) -> Iterator[tuple[int, dict[str, Tensor]]]:
        """The finished rows above `until`: the first of them, and {name: (C, rows, W)}, NaN where no tile gave a value.

        At most as many rows at a time as the band holds.
        """
        held = self._total.shape[1]
        while (count := min(until - self._top, held)) > 0:
            total = self._total[:, :count]
            share = torch.where(total > 0, 1 / total, torch.nan)
            yield self._top, {name: sums[:, :count] * share for name, sums in self._sums.items()}
            for array in (self._total, *self._sums.values()):
                array[:, : held - count] = array[:, count:].clone()
                array[:, held - count :] = 0
            self._top += count


def blend_tiles(
    tiles: Iterable[tuple[Origin, Mapping[str, Tensor]]], shape: tuple[int, int], weights: Tensor
) -> Iterator[tuple[int, dict[str, Tensor]]]:
    """Blend tiles that come from the top down, and yield rows as soon as no later tile touches them.

    Parameters
    ----------
    tiles : Iterable[tuple[Origin, Mapping[str, Tensor]]]
        (row, col) in the padded map and {name: (C, window, window)}; at least one.
    shape : (H, W)
        Of the padded map.
    weights : Tensor
        (window, window).

    Yields
    ------
    First row, {name: (C, rows, W)}: all H rows in order, NaN where no tile gave a value.
    """
    blend: TileBlender | None = None
    for origin, tile in tiles:
        if blend is None:
            channels = {name: values.shape[0] for name, values in tile.items()}
            blend = TileBlender((len(weights), shape[1]), weights, channels)
        yield from blend.finished_rows(origin[0])
        blend.add(origin, tile)
    assert blend is not None
    yield from blend.finished_rows(shape[0])


def default_batch_size(window: int, device: torch.device) -> int:
    """A batch that keeps the device busy: on a CPU more gain nothing, and on a GPU memory has the last word."""
    return max(1, (CPU_CELLS if device.type == "cpu" else GPU_CELLS) // window**2)


def run_tiles(
    net: Net,
    read: Rows,
    fill: NDArray[np.float32],
    map_valid: Bool,
    window: int,
    stride: int,
    batch_size: int,
    device: torch.device,
    context: Callable[[Origin], Float] | None = None,
) -> Iterator[tuple[Origin, dict[str, Tensor]]]:
    """Run the network over the tiles of a map that hold a valid cell, from the top down.

    Parameters
    ----------
    read : Rows
        A slice of rows -> inputs (C, rows, W) float32.
    outside : (C,)
        What each channel is beyond the map.
    map_valid : (H, W) bool
        .
    batch : int
        Tiles at a time; fewer where the device's memory does not hold them.
    context : Callable[[Origin], Float] | None, default None
        Origin of a tile -> (C, window, window) inputs of what lies around it, which the network is shown behind the
        tile's own.

    Yields
    ------
    (row, col) of a tile in the padded map, {name: (channels, window, window) float32} as the network gives them, on
    the device.
    """
    cuts: Iterator[tuple[Origin, Float]] = read_tiles(read, fill, map_valid, window, stride)
    while group := list(islice(cuts, batch_size)):
        origins, tiles = zip(*group, strict=True)
        if context is not None:
            tiles = tuple(np.concatenate([tile, context(origin)]) for origin, tile in group)
        x = torch.from_numpy(np.stack(tiles))
        if device.type == "cuda":  # the copy from pinned memory does not wait for the tiles before
            x = x.pin_memory()
        try:
            answers = net(x.to(device, memory_format=torch.channels_last, non_blocking=True))
        except torch.OutOfMemoryError:
            if len(group) == 1:
                raise
            batch_size, cuts = len(group) // 2, chain(group, cuts)
            continue
        answers = {name: values.float() for name, values in answers.items()}
        for i, origin in enumerate(origins):
            yield origin, {name: values[i] for name, values in answers.items()}


def read_tiles(
    read: Rows, fill: NDArray[np.float32], map_valid: Bool, window: int, stride: int
) -> Iterator[tuple[Origin, Float]]:
    """Origins and inputs (C, window, window) of the tiles that hold a valid cell; a row of them reads its rows once."""
    for row, places in groupby(place_tiles(map_valid, window, stride), itemgetter(0)):
        band = read(slice(row, row + window))
        for place in places:
            yield place, crop(band, (0, place[1]), window, fill)
