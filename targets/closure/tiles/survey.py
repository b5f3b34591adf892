"""Closures of one tile that no other tile can change, and the basin graph that the tile exports to the others.

A tile is read with a frame one cell wide of its neighbours. Flow codes, basins and saddles of its own cells are then
those of the whole map; only a way that leaves over the frame ends there, at a high that another tile knows.

A closure of which no basin has a cell beside another tile is *settled*: nothing outside can change what lies in it.
Seen from other tiles a settled closure is its crest, since a join looks at no more than crests, saddles and their
depths; only the crest is exported, and the tree inside it is attached after the global merge. Exported are the crests
of settled closures that are part of no other, every high that is in none, and the saddles between these.

In what is exported, a *high code* is 0 for the outside, k > 0 for the k-th exported crest, and -1 - j for whatever
high the j-th cell of the frame belongs to.

References
----------
Morozov & Weber (2013), Distributed merge trees. Proc. ACM SIGPLAN PPoPP, 93-102. To keep what no other tile can change
and export a reduced tree is their idea; what is kept here are closures.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from targets.closure.kernels.basins import RECEIVER, assign_basins
from targets.closure.kernels.branches import Hierarchy
from targets.closure.kernels.codes import BORDER, COL_STEP, DIRECTION, INSIDE, OFF_MAP, PEAK, ROW_STEP, Cells, Grid
from targets.closure.kernels.compiled import compiled
from targets.closure.kernels.merge import deepest_cells
from targets.closure.kernels.neighbours import find_preceding
from targets.closure.kernels.saddles import RUNS, Saddles, drop_redundant_saddles, find_saddles
from targets.closure.kernels.sorting import order_by_depth
from targets.closure.merge_tree import DeepestCells, build_hierarchy, crest_of_nodes


@dataclass(frozen=True, eq=False)
class FramedTile:
    """A tile as it is read, with a frame of one cell wherever another tile follows.

    Attributes
    ----------
    grid : Grid
        (h, w) depth and state, frame included.
    top, bottom, left, right : int
        Width of the frame on each side, 0 or 1.
    row, col : int
        Where the array's first cell lies in the map.
    map_width : int
        Columns of the map.
    """

    grid: Grid
    top: int
    bottom: int
    left: int
    right: int
    row: int
    col: int
    map_width: int

    def without_frame(self, array: NDArray) -> NDArray:
        """An array of the tile without the frame."""
        rows, cols = array.shape
        return array[self.top : rows - self.bottom, self.left : cols - self.right]

    def in_map(self, cells: NDArray) -> NDArray[np.int64]:
        """Flat indices into the map of flat indices into the tile."""
        rows, cols = np.divmod(cells.astype(np.int64), self.grid.depth.shape[1])
        return (rows + self.row) * self.map_width + cols + self.col

    def ring(self, inset: bool) -> NDArray[np.int64]:
        """Flat indices of the cells of the frame that are part of the map, or (inset) of the tile's cells beside it."""
        rows, cols = self.grid.depth.shape
        first, last = (self.top, rows - self.bottom) if inset else (0, rows)
        left, right = (self.left, cols - self.right) if inset else (0, cols)
        across, down = np.arange(left, right), np.arange(first, last)
        lines = [(self.top, first * cols + across), (self.bottom, (last - 1) * cols + across)]
        lines += [(self.left, down * cols + left), (self.right, down * cols + right - 1)]
        cells = np.unique(np.concatenate([np.empty(0, np.int64), *(line for there, line in lines if there)]))
        return cells[self.grid.state.ravel()[cells] == INSIDE] if self.grid.state.size > 0 else cells


