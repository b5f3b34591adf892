"""Exact analysis of a grid beyond memory, tile by tile: labels, heights and the table of closures."""

from concurrent.futures import Executor
from pathlib import Path

import numpy as np

from targets.analysis.options import MIN_HEIGHT_SHARE, NO_DEPTH_ERROR, ClosureOptions, DepthError
from targets.closure import SearchOptions, TileOptions, find_closures_tiled
from targets.common.rasters.windowed import GeoTiff, NegatedRaster, Raster, open_raster
from targets.errors import UserError
from targets.io.read_options import ReadOptions


def analyse_tiled(
    grid: Path,
    folder: Path,
    options: ClosureOptions,
    error: DepthError,
    tile: int,
    reading: ReadOptions,
    workers: Executor | None = None,
) -> str:
    """Find the closures of a grid tile by tile.

    The folder gets ``labels`` and ``height``, as ``.tif`` with the location where the grid is a GeoTIFF, else or from
    workers, who cannot write one file together, as ``.zarr``, and ``table.npy`` in cells.

    Parameters
    ----------
    grid : Path
        GeoTIFF, zarr or .npy; what is not finite, or nodata, lies outside the map.
    folder : Path
        For the results.
    options : ClosureOptions
        Rules of closure; faults are transparent.
    error : DepthError
        None: probabilities need the whole map.
    tile : int
        Cells along the side of a tile.
    reading : ReadOptions
        How the grid is read.
    workers : Executor | None, default None
        Who works on tiles; None: threads of this process.

    Returns
    -------
    str
        How many closures were found, in words.

    Raises
    ------
    UserError
        The grid cannot be read, or an option needs the whole map in memory.
    """
    hint = "leave --tile away if the grid fits into memory"
    if error != NO_DEPTH_ERROR:
        raise UserError("--depth-std", "given with --tile", "one map in memory", hint)
    if options.faults != "transparent" or options.fault_rules:
        hint = "use targets.closure.find_closures_tiled, which takes a raster of faults"
        raise UserError("--faults", "given with --tile, which reads no fault files", "transparent", hint)
    if options.contour_interval == "auto":
        raise UserError("--contour-interval", "auto with --tile", "a depth step", hint)
    raster = open_raster(grid)
    depth = NegatedRaster(raster) if reading.elevation else raster
    low = MIN_HEIGHT_SHARE * range_of_depths(depth, tile) if options.min_height is None else options.min_height
    search = SearchOptions(
        edge=options.edge, connectivity=options.connectivity, contour_interval=options.contour_interval,
        contour_base=options.contour_base or 0.0, min_area=options.min_area, min_height=low,
    )  # fmt: skip
    form = "tif" if isinstance(raster, GeoTiff) and workers is None else "zarr"
    found = find_closures_tiled(depth, folder, options=search, tiles=TileOptions(tile, form), workers=workers)
    outermost = int(np.count_nonzero(found.table["parent"] == 0))
    return f"{outermost} closures, {found.table.size - outermost} inside them"


def range_of_depths(depth: Raster, tile: int) -> float:
    """Measure the relief of a grid window by window.

    Parameters
    ----------
    depth : Raster
        The grid; cells that are not finite lie outside the map.
    tile : int
        Cells along the side of a window.

    Returns
    -------
    float
        Deepest minus shallowest depth.

    Raises
    ------
    UserError
        No cell has a depth.
    """
    low, high = np.inf, -np.inf
    for row in range(0, depth.shape[0], tile):
        for col in range(0, depth.shape[1], tile):
            values = np.asarray(depth[row : row + tile, col : col + tile])
            values = values[np.isfinite(values)]
            low, high = min(low, values.min(initial=np.inf)), max(high, values.max(initial=-np.inf))
    if low > high:
        raise UserError("depth", "no cell with a depth", "a grid of depths")
    return float(high) - float(low)
