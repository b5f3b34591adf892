"""Fill and spill beyond the traps: catchments of closures, migration paths, and the best points to charge."""

from collections.abc import Container
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.closure.find import Closures
from targets.closure.kernels.codes import DIRECTION, OFF_MAP, PEAK
from targets.closure.kernels.routing import Search, find_catchments, trace_updip
from targets.closure.merge_tree import ClosureTree, grow_tree, pass_leaks_on
from targets.closure.nesting import find_nesting
from targets.errors import UserError

LEAK = ["spill_row", "spill_col", "leak_row", "leak_col", "parent"]  # columns of the table


class Migration(NamedTuple):
    """The way of what rises from one cell.

    Attributes
    ----------
    paths : list of (K, 2) int32
        Rows and columns: from the cell up-dip to the top of the high that it reaches, then from the spill point of each
        closure of the chain to the top of the next one; the last one leaves the map, if it is left.
    fills : tuple[int, ...]
        Ids of the closures that fill first, each inside the next; the last one is an outermost closure. Empty if the
        map is left before any.
    chain : tuple[int, ...]
        Ids of the outermost closures that fill one after the other.
    """

    paths: list[NDArray[np.int32]]
    fills: tuple[int, ...]
    chain: tuple[int, ...]


class ChargePoint(NamedTuple):
    """A place to charge, and what that fills.

    Attributes
    ----------
    id : int
        Closure that is charged.
    row, col : int
        Its crest; any cell of its catchment does the same.
    chain : tuple[int, ...]
        Ids of the outermost closures that fill one after the other and that no point before fills.
    added : float
        What they hold together.
    """

    id: int
    row: int
    col: int
    chain: tuple[int, ...]
    added: float


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
    router = _Router(closures)
    cells: list[int] = []
    ends = [0]
    for row in closures.table[LEAK].tolist():
        cells += router.from_spill_point(*row).tolist()
        ends.append(len(cells))
    paths = router.cells(np.array(cells, np.int32))
    return [paths[start:end] for start, end in pairwise(ends)]


def trace_migration(closures: Closures, row: int, col: int) -> Migration:
    """Follow what rises from a cell: up-dip to the top of a high, and from each closure that is full to the next.

    Parameters
    ----------
    closures : Closures
        Of `find_closures`.
    row, col : int
        The cell.

    Returns
    -------
    Migration

    Raises
    ------
    UserError
        The cell lies off the map.

    Examples
    --------
    From the cell at 8 over the high at 5 to the top at 3, and when that is full over the saddle at 7 out of the map:

    >>> from targets.closure import find_closures
    >>> found = find_closures([[9, 9, 9, 9, 9, 9, 1, 9], [9, 6, 8, 5, 3, 7, 4, 9], [9, 9, 9, 9, 9, 9, 9, 9]])
    >>> way = trace_migration(found, 1, 2)
    >>> [path.tolist() for path in way.paths], way.fills, way.chain
    ([[[1, 2], [1, 3], [1, 4]], [[1, 5], [0, 6]]], (1,), (1,))
    """
    height, width = closures.labels.shape
    if not (0 <= row < height and 0 <= col < width):
        raise UserError("cell", f"row {row}, column {col}", f"rows 0 to {height - 1}, columns 0 to {width - 1}")
    router = _Router(closures)
    start = row * width + col
    if router.routing.flow[start] & DIRECTION == OFF_MAP:
        raise UserError("cell", f"row {row}, column {col} lies off the map", "a cell of the map")
    paths = [router.to_top(router.updip(start))]
    top = int(paths[0][-1])
    outermost = int(closures.labels.ravel()[top])
    chain: list[int] = []
    while outermost > 0 and outermost not in chain:
        chain.append(outermost)
        onward = router.from_spill_point(*closures.table[LEAK][outermost - 1].tolist())
        if len(onward) > 1:
            paths.append(router.to_top(onward))
        outermost = int(closures.table["spills_into"][outermost - 1])
    fills: list[int] = []
    inner = int(find_nesting(closures).innermost.ravel()[top]) if chain else 0
    while inner > 0:
        fills.append(inner)
        inner = int(closures.table["parent"][inner - 1])
    return Migration([router.cells(path) for path in paths], tuple(fills), tuple(chain))


