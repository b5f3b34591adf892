"""Command closures: the exact closed structural traps of maps, without a network."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from targets.analysis.options import (
    DEFAULT_OPTIONS,
    NO_DEPTH_ERROR,
    ClosureOptions,
    DepthError,
    GridFormat,
    options_of_rules,
)
from targets.common.cli import Presets, run
from targets.common.folder_lock import lock_folder
from targets.common.parallel import THIS_PROCESS, Workers, piece_executor
from targets.common.process_lifetime import importing, sigterm_as_interrupt
from targets.errors import UserError, raise_all
from targets.io.outline_files import DEFAULT_OUTLINES, OutlineOptions
from targets.io.read_options import DEFAULT_READING, ReadOptions


def main(
    maps: tuple[str, ...],
    closures: ClosureOptions = DEFAULT_OPTIONS,
    error: DepthError = NO_DEPTH_ERROR,
    workers: Workers = THIS_PROCESS,
    outlines: OutlineOptions = DEFAULT_OUTLINES,
    *,
    out: Path,
    reading: ReadOptions = DEFAULT_READING,
    grids: GridFormat = "tif",
    names: Path | None = None,
    tile: int | None = None,
    resume: bool = False,
    rules: str | None = None,
) -> None:
    """Find the closures of maps: a table, vector layers, grids, target rasters and a picture for each.

    Parameters
    ----------
    maps : tuple[str, ...]
        Maps, folders of maps, or grids with their fault files beside them.
    out : Path
        Folder for the results, one folder per map.
    grids : GridFormat, default 'tif'
        Format of the grids of labels, height and catchments: tif, gri (IRAP binary), irap (ASCII), zmap, cps3,
        grd (Surfer 6 text), asc (Esri ASCII) or npz; maps without a location get npz.
    names : Path | None, default None
        Wells or places after which closures are named: a table with the headings x, y and name (CSV or other text), or
        a Shapefile, GeoPackage or GeoJSON of points; a closure takes the names of all points in it.
    tile : int | None, default None
        Side in cells, such as 4096, of the tiles in which grids beyond memory (GeoTIFF, zarr, .npy) are analysed:
        labels, heights and the table only. With --scheduler on a cluster, which writes zarr.
    resume : bool, default False
        Skip maps that an earlier command with these options finished.
    rules : str | None, default None
        Rules of closure: a file of fit_rules, or none (the defaults); options that are typed come before them.
    """
    with importing():
        from targets.analysis.out_of_core import check_options
        from targets.analysis.writers import analyse_map
        from targets.common.resume import file_state, map_resumable
        from targets.io.describe import MapDescription, print_lines, report_maps
        from targets.io.text_tables.named_points import read_named_points
        from targets.surface.simplify_outlines import check_tolerance

    if tile is not None:
        check_options(closures, error, tile, reading)
        if names is not None:
            raise UserError("--names", "given with --tile", "one of them", "name the closures of a map in memory")
        raise_all(_analyse_by_tiles(maps, closures, error, workers, out, reading, tile))
        return
    check_tolerance(outlines.simplify)
    if names is not None:
        read_named_points(names)  # is refused once, not for each map
    settings = (closures, error, replace(reading, quiet=False), grids, outlines, names and file_state(names))
    work = partial(
        analyse_map,
        out=out,
        options=closures,
        error=error,
        reading=reading,
        grids=grids,
        outlines=outlines,
        names=names,
    )
    sources, failed = report_maps(maps, reading), dict[int, UserError]()
    with lock_folder(out):
        done = map_resumable(work, sources, out, settings, resume, workers, lambda map, _: (out / map.name).is_dir())
        for index, outcome in done:
            if isinstance(outcome, UserError):
                failed[index] = outcome
            else:
                description, summary = outcome
                print_lines(MapDescription(*description).lines, reading)
                name = sources[index].name
                print(f"{name}: {summary}; look at {out / name / 'closures.png'}", flush=True)
    raise_all(failed)


def _analyse_by_tiles(
    maps: tuple[str, ...], closures: ClosureOptions, error: DepthError, workers: Workers, out: Path,
    reading: ReadOptions, tile: int,
) -> dict[int, UserError]:  # fmt: skip
    """Analyse grids one after the other, each by tiles; what is wrong with single grids stops no other."""
    with importing():
        from targets.analysis.out_of_core import analyse_tiled, name_grids
        from targets.io.describe import print_lines
        from targets.io.map_folder.results import check_results_lie_apart

    failed = dict[int, UserError]()
    sources = name_grids(maps)
    with lock_folder(out), sigterm_as_interrupt(), piece_executor(workers) as executor:
        for index, source in enumerate(sources):
            folder = out / source.name
            try:
                check_results_lie_apart(source.path, source.input_files, folder, "closures --tile")
                found = analyse_tiled(source.path, folder, closures, error, tile, reading, executor)
            except UserError as problem:
                failed[index] = problem
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()
                continue
            print_lines(found.lines, reading)
            print(f"{source.name}: {found.summary}; look at {folder / 'table.npy'}", flush=True)
    return failed


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args, find_presets=find_presets)


def find_presets(values: Mapping[str, Any], typed: Mapping[str, Any]) -> Presets | None:
    """The options that the file of --rules stands for."""
    if values["rules"] is None:
        return None
    with importing():
        from targets.io.describe import print_lines
        from targets.rules.fitted_rules import rules_of_file

    rules = rules_of_file(values["rules"])
    if rules is not None and rules.smoothing:
        left_out = f"its smoothing over {rules.smoothing:g} cells is left out"
        print_lines([f"{values['rules']}: outlines are exact; {left_out}"], ReadOptions(quiet=values["reading.quiet"]))
    return None if rules is None else Presets(options_of_rules(rules), replace_config=True)
