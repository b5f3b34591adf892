"""HTML report of a prediction batch: failures first, then maps by falling uncertainty."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from mtl.prediction.compare_exact import AGREEMENT_COLOURS
from mtl.prediction.traps import ENTROPY, PredictedTrap, TrapPrediction, UncertaintyMeasure, trap_polygons
from mtl.prediction.writers import MAGENTA
from targets.common.atomic_write import atomic_write
from targets.common.html_report import Cell, jpeg_of_pixels, png_of_figure, render_report
from targets.errors import UserError
from targets.rendering.map import ensure_picture
from targets.rendering.palettes import RGB
from targets.scene import Scene
from targets.surface.polygonize import Ring, cell_rings
from targets.units.columns import MapUnits

TEMPLATE = Path(__file__).parent / "templates" / "prediction.html.j2"
PREVIEW_SIDE = 300  # pixels, of each half of a preview
MAX_PREVIEWS = 200  # maps with a preview; all maps are in the table
MAX_LISTED_TRAPS = 40  # most uncertain traps in the table
UNCERTAINTY_COLOUR_MAP = "inferno"
PREVIEW_FILE = "report.jpg"  # in the folder of a map
UNDEFINED = "–"
MAP_HEADER = ("map", "uncertainty", "traps", "trap fraction", "exact closures", "IoU with them", "rows × columns")
TRAP_HEADER = ("map", "trap", "confidence", "uncertainty", "area", "crest depth", "height", "volume", "exact closure",
               "IoU with it", "its height", "its volume")  # fmt: skip


@dataclass(frozen=True, eq=False)
class MapSummary:
    """Part of the report about one map.

    Attributes
    ----------
    name : str
        Name of the map and of its folder.
    shape : tuple[int, int]
        Rows and columns.
    traps : list[PredictedTrap]
        Its traps.
    uncertainty : float | None
        Sum of the uncertainty over the sum of the probability of trap: per cell that is probably trap, since per cell
        of the map those with hardly any trap would look the most certain (docs/experiments/prediction.md). None where
        no output says where traps are.
    measure : UncertaintyMeasure
        What uncertainty means.
    trap_fraction : float
        Fraction of the map's cells in traps.
    exact_count : int | None
        Number of exact closures, None without a depth.
    iou : float | None
        Intersection over union of learned traps and exact closures, in cells; None without a depth, or without any.
    units : MapUnits
        Units of areas, depths and volumes.
    confidence : float, default 1.0
        Of the reading of a picture's page; 1 of other maps.
    """

    name: str
    shape: tuple[int, int]
    traps: list[PredictedTrap]
    uncertainty: float | None
    measure: UncertaintyMeasure
    trap_fraction: float
    exact_count: int | None
    iou: float | None
    units: MapUnits
    confidence: float = 1.0


@dataclass(frozen=True, eq=False)
class GalleryItem:
    """Preview of one map in the report: JPEG bytes, a caption, and the path of its overlay."""

    name: str
    preview: bytes
    overlay: str
    caption: str


def summarise_prediction(scene: Scene, prediction: TrapPrediction | None) -> MapSummary:
    """Summarise the prediction of one map; None where no output says where traps are."""
    if prediction is None:
        return MapSummary(scene.name, scene.shape, [], None, ENTROPY, 0.0, None, None, scene.geo.units)
    uncertainty = float(np.nansum(prediction.uncertainty) / max(prediction.probability.sum(), 1))
    trap_fraction = float((prediction.labels > 0).sum() / scene.map_valid.sum())
    exact_count, iou = None, None
    if prediction.comparison is not None:
        cells = np.bincount(prediction.comparison.agreement.ravel(), minlength=len(AGREEMENT_COLOURS) + 1)
        exact_count = len(prediction.comparison.table)
        iou = float(cells[-1] / cells[1:].sum()) if cells[1:].any() else None
    return MapSummary(
        scene.name,
        scene.shape,
        prediction.traps,
        uncertainty,
        prediction.measure,
        trap_fraction,
        exact_count,
        iou,
        scene.geo.units,
    )


def summary_from_json(plain: dict[str, Any]) -> MapSummary:
    """The summary of which `dataclasses.asdict` and JSON made plain types."""
    rows, cols = plain["shape"]
    traps = [PredictedTrap(**trap) for trap in plain["traps"]]
    measure, units = UncertaintyMeasure(**plain["measure"]), MapUnits(**plain["units"])
    return MapSummary(**plain | {"shape": (rows, cols), "traps": traps, "measure": measure, "units": units})


def write_preview(scene: Scene, prediction: TrapPrediction | None, folder: Path) -> None:
    """Write the preview of a map into its folder: the map with its traps and, right of it, the uncertainty.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    rgb = ensure_picture(scene).rgb
    assert rgb is not None
    left, right = fit_in_square(rgb), np.full((PREVIEW_SIDE, PREVIEW_SIDE, 3), 255, np.uint8)
    if prediction is not None:
        outlines = [ring for rings in trap_polygons(prediction) for ring in rings]
        exact = [] if prediction.comparison is None else cell_rings(prediction.comparison.closures.labels)
        relative = np.nan_to_num(prediction.uncertainty) / prediction.measure.maximum
        colours = matplotlib.colormaps[UNCERTAINTY_COLOUR_MAP](relative, bytes=True)[..., :3]
        inside = np.isfinite(prediction.uncertainty)[..., None]
        right = fit_in_square(np.where(inside, colours, 255).astype(np.uint8))
        draw_rings(left, exact, scene.shape, (0, 0, 0), 4)
        draw_rings(left, exact, scene.shape, (255, 255, 255), 1)
        draw_rings(left, outlines, scene.shape, MAGENTA[:3], 2)
        draw_rings(right, outlines, scene.shape, (255, 255, 255), 1)
    with atomic_write(folder / PREVIEW_FILE) as temporary:
        temporary.write_bytes(jpeg_of_pixels(np.hstack([left, right])))


