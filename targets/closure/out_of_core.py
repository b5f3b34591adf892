"""Closures of a map that does not fit into memory, tile by tile: the same answer as `find_closures`, written to disk.

1. Each tile is surveyed (`tiles.survey`): what no other tile can change is settled there; crests, saddles and the cells
   beside other tiles are told.
2. Here the tiles' graphs are put together, highs that were followed over a border find their crest, and `tree.hang`
   joins them as those of any map. Cells, and with them highs and saddles, are taken in the order of the whole map, so
   equal depths are decided as they are there.
3. Each tile counts its cells, by the innermost closure that holds them, and writes the rows of what it settled.
4. Rows get their numbers, by depth and cell of their saddles; the table is put together.
5. Each tile paints labels and heights.

That tiles tell border graphs which are then solved together is how Barnes (2016, Computers & Geosciences 96, 56-68)
fills depressions of a trillion cells; here the graph holds what a tree of closures needs beside the spill levels.
"""

import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

from targets.closure import kernels as engine
from targets.closure import tile as tiles
from targets.closure.compiled import compiled
from targets.closure.find import (
    ROW,
    beside,
    check_options,
    checked_depth,
    checked_faults,
    checked_mask,
    checked_rules,
    state_of,
)
from targets.closure.merge_tree import Hierarchy, hang, paint, sortable
from targets.common.windowed_rasters import GeoTiff, Raster, create_raster, moved, raster_of
from targets.errors import UserError

Result = TypeVar("Result")
Item = TypeVar("Item")
CHUNK = 2**22  # rows that are numbered, or written, at a time


@dataclass(frozen=True, eq=False)
class TiledClosures:
    """Where the closures of a large map are; all three as in `Closures`, but on disk.

    Attributes
    ----------
    labels : (H, W) int32
        Height : (H, W) float32, None = not asked for; both give windows, ``labels[a:b, c:d]``.
    table : (N,)
        Of `ROW`, mapped from its file.
    """

    labels: Raster
    height: Raster | None
    table: NDArray[Any]


@dataclass(frozen=True, eq=False)
class _Job:
    """What every tile needs to know: the map, the options (see `find_closures`) and the folder for notes."""

    depth: Raster
    valid: Raster | None
    faults: Raster | None
    rules: dict[int | None, str]
    edge: str
    connectivity: int
    interval: float
    base: float
    min_area: float
    min_height: float
    notes: Path

    @property
    def shape(self) -> tuple[int, int]:
        return self.depth.shape


@dataclass(frozen=True)
class _Tile:
    """Rows top..bottom-1 and columns left..right-1 of the map; `number` in the order of rows."""

    number: int
    top: int
    bottom: int
    left: int
    right: int

    def note(self, job: _Job, name: str) -> Path:
        return job.notes / f"{self.number}_{name}"


