"""The join tree of one map: passes 1 to 5 in order, and the arrays they fill."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.closure.kernels.basins import RECEIVER, assign_basins, label_cells, number_peaks
from targets.closure.kernels.branches import Branches, Hierarchy, branch_node_type, branch_type, build_branches
from targets.closure.kernels.codes import COL_STEP, NO_OUTLET, ROW_STEP, Cells, Grid
from targets.closure.kernels.merge import (
    Forest,
    JoinTree,
    NodeClosures,
    classify_nodes,
    deepest_cells,
    find_limits,
    join_basins,
)
from targets.closure.kernels.neighbours import find_preceding
from targets.closure.kernels.outlets import find_outlets, outlets_of_unlisted_highs
from targets.closure.kernels.properties import Surface, Totals, add_nested, sum_cells
from targets.closure.kernels.routing import Routing, trace_leaks
from targets.closure.kernels.saddles import RUNS, Saddles, drop_redundant_saddles, find_saddles
from targets.closure.kernels.sorting import order_by_depth
from targets.closure.kernels.table import TableData, fill_table, number_closures
from targets.closure.strips import map_strips


class DeepestCells(NamedTuple):
    """The deepest cell of each part of the map without a way out, where that part is full.

    Attributes
    ----------
    roots : (K,) int
        The high that stands for each part in the union-find forest, rising.
    cell : (K,) int32 or int64
        Flat index of its deepest cell in the map, the last of equals.
    depth : (K,) float32 or float64
        Depth of that cell.
    high : (K,) int32
        The high that the cell belongs to.
    """

    roots: NDArray
    cell: NDArray
    depth: NDArray
    high: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class ClosureTree:
    """Every basin, saddle and closure of one map.

    Attributes
    ----------
    depth : (H, W) float32 or float64, positive down
        The map.
    cells : Cells
        Flow codes and basins of its cells; `precedes` is empty, nothing needs it any more.
    highs : Hierarchy
        The hierarchy of its closures.
    """

    depth: NDArray
    cells: Cells
    highs: Hierarchy

    @property
    def routing(self) -> Routing:
        """The ways up-dip from every cell."""
        highs, width = self.highs, self.depth.shape[1]
        return Routing(
            self.cells.flow.ravel(), self.cells.basin.ravel(), highs.saddles.cell, highs.saddles.directions,
            highs.closures.outermost, highs.outlet, ROW_STEP * width + COL_STEP,
        )  # fmt: skip

    def total(self, near_fault: NDArray[np.bool_]) -> Totals:
        """Sum area and depth of every closure; near_fault : (H, W) cells on or next to a fault, or (0, 0)."""
        highs = self.highs
        surface = Surface(self.depth, self.cells.basin, near_fault)

        def work(first: int, last: int) -> Totals:
            part = Totals.zeros(highs.branches.nodes.size)
            sum_cells(surface, highs.closures.limit, highs.closures.outermost, highs.branches, first, last, part)
            return part

        # one strip per thread, added in order: the same sums to the last bit in every run
        totals, *others = map_strips(self.depth.size, self.depth.shape[0], work, strips_per_thread=1)
        for more in others:
            totals.sums["area"] += more.sums["area"]
            totals.sums["depth"] += more.sums["depth"]
            totals.touches[:] |= more.touches
        add_nested(highs.branches, totals)
        return totals

    def fill(self, table: NDArray, ids: NDArray[np.int32], totals: Totals) -> None:
        """Write the rows of the table; ids : of `number_nodes`."""
        highs, routing = self.highs, self.routing
        if highs.interval > 0:
            pass_leaks_on(highs, ids[highs.closures.outermost[: highs.crest_cell.size]] > 0)
        nodes = ids.size
        spills_into = np.zeros(nodes, np.int32)
        map_strips(nodes, nodes, lambda a, b: trace_leaks(self.depth, routing, highs.closures, ids, a, b, spills_into))
        write_rows(highs, TableData(self.depth.shape[1], spills_into, totals, ids), table)


def grow_tree(grid: Grid) -> ClosureTree:
    """Run passes 1 to 5 on a map.

    Parameters
    ----------
    grid : Grid
        The map.

    Returns
    -------
    ClosureTree
        Its closures.
    """
    depth = grid.depth
    size, rows, connectivity = depth.size, depth.shape[0], 8 if grid.eight else 4
    cells = Cells(np.empty(depth.shape, np.uint8), np.empty(depth.shape, np.uint8), np.empty(depth.shape, np.int32))

    counts = map_strips(size, rows, lambda a, b: (a, *find_preceding(grid, a, b, cells)))
    n = sum(peaks for _, peaks, _ in counts)
    peak = np.zeros(n + 1, np.int32)
    first_peak = {a: 1 + sum(c[1] for c in counts[:i]) for i, (a, *_) in enumerate(counts)}
    map_strips(size, rows, lambda a, b: number_peaks(cells, a, b, first_peak[a], peak))
    map_strips(size, rows, lambda a, b: assign_basins(cells, RECEIVER[connectivity], a, b))

    saddles = _saddles_of_strips(depth, cells, connectivity, n, {a: most for a, _, most in counts})
    saddle_depth = depth.ravel()[saddles.cell]

    def find_deepest(over: NDArray) -> DeepestCells:
        deepest = deepest_cells(depth, cells.basin, over)
        roots = np.flatnonzero(deepest >= 0)
        last = deepest[roots]
        return DeepestCells(roots, last, depth.ravel()[last], cells.basin.ravel()[last])

    crest_depth = depth.ravel()[peak]
    cells = cells._replace(precedes=np.empty((0, 0), np.uint8))  # a byte per cell
    highs = build_hierarchy(peak, crest_depth, saddles, saddle_depth, grid.interval, grid.base, find_deepest)
    return ClosureTree(depth, cells, highs)


def _saddles_of_strips(depth: NDArray, cells: Cells, connectivity: int, n: int, most: dict[int, int]) -> Saddles:
    """The saddles that matter, in the order of cells; most : {first row of a strip: how many it can have}."""
    found = Saddles.with_room_for(sum(most.values()) + n)  # each strip has room for all it could find
    starts = dict(zip(most, np.cumsum([0, *most.values()]).tolist(), strict=False))

    def search(a: int, b: int) -> tuple[int, int]:
        at = starts[a]
        part = found.rows(slice(at, None))
        count = find_saddles(depth, cells, RUNS[connectivity], a, b, part)
        order = order_by_depth(depth.ravel()[part.cell[:count]])
        return at, drop_redundant_saddles(order, n + 1, part)

    size = 0
    for at, count in map_strips(depth.size, depth.shape[0], search):
        if at > size:
            for array in found:
                array[size : size + count] = array[at : at + count]
        size += count
    return found.copy_first(size)


def build_hierarchy(
    crest_cell: NDArray, crest_depth: NDArray, saddles: Saddles, saddle_depth: NDArray, interval: float, base: float,
    find_deepest: Callable[[NDArray], DeepestCells],
) -> Hierarchy:  # fmt: skip
    """Join highs at the saddles between them, and find which of the joins are closures.

    Parameters
    ----------
    crest_cell : (n + 1,) int32 or int64
        Flat index of each high's peak in the map, in the order of cells; 0 is the outside.
    crest_depth : (n + 1,) float32 or float64, positive down
        Depths of the peaks.
    saddles : Saddles
        Edges between the highs, in the order of cells; sides are swapped.
    saddle_depth : (M,) as crest_depth
        Depths of the saddles.
    interval, base : float
        As in `Grid`.
    find_deepest : Callable
        Called with `Forest.over` when parts of the map have no way out.

    Returns
    -------
    Hierarchy
        The closures.
    """
    size, n, kind = saddles.cell.size, crest_cell.size - 1, crest_depth.dtype
    order = order_by_depth(saddle_depth)
    limit = _limits(saddle_depth, interval, base)

    nodes = 2 * n + 1
    tree = JoinTree(
        np.zeros(nodes, np.int32), np.zeros(nodes, np.int32), np.zeros((n + 1, 2), np.int32),
        np.empty(n + 1, np.int32), np.empty(n, np.int32),
    )  # fmt: skip
    forest = Forest(np.arange(n + 1, dtype=np.int32), np.arange(n + 1, dtype=np.int32))
    ordered_sides = saddles.sides.take(order, axis=0)
    united, joins = join_basins(order, ordered_sides, limit, saddles, crest_depth, forest, tree)
    tree = tree._replace(join_order=tree.join_order[:joins])
    if united < n:  # parts of the map with no way out: they are full at their deepest cell
        deepest = find_deepest(forest.over)
        tops = forest.top[deepest.roots]
        tree.parent[tops], tree.saddle[tops] = 0, np.arange(size, size + tops.size)
        saddles = _with_deepest(saddles, deepest)
        saddle_depth = np.append(saddle_depth, deepest.depth)
        order = np.append(order, np.arange(size, saddle_depth.size, dtype=np.int32))
        limit = _limits(saddle_depth, interval, base)
    closures = NodeClosures(np.zeros(nodes, kind), np.zeros(nodes, kind), np.zeros(nodes, np.int32))
    innermost, root, outlet = (np.zeros(nodes, np.int32) for _ in range(3))
    count = classify_nodes(saddle_depth, limit, crest_depth, tree, closures, innermost, root)
    branches = Branches(
        np.empty(count, branch_node_type(kind)), np.empty(n + 1, branch_type(kind)), np.empty(n + 1, np.int32)
    )
    build_branches(tree, closures.limit, innermost, branches)
    if interval == 0:
        find_outlets(tree, saddles, closures.outermost, outlet)
    else:
        outlet = tree.saddle[root]
    return Hierarchy(interval, base, crest_cell, crest_depth, saddles, order, tree, closures, branches, outlet)


def _limits(depth: NDArray, interval: float, base: float) -> NDArray:
    """The deepest depth that belongs to a closure leaking at each depth."""
    limit = np.empty(depth.size, depth.dtype)
    find_limits(depth, interval, base, limit)
    return limit


def _with_deepest(saddles: Saddles, deepest: DeepestCells) -> Saddles:
    """Saddles, and after them the cells where parts without a way out are full."""
    sides = np.stack([np.zeros_like(deepest.high), deepest.high], axis=1)
    return Saddles(
        np.append(saddles.cell, deepest.cell.astype(saddles.cell.dtype)),
        np.append(saddles.sides, sides, axis=0),
        np.append(saddles.directions, np.full((deepest.cell.size, 2), NO_OUTLET, np.uint8), axis=0),
    )


# Questions to a hierarchy ---------------------------------------------------------------------------------------------


def number_nodes(highs: Hierarchy, totals: Totals, min_area: float, min_height: float) -> tuple[int, NDArray[np.int32]]:
    """How many closures become rows of the table, and per node the id of its closure (0 = none)."""
    ids = np.zeros(highs.tree.parent.size, np.int32)
    count = number_closures(highs, totals.sums, min_area, min_height, ids)
    return count, ids


def nodes_of_rows(count: int, ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """The node of each row of the table; count and ids as `number_nodes` gives them."""
    node = np.zeros(count + 1, np.int32)
    node[ids] = np.arange(ids.size)
    return node[1:]


def crest_of_nodes(highs: Hierarchy) -> NDArray[np.int32]:
    """Per node, the basin of the crest of the closure that it is, 0 = it is none."""
    crest = np.zeros(highs.tree.parent.size, np.int32)
    crest[highs.branches.nodes["node"]] = highs.branches.nodes["crest"]
    return crest


def pass_leaks_on(highs: Hierarchy, listed: NDArray[np.bool_]) -> None:
    """Let highs without a closure in the table leak to their neighbours; listed : see `outlets_of_unlisted_highs`."""
    outlets_of_unlisted_highs(highs.tree, highs.saddles, listed, highs.outlet)


def write_rows(highs: Hierarchy, data: TableData, table: NDArray) -> None:
    """Write the rows of the table, in threads."""
    size = highs.branches.nodes.size
    map_strips(size, size, lambda first, last: fill_table(highs, data, first, last, table))


def label_map(
    depth: NDArray, basin: NDArray[np.int32], closures: NodeClosures, ids: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Labels and heights above the spill depth.

    Parameters
    ----------
    depth : (H, W) float32 or float64, positive down
        The map.
    basin : (H, W) int32
        Basins of the cells; the labels are written over them.
    closures : NodeClosures
        The closures around each basin.
    ids : (nodes,) int32
        The id of each node's closure, 0 = none.

    Returns
    -------
    labels : (H, W) int32
        The id of the outermost closure of each cell, 0 = none.
    height : (H, W) float32
        Height above its spill depth, 0 outside closures.
    """
    height = np.empty(depth.shape, np.float32)
    map_strips(
        depth.size, depth.shape[0], lambda first, last: label_cells(depth, closures, ids, first, last, basin, height)
    )
    return basin, height
