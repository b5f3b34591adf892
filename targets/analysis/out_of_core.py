"""Exact analysis of grids beyond memory, tile by tile: labels, heights and the table of closures."""

import math
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from targets.analysis.options import NO_DEPTH_ERROR, ClosureOptions, DepthError
from targets.closure import SearchOptions, TileOptions, find_closures_tiled
from targets.common.rasters.windowed import ComputedDepth, GeoTiff, Raster, open_raster
from targets.errors import UserError
from targets.io.catalogue import MapSource, with_unique_names
from targets.io.map_folder.results import write_mark
from targets.io.nulls import Nulls, ValueSummary, find_nulls, summarise_values
from targets.io.read_options import ReadOptions
from targets.io.sign import holds_elevations
from targets.surface.tiled_fill import Window, cut_windows, fill_tiled

MIN_TILE = 8  # cells a side; of 1,600 tiles of a cell each the notes alone take a minute
MAX_TILES = 100_000  # of a grid; an hour of notes


@dataclass(frozen=True)
class DepthRaster(ComputedDepth):
    """A grid on disk as depths, read by windows as `targets.io.grids.registry.load_surface` reads it as a whole.

    Attributes
    ----------
    raster : Raster
        (H, W) numbers as the file holds them.
    nulls : Nulls
        Which of them are undefined.
    is_elevation : bool
        They are positive up.
    """

    nulls: Nulls
    is_elevation: bool

    def __getitem__(self, window: Window) -> NDArray[np.float32]:
        depth = self.nulls.undefine(np.asarray(self.raster[window])).astype(np.float32)
        return -depth if self.is_elevation else depth


def name_grids(paths: Sequence[str | Path]) -> list[MapSource]:
    """Give the grids of a command line names that can be folders: unique, without signs that lead elsewhere.

    Examples
    --------
    >>> [source.name for source in name_grids(["north/top.tif", "south/top.tif", "...tif"])]
    ['north_top', 'south_top', 'map']
    """
    places = {Path(path).resolve(): Path(path) for path in paths}
    return with_unique_names([MapSource(path.stem, "grid", {"grid": path}) for path in places.values()])


@dataclass(frozen=True)
class TiledAnalysis:
    """What is found in a grid tile by tile.

    Attributes
    ----------
    summary : str
        How many closures were found, in words.
    lines : tuple[str, ...]
        What was understood of the grid, and what had to be assumed, a line each.
    """

    summary: str
    lines: tuple[str, ...]


