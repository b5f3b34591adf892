"""One tile of a map beyond memory: what it settles by itself, what it tells the others, and what it asks of them.

A tile is read with a frame one cell wide of its neighbours. Codes, basins and saddles of its own cells are then those
of the whole map; only a way that leaves over the frame ends there, at a high that another tile knows.

A closure of which no basin has a cell beside another tile is *settled*: nothing outside can change what lies in it. To
all others it is one high with one crest, since a join looks at no more than crests, saddles and their depths; so the
tile tells of it the crest alone, and hangs in what lies inside when the rest is known. Told are the crests of settled
closures that are part of no other, every high that is in none, and the saddles between these. To keep what no other
can change and tell a reduced tree is the idea of distributed merge trees (Morozov and Weber 2013, Proc. ACM SIGPLAN
PPoPP, 93-102); what is kept here are closures.

In what is told, highs have a *code*: 0 the outside, k > 0 the k-th of `Told.peak`, -1 - j whatever high the j-th cell
of `Told.frame` belongs to.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.closure import kernels as engine
from targets.closure.compiled import compiled
from targets.closure.merge_tree import Hierarchy, hang, sorted_by


@dataclass(frozen=True, eq=False)
class Piece:
    """A tile as it is read.

    Attributes
    ----------
    depth, state
        (h, w) as the engine takes them, with a frame of one cell wherever another tile follows.
    top, bottom, left, right : int
        The width of the frame, 0 or 1.
    row, col : int
        Where the array's first cell lies in the map; width : of the map.
    """

    depth: NDArray
    state: NDArray[np.uint8]
    top: int
    bottom: int
    left: int
    right: int
    row: int
    col: int
    width: int

    def own(self, array: NDArray) -> NDArray:
        """An array of the piece without the frame."""
        rows, cols = array.shape
        return array[self.top : rows - self.bottom, self.left : cols - self.right]

    def in_map(self, cells: NDArray) -> NDArray[np.int64]:
        """Flat indices into the map of flat indices into the piece."""
        rows, cols = np.divmod(cells.astype(np.int64), self.depth.shape[1])
        return (rows + self.row) * self.width + cols + self.col

    def ring(self, inset: bool) -> NDArray[np.int64]:
        """Flat indices of the cells of the frame that are part of the map, or (inset) of those beside it."""
        rows, cols = self.depth.shape
        first, last = (self.top, rows - self.bottom) if inset else (0, rows)
        left, right = (self.left, cols - self.right) if inset else (0, cols)
        across, down = np.arange(left, right), np.arange(first, last)
        lines = [(self.top, first * cols + across), (self.bottom, (last - 1) * cols + across)]
        lines += [(self.left, down * cols + left), (self.right, down * cols + right - 1)]
        cells = np.unique(np.concatenate([np.empty(0, np.int64), *(line for there, line in lines if there)]))
        return cells[self.state.ravel()[cells] == engine.INSIDE] if self.state.size > 0 else cells


@dataclass(frozen=True, eq=False)
class Graph:
    """Highs and the saddles between them; all cells are flat indices into the map.

    Attributes
    ----------
    peak, top_z
        (k,) the crests, and their depths. cell, level, pair, ways : (e, ...) the saddles between them as in.

    Notes
    -----
    `engine.saddles`, with their depths; goal : (e, 2) the high to which the way up-dip from each side leads.
    """

    peak: NDArray[np.int64]
    top_z: NDArray
    cell: NDArray[np.int64]
    level: NDArray
    pair: NDArray[np.int32]
    ways: NDArray[np.uint8]
    goal: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Told(Graph):
    """What a tile tells the others: a graph, in the codes of highs.

    Attributes
    ----------
    border : NDArray[np.int64]
        Own cells beside the frame; border_pair : (b, 2) the high each belongs to, and that up-dip of it.
    frame : NDArray[np.int64]
        (m,) cells of other tiles.
    """

    border: NDArray[np.int64]
    border_pair: NDArray[np.int32]
    frame: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Settled:
    """What a tile keeps to itself.

    Attributes
    ----------
    code : NDArray[np.int32]
        Per basin of the tile, of the high that stands for it outside; inner : its number in `highs`, 0 = none.
    high : NDArray[np.int32]
        Per number in `highs`, its code. highs : the settled closures, with what lies in them.
    """

    code: NDArray[np.int32]
    inner: NDArray[np.int32]
    high: NDArray[np.int32]
    highs: Hierarchy


def survey(
    piece: Piece, eight: bool, edge_open: bool, interval: float, base: float
) -> tuple[NDArray[np.int32], Told, Settled]:
    """The basin of every own cell of a tile (-1 = off the map), what it tells, and what it keeps."""
    depth, state = piece.depth, piece.state
    rows, cols = depth.shape
    first, last = piece.top, rows - piece.bottom
    runs, handed = (table[8 if eight else 4] for table in (engine.RUNS, engine.HANDED))
    mask, code, basin = (np.empty(depth.shape, kind) for kind in (np.uint8, np.uint8, np.int32))
    peaks, room = engine.neighbours(depth, state, eight, edge_open, first, last, mask, code, basin)
    for framed in (np.s_[:first], np.s_[last:], np.s_[:, : piece.left], np.s_[:, cols - piece.right :]):
        mask[framed], code[framed], basin[framed] = 0, engine.NOWHERE, -1
    frame, border = piece.ring(inset=False), piece.ring(inset=True)
    peak = np.zeros(peaks + 1, np.int32)
    n = _number_peaks(code, basin, peak)
    peak, highs = peak[: n + 1], n + 1 + frame.size
    basin.ravel()[frame] = np.arange(n + 1, highs)
    engine.basins(mask, code, handed, first, last, basin)

    cell, pair, ways = np.empty(room, np.int32), np.empty((room, 2), np.int32), np.empty((room, 2), np.uint8)
    size = engine.saddles(depth, mask, code, basin, runs, first, last, cell, pair, ways)
    size = engine.sieve(sorted_by(depth.ravel()[cell[:size]]), highs, cell, pair, ways)
    cell, pair, ways = cell[:size].copy(), pair[:size].copy(), ways[:size].copy()
    level = depth.ravel()[cell]

    open_ = np.zeros(highs, bool)  # basins that others can change
    open_[0] = open_[n + 1 :] = True
    open_[basin.ravel()[border]] = True
    closed = np.concatenate([[0], np.flatnonzero(~open_)]).astype(np.int32)
    inner = np.zeros(highs, np.int32)
    inner[closed] = np.arange(closed.size)

    def full(over: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        parts = np.where(basin > 0, inner[basin], np.int32(0))
        deepest = engine.deepest_cells(depth, parts, over)
        roots = np.flatnonzero(deepest >= 0)
        cells = deepest[roots]
        return roots, piece.in_map(cells), depth.ravel()[cells], parts.ravel()[cells]

    h = hang(
        piece.in_map(peak[closed]), depth.ravel()[peak[closed]], piece.in_map(cell), inner[pair], ways.copy(), level,
        interval, base, full,
    )  # fmt: skip

    around = h.outer[: closed.size]
    stands = np.where(around > 0, h.crest[around], np.arange(closed.size, dtype=np.int32))  # for each closed basin
    told = open_.copy()
    told[0] = told[n + 1 :] = False
    told[closed[stands]] = True
    told[0] = False
    codes = np.cumsum(told, dtype=np.int32)
    codes[0] = 0
    codes[n + 1 :] = -1 - np.arange(frame.size)
    codes[closed] = codes[closed[stands]]
    inside = (h.outer > 0) & (h.outer != np.arange(h.nodes))
    kept = np.ones(size, bool)
    kept[h.via[inside]] = False

    steps = np.append(engine.DROW * cols + engine.DCOL, 0)  # over the border: the outlet itself, which leads out
    goal = codes[_ends(cell[kept, None] + steps[ways[kept]], code, basin)]
    lands = np.stack([codes[basin.ravel()[border]], codes[_ends(border[:, None], code, basin)[:, 0]]], axis=1)
    others = Told(
        piece.in_map(peak[told[: n + 1]]), depth.ravel()[peak[told[: n + 1]]],
        piece.in_map(cell[kept]), level[kept], codes[pair[kept]], ways[kept], goal,
        piece.in_map(border), lands, piece.in_map(frame),
    )  # fmt: skip
    return piece.own(basin).copy(), others, Settled(codes, inner, codes[closed], h)


@compiled(nogil=True)
def _number_peaks(code: NDArray, basin: NDArray, peak: NDArray) -> int:
    """Number the peaks from 1 on, as `engine.number_peaks` does; returns how many there are."""
    codes, lands, count = code.ravel(), basin.ravel(), 0
    for i in range(codes.size):
        if codes[i] == engine.PEAK:
            count += 1
            lands[i], peak[count] = count, i
    return count


@compiled(nogil=True)
def _ends(starts: NDArray, code: NDArray, basin: NDArray) -> NDArray:
    """The basin at the end of the way up-dip from each of these cells (N, M); 0 = it leads out of the map."""
    codes, lands = code.ravel(), basin.ravel()
    step = engine.DROW * code.shape[1] + engine.DCOL
    found = np.zeros(starts.shape, np.int32)
    for row in range(starts.shape[0]):
        for col in range(starts.shape[1]):
            i = starts[row, col]
            while codes[i] & 15 < engine.PEAK:
                i += step[codes[i] & 15]
            if codes[i] & 15 != engine.OUTLET:  # a peak, or a cell of the frame
                found[row, col] = max(lands[i], 0)
    return found


@dataclass(frozen=True, eq=False)
class Around:
    """The closures that hold the highs a tile tells of, as far as they are not its own.

    The first three are per high: 0 the outside, then the told ones, then those of the frame. deep : the limit of the
    outermost closure (-inf = none); begin : the innermost, as a place in `rungs`, -1 = none. rungs, ladders : as
    `engine.line_up` makes them, of the closures that are met climbing up from there. place : of each rung among all.
    """

    deep: NDArray
    begin: NDArray[np.int32]
    rungs: NDArray
    ladders: NDArray
    place: NDArray


def places(settled: Settled, told: int) -> NDArray[np.int32]:
    """Per basin of a tile, where its high stands among: 0 the outside, then the told ones, then those of the frame."""
    return np.where(settled.code >= 0, settled.code, told - settled.code)


def measure(
    depth: NDArray, basin: NDArray[np.int32], near: NDArray[np.bool_], settled: Settled, told: int, around: Around
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Count the cells of a tile, by the innermost closure that holds them.

    Parameters
    ----------
    depth, basin
        (h, w) of own cells; near : (h, w) beside a fault, or (0, 0). told : number of told highs.

    Notes
    -----
    Returns sums (`engine.SUMS`) and touches of the tile's own closures, those inside added to those around them, and
    the same for `around`, where each settled closure is added to the one that stands for it.
    """
    h = settled.highs
    place = places(settled, told)
    start, shift = h.rungs.size, h.ladders.size
    rungs, ladders = np.concatenate([h.rungs, around.rungs]), np.concatenate([h.ladders, around.ladders])
    rungs["guess"][start:] += start
    rungs["crest"][start:] += shift
    ladders["start"][shift:] += start
    ladders["above"][shift:][around.ladders["above"] >= 0] += start
    tops = np.flatnonzero((h.ladders["size"] > 0) & (h.ladders["above"] < 0))
    tops = tops[tops > 0]
    stand = start + around.begin[settled.high[tops]]  # the same closure as it is known around
    ladders["above"][tops] = stand
    own = h.begin[settled.inner]
    outside = around.begin[place]
    begin = np.where(own >= 0, own, np.where(outside >= 0, outside + start, -1)).astype(np.int32)
    sums, touches = np.zeros(rungs.size, engine.SUMS), np.zeros(rungs.size, bool)
    engine.measure(
        depth, basin, near, around.deep[place], np.arange(place.size, dtype=np.int32), rungs, ladders, begin,
        0, depth.shape[0], sums, touches,
    )  # fmt: skip
    engine.add_up(h.rungs, h.ladders, sums[:start], touches[:start])
    last = h.ladders["start"][tops] + h.ladders["size"][tops] - 1
    for name in ("area", "depth"):
        sums[name][stand] += sums[name][last]
    touches[stand] |= touches[last]
    return sums[:start], touches[:start], sums[start:], touches[start:]


def nested_rows(
    settled: Settled, sums: NDArray, touches: NDArray, min_area: float, min_height: float, width: int, kind: Any
) -> tuple[NDArray, NDArray[np.int32], NDArray, NDArray[np.int64]]:
    """The rows of what lies inside a tile's settled closures, in their order in the table.

    Returns the rows, `parent` and `spills_into` being 1..r for settled closures and r + 1.. for these rows; the codes
    of those r closures; and depth and cell of each row's spill point, which the order in the table follows.
    """
    h = settled.highs
    count, number = h.choose(sums, min_area, min_height)
    table = np.empty(count, kind)
    h.write(table, width, np.zeros(h.nodes, np.int32), number, sums, touches)
    node = h.rows(count, number)
    roots = int(np.count_nonzero(h.outer[node] == node))
    inside = node[roots:]
    return table[roots:], settled.high[h.crest[node[:roots]]], h.spill[inside], h.cell[h.via[inside]]
