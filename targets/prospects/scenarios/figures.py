"""Figures of scenarios: charge against fill, fluid on the map, closures by fault rule, and sections along faults."""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from targets.analysis.analyse import Analysis
from targets.analysis.layers import flatten_rings
from targets.closure import contour_closures, fill_closures
from targets.prospects.scenarios.charge import ChargedMap, summarise_charge
from targets.prospects.scenarios.fault_rules import AS_GIVEN, FaultScenarios
from targets.prospects.scenarios.juxtaposition import FaultProfile
from targets.prospects.scenarios.units import ScenarioUnits
from targets.rendering.overlays import (
    draw_lines,
    draw_raster,
    fault_legend_entries,
    fill_polygons,
    label_crest,
    legend_entry,
    make_map_figure,
    shorten_label,
    write_figure,
)

MAX_CURVES = 10  # closures whose filling is drawn, and pictures of faults
MAX_PLACES = 300  # charges at which a curve is computed
COLOURS = {
    "unchanged": "#8c8c8c",
    "larger": "#1a9641",
    "smaller": "#fdae61",
    "joined": "#7b3294",
    "part": "#fee08b",
    "new": "#2c7bb6",
}


def write_charge_figure(charged: ChargedMap, units: ScenarioUnits, path: Path) -> None:
    """Draw how full the largest closures are as the charge grows, and where all of it goes.

    Parameters
    ----------
    charged : ChargedMap
        Of a map.
    units : ScenarioUnits
        Units that are shown.
    path : Path
        The picture.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    tree = charged.filling.tree
    outer = charged.analysis.table["parent"] == 0
    last = _last_share(charged)
    events = np.concatenate([charged.order.begins[outer], charged.order.full[outer]])
    events = np.sort(events[events < last])
    share = np.unique(np.concatenate([np.linspace(0, last, 60), events[:: 1 + len(events) // MAX_PLACES]]))
    fillings = [fill_closures(tree, charged.charge * k) for k in share]
    scale, unit = units.volume_scale(charged.fluid(charged.filling.given))
    given = charged.fluid(charged.filling.given) / scale
    figure = Figure(figsize=(10.0, 7.5), dpi=110, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    filled = np.array([filling.share for filling in fillings])
    largest = np.flatnonzero(outer)[np.argsort(-tree.capacity[outer], kind="stable")][:MAX_CURVES]
    for k in sorted(largest, key=lambda k: (charged.order.full[k], k)):
        above.plot(share * given, 100 * filled[:, k], linewidth=1.8, label=f"closure {charged.analysis.table['id'][k]}")
    parts = {
        "closures": [charged.fluid(filling.stored[outer].sum()) / scale for filling in fillings],
        "smaller closures": [charged.fluid(filling.elsewhere) / scale for filling in fillings],
        "lost out of the map": [charged.fluid(filling.lost) / scale for filling in fillings],
        "no room, or off the map": [charged.fluid(filling.unplaced + filling.off_map) / scale for filling in fillings],
    }
    shown = {name: values for name, values in parts.items() if values[-1] > 0}
    below.stackplot(share * given, *shown.values(), labels=list(shown), alpha=0.8)
    for axis, label in ((above, "filled, %"), (below, "where it is")):
        axis.axvline(given, color="black", linestyle="dotted", linewidth=1.2)
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9, frameon=False)
    above.set_ylim(0, 103)
    below.set_xlabel(f"charge, {unit}; dotted: the charge that was given")
    below.xaxis.set_major_formatter("{x:,.10g}")
    below.yaxis.set_major_formatter("{x:,.10g}")
    below.set_xlim(0, share[-1] * given)
    figure.suptitle(
        f"{charged.analysis.scene.name}: {summarise_charge(charged, units)}", fontsize=11, parse_math=False, wrap=True
    )
    write_figure(figure, [], path)


def _last_share(charged: ChargedMap) -> float:
    """Up to which share of the charge curves are drawn: until most closures are full, at most twice the charge."""
    full = charged.order.full[np.isfinite(charged.order.full)]
    return float(np.clip(full.max(initial=1.0) * 1.05, 1.0, 2.0))


def write_charge_map(charged: ChargedMap, units: ScenarioUnits, path: Path) -> None:
    """Draw the height of the fluid over the pale map, with the closures as far as they could be filled.

    Parameters
    ----------
    charged : ChargedMap
        Of a map.
    units : ScenarioUnits
        Units that are shown.
    path : Path
        The picture.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    analysis, (scale, unit) = charged.analysis, units.depth_scale()
    height = charged.filling.height / scale
    subtitle = textwrap.fill(summarise_charge(charged, units), 70)
    figure, axis = make_map_figure(analysis.scene, subtitle, grey=True)
    figure.set_figwidth(figure.get_figwidth() + 1.3)  # for the bar
    drawn = np.ma.masked_less_equal(height, 0)
    draw_raster(axis, drawn, cmap="YlOrRd", vmin=0, vmax=max(float(height.max()), 1e-9))
    bar = figure.colorbar(axis.images[-1], ax=axis, shrink=0.6)
    bar.set_label(f"height of the fluid{', ' + unit if unit else ''}")
    draw_lines(axis, flatten_rings(list(contour_closures(analysis.closures, nested=False).values())), "black", 1.0)
    for row in analysis.table[analysis.table["parent"] == 0]:
        label_crest(axis, str(row["id"]), row["crest_row"], row["crest_col"])
    write_figure(figure, [legend_entry("closures", color="black"), *fault_legend_entries(analysis.scene)], path)


