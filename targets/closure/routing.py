"""Where does what is not trapped go? Catchments of closures, and the paths from spill points to the next closure."""

import numpy as np
from numpy.typing import NDArray

from targets.closure import kernels as engine
from targets.closure.find import Closures
from targets.closure.merge_tree import Tree, grow_tree


def catchments(closures: Closures) -> NDArray[np.int32]:
    """The drainage area of every outermost closure: where anything that rises along the surface ends up.

    Each cell hands over to its shallowest neighbour, up-dip, until a closure or the border of the map is reached; a
    high that is no closure of the table (too small, or without a closed contour of its own) hands over where it leaks.

    Returns (H, W) int32: the id of the closure a cell drains into (cells inside a closure: that closure), 0 = out of
    the map, -1 = off the map, fault cells that were taken out included.
    """
    tree, labels = _tree(closures), closures.labels
    goal = np.empty(labels.shape, np.int32)
    highs = tree.highs
    engine.goals(tree.code, tree.basin, labels, highs.cell, highs.ways, highs.outer, highs.leave, goal)
    return goal


def migration_paths(closures: Closures) -> list[NDArray[np.int32]]:
    """The way of what leaks: for each outermost closure, from its spill point up-dip to the next closure or the border.

    Each cell of a path is a neighbour of the one before, and no cell comes twice. A high on the way that is no closure
    of the table (too small, or without a closed contour of its own) is full: the path crosses it by the shortest way
    from the cell where it enters to the cell where that high leaks.

    Returns a list as long as the table: (K, 2) int32 rows and columns. The first is the spill point. The last is the
    first cell of the closure `spills_into`, or the cell beside the open border where the map is left; in a part of the
    map with no way out it can be the deepest cell of that part. Nested closures and closures that leak over the border
    or have no way out have the spill point alone.
    """
    tree, labels = _tree(closures), closures.labels
    highs = tree.highs
    width = labels.shape[1]
    path, queue = np.empty(2 * labels.size + 1, np.int32), np.empty(labels.size, np.int32)
    came = np.full(labels.size, -1, np.int32)
    found = []
    for row in closures.table:
        length = 0
        path[0] = row["spill_row"] * width + row["spill_col"]
        if row["parent"] == 0 and row["leak_row"] >= 0:
            leak = row["leak_row"] * width + row["leak_col"]
            length = engine.way_up(
                leak, tree.depth, tree.code, tree.basin, labels, highs.cell, highs.ways, highs.outer, highs.leave,
                closures.grid.eight, came, queue, path[1:],
            )  # fmt: skip
        found.append(np.stack(np.divmod(_without_loops(path[: length + 1]), width), axis=1))
    return found


def _without_loops(path: NDArray[np.int32]) -> NDArray[np.int32]:
    """The path without its detours: a small full high can leak at the very cell by which it was entered."""
    last = {cell: place for place, cell in enumerate(path.tolist())}
    if len(last) == path.size:
        return path
    kept = [0]
    while (onward := last[path[kept[-1]]] + 1) < path.size:
        kept.append(onward)
    return path[kept]


def _tree(closures: Closures) -> Tree:
    """The tree again: most of its memory is not worth keeping between questions."""
    grid = closures.grid
    tree = grow_tree(grid.depth, grid.state, grid.eight, grid.edge_open, grid.interval, grid.base)
    if grid.interval > 0:
        tree.highs.pass_on(closures.labels.ravel()[tree.highs.peak] > 0)
    return tree
