"""Files of one prediction: rasters of every output, traps as polygons and tables, and pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields, replace
from pathlib import Path

import cv2
import matplotlib
import matplotlib.patheffects as effects
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mtl.config import THRESHOLD
from mtl.inference.tta import std_name
from mtl.metrics.keypoints import find_peaks
from mtl.prediction.compare_exact import AGREEMENT_COLOURS, ExactComparison, disagreement_layer
from mtl.prediction.instances import instance_outputs, planes_by_role
from mtl.prediction.pages import page_of, with_page_confidence
from mtl.prediction.traps import PredictedTrap, TrapPrediction, extract_traps, trap_polygons
from mtl.tasks.base import Drawing, Output, mask_invalid
from targets.analysis.closure_table import write_closure_table
from targets.analysis.layers import MAX_NUMBERED, cell_of_map, flatten_rings, outline_closures
from targets.analysis.place_names import name_labels
from targets.closure import Closures, contour_closures
from targets.common.atomic_write import atomic_write, remove_half_written
from targets.errors import UserError
from targets.io.grids.geotiff import write_class_raster
from targets.io.grids.registry import write_grid
from targets.io.map_folder.results import write_result_file
from targets.io.outline_files import DEFAULT_OUTLINES, OutlineOptions, write_outlines
from targets.io.qgis.styles import LayerStyle, label_of
from targets.io.vectors import VectorLayer
from targets.rendering.map_frame import add_depth_bar
from targets.rendering.overlays import (
    CREST_MARKER,
    add_legend,
    draw_lines,
    fault_legend_entries,
    label_crest,
    legend_entry,
    make_class_figure,
    make_map_figure,
)
from targets.scene import Bool, Float, Scene
from targets.surface.polygonize import cell_rings, polygonize_labels
from targets.surface.simplify_outlines import Polygons, simplify_polygons

MAGENTA, BLACK, YELLOW = (255, 0, 255, 255), (0, 0, 0, 255), (255, 255, 0, 255)
STD_COLOUR_MAP = "inferno"


def write_prediction(
    scene: Scene,
    maps: Mapping[str, Float],
    outputs: Sequence[Output],
    folder: Path,
    exact: Closures | None,
    outlines: OutlineOptions = DEFAULT_OUTLINES,
    confidence: float = 1.0,
    names: Path | None = None,
) -> TrapPrediction | None:
    """Write the prediction of one map into its folder.

    ``NAME.png`` of every output, and ``NAME.tif`` where the map is located, likewise of its standard deviation where
    `maps` holds one; of a picture whose depths are known ``depth.tif`` (``.npz`` without a location) in their unit;
    ``overlay.png``; of the traps ``traps.gpkg`` (or what `outlines` asks for; ``traps.geojson`` in columns and rows
    without a location) and ``closures.csv``; and with exact closures ``exact.csv`` and ``disagreement.png`` (and
    ``.tif``). Outputs that are defined inside traps only are transparent elsewhere.

    Parameters
    ----------
    scene : Scene
        The predicted map.
    maps : Mapping[str, Float]
        {output: (C, H, W) float32}, NaN outside the map.
    outputs : Sequence[Output]
        Outputs to write.
    folder : Path
        The map's folder; it is made.
    exact : Closures | None
        Closures of the map's depth, None without a depth.
    outlines : OutlineOptions, default DEFAULT_OUTLINES
        How traps are outlined, and in which format.
    confidence : float, default 1.0
        Of the reading of the map's page, on which that of its traps depends.
    names : Path | None, default None
        A table of wells or places after which traps are named.

    Returns
    -------
    TrapPrediction | None
        The traps; None where no output says where traps are.

    Raises
    ------
    UserError
        A file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_half_written(folder)
    write_result_file(scene, "predict", folder)
    prediction = extract_traps(scene, maps, outputs, exact) if instance_outputs(outputs) else None
    if page_of(scene) is not None:
        prediction = with_page_confidence(prediction, confidence)
    if prediction is not None and names is not None:
        prediction = name_traps(scene, prediction, names)
    labels = None if prediction is None else prediction.labels
    for output in outputs:
        valid, drawing = output_valid(output, scene, labels), output.drawing
        plane = drawing.plane(mask_invalid(maps[output.name], valid))
        write_output_plane(scene, output.name, plane, drawing, folder)
        if (deviation := maps.get(std_name(output.name))) is not None:
            largest = mask_invalid(deviation, valid).max(0)
            write_output_plane(scene, std_name(output.name), largest, std_drawing(drawing), folder)
    if page_of(scene) is not None and scene.has_depth:
        write_picture_depth(scene, folder)
    polygons: list[Polygons] = []
    if prediction is not None:
        polygons = outline_traps(scene, prediction, outlines)
        layers = trap_layers(scene, prediction, polygons, outlines)
        write_outlines(layers, scene.geo, folder / "traps", outlines.vectors)
        write_closure_table(trap_table(prediction), folder / "closures.csv", scene.geo.units)
        if prediction.comparison is not None:
            write_comparison(scene, prediction.comparison, folder)
    masks = {
        output.name: np.nan_to_num(maps[output.name][0]) > THRESHOLD
        for output in outputs
        if output.run_length_submission
    }
    crest = planes_by_role(maps, outputs).get("keypoint")
    figure = draw_overlay(scene, None if masks else prediction, polygons, crest, exact, masks)
    with atomic_write(folder / "overlay.png") as temporary:
        figure.savefig(temporary)
    return prediction


