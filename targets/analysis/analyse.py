"""Exact analysis of a map: its closures, their table, catchments, migration paths and probabilities."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.analysis.closure_table import make_closure_table
from targets.analysis.options import DEFAULT_OPTIONS, NO_DEPTH_ERROR, ClosureOptions, DepthError
from targets.closure import (
    ClosureProbability,
    Closures,
    catchments,
    closure_probability,
    find_closures,
    migration_paths,
)
from targets.closure.monte_carlo import MAX_RELIEFS
from targets.common.memory import require_memory
from targets.errors import UserError
from targets.io.faults.names import NamedFaults, name_faults
from targets.rendering.map import contour_spacing
from targets.scene import Scene
from targets.surface.contour_interval import warn_of_few_contours
from targets.truth.noise import leave_out_noise, noise_std, smooth_noise
from targets.truth.selection import select_traps

BYTES_PER_CELL = 140  # that an analysis takes with all its files; 142 measured on a flat map of 3,000 x 3,000 cells
MAX_CONTOURS = 10_000  # on a map; a picture of them is a plain colour long before


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
    rules : dict[str, Any]
        The arguments of `targets.closure.find_closures` behind the depth.
    """

    scene: Scene
    rules_text: str
    faults: NamedFaults
    closures: Closures
    table: NDArray[Any]
    catchments: NDArray[np.int32]
    migration_paths: list[NDArray[np.int32]]
    probability: ClosureProbability | None
    rules: dict[str, Any] = field(default_factory=dict)


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
    hint = "crop it, or use --tile 4096 on a GeoTIFF, zarr array or .npy file"
    require_memory(BYTES_PER_CELL * scene.depth.size, scene.name, hint)
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
        "min_height": options.least_height(high - low),
    }
    probability = _closure_probability(scene, rules, options, error)
    closures = find_closures(scene.depth, **rules) if probability is None else probability.closures
    closures = select_traps(closures, options.culminations, options.fault_contact)
    closures, noise_text = _without_noise(scene, closures, rules, options)
    areas = catchments(closures)
    table = make_closure_table(closures, scene, areas, probability)
    return Analysis(
        scene=scene,
        rules_text=_rules_text(scene, options, interval) + noise_text,
        faults=named,
        closures=closures,
        table=table,
        catchments=areas,
        migration_paths=migration_paths(closures),
        probability=probability,
        rules=rules,
    )


def _without_noise(
    scene: Scene, closures: Closures, rules: dict[str, Any], options: ClosureOptions
) -> tuple[Closures, str]:
    """Closures that the smoothed surface confirms, where noise is to be left out; and what is said of it."""
    if options.noise == "kept":
        return closures, ""
    smooth = smooth_noise(scene)
    if smooth is None:
        return closures, ", no noise of the depth found"
    confirming = find_closures(smooth.depth, **rules)
    confirming = select_traps(confirming, options.culminations, options.fault_contact)
    kept = leave_out_noise(closures, confirming)
    count = int(closures.labels.max(initial=0) - kept.labels.max(initial=0))
    unit = f" {scene.geo.depth_unit}" if scene.geo.depth_unit else ""
    size = f"{noise_std(scene):.2g}{unit} from cell to cell"
    return kept, f", noise of about {size} found: {count} closure{'' if count == 1 else 's'} left out that it explains"


def _rules_text(scene: Scene, options: ClosureOptions, interval: float | None) -> str:
    """The rules of an analysis in words, with commas."""
    words = ["last closed contour" if interval else "down to the spill point"]
    if interval and (few := warn_of_few_contours(*scene.relief, interval, scene.geo.contour_base)):
        words.append(few)
    if scene.fault.any():
        words.append(f"faults {options.faults}")
    elif options.faults != "transparent":
        words.append(f"no faults known that could be {options.faults}")
    words += [f"fault {rule.replace('=', ' ')}" for rule in options.fault_rules or ()]
    words += ["closed edge"] if options.edge == "closed" else []
    words += ["each culmination by itself"] if options.culminations == "single" else []
    words += ["only touching faults"] if options.fault_contact == "touching" else []
    words += ["only free of faults"] if options.fault_contact == "free" else []
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
    _check_contour_count(
        scene, shown_interval, f"contour_interval of {scene.name}" if asked is None else "--contour-interval"
    )
    if scene.rgb is None or asked is not None:
        scene = scene.replace(geo=replace(scene.geo, contour_interval=shown_interval, contour_base=base))
    return scene, None if asked is None else shown_interval, base


def _closure_probability(
    scene: Scene, rules: dict[str, Any], options: ClosureOptions, error: DepthError
) -> ClosureProbability | None:
    """The probability of closure under an error of the depth; None without one."""
    arguments = noise_arguments(scene, options, error)
    if arguments is None:
        return None
    with naming_options():
        return closure_probability(scene.depth, **arguments, **rules)


