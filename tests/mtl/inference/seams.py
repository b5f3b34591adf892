"""How visible the edges of tiles are in a blended map, measured against the same map without its edges."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from mtl.data.crop import Origin
from targets.scene import Bool


def edge_jumps(
    tiles: Mapping[Origin, Tensor],
    weights: Tensor,
    map_valid: Bool,
    activation: Callable[[Tensor], Tensor] = lambda values: values,
) -> tuple[float, float]:
    """How far the blended map jumps across the lines where tiles begin or end, and how far it would without them.

    The second figure is the jump across the same lines, between the same cells, of a blend of those tiles alone that
    run on across the line: what the map and the network do there anyway. Comparing with other lines would compare
    other pieces of the map, and an encoder's answer has steps of its own on multiples of 32, where tiles begin.

    Parameters
    ----------
    tiles : {(row, col): (C, window, window)} as they are blended.
    weights : (window, window).
    activation : of the blended values.

    Returns
    -------
    Sums of |difference of two neighbouring cells| over all lines, down and across. Lines that no tile crosses are left
    out.
    """
    down = _jumps(tiles, weights, torch.from_numpy(map_valid), activation)
    turned = {(col, row): tile.transpose(-1, -2) for (row, col), tile in tiles.items()}
    across = _jumps(turned, weights, torch.from_numpy(map_valid).T, activation)
    return down[0] + across[0], down[1] + across[1]


def _jumps(
    tiles: Mapping[Origin, Tensor], weights: Tensor, valid: Tensor, activation: Callable[[Tensor], Tensor]
) -> tuple[float, float]:
    window = len(weights)
    edges = {edge for row, _ in tiles for edge in (row, row + window) if 0 < edge < len(valid)}
    jump = expected = 0.0
    for edge in edges:
        near = {o: t for o, t in tiles.items() if o[0] <= edge <= o[0] + window}
        run_on = {o: t for o, t in near.items() if o[0] < edge < o[0] + window}
        if run_on:
            steps = [_step(some, weights, edge, valid.shape[1], activation) for some in (near, run_on)]
            cells = valid[edge - 1] & valid[edge] & steps[1].isfinite()
            jump += float(steps[0][cells].sum())
            expected += float(steps[1][cells].sum())
    return jump, expected


def _step(
    tiles: Mapping[Origin, Tensor], weights: Tensor, edge: int, width: int, activation: Callable[[Tensor], Tensor]
) -> Tensor:
    """(width,) |difference| between the rows above and below an edge of a blend of some tiles, NaN without a tile."""
    window = len(weights)
    lines = []
    for line in (edge - 1, edge):
        here = {origin: tile for origin, tile in tiles.items() if 0 <= line - origin[0] < window}
        across = max(col for _, col in here) + window if here else width
        total = torch.zeros(max(width, across))
        sums = torch.zeros(next(iter(tiles.values())).shape[0], len(total))
        for (row, col), tile in here.items():
            total[col : col + window] += weights[line - row]
            sums[:, col : col + window] += weights[line - row] * tile[:, line - row]
        lines.append(activation((sums / total)[:, None])[:, 0, :width])
    return (lines[1] - lines[0]).abs().sum(0)