def output_valid(output: Output, scene: Scene, labels: NDArray[np.int32] | None) -> Bool:
    """Find the cells in which an output is defined.

    Parameters
    ----------
    output : Output
        The output.
    scene : Scene
        The predicted map.
    labels : (H, W) int32, or None
        Trap instances, 0 = none; None where the prediction has none.

    Returns
    -------
    (H, W) bool
        The cells of traps for an output inside traps, else the cells of the map.
    """
    return labels > 0 if output.inside_traps_only and labels is not None else scene.map_valid


def std_drawing(drawing: Drawing) -> Drawing:
    """The drawing of an output's standard deviation: from 0, black, to its largest possible value, half the range."""
    vmax = None if drawing.vmax is None else (drawing.vmax - drawing.vmin) / 2
    return Drawing(STD_COLOUR_MAP, vmax=vmax)


def write_output_plane(scene: Scene, name: str, plane: Float, drawing: Drawing, folder: Path) -> None:
    """Write a plane (H, W) as NAME.png of the size of the picture on disk, and as NAME.tif where it is located."""
    top, bottom, left, right = (0, 0, 0, 0) if scene.provenance is None else scene.provenance.margin
    on_page = plane
    if (page := page_of(scene)) is not None and page.reduction > 1:
        size = (page.shape[1] - left - right, page.shape[0] - top - bottom)
        on_page = cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST)
    on_page = np.pad(on_page, ((top, bottom), (left, right)), constant_values=np.nan)
    write_plane_png(drawing, on_page, folder / f"{name}.png")
    if scene.geo.located:
        write_grid(plane, scene.geo, folder / f"{name}.tif")


def write_picture_depth(scene: Scene, folder: Path) -> None:
    """Write the depth of a map on a picture in its unit: depth.tif, or depth.npz without a location."""
    suffix = ".tif" if scene.geo.located else ".npz"
    write_grid(np.where(scene.map_valid, scene.depth, np.nan), scene.geo, folder / f"depth{suffix}")


def write_plane_png(drawing: Drawing, values: np.ndarray, path: Path) -> None:
    """Write a plane (H, W) as a PNG of one pixel a cell; cells that are not finite are transparent."""
    _, content = cv2.imencode(".png", cv2.cvtColor(apply_colour_map(drawing, values), cv2.COLOR_RGBA2BGRA))
    with atomic_write(path) as temporary:
        temporary.write_bytes(content.tobytes())  # OpenCV's own writer does not report a full disk


