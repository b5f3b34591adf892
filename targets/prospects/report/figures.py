"""Figures of a prospect: map cut-out, section through crest and spill point, area-depth curve, and uncertainty."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from targets.analysis.layers import MAX_NUMBERED, flatten_rings
from targets.common.html_report import png_of_figure
from targets.prospects.display_units import WORDS
from targets.prospects.inventory import MapProspects, Prospect
from targets.prospects.options import ProspectOptions
from targets.prospects.report.layers import ProspectOutlines
from targets.rendering.overlays import (
    CREST_MARKER,
    SPILL_MARKER,
    add_legend,
    draw_lines,
    fault_legend_entries,
    label_crest,
    legend_entry,
    make_map_figure,
)
from targets.scene import Scene

MARGIN = 0.35  # of a closure's size, around it on its cut-out
LEAST_MARGIN = 8  # cells
POINTS = 400  # of a section
THOUSANDS = "{x:,.10g}"  # numbers of axes
WATER, OIL, GAS, ROCK = "tab:blue", "tab:green", "tab:red", "0.35"


class Section(NamedTuple):
    """A straight line over the map.

    Attributes
    ----------
    rows, cols : (n,) float64
        Its points.
    distance : (n,) float64
        From the crest, in metres.
    spill : float
        Distance of the spill point.
    """

    rows: NDArray[np.float64]
    cols: NDArray[np.float64]
    distance: NDArray[np.float64]
    spill: float


def draw_prospect(
    found: MapProspects, prospect: Prospect, options: ProspectOptions, outlines: ProspectOutlines
) -> dict[str, bytes]:
    """Draw the figures of a prospect's page.

    Parameters
    ----------
    found : MapProspects
        Of the map.
    prospect : Prospect
        One of them.
    options : ProspectOptions
        Contacts and reservoir.
    outlines : ProspectOutlines
        Of all prospects of the map.

    Returns
    -------
    dict[str, bytes]
        {name: PNG}: map, section, curve, and uncertainty where something is uncertain.
    """
    section = find_section(found, prospect)
    figures = {
        "map": _draw_map(found, prospect, section, outlines),
        "section": _draw_section(found, prospect, section, options),
        "curve": _draw_curve(found, prospect, options),
    }
    if prospect.spread.size > 1:
        figures["uncertainty"] = _draw_uncertainty(found, prospect)
    return {name: png_of_figure(figure) for name, figure in figures.items()}


def draw_overview(found: MapProspects, outlines: ProspectOutlines) -> bytes:
    """Draw the whole map with the outlines of closures and contacts, and the id and name of each prospect at its crest.

    Parameters
    ----------
    found : MapProspects
        Of the map.
    outlines : ProspectOutlines
        Of its prospects.

    Returns
    -------
    bytes
        A PNG.
    """
    figure, axis = make_map_figure(found.analysis.scene)
    width, height = figure.get_size_inches()
    figure.set_size_inches(8.0, float(np.clip(8.0 * height / width, 3.5, 10.0)))
    entries: list[Any] = []
    for label, colour, shapes in (
        ("closures", "black", list(outlines.closures.values())),
        ("contacts", WATER, [outlines.contacts[p.id] for p in found.prospects if _has_contact(p)]),
        ("gas–oil contacts", GAS, [outlines.gas_oil[p.id] for p in found.prospects if _has_gas_oil(p)]),
    ):
        if shapes:
            draw_lines(axis, flatten_rings(shapes), colour, 1.4)
            entries.append(legend_entry(label, color=colour, linewidth=1.4))
    for prospect in found.prospects[:MAX_NUMBERED]:
        row, col = float(prospect.row["crest_row"]), float(prospect.row["crest_col"])
        axis.plot(col, row, **CREST_MARKER)
        label_crest(axis, f"{prospect.id} {prospect.name}", row, col, fontsize=9)
    add_legend(figure, [*entries, *fault_legend_entries(found.analysis.scene)])
    return png_of_figure(figure)


def _has_contact(prospect: Prospect) -> bool:
    """Whether the contact is another line than the closure's outline."""
    return prospect.curve.crest < prospect.contact < prospect.curve.limit


def _has_gas_oil(prospect: Prospect) -> bool:
    """Whether the contact of gas above oil is another line than the contact."""
    return prospect.curve.crest < prospect.gas_oil < prospect.contact


