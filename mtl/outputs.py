"""What a prediction leaves on disk: every output, the traps as polygons and a table, and a picture to look at."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields
from itertools import pairwise
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from contourpy import FillType, contour_generator
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from skimage.measure import label, regionprops

from mtl.heads import Drawing, Output, trap_outputs
from mtl.looks import spread_of
from mtl.scores import THRESHOLD, find_peaks
from targets.draw import CREST, add_legend, base_picture, draw_lines, fault_mark, legend_mark
from targets.files import written_whole
from targets.grids import write_grid
from targets.outlines import Ring
from targets.scene import Float, Scene
from targets.vectors import Layer, Look, write_geojson

MIN_AREA = 40  # cells; smaller predicted specks are not written as traps


@dataclass(frozen=True)
class PredictedTrap:
    """One trap as predicted.

    area : in squared map units; cells when the spacing is unknown.
    crest_x, crest_y : map coordinates; column and row when the map has no location.
    crest_depth : in depth units, None without a depth.
    confidence : mean predicted probability inside.
    """

    id: int
    area: float
    cells: int
    crest_x: float
    crest_y: float
    crest_depth: float | None
    confidence: float


@dataclass(frozen=True)
class Outline:
    """The polygon of one trap: rings (n, 2) of rows and columns, the outer one first, holes after it."""

    trap: PredictedTrap
    rings: list[Ring]


def find_outlines(scene: Scene, traps: Float, crest: Float | None = None) -> list[Outline]:
    """The predicted traps: parts of the map where the probability of trap exceeds 0.5, outlined where it crosses 0.5.

    The crest of a trap is the highest peak of `crest` where it is given, else the shallowest cell, else the most
    probable one. Arrays are (H, W), NaN outside the map.
    """
    probability = np.nan_to_num(traps)
    # Smooth outlines cross cells at 0.5; connecting them with 4 neighbours keeps the polygon of a trap in one piece.
    parts = label(probability > THRESHOLD, connectivity=1)
    if crest is not None:
        rank = np.nan_to_num(crest)
    else:
        rank = -scene.depth if scene.has_depth else probability
    outlines: list[Outline] = []
    for region in regionprops(parts):
        if region.area < MIN_AREA:
            continue
        inside = np.where(region.image, rank[region.slice], -np.inf)
        row, col = np.array(np.unravel_index(inside.argmax(), inside.shape)) + region.bbox[:2]
        x, y = scene.geo.xy(row, col)
        trap = PredictedTrap(
            id=len(outlines) + 1,
            area=float(region.area * scene.geo.cell_area),
            cells=int(region.area),
            crest_x=float(x),
            crest_y=float(y),
            crest_depth=float(scene.depth[row, col]) if scene.has_depth else None,
            confidence=float(probability[parts == region.label].mean()),
        )
        others = (parts > 0) & (parts != region.label)
        outlines.append(Outline(trap, trace(np.where(others, 0, probability))))
    return outlines


def trace(field: np.ndarray) -> list[Ring]:
    """Rings around the part of a field above the threshold, the outer one first."""
    padded = np.pad(field, 1)  # a trap at the array's edge is closed there
    lines = contour_generator(z=padded, fill_type=FillType.OuterOffset).filled(THRESHOLD, np.inf)
    points, offsets = max(zip(*lines, strict=True), key=lambda polygon: len(polygon[0]))
    return [points[start:end, ::-1] - 1 for start, end in pairwise(offsets)]


def write_prediction(
    scene: Scene, maps: dict[str, Float], outputs: Sequence[Output], folder: Path, truth_mask: np.ndarray | None = None
) -> None:
    """Write NAME.png of every output (NAME.tif too when located), overlay.png, traps.geojson and closures.csv.

    The spread of an output, where `maps` holds one, is written as NAME_spread.

    Polygons and table are those of the final answer about traps.

    Parameters
    ----------
    truth_mask : (H, W) bool, traps to compare with in the overlay, or None.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for output in outputs:
        write_plane(scene, output.name, output.drawing.plane(maps[output.name]), output.drawing, folder)
        if (spread := maps.get(spread_of(output.name))) is not None:
            write_plane(scene, spread_of(output.name), spread.max(0), spread_drawing(output.drawing), folder)
    crest = maps["crest"][0] if "crest" in maps else None
    trap, outlines = None, []
    if answers := trap_outputs(outputs):
        trap = maps[answers[-1].name][0]
        outlines = find_outlines(scene, trap, crest)
        write_geojson([trap_layer(outlines)], scene.geo, folder / "traps.geojson")
        write_table([outline.trap for outline in outlines], folder / "closures.csv")
    with written_whole(folder / "overlay.png") as temporary:
        overlay(scene, trap, outlines, crest, truth_mask).savefig(temporary)


