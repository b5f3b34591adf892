"""How is a batch of predictions told? One HTML page to send: what failed, and every map, the least sure first."""

from collections.abc import Sequence
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
from targets.common.html_report import Html, element, jpeg_of_pixels, link, page, picture, png_of_figure, table
from targets.errors import UserError
from targets.rendering.map import RGB, ensure_picture
from targets.scene import Scene
from targets.surface.polygonize import Ring, cell_rings

PREVIEW_SIDE = 300  # pixels of a small picture
MAX_PREVIEWS = 200  # maps in the gallery; all of them are in the table
MAX_LISTED_TRAPS = 40  # in the table of traps to look at first
UNCERTAINTY_COLOUR_MAP = "inferno"
PREVIEW_FILE = "report.jpg"  # in the folder of a map: its picture on the page


@dataclass(frozen=True, eq=False)
class MapSummary:
    """What the page tells of one map.

    Attributes
    ----------
    doubt : float | None
        Of the whole map, per cell that is probably trap; None when the outputs tell of no traps. measure : what it is.
        (Per cell of the map, maps with hardly any trap would seem the surest: over 40 generated maps Spearman's
        correlation with 1 - IoU is -0.37 so, and 0.48 per cell of trap; over 18 real ones -0.04 and 0.52.).
    share : float
        Of the map that is trap.
    exact : int | None
        How many exact closures, and iou : of the learned traps with them; None without a depth.
    unit : str
        Of depths, "" when unknown.
    """

    name: str
    shape: tuple[int, int]
    traps: list[PredictedTrap]
    uncertainty: float | None
    measure: UncertaintyMeasure
    trap_fraction: float
    exact_count: int | None
    iou: float | None
    depth_unit: str


def summarise_prediction(scene: Scene, found: TrapPrediction | None) -> MapSummary:
    """The page's part about one map."""
    if found is None:
        return MapSummary(scene.name, scene.shape, [], None, ENTROPY, 0.0, None, None, "")
    doubt = float(np.nansum(found.uncertainty) / max(found.probability.sum(), 1))
    share = float((found.labels > 0).sum() / scene.map_valid.sum())
    count, iou = None, None
    if found.comparison is not None:
        kinds = np.bincount(found.comparison.agreement.ravel(), minlength=len(AGREEMENT_COLOURS) + 1)
        count = len(found.comparison.table)
        iou = float(kinds[-1] / kinds[1:].sum()) if kinds[1:].any() else None
    unit = scene.geo.depth_unit or ""
    return MapSummary(scene.name, scene.shape, found.traps, doubt, found.measure, share, count, iou, unit)


def summary_from_json(told: dict[str, Any]) -> MapSummary:
    """What `dataclasses.asdict` made plain, and JSON may have kept."""
    rows, cols = told["shape"]
    traps = [PredictedTrap(**trap) for trap in told["traps"]]
    return MapSummary(
        **told | {"shape": (rows, cols), "traps": traps, "measure": UncertaintyMeasure(**told["measure"])}
    )


def write_preview(scene: Scene, found: TrapPrediction | None, folder: Path) -> None:
    """Write a map's picture on the page into its folder: the map with its traps and, right of it, its doubt."""
    rgb = ensure_picture(scene).rgb
    assert rgb is not None
    left, right = fit_in_square(rgb), np.full((PREVIEW_SIDE, PREVIEW_SIDE, 3), 255, np.uint8)
    if found is not None:
        lines = [ring for rings in trap_polygons(found) for ring in rings]
        exact = [] if found.comparison is None else cell_rings(found.comparison.closures.labels)
        heat = matplotlib.colormaps[UNCERTAINTY_COLOUR_MAP](
            np.nan_to_num(found.uncertainty) / found.measure.maximum, bytes=True
        )
        right = fit_in_square(np.where(np.isfinite(found.uncertainty)[..., None], heat[..., :3], 255).astype(np.uint8))
        draw_rings(left, exact, scene.shape, (0, 0, 0), 4)
        draw_rings(left, exact, scene.shape, (255, 255, 255), 1)
        draw_rings(left, lines, scene.shape, MAGENTA[:3], 2)
        draw_rings(right, lines, scene.shape, (255, 255, 255), 1)
    with atomic_write(folder / PREVIEW_FILE) as temporary:
        temporary.write_bytes(jpeg_of_pixels(np.hstack([left, right])))


