"""Check of a data set: every map by itself, then all maps against each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.check.drawn_rules import fit_drawn_rules, read_drawn_maps
from targets.check.issues import KINDS, Finding, assumptions, dataset_issues, map_issues, overlap_issues
from targets.check.map_summary import MapSummary, intersection_over_union, summarise_map
from targets.check.overlap import Footprint, find_overlaps, footprint_of
from targets.common.parallel import THIS_PROCESS, Workers, map_unordered
from targets.errors import UserError
from targets.io.catalogue import MapSource, find_maps, read_map
from targets.io.describe import MapDescription, describe_map
from targets.io.read_options import ReadOptions
from targets.picture_reading.known_palettes import PaletteMatch, palette_positions
from targets.rules import FittedRules
from targets.scene import Scene
from targets.surface.fill import fill_holes
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import compute_traps

DEFAULT_RULES = TrapCriteria()
MOST_FITTED = 40  # maps with drawn traps from which rules are found


@dataclass(frozen=True, eq=False)
class DataCheck:
    """The check of a data set.

    Attributes
    ----------
    maps : list[MapSummary]
        Of the maps that can be read.
    findings : list[Finding]
        All findings, worst first.
    descriptions : list[MapDescription]
        What was understood of the maps that can be read.
    set_lines : list[str]
        How flat sets are understood, as tables to confirm.
    rules : TrapCriteria
        Of the exact closures that drawn traps were compared with.
    fitted : FittedRules | None, default None
        These rules, if they were found from the drawn traps.
    """

    maps: list[MapSummary]
    findings: list[Finding]
    descriptions: list[MapDescription]
    set_lines: list[str]
    rules: TrapCriteria = DEFAULT_RULES
    fitted: FittedRules | None = None


@dataclass(frozen=True, eq=False)
class MapInspection:
    """The check of one map.

    Attributes
    ----------
    summary : MapSummary
        What it holds.
    findings : list[Finding]
        What looks wrong.
    footprint : Footprint | None
        What other maps are compared with, None where neither depth nor colours give a surface.
    description : MapDescription
        What was understood of its files.
    """

    summary: MapSummary
    findings: list[Finding]
    footprint: Footprint | None
    description: MapDescription


def check_data(
    paths: Sequence[str | Path],
    options: ReadOptions,
    rules: TrapCriteria | None = None,
    workers: Workers = THIS_PROCESS,
) -> DataCheck:
    """Check every map under some paths; a map that cannot be read is a finding and stops no other.

    Parameters
    ----------
    paths : Sequence[str | Path]
        Maps, folders of maps, or grids.
    options : ReadOptions
        How files are read.
    rules : TrapCriteria | None, default None
        Of the exact closures that interpreted traps are compared with; None: those that explain the drawn traps best,
        found on `MOST_FITTED` maps at most, or the defaults where nothing is drawn.
    workers : Workers, default THIS_PROCESS
        Who reads the maps.

    Returns
    -------
    DataCheck

    Raises
    ------
    UserError
        A path does not exist or holds no map.
    """
    catalogue = find_maps(paths, options)
    sources, fitted = catalogue.sources, None
    if rules is None:
        fitted = fit_drawn_rules([*read_drawn_maps(sources, options, workers, MOST_FITTED).scenes.values()])
        rules = DEFAULT_RULES if fitted is None else fitted.rules
    outcomes = dict(map_unordered(partial(inspect_map, options=options, rules=rules), sources, workers, "maps"))
    inspections: list[MapInspection] = []
    findings = [Finding("not read", (), error) for error in catalogue.left_out]
    for number, source in enumerate(sources):
        outcome = outcomes[number]
        if isinstance(outcome, UserError):
            findings.append(Finding("unreadable", (source.name,), outcome))
        else:
            inspections.append(outcome)
            findings += outcome.findings
    summaries = [inspection.summary for inspection in inspections]
    footprints = [inspection.footprint for inspection in inspections if inspection.footprint is not None]
    findings += assumptions(summaries)
    findings += overlap_issues(summaries, footprints, find_overlaps(footprints))
    findings += dataset_issues(summaries, Path(next(iter(paths), "")))
    findings.sort(key=lambda finding: KINDS.index(finding.kind))
    descriptions = [inspection.description for inspection in inspections]
    return DataCheck(summaries, findings, descriptions, catalogue.set_lines, rules, fitted)


def inspect_map(source: MapSource, options: ReadOptions, rules: TrapCriteria) -> MapInspection:
    """Read one map and check it by itself, with rules that are known; parameters as in `check_data`."""
    scene = read_map(source, options)
    exact = compute_traps(scene, rules)[0] > 0 if scene.has_depth else None
    summary = summarise_map(source, scene, exact)
    surface = comparable_surface(scene, summary.colours)
    footprint = None if surface is None else footprint_of(surface)
    return MapInspection(summary, map_issues(summary, scene, exact), footprint, describe_map(scene))


def comparable_surface(scene: Scene, colours: PaletteMatch | None) -> Scene | None:
    """Give a map the surface that it is compared by.

    Parameters
    ----------
    scene : Scene
        The map.
    colours : PaletteMatch | None
        The palette of its picture.

    Returns
    -------
    Scene | None
        With its own depth, else with the one that a known palette gives; None where there is neither.
    """
    if scene.has_depth:
        return scene
    if colours is None or colours.palette == "unknown":
        return None
    position, known = palette_positions(scene, colours.palette)
    return scene.replace(depth=fill_holes(-position, known, scene.map_valid))


def compare_interpreted_with_exact(scene: Scene, rules: TrapCriteria) -> tuple[NDArray[np.int64], float | None]:
    """Compare interpreted traps with the exact closures.

    Parameters
    ----------
    scene : Scene
        A map with a depth and interpreted traps.
    rules : TrapCriteria
        Of the exact closures.

    Returns
    -------
    classes : (H, W) int64
        0 = neither, 1 = interpreted only, 2 = exact only, 3 = both.
    iou : float | None
        Intersection over union, None where both are empty.
    """
    assert scene.traps is not None
    interpreted, exact = scene.traps & scene.map_valid, compute_traps(scene, rules)[0] > 0
    return interpreted + 2 * exact, intersection_over_union(interpreted, exact)