def find_section(found: MapProspects, prospect: Prospect) -> Section:
    """Lay a section through crest and spill point, as long as the closure and a little more.

    Parameters
    ----------
    found : MapProspects
        Of the map.
    prospect : Prospect
        One of them.

    Returns
    -------
    Section
    """
    scene, row = found.analysis.scene, prospect.row
    dx, dy = scene.geo.ground_spacing(scene.shape)
    crest = np.array([row["crest_row"] * dy, row["crest_col"] * dx])
    away = np.array([row["spill_row"] * dy, row["spill_col"] * dx]) - crest
    length = float(np.hypot(*away))
    along = away / length if length > 0 else np.array([0.0, 1.0])
    cells = np.argwhere(found.analysis.closures.labels == prospect.id) * [dy, dx] - crest
    ahead = np.append(cells @ along, [0.0, length])
    margin = max(0.15 * float(np.ptp(ahead)), 3 * max(dx, dy))
    distance = np.linspace(ahead.min() - margin, ahead.max() + margin, POINTS)
    rows, cols = ((crest + distance[:, None] * along) / [dy, dx]).T
    inside = (rows >= 0) & (rows <= scene.shape[0] - 1) & (cols >= 0) & (cols <= scene.shape[1] - 1)
    return Section(rows[inside], cols[inside], distance[inside], length)


def _window(scene: Scene, prospect: Prospect, labels: NDArray[np.int32]) -> tuple[slice, slice]:
    """The cut-out around a closure and its spill point."""
    rows, cols = np.nonzero(labels == prospect.id)
    row, parts = prospect.row, []
    for cells, spill, size in ((rows, row["spill_row"], scene.shape[0]), (cols, row["spill_col"], scene.shape[1])):
        low, high = min(cells.min(), spill), max(cells.max(), spill)
        margin = max(LEAST_MARGIN, int(MARGIN * (high - low)))
        parts.append(slice(max(0, int(low) - margin), min(size, int(high) + margin + 1)))
    return parts[0], parts[1]


def _cut(scene: Scene, window: tuple[slice, slice]) -> Scene:
    """A part of a map, where it lies, with no picture of its own."""
    x0, y0 = (float(value) for value in scene.geo.xy(window[0].start, window[1].start))
    geo = replace(scene.geo, x0=x0, y0=y0) if scene.geo.located else scene.geo
    names = ("depth", "depth_valid", "map_valid", "fault")
    parts: dict[str, Any] = {name: np.ascontiguousarray(getattr(scene, name)[window]) for name in names}
    return Scene(scene.name, **parts, geo=geo)


def _draw_map(found: MapProspects, prospect: Prospect, section: Section, outlines: ProspectOutlines) -> Figure:
    """The map around a prospect, with its outlines, crest, spill point, migration path and section."""
    analysis = found.analysis
    window = _window(analysis.scene, prospect, analysis.closures.labels)
    shift = np.array([window[0].start, window[1].start])
    scene = _cut(analysis.scene, window)
    figure, axis = make_map_figure(scene)
    figure.suptitle("")
    width, height = figure.get_size_inches()
    figure.set_size_inches(6.2, float(np.clip(6.2 * height / width, 3.5, 7.5)))
    key = prospect.id
    entries: list[Any] = []
    for is_drawn, shapes, colour, label in (
        (True, outlines.closures, "black", "closure"),
        (_has_contact(prospect), outlines.contacts, WATER, "contact"),
        (_has_gas_oil(prospect), outlines.gas_oil, GAS, "gas–oil contact"),
    ):
        if is_drawn:
            draw_lines(axis, [ring - shift for ring in flatten_rings([shapes[key]])], colour, 1.7)
            entries.append(legend_entry(label, color=colour, linewidth=1.7))
    path = analysis.migration_paths[key - 1]
    if len(path) > 1:
        draw_lines(axis, [path - shift], "magenta", 1.4)
        entries.append(legend_entry("migration when full", color="magenta", linewidth=1.4))
    axis.plot(section.cols - shift[1], section.rows - shift[0], color="black", linestyle="dashed", linewidth=0.9)
    entries.append(legend_entry("section", color="black", linestyle="dashed", linewidth=0.9))
    row = prospect.row
    spill = SPILL_MARKER | {"markersize": 7}
    for name, marker in (("crest", CREST_MARKER), ("spill", spill)):
        axis.plot(row[f"{name}_col"] - shift[1], row[f"{name}_row"] - shift[0], **marker)
        entries.append(legend_entry("spill point" if name == "spill" else name, **marker))
    if scene.fault.any():
        entries.append(legend_entry("faults", color="saddlebrown", linewidth=4))
    axis.set(xlim=(-0.5, scene.shape[1] - 0.5), ylim=(scene.shape[0] - 0.5, -0.5))
    add_legend(figure, entries)
    return figure


