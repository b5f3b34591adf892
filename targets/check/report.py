"""How is a data set's check told? One HTML page to send: what it holds, what looks wrong, worst maps first."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from targets.check.dataset import SIDE, DataCheck, Finding, MapFacts, contradiction, fingerprint
from targets.common.atomic_write import atomic_write
from targets.common.html_report import Html, png_of_figure, element, page, jpeg_of_pixels, picture, table
from targets.io.catalogue import Reading, read_map
from targets.rendering.figures import classes_figure
from targets.scene import Scene
from targets.truth.traps import TrapCriteria

MOST_SHOWN = 60  # maps without findings that the gallery shows; all of them are in the table


def write_page(check: DataCheck, path: Path, title: str, how: Reading, rules: TrapCriteria) -> None:
    """Write the page of a check.

    Parameters
    ----------
    check : DataCheck
        Of `check.check_data`.
    path : Path
        The HTML file.
    title : str
        Its heading.
    how, rules
        As the maps were checked, to draw the worst one again.
    """
    troubled = {name for finding in check.findings if finding.kind != "set" for name in finding.maps}
    facts = sorted(check.facts, key=lambda fact: _rank(fact, check.findings))
    parts = [_section("What it holds", table((), [(element("b", what), text) for what, text in fingerprint(check)]))]
    parts.append(_section("What looks wrong", _findings(check.findings)))
    if (worst := _worst(check.facts)) is not None:
        scene = read_map(worst.source, how.fill, how.elevation)
        shown_worst = picture(png_of_figure(contradiction_figure(scene, rules)), worst.name)
        title_of_worst = f"Drawn traps against exact closures: the worst map, {worst.name}"
        parts.append(_section(title_of_worst, element("div", shown_worst, css="half")))
    if facts:
        parts.append(_section("How the maps differ", picture(png_of_figure(histograms(facts)), "histograms")))
        calm = [fact for fact in facts if fact.name not in troubled]
        shown = [fact for fact in facts if fact.name in troubled] + calm[:MOST_SHOWN]
        note = (
            "Outlines: exact closures magenta, drawn traps or salt white, or white on magenta where they agree. "
            "Bar: the picture's colours from deep (left) to high (right)."
        )
        if len(calm) > MOST_SHOWN:
            note += f" {len(calm) - MOST_SHOWN} more maps without findings are in the table only."
        figures = [_gallery_item(fact, check.findings) for fact in shown]
        parts.append(_section("Maps", element("p", note, css="note"), element("div", *figures, css="gallery")))
        parts.append(_section("All maps", _table(facts, check.findings)))
    with atomic_write(path) as temporary:
        temporary.write_text(page(title, parts), encoding="utf-8")


def _section(title: str, *content: Html) -> Html:
    return Html(element("h2", title) + "".join(content))


def _rank(fact: MapFacts, findings: Sequence[Finding]) -> int:
    """The place of a map's worst finding; maps without any come last."""
    places = [i for i, finding in enumerate(findings) if finding.kind != "set" and fact.name in finding.maps]
    return min(places, default=len(findings))


def _findings(findings: Sequence[Finding]) -> Html:
    if not findings:
        return element("p", "Nothing.")
    rows = []
    for finding in findings:
        where, found, expected, mend = finding.error.args
        rows.append((element("b", finding.kind, css="bad"), "/".join(Path(where).parts[-2:]), found, expected, mend))
    lines = [element("tr", *(element("th", word) for word in ("", "where", "found", "expected", "mend")))]
    lines += [element("tr", *(element("td", cell) for cell in row)) for row in rows]
    return element("table", *lines)


def _worst(facts: Sequence[MapFacts]) -> MapFacts | None:
    compared = [fact for fact in facts if fact.iou is not None]
    return min(compared, key=lambda fact: fact.iou or 0.0, default=None)


def contradiction_figure(scene: Scene, rules: TrapCriteria) -> Figure:
    """Where an interpreter's traps and the exact closures differ, on a pale map."""
    parts, iou = contradiction(scene, rules)
    colours = {"drawn only": "#1f77ff", "exact only": "#e3001b", "both": "#2ca02c"}
    return classes_figure(scene, f"drawn traps against exact closures, IoU {iou or 0:.2f}", parts, colours)


def histograms(facts: Sequence[MapFacts]) -> Figure:
    """How sizes, outlines, reliefs, faults and traps of maps are spread."""
    known = [fact for fact in facts if "depth" in fact.channels or "drawn traps" in fact.channels]
    panels: dict[str, Sequence[float]] = {
        "longer side, cells": [max(fact.shape) for fact in facts],
        "map, share of array": [fact.inside for fact in facts],
        "relief, depth units": [fact.relief[1] - fact.relief[0] for fact in facts if fact.relief],
        "faults, share of map": [fact.fault for fact in facts],
        "traps, share of map": [fact.trap for fact in known],
        "traps, number": [fact.traps for fact in known],
        "salt, share of image": [fact.salt for fact in facts if fact.salt is not None],
        "drawn × exact, IoU": [fact.iou for fact in facts if fact.iou is not None],
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


def _gallery_item(fact: MapFacts, findings: Sequence[Finding]) -> Html:
    """A map's picture, its colours by depth, and what was found."""
    told = [element("div", f"{f.kind}: {f.error.args[1]}", css="bad") for f in findings
            if f.kind != "set" and fact.name in f.maps]  # fmt: skip
    images = [picture(fact.picture, fact.name)]
    if fact.colours is not None and fact.colours.step_colours is not None:
        steps = fact.colours.step_colours
        bar = np.repeat(np.repeat(steps[None], SIDE // len(steps), axis=1), 8, axis=0)
        images.append(picture(jpeg_of_pixels(bar), "colours by depth"))
    traps = "drawn" if "drawn traps" in fact.channels else "computed" if "depth" in fact.channels else "unknown"
    held = f"traps: {fact.traps} ({traps})" if fact.salt is None else f"salt: {fact.salt:.0%}"
    text = f"group {fact.group} · {fact.shape[0]} × {fact.shape[1]} · {held}"
    return element("figure", *images, element("figcaption", element("b", fact.name), Html("<br>"), text, *told))


def _table(facts: Sequence[MapFacts], findings: Sequence[Finding]) -> Html:
    header = ("map", "findings", "group", "rows × columns", "channels", "inside", "outline", "depth", "contours",
              "palette", "faults", "traps", "trap share", "drawn × exact IoU", "salt")  # fmt: skip
    rows = []
    for fact in facts:
        kinds = dict.fromkeys(f.kind for f in findings if f.kind != "set" and fact.name in f.maps)
        depth = f"{fact.relief[0]:.4g} to {fact.relief[1]:.4g} {fact.unit}".strip() if fact.relief else "–"
        rows.append((
            fact.name, element("span", ", ".join(kinds), css="bad"), fact.group, f"{fact.shape[0]} × {fact.shape[1]}",
            ", ".join(fact.channels), f"{fact.inside:.0%}", fact.outline, depth,
            f"{fact.interval:g}" if fact.interval else "–", fact.colours.palette if fact.colours else "–",
            f"{fact.fault:.1%}", str(fact.traps), f"{fact.trap:.1%}", "–" if fact.iou is None else f"{fact.iou:.2f}",
            "–" if fact.salt is None else f"{fact.salt:.0%}",
        ))  # fmt: skip
    return table(header, rows)