def write_scenario_figure(found: FaultScenarios, path: Path) -> None:
    """Draw the closures of each fault scenario on a small map, in colours that say what changes.

    Parameters
    ----------
    found : FaultScenarios
        Of a map.
    path : Path
        The picture.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    count = len(found.analyses)
    cols = int(np.ceil(np.sqrt(count * 1.3)))
    rows = -(-count // cols)
    given = found.analyses[AS_GIVEN]
    black = flatten_rings(list(contour_closures(given.closures, nested=False).values()))
    dx, dy = given.scene.geo.ground_spacing(given.scene.shape)
    shape = given.scene.shape
    width = 13.0 / cols
    height = min(width * shape[0] * dy / (shape[1] * dx), 2.5 * width)
    figure = Figure(figsize=(13.0, rows * (height + 0.4) + 0.8), dpi=110, layout="constrained")
    low, high = given.scene.relief
    depth = np.ma.array(given.scene.depth, mask=~given.scene.map_valid)
    for axis, (name, analysis) in zip(
        figure.subplots(rows, cols, squeeze=False).ravel(), found.analyses.items(), strict=False
    ):
        axis.imshow(
            depth, cmap="gray_r", vmin=low, vmax=low + 2 * (high - low), aspect=dy / dx, interpolation="nearest"
        )
        outlines = contour_closures(analysis.closures, nested=False)
        kinds = {c.scenario_id: c.change for c in found.changes if c.scenario == name and c.scenario_id}
        for id, polygons in outlines.items():
            fill_polygons(axis, polygons, COLOURS[kinds.get(id, "unchanged")], 0.75)
        draw_lines(axis, black, "black", 0.8, halo="none")
        faults = np.ma.masked_equal(given.scene.fault, False)
        axis.imshow(faults, cmap="copper", vmin=0, vmax=1.6, aspect=dy / dx, interpolation="nearest")
        axis.set_title(shorten_label(name), fontsize=10, parse_math=False)
    for axis in figure.axes:
        axis.set_axis_off()
    figure.suptitle(f"{given.scene.name}: closures by fault rule; black outlines: {AS_GIVEN} ({given.rules_text})",
                    fontsize=11, parse_math=False)  # fmt: skip
    entries = [Patch(color=colour, alpha=0.75, label=kind) for kind, colour in COLOURS.items()]
    figure.legend(
        handles=[*entries, *fault_legend_entries(given.scene)], loc="outside lower center", ncols=7, frameon=False
    )
    write_figure(figure, [], path)


def write_fault_figure(
    profiles: list[FaultProfile], analysis: Analysis, units: ScenarioUnits, path: Path,
    charged: ChargedMap | None = None,
) -> None:  # fmt: skip
    """Draw both sides along each of the longest faults, with the closures that lie against it (an Allan diagram).

    Parameters
    ----------
    profiles : list[FaultProfile]
        Of `find_profiles`.
    analysis : Analysis
        Of the map.
    units : ScenarioUnits
        Units that are shown.
    path : Path
        The picture.
    charged : ChargedMap | None, default None
        A charge, whose contacts are drawn.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    scale, unit = units.depth_scale()
    spill_depth = analysis.table["spill_depth"] / scale
    fluid = None if charged is None else charged.filling.height.ravel()
    chosen = sorted(profiles, key=lambda p: -p.distance[-1])[:MAX_CURVES]
    figure = Figure(figsize=(11.0, 0.8 + 2.9 * max(len(chosen), 1)), dpi=110, layout="constrained")
    axes = figure.subplots(max(len(chosen), 1), 1, squeeze=False).ravel()
    for axis, profile in zip(axes, chosen, strict=False):
        at, colours = units.convert("distance", profile.distance), ("#1f5fa8", "#b5451b")
        depth = profile.depth / scale
        axis.fill_between(at, *depth, color="0.88", label="throw")
        for side in (0, 1):
            axis.plot(at, depth[side], color=colours[side], linewidth=1.8, label=f"{profile.sides[side]} side")
            for id in np.unique(profile.closure[side][profile.closure[side] > 0]).tolist():
                here, level = profile.closure[side] == id, float(spill_depth[id - 1])
                shown = np.where(here, depth[side], np.nan)
                axis.fill_between(at, shown, level, where=here & (depth[side] < level), color=colours[side], alpha=0.25)
                axis.plot(at, np.where(here, level, np.nan), color=colours[side], linestyle="dashed", linewidth=1.2)
                text = at[here][(1 + side) * here.sum() // 3]  # on both sides, but not one over the other
                axis.annotate(f"{id} spills at {level:.0f}", (text, level), (0, 2 - 4 * side), fontsize=8, ha="center",
                              textcoords="offset points", color=colours[side], va=("bottom", "top")[side])  # fmt: skip
            if fluid is not None:
                height = np.where(profile.cell[side] >= 0, fluid[profile.cell[side]], 0)
                contact = np.where(height > 0, np.round(depth[side] + height / scale, 6), np.nan)
                for level in np.unique(contact[height > 0]):  # a line for each accumulation
                    axis.plot(at, np.where(contact == level, level, np.nan), color="black", linewidth=1.4)
        axis.invert_yaxis()
        axis.set_title(f"fault {profile.name}", fontsize=10, loc="left", parse_math=False)
        axis.set_ylabel(f"depth{', ' + unit if unit else ''}")
        axis.grid(alpha=0.3)
        axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9, frameon=False)
    if chosen:
        length = "" if not units.map.is_metric else ", m" if units.system == "metric" else ", ft"
        axes[len(chosen) - 1].set_xlabel(
            f"distance along the fault{length}; dashed: spill depth of a closure, black: its contact"
        )
    write_figure(figure, [], path)
