"""HTML report of a data check: what the set holds, what looks wrong, and every map, the worst first."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from targets.check.dataset import DataCheck, compare_interpreted_with_exact
from targets.check.issues import Finding
from targets.check.map_summary import THUMBNAIL_SIDE, MapSummary
from targets.check.summary_text import dataset_summary
from targets.common.atomic_write import atomic_write
from targets.common.html_report import Cell, jpeg_of_pixels, png_of_figure, render_report
from targets.io.catalogue import read_map
from targets.io.read_options import ReadOptions
from targets.rendering.overlays import make_class_figure, write_figure
from targets.rules import FittedRules
from targets.scene import Scene
from targets.truth.criteria import TrapCriteria

TEMPLATE = Path(__file__).parent / "templates" / "check.html.j2"
MAX_GALLERY = 60  # maps without findings in the gallery; all of them are in the table
MAX_FAULTY = 200  # maps with findings in the gallery, the worst ones
PALETTE_HEIGHT = 8  # pixels of the bar of colours under a map
TABLE_HEADER = ("map", "findings", "group", "rows × columns", "channels", "inside", "outline", "depth", "contours",
                "palette", "faults", "traps", "trap share", "drawn × exact IoU", "salt")  # fmt: skip


@dataclass(frozen=True, eq=False)
class GalleryItem:
    """One map of the gallery; pictures are PNG or JPEG bytes, `palette` may be missing."""

    name: str
    text: str
    findings: list[str]
    thumbnail: bytes
    palette: bytes | None


@dataclass(frozen=True, eq=False)
class WorstMap:
    """The map whose interpreted traps agree least with the exact closures, as a PNG."""

    name: str
    picture: bytes


def write_check_report(
    check: DataCheck, path: Path, title: str, options: ReadOptions, rules: TrapCriteria | None = None
) -> None:
    """Write the HTML report of a check.

    Parameters
    ----------
    check : DataCheck
        Of `targets.check.dataset.check_data`.
    path : Path
        The HTML file.
    title : str
        Its heading.
    options : ReadOptions
        As the maps were checked, to draw the worst one again.
    rules : TrapCriteria | None
        Likewise; None: those that the check fitted.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    findings = _findings_of_maps(check.findings)
    rank = {id(finding): number for number, finding in enumerate(check.findings)}
    maps = sorted(check.maps, key=lambda summary: min((rank[id(f)] for f in findings[summary.name]), default=len(rank)))
    others = [summary for summary in maps if not findings[summary.name]]
    faulty = [summary for summary in maps if findings[summary.name]]
    gallery = faulty[:MAX_FAULTY] + others[:MAX_GALLERY]
    page = render_report(
        TEMPLATE,
        title,
        summary=[(Cell(label, "bold"), text) for label, text in dataset_summary(check)],
        findings=[_finding_row(finding) for finding in check.findings],
        worst=_worst_map(check.maps, options, rules or check.rules),
        histograms=png_of_figure(draw_histograms(maps)) if maps else b"",
        gallery=[_gallery_item(summary, findings[summary.name]) for summary in gallery],
        omitted=len(maps) - len(gallery),
        table_header=TABLE_HEADER,
        table=[_table_row(summary, findings[summary.name]) for summary in maps],
    )
    with atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _findings_of_maps(findings: Sequence[Finding]) -> Mapping[str, list[Finding]]:
    """{map: the findings about it}, worst first; those about the set as a whole are no map's."""
    found = defaultdict[str, list[Finding]](list)
    for finding in findings:
        for name in dict.fromkeys(finding.maps if finding.kind != "set" else ()):
            found[name].append(finding)
    return found


def _finding_row(finding: Finding) -> tuple[Cell | str, ...]:
    """Cells of a finding; of its file the last two parts of the path."""
    error = finding.error
    return Cell(finding.kind, "bad"), "/".join(Path(error.where).parts[-2:]), error.found, error.expected, error.hint


def _worst_map(maps: Sequence[MapSummary], options: ReadOptions, rules: TrapCriteria) -> WorstMap | None:
    """The map with the least IoU of interpreted traps with exact closures, read and drawn again."""
    compared = [summary for summary in maps if summary.iou is not None]
    if not compared:
        return None
    worst = min(compared, key=lambda summary: summary.iou or 0.0)
    scene = read_map(worst.source, options)
    return WorstMap(worst.name, png_of_figure(draw_disagreement(scene, rules)))


def draw_disagreement(scene: Scene, rules: TrapCriteria) -> Figure:
    """Draw where interpreted traps and the exact closures differ, on a pale map.

    Parameters
    ----------
    scene : Scene
        A map with a depth and interpreted traps.
    rules : TrapCriteria
        Of the exact closures.

    Returns
    -------
    Figure
        Interpreted only blue, exact only red, both green.
    """
    classes, iou = compare_interpreted_with_exact(scene, rules)
    colours = {"drawn only": "#1f77ff", "exact only": "#e3001b", "both": "#2ca02c"}
    return make_class_figure(scene, f"drawn traps against exact closures, IoU {iou or 0:.2f}", classes, colours)


