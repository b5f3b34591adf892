"""The tree of closures of one map: the engine's passes, run over strips of the grid in threads, and their arrays."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from targets.closure import kernels as engine

SMALL = 2**18  # cells (or rows of a table) below which starting a thread takes longer than the work


def threads_for(size: int) -> int:
    """How many threads a pass over `size` cells is worth."""
    return numba.config.NUMBA_NUM_THREADS if size >= SMALL else 1


def in_strips(size: int, length: int, work: Callable[[int, int], Any], each: int = 4) -> list[Any]:
    """`work(first, last)` for strips that cover 0..length-1, in threads when `size` cells are worth it.

    The loops give up Python's lock, and a pool lives for one call only: nothing that a forked process could trip over.
    `each` strips per thread, because some take longer than others.
    """
    threads = threads_for(size)
    count = 1 if threads == 1 else min(length, each * threads)
    spans = list(pairwise(length * i // count for i in range(count + 1)))
    if threads == 1:
        return [work(first, last) for first, last in spans]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda span: work(*span), spans))


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Highs, the saddles between them and their joins, without the grid; the fields are the engine's arrays.

    `peak` and `cell` are flat indices into the map.
    """

    interval: float
    base: float
    peak: NDArray
    top_z: NDArray
    cell: NDArray
    pair: NDArray
    ways: NDArray
    order: NDArray[np.int32]
    nodes: int
    up: NDArray
    via: NDArray
    kids: NDArray
    made: NDArray
    spill: NDArray
    deep: NDArray
    outer: NDArray
    rungs: NDArray
    ladders: NDArray
    begin: NDArray
    leave: NDArray

    def choose(self, sums: NDArray, min_area: float, min_height: float) -> tuple[int, NDArray[np.int32]]:
        """How many closures become rows of the table, and per node its number (0 = none)."""
        number = np.zeros(self.nodes, np.int32)
        count = engine.choose(
            self.order, self.via, self.top_z, self.spill, self.outer, self.rungs, sums, min_area, min_height, number
        )
        return count, number

    def rows(self, count: int, number: NDArray[np.int32]) -> NDArray[np.int32]:
        """The node of each row of the table. count, number : what `choose` gives."""
        node = np.zeros(count + 1, np.int32)
        node[number] = np.arange(self.nodes)
        return node[1:]

    @property
    def crest(self) -> NDArray[np.int32]:
        """Per node, the crest of the closure that it is, 0 = it is none."""
        crest = np.zeros(self.nodes, np.int32)
        crest[self.rungs["node"]] = self.rungs["crest"]
        return crest

    def pass_on(self, kept: NDArray[np.bool_]) -> None:
        """Let highs without a closure in the table leak to their neighbours. kept: per basin, see `engine.pass_on`."""
        engine.pass_on(
            self.nodes, self.peak.size - 1, self.pair, self.ways, self.up, self.via, self.kids, self.made,
            kept, self.leave,
        )  # fmt: skip

    def write(
        self, table: NDArray, width: int, into: NDArray, number: NDArray, sums: NDArray, touches: NDArray
    ) -> None:
        """Write the rows of the table. width : of the map; into : per node, see `engine.receivers`."""

        def work(first: int, last: int) -> None:
            engine.fill_table(
                first, last, width, self.interval, self.base, self.cell, self.ways, self.peak,
                self.top_z, self.kids, self.up, self.via, self.pair, self.spill, self.outer, self.leave, into,
                self.rungs, self.ladders, self.begin, sums, touches, number, table,
            )  # fmt: skip

        in_strips(self.rungs.size, self.rungs.size, work)


