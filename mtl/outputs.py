"""What a prediction leaves on disk: every head, the traps as polygons and a table, and a picture to look at."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from contourpy import FillType, contour_generator
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from skimage.measure import label, regionprops

from mtl.heads import Head
from mtl.scores import THRESHOLD, find_peaks
from targets.files import written_whole
from targets.grids import write_grid
from targets.render import with_picture
from targets.scene import Float, Geo, Scene

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
    """The polygon of one trap: rings of (x, y) in map coordinates, the outer one first, holes after it."""

    trap: PredictedTrap
    rings: list[list[tuple[float, float]]]


def find_outlines(scene: Scene, maps: dict[str, Float]) -> list[Outline]:
    """The predicted traps: parts of the map where the trap head exceeds 0.5, outlined where it crosses 0.5.

    The crest of a trap is its highest crest peak where there is a crest head, else its shallowest cell, else its
    most probable one.
    """
    probability = np.nan_to_num(maps["trap"][0])
    # Smooth outlines cross cells at 0.5; connecting them with 4 neighbours keeps the polygon of a trap in one piece.
    parts = label(probability > THRESHOLD, connectivity=1)
    if "crest" in maps:
        rank = np.nan_to_num(maps["crest"][0])
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
        outlines.append(Outline(trap, trace(np.where(others, 0, probability), scene.geo)))
    return outlines


def trace(field: np.ndarray, geo: Geo) -> list[list[tuple[float, float]]]:
    """Rings around the part of a field above the threshold, the outer one first, in map coordinates."""
    padded = np.pad(field, 1)  # a trap at the array's edge is closed there
    lines = contour_generator(z=padded, fill_type=FillType.OuterOffset).filled(THRESHOLD, np.inf)
    points, offsets = max(zip(*lines, strict=True), key=lambda polygon: len(polygon[0]))
    rings = []
    for start, end in pairwise(offsets):
        x, y = geo.xy(points[start:end, 1] - 1, points[start:end, 0] - 1)
        rings.append([(float(a), float(b)) for a, b in zip(x, y, strict=True)])
    return rings


def write_prediction(
    scene: Scene, maps: dict[str, Float], heads: Sequence[Head], folder: Path, truth_mask: np.ndarray | None = None
) -> None:
    """Write HEAD.png of every head (and HEAD.tif of a located map), overlay.png, traps.geojson and closures.csv.

    Parameters
    ----------
    truth_mask : (H, W) bool, traps to compare with in the overlay, or None.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for head in heads:
        write_head_picture(head, maps[head.name][0], folder / f"{head.name}.png")
        if scene.geo.located:
            write_grid(maps[head.name][0], scene.geo, folder / f"{head.name}.tif")
    outlines = find_outlines(scene, maps) if "trap" in maps else []
    if "trap" in maps:
        write_geojson(outlines, scene.geo, folder / "traps.geojson")
        write_table([outline.trap for outline in outlines], folder / "closures.csv")
    with written_whole(folder / "overlay.png") as temporary:
        overlay(scene, maps, outlines, truth_mask).savefig(temporary)


def write_head_picture(head: Head, values: np.ndarray, path: Path) -> None:
    """One pixel a cell, in the head's colours; cells outside the map are transparent."""
    finite = np.isfinite(values)
    high = head.drawing.high if head.drawing.high is not None else float(np.nanmax(values, initial=1.0))
    scaled = (np.nan_to_num(values) - head.drawing.low) / max(high - head.drawing.low, 1e-9)
    rgba = matplotlib.colormaps[head.drawing.colours](np.clip(scaled, 0, 1), bytes=True)
    rgba[~finite] = 0
    with written_whole(path) as temporary:
        cv2.imwrite(str(temporary), cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))


def write_geojson(outlines: Sequence[Outline], geo: Geo, path: Path) -> None:
    """Polygons with attributes, in map coordinates with the CRS named; without a location in columns and rows."""
    content: dict = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": asdict(outline.trap),
                "geometry": {"type": "Polygon", "coordinates": outline.rings},
            }
            for outline in outlines
        ],
    }
    if geo.located and geo.crs:  # the pre-RFC 7946 member: without it readers take metres for degrees
        content["crs"] = {"type": "name", "properties": {"name": geo.crs}}
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(content))


