"""Command prospects: an inventory of closures with contacts, volumes in place, their uncertainty, and a page each."""

from functools import partial
from pathlib import Path

from targets.analysis.options import DEFAULT_OPTIONS, NO_DEPTH_ERROR, ClosureOptions, DepthError
from targets.common.cli import run
from targets.common.folder_lock import lock_folder
from targets.common.parallel import THIS_PROCESS, Workers
from targets.common.process_lifetime import importing
from targets.errors import UserError, raise_all
from targets.io.outline_files import DEFAULT_OUTLINES, OutlineOptions
from targets.io.read_options import DEFAULT_READING, ReadOptions
from targets.prospects.options import DEFAULT_PROSPECTS, ProspectOptions
from targets.prospects.scenarios.options import NO_SCENARIOS, ScenarioOptions, refuse_contours


def main(
    maps: tuple[str, ...],
    closures: ClosureOptions = DEFAULT_OPTIONS,
    error: DepthError = NO_DEPTH_ERROR,
    workers: Workers = THIS_PROCESS,
    prospects: ProspectOptions = DEFAULT_PROSPECTS,
    outlines: OutlineOptions = DEFAULT_OUTLINES,
    scenarios: ScenarioOptions = NO_SCENARIOS,
    *,
    out: Path,
    reading: ReadOptions = DEFAULT_READING,
) -> None:
    """Make the inventory of the prospects of maps: a table, a page each, contact outlines and area-depth tables.

    Parameters
    ----------
    maps : tuple[str, ...]
        Maps, folders of maps, or grids with their fault files beside them.
    out : Path
        Folder for the inventory of all maps, and for one folder per map.
    """
    with importing():
        from targets.common.parallel import map_unordered
        from targets.io.describe import print_lines, report_maps
        from targets.io.text_tables.named_points import read_named_points
        from targets.prospects.contact_table import read_contact_table
        from targets.prospects.report.writers import ListedMap, ProspectSettings, make_map_prospects, write_inventory
        from targets.surface.simplify_outlines import check_tolerance

    if scenarios.charge is not None and closures.contour_interval is not None:
        refuse_contours()
    table = read_contact_table(prospects.contacts) if prospects.contacts else []
    if prospects.names is not None:
        read_named_points(prospects.names)  # is refused once, not for each map
    check_tolerance(outlines.simplify)
    settings = ProspectSettings(closures, error, prospects, outlines, reading, scenarios)
    work = partial(make_map_prospects, out=out, settings=settings, table=table)
    sources, failed = report_maps(maps, reading), dict[int, UserError]()
    found: dict[int, ListedMap] = {}
    with lock_folder(out):
        for index, outcome in map_unordered(work, sources, workers):
            if isinstance(outcome, UserError):
                failed[index] = outcome
                continue
            found[index] = outcome
            print_lines([*outcome.description.lines, *outcome.notes, *outcome.scenarios], reading)
        if found:
            said = write_inventory([found[index] for index in sorted(found)], out, prospects)
            print_lines(said, reading)
            count = sum(len(listed.prospects) for listed in found.values())
            print(f"{count} prospect{'' if count == 1 else 's'}; look at {out / 'inventory.html'}", flush=True)
    raise_all(failed)


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args)
