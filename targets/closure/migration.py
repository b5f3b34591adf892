"""Where does what is not trapped go? Catchments of closures, and the paths from spill points to the next closure."""

import numpy as np
from numpy.typing import NDArray

from targets.closure import engine
from targets.closure.find import Closures
from targets.closure.tree import Tree, grow_tree


def catchments(closures: Closures) -> NDArray[np.int32]:
    """The drainage area of every outermost closure: where anything that rises along the surface ends up.

    Each cell hands over to its shallowest neighbour, up-dip, until a closure or the border of the map is reached; a
    flat, and a closure that was too small to be kept, hands over where it leaks.

    Returns (H, W) int32: the id of the closure a cell drains into (cells inside a closure: that closure), 0 = out of
    the map, -1 = off the map, fault cells that were taken out included.
    """
    tree, labels = _tree(closures), closures.labels
    goal = np.empty(labels.shape, np.int32)
    engine.goals(tree.code, tree.basin, labels, tree.cell, tree.ways, _leaks(tree), goal)
    return goal


def migration_paths(closures: Closures) -> list[NDArray[np.int32]]:
    """The way of what leaks: for each outermost closure, from its spill point up-dip to the next closure or the border.

    Returns a list as long as the table: (K, 2) int32 rows and columns, the first being the spill point and the last
    the first cell of the next closure, or the cell where the map is left. Nested closures and closures without a way
    out have the spill point alone.
    """
    tree, labels = _tree(closures), closures.labels
    leaks = _leaks(tree)
    width = labels.shape[1]
    path = np.empty(labels.size + 1, np.int32)
    found = []
    for row in closures.table:
        length = 0
        path[0] = row["spill_row"] * width + row["spill_col"]
        if row["parent"] == 0 and row["leak_row"] >= 0:
            leak = row["leak_row"] * width + row["leak_col"]
            length = engine.way_up(leak, tree.code, tree.basin, labels, tree.cell, tree.ways, leaks, path[1:])
        found.append(np.stack(np.divmod(path[: length + 1], width), axis=1))
    return found


def _leaks(tree: Tree) -> NDArray[np.int32]:
    """Per basin, the saddle by which it leaks: that of its closure (dropped ones are full), or of its flat."""
    basins = np.arange(tree.peak.size)
    outer = tree.outer[basins]
    return tree.leave[np.where(outer > 0, outer, basins)]


def _tree(closures: Closures) -> Tree:
    grid = closures.grid
    return grow_tree(grid.depth, grid.state, grid.eight, grid.edge_open, grid.interval, grid.base)
