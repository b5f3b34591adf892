"""Closures of a map that does not fit into memory, tile by tile: the answer of `find_closures`, written to disk.

1. Each tile is surveyed (`tiles.survey`): what no other tile can change is settled there; crests, saddles and the cells
   beside other tiles are exported.
2. The exported basin graphs are merged (`tiles.graph`), highs that were followed over a border find their crest, and
   `merge_tree.build_hierarchy` joins them as those of any map. Cells, and with them highs and saddles, are taken in the
   order of the whole map, so equal depths are decided as they are there.
3. Each tile sums its cells, by the innermost closure that holds them, and writes the rows of what it settled
   (`tiles.totals`).
4. Rows get their numbers, by depth and cell of their saddles; the table is written (`tiles.table`).
5. Each tile writes labels and heights.

References
----------
Barnes (2016), Parallel Priority-Flood depression filling for trillion cell digital elevation models on desktops or
clusters. Computers & Geosciences 96, 56-68. There, too, tiles export border graphs that are solved together; here the
graph holds what a tree of closures needs beside the spill depths.
"""

import errno
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

from targets.closure.arguments import SearchOptions, active_rules
from targets.closure.arrays import laid_on
from targets.closure.find import ROW
from targets.closure.kernels.branches import Hierarchy
from targets.closure.kernels.merge import NodeClosures
from targets.closure.kernels.properties import Totals, add_nested
from targets.closure.kernels.table import TableData
from targets.closure.merge_tree import DeepestCells, build_hierarchy, number_nodes, pass_leaks_on, write_rows
from targets.closure.tiles import tasks
from targets.closure.tiles.graph import MergedGraph, closures_around, merge_graphs, trace_merged_leaks
from targets.closure.tiles.table import RowsOnDisk, write_table
from targets.closure.tiles.tasks import Tile, TiledSearch, cut_tiles
from targets.common.atomic_write import flush, rename
from targets.common.files.npy_files import map_npy
from targets.common.rasters.windowed import Raster, create_npy, create_raster, move_raster, open_raster
from targets.errors import UserError

Result = TypeVar("Result")


@dataclass(frozen=True)
class TileOptions:
    """How a large map is cut, and what is written of it.

    Attributes
    ----------
    side : int, default 4096
        Cells a side of a tile; a tile takes some 20 bytes per cell while it is worked on.
    form : str, default 'zarr'
        Of labels and height: "zarr" or "tif".
    height : bool, default True
        Whether to write the height.

    Raises
    ------
    UserError
        An option is unknown or out of range.
    """

    side: int = 4096
    form: str = "zarr"
    height: bool = True

    def __post_init__(self) -> None:
        """Check the options."""
        if self.side < 1:
            raise UserError("tile", f"{self.side}", "at least 1 cell a side")
        if self.form not in ("zarr", "tif"):
            raise UserError("form", f"{self.form!r}", '"zarr" or "tif"')


@dataclass(frozen=True, eq=False)
class TiledClosures:
    """The closures of a large map; all three as in `Closures`, but on disk.

    Attributes
    ----------
    labels : Raster, (H, W) int32
        Gives windows, ``labels[a:b, c:d]``.
    height : Raster, (H, W) float32
        Likewise; None = not asked for.
    table : (N,) of `ROW`
        Mapped from its file.
    """

    labels: Raster
    height: Raster | None
    table: NDArray[Any]