def apply_colour_map(drawing: Drawing, values: np.ndarray) -> NDArray[np.uint8]:
    """Colour a plane of values.

    Parameters
    ----------
    drawing : Drawing
        Colour map and its limits.
    values : (H, W) float
        One plane.

    Returns
    -------
    (H, W, 4) uint8
        Red, green, blue and opacity; cells that are not finite are transparent.

    Examples
    --------
    >>> apply_colour_map(Drawing("gray"), np.array([[0.0, 1.0, np.nan]])).tolist()
    [[[0, 0, 0, 255], [255, 255, 255, 255], [0, 0, 0, 0]]]
    """
    vmax = drawing.vmax if drawing.vmax is not None else float(np.nanmax(values, initial=1e-6))
    scaled = (np.nan_to_num(values) - drawing.vmin) / max(vmax - drawing.vmin, 1e-9)
    rgba = matplotlib.colormaps[drawing.colour_map](np.clip(scaled, 0, 1), bytes=True)
    rgba[~np.isfinite(values)] = 0
    return rgba


def write_comparison(scene: Scene, comparison: ExactComparison, folder: Path) -> None:
    """Write exact.csv, and the agreement classes as disagreement.png (and .tif where the map is located)."""
    write_closure_table(comparison.table, folder / "exact.csv", scene.geo.units)
    if scene.geo.located:
        write_class_raster(comparison.agreement, scene.geo, folder / "disagreement.tif", AGREEMENT_COLOURS)
    colours = {name: [part / 255 for part in colour] for name, colour in AGREEMENT_COLOURS.items()}
    figure = make_class_figure(scene, "learned traps against exact closures", comparison.agreement, colours)
    with atomic_write(folder / "disagreement.png") as temporary:
        figure.savefig(temporary)


def outline_traps(scene: Scene, prediction: TrapPrediction, outlines: OutlineOptions) -> list[Polygons]:
    """Outline every predicted trap where the probability crosses 0.5, or along its cells, and simplify the outlines."""
    if outlines.outlines == "smooth":
        found = [[rings] for rings in trap_polygons(prediction)]
    else:
        found = [[] for _ in prediction.traps]
        for polygon in polygonize_labels(prediction.labels):
            found[polygon.label - 1].append(polygon.rings)
    return simplify_polygons(found, outlines.simplify, cell_of_map(scene))


def trap_layers(
    scene: Scene,
    prediction: TrapPrediction,
    polygons: Sequence[Polygons],
    outlines: OutlineOptions = DEFAULT_OUTLINES,
) -> list[VectorLayer]:
    """Make the vector layers of a prediction.

    Parameters
    ----------
    scene : Scene
        The predicted map.
    prediction : TrapPrediction
        Its traps.
    polygons : Sequence[Polygons]
        Of `outline_traps`.
    outlines : OutlineOptions, default DEFAULT_OUTLINES
        How exact closures are outlined.

    Returns
    -------
    list[VectorLayer]
        traps (polygons) and crests (points); with a depth also exact_traps and disagreement (polygons), below them. The
        names of attributes say their units, as in tables. The depths of exact traps are those of their outlines, those
        of predicted traps the spill depths in them, if all are known.
    """
    table, units, layers = trap_table(prediction), scene.geo.units, []
    if (comparison := prediction.comparison) is not None:
        layers.append(disagreement_layer(comparison.agreement, scene.geo))
        closures = outline_closures(comparison.closures, scene, outlines, nested=False)
        geometries = [closures[row["id"]] for row in comparison.table]
        dashed = LayerStyle(BLACK, line_width=0.5, line_style="dash")
        exact_columns = units.named_columns(comparison.table)
        depths = comparison.closures.table["contour_depth"][comparison.table["id"] - 1]
        layers.append(VectorLayer("exact_traps", "MultiPolygon", geometries, exact_columns, dashed, depths))
    filled = LayerStyle(MAGENTA, (255, 255, 255, 90), 0.6)
    layers.append(VectorLayer("traps", "MultiPolygon", polygons, units.named_columns(table), filled,
                              list(table["spill_depth"])))  # fmt: skip
    triangles = LayerStyle(BLACK, YELLOW, 0.3, "triangle", 4.0, label=label_of(table.dtype.names or ()))
    crest_columns = units.named_columns(
        table[[name for name in ("id", "name", "confidence", "crest_depth") if name in (table.dtype.names or ())]]
    )
    layers.append(VectorLayer("crests", "Point", list(prediction.crests), crest_columns, triangles,
                              list(table["crest_depth"])))  # fmt: skip
    return layers