def find_best_charge_points(
    closures: Closures, count: int, worth: NDArray[np.floating] | None = None
) -> list[ChargePoint]:
    """Choose the closures to charge so that they, and all that they spill into, hold as much as possible together.

    Each next point is the one that adds most, as in `maximizeTrapping` of MRST (Nilsen, Lie, Møyner & Andersen 2015).
    No other choice of so many points holds more, since every closure spills into at most one other.

    Parameters
    ----------
    closures : Closures
        Of `find_closures`.
    count : int
        Number of points.
    worth : (N,) float | None, default None
        What each row of the table holds, 0 or more; by default its volume.

    Returns
    -------
    list[ChargePoint]
        The best first; fewer than `count` where fewer fill all closures.

    Examples
    --------
    >>> from targets.closure import find_closures
    >>> found = find_closures([[9, 9, 9, 9, 9, 9, 1, 9], [9, 6, 8, 5, 3, 7, 4, 9], [9, 9, 9, 9, 9, 9, 9, 9]])
    >>> [(point.id, point.chain, point.added) for point in find_best_charge_points(found, 3)]
    [(2, (2, 1), 8.0)]
    """
    table = closures.table
    values = np.asarray(table["volume"] if worth is None else worth, np.float64)
    chosen = choose_chains(table["spills_into"] - 1, np.where(table["parent"] == 0, values, 0.0), count)
    points = []
    for chain in chosen:
        first = table[chain[0]]
        ids, added = tuple(k + 1 for k in chain), float(values[list(chain)].sum())
        points.append(ChargePoint(int(first["id"]), int(first["crest_row"]), int(first["crest_col"]), ids, added))
    return points


def choose_chains(onward: NDArray[np.integer], worth: NDArray[np.floating], count: int) -> list[tuple[int, ...]]:
    """Choose starts in a forest whose ways to the roots hold most together; each next one adds most.

    Parameters
    ----------
    onward : (N,) int
        The node that each one leads to, below 0 for none.
    worth : (N,) float
        Of each node, 0 or more.
    count : int
        Number of starts.

    Returns
    -------
    list of tuple[int, ...]
        For each start, while any adds something, the nodes on its way that no way before holds.

    Examples
    --------
    >>> choose_chains(np.array([-1, 0, 0, 2]), np.array([1.0, 4.0, 1.0, 2.0]), 2)
    [(1, 0), (3, 2)]
    """
    nodes, values = onward.tolist(), worth.tolist()
    held: set[int] = set()
    found: list[tuple[int, ...]] = []

    def way_of(start: int, known: Container[int]) -> list[int]:
        """The nodes from a start on, up to one that is held or known."""
        way: dict[int, None] = {}
        while start >= 0 and start not in held and start not in known and start not in way:
            way[start] = None
            start = nodes[start]
        return list(way)

    for _ in range(count):
        total: dict[int, float] = {}
        for start in range(len(nodes)):
            for node in reversed(way_of(start, total)):
                total[node] = values[node] + total.get(nodes[node], 0.0)
        best = max(total, key=lambda node: (total[node], -node), default=-1)
        if best < 0 or total[best] <= 0:
            break
        found.append(tuple(way_of(best, ())))
        held.update(found[-1])
    return found


class _Router:
    """Ways up-dip over a map, with the work space that they share; cells are flat indices."""

    def __init__(self, closures: Closures) -> None:
        self.closures, self.tree = closures, _tree(closures)
        self.routing, size = self.tree.routing, closures.labels.size
        self._path = np.empty(2 * size + 1, np.int32)
        self._search = Search(np.full(size, -1, np.int32), np.empty(size, np.int32))

    def updip(self, start: int) -> NDArray[np.int32]:
        """The way from a cell to the first cell of a closure, or to the border."""
        closures = self.closures
        length = trace_updip(start, self.tree.depth, self.routing, closures.labels, closures.grid.eight, self._search,
                             self._path)  # fmt: skip
        return _without_loops(self._path[:length].copy())

    def from_spill_point(
        self, spill_row: int, spill_col: int, leak_row: int, leak_col: int, parent: int
    ) -> NDArray[np.int32]:
        """The way of what leaks from a closure of the table; the spill point alone if it leaks nowhere."""
        width = self.closures.labels.shape[1]
        spill = np.array([spill_row * width + spill_col], np.int32)
        if parent != 0 or leak_row < 0:
            return spill
        return _without_loops(np.concatenate([spill, self.updip(leak_row * width + leak_col)]))

    def to_top(self, path: NDArray[np.int32]) -> NDArray[np.int32]:
        """A way that ends in a closure, and further up-dip to the top there."""
        labels, cells = self.closures.labels.ravel(), path.tolist()
        while labels[cells[-1]] > 0 and (direction := self.routing.flow[cells[-1]] & DIRECTION) < PEAK:
            cells.append(cells[-1] + int(self.routing.step[direction]))
        return np.array(cells, np.int32)

    def cells(self, path: NDArray[np.int32]) -> NDArray[np.int32]:
        """Rows and columns (K, 2) of a way."""
        return np.stack(np.divmod(path, self.closures.labels.shape[1]), axis=1)


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
