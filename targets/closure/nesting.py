"""Nesting of closures: the innermost closure of every cell, and sums over the cells of nested closures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from targets.closure.find import Closures
from targets.closure.kernels.compiled import compiled


@dataclass(frozen=True, eq=False)
class Nesting:
    """Which closure lies in which, cell by cell.

    Closures are numbered along the tree so that a closure and all that lies in it are neighbours: a cell lies in the
    closure of row k of the table if ``first[k] <= place < last[k]``.

    Attributes
    ----------
    innermost : (H, W) int32
        The id of the innermost closure of each cell, 0 = none.
    first, last : (N,) int32
        For each row of the table its range of places; the place of a closure itself is `first`.
    """

    innermost: NDArray[np.int32]
    first: NDArray[np.int32]
    last: NDArray[np.int32]

    def places(self) -> NDArray[np.int32]:
        """(H, W) int32: the place of each cell's innermost closure, -1 = in none."""
        return np.append(np.int32(-1), self.first)[self.innermost]

    def sums(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over the cells of every closure, with those that lie inside it.

        Parameters
        ----------
        weights : (H, W) float64
            Of each cell.

        Returns
        -------
        (N,) float64
        """
        own = np.bincount(self.innermost.ravel(), weights.ravel(), minlength=self.first.size + 1)[1:]
        in_order = np.empty(own.size + 1)
        in_order[0] = 0
        in_order[1 + self.first] = own
        running = np.cumsum(in_order)
        return running[self.last] - running[self.first]


def find_nesting(closures: Closures) -> Nesting:
    """Find the innermost closure of every cell: cells are added from the shallowest, and united with their neighbours.

    Parameters
    ----------
    closures : Closures
        Of `find_closures`.

    Returns
    -------
    Nesting

    Examples
    --------
    >>> from targets.closure import find_closures
    >>> nesting = find_nesting(find_closures([[9, 9, 9, 9, 9, 9], [9, 2, 5, 3, 7, 6], [9, 9, 9, 9, 9, 9]]))
    >>> nesting.innermost[1].tolist(), nesting.sums(np.ones((3, 6))).tolist()
    ([0, 2, 1, 3, 0, 0], [3.0, 1.0, 1.0])
    """
    table, labels, grid = closures.table, closures.labels, closures.grid
    innermost = labels.copy()
    nested = table[table["parent"] > 0]
    if nested.size:
        is_root_of_some = np.zeros(table.size + 1, bool)
        is_root_of_some[labels[nested["crest_row"], nested["crest_col"]]] = True
        cells = np.flatnonzero(is_root_of_some[labels])
        depth = grid.depth.ravel()[cells].astype(np.float64)
        order = np.argsort(depth, kind="stable")
        events = np.lexsort((-nested["id"], nested["contour_depth"]))
        nested = nested[events]
        crest = nested["crest_row"].astype(np.int64) * labels.shape[1] + nested["crest_col"]
        levels = nested["contour_depth"].copy()
        if grid.interval == 0:  # a closure is shallower than its spill depth; a contour belongs to its closure
            levels = np.nextafter(levels, -np.inf)
        _assign_innermost(cells[order], depth[order], labels, crest, levels, nested["id"].copy(), grid.eight, innermost)
    first, last = _number_along_tree(table["parent"].copy())
    return Nesting(innermost, first, last)


@compiled(nogil=True)
def _assign_innermost(
    cells: NDArray[np.int64], depth: NDArray[np.float64], labels: NDArray[np.int32], crest: NDArray[np.int64],
    levels: NDArray[np.float64], ids: NDArray[np.int32], eight: bool, innermost: NDArray[np.int32],
) -> None:  # fmt: skip
    """Write the id of each nested closure, from the shallowest level, into the cells that have none yet."""
    rows, cols = labels.shape
    label, answer = labels.ravel(), innermost.ravel()
    place = np.full(rows * cols, -1, np.int32)  # in `cells`, of the cells that were added
    above = np.arange(cells.size).astype(np.int32)  # union-find forest
    head = np.arange(cells.size).astype(np.int32)  # of each tree: its cells without an answer, a linked list
    tail, following = head.copy(), np.full(cells.size, -1, np.int32)
    added = 0
    for event in range(ids.size):
        while added < cells.size and depth[added] <= levels[event]:
            cell = cells[added]
            place[cell] = added
            row, col = cell // cols, cell % cols
            for r in range(max(row - 1, 0), min(row + 2, rows)):
                for c in range(max(col - 1, 0), min(col + 2, cols)):
                    other = r * cols + c
                    is_neighbour = eight or r == row or c == col
                    if is_neighbour and other != cell and place[other] >= 0 and label[other] == label[cell]:
                        a, b = added, place[other]
                        while above[a] != a:
                            above[a] = above[above[a]]
                            a = above[a]
                        while above[b] != b:
                            above[b] = above[above[b]]
                            b = above[b]
                        if a == b:
                            continue
                        a, b = min(a, b), max(a, b)
                        above[b] = a
                        if head[a] < 0:
                            head[a], tail[a] = head[b], tail[b]
                        elif head[b] >= 0:
                            following[tail[a]] = head[b]
                            tail[a] = tail[b]
            added += 1
        root = place[crest[event]]
        while above[root] != root:
            above[root] = above[above[root]]
            root = above[root]
        at = head[root]
        while at >= 0:
            answer[cells[at]] = ids[event]
            at = following[at]
        head[root] = -1


@compiled
def _number_along_tree(parent: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Ranges of places of every closure; parents stand before what lies inside them."""
    size = np.ones(parent.size, np.int32)
    for k in range(parent.size - 1, -1, -1):
        if parent[k] > 0:
            size[parent[k] - 1] += size[k]
    first, free = np.zeros(parent.size, np.int32), np.zeros(parent.size, np.int32)
    start = 0
    for k in range(parent.size):
        if parent[k] > 0:
            first[k] = free[parent[k] - 1]
            free[parent[k] - 1] += size[k]
        else:
            first[k] = start
            start += size[k]
        free[k] = first[k] + 1
    return first, first + size
