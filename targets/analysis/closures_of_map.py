"""What does an exact analysis leave on disk? Closures as a table, vector layers, grids, targets and pictures."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from targets.closure import (
    ClosureProbability,
    Closures,
    catchments,
    closure_probability,
    fault_share,
    find_closures,
    in_map_units,
    migration_paths,
)
from targets.common.cli import Names
from targets.errors import UserError
from targets.io.fault_names import NamedFaults, name_faults
from targets.rendering.map import contour_spacing
from targets.scene import Scene

Grids = Literal["tif", "gri", "irap", "zmap", "npz"]
Vectors = Literal["gpkg", "geojson"]

MIN_RELIEF = 0.01  # of the map's relief: as traps that the network learns, `truth.TrapRules`
PERCENTILES = ("p90", "p50", "p10")


@dataclass(frozen=True)
class ClosureOptions:
    """Which closures are found; the words are those of `targets.closure.find_closures`.

    Attributes
    ----------
    contour_interval : float | Literal['auto'] | None, default None
        The last closed contour of this interval, in depth units, is the outline; auto takes the map's own interval,
        else one that suits its relief; without it closures reach down to their spill points.
    contour_base : float | None, default None
        A depth that one contour passes through; by default the map's own, else 0.
    faults : Literal['transparent', 'sealing', 'leaking'], default 'transparent'
        Transparent (faults do nothing), sealing (a wall that closures may lean on) or leaking (an open border).
    fault_rules : Names | None, default None
        Rules of single faults, the others follow `faults`: F1=sealing,F3=leaking. The names are those of the fault
        files; without such a file, the numbers of the faults in closures.png.
    edge : Literal['open', 'closed'], default 'open'
        Open (what leaves the map leaks) or closed (the map's border is a wall).
    connectivity : Literal[8, 4], default 8
        Neighbours of a cell, 8 or 4.
    min_area : float, default 40
        Closures of fewer cells are dropped.
    min_height : float | None, default None
        Closures of a smaller height are dropped, in depth units; by default 1 % of the map's relief.
    """

    contour_interval: float | Literal["auto"] | None = None
    contour_base: float | None = None
    faults: Literal["transparent", "sealing", "leaking"] = "transparent"
    fault_rules: Names | None = None
    edge: Literal["open", "closed"] = "open"
    connectivity: Literal[8, 4] = 8
    min_area: float = 40
    min_height: float | None = None


@dataclass(frozen=True)
class DepthError:
    """How wrong the depth may be.

    Attributes
    ----------
    depth_std : float | None, default None
        Standard deviation of the depth's error, in depth units; with it the probability of closure is computed.
    correlation : float | None, default None
        How far errors are alike, in map units (cells without a spacing): there their correlation is 0.61.
    realisations : int, default 100
        How many equally likely maps are tried.
    seed : int, default 0
        Of the random numbers; the same seed gives the same answer.
    """

    depth_std: float | None = None
    correlation: float | None = None
    realisations: int = 100
    seed: int = 0


DEFAULT = ClosureOptions()
EXACT = DepthError()


@dataclass(frozen=True, eq=False)
class Analysis:
    """The closures of one map and all that is said of them.

    Attributes
    ----------
    scene : Scene
        The map, with the contours that its picture shows.
    reading : str
        The rules in words, for titles.
    faults : NamedFaults
        The map's faults and their names.
    closures : Closures
        As `find_closures` gives them.
    table : (N,)
        Structured array, a row per closure (nested ones too): the columns of `in_map_units`, the share of the outline
        on faults, the catchment's area, and with an error of the depth the probability and P90, P50 and P10.
    catchments : (H, W) int32
        As `targets.closure.catchments`.
    paths : list[NDArray[np.int32]]
        As `targets.closure.migration_paths`.
    probability : ClosureProbability | None
        Of closure, or None when no error of the depth was given.
    """

    scene: Scene
    reading: str
    faults: NamedFaults
    closures: Closures
    table: NDArray[Any]
    catchments: NDArray[np.int32]
    paths: list[NDArray[np.int32]]
    probability: ClosureProbability | None


def analyse(
    scene: Scene, options: ClosureOptions = DEFAULT, error: DepthError = EXACT, faults: NamedFaults | None = None
) -> Analysis:
    """Find the closures of a map and everything that is said of them.

    Parameters
    ----------
    faults : NamedFaults | None, default None
        The names of the map's faults; by default those that `name_faults` gives to a map without fault files.

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
        "faults": named.cells,
        "fault_rule": named.rules(options.faults, options.fault_rules or ()),
        "edge": options.edge,
        "connectivity": options.connectivity,
        "contour_interval": interval,
        "contour_base": base,
        "min_area": options.min_area,
        "min_height": MIN_RELIEF * (high - low) if options.min_height is None else options.min_height,
    }
    probability = _probability(scene, rules, error)
    closures = find_closures(scene.depth, **rules) if probability is None else probability.closures
    drains = catchments(closures)
    table = _table(closures, scene, drains, probability)
    words = ["last closed contour" if interval else "down to the spill point"]
    words += [f"faults {options.faults}"] if scene.fault.any() else []
    words += [f"fault {word.replace('=', ' ')}" for word in options.fault_rules or ()]
    words += ["closed edge"] if options.edge == "closed" else []
    return Analysis(scene, ", ".join(words), named, closures, table, drains, migration_paths(closures), probability)