def find_closures_tiled(
    depth: Any,
    out: str | Path,
    valid: Any = None,
    faults: Any = None,
    options: SearchOptions | None = None,
    tiles: TileOptions | None = None,
    workers: Executor | None = None,
) -> TiledClosures:
    """Find the closed structural traps of a depth map of any size, exactly as `find_closures` does.

    Labels, heights and the table are those of `find_closures`, number by number, whatever the tiles; `volume` is the
    same up to the rounding of its sum. What needs the whole grid in memory (catchments, migration paths,
    `closure_probability`) takes the answer of `find_closures` only.

    Parameters
    ----------
    depth, valid, faults : (H, W)
        Each a path (GeoTIFF, zarr or .npy), or anything that has `shape` and `dtype` and gives windows ``[a:b, c:d]``;
        number types and meaning as in `find_closures`. In a GeoTIFF, nodata is off the map and no fault, and what is
        above 0 is valid.
    out : str | Path
        Folder for labels, height and table.npy, which appear when all is done. Notes beside them take 4 bytes per cell
        and some hundred per closure meanwhile.
    options : SearchOptions, default None
        The options of `find_closures`; None = its defaults.
    tiles : TileOptions, default None
        Size of the tiles and what is written; None = the defaults.
    workers : Executor, default None
        Who works on the tiles, threads of this process by default; for other machines a
        `targets.common.dask_cluster.ClusterExecutor`, paths that they can reach, and form "zarr".

    Returns
    -------
    TiledClosures
        Labels, heights and table on disk.

    Raises
    ------
    UserError
        The grids do not fit each other, or an option is unknown.
    """
    options, tiles = options or SearchOptions(), tiles or TileOptions()
    out = Path(out).absolute()
    named_grids = {"depth": depth, "valid": valid, "faults": faults}
    grids = [
        None if grid is None else open_raster(laid_on(grid, depth, name)) for name, grid in named_grids.items()
    ]  # fmt: skip
    source = grids[0]
    assert source is not None
    for name, grid in zip(("valid", "faults"), grids[1:], strict=True):
        if grid is not None and grid.shape != source.shape:
            raise UserError(name, f"shape {grid.shape}", f"{source.shape}, the shape of depth")
    named = () if isinstance(options.fault_rule, str) else tuple(options.fault_rule)
    rules = active_rules(options.fault_rule, named)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".notes", dir=out, ignore_cleanup_errors=True) as notes:
            search = TiledSearch(source, grids[1], grids[2], rules, options, Path(notes))
            with _threads() if workers is None else nullcontext(workers) as pool:
                return _TiledRun(search, cut_tiles(search.shape, tiles.side), tiles, pool).find(out, named)
    except OSError as error:
        raise UserError(out, f"a grid cannot be read or written ({error})", "a folder with free space") from error


@contextmanager
def _threads() -> Iterator[Executor]:
    """Threads of this process; work that was not begun is dropped when the run is ended early."""
    pool = ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True, eq=False)