@dataclass(frozen=True, eq=False)
class BasinGraph:
    """Highs and the saddles between them; all cells are flat indices into the map.

    Attributes
    ----------
    crest_cell : (k,) int64
        Peaks of the highs.
    crest_depth : (k,) float32 or float64, positive down
        Their depths.
    saddles : Saddles
        The saddles between the highs.
    saddle_depth : (e,) as crest_depth
        Their depths.
    updip : (e, 2) int32
        The high to which the way up-dip from each side of a saddle leads, 0 = out of the map.
    """

    crest_cell: NDArray[np.int64]
    crest_depth: NDArray
    saddles: Saddles
    saddle_depth: NDArray
    updip: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class ExportedGraph(BasinGraph):
    """What a tile exports to the others: a basin graph, in high codes.

    Attributes
    ----------
    border_cell : (b,) int64
        The tile's cells beside the frame.
    border_highs : (b, 2) int32
        The high that each of them belongs to, and the high up-dip of it.
    frame_cell : (m,) int64
        Cells of other tiles in the frame.
    """

    border_cell: NDArray[np.int64]
    border_highs: NDArray[np.int32]
    frame_cell: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Settled:
    """What a tile keeps to itself.

    Attributes
    ----------
    high_of_basin : (basins,) int32
        High code of the high that stands for each basin outside the tile.
    inner_of_basin : (basins,) int32
        Number of each basin in `highs`, 0 = it is not settled.
    high_of_inner : (k,) int32
        High code of each number in `highs`.
    highs : Hierarchy
        The settled closures, with what lies in them.
    """

    high_of_basin: NDArray[np.int32]
    inner_of_basin: NDArray[np.int32]
    high_of_inner: NDArray[np.int32]
    highs: Hierarchy


def survey(tile: FramedTile) -> tuple[NDArray[np.int32], ExportedGraph, Settled]:
    """Find what a tile can settle alone, and what it exports.

    Parameters
    ----------
    tile : FramedTile
        The tile and its frame.

    Returns
    -------
    basin : (h, w) int32
        The basin of every cell of the tile itself, -1 = off the map.
    exported : ExportedGraph
        What the other tiles need to know.
    settled : Settled
        What they do not.
    """
    depth = tile.grid.depth.ravel()
    frame, border = tile.ring(inset=False), tile.ring(inset=True)
    cells, peak, room = _find_basins(tile, frame)
    peaks, basins = peak.size, peak.size + frame.size  # the outside first, then own basins, then the frame's cells
    saddles = _find_saddles(tile, cells, basins, room)
    saddle_depth = depth[saddles.cell]

    changeable = np.zeros(basins, bool)  # basins that other tiles can change
    changeable[0] = changeable[peaks:] = True
    changeable[cells.basin.ravel()[border]] = True
    inner = np.concatenate([[0], np.flatnonzero(~changeable)]).astype(np.int32)
    inner_of_basin = np.zeros(basins, np.int32)
    inner_of_basin[inner] = np.arange(inner.size)

    def find_deepest(over: NDArray) -> DeepestCells:
        parts = np.where(cells.basin > 0, inner_of_basin[cells.basin], np.int32(0))
        deepest = deepest_cells(tile.grid.depth, parts, over)
        roots = np.flatnonzero(deepest >= 0)
        last = deepest[roots]
        return DeepestCells(roots, tile.in_map(last), depth[last], parts.ravel()[last])

    inner_saddles = Saddles(tile.in_map(saddles.cell), inner_of_basin[saddles.sides], saddles.directions.copy())
    highs = build_hierarchy(
        tile.in_map(peak[inner]), depth[peak[inner]], inner_saddles, saddle_depth, tile.grid.interval, tile.grid.base,
        find_deepest,
    )  # fmt: skip

    outermost = highs.closures.outermost
    around = outermost[: inner.size]
    stands = np.where(around > 0, crest_of_nodes(highs)[around], np.arange(inner.size, dtype=np.int32))
    exported = changeable.copy()
    exported[0] = exported[peaks:] = False
    exported[inner[stands]] = True  # for each settled basin, the crest that stands for it
    exported[0] = False
    codes = np.cumsum(exported, dtype=np.int32)
    codes[0] = 0
    codes[peaks:] = -1 - np.arange(frame.size)
    codes[inner] = codes[inner[stands]]
    nested = (outermost > 0) & (outermost != np.arange(outermost.size))
    kept = np.ones(saddles.cell.size, bool)
    kept[highs.tree.saddle[nested]] = False

    cols = tile.grid.depth.shape[1]
    steps = np.append(ROW_STEP * cols + COL_STEP, 0)  # over the border: the cell itself, which leads out
    updip = codes[_updip_basins(saddles.cell[kept, None] + steps[saddles.directions[kept]], cells)]
    border_updip = codes[_updip_basins(border[:, None], cells)[:, 0]]
    crests = peak[exported[:peaks]]
    graph = ExportedGraph(
        tile.in_map(crests), depth[crests],
        Saddles(tile.in_map(saddles.cell[kept]), codes[saddles.sides[kept]], saddles.directions[kept]),
        saddle_depth[kept], updip,
        tile.in_map(border), np.stack([codes[cells.basin.ravel()[border]], border_updip], axis=1), tile.in_map(frame),
    )  # fmt: skip
    settled = Settled(codes, inner_of_basin, codes[inner], highs)
    return tile.without_frame(cells.basin).copy(), graph, settled


