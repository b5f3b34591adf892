"""What does an exact analysis leave on disk? Closures as a table, vector layers, grids, targets and pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Patch
from numpy.lib import recfunctions
from numpy.typing import NDArray
from scipy import ndimage

from targets.cli import Names
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
from targets.draw import CREST, base_picture, draw_cells, draw_lines, fault_mark, label, legend_mark, write_figure
from targets.errors import UserError
from targets.fault_names import NamedFaults, name_faults
from targets.files import remove_half_written, written_whole
from targets.grids import write_grid
from targets.maps import MapSource, read_map
from targets.outlines import Ring, cell_polygons
from targets.pictures import write_picture
from targets.render import contours_of
from targets.scene import Float, Geo, Scene
from targets.tables import write_csv
from targets.truth import (
    Truth,
    TruthOptions,
    boundary_band,
    crest_distance,
    crest_heat,
    fault_mask,
    relative_depth,
    root_height,
    trap_classes,
    trap_mask,
)
from targets.vectors import Layer, Look, write_geojson, write_geopackage

Grids = Literal["tif", "gri", "irap", "zmap", "npz"]
Vectors = Literal["gpkg", "geojson"]

MIN_RELIEF = 0.01  # of the map's relief: as traps that the network learns, `truth.TrapRules`
NUMBERED = 40  # closures, and faults; more numbers than that hide the map
DIST_STEPS = 100  # grey levels of a cell's width in the distance target
PERCENTILES = ("p90", "p50", "p10")


@dataclass(frozen=True)
class ClosureOptions:
    """Which closures are found; the words are those of `targets.closure.find_closures`.

    Fields
    ------
    contour_interval : the last closed contour of this interval, in depth units, is the outline; auto takes the map's
        own interval, else one that suits its relief; without it closures reach down to their spill points.
    contour_base : a depth that one contour passes through; by default the map's own, else 0.
    faults : transparent (faults do nothing), sealing (a wall that closures may lean on) or leaking (an open border).
    fault_rules : rules of single faults, the others follow `faults`: F1=sealing,F3=leaking. The names are those of the
        fault files; without such a file, the numbers of the faults in closures.png.
    edge : open (what leaves the map leaks) or closed (the map's border is a wall).
    connectivity : neighbours of a cell, 8 or 4.
    min_area : closures of fewer cells are dropped.
    min_height : closures of a smaller height are dropped, in depth units; by default 1 % of the map's relief.
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

    Fields
    ------
    depth_std : standard deviation of the depth's error, in depth units; with it the probability of closure is computed.
    correlation : how far errors are alike, in map units (cells without a spacing): there their correlation is 0.61.
    realisations : how many equally likely maps are tried.
    seed : of the random numbers; the same seed gives the same answer.
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

    Fields
    ------
    scene : the map, with the contours that its picture shows.
    reading : the rules in words, for titles.
    faults : the map's faults and their names.
    closures : as `find_closures` gives them.
    table : (N,) structured array, a row per closure (nested ones too): the columns of `in_map_units`, the share of the
        outline on faults, the catchment's area, and with an error of the depth the probability and P90, P50 and P10.
    catchments : (H, W) int32, as `targets.closure.catchments`.
    paths : as `targets.closure.migration_paths`.
    probability : of closure, or None when no error of the depth was given.
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
    faults : the names of the map's faults; by default those that `name_faults` gives to a map without fault files.

    Raises
    ------
    UserError : the map has no depth, or an option makes no sense.
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
        drawn_interval, _ = contours_of(scene)
    else:
        drawn_interval = float(asked)
    if scene.rgb is None or asked is not None:
        scene = scene.with_(geo=replace(scene.geo, contour_interval=drawn_interval, contour_base=base))
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


def analyse_map(
    source: MapSource,
    out: Path,
    options: ClosureOptions = DEFAULT,
    error: DepthError = EXACT,
    elevation: bool = False,
    grids: Grids = "tif",
    vectors: Vectors = "gpkg",
) -> str:
    """Read a map of a list, analyse it into out/NAME (`write_analysis`), and return the summary.

    Raises
    ------
    UserError : what is wrong with the map or an option.
    """
    folder = out / source.name
    remove_half_written(folder)
    scene = read_map(source, elevation=elevation)
    analysis = analyse(scene, options, error, name_faults(scene, source.faults))
    write_analysis(analysis, folder, grids, vectors)
    return summary(analysis)


def write_analysis(analysis: Analysis, folder: Path, grids: Grids = "tif", vectors: Vectors = "gpkg") -> None:
    """Write what an interpreter takes along.

    ``closures.csv``; ``closures.gpkg`` or ``.geojson``; ``labels``, ``height`` and ``catchments`` (and ``probability``)
    as grids; ``target_trap.png``, ``_boundary``, ``_crest``, ``_dist``; ``closures.png`` (and ``probability.png``). A
    map without a location always gets GeoJSON in columns and rows, and one ``closures.npz`` for the grids.

    Raises
    ------
    UserError : a library is missing, the format cannot hold the map, or a file cannot be written.
    """
    geo = analysis.scene.geo
    write_table(analysis.table, folder / "closures.csv")
    layers = vector_layers(analysis)
    if geo.located and vectors == "gpkg":
        write_geopackage(layers, geo, folder / "closures.gpkg")
    else:
        write_geojson(layers, geo, folder / "closures.geojson")
    _write_grids(analysis, folder, grids if geo.located else "npz")
    _write_targets(analysis, folder)
    write_closure_picture(analysis, layers, folder / "closures.png")
    if analysis.probability is not None:
        write_probability_picture(analysis, analysis.probability, folder / "probability.png")


def write_table(table: NDArray[Any], path: Path) -> None:
    """One row per closure; what is unknown is empty."""
    write_csv(path, table.dtype.names or (), ([_word(value) for value in row] for row in table.tolist()))


def _word(value: Any) -> Any:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.10g}"
    return value