@dataclass(frozen=True, eq=False)
class Tree:
    """Every basin, saddle and join of one map; the fields are the engine's arrays, described there."""

    depth: NDArray
    code: NDArray[np.uint8]
    basin: NDArray[np.int32]
    highs: Hierarchy

    def sizes(self, near: NDArray[np.bool_]) -> tuple[NDArray, NDArray]:
        """Per rung: cells and depths (`engine.SUMS`), and whether a cell of it is in `near` ((H, W) or (0, 0))."""
        h = self.highs

        def work(first: int, last: int) -> tuple[NDArray, NDArray]:
            part = np.zeros(h.rungs.size, engine.SUMS), np.zeros(h.rungs.size, bool)
            engine.measure(
                self.depth, self.basin, near, h.deep, h.outer, h.rungs, h.ladders, h.begin, first, last, *part
            )
            return part

        # one strip per thread, added in order: the same sums to the last bit in every run
        (sums, touches), *others = in_strips(self.depth.size, self.depth.shape[0], work, each=1)
        for more in others:
            sums["area"] += more[0]["area"]
            sums["depth"] += more[0]["depth"]
            touches |= more[1]
        engine.add_up(h.rungs, h.ladders, sums, touches)
        return sums, touches

    def fill(self, table: NDArray, number: NDArray, sums: NDArray, touches: NDArray) -> None:
        """Write the rows of the table."""
        h = self.highs
        if h.interval > 0:
            h.pass_on(number[h.outer[: h.peak.size]] > 0)
        into = np.zeros(h.nodes, np.int32)

        def follow(first: int, last: int) -> None:
            engine.receivers(
                self.depth, self.code, self.basin, h.cell, h.ways, h.deep, h.outer, h.leave, number, first, last, into
            )

        in_strips(h.nodes, h.nodes, follow)
        h.write(table, self.depth.shape[1], into, number, sums, touches)