def _find_basins(tile: FramedTile, frame: NDArray[np.int64]) -> tuple[Cells, NDArray[np.int32], int]:
    """Passes 1 and 2 on a tile, where each cell of the frame is a basin of its own.

    Also the peaks, with 0 for the outside, and how many saddles there are at most.
    """
    grid = tile.grid
    rows, cols = grid.depth.shape
    first, last = tile.top, rows - tile.bottom
    cells = Cells(*(np.empty(grid.depth.shape, kind) for kind in (np.uint8, np.uint8, np.int32)))
    peaks, room = find_preceding(grid, first, last, cells)
    for framed in (np.s_[:first], np.s_[last:], np.s_[:, : tile.left], np.s_[:, cols - tile.right :]):
        cells.precedes[framed], cells.flow[framed], cells.basin[framed] = 0, OFF_MAP, -1
    peak = np.zeros(peaks + 1, np.int32)
    n = _number_peaks(cells, peak)
    cells.basin.ravel()[frame] = np.arange(n + 1, n + 1 + frame.size)
    assign_basins(cells, RECEIVER[8 if grid.eight else 4], first, last)
    return cells, peak[: n + 1], room


def _find_saddles(tile: FramedTile, cells: Cells, basins: int, room: int) -> Saddles:
    """Pass 3 on a tile; room : of `_find_basins`."""
    grid = tile.grid
    first, last = tile.top, grid.depth.shape[0] - tile.bottom
    found = Saddles.with_room_for(room)
    size = find_saddles(grid.depth, cells, RUNS[8 if grid.eight else 4], first, last, found)
    size = drop_redundant_saddles(order_by_depth(grid.depth.ravel()[found.cell[:size]]), basins, found)
    return found.copy_first(size)


@compiled(nogil=True)
def _number_peaks(cells: Cells, peak: NDArray) -> int:
    """Number the peaks from 1 on, as `number_peaks` does; returns how many there are."""
    codes, basins, count = cells.flow.ravel(), cells.basin.ravel(), 0
    for i in range(codes.size):
        if codes[i] == PEAK:
            count += 1
            basins[i], peak[count] = count, i
    return count


@compiled(nogil=True)
def _updip_basins(starts: NDArray, cells: Cells) -> NDArray:
    """The basin at the end of the way up-dip from each of these cells (N, M); 0 = it leads out of the map."""
    codes, basins = cells.flow.ravel(), cells.basin.ravel()
    step = ROW_STEP * cells.flow.shape[1] + COL_STEP
    found = np.zeros(starts.shape, np.int32)
    for row in range(starts.shape[0]):
        for col in range(starts.shape[1]):
            i = starts[row, col]
            while codes[i] & DIRECTION < PEAK:
                i += step[codes[i] & DIRECTION]
            if codes[i] & DIRECTION != BORDER:  # a peak, or a cell of the frame
                found[row, col] = max(basins[i], 0)
    return found