def write_table(traps: Sequence[PredictedTrap], path: Path) -> None:
    """One row per trap; the header alone when there is none."""
    with written_whole(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(PredictedTrap.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(asdict(trap) for trap in traps)


def overlay(scene: Scene, maps: dict[str, Float], outlines: Sequence[Outline], truth_mask: np.ndarray | None) -> Figure:
    """The map with predicted outlines and crests, true outlines dashed where they are known, legend and scale bar."""
    scene = with_picture(scene)
    assert scene.rgb is not None
    height, width = scene.shape
    longest = 11.0  # inches
    size = (longest, longest * height / width) if width >= height else (longest * width / height, longest)
    figure = Figure(figsize=(size[0], size[1] + 1.0), dpi=110, layout="constrained")
    axis = figure.subplots()
    axis.imshow(scene.rgb, interpolation="nearest")
    legend: list[Line2D] = []
    if "trap" in maps:
        axis.contourf(np.nan_to_num(maps["trap"][0]), levels=[THRESHOLD, 1.01], colors=["white"], alpha=0.35)
        for outline in outlines:
            for ring in outline.rings:
                rows, cols = scene.geo.rowcol(*np.array(ring).T)
                axis.plot(cols, rows, color="white", linewidth=4)
                axis.plot(cols, rows, color="magenta", linewidth=2)
        legend.append(Line2D([], [], color="magenta", linewidth=2, label=f"predicted traps ({len(outlines)})"))
    if truth_mask is not None and truth_mask.any():
        axis.contour(truth_mask.astype(float), levels=[0.5], colors=["black"], linewidths=1.6, linestyles="dashed")
        legend.append(
            Line2D([], [], color="black", linewidth=1.6, linestyle="dashed", label="exact closures or drawn traps")
        )
    if "crest" in maps:
        peaks = find_peaks(maps["crest"][0], scene.map_valid)
        axis.plot(peaks[:, 1], peaks[:, 0], "^", color="yellow", markeredgecolor="black", markersize=9)
        legend.append(
            Line2D(
                [],
                [],
                marker="^",
                color="yellow",
                markeredgecolor="black",
                linestyle="",
                label=f"predicted crests ({len(peaks)})",
            )
        )
    if scene.fault.any():
        legend.append(Line2D([], [], color="saddlebrown", linewidth=4, label="faults"))
    _scale_bar(axis, scene)
    axis.set(xticks=[], yticks=[], xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    axis.set_title(_title(scene), fontsize=12)
    if legend:
        figure.legend(handles=legend, loc="outside lower center", ncols=len(legend), fontsize=10, frameon=False)
    return figure


def _title(scene: Scene) -> str:
    if not scene.has_depth:
        return scene.name
    low, high = scene.relief
    unit = scene.geo.depth_unit
    text = f"{scene.name}: {low:.0f} to {high:.0f} {unit}" if unit else f"{scene.name}: depth normalised"
    return text + (
        f", contours every {scene.geo.contour_interval:g} {unit or ''}" if scene.geo.contour_interval else ""
    )


def _scale_bar(axis: matplotlib.axes.Axes, scene: Scene) -> None:
    """A bar of a round length, about a fifth of the map's width, in km or m; in cells when the spacing is unknown."""
    height, width = scene.shape
    spacing = abs(scene.geo.dx) if scene.geo.dx else 1.0
    raw = width * spacing / 5
    unit = 10 ** np.floor(np.log10(raw))
    length = max(step * unit for step in (1, 2, 5) if step * unit <= raw)
    if not scene.geo.dx:
        text = f"{length:g} cells"
    else:
        text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    cells = length / spacing
    left, top = 0.03 * width, 0.96 * height
    axis.plot([left, left + cells], [top, top], color="white", linewidth=7, solid_capstyle="butt")
    axis.plot([left, left + cells], [top, top], color="black", linewidth=4, solid_capstyle="butt")
    axis.text(
        left + cells / 2,
        top - 0.012 * height,
        text,
        ha="center",
        va="bottom",
        fontsize=10,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
    )
