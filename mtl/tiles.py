"""How one network answers for a map of any size: overlapping tiles, blended with weights that fade to their borders."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import ceil
from typing import Literal

import numpy as np
import torch
from monai.data.utils import compute_importance_map
from numpy.typing import NDArray
from torch import Tensor

from mtl.net import STRIDE
from targets.errors import UserError
from targets.scene import Bool, Float

FLOOR = 1e-3  # of the tile weights: Hann weights are 0 on a tile's border, where 0/0 would lose covered cells

Origin = tuple[int, int]
Net = Callable[[Tensor], dict[str, Tensor]]


def padded_length(length: int, window: int) -> int:
    """The length rounded up to a multiple of the encoder's stride, and at least one window."""
    return max(window, ceil(length / STRIDE) * STRIDE)


def tile_origins(length: int, window: int, stride: int) -> list[int]:
    """Origins of tiles along one side: evenly spread, at most `stride` apart, all on multiples of the encoder's stride.

    An origin off these multiples would shift the encoder's grid and change the answer.

    Raises
    ------
    UserError : window or stride is not a positive multiple of 32, or the stride leaves gaps.
    """
    for name, value in (("window", window), ("stride", stride)):
        if value <= 0 or value % STRIDE:
            raise UserError(f"tile {name}", f"{value}", f"a positive multiple of {STRIDE}")
    if stride > window:
        raise UserError("tile stride", f"{stride} is larger than the window {window}", "tiles that leave no gap")
    span = padded_length(length, window) - window
    steps = ceil(span / stride)
    # floor of even spacing on the 32-grid: gaps differ by at most one grid step and never exceed the stride
    return [STRIDE * (i * (span // STRIDE) // steps) for i in range(steps + 1)] if steps else [0]


def tile_weights(window: int, kind: Literal["gaussian", "hann"]) -> Tensor:
    """(window, window) float32 in [FLOOR, 1], largest in the middle."""
    if kind == "gaussian":
        weights = compute_importance_map((window, window), mode="gaussian", sigma_scale=0.125).float()
    else:
        side = torch.hann_window(window, periodic=False)
        weights = side[:, None] * side[None, :]
    return (weights / weights.max()).clamp(min=FLOOR)


class Blend:
    """A weighted average of overlapping tiles: the weights are summed beside the values, in float32.

    Parameters
    ----------
    shape : (H, W) of the padded map.
    weights : (window, window) tile weights.
    """

    def __init__(self, shape: tuple[int, int], weights: Tensor) -> None:
        self._weights = weights
        self._total = torch.zeros(shape)
        self._sums: dict[str, Tensor] = {}

    def add(self, origin: Origin, tile: Mapping[str, Tensor]) -> None:
        """Add one tile's values, {name: (C, window, window)}; cells that are not finite are left out."""
        row, col = origin
        size = self._weights.shape[0]
        here = (slice(row, row + size), slice(col, col + size))
        finite = torch.stack([torch.isfinite(values).all(0) for values in tile.values()]).all(0)
        weights = self._weights * finite
        self._total[here] += weights
        for name, values in tile.items():
            if name not in self._sums:
                self._sums[name] = torch.zeros(values.shape[0], *self._total.shape)
            self._sums[name][:, *here] += torch.where(finite, values, 0) * weights

    def result(self) -> dict[str, Tensor]:
        """{name: (C, H, W)}, NaN where no tile gave a value."""
        return {name: sums / self._total.where(self._total > 0, torch.nan) for name, sums in self._sums.items()}


def run_tiles(
    net: Net,
    inputs: Float,
    outside: NDArray[np.float32],
    map_valid: Bool,
    window: int,
    stride: int,
    batch: int,
    device: torch.device,
) -> Iterator[tuple[Origin, dict[str, Tensor]]]:
    """Run the network over the tiles of a map that hold a valid cell.

    Parameters
    ----------
    inputs : (C, H, W) float32.
    outside : (C,) what each channel is beyond the map.
    map_valid : (H, W) bool.

    Yields
    ------
    (row, col) of a tile in the padded map, {head: (channels, window, window) logits on the CPU}.
    """
    height, width = map_valid.shape
    rows, cols = (tile_origins(length, window, stride) for length in (height, width))
    wanted = [(r, c) for r, c in product(rows, cols) if map_valid[r : r + window, c : c + window].any()]
    for start in range(0, len(wanted), batch):
        origins = wanted[start : start + batch]
        tiles = np.stack([cut(inputs, origin, window, outside) for origin in origins])
        x = torch.from_numpy(tiles).to(device, memory_format=torch.channels_last)
        logits = {name: values.float().cpu() for name, values in net(x).items()}
        for i, origin in enumerate(origins):
            yield origin, {name: values[i] for name, values in logits.items()}


def cut(array: NDArray, origin: Origin, size: int, fill: Sequence[float] | NDArray) -> NDArray:
    """(C, size, size) of a (C, H, W) array from a row and column on; beyond the array, channel c is fill[c]."""
    row, col = origin
    inside = array[:, row : row + size, col : col + size]
    if inside.shape[1:] == (size, size):
        return inside
    patch = np.empty((array.shape[0], size, size), array.dtype)
    patch[:] = np.asarray(fill, array.dtype)[:, None, None]
    patch[:, : inside.shape[1], : inside.shape[2]] = inside
    return patch