def paint(
    depth: NDArray, basin: NDArray[np.int32], spill: NDArray, deep: NDArray, outer: NDArray, number: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Labels and heights above the spill; the basins are written over. The arrays are those of the tree."""
    above = np.empty(depth.shape, np.float32)

    def work(first: int, last: int) -> None:
        engine.paint(depth, spill, deep, outer, number, first, last, basin, above)

    in_strips(depth.size, depth.shape[0], work)
    return basin, above


def grow_tree(depth: NDArray, state: NDArray, eight: bool, edge_open: bool, interval: float, base: float) -> Tree:
    """The tree of a map: depth (H, W) float32 or float64, state (H, W) uint8 or (0, 0) as in the engine."""
    rows = depth.shape[0]
    runs, handed = (table[8 if eight else 4] for table in (engine.RUNS, engine.HANDED))
    mask, code, basin = (
        np.empty(depth.shape, np.uint8),
        np.empty(depth.shape, np.uint8),
        np.empty(depth.shape, np.int32),
    )

    counts = in_strips(
        depth.size,
        rows,
        lambda a, b: (a, b, *engine.neighbours(depth, state, eight, edge_open, a, b, mask, code, basin)),
    )
    n = sum(peaks for _, _, peaks, _ in counts)
    peak = np.zeros(n + 1, np.int32)
    starts = {a: 1 + sum(c[2] for c in counts[:i]) for i, (a, *_) in enumerate(counts)}
    in_strips(depth.size, rows, lambda a, b: engine.number_peaks(code, a, b, starts[a], basin, peak))
    in_strips(depth.size, rows, lambda a, b: engine.basins(mask, code, handed, a, b, basin))
    top_z = depth.ravel()[peak]

    # each strip has room for all it could find; memory that is not written to costs nothing
    room = sum(most for *_, most in counts)
    cell, pair, ways = (
        np.empty(room + n, np.int32),
        np.empty((room + n, 2), np.int32),
        np.empty((room + n, 2), np.uint8),
    )
    offsets = {a: sum(c[3] for c in counts[:i]) for i, (a, *_) in enumerate(counts)}

    def search(a: int, b: int) -> tuple[int, int]:
        at = offsets[a]
        found = engine.saddles(depth, mask, code, basin, runs, a, b, cell[at:], pair[at:], ways[at:])
        return at, engine.sieve(sorted_by(depth.ravel()[cell[at : at + found]]), n + 1, cell[at:], pair[at:], ways[at:])

    size = 0
    for at, found in in_strips(depth.size, rows, search):
        if at > size:
            for array in (cell, pair, ways):
                array[size : size + found] = array[at : at + found]
        size += found
    cell, pair, ways = cell[:size].copy(), pair[:size].copy(), ways[:size].copy()  # the rest is given back

    def full(over: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        deepest = engine.deepest_cells(depth, basin, over)
        roots = np.flatnonzero(deepest >= 0)
        last = deepest[roots]
        return roots, last, depth.ravel()[last], basin.ravel()[last]

    return Tree(depth, code, basin, hang(peak, top_z, cell, pair, ways, depth.ravel()[cell], interval, base, full))


def hang(
    peak: NDArray, top_z: NDArray, cell: NDArray, pair: NDArray, ways: NDArray, level: NDArray, interval: float,
    base: float, full: Callable[[NDArray], tuple[NDArray, NDArray, NDArray, NDArray]],
) -> Hierarchy:  # fmt: skip
    """Join highs at the saddles between them, and find which of the joins are closures.

    Per high, and 0 for the outside: peak, top_z (the flat cell of its crest, and its depth), in the order of cells. Per
    saddle, in the order of cells: cell, pair, ways (see `engine.saddles`; sides are changed), level (its depth).

    Parameters
    ----------
    full : Callable[[NDArray], tuple[NDArray, NDArray, NDArray, NDArray]]
        Asked with `over` of `engine.join` when parts of the map have no way out: the highest peak of each (the high.

    Notes
    -----
    that stands for itself there), rising, and its deepest cell, the last of equals: flat index, depth, and high.
    """
    size, n, kind = cell.size, peak.size - 1, top_z.dtype
    order = sorted_by(level)
    limit = np.empty(size, kind)
    engine.limits(level, interval, base, limit)

    nodes = 2 * n + 1
    up, via = np.zeros(nodes, np.int32), np.zeros(nodes, np.int32)
    kids, born, made = np.zeros((n + 1, 2), np.int32), np.empty(n + 1, np.int32), np.empty(n, np.int32)
    over, top = np.arange(n + 1, dtype=np.int32), np.arange(n + 1, dtype=np.int32)
    united, joins = engine.join(
        order, pair.take(order, axis=0), limit, pair, ways, top, over, top_z, up, via, kids, born, made
    )
    if united < n:  # parts of the map with no way out: they are full at their deepest cell
        roots, last, depths, highs = full(over)
        up[top[roots]], via[top[roots]] = 0, np.arange(size, size + roots.size)
        cell = np.append(cell, last.astype(cell.dtype))
        pair = np.append(pair, np.stack([np.zeros_like(highs), highs], axis=1), axis=0)
        ways = np.append(ways, np.full((last.size, 2), engine.NONE, np.uint8), axis=0)
        level = np.append(level, depths)
        order = np.append(order, np.arange(size, level.size, dtype=np.int32))
        limit = np.empty(level.size, kind)
        engine.limits(level, interval, base, limit)
    spill, deep = np.zeros(nodes, kind), np.zeros(nodes, kind)
    own, outer, final, leave = (np.zeros(nodes, np.int32) for _ in range(4))
    count = engine.settle(nodes, n, level, limit, top_z, up, via, kids, spill, deep, own, outer, final)
    rungs, ladders = np.empty(count, engine.rung_type(kind)), np.empty(n + 1, engine.ladder_type(kind))
    begin = np.empty(n + 1, np.int32)
    engine.line_up(up, born, deep, own, rungs, ladders, begin)
    if interval == 0:
        engine.ways_out(nodes, n, pair, ways, up, via, kids, outer, leave)
    else:
        leave = via[final]
    return Hierarchy(
        interval, base, peak, top_z, cell, pair, ways, order,
        nodes, up, via, kids, made[:joins],
        spill, deep, outer, rungs, ladders, begin, leave,
    )  # fmt: skip


def sorted_by(level: NDArray) -> NDArray[np.int32]:
    """The order of depths (N,) from the shallowest down; equal ones as they come."""
    return engine.sort_keys(sortable(level), np.empty(level.size, np.int32))


def sortable(level: NDArray) -> NDArray:
    """Unsigned integers in the order of float depths: their bits, with negative numbers turned round."""
    kind = np.uint32 if level.itemsize == 4 else np.uint64
    bits = (level + level.dtype.type(0)).view(kind)  # adding 0 makes -0 and 0 equal
    sign = kind(1) << kind(8 * level.itemsize - 1)
    return np.where(bits & sign, ~bits, bits | sign)