def _write_grids(analysis: Analysis, folder: Path, grids: Grids) -> None:
    arrays: dict[str, Any] = {
        "labels": analysis.closures.labels,
        "height": analysis.closures.height,
        "catchments": analysis.catchments,
    }
    if analysis.probability is not None:
        inside = analysis.scene.map_valid
        arrays["probability"] = np.where(inside, analysis.probability.probability, np.float32(np.nan))
    geo = analysis.scene.geo
    if grids == "npz":
        place: dict[str, Any] = (
            {key: getattr(geo, key) for key in ("x0", "y0", "dx", "dy", "rotation")} if geo.located else {}
        )
        with written_whole(folder / "closures.npz") as temporary:
            np.savez_compressed(temporary, **arrays, **place, units=geo.depth_unit or "", crs=geo.crs or "")
        return
    for name, values in arrays.items():
        unit = geo.depth_unit if name == "height" else None
        write_grid(values, replace(geo, depth_unit=unit), folder / f"{name}.{grids}")


def _write_targets(analysis: Analysis, folder: Path) -> None:
    """What the heads are taught, one picture each: white = 1, in 16 bits where it is more than a mask.

    The distance has `DIST_STEPS` grey levels a cell, the depth runs from deepest (black) to shallowest, the three
    classes are red (background), green (inside) and blue (rim).
    """
    labels, table = analysis.closures.labels, analysis.closures.table
    table = table[table["parent"] == 0]
    crests = np.stack([table["crest_row"], table["crest_col"]], axis=1).astype(np.int64)
    truth = Truth(analysis.scene, TruthOptions(), labels, crests, analysis.closures.height)
    masks = [("trap", trap_mask), ("boundary", boundary_band), ("crest", crest_heat), ("fault", fault_mask)]
    for name, raster in masks:
        write_picture(np.rint(raster(truth) * 255).astype(np.uint8), folder / f"target_{name}.png")
    shares: dict[str, Float] = {"height": root_height(truth), "depth": np.float32(0.5) * (1 + relative_depth(truth))}
    for name, share in shares.items():
        write_picture(np.rint(share * 65535).astype(np.uint16), folder / f"target_{name}.png")
    classes = np.moveaxis(trap_classes(truth) * 255, 0, -1).astype(np.uint8)
    write_picture(np.ascontiguousarray(classes), folder / "target_fused.png")
    distance = np.clip(np.rint(crest_distance(truth) * DIST_STEPS), 0, 65535).astype(np.uint16)
    write_picture(distance, folder / "target_dist.png")


