"""Fill and spill beyond the traps: catchments of closures, and migration paths from their spill points."""

import numpy as np
from numpy.typing import NDArray

from targets.closure.find import Closures
from targets.closure.kernels.routing import Search, find_catchments, trace_updip
from targets.closure.merge_tree import ClosureTree, grow_tree, pass_leaks_on


def catchments(closures: Closures) -> NDArray[np.int32]:
    """The drainage area of every outermost closure: where anything that rises along the surface ends up.

    Each cell sends to its shallowest neighbour, up-dip, until a closure or the border of the map is reached; a high
    that is no closure of the table (too small, or without a closed contour of its own) sends on where it leaks.

    Parameters
    ----------
    closures : Closures
        Of `find_closures`.

    Returns
    -------
    (H, W) int32
        The id of the closure a cell drains into (cells inside a closure: that closure), 0 = out of the map, -1 = off
        the map, fault cells that were taken out included.

    Examples
    --------
    Two closures, 6 and 3; the cell at 8 between them drains to the shallower side:

    >>> from targets.closure import find_closures
    >>> found = find_closures([[9, 9, 9, 9, 9, 9, 1, 9], [9, 6, 8, 5, 3, 7, 4, 9], [9, 9, 9, 9, 9, 9, 9, 9]])
    >>> catchments(found)[1].tolist()
    [0, 2, 1, 1, 1, 0, 0, 0]
    """
    tree, labels = _tree(closures), closures.labels
    found = np.empty(labels.shape, np.int32)
    find_catchments(tree.routing, labels, found)
    return found


def migration_paths(closures: Closures) -> list[NDArray[np.int32]]:
    """The way of what leaks: for each outermost closure, from its spill point up-dip to the next closure or the border.

    Each cell of a path is a neighbour of the one before, and no cell comes twice. A high on the way that is no closure
    of the table (too small, or without a closed contour of its own) is full: the path crosses it by the shortest way
    from the cell where it enters to the cell where that high leaks.

    Parameters
    ----------
    closures : Closures
        Of `find_closures`.

    Returns
    -------
    list of (K, 2) int32
        Rows and columns, one path per row of the table. The first cell is the spill point. The last is the first cell
        of the closure `spills_into`, or the cell beside the open border where the map is left; in a part of the map
        with no way out it can be the deepest cell of that part. Nested closures and closures that leak over the border
        or have no way out have the spill point alone.

    Examples
    --------
    >>> from targets.closure import find_closures
    >>> found = find_closures([[9, 9, 9, 9, 9, 9, 1, 9], [9, 6, 8, 5, 3, 7, 4, 9], [9, 9, 9, 9, 9, 9, 9, 9]])
    >>> migration_paths(found)[1].tolist()
    [[1, 2], [1, 3]]
    """
    tree, labels = _tree(closures), closures.labels
    routing, width, size = tree.routing, labels.shape[1], labels.size
    path = np.empty(2 * size + 1, np.int32)
    search = Search(np.full(size, -1, np.int32), np.empty(size, np.int32))
    found = []
    for row in closures.table:
        length = 0
        path[0] = row["spill_row"] * width + row["spill_col"]
        if row["parent"] == 0 and row["leak_row"] >= 0:
            start = row["leak_row"] * width + row["leak_col"]
            length = trace_updip(start, tree.depth, routing, labels, closures.grid.eight, search, path[1:])
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


def _tree(closures: Closures) -> ClosureTree:
    """The tree again: most of its memory is not worth keeping between questions."""
    tree = grow_tree(closures.grid)
    if closures.grid.interval > 0:
        pass_leaks_on(tree.highs, closures.labels.ravel()[tree.highs.crest_cell] > 0)
    return tree