def _with_contours(scene: Scene, options: ClosureOptions) -> tuple[Scene, float | None, float]:
    """The scene with the contours to be drawn, and interval (None: the spill reading) and base of the analysis."""
    asked = options.contour_interval
    if isinstance(asked, float | int) and not 0 < asked < np.inf:
        raise UserError("--contour-interval", f"{asked:g}", "a depth step above 0, or auto")
    base = scene.geo.contour_base if options.contour_base is None else options.contour_base
    if asked is None or asked == "auto":
        drawn_interval, _ = contour_spacing(scene)
    else:
        drawn_interval = float(asked)
    if scene.rgb is None or asked is not None:
        scene = scene.replace(geo=replace(scene.geo, contour_interval=drawn_interval, contour_base=base))
    return scene, None if asked is None else drawn_interval, base


def _probability(scene: Scene, rules: dict[str, Any], error: DepthError) -> ClosureProbability | None:
    if error.depth_std is None:
        if error.correlation is not None:
            raise UserError("--correlation", "given without --depth-std", "both", "add --depth-std")
        return None
    if error.correlation is None:
        raise UserError("--correlation", "missing beside --depth-std", "how far errors are alike, in map units",
                        "such as a few times the spacing of wells or velocity picks")  # fmt: skip
    cells = error.correlation / float(np.sqrt(scene.geo.cell_area))
    return closure_probability(scene.depth, error.depth_std, cells, error.realisations, error.seed, **rules)


def _table(
    closures: Closures, scene: Scene, drains: NDArray[np.int32], probability: ClosureProbability | None
) -> NDArray[Any]:
    plain = in_map_units(closures, scene.geo)
    count = len(plain)
    columns: dict[str, NDArray] = {
        "fault_share": fault_share(closures, scene.fault),
        "catchment": np.bincount(drains[drains > 0], minlength=count + 1)[1:] * scene.geo.cell_area,
    }
    outer = closures.table["parent"] == 0
    columns["catchment"] = np.where(outer, columns["catchment"], np.nan)
    if probability is not None:
        scale = {"area": scene.geo.cell_area, "height": 1.0, "volume": scene.geo.cell_area}
        columns["probability"] = _of_outer(outer, probability.exists)
        for name, factor in scale.items():
            for k, case in enumerate(PERCENTILES):
                columns[f"{name}_{case}"] = _of_outer(outer, getattr(probability, name)[:, k] * factor)
    kind = plain.dtype.descr + [(name, "f8") for name in columns]
    table = np.zeros(count, kind)
    for name in plain.dtype.names or ():
        table[name] = plain[name]
    for name, values in columns.items():
        table[name] = values
    return table


def _of_outer(outer: NDArray[np.bool_], values: NDArray) -> NDArray[np.float64]:
    """A column with the values of outermost closures; nested ones have none."""
    column = np.full(outer.size, np.nan)
    column[outer] = values
    return column


def summary(analysis: Analysis) -> str:
    """How many closures there are, how much of the map they cover, and by which rules."""
    outer = analysis.table[analysis.table["parent"] == 0]
    share = outer["area"].sum() / (analysis.scene.map_valid.sum() * analysis.scene.geo.cell_area)
    count = f"{len(outer)} closure{'' if len(outer) == 1 else 's'}"
    return f"{count} on {share:.1%} of the map, {analysis.reading}"
