"""What a prediction leaves on disk: every output, the traps as polygons and tables, and pictures to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields
from pathlib import Path

import cv2
import matplotlib
import matplotlib.patheffects as effects
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mtl.inference.tta import spread_of
from mtl.metrics.base import THRESHOLD
from mtl.metrics.keypoints import find_peaks
from mtl.prediction.compare_exact import AGREEMENT_COLOURS, ExactComparison, disagreement_layer
from mtl.prediction.instances import instance_outputs, planes_by_role
from mtl.prediction.traps import PredictedTrap, TrapPrediction, extract_traps, trap_polygons
from mtl.tasks.base import Drawing, Output, mask_invalid
from targets.analysis.layers import closure_polygons, write_table
from targets.closure import Closures
from targets.common.atomic_write import atomic_write, remove_half_written
from targets.io.grids.registry import write_class_raster, write_grid
from targets.io.vectors import LayerStyle, VectorLayer, write_geojson, write_geopackage
from targets.rendering.figures import (
    CREST_MARKER,
    add_legend,
    draw_lines,
    fault_legend_entries,
    legend_entry,
    make_class_figure,
    make_map_figure,
)
from targets.scene import Bool, Float, Scene
from targets.surface.polygonize import Ring, cell_rings

MAGENTA, BLACK, YELLOW = (255, 0, 255, 255), (0, 0, 0, 255), (255, 255, 0, 255)


def write_prediction(
    scene: Scene, maps: Mapping[str, Float], outputs: Sequence[Output], folder: Path, exact: Closures | None
) -> TrapPrediction | None:
    """Write what a person takes along, and return the traps; None where the outputs tell of none.

    ``NAME.png`` of every output, and ``NAME.tif`` where the map is located; ``overlay.png``; of the traps
    ``traps.gpkg`` (``traps.geojson`` in columns and rows without a location) and ``closures.csv``; and with exact
    closures beside them ``exact.csv`` and ``disagreement.png`` (and ``.tif``). The spread of an output, where `maps`
    holds one, is written as ``NAME_spread``. Outputs that mean something inside traps only are left out elsewhere.

    Parameters
    ----------
    exact : Closures | None
        The closures of the map's depth, None without one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_half_written(folder)
    found = extract_traps(scene, maps, outputs, exact) if instance_outputs(outputs) else None
    for output in outputs:
        told = output_valid(output, scene, None if found is None else found.labels)
        write_output_plane(
            scene, output.name, output.drawing.plane(mask_invalid(maps[output.name], told)), output.drawing, folder
        )
        if (spread := maps.get(spread_of(output.name))) is not None:
            plane = mask_invalid(spread, told).max(0)
            write_output_plane(scene, spread_of(output.name), plane, std_drawing(output.drawing), folder)
    crest = planes_by_role(maps, outputs).get("keypoint")
    polygons: list[list[Ring]] = []
    if found is not None:
        polygons = trap_polygons(found)
        layers = trap_layers(scene, found, polygons)
        if scene.geo.located:
            write_geopackage(layers, scene.geo, folder / "traps.gpkg")
        else:
            write_geojson(layers, scene.geo, folder / "traps.geojson")
        write_table(trap_table(found.traps), folder / "closures.csv")
        if found.comparison is not None:
            write_comparison(scene, found.comparison, folder)
    masks = {
        output.name: np.nan_to_num(maps[output.name][0]) > THRESHOLD
        for output in outputs
        if output.run_length_submission
    }
    with atomic_write(folder / "overlay.png") as temporary:
        draw_overlay(scene, None if masks else found, polygons, crest, exact, masks).savefig(temporary)
    return found


def output_valid(output: Output, scene: Scene, labels: NDArray[np.int32] | None) -> Bool:
    """(H, W) the cells in which an output means something: the map's, or those of the trap objects (0 = none), if any
    are told of."""
    return labels > 0 if output.inside_traps_only and labels is not None else scene.map_valid


def std_drawing(drawing: Drawing) -> Drawing:
    """How the spread of an output is drawn: black where all looks agree, up to half the range of its values, which is
    the most that values of a range can spread."""
    high = None if drawing.vmax is None else (drawing.vmax - drawing.vmin) / 2
    return Drawing("inferno", vmax=high)


def write_output_plane(scene: Scene, name: str, plane: Float, drawing: Drawing, folder: Path) -> None:
    """Write NAME.png, and NAME.tif of a map that is located."""
    write_plane_png(drawing, plane, folder / f"{name}.png")
    if scene.geo.located:
        write_grid(plane, scene.geo, folder / f"{name}.tif")


def write_plane_png(drawing: Drawing, values: np.ndarray, path: Path) -> None:
    """One pixel a cell, in the output's colours; cells outside the map are transparent."""
    _, content = cv2.imencode(".png", cv2.cvtColor(apply_colour_map(drawing, values), cv2.COLOR_RGBA2BGRA))
    with atomic_write(path) as temporary:
        temporary.write_bytes(content.tobytes())  # OpenCV's own writing does not tell of a full disk