def _distance_unit(found: MapProspects, longest: float) -> tuple[float, str]:
    """Metres in the unit of distances along a section, and its name."""
    if found.units.system == "field":
        return 0.3048, "ft"
    return (1000.0, "km") if longest >= 2000 else (1.0, "m")


def _draw_section(found: MapProspects, prospect: Prospect, section: Section, options: ProspectOptions) -> Figure:
    """The surface along a section, with contacts and what lies above them."""
    scene, units, curve = found.analysis.scene, found.units, prospect.curve
    figure = Figure(figsize=(6.2, 3.0), dpi=130, layout="constrained")
    axis = figure.subplots()
    at = np.stack([section.rows, section.cols])
    nearest = np.rint(at).astype(np.int64)
    known = scene.map_valid[nearest[0], nearest[1]]
    top = np.where(known, map_coordinates(scene.depth.astype(np.float64), at, order=1), np.nan)
    own = found.analysis.closures.labels[nearest[0], nearest[1]] == prospect.id
    scale, unit = _distance_unit(found, float(np.abs(section.distance).max()))
    x = section.distance / scale

    def shown(depth: Any) -> Any:
        factor = units.convert("contact", 1.0)
        return np.asarray(depth) * factor

    thickness = options.thickness.median if options.thickness else np.nan
    base = top + thickness
    names = {"oil": "oil", "gas": "gas", "co2": "CO₂"}
    fluid = names.get(options.main_quantity, "hydrocarbon or CO₂")
    legs = [(curve.crest, prospect.contact, {"gas": GAS, "CO₂": "tab:purple"}.get(fluid, OIL), fluid)]
    if prospect.gas_oil > curve.crest:
        legs = [(curve.crest, prospect.gas_oil, GAS, "gas"), (prospect.gas_oil, prospect.contact, OIL, "oil")]
    for upper, lower, colour, label in legs:
        shallow = np.maximum(top, upper)
        deep = np.fmin(np.full_like(top, lower), base)
        axis.fill_between(x, shown(shallow), shown(deep), where=own & (deep > shallow), color=colour, alpha=0.45,
                          lw=0, label=label)  # fmt: skip
    axis.plot(x, shown(top), color=ROCK, linewidth=1.6, label="top")
    if np.isfinite(thickness):
        axis.plot(x, shown(base), color=ROCK, linewidth=0.9, linestyle="dashed", label="base")
    faults = scene.fault[nearest[0], nearest[1]]
    if faults.any():
        axis.plot(x, shown(np.where(faults, top, np.nan)), linewidth=3.5, color="saddlebrown", label="fault")
    axis.axhline(float(shown(prospect.contact)), color=WATER, linewidth=1.2, label="contact")
    if prospect.gas_oil > curve.crest:
        axis.axhline(float(shown(prospect.gas_oil)), color=GAS, linewidth=1.2, label="gas–oil contact")
    axis.axhline(float(shown(curve.spill)), color="black", linewidth=0.8, linestyle="dotted", label="spill depth")
    axis.plot(0, float(shown(curve.crest)), **CREST_MARKER)
    axis.plot(section.spill / scale, float(shown(curve.spill)), "o", color="white", markeredgecolor="black")
    axis.set(xlabel=f"distance from the crest ({unit})", ylabel=_depth_label(found), xlim=(x[0], x[-1]))
    axis.xaxis.set_major_formatter(THOUSANDS)
    axis.yaxis.set_major_formatter(THOUSANDS)
    low, high = float(shown(np.nanmin(top))), float(shown(max(float(np.nanmax(top)), curve.spill)))
    axis.set_ylim(high + 0.06 * (high - low), low - 0.1 * (high - low))
    axis.legend(fontsize=7, ncols=4, loc="upper center", bbox_to_anchor=(0.5, 1.2), frameon=False)
    return figure


def _depth_label(found: MapProspects) -> str:
    unit = found.units.unit("contact")
    return f"depth ({unit.symbol})" if unit else "depth"