class _TiledRun:
    """One run over all tiles: the five steps, and what is done between the tasks."""

    search: TiledSearch
    cut: list[Tile]
    options: TileOptions
    pool: Executor

    def find(self, out: Path, named: Sequence[int]) -> TiledClosures:
        """Run all steps; named : faults with a rule of their own."""
        graph = self._survey(named)
        highs = build_hierarchy(
            graph.crest_cell, graph.crest_depth, graph.saddles._replace(directions=graph.saddles.directions.copy()),
            graph.saddle_depth, self.search.options.interval, self.search.options.base,
            lambda over: self._find_deepest(graph, over),
        )  # fmt: skip
        totals, nested = self._total(graph, highs)
        table, ids = self._write_table(graph, highs, totals, nested)
        del totals
        rasters = self._label(graph, highs, ids)
        moved = [move_raster(self.search.notes / name, out / name) for name in rasters]
        flush(table)
        rename(table, out / table.name)
        height = moved[1] if self.options.height else None
        return TiledClosures(moved[0], height, map_npy(out / table.name))

    def _survey(self, named: Sequence[int]) -> MergedGraph:
        """Step 1, and the merge of step 2."""
        graphs, known = [], set()
        for _, (exported, numbers) in self._map(tasks.survey_tile, ((tile,) for tile in self.cut)):
            graphs.append(exported)
            known.update(numbers)
        if named:
            active_rules(dict.fromkeys(named, "transparent"), known)
        return merge_graphs(graphs)

    def _find_deepest(self, graph: MergedGraph, over: NDArray) -> DeepestCells:
        """The deepest cells of parts of the map without a way out, for `build_hierarchy`."""
        while not np.array_equal(above := over[over], over):
            over = above
        roots = np.unique(over[1:])
        roots = roots[roots > 0]
        part = np.zeros(over.size, np.int32)
        part[over > 0] = 1 + np.searchsorted(roots, over[over > 0])
        cell, high = np.full(roots.size, -1, np.int64), np.zeros(roots.size, np.int32)
        depth = np.full(roots.size, -np.inf, graph.crest_depth.dtype)
        work = ((tile, part[graph.highs_of_tile[tile.number]], roots.size) for tile in self.cut)
        for (tile, *_), found in self._map(tasks.find_deepest_of_tile, work):
            equal = (found.depth == depth) & (found.cell > cell)
            deeper = (found.cell >= 0) & ((found.depth > depth) | equal)
            cell[deeper], depth[deeper] = found.cell[deeper], found.depth[deeper]
            high[deeper] = graph.highs_of_tile[tile.number][found.place[deeper]]
        return DeepestCells(roots, cell, depth, high)

    def _total(self, graph: MergedGraph, highs: Hierarchy) -> tuple[Totals, list[RowsOnDisk]]:
        """Step 3: totals of the closures that tiles share, and the rows of those that tiles settled."""
        totals, nested = Totals.zeros(highs.branches.nodes.size), []
        work = (
            (tile, graph.exported[i], closures_around(highs, graph.highs_of_tile[i])) for i, tile in enumerate(self.cut)
        )
        for (tile, _, around), (part, roots) in self._map(tasks.total_tile, work):
            for name in ("area", "depth"):
                totals.sums[name][around.place] += part.sums[name]
            totals.touches[around.place] |= part.touches
            nested.append(RowsOnDisk(tile.note(self.search, "rows"), graph.highs_of_tile[tile.number][roots]))
            tile.note(self.search, "settled").unlink()
        add_nested(highs.branches, totals)
        return totals, nested

    def _write_table(
        self, graph: MergedGraph, highs: Hierarchy, totals: Totals, nested: Sequence[RowsOnDisk]
    ) -> tuple[Path, NDArray[np.int32]]:
        """Step 4: the file of the table, and per node the id of its closure."""
        options, notes = self.search.options, self.search.notes
        count, ids = number_nodes(highs, totals, options.min_area, options.min_height)
        if options.interval > 0:
            pass_leaks_on(highs, ids[highs.closures.outermost[: highs.crest_cell.size]] > 0)
        spills_into = np.zeros(ids.size, np.int32)
        trace_merged_leaks(graph.updip, graph.saddles.directions, highs, ids, spills_into)
        rows = create_npy(notes / "rows.npy", (max(1, count),), ROW)[:count]
        write_rows(highs, TableData(self.search.shape[1], spills_into, totals, ids), rows)
        table = notes / "table.npy"
        write_table(table, rows, highs, ids, nested)
        return table, ids

    def _label(self, graph: MergedGraph, highs: Hierarchy, ids: NDArray[np.int32]) -> list[str]:
        """Step 5: the names of the rasters that are written."""
        kinds: dict[str, Any] = {f"labels.{self.options.form}": np.int32}
        kinds |= {f"height.{self.options.form}": np.float32} if self.options.height else {}
        notes, shape, like = self.search.notes, self.search.shape, self.search.depth
        rasters = [create_raster(notes / name, shape, kind, self.options.side, like) for name, kind in kinds.items()]

        def work() -> Iterator[tuple[Any, ...]]:
            spill, limit, outermost = highs.closures
            for tile in self.cut:
                root = outermost[graph.highs_of_tile[tile.number]]
                yield tile, NodeClosures(spill[root], limit[root], root), ids[root], rasters

        checksums = {}
        for (tile, *_), found in self._map(tasks.label_tile, work()):
            checksums[tile] = found
            tile.note(self.search, "basin.npy").unlink()
        if self.options.form == "tif":
            self._check(rasters, checksums)
        return list(kinds)

    def _check(self, rasters: Sequence[Raster], checksums: Mapping[Tile, list[int]]) -> None:
        """Read GeoTIFFs back, since GDAL closes files silently when the disk is full."""
        try:
            work = ((tile, rasters, found) for tile, found in checksums.items())
            is_whole = all(same for _, same in self._map(tasks.reads_back, work))
        except UserError:  # cut off
            is_whole = False
        if not is_whole:
            raise OSError(errno.ENOSPC, "a GeoTIFF does not hold what was written to it; the disk is full")

    def _map(
        self, task: Callable[..., Result], work: Iterable[tuple[Any, ...]], ahead: int = 8
    ) -> Iterator[tuple[tuple[Any, ...], Result]]:
        """Run ``task(search, *item)`` by the pool, in order; no more than `ahead` are asked for at a time."""
        waiting: deque[tuple[tuple[Any, ...], Any]] = deque()
        for item in work:
            waiting.append((item, self.pool.submit(task, self.search, *item)))
            if len(waiting) >= ahead:
                done, future = waiting.popleft()
                yield done, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result()