def name_traps(scene: Scene, prediction: TrapPrediction, path: Path) -> TrapPrediction:
    """Name traps after the wells or places of a table that lie in them.

    Raises
    ------
    UserError
        The table cannot be read, or the map has no location.
    """
    if not scene.geo.located:
        raise UserError("--names", f"{scene.name} has no location", "a map with coordinates",
                        "say where it lies in map.yaml, or leave --names out")  # fmt: skip
    names, sentence = name_labels(scene, prediction.labels, path, "trap")
    return replace(prediction, names=tuple(names), naming=sentence)


def trap_table(prediction: TrapPrediction) -> NDArray:
    """Tabulate traps as a structured array (N,), with their names where they have some; unknown values are NaN."""
    dtype: list[tuple[str, str]] = [(item.name, "i4" if item.type is int else "f8") for item in fields(PredictedTrap)]
    rows = [astuple(trap) for trap in prediction.traps]
    if prediction.names:
        dtype.insert(1, ("name", f"U{max(1, *map(len, prediction.names))}"))
        rows = [(row[0], name, *row[1:]) for row, name in zip(rows, prediction.names, strict=True)]
    return np.array(rows, dtype)


def draw_overlay(
    scene: Scene,
    prediction: TrapPrediction | None,
    polygons: Sequence[Polygons],
    crest: Float | None,
    exact: Closures | None,
    masks: Mapping[str, Bool],
) -> Figure:
    """Draw predicted outlines and crests over the map, with interpreted traps or else exact closures; legend and scale.

    Parameters
    ----------
    scene : Scene
        The predicted map.
    prediction : TrapPrediction | None
        Its traps, None without any.
    polygons : Sequence[Polygons]
        Of `outline_traps`.
    crest : (H, W) float32, or None
        Nearness to crests; its peaks are drawn where `prediction` is None.
    exact : Closures | None
        Closures of the map's depth, None without a depth.
    masks : Mapping[str, Bool]
        {name: (H, W)} other predicted masks.
    """
    figure, axis = make_map_figure(scene)
    add_depth_bar(axis, scene)
    legend: list[Line2D] = []
    computed = [] if exact is None else flatten_rings(list(contour_closures(exact, nested=False).values()))
    drawn = [(name, [] if mask is None else cell_rings(mask.astype(np.int8)))
             for name, mask in (("drawn traps", scene.traps), ("drawn salt", scene.salt))]  # fmt: skip
    for name, rings in (*drawn, ("exact closures", computed)):
        if rings:
            draw_lines(axis, rings, "white", 1.4, halo="black")
            edge = [effects.Stroke(linewidth=3.4, foreground="black"), effects.Normal()]
            legend.append(legend_entry(name, color="white", linewidth=1.4, path_effects=edge))
            break
    if prediction is not None:
        # Neither small components nor the lines between traps are filled.
        filled = (prediction.labels > 0) | (prediction.probability <= THRESHOLD)
        values = np.where(filled, prediction.probability, 0)
        if min(values.shape) > 1:  # matplotlib fills nothing else
            axis.contourf(values, levels=[THRESHOLD, 1.01], colors=["white"], alpha=0.35)
        draw_lines(axis, flatten_rings(polygons), "magenta")
        legend.append(legend_entry(f"predicted traps ({len(polygons)})", color="magenta", linewidth=2))
    for name, mask in masks.items():
        draw_lines(axis, cell_rings(mask.astype(np.int8)), "magenta")
        legend.append(legend_entry(f"predicted {name}", color="magenta", linewidth=2))
    crests = None
    if prediction is not None:
        crests = prediction.crests
    elif crest is not None:
        crests = find_peaks(crest, scene.map_valid, cell_sides=scene.cell_sides)
    if crests is not None:
        axis.plot(crests[:, 1], crests[:, 0], **CREST_MARKER)
        if prediction is not None and len(crests) <= MAX_NUMBERED:
            names = prediction.names or [""] * len(crests)
            for trap, name, (row, col) in zip(prediction.traps, names, crests.tolist(), strict=True):
                label_crest(axis, f"{trap.id} {name}", row, col)
        legend.append(legend_entry(f"predicted crests ({len(crests)})", **CREST_MARKER))
    add_legend(figure, [*legend, *fault_legend_entries(scene)])
    return figure