def vector_layers(analysis: Analysis) -> list[Layer]:
    """closures, nested_closures (polygons), crests, spill_points (points) and migration_paths (lines)."""
    table, closures, geo = analysis.table, analysis.closures, analysis.scene.geo
    outer = table["parent"] == 0
    polygons = closure_polygons(closures)
    rows = table[outer]
    way = np.array([len(path) > 1 for path in analysis.paths], bool)
    paths = [path for path, far in zip(analysis.paths, way, strict=True) if far]
    names = [name for name in table.dtype.names or () if name != "parent"]
    travelled = _columns(table[way], ["id", "spills_into"], length=[_length(path, geo) for path in paths])
    crest = ["id", "crest_depth", "height", "area", "volume"]
    spill = ["id", "spill_depth", "spills_into"]
    return [
        Layer("closures", "MultiPolygon", [polygons[k] for k in rows["id"]], _columns(rows, names),
              Look((0, 0, 0, 255), (255, 255, 255, 90), 0.6)),
        Layer("nested_closures", "MultiPolygon", [polygons[k] for k in table["id"][~outer]],
              _columns(table[~outer], ["id", "parent", *crest[1:], "crest_x", "crest_y", *spill[1:]]),
              Look((0, 0, 0, 255), width=0.3, dash="dot")),
        Layer("migration_paths", "LineString", paths, travelled,
              Look((200, 0, 200, 255), width=0.5, size=2.5, arrow=True)),
        Layer("crests", "Point", _points(rows, "crest"), _columns(rows, crest),
              Look((0, 0, 0, 255), (255, 255, 0, 255), 0.3, "triangle", 4.0)),
        Layer("spill_points", "Point", _points(rows, "spill"), _columns(rows, spill),
              Look((0, 0, 0, 255), (255, 255, 255, 255), 0.4, "circle", 2.6)),
    ]  # fmt: skip


def closure_polygons(closures: Closures, nested: bool = True) -> dict[int, list[list[Ring]]]:
    """{id: polygons} of every closure, nested ones too or not: exact outlines of their cells."""
    outermost = closures.table["parent"] == 0
    found: dict[int, list[list[Ring]]] = {int(key): [] for key in closures.table["id"][outermost | nested]}
    for polygon in cell_polygons(closures.labels):
        found[polygon.label].append(polygon.rings)
    boxes = ndimage.find_objects(closures.labels)
    for row in closures.table[~outermost & nested]:
        outer = row
        while outer["parent"]:
            outer = closures.table[outer["parent"] - 1]
        box = boxes[outer["id"] - 1]
        corner = np.array([box[0].start, box[1].start])
        cells = _nested_cells(closures, row, int(outer["id"]), box)
        for polygon in cell_polygons(cells.astype(np.int8)):
            found[int(row["id"])].append([ring + corner for ring in polygon.rings])
    return found


def _nested_cells(closures: Closures, row: Any, outer: int, box: tuple[slice, slice]) -> NDArray[np.bool_]:
    """The cells of a nested closure within the box of its outermost one (`targets.closure.cells_of`, on less)."""
    depth, level = closures.grid.depth[box], row["contour_depth"]
    inside = (closures.labels[box] == outer) & ((depth < level) if closures.grid.interval == 0 else (depth <= level))
    pieces, _ = ndimage.label(inside, ndimage.generate_binary_structure(2, 2 if closures.grid.eight else 1))
    return pieces == pieces[row["crest_row"] - box[0].start, row["crest_col"] - box[1].start]


def _columns(table: NDArray[Any], names: list[str], **more: list[float]) -> NDArray[Any]:
    """Some columns of a table, and further ones of numbers."""
    plain = recfunctions.repack_fields(table[names])
    wider = np.zeros(len(plain), plain.dtype.descr + [(name, "f8") for name in more])
    for name in names:
        wider[name] = plain[name]
    for name, values in more.items():
        wider[name] = values
    return wider


def _points(table: NDArray[Any], which: str) -> list[NDArray]:
    return list(np.stack([table[f"{which}_row"], table[f"{which}_col"]], axis=1))


def _length(path: NDArray[np.int32], geo: Geo) -> float:
    """In map units; in cells without a location."""
    x, y = geo.xy(path[:, 0], path[:, 1])
    return float(np.hypot(np.diff(x), np.diff(y)).sum())