def fit_in_square(rgb: RGB) -> RGB:
    """Scale a picture into the upper left of a white square of `PREVIEW_SIDE` pixels."""
    scale = PREVIEW_SIDE / max(rgb.shape)
    width, height = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
    square = np.full((PREVIEW_SIDE, PREVIEW_SIDE, 3), 255, np.uint8)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    square[:height, :width] = cv2.resize(rgb, (width, height), interpolation=method)
    return square


def draw_rings(square: RGB, rings: Sequence[Ring], shape: tuple[int, int], colour: tuple[int, ...], width: int) -> None:
    """Draw rings over a map that `fit_in_square` scaled.

    Parameters
    ----------
    square : (PREVIEW_SIDE, PREVIEW_SIDE, 3) uint8
        The picture; it is changed.
    rings : Sequence[Ring]
        (n, 2) rows and columns of the map.
    shape : tuple[int, int]
        Rows and columns of the map.
    colour : tuple[int, ...]
        Red, green, blue.
    width : int
        Pixels.
    """
    subpixels = 16
    for ring in rings:
        points = np.rint(((ring[:, ::-1] + 0.5) * PREVIEW_SIDE / max(shape) - 0.5) * subpixels).astype(np.int32)
        cv2.polylines(square, [points], True, colour, width, cv2.LINE_AA, shift=4)