def find_closures_tiled(
    depth: Any,
    out: str | Path,
    valid: Any = None,
    faults: Any = None,
    fault_rule: str | Mapping[int, str] = "transparent",
    edge: str = "open",
    connectivity: int = 8,
    contour_interval: float | None = None,
    contour_base: float = 0.0,
    min_area: float = 0,
    min_height: float = 0.0,
    tile: int = 4096,
    form: str = "zarr",
    height: bool = True,
    workers: Executor | None = None,
) -> TiledClosures:
    """Find the closed structural traps of a depth map of any size, exactly as `find_closures` does.

    Labels, heights and the table are those of `find_closures`, number by number, whatever the tiles; `volume` is the
    same up to the rounding of its sum. What needs the whole grid in memory (catchments, migration paths,
    `closure_probability`) takes the answer of `find_closures` only.

    Parameters
    ----------
    depth, valid, faults : (H, W)
        Each: a path (GeoTIFF, zarr or .npy), or anything that has `shape` and `dtype` and gives windows ``[a:b, c:d]``;
        number types and meaning as in `find_closures`. In a GeoTIFF, nodata is off the map and no fault, and what is
        above 0 is valid.
    out : str | Path
        Folder for labels, height and table.npy, which appear when all is done. Notes beside them take 4 bytes per cell
        and some hundred per closure meanwhile.
    fault_rule, edge, connectivity, contour_interval, contour_base, min_area, min_height
        As in `find_closures`.
    tile : int, default 4096
        Cells a side; a tile takes some 20 bytes per cell while it is worked on.
    form : str, default 'zarr'
        Of labels and height: "zarr" or "tif".
    height : bool, default True
        Whether to write it.
    workers : Executor | None, default None
        Who works on the tiles, threads of this process by default; for other machines the executor of a Dask client
        (``client.get_executor()``), paths that they can reach, and form "zarr".

    Raises
    ------
    UserError
        The grids do not fit each other, or an option is unknown.
    """
    out = Path(out).absolute()
    check_options(edge, connectivity, contour_interval, contour_base)
    if tile < 1:
        raise UserError("tile", f"{tile}", "at least 1 cell a side")
    if form not in ("zarr", "tif"):
        raise UserError("form", f"{form!r}", '"zarr" or "tif"')
    grids = [None if grid is None else raster_of(grid) for grid in (depth, valid, faults)]
    source = grids[0]
    assert source is not None
    for name, grid in zip(("valid", "faults"), grids[1:], strict=True):
        if grid is not None and grid.shape != source.shape:
            raise UserError(name, f"shape {grid.shape}", f"{source.shape}, the shape of depth")
    named = () if isinstance(fault_rule, str) else tuple(fault_rule)
    rules = checked_rules(fault_rule, named)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".notes", dir=out, ignore_cleanup_errors=True) as notes:
            job = _Job(
                source, grids[1], grids[2], rules, edge, connectivity, float(contour_interval or 0),
                float(contour_base), float(min_area), float(min_height), Path(notes),
            )  # fmt: skip
            with _threads() if workers is None else nullcontext(workers) as crew:
                return _find(job, _tiles(job.shape, tile), out, tile, form, height, named, crew)
    except OSError as error:
        raise UserError(out, f"a grid cannot be read or written ({error})", "a folder with free space") from error