def write_closure_picture(analysis: Analysis, layers: list[Layer], path: Path) -> None:
    """The map with closures, nested closures, crests, spill points and migration paths."""
    scene = analysis.scene
    shown = {layer.name: layer for layer in layers}
    figure, axis = base_picture(scene, summary(analysis))
    inside = np.ma.masked_equal(analysis.closures.labels > 0, False)
    draw_cells(axis, inside, cmap="gray", vmin=0, vmax=1, alpha=0.35)
    # A closure with a speck beside it has the next smaller one inside it, and so on: only those without any are shown.
    nested = shown["nested_closures"]
    innermost = ~np.isin(nested.table["id"], analysis.table["parent"])
    rings = {
        "closures": _rings(shown["closures"].shapes),
        "nested": _rings([shape for shape, last in zip(nested.shapes, innermost, strict=True) if last]),
    }
    draw_lines(axis, rings["nested"], "black", 1.0, "dotted", halo="none")
    draw_lines(axis, rings["closures"], "black", 2.0)
    ways = shown["migration_paths"].shapes
    draw_lines(axis, ways, "magenta", 1.8)
    back = 1 + max(scene.shape) // 100  # cells over which an arrow head takes its direction
    for way in ways:
        axis.annotate("", way[-1][::-1], way[max(len(way) - 1 - back, 0)][::-1],
                      arrowprops={"arrowstyle": "-|>", "color": "magenta", "lw": 0, "shrinkA": 0, "shrinkB": 0,
                                  "mutation_scale": 18})  # fmt: skip
    spill = {"marker": "o", "color": "white", "markeredgecolor": "black", "markersize": 6, "linestyle": ""}
    for name, look in [("spill_points", spill), ("crests", CREST)]:
        if shown[name].shapes:
            rows, cols = np.array(shown[name].shapes).T
            axis.plot(cols, rows, **look)
    if len(shown["crests"].shapes) <= NUMBERED:
        for (row, col), key in zip(shown["crests"].shapes, shown["crests"].table["id"], strict=True):
            axis.annotate(str(key), (col, row), (7, 4), textcoords="offset points", fontsize=10, weight="bold",
                          bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1})  # fmt: skip
    for name, row, col in analysis.faults.places(NUMBERED):
        axis.annotate(label(name), (col, row), ha="center", va="center", fontsize=10, color="white", weight="bold",
                      parse_math=False,
                      bbox={"facecolor": "saddlebrown", "edgecolor": "white", "lw": 0.5, "pad": 1})  # fmt: skip
    legend: list[Any] = [Patch(facecolor=(1, 1, 1, 0.6), edgecolor="black", linewidth=2, label="closures")]
    if rings["nested"]:
        legend.append(legend_mark("smallest closures inside them", color="black", linewidth=1.0, linestyle="dotted"))
    if shown["crests"].shapes:
        legend += [legend_mark("crests", **CREST), legend_mark("spill points", **spill)]
    if ways:
        legend.append(legend_mark("migration from spill point", color="magenta", linewidth=1.8))
    write_figure(figure, [*legend, *fault_mark(scene)], path)


def write_probability_picture(analysis: Analysis, found: ClosureProbability, path: Path) -> None:
    """The probability of closure over the map in grey, with the closures of the map as it is."""
    figure, axis = base_picture(analysis.scene, "probability of closure; outlines: the map as it is", grey=True)
    values = np.ma.masked_less(found.probability, 0.5 / 255)
    draw_cells(axis, values, cmap="viridis", vmin=0, vmax=1, alpha=0.8)
    draw_lines(axis, _rings(list(closure_polygons(found.closures, nested=False).values())), "black", 1.6)
    figure.colorbar(ScalarMappable(Normalize(0, 1), "viridis"), ax=axis, shrink=0.6, label="probability of closure")
    write_figure(figure, [legend_mark("closures", color="black", linewidth=1.6), *fault_mark(analysis.scene)], path)


def _rings(shapes: Sequence[list[list[Ring]]]) -> list[Ring]:
    return [ring for polygons in shapes for polygon in polygons for ring in polygon]


def summary(analysis: Analysis) -> str:
    """How many closures there are, how much of the map they cover, and by which rules."""
    outer = analysis.table[analysis.table["parent"] == 0]
    share = outer["area"].sum() / (analysis.scene.map_valid.sum() * analysis.scene.geo.cell_area)
    count = f"{len(outer)} closure{'' if len(outer) == 1 else 's'}"
    return f"{count} on {share:.1%} of the map, {analysis.reading}"