def write_report(maps: Sequence[MapSummary], failed: Sequence[tuple[str, UserError]], path: Path) -> None:
    """Write the HTML report of a batch.

    Parameters
    ----------
    maps : Sequence[MapSummary]
        The predicted maps; their previews lie in folders of their names beside the report.
    failed : Sequence[tuple[str, UserError]]
        (name, error) of the others.
    path : Path
        The HTML file.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    ordered = sorted(maps, key=lambda summary: (round(summary.confidence, 1), -(summary.uncertainty or 0)))
    traps = sorted(((summary, trap) for summary in ordered for trap in summary.traps),
                   key=lambda pair: -pair[1].uncertainty)  # fmt: skip
    selection = f"the {MAX_LISTED_TRAPS} of {len(traps)}" if len(traps) > MAX_LISTED_TRAPS else f"all {len(traps)}"
    measure = ordered[0].measure if ordered else ENTROPY
    page = render_report(
        TEMPLATE,
        f"Predicted traps of {_count(len(maps), 'map')}",
        total=len(maps) + len(failed),
        failures=[(name, Path(error.args[0]).name, *error.args[1:]) for name, error in failed],
        measure=measure,
        colour_scale=png_of_figure(draw_uncertainty_scale(measure)),
        gallery=[_gallery_item(summary, path.parent) for summary in ordered[:MAX_PREVIEWS]],
        omitted=max(0, len(ordered) - MAX_PREVIEWS),
        trap_selection=selection,
        trap_header=TRAP_HEADER,
        trap_rows=[_trap_row(summary, trap) for summary, trap in traps[:MAX_LISTED_TRAPS]],
        map_header=MAP_HEADER,
        map_rows=[_map_row(summary) for summary in ordered],
    )
    with atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def draw_uncertainty_scale(measure: UncertaintyMeasure) -> Figure:
    """Draw the colour scale of uncertainty."""
    figure = Figure(figsize=(4.2, 0.62), dpi=90, layout="constrained")
    colours = ScalarMappable(Normalize(0, measure.maximum), UNCERTAINTY_COLOUR_MAP)
    figure.colorbar(colours, cax=figure.subplots(), orientation="horizontal", label=f"uncertainty, {measure.unit}")
    return figure


def _gallery_item(summary: MapSummary, folder: Path) -> GalleryItem:
    """The preview of one map and its caption."""
    parts = [f"{_count(len(summary.traps), 'trap')} on {summary.trap_fraction:.1%} of the map"]
    if summary.uncertainty is not None:
        parts.insert(0, f"uncertainty {summary.uncertainty:.2f}")
    if summary.confidence < 1:
        parts.insert(0, f"page read with confidence {summary.confidence:.2f}")
    if summary.exact_count is not None:
        iou = "" if summary.iou is None else f", IoU {summary.iou:.2f}"
        parts.append(f"{_count(summary.exact_count, 'exact closure')}{iou}")
    preview = (folder / summary.name / PREVIEW_FILE).read_bytes()
    return GalleryItem(summary.name, preview, _overlay(summary), " · ".join(parts))


def _trap_row(summary: MapSummary, trap: PredictedTrap) -> tuple[str, ...]:
    """A row under `TRAP_HEADER`."""
    return (
        summary.name,
        str(trap.id),
        f"{trap.confidence:.2f}",
        f"{trap.uncertainty:.2f}",
        summary.units.format_area(trap.area),
        _given(trap.crest_depth, summary.units.format_depth),
        _given(trap.height, summary.units.format_depth),
        _given(trap.volume, summary.units.format_volume),
        UNDEFINED if summary.exact_count is None else str(trap.exact_id or "none"),
        f"{trap.exact_iou:.2f}" if trap.exact_id else UNDEFINED,
        _given(trap.exact_height, summary.units.format_depth),
        _given(trap.exact_volume, summary.units.format_volume),
    )


def _map_row(summary: MapSummary) -> tuple[str | Cell, ...]:
    """A row under `MAP_HEADER`."""
    return (
        Cell(summary.name, target=_overlay(summary)),
        UNDEFINED if summary.uncertainty is None else f"{summary.uncertainty:.2f}",
        str(len(summary.traps)),
        f"{summary.trap_fraction:.1%}",
        UNDEFINED if summary.exact_count is None else str(summary.exact_count),
        UNDEFINED if summary.iou is None else f"{summary.iou:.2f}",
        f"{summary.shape[0]} × {summary.shape[1]}",
    )


def _overlay(summary: MapSummary) -> str:
    """Path of a map's overlay from the report."""
    return f"{summary.name}/overlay.png"


def _count(number: int, noun: str) -> str:
    """A number with its noun in singular or plural."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _given(value: float | None, text_of: Callable[[float], str]) -> str:
    """A value in words, and a dash for one that is unknown or means nothing."""
    return (UNDEFINED if value is None else text_of(value)) or UNDEFINED