def _draw_curve(found: MapProspects, prospect: Prospect, options: ProspectOptions) -> Figure:
    """Area and rock volume above every depth."""
    units, curve = found.units, prospect.curve
    figure = Figure(figsize=(6.2, 3.4), dpi=130, layout="constrained")
    axis = figure.subplots()
    depth = np.linspace(curve.crest, curve.limit, 200)
    shown = [units.convert("contact", d) for d in depth]
    axis.plot([units.convert("area", a) for a in curve.area(depth)], shown, color=ROCK, label="area of the top")
    thickness = options.thickness.median if options.thickness else np.inf
    if np.isfinite(thickness):
        base = [units.convert("area", a) for a in curve.area(depth - thickness)]
        axis.plot(base, shown, color=ROCK, linestyle="dashed", label="area of the base")
    area = units.unit("area")
    assert area is not None
    axis.set(xlabel=f"area ({area.symbol})", ylabel=_depth_label(found))
    axis.set_xlim(left=0)
    axis.xaxis.set_major_formatter(THOUSANDS)
    axis.yaxis.set_major_formatter(THOUSANDS)
    axis.invert_yaxis()
    handles = axis.get_legend_handles_labels()[0]
    if units.has_volume:
        upper = axis.twiny()
        volumes = curve.volume(depth, thickness) * found.analysis.scene.geo.height_factor
        handles += upper.plot([units.convert("rock", v) for v in volumes], shown, color="tab:orange",
                              label="rock volume")  # fmt: skip
        unit = units.unit("rock")
        assert unit is not None
        upper.set_xlabel(f"rock volume ({unit.symbol})", color="tab:orange")
        upper.set_xlim(left=0)
        upper.xaxis.set_major_formatter(THOUSANDS)
    handles.append(axis.axhline(units.convert("contact", prospect.contact), color=WATER, lw=1.2, label="contact"))
    if prospect.gas_oil > curve.crest:
        handles.append(
            axis.axhline(units.convert("contact", prospect.gas_oil), color=GAS, lw=1.2, label="gas–oil contact")
        )
    handles.append(
        axis.axhline(units.convert("contact", curve.spill), color="black", lw=0.8, ls="dotted", label="spill depth")
    )
    axis.legend(handles=handles, fontsize=7, loc="best")
    return figure


def _draw_uncertainty(found: MapProspects, prospect: Prospect) -> Figure:
    """How likely at least so much is, and the tornado of what matters."""
    units, quantity = found.units, found.main
    figure = Figure(figsize=(6.2, 3.0), dpi=130, layout="constrained")
    left, right = figure.subplots(1, 2)
    shown = [units.convert(quantity, value) for value in prospect.spread]
    left.plot(shown, np.linspace(100, 0, len(shown)), color=ROCK)
    for value, chance in zip(prospect.cases[quantity][:3], (90, 50, 10), strict=True):
        left.plot(units.convert(quantity, value), chance, "o", color="tab:orange", markersize=5)
        left.annotate(f"P{chance}", (units.convert(quantity, value), chance), (5, 3), fontsize=8,
                      textcoords="offset points")  # fmt: skip
    unit = units.unit(quantity)
    label = f"{WORDS[quantity]} ({unit.symbol})" if unit else WORDS[quantity]
    left.set(ylim=(0, 100), ylabel="chance of at least so much (%)")
    left.set_xlabel(label, fontsize=8)
    _draw_tornado(right, found, prospect, quantity)
    right.set_xlabel(label, fontsize=8)
    for axis in (left, right):
        axis.tick_params(labelsize=8)
        axis.xaxis.set_major_formatter(THOUSANDS)
    return figure


def _draw_tornado(axis: Axes, found: MapProspects, prospect: Prospect, quantity: str) -> None:
    """One bar a parameter, the widest on top."""
    units, swings = found.units, prospect.swings[:8]
    middle = units.convert(quantity, prospect.held[quantity])
    for place, swing in enumerate(swings):
        low, high = units.convert(quantity, swing.low), units.convert(quantity, swing.high)
        axis.barh(place, low - middle, left=middle, color="tab:blue")
        axis.barh(place, high - middle, left=middle, color="tab:orange")
    axis.axvline(middle, color="black", linewidth=0.8)
    names = [WORDS.get(swing.parameter, swing.parameter) for swing in swings]
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.invert_yaxis()
    axis.set_title("each alone: P90 blue, P10 orange", fontsize=8)
