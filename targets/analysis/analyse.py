"""Exact analysis of a map: its closures, their table, catchments, migration paths and probabilities."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.analysis.closure_table import make_closure_table
from targets.analysis.options import DEFAULT_OPTIONS, MIN_HEIGHT_SHARE, NO_DEPTH_ERROR, ClosureOptions, DepthError
from targets.closure import (
    ClosureProbability,
    Closures,
    catchments,
    closure_probability,
    find_closures,
    migration_paths,
)
from targets.errors import UserError
from targets.io.fault_names import NamedFaults, name_faults
from targets.rendering.map import contour_spacing
from targets.scene import Scene


@dataclass(frozen=True, eq=False)
class Analysis:
    """The closures of one map and all that is computed of them.

    Attributes
    ----------
    scene : Scene
        The map, with the contours that its picture shows.
    rules_text : str
        The rules in words, for titles.
    faults : NamedFaults
        The map's faults and their names.
    closures : Closures
        As `targets.closure.find_closures` gives them.
    table : (N,) structured array
        A row per closure, nested ones too, as `make_closure_table` gives it.
    catchments : (H, W) int32
        As `targets.closure.catchments`.
    migration_paths : list[NDArray[np.int32]]
        As `targets.closure.migration_paths`.
    probability : ClosureProbability | None
        Of closure, or None when no error of the depth was given.
    """

    scene: Scene
    rules_text: str
    faults: NamedFaults
    closures: Closures
    table: NDArray[Any]
    catchments: NDArray[np.int32]
    migration_paths: list[NDArray[np.int32]]
    probability: ClosureProbability | None


def analyse(
    scene: Scene,
    options: ClosureOptions = DEFAULT_OPTIONS,
    error: DepthError = NO_DEPTH_ERROR,
    faults: NamedFaults | None = None,
) -> Analysis:
    """Find the closures of a map, and compute their table, catchments, migration paths and probabilities.

    Parameters
    ----------
    scene : Scene
        The map, with a depth.
    options : ClosureOptions, default DEFAULT_OPTIONS
        Rules of closure.
    error : DepthError, default NO_DEPTH_ERROR
        Of the depth.
    faults : NamedFaults | None, default None
        The names of the map's faults; by default those that `name_faults` gives to a map without fault files.

    Returns
    -------
    Analysis

    Raises
    ------
    UserError
        The map has no depth, or an option makes no sense.
    """
    if not scene.has_depth:
        raise UserError(scene.name, "a picture without a depth", "a depth map or a grid",
                        "closures cannot be computed from colours; predict them with tools/predict.py")  # fmt: skip
    low, high = scene.relief
    scene, interval, base = _with_contours(scene, options)
    named = name_faults(scene) if faults is None else faults
    rules: dict[str, Any] = {
        "valid": scene.map_valid,
        "faults": named.labels,
        "fault_rule": named.rules(options.faults, options.fault_rules or ()),
        "edge": options.edge,
        "connectivity": options.connectivity,
        "contour_interval": interval,
        "contour_base": base,
        "min_area": options.min_area,
        "min_height": MIN_HEIGHT_SHARE * (high - low) if options.min_height is None else options.min_height,
    }
    probability = _closure_probability(scene, rules, error)
    closures = find_closures(scene.depth, **rules) if probability is None else probability.closures
    areas = catchments(closures)
    table = make_closure_table(closures, scene, areas, probability)
    return Analysis(
        scene=scene,
        rules_text=_rules_text(scene, options, interval),
        faults=named,
        closures=closures,
        table=table,
        catchments=areas,
        migration_paths=migration_paths(closures),
        probability=probability,
    )


def _rules_text(scene: Scene, options: ClosureOptions, interval: float | None) -> str:
    """The rules of an analysis in words, with commas."""
    words = ["last closed contour" if interval else "down to the spill point"]
    words += [f"faults {options.faults}"] if scene.fault.any() else []
    words += [f"fault {rule.replace('=', ' ')}" for rule in options.fault_rules or ()]
    words += ["closed edge"] if options.edge == "closed" else []
    return ", ".join(words)


def _with_contours(scene: Scene, options: ClosureOptions) -> tuple[Scene, float | None, float]:
    """The scene with the contours to be drawn, and interval (None: the spill reading) and base of the analysis."""
    asked = options.contour_interval
    if isinstance(asked, float | int) and not 0 < asked < np.inf:
        raise UserError("--contour-interval", f"{asked:g}", "a depth step above 0, or auto")
    base = scene.geo.contour_base if options.contour_base is None else options.contour_base
    if asked is None or asked == "auto":
        shown_interval, _ = contour_spacing(scene)
    else:
        shown_interval = float(asked)
    if scene.rgb is None or asked is not None:
        scene = scene.replace(geo=replace(scene.geo, contour_interval=shown_interval, contour_base=base))
    return scene, None if asked is None else shown_interval, base


def _closure_probability(scene: Scene, rules: dict[str, Any], error: DepthError) -> ClosureProbability | None:
    """The probability of closure under an error of the depth; None without one."""
    if error.depth_std is None:
        if error.correlation is not None:
            raise UserError("--correlation", "given without --depth-std", "both", "add --depth-std")
        return None
    if error.correlation is None:
        raise UserError("--correlation", "missing beside --depth-std", "how far errors are alike, in map units",
                        "such as a few times the spacing of wells or velocity picks")  # fmt: skip
    cells = error.correlation / float(np.sqrt(scene.geo.cell_area))
    return closure_probability(scene.depth, error.depth_std, cells, error.realisations, error.seed, **rules)


def summarise(analysis: Analysis) -> str:
    """Summarise an analysis in one line.

    Parameters
    ----------
    analysis : Analysis
        Of a map.

    Returns
    -------
    str
        The number of outermost closures, their share of the map, and the rules.
    """
    outermost = analysis.table[analysis.table["parent"] == 0]
    share = outermost["area"].sum() / (analysis.scene.map_valid.sum() * analysis.scene.geo.cell_area)
    count = f"{len(outermost)} closure{'' if len(outermost) == 1 else 's'}"
    return f"{count} on {share:.1%} of the map, {analysis.rules_text}"