def apply_colour_map(drawing: Drawing, values: np.ndarray) -> NDArray[np.uint8]:
    """(H, W, 4) red, green, blue and opacity of one plane; what is not finite is transparent."""
    high = drawing.vmax if drawing.vmax is not None else float(np.nanmax(values, initial=1e-6))
    scaled = (np.nan_to_num(values) - drawing.vmin) / max(high - drawing.vmin, 1e-9)
    rgba = matplotlib.colormaps[drawing.colour_map](np.clip(scaled, 0, 1), bytes=True)
    rgba[~np.isfinite(values)] = 0
    return rgba


def write_comparison(scene: Scene, sides: ExactComparison, folder: Path) -> None:
    """Write exact.csv, and where learned and exact traps differ as disagreement.png (.tif too when located)."""
    write_table(sides.table, folder / "exact.csv")
    if scene.geo.located:
        write_class_raster(sides.agreement, scene.geo, folder / "disagreement.tif", AGREEMENT_COLOURS)
    colours = {name: [part / 255 for part in colour] for name, colour in AGREEMENT_COLOURS.items()}
    with atomic_write(folder / "disagreement.png") as temporary:
        make_class_figure(scene, "learned traps against exact closures", sides.agreement, colours).savefig(temporary)


def trap_layers(scene: Scene, found: TrapPrediction, polygons: Sequence[list[Ring]]) -> list[VectorLayer]:
    """traps (polygons) and crests (points) as predicted; exact_traps and disagreement (polygons) with a depth."""
    table, layers = trap_table(found.traps), []
    if (sides := found.comparison) is not None:
        layers.append(disagreement_layer(sides.agreement, scene.geo))
        shapes = closure_polygons(sides.closures, nested=False)
        layers.append(VectorLayer("exact_traps", "MultiPolygon", [shapes[row["id"]] for row in sides.table], sides.table,
                            LayerStyle(BLACK, line_width=0.5, line_style="dash")))  # fmt: skip
    layers.append(VectorLayer("traps", "MultiPolygon", [[rings] for rings in polygons], table,
                        LayerStyle(MAGENTA, (255, 255, 255, 90), 0.6)))  # fmt: skip
    layers.append(VectorLayer("crests", "Point", list(found.crests), table[["id", "confidence", "crest_depth"]],
                        LayerStyle(BLACK, YELLOW, 0.3, "triangle", 4.0)))  # fmt: skip
    return layers


def trap_table(traps: Sequence[PredictedTrap]) -> NDArray:
    """(N,) structured array, a row per trap; what is unknown is NaN."""
    kind = [(item.name, "i4" if item.type is int else "f8") for item in fields(PredictedTrap)]
    return np.array([astuple(trap) for trap in traps], kind)


def draw_overlay(
    scene: Scene,
    found: TrapPrediction | None,
    polygons: Sequence[list[Ring]],
    crest: Float | None,
    exact: Closures | None,
    masks: Mapping[str, Bool],
) -> Figure:
    """The map with predicted outlines and crests over what was drawn, or else exact closures; legend and scale bar.

    Parameters
    ----------
    crest : (H, W)
        What the outputs tell of crests; its peaks are drawn where there are no traps, whose crests are.
    masks : Mapping[str, Bool]
        {name: (H, W)} other predicted masks.
    """
    figure, axis = make_map_figure(scene)
    legend: list[Line2D] = []
    computed = None if exact is None else exact.labels > 0
    known = [("drawn traps", scene.traps), ("drawn salt", scene.salt), ("exact closures", computed)]
    for name, mask in known:
        if mask is not None and mask.any():
            draw_lines(axis, cell_rings(mask.astype(np.int8)), "white", 1.4, halo="black")
            edge = [effects.Stroke(linewidth=3.4, foreground="black"), effects.Normal()]
            legend.append(legend_entry(name, color="white", linewidth=1.4, path_effects=edge))
            break
    if found is not None:
        shown = (found.labels > 0) | (found.probability <= THRESHOLD)  # neither specks nor the lines between traps
        axis.contourf(np.where(shown, found.probability, 0), levels=[THRESHOLD, 1.01], colors=["white"], alpha=0.35)
        draw_lines(axis, [ring for rings in polygons for ring in rings], "magenta")
        legend.append(legend_entry(f"predicted traps ({len(polygons)})", color="magenta", linewidth=2))
    for name, mask in masks.items():
        draw_lines(axis, cell_rings(mask.astype(np.int8)), "magenta")
        legend.append(legend_entry(f"predicted {name}", color="magenta", linewidth=2))
    crests = None
    if found is not None:
        crests = found.crests
    elif crest is not None:
        crests = find_peaks(crest, scene.map_valid)
    if crests is not None:
        axis.plot(crests[:, 1], crests[:, 0], **CREST_MARKER)
        legend.append(legend_entry(f"predicted crests ({len(crests)})", **CREST_MARKER))
    add_legend(figure, [*legend, *fault_legend_entries(scene)])
    return figure