def fit_in_square(rgb: RGB) -> RGB:
    """The picture within a white square of `SIDE` pixels, at its upper left."""
    scale = PREVIEW_SIDE / max(rgb.shape)
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    page_of = np.full((PREVIEW_SIDE, PREVIEW_SIDE, 3), 255, np.uint8)
    page_of[: size[1], : size[0]] = cv2.resize(
        rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    return page_of


def draw_rings(square: RGB, rings: Sequence[Ring], shape: tuple[int, int], colour: tuple[int, ...], width: int) -> None:
    """Draw rings of rows and columns of a map of this shape over its small picture."""
    fine = 16  # parts of a pixel
    for ring in rings:
        points = np.rint(((ring[:, ::-1] + 0.5) * PREVIEW_SIDE / max(shape) - 0.5) * fine).astype(np.int32)
        cv2.polylines(square, [points], True, colour, width, cv2.LINE_AA, shift=4)


def write_report(maps: Sequence[MapSummary], failed: Sequence[tuple[str, UserError]], path: Path) -> None:
    """Write the page.

    Parameters
    ----------
    maps : Sequence[Shown]
        Those that were predicted, their pictures (`write_pair`) in folders of their names beside the page.
    failed : Sequence[tuple[str, UserError]]
        (name, what is wrong) of those that were not.
    """
    ordered = sorted(maps, key=lambda one: -(one.uncertainty or 0))
    parts = []
    if failed:
        parts.append(
            element("h2", f"{len(failed)} of {len(maps) + len(failed)} maps could not be predicted", css="bad")
        )
        parts.append(_failures(failed))
    if ordered:
        parts += _gallery(ordered, path.parent)
    title = f"Predicted traps of {len(maps)} map{'' if len(maps) == 1 else 's'}"
    with atomic_write(path) as temporary:
        temporary.write_text(page(title, parts), encoding="utf-8")


def _failures(failed: Sequence[tuple[str, UserError]]) -> Html:
    """A table whose long lines wrap."""
    rows = [(name, Path(error.args[0]).name, *error.args[1:]) for name, error in failed]
    lines = [element("tr", *(element("th", word) for word in ("map", "file", "found", "expected", "mend")))]
    lines += [element("tr", *(element("td", cell) for cell in row)) for row in rows]
    return element("table", *lines)


def _gallery(ordered: Sequence[MapSummary], folder: Path) -> list[Html]:
    measure = ordered[0].measure
    note = (
        "The least sure maps come first. Left: the map with predicted traps (magenta) and, where its depth is known, "
        "exact closures (white, edged black). Right: where the network is in doubt; its traps in white. Doubt is "
        f"{measure.description}. Of a map it is given per cell that is probably trap."
    )
    parts = [
        element("h2", "Maps"),
        element("p", note),
        element("p", picture(png_of_figure(draw_uncertainty_scale(measure)), "scale of doubt")),
    ]
    parts.append(element("div", *(_item(one, folder) for one in ordered[:MAX_PREVIEWS]), css="gallery wide"))
    if len(ordered) > MAX_PREVIEWS:
        parts.append(element("p", f"{len(ordered) - MAX_PREVIEWS} surer maps are in the table only.", css="note"))
    traps = sorted(((one, trap) for one in ordered for trap in one.traps), key=lambda pair: -pair[1].uncertainty)
    if traps:
        header = ("map", "trap", "confidence", "doubt", "area", "crest depth", "exact closure", "IoU with it",
                  "its height", "its volume")  # fmt: skip
        rows = [(one.name, str(t.id), f"{t.confidence:.2f}", f"{t.uncertainty:.2f}", _number(t.area),
                 _number(t.crest_depth, one.depth_unit), str(t.exact_id or "none") if one.exact_count is not None else "–",
                 f"{t.exact_iou:.2f}" if t.exact_id else "–", _number(t.exact_height, one.depth_unit),
                 _number(t.exact_volume)) for one, t in traps[:MAX_LISTED_TRAPS]]  # fmt: skip
        of = (
            f"the {MAX_LISTED_TRAPS} least sure of {len(traps)}"
            if len(traps) > MAX_LISTED_TRAPS
            else f"all {len(traps)}"
        )
        note = "Areas and volumes in map units (volume: area × depth); in cells where the spacing is unknown."
        parts += [element("h2", f"Traps to look at first: {of}"), element("p", note, css="note"),
                  table(header, rows, numbers=True)]  # fmt: skip
    of_maps = ("map", "doubt", "traps", "share of the map", "exact closures", "IoU with them", "rows × columns")
    lines = [(link(one.name, f"{one.name}/overlay.png"), _share(one.uncertainty), str(len(one.traps)), f"{one.trap_fraction:.1%}",
             "–" if one.exact_count is None else str(one.exact_count), _share(one.iou), f"{one.shape[0]} × {one.shape[1]}")
            for one in ordered]  # fmt: skip
    return [*parts, element("h2", "All maps"), table(of_maps, lines, numbers=True)]


def _item(one: MapSummary, folder: Path) -> Html:
    told = f"{len(one.traps)} trap{'' if len(one.traps) == 1 else 's'} on {one.trap_fraction:.1%} of the map"
    if one.uncertainty is not None:
        told = f"doubt {one.uncertainty:.2f} · {told}"
    if one.exact_count is not None:
        told += f" · {one.exact_count} exact closure{'' if one.exact_count == 1 else 's'}"
        told += "" if one.iou is None else f", IoU {one.iou:.2f}"
    caption = element("figcaption", element("b", link(one.name, f"{one.name}/overlay.png")), " ", told)
    return element("figure", picture((folder / one.name / PREVIEW_FILE).read_bytes(), one.name), caption)


def draw_uncertainty_scale(measure: UncertaintyMeasure) -> Figure:
    """The colours of doubt."""
    figure = Figure(figsize=(4.2, 0.62), dpi=90, layout="constrained")
    colours = ScalarMappable(Normalize(0, measure.maximum), UNCERTAINTY_COLOUR_MAP)
    figure.colorbar(colours, cax=figure.subplots(), orientation="horizontal", label=f"doubt, {measure.unit}")
    return figure


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _number(value: float | None, unit: str = "") -> str:
    """Four digits that count, thousands apart."""
    return "–" if value is None else f"{float(f'{value:.4g}'):,.12g} {unit}".rstrip()
