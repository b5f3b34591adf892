#!/usr/bin/env python
"""Find the closed structural traps of maps exactly, without a network."""

from pathlib import Path

from targets.cli import run
from targets.closure_files import (
    DEFAULT,
    EXACT,
    ClosureOptions,
    DepthError,
    Grids,
    Vectors,
    analyse,
    summary,
    write_analysis,
)
from targets.errors import UserError
from targets.fault_names import name_faults
from targets.large import analyse_large
from targets.maps import list_maps, read_map


def main(
    maps: tuple[str, ...],
    closures: ClosureOptions = DEFAULT,
    error: DepthError = EXACT,
    *,
    out: Path,
    elevation: bool = False,
    grids: Grids = "tif",
    vectors: Vectors = "gpkg",
    tile: int | None = None,
) -> None:
    """Find the closures of maps: a table, vector layers, grids, target rasters and a picture for each.

    Parameters
    ----------
    maps : maps, folders of maps, or grids with their fault files beside them.
    out : folder for the results, one folder per map.
    elevation : grids hold elevations, positive up.
    grids : how labels, height and catchments are written: tif, gri (IRAP binary), irap (ASCII), zmap or npz; maps
        without a location get npz.
    vectors : how polygons, points and lines are written: gpkg or geojson; maps without a location get geojson.
    tile : for grids beyond memory (GeoTIFF, zarr, .npy), found in tiles of so many cells a side, such as 4096: labels,
        heights and the table only.
    """
    if tile is not None:
        for grid in map(Path, maps):
            told = analyse_large(grid, out / grid.stem, closures, error, tile, elevation)
            print(f"{grid.stem}: {told}; look at {out / grid.stem / 'table.npy'}", flush=True)
        return
    failed = []
    for source in list_maps(maps):
        folder = out / source.name
        try:
            scene = read_map(source, elevation=elevation)
            analysis = analyse(scene, closures, error, name_faults(scene, source.faults))
            write_analysis(analysis, folder, grids, vectors)
        except UserError as mistake:
            failed.append(mistake)
            continue
        print(f"{source.name}: {summary(analysis)}; look at {folder / 'closures.png'}", flush=True)
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise UserError(f"{len(failed)} maps failed", " | ".join(map(str, failed)))


if __name__ == "__main__":
    run(main)