def noise_arguments(scene: Scene, options: ClosureOptions, error: DepthError) -> dict[str, Any] | None:
    """The arguments with which `targets.closure.closure_realisations` perturbs a map.

    Parameters
    ----------
    scene : Scene
        The map.
    options : ClosureOptions
        Rules of closure.
    error : DepthError
        Of the depth.

    Returns
    -------
    dict[str, Any] | None
        std, correlation and cell_sides in cells, realisations and seed; None without an error of the depth.

    Raises
    ------
    UserError
        An option is missing, out of range, or goes with no other.
    """
    if error.depth_std is None:
        if error.correlation is not None:
            raise UserError("--correlation", "given without --depth-std", "both", "add --depth-std")
        return None
    if options.selects:
        raise UserError("--depth-std", "given with --culminations single, --fault-contact or --noise", "one of them",
                        "probabilities are those of the largest closures")  # fmt: skip
    if error.correlation is None:
        raise UserError("--correlation", "missing beside --depth-std", "how far errors are alike, in map units",
                        "such as a few times the spacing of wells; in metres on a map in degrees")  # fmt: skip
    cells, sides = _correlation_in_cells(scene, error.correlation)
    _check_depth_std(scene, error.depth_std)
    return {"std": error.depth_std, "correlation": cells, "realisations": error.realisations, "seed": error.seed,
            "cell_sides": sides}  # fmt: skip


@contextmanager
def naming_options() -> Iterator[None]:
    """Name arguments of `targets.closure.closure_realisations` in errors as the options that they come from."""
    try:
        yield
    except UserError as problem:
        if problem.where not in ("realisations", "seed"):
            raise
        raise UserError(f"--{problem.where}", problem.found, problem.expected, problem.hint) from problem


def _check_contour_count(scene: Scene, interval: float, where: str) -> None:
    """Refuse an interval of so many contours that nothing can draw them; `where` : the setting it comes from."""
    low, high = scene.relief
    if (high - low) / interval > MAX_CONTOURS:
        unit = f" {scene.geo.depth_unit}" if scene.geo.depth_unit else ""
        found = f"{interval:g}{unit}, which is {(high - low) / interval:.2g} contours"
        expected = f"at least {(high - low) / MAX_CONTOURS:.2g}{unit} on a relief of {high - low:g}{unit}"
        raise UserError(where, found, expected)


def _check_depth_std(scene: Scene, std: float) -> None:
    """Refuse a deviation out of all proportion to the relief, such as one in another unit."""
    low, high = scene.relief
    if not 0 <= std <= (MAX_RELIEFS * (high - low) or np.inf):
        unit = f" {scene.geo.depth_unit}" if scene.geo.depth_unit else ""
        expected = f"0 to {MAX_RELIEFS * (high - low):g}{unit}, {MAX_RELIEFS} times the relief of the map"
        raise UserError("--depth-std", f"{std:g}{unit}", expected)


def _correlation_in_cells(scene: Scene, correlation: float) -> tuple[float, tuple[float, float]]:
    """The correlation length, given in map units (on degrees in metres), and height and width of a cell.

    All three are in cells; where these are oblong, in square ones as large.
    """
    geo = scene.geo
    if geo.is_geographic and geo.located:
        unit, spacing = "m", geo.ground_spacing(scene.shape)
    else:
        unit, spacing = geo.xy_unit or "map units", (abs(geo.dx or 1.0), abs(geo.dy or 1.0))
        if geo.dx is None or geo.dy is None:
            unit, spacing = "cells", (1.0, 1.0)
    side = float(np.sqrt(spacing[0] * spacing[1]))
    longest = max(scene.shape[0] * spacing[1], scene.shape[1] * spacing[0])
    if not 0 <= correlation <= longest:
        raise UserError("--correlation", f"{correlation:g} {unit}, which is {correlation / side:.4g} cells",
                        f"0 to {longest:.4g} {unit}, the longer side of the map",
                        f"the spacing is {spacing[0]:.4g} {unit}: give the correlation in that unit")  # fmt: skip
    return correlation / side, (spacing[1] / side, spacing[0] / side)


def summarise(analysis: Analysis) -> str:
    """Summarise an analysis in one line.

    Parameters
    ----------
    analysis : Analysis
        Of a map.

    Returns
    -------
    str
        The number of outermost closures, their area and its share of the map, and the rules.
    """
    outermost = analysis.table[analysis.table["parent"] == 0]
    scene, units = analysis.scene, analysis.scene.geo.units
    cell_areas = np.broadcast_to(scene.geo.cell_areas(scene.shape), scene.shape)
    area = float(outermost["area"].sum())
    share = area / cell_areas.sum(where=scene.map_valid)
    count = f"{len(outermost)} closure{'' if len(outermost) == 1 else 's'}"
    size = f" ({units.format_area(area)})" if units.is_metric and len(outermost) else ""
    return f"{count} on {share:.1%} of the map{size}, {analysis.rules_text}"
