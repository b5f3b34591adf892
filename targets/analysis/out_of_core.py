"""What does an exact analysis of a grid beyond memory leave on disk? Labels, heights and the table of closures."""

from concurrent.futures import Executor
from pathlib import Path

import numpy as np

from targets.analysis.closures_of_map import EXACT, MIN_RELIEF, ClosureOptions, DepthError
from targets.closure import SearchOptions, TileOptions, find_closures_tiled
from targets.common.rasters.windowed import GeoTiff, NegatedRaster, Raster, open_raster
from targets.errors import UserError


def analyse_large(
    source: Path,
    folder: Path,
    options: ClosureOptions,
    error: DepthError,
    tile: int,
    elevation: bool,
    workers: Executor | None = None,
) -> str:
    """Find the closures of a grid tile by tile; what was found, in words.

    The folder gets ``labels`` and ``height``, as ``.tif`` with the location where the grid is a GeoTIFF, else or from
    workers, who cannot write one file together, as ``.zarr``, and ``table.npy`` in cells.

    Parameters
    ----------
    source : Path
        GeoTIFF, zarr or .npy; what is not finite, or nodata, lies outside the map.
    tile, workers
        As in `find_closures_tiled`.

    Raises
    ------
    UserError
        The grid cannot be read, or an option needs the whole map in memory.
    """
    mend = "leave --tile away if the grid fits into memory"
    if error != EXACT:
        raise UserError("--depth-std", "given with --tile", "one map in memory", mend)
    if options.faults != "transparent" or options.fault_rules:
        mend = "use targets.closure.find_closures_tiled, which takes a raster of faults"
        raise UserError("--faults", "given with --tile, which reads no fault files", "transparent", mend)
    if options.contour_interval == "auto":
        raise UserError("--contour-interval", "auto with --tile", "a depth step", mend)
    raster = open_raster(source)
    depth = NegatedRaster(raster) if elevation else raster
    low = MIN_RELIEF * relief(depth, tile) if options.min_height is None else options.min_height
    search = SearchOptions(
        edge=options.edge, connectivity=options.connectivity, contour_interval=options.contour_interval,
        contour_base=options.contour_base or 0.0, min_area=options.min_area, min_height=low,
    )  # fmt: skip
    form = "tif" if isinstance(raster, GeoTiff) and workers is None else "zarr"
    found = find_closures_tiled(depth, folder, options=search, tiles=TileOptions(tile, form), workers=workers)
    outer = int(np.count_nonzero(found.table["parent"] == 0))
    return f"{outer} closures, {found.table.size - outer} inside them"


def relief(depth: Raster, tile: int) -> float:
    """The range of the depths of a grid, read window by window."""
    low, high = np.inf, -np.inf
    for row in range(0, depth.shape[0], tile):
        for col in range(0, depth.shape[1], tile):
            values = np.asarray(depth[row : row + tile, col : col + tile])
            values = values[np.isfinite(values)]
            low, high = min(low, values.min(initial=np.inf)), max(high, values.max(initial=-np.inf))
    if low > high:
        raise UserError("depth", "no cell with a depth", "a grid of depths")
    return float(high) - float(low)