def draw_worst_maps(scenes: Sequence[Scene], fitted: FittedRules, folder: Path, most: int) -> list[Path]:
    """Draw where the drawn traps and those of the rules differ, on the maps that fit worst.

    Parameters
    ----------
    scenes : Sequence[Scene]
        The maps.
    fitted : FittedRules
        Of these maps.
    folder : Path
        Where the pictures go.
    most : int
        How many.

    Returns
    -------
    list[Path]
        The files, worst first.

    Raises
    ------
    UserError
        A file cannot be written.
    """
    paths = []
    for scene in sorted(scenes, key=lambda scene: fitted.iou[scene.name])[:most]:
        paths.append(folder / f"{scene.name}.png")
        write_figure(draw_disagreement(scene, fitted.rules), (), paths[-1])
    return paths


def draw_histograms(maps: Sequence[MapSummary]) -> Figure:
    """Draw the distributions of size, relief, shares of fault and trap, and so on over the maps.

    Parameters
    ----------
    maps : Sequence[MapSummary]
        At least one.

    Returns
    -------
    Figure
        One panel for each property that any map has.
    """
    known = [summary for summary in maps if "depth" in summary.channels or "drawn traps" in summary.channels]
    panels: dict[str, Sequence[float]] = {
        "longer side, cells": [max(summary.shape) for summary in maps],
        "map, share of array": [summary.inside_share for summary in maps],
        "relief, depth units": [summary.relief[1] - summary.relief[0] for summary in maps if summary.relief],
        "faults, share of map": [summary.fault_share for summary in maps],
        "traps, share of map": [summary.trap_share for summary in known],
        "traps, number": [summary.trap_count for summary in known],
        "salt, share of image": [summary.salt_share for summary in maps if summary.salt_share is not None],
        "drawn × exact, IoU": [summary.iou for summary in maps if summary.iou is not None],
    }
    panels = {name: values for name, values in panels.items() if values}
    figure = Figure(figsize=(12, 2.4 * -(-len(panels) // 4)), dpi=90, layout="constrained")
    axes = figure.subplots(-(-len(panels) // 4), 4, squeeze=False).ravel()
    for axis, (name, values) in zip(axes, panels.items(), strict=False):
        axis.hist(values, bins=min(20, max(5, len(values) // 3)), color="#4477aa")
        axis.set_title(name, fontsize=10)
        axis.set_ylabel("maps", fontsize=8)
        axis.tick_params(labelsize=8)
        axis.yaxis.get_major_locator().set_params(integer=True)
    for axis in axes[len(panels) :]:
        axis.remove()
    return figure


def _gallery_item(summary: MapSummary, findings: Sequence[Finding]) -> GalleryItem:
    """A map's thumbnail, its colours by depth, and what was found."""
    palette = None
    if summary.colours is not None and summary.colours.step_colours is not None:
        steps = summary.colours.step_colours
        bar = np.repeat(np.repeat(steps[None], THUMBNAIL_SIDE // len(steps), axis=1), PALETTE_HEIGHT, axis=0)
        palette = jpeg_of_pixels(bar)
    traps = "drawn" if "drawn traps" in summary.channels else "computed" if "depth" in summary.channels else "unknown"
    held = f"traps: {summary.trap_count} ({traps})"
    if summary.salt_share is not None:
        held = f"salt: {summary.salt_share:.0%}"
    return GalleryItem(
        name=summary.name,
        text=f"group {summary.group} · {summary.shape[0]} × {summary.shape[1]} · {held}",
        findings=[f"{finding.kind}: {finding.error.found}" for finding in findings],
        thumbnail=summary.thumbnail,
        palette=palette,
    )


def _table_row(summary: MapSummary, findings: Sequence[Finding]) -> tuple[Cell | str, ...]:
    """Cells of a map in the order of `TABLE_HEADER`; what is unknown is a dash."""
    kinds = dict.fromkeys(finding.kind for finding in findings)
    relief = summary.relief
    return (
        summary.name,
        Cell(", ".join(kinds), "bad"),
        summary.group,
        f"{summary.shape[0]} × {summary.shape[1]}",
        ", ".join(summary.channels),
        f"{summary.inside_share:.0%}",
        summary.outline,
        f"{relief[0]:.4g} to {relief[1]:.4g} {summary.unit}".strip() if relief else "–",
        f"{summary.contour_interval:g}" if summary.contour_interval else "–",
        summary.colours.palette if summary.colours else "–",
        f"{summary.fault_share:.1%}",
        str(summary.trap_count),
        f"{summary.trap_share:.1%}",
        "–" if summary.iou is None else f"{summary.iou:.2f}",
        "–" if summary.salt_share is None else f"{summary.salt_share:.0%}",
    )