@contextmanager
def _threads() -> Iterator[Executor]:
    """Threads of this process; work that was not begun is forgotten when the run is ended early."""
    pool = ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _find(
    job: _Job, cut: list[_Tile], out: Path, tile: int, form: str, height: bool, named: Sequence[int], crew: Executor
) -> TiledClosures:
    told, known = [], set()
    for _, (others, numbers) in _each(crew, _survey, ((job, t) for t in cut)):
        told.append(others)
        known.update(numbers)
    if named:
        checked_rules(dict.fromkeys(named, "transparent"), known)

    def full(over: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        return _deepest(crew, job, cut, shared, over)

    shared = _put_together(told)
    del told
    highs = hang(
        shared.peak, shared.top_z, shared.cell, shared.pair, shared.ways.copy(), shared.level, job.interval, job.base,
        full,
    )  # fmt: skip

    sums, touches = np.zeros(highs.rungs.size, engine.SUMS), np.zeros(highs.rungs.size, bool)
    work = ((job, t, shared.told[i], _around(highs, shared.high[i])) for i, t in enumerate(cut))
    nested = []
    for (_, t, _, around), (part, touched, roots) in _each(crew, _measure, work):
        for name in ("area", "depth"):
            sums[name][around.place] += part[name]
        touches[around.place] |= touched
        nested.append(_Nested(t.note(job, "rows"), shared.high[t.number][roots]))
        t.note(job, "settled").unlink()
    engine.add_up(highs.rungs, highs.ladders, sums, touches)

    count, number = highs.choose(sums, job.min_area, job.min_height)
    if job.interval > 0:
        highs.pass_on(number[highs.outer[: highs.peak.size]] > 0)
    into = np.zeros(highs.nodes, np.int32)
    _receivers(shared.goal, shared.ways, highs.ways, highs.outer, highs.leave, number, into)
    rows = np.lib.format.open_memmap(job.notes / "rows.npy", "w+", ROW, (max(1, count),))[:count]
    highs.write(rows, job.shape[1], into, number, sums, touches)
    del sums, touches, into
    table = job.notes / "table.npy"
    _write_table(table, rows, highs, number, nested)
    del rows

    kinds = {f"labels.{form}": np.int32} | ({f"height.{form}": np.float32} if height else {})
    rasters = [create_raster(job.notes / name, job.shape, kind, tile, job.depth) for name, kind in kinds.items()]
    outer = highs.outer
    look_up = (
        (job, t, shared.told[t.number], *(a[outer[shared.high[t.number]]] for a in (highs.spill, highs.deep, number)),
         rasters)
        for t in cut
    )  # fmt: skip
    for (_, t, *_), _ in _each(crew, _paint, look_up):
        t.note(job, "basin.npy").unlink()
    rasters = [moved(raster, job.notes / name, out / name) for raster, name in zip(rasters, kinds, strict=True)]
    table.replace(out / table.name)
    return TiledClosures(rasters[0], rasters[1] if height else None, np.load(out / table.name, mmap_mode="r"))


# What is done for one tile --------------------------------------------------------------------------------------------


def _tiles(shape: tuple[int, int], side: int) -> list[_Tile]:
    corners = [(row, col) for row in range(0, shape[0], side) for col in range(0, shape[1], side)]
    return [
        _Tile(i, row, min(row + side, shape[0]), col, min(col + side, shape[1])) for i, (row, col) in enumerate(corners)
    ]


def _window(job: _Job, t: _Tile, frame: int) -> tuple[tuple[slice, slice], tuple[int, int, int, int]]:
    """The part of the map that a tile reads, and the width of the frame above, below, left and right of it."""
    rows, cols = job.shape
    sides = min(frame, t.top), min(frame, rows - t.bottom), min(frame, t.left), min(frame, cols - t.right)
    return np.s_[t.top - sides[0] : t.bottom + sides[1], t.left - sides[2] : t.right + sides[3]], sides


def _survey(job: _Job, t: _Tile) -> tuple[tiles.Told, list[int]]:
    window, sides = _window(job, t, 1)
    depth = checked_depth(job.depth[window])
    valid = None if job.valid is None else checked_mask(_mask(job.valid, window), "valid", depth.shape)
    faults = None if job.faults is None else checked_faults(_numbers(job.faults, window), depth.shape)
    state = state_of(depth, valid, faults, job.rules, job.edge)
    piece = tiles.Piece(depth, state, *sides, window[0].start, window[1].start, job.shape[1])
    basin, told, settled = tiles.survey(piece, job.connectivity == 8, job.edge == "open", job.interval, job.base)
    np.save(t.note(job, "basin.npy"), basin)
    own = {f.name: getattr(settled, f.name) for f in fields(settled) if f.name != "highs"}
    with t.note(job, "settled").open("wb") as file:  # a zip file would take longer
        for array in (*own.values(), *vars(settled.highs).values()):
            np.save(file, array)
    np.save(t.note(job, "code.npy"), tiles.places(settled, told.peak.size))
    return told, [] if faults is None else np.unique(piece.own(faults)).tolist()


def _mask(raster: Raster, window: tuple[slice, slice]) -> NDArray:
    return raster[window] > 0 if isinstance(raster, GeoTiff) else raster[window]  # a GeoTIFF has no truth values


def _numbers(raster: Raster, window: tuple[slice, slice]) -> NDArray:
    values = np.asarray(raster[window])
    return np.nan_to_num(values).astype(np.int64) if isinstance(raster, GeoTiff) else values


def _settled(job: _Job, t: _Tile) -> tiles.Settled:
    with t.note(job, "settled").open("rb") as file:
        own = {f.name: np.load(file) for f in fields(tiles.Settled) if f.name != "highs"}
        highs = {f.name: np.load(file) for f in fields(Hierarchy)}
    scalars = {"interval": job.interval, "base": job.base, "nodes": int(highs["nodes"])}
    return tiles.Settled(**own, highs=Hierarchy(**(highs | scalars)))


def _measure(job: _Job, t: _Tile, told: int, around: tiles.Around) -> tuple[NDArray, NDArray, NDArray]:
    depth = checked_depth(job.depth[_window(job, t, 0)[0]])
    near = np.empty((0, 0), bool)
    if job.faults is not None:
        window, (top, _, left, _) = _window(job, t, 1)
        rows, cols = depth.shape
        near = beside(_numbers(job.faults, window) != 0, job.connectivity)[top : top + rows, left : left + cols]
    settled = _settled(job, t)
    basin = np.load(t.note(job, "basin.npy"))
    own_sums, own_touches, sums, touches = tiles.measure(depth, basin, near, settled, told, around)
    rows, roots, level, cell = tiles.nested_rows(
        settled, own_sums, own_touches, job.min_area, job.min_height, job.shape[1], ROW
    )
    for name, array in (("rows.npy", rows), ("rows_level.npy", ~sortable(level)), ("rows_cell.npy", ~cell.view("u8"))):
        np.save(t.note(job, name), array)
    return sums, touches, roots


def _lowest(job: _Job, t: _Tile, part: NDArray[np.int32], parts: int) -> tuple[NDArray, NDArray, NDArray]:
    """Of each part of the map 1..parts without a way out: its deepest cell in the tile (flat in the map; -1 = none),
    that cell's depth, and the place of its high. part : of each high of the tile."""
    window = _window(job, t, 0)[0]
    depth = checked_depth(job.depth[window])
    basin, place = np.load(t.note(job, "basin.npy")), np.load(t.note(job, "code.npy"))
    count = place.size
    over = np.concatenate([np.where(part[place] > 0, count - 1 + part[place], 0), count + np.arange(parts)])
    over[0] = 0
    found = engine.deepest_cells(depth, basin, over.astype(np.int32))[count:]
    row, col = np.divmod(found, depth.shape[1])
    flat = np.where(found >= 0, (row + t.top) * job.shape[1] + col + t.left, -1)
    return flat, depth.ravel()[found], place[basin.ravel()[found]]


def _paint(
    job: _Job, t: _Tile, told: int, spill: NDArray, deep: NDArray, number: NDArray, rasters: Sequence[Raster]
) -> None:
    window = _window(job, t, 0)[0]
    depth = checked_depth(job.depth[window])
    basin, place = np.load(t.note(job, "basin.npy")), np.load(t.note(job, "code.npy"))
    painted = paint(depth, basin, spill[place], deep[place], np.arange(place.size, dtype=np.int32), number[place])
    for raster, values in zip(rasters, painted, strict=False):
        raster[window] = values


# The graph of all tiles -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Shared(tiles.Graph):
    """The told graphs of all tiles as one, with numbers of highs, of which 0 is the outside.

    Attributes
    ----------
    high : list[NDArray[np.int32]]
        Per tile, the numbers of its highs: 0 the outside, then those it told, then those of its frame; told : per.

    Notes
    -----
    tile, how many it told.
    """

    high: list[NDArray[np.int32]]
    told: list[int]


def _put_together(told: Sequence[tiles.Told]) -> _Shared:
    """Number the highs of all tiles by their cells, and follow those that were left at a border to theirs."""
    peak = np.concatenate([[0], *(part.peak for part in told)])
    top_z = np.concatenate([np.zeros(1, told[0].top_z.dtype), *(part.top_z for part in told)])
    order = _by_cell(peak)
    number = np.empty(peak.size, np.int32)
    number[order] = np.arange(peak.size)
    peak, top_z = peak[order], top_z[order]
    ends = np.cumsum([1, *(part.peak.size for part in told)])
    highs = [np.append(np.int32(0), number[a:b]) for a, b in pairwise(ends)]

    # cells beside other tiles: the high each belongs to and that up-dip of it, or -1 - the place of a cell that knows
    cells = np.concatenate([part.border for part in told])
    order = _by_cell(cells)
    cells = cells[order]
    frames = [np.searchsorted(cells, part.frame).astype(np.int32) for part in told]
    spread = [np.concatenate([high, (-1 - frame)[::-1]]) for high, frame in zip(highs, frames, strict=True)]
    # a code -1 - j counts from the end of this array
    found = np.concatenate([s[part.border_pair] for s, part in zip(spread, told, strict=True)])[order]
    for side in range(2):
        while (open_ := np.flatnonzero(found[:, side] < 0)).size > 0:
            found[open_, side] = found[-1 - found[open_, side], side]

    def numbers(of: Callable[[tiles.Told], NDArray], side: int) -> NDArray[np.int32]:
        codes = np.concatenate([s[of(part)] for s, part in zip(spread, told, strict=True)])
        followed = codes < 0
        codes[followed] = found[-1 - codes[followed], side]
        return codes

    pair = numbers(lambda part: part.pair, 0)
    kept = np.flatnonzero(pair[:, 0] != pair[:, 1])
    cell = np.concatenate([part.cell for part in told])[kept]
    order = _by_cell(cell)
    kept = kept[order]
    return _Shared(
        peak, top_z, cell[order], np.concatenate([part.level for part in told])[kept], pair[kept],
        np.concatenate([part.ways for part in told])[kept], numbers(lambda part: part.goal, 1)[kept],
        [np.concatenate([high, found[frame, 0]]) for high, frame in zip(highs, frames, strict=True)],
        [part.peak.size for part in told],
    )  # fmt: skip


def _by_cell(cells: NDArray[np.int64]) -> NDArray[np.int32]:
    return engine.sort_keys(cells.astype(np.uint64), np.empty(cells.size, np.int32))


def _deepest(
    crew: Executor, job: _Job, cut: Sequence[_Tile], shared: _Shared, over: NDArray
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """What `tree.hang` asks of parts of the map without a way out."""
    while not np.array_equal(above := over[over], over):
        over = above
    roots = np.unique(over[1:])
    roots = roots[roots > 0]
    part = np.zeros(over.size, np.int32)
    part[over > 0] = 1 + np.searchsorted(roots, over[over > 0])
    cell, high = np.full(roots.size, -1, np.int64), np.zeros(roots.size, np.int32)
    level = np.full(roots.size, -np.inf, shared.top_z.dtype)
    work = ((job, t, part[shared.high[t.number]], roots.size) for t in cut)
    for (_, t, *_), (cells, depths, place) in _each(crew, _lowest, work):
        deeper = (cells >= 0) & ((depths > level) | ((depths == level) & (cells > cell)))
        cell[deeper], level[deeper] = cells[deeper], depths[deeper]
        high[deeper] = shared.high[t.number][place[deeper]]
    return roots, cell, level, high


def _around(h: Hierarchy, high: NDArray[np.int32]) -> tiles.Around:
    """The closures that hold these highs, as the tile sees them that knows the highs."""
    begin = h.begin[high]
    crests = _climbed(begin[begin >= 0], h.rungs, h.ladders)
    ladders = h.ladders[crests]
    size = ladders["size"].astype(np.int64)
    start = np.concatenate([[0], np.cumsum(size)])
    shift = np.repeat(ladders["start"] - start[:-1], size)
    place = shift + np.arange(start[-1])
    rungs = h.rungs[place]
    here = np.full(h.rungs.size + 1, -1, np.int32)  # the last for -1, none
    here[place] = np.arange(place.size)
    rungs["crest"] = np.repeat(np.arange(crests.size), size)
    rungs["guess"] -= shift.astype(np.int32)
    ladders["start"] = start[:-1]
    ladders["above"] = here[ladders["above"]]
    return tiles.Around(h.deep[h.outer[high]], here[begin], rungs, ladders, place)


@compiled
def _climbed(rung: NDArray, rungs: NDArray, ladders: NDArray) -> NDArray:
    """The crests whose ladders are met going up from these rungs, in order."""
    met = np.zeros(ladders.size, np.bool_)
    for at in rung:
        while at >= 0 and not met[rungs[at]["crest"]]:
            met[rungs[at]["crest"]] = True
            at = ladders[rungs[at]["crest"]]["above"]
    return np.flatnonzero(met)


@compiled
def _receivers(
    goal: NDArray, before: NDArray, ways: NDArray, outer: NDArray, leave: NDArray, number: NDArray, into: NDArray
) -> None:
    """As `engine.receivers`; the highs up-dip of both sides of each saddle are known, the ways between are not needed.

    Parameters
    ----------
    before, ways : NDArray
        (e, 2) of the saddles before and after sides were changed; goal : (e, 2) as `before`.
    """
    for node in range(outer.size):
        if outer[node] != node or number[node] == 0:
            continue
        e = leave[node]
        while ways[e, 0] < engine.OVER:
            high = goal[e, 0 if ways[e, 0] == before[e, 0] else 1]
            if number[outer[high]] != 0:
                into[node] = outer[high]
                break
            if high == 0:
                break
            e = leave[outer[high] if outer[high] != 0 else high]


# The table ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Nested:
    """Rows that a tile left in its notes, and the highs that stand for the closures around them."""

    note: Path
    roots: NDArray[np.int32]

    def load(self, what: str = "") -> NDArray:
        return np.load(self.note.with_name(f"{self.note.name}{what}.npy"), mmap_mode="r")


def _write_table(
    path: Path, rows: NDArray, highs: Hierarchy, number: NDArray[np.int32], nested: Sequence[_Nested]
) -> None:
    """Number the rows of all tiles and of what they share, and write them in this order."""
    node = highs.rows(rows.size, number)
    outermost = int(np.count_nonzero(highs.outer[node] == node))
    inside = node[outermost:]
    levels = [~sortable(highs.spill[inside]), *(part.load("_level") for part in nested)]
    cells = [~highs.cell[highs.via[inside]].astype(np.int64).view("u8"), *(part.load("_cell") for part in nested)]
    ids = _numbered(levels, cells, outermost + 1)
    none = np.zeros(1, np.int32)
    shared = np.concatenate([np.arange(outermost + 1, dtype=np.int32), ids[0]])
    maps = [np.concatenate([none, shared[number[p.roots]], own]) for p, own in zip(nested, ids[1:], strict=True)]
    maps.insert(0, shared)
    sources = [rows[outermost:], *(part.load() for part in nested)]
    total = outermost + sum(own.size for own in ids)
    with path.open("wb") as file:
        head = {"descr": np.lib.format.dtype_to_descr(ROW), "fortran_order": False, "shape": (total,)}
        np.lib.format.write_array_header_1_0(file, head)
        own = np.arange(1, outermost + 1, dtype=np.int32)
        for first in range(0, outermost, CHUNK):
            part = np.empty(min(CHUNK, outermost - first), ROW)
            _place(rows[first : first + part.size], shared, own[first : first + part.size], first + 1, part)
            part.tofile(file)
        for first in range(outermost + 1, total + 1, CHUNK):
            part = np.empty(min(CHUNK, total + 1 - first), ROW)
            for own, source, of in zip(ids, sources, maps, strict=True):
                a, b = np.searchsorted(own, [first, first + part.size])
                _place(np.asarray(source[a:b]), of, own[a:b], first, part)
            part.tofile(file)


@compiled
def _place(rows: NDArray, of: NDArray, ids: NDArray, first: int, part: NDArray) -> None:
    """Put rows where their ids say, into a part of the table that begins with id `first`. of : ids by the numbers that
    the rows have of each other."""
    for i in range(rows.size):
        at = ids[i] - first
        part[at] = rows[i]
        part[at]["id"], part[at]["parent"] = ids[i], of[rows[i]["parent"]]
        part[at]["spills_into"] = of[rows[i]["spills_into"]]


def _numbered(levels: Sequence[NDArray], cells: Sequence[NDArray], first: int) -> list[NDArray[np.int32]]:
    """Number rows from `first` on by (level, cell), keys that rise in every part; equal ones are in one part only."""
    ids = [np.empty(level.size, np.int32) for level in levels]
    every = max(1, sum(level.size for level in levels) // CHUNK)
    some = np.sort(np.concatenate([level[:: max(1, CHUNK // 64)] for level in levels]))
    bounds = np.unique(some[:: max(1, some.size // every)])[1:]
    at = [np.concatenate([[0], np.searchsorted(level, bounds), [level.size]]) for level in levels]
    for k in range(bounds.size + 1):
        spans = [slice(a[k], a[k + 1]) for a in at]
        level = np.concatenate([level[s] for level, s in zip(levels, spans, strict=True)])
        cell = np.concatenate([cell[s] for cell, s in zip(cells, spans, strict=True)])
        order = engine.sort_keys(cell, np.empty(cell.size, np.int32))
        order = order[engine.sort_keys(level[order], np.empty(cell.size, np.int32))]
        place = np.empty(order.size, np.int32)
        place[order] = np.arange(first, first + order.size)
        first += order.size
        ends = np.cumsum([0, *(s.stop - s.start for s in spans)])
        for own, s, a, b in zip(ids, spans, ends[:-1], ends[1:], strict=True):
            own[s] = place[a:b]
    return ids


def _each(
    crew: Executor, work: Callable[..., Result], items: Iterable[tuple[Any, ...]], ahead: int = 8
) -> Iterator[tuple[tuple[Any, ...], Result]]:
    """`work(*item)` by the crew, item after item, in order; no more than `ahead` are asked for at a time."""
    waiting: deque[tuple[tuple[Any, ...], Any]] = deque()
    for item in items:
        waiting.append((item, crew.submit(work, *item)))
        if len(waiting) >= ahead:
            done, future = waiting.popleft()
            yield done, future.result()
    while waiting:
        done, future = waiting.popleft()
        yield done, future.result()
