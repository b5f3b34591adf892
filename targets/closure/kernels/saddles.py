"""Pass 3: saddles, the edges of the basin graph, where two basins meet."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.closure.kernels.codes import BORDER, COL_STEP, MEETS, OVER_BORDER, ROW_STEP, SIDE_BITS, Cells
from targets.closure.kernels.compiled import compiled


class Saddles(NamedTuple):
    """Edges of the basin graph, one row each.

    Attributes
    ----------
    cell : (M,) int32 or int64
        Flat index of the cell where two basins meet.
    sides : (M, 2) int32
        The basins (or highs) that meet; 0 = the outside.
    directions : (M, 2) uint8
        The direction from the cell to the neighbour on each side: 0..7, `OVER_BORDER` or `NO_OUTLET`.
    """

    cell: NDArray
    sides: NDArray[np.int32]
    directions: NDArray[np.uint8]

    @classmethod
    def with_room_for(cls, size: int) -> "Saddles":
        """Saddles to be written; memory that is not written to costs nothing."""
        return cls(np.empty(size, np.int32), np.empty((size, 2), np.int32), np.empty((size, 2), np.uint8))

    def rows(self, rows: slice) -> "Saddles":
        """Views of some rows."""
        return Saddles(self.cell[rows], self.sides[rows], self.directions[rows])

    def copy_first(self, size: int) -> "Saddles":
        """Copies of the first rows, so that the room behind them can be given back."""
        return Saddles(self.cell[:size].copy(), self.sides[:size].copy(), self.directions[:size].copy())


def _runs_table(connectivity: int) -> NDArray[np.uint8]:
    """Runs of touching neighbours in each set of preceding neighbours.

    Returns (256, 5) uint8: up to four runs as bits of neighbours, 0 when there are fewer, and the number of runs. With
    4 neighbours a diagonal cell can link two of them but is no neighbour itself.
    """
    table = np.zeros((256, 5), np.uint8)
    used = 0xFF if connectivity == 8 else SIDE_BITS
    for preceding in range(256):
        left = {k for k in range(8) if preceding >> k & 1}
        while left:
            run = [left.pop()]
            for a in run:
                apart = [(k, abs(ROW_STEP[a] - ROW_STEP[k]), abs(COL_STEP[a] - COL_STEP[k])) for k in left]
                near = [k for k, r, c in apart if (max(r, c) if connectivity == 8 else r + c) == 1]
                left.difference_update(near)
                run += near
            bits = sum(1 << k for k in run) & used
            if bits:
                table[preceding, table[preceding, 4]] = bits
                table[preceding, 4] += 1
    return table


RUNS = {8: _runs_table(8), 4: _runs_table(4)}


@compiled(nogil=True)
def find_saddles(depth: NDArray, cells: Cells, runs: NDArray, first: int, last: int, saddles: Saddles) -> int:
    """Write the saddles of a strip of rows, in the order of cells.

    Parameters
    ----------
    depth : (H, W) float32 or float64, positive down
        The map.
    cells : Cells
        As passes 1 and 2 leave them.
    runs : (256, 5) uint8
        Of `RUNS`.
    first, last : int
        The strip is rows first..last-1.
    saddles : Saddles
        Written from the front.

    Returns
    -------
    int
        How many saddles were found.
    """
    precedes, flow, basin = cells.precedes, cells.flow, cells.basin
    cell, sides, directions = saddles.cell, saddles.sides, saddles.directions
    width = depth.shape[1]
    infinite = depth.dtype.type(np.inf)
    count = 0
    for row in range(first, last):
        for col in range(width):
            if flow[row, col] < MEETS:
                continue
            m = precedes[row, col]
            home, home_direction = -1, 0
            if flow[row, col] == BORDER + MEETS:
                home, home_direction = 0, OVER_BORDER
            start = count
            for j in range(runs[m, 4]):
                run = runs[m, j]
                best, best_z = 0, infinite
                for k in range(8):
                    if run >> k & 1:
                        z = depth[row + ROW_STEP[k], col + COL_STEP[k]]
                        best, best_z = (k, z) if z < best_z else (best, best_z)
                there = basin[row + ROW_STEP[best], col + COL_STEP[best]]
                if home == -1:
                    home, home_direction = there, best
                known = there == home
                for i in range(start, count):
                    known |= sides[i, 1] == there
                if not known:
                    cell[count] = row * width + col
                    sides[count, 0], sides[count, 1] = home, there
                    directions[count, 0], directions[count, 1] = home_direction, best
                    count += 1
    return count


@compiled(nogil=True)
def drop_redundant_saddles(order: NDArray, basins: int, saddles: Saddles) -> int:
    """Keep the saddles that join basins when a strip is taken alone.

    The others close a ring of saddles that precede them, so they join nothing in the whole map either.

    Parameters
    ----------
    order : (M,) int32
        The saddles by depth.
    basins : int
        How many basins there are, the outside included.
    saddles : Saddles
        Those that are kept are moved to the front.

    Returns
    -------
    int
        How many are kept.
    """
    cell, sides, directions = saddles.cell, saddles.sides, saddles.directions
    over, kept = np.arange(basins, dtype=np.int32), np.zeros(order.size, np.bool_)
    for e in order:
        a, b = find_root(over, sides[e, 0]), find_root(over, sides[e, 1])
        if a != b:
            over[a], kept[e] = b, True
    count = 0
    for e in range(order.size):
        if kept[e]:
            cell[count], sides[count], directions[count] = cell[e], sides[e], directions[e]
            count += 1
    return count


@compiled
def find_root(over: NDArray, a: int) -> int:
    """The root of a basin in a union-find forest (`over`: the basin above each), with path halving."""
    while over[a] != a:
        over[a] = over[over[a]]
        a = over[a]
    return a


@compiled
def swap_sides(e: int, sides: NDArray, directions: NDArray) -> None:
    """Swap the two sides of saddle e."""
    sides[e, 0], sides[e, 1] = sides[e, 1], sides[e, 0]
    directions[e, 0], directions[e, 1] = directions[e, 1], directions[e, 0]
