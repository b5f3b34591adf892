"""Blending: the weighted mean of overlapping tiles, row by row, with weights that fall towards a tile's border."""

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor

from mtl.config import TileWeights
from mtl.data.crop import Origin


def make_tile_weights(window: int, kind: TileWeights) -> Tensor:
    """Weights of a tile's cells: positive, 1 in the middle, the product of one profile down and the same across.

    They have no floor: along the border of the map it would make the weights of all tiles alike, and their edges would
    show. MONAI's `compute_importance_map` has one, of 0.001, and is equal otherwise. The Hann window goes without its
    first and last value, 0, which would lose cells that no other tile covers.

    Parameters
    ----------
    window : int
        Side of a tile, in cells.
    kind : TileWeights
        gaussian (standard deviation of an eighth of the window), hann, or constant (all 1).

    Returns
    -------
    (window, window) float32.

    Examples
    --------
    >>> make_tile_weights(64, "hann").shape, float(make_tile_weights(64, "constant").sum())
    (torch.Size([64, 64]), 4096.0)
    """
    if kind == "gaussian":
        side = torch.signal.windows.gaussian(window, std=window / 8)
    elif kind == "hann":
        side = torch.signal.windows.hann(window + 2)[1:-1]
    else:
        side = torch.ones(window)
    side = (side / side.max()).float()
    return torch.outer(side, side)


class TileBlender:
    """Weighted mean of overlapping tiles: the weights are summed beside the values, in float32.

    It holds a band of rows only. Within the band tiles may come in any order; `finished_rows` yields those that no
    later tile will touch, and moves the band down.

    Parameters
    ----------
    band : tuple[int, int]
        Rows held, at least as many as a window has, and width of the padded map.
    weights : (window, window) float32
        Of `make_tile_weights`; sums stay on their device.
    channels : Mapping[str, int]
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
        """The rows above `until`: the first of them, and {name: (C, rows, W)}, NaN where no tile gave a value.

        At most as many rows at a time as the band holds.
        """
        held = self._total.shape[1]
        while (count := min(until - self._top, held)) > 0:
            total = self._total[:, :count]
            scale = torch.where(total > 0, 1 / total, torch.nan)
            yield self._top, {name: sums[:, :count] * scale for name, sums in self._sums.items()}
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
    weights : (window, window) float32
        Of `make_tile_weights`.

    Yields
    ------
    First row, {name: (C, rows, W)}: all H rows in order, NaN where no tile gave a value.

    Examples
    --------
    Two tiles of one row, half over each other: where they overlap, their mean.

    >>> tiles = [((0, col), {"trap": torch.full((1, 2, 2), value)}) for col, value in ((0, 1.0), (1, 3.0))]
    >>> ((first_row, band),) = blend_tiles(tiles, (2, 3), torch.ones(2, 2))
    >>> first_row, band["trap"][0, 0].tolist()
    (0, [1.0, 2.0, 3.0])
    """
    blender: TileBlender | None = None
    for origin, tile in tiles:
        if blender is None:
            channels = {name: values.shape[0] for name, values in tile.items()}
            blender = TileBlender((len(weights), shape[1]), weights, channels)
        yield from blender.finished_rows(origin[0])
        blender.add(origin, tile)
    assert blender is not None
    yield from blender.finished_rows(shape[0])