def spread_drawing(drawing: Drawing) -> Drawing:
    """How the spread of an output is drawn: black where all looks agree, up to half the range of its values, which is
    the most that values of a range can spread."""
    high = None if drawing.high is None else (drawing.high - drawing.low) / 2
    return Drawing("inferno", high=high)


def write_plane(scene: Scene, name: str, plane: Float, drawing: Drawing, folder: Path) -> None:
    """Write NAME.png, and NAME.tif of a map that is located."""
    write_picture(drawing, plane, folder / f"{name}.png")
    if scene.geo.located:
        write_grid(plane, scene.geo, folder / f"{name}.tif")


def write_picture(drawing: Drawing, values: np.ndarray, path: Path) -> None:
    """One pixel a cell, in the output's colours; cells outside the map are transparent."""
    finite = np.isfinite(values)
    high = drawing.high if drawing.high is not None else float(np.nanmax(values, initial=1e-6))
    scaled = (np.nan_to_num(values) - drawing.low) / max(high - drawing.low, 1e-9)
    rgba = matplotlib.colormaps[drawing.colours](np.clip(scaled, 0, 1), bytes=True)
    rgba[~finite] = 0
    with written_whole(path) as temporary:
        cv2.imwrite(str(temporary), cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))


def trap_layer(outlines: Sequence[Outline]) -> Layer:
    """The predicted traps as a layer of polygons; attributes as in `PredictedTrap`."""
    kind = [(item.name, "i4" if item.type is int else "f8") for item in fields(PredictedTrap)]
    table = np.array([astuple(outline.trap) for outline in outlines], kind)  # None becomes NaN
    return Layer("traps", "MultiPolygon", [[outline.rings] for outline in outlines], table,
                 Look((255, 0, 255, 255), (255, 255, 255, 90), 0.6))  # fmt: skip


def write_table(traps: Sequence[PredictedTrap], path: Path) -> None:
    """One row per trap; the header alone when there is none."""
    with written_whole(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(PredictedTrap.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(asdict(trap) for trap in traps)


def overlay(
    scene: Scene,
    trap: Float | None,
    outlines: Sequence[Outline],
    crest: Float | None,
    truth_mask: np.ndarray | None,
) -> Figure:
    """The map with predicted outlines and crests, true outlines dashed where they are known, legend and scale bar."""
    figure, axis = base_picture(scene)
    legend: list[Line2D] = []
    if trap is not None:
        axis.contourf(np.nan_to_num(trap), levels=[THRESHOLD, 1.01], colors=["white"], alpha=0.35)
        draw_lines(axis, [ring for outline in outlines for ring in outline.rings], "magenta")
        legend.append(legend_mark(f"predicted traps ({len(outlines)})", color="magenta", linewidth=2))
    if truth_mask is not None and truth_mask.any():
        axis.contour(truth_mask.astype(float), levels=[0.5], colors=["black"], linewidths=1.6, linestyles="dashed")
        legend.append(legend_mark("exact closures or drawn traps", color="black", linewidth=1.6, linestyle="dashed"))
    if crest is not None:
        peaks = find_peaks(crest, scene.map_valid)
        axis.plot(peaks[:, 1], peaks[:, 0], **CREST)
        legend.append(legend_mark(f"predicted crests ({len(peaks)})", **CREST))
    add_legend(figure, [*legend, *fault_mark(scene)])
    return figure
