"""Pass 5: area, volume and contact with faults, summed over the cells of each closure."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.closure.kernels.branches import Branches, climb
from targets.closure.kernels.compiled import compiled

SUMS = np.dtype([("area", np.int64), ("depth", np.float64)])  # cells, and the sum of their depths


class Totals(NamedTuple):
    """Sums over the cells of each closure, per branch node.

    Attributes
    ----------
    sums : (closures,) of `SUMS`
        Number of cells, and the sum of their depths.
    touches : (closures,) bool
        Whether one of its cells lies on a fault or next to one.
    """

    sums: NDArray
    touches: NDArray[np.bool_]

    @classmethod
    def zeros(cls, size: int) -> "Totals":
        """Totals of no cells."""
        return cls(np.zeros(size, SUMS), np.zeros(size, bool))


class Surface(NamedTuple):
    """What is summed over cells; all arrays (H, W).

    Attributes
    ----------
    depth : float32 or float64, positive down
        The map.
    basin : int32
        Basins of its cells.
    near_fault : bool, or (0, 0)
        Cells on a fault or next to one.
    """

    depth: NDArray
    basin: NDArray[np.int32]
    near_fault: NDArray[np.bool_]


@compiled(nogil=True)
def sum_cells(
    surface: Surface, limit: NDArray, outermost: NDArray, branches: Branches, first: int, last: int, totals: Totals
) -> None:
    """Add the cells of a strip of rows to the innermost closure that holds each of them.

    Parameters
    ----------
    surface : Surface
        The map.
    limit : (nodes,) float32 or float64
        The deepest depth that belongs to each node's closure.
    outermost : (basins,) int32
        The outermost closure around each basin, a place in `limit`.
    branches : Branches
        Branch decomposition of the closures.
    first, last : int
        The strip is rows first..last-1.
    totals : Totals
        Added to.
    """
    depth, basin, near_fault = surface
    nodes, of_crest, entry = branches
    sums, touches = totals
    width = depth.shape[1]
    outside = limit[0]
    before = np.full(width + 1, -1, np.int32)  # branch nodes of the row above, and of this row; -1 = in no closure
    here = np.full(width + 1, -1, np.int32)
    for row in range(first, last):
        b_last, at_peak, root_limit = -2, -1, outside
        for col in range(width):
            b = basin[row, col]
            if b != b_last:
                b_last = b
                at_peak, root_limit = entry[max(b, 0)], limit[outermost[max(b, 0)]]
            z = depth[row, col]
            if at_peak < 0 or not z <= root_limit:  # the depth of a cell off the map can be anything, -inf too
                here[col + 1] = -1
                continue
            # a preceding neighbour lies in the same closure, or in one inside it: begin there, at the deeper of two
            at, z_at = at_peak, outside
            west, north = depth[row, col - 1], depth[row - 1, col]  # if in a closure; else anything
            better = (here[col] >= 0) & (west <= z)
            at, z_at = (here[col], west) if better else (at, z_at)
            better = (before[col + 1] >= 0) & (north <= z) & (north > z_at)
            at = before[col + 1] if better else at
            if nodes[at]["limit"] < z:
                at = climb(at, z, nodes, of_crest)
            here[col + 1] = at
            sums[at]["area"] += 1
            sums[at]["depth"] += z
            if near_fault.size > 0 and near_fault[row, col]:
                touches[at] = True
        before, here = here, before


@compiled(nogil=True)
def add_nested(branches: Branches, totals: Totals) -> None:
    """Add the totals of nested closures to those around them: branch by branch, after all that end on its nodes."""
    nodes, of_crest, sums, touches = branches.nodes, branches.branches, totals.sums, totals.touches
    waiting = np.zeros(of_crest.size, np.int32)  # for so many branches
    for branch in of_crest[1:]:
        if branch["size"] > 0 and branch["above"] >= 0:
            waiting[nodes[branch["above"]]["crest"]] += 1
    for start in range(1, of_crest.size):
        crest = start
        while crest <= start and waiting[crest] == 0 and of_crest[crest]["size"] > 0:
            branch, waiting[crest] = of_crest[crest], -1
            i = branch["start"]
            for _ in range(branch["size"] - 1):
                _add_to(i, i + 1, sums, touches)
                i += 1
            if branch["above"] < 0:
                break
            _add_to(i, branch["above"], sums, touches)
            crest = nodes[branch["above"]]["crest"]
            waiting[crest] -= 1


@compiled
def _add_to(part: int, whole: int, sums: NDArray, touches: NDArray) -> None:
    """Add the totals of one branch node to another."""
    sums[whole]["area"] += sums[part]["area"]
    sums[whole]["depth"] += sums[part]["depth"]
    touches[whole] |= touches[part]