def analyse_tiled(
    grid: Path,
    folder: Path,
    options: ClosureOptions,
    error: DepthError,
    tile: int,
    reading: ReadOptions,
    workers: Executor | None = None,
) -> TiledAnalysis:
    """Find the closures of a grid tile by tile: those of the same grid in memory.

    Undefined cells, sign and voids are what they are in memory: voids inside the map are filled. Only the contact with
    faults (`touches_fault`) is missing, since no faults are read. The folder gets ``labels`` and ``height``, as
    ``.tif`` with the location where the grid is a GeoTIFF, else or from workers, who cannot write one file together, as
    ``.zarr``, and ``table.npy`` in cells.

    Parameters
    ----------
    grid : Path
        GeoTIFF, zarr or .npy.
    folder : Path
        For the results.
    options : ClosureOptions
        Rules of closure; faults are transparent.
    error : DepthError
        None: probabilities need the whole map.
    tile : int
        Cells along the side of a tile.
    reading : ReadOptions
        How the grid is read; voids are filled by inpainting.
    workers : Executor | None, default None
        Who works on tiles; None: threads of this process.

    Returns
    -------
    TiledAnalysis

    Raises
    ------
    UserError
        The grid cannot be read, or an option needs the whole map in memory.
    """
    check_options(options, error, tile, reading)
    raster = open_raster(grid)
    if raster.dtype == np.bool_:
        raise UserError(grid, "an array of bool", "numbers", "a mask is no depth")
    count = math.prod(-(-side // tile) for side in raster.shape)
    if count > MAX_TILES:
        raise UserError("--tile", f"{tile} cells a side, which cuts {grid.name} into {count:,} tiles",
                        f"at most {MAX_TILES:,}", "such as 4096")  # fmt: skip
    summary = summarise_tiled(raster, tile)
    nulls = find_nulls(summary, reading.nodata, grid)
    if not nulls.low <= nulls.high:  # NaN: no value is left
        raise UserError(grid, "the map is empty: no cell has a value", "some cells with a depth")
    is_elevation, sign_notes = holds_elevations(nulls.low, nulls.high, reading.elevation)
    low, high = float(np.float32(nulls.low)), float(np.float32(nulls.high))
    extent = (-high, -low) if is_elevation else (low, high)
    least = options.least_height(extent[1] - extent[0])
    interval = None if options.contour_interval is None else float(options.contour_interval)
    search = SearchOptions(
        edge=options.edge, connectivity=options.connectivity, contour_interval=interval,
        contour_base=options.contour_base or 0.0, min_area=options.min_area, min_height=least,
    )  # fmt: skip
    form = "tif" if isinstance(raster, GeoTiff) and workers is None else "zarr"
    tiles = TileOptions(tile, form)
    folder.mkdir(parents=True, exist_ok=True)
    for pattern in (".voids*", ".notes*"):  # of a run that was killed
        for left in folder.glob(pattern):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".voids", dir=folder.absolute(), ignore_cleanup_errors=True) as notes:
        depth = DepthRaster(raster, nulls, is_elevation)
        filled = fill_tiled(depth, extent, tile, Path(notes), numba.config.NUMBA_NUM_THREADS)
        found = find_closures_tiled(filled, folder, options=search, tiles=tiles, workers=workers)
    write_mark(
        {"made_by": "closures --tile", "map": folder.name, "file": grid.name, "path": str(grid.resolve())}, folder
    )
    outermost = int(np.count_nonzero(found.table["parent"] == 0))
    rows, cols = raster.shape
    line = f"{grid.name}: {rows} x {cols} cells by tiles of {tile}, depth {extent[0]:g} to {extent[1]:g}"
    notes_of_grid = (*nulls.notes, *sign_notes)
    return TiledAnalysis(
        f"{outermost} closure{'' if outermost == 1 else 's'}, {found.table.size - outermost} inside them",
        (line, *(f"{grid.name}: {note}" for note in notes_of_grid)),
    )


def check_options(options: ClosureOptions, error: DepthError, tile: int, reading: ReadOptions) -> None:
    """Refuse options that need the whole map in memory.

    Raises
    ------
    UserError
        An option is one of these, or the side of a tile is no size.
    """
    hint = "leave --tile away if the grid fits into memory"
    if tile < MIN_TILE:
        raise UserError("--tile", f"{tile}", f"at least {MIN_TILE} cells a side", "such as 4096")
    if error != NO_DEPTH_ERROR:
        raise UserError("--depth-std", "given with --tile", "one map in memory", hint)
    if options.faults != "transparent" or options.fault_rules:
        hint = "use targets.closure.find_closures_tiled, which takes a raster of faults"
        raise UserError("--faults", "given with --tile, which reads no fault files", "transparent", hint)
    if options.selects:
        raise UserError("--culminations, --fault-contact or --noise", "given with --tile", "the largest closures", hint)
    if options.contour_interval == "auto":
        raise UserError("--contour-interval", "auto with --tile", "a depth step", hint)
    if reading.fill != "inpaint":
        raise UserError("--fill", f"{reading.fill} with --tile", "inpaint", hint)


def summarise_tiled(raster: Raster, tile: int) -> ValueSummary:
    """Summarise the values of a grid window by window.

    Parameters
    ----------
    raster : Raster
        The grid.
    tile : int
        Cells along the side of a window.

    Returns
    -------
    ValueSummary
    """
    with ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS) as pool:
        parts = pool.map(lambda window: summarise_values(raster[window]), cut_windows(raster.shape, tile))
        return reduce(ValueSummary.merge, parts)
