"""Figures of a closure analysis: the map with its closures, and the probability of closure."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Patch

from targets.analysis.analyse import Analysis, summarise
from targets.analysis.layers import MAX_NUMBERED, flatten_rings
from targets.closure import ClosureProbability, contour_closures
from targets.io.vectors import VectorLayer
from targets.rendering.map_frame import add_depth_bar
from targets.rendering.overlays import (
    CREST_MARKER,
    SPILL_MARKER,
    draw_lines,
    draw_raster,
    fault_legend_entries,
    label_crest,
    legend_entry,
    make_map_figure,
    shorten_label,
    write_figure,
)


def write_closure_figure(analysis: Analysis, layers: list[VectorLayer], path: Path) -> None:
    """Draw the map with closures, nested closures, crests, spill points and migration paths.

    Parameters
    ----------
    analysis : Analysis
        Of a map.
    layers : list[VectorLayer]
        Of `make_vector_layers`.
    path : Path
        The picture.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    scene = analysis.scene
    by_name = {layer.name: layer for layer in layers}
    figure, axis = make_map_figure(scene, summarise(analysis))
    add_depth_bar(axis, scene)
    inside = np.ma.masked_equal(analysis.closures.labels > 0, False)
    draw_raster(axis, inside, cmap="gray", vmin=0, vmax=1, alpha=0.35)
    # A closure with a speck of another next to it nests the next smaller one, and so on: only the innermost are drawn.
    nested = by_name["nested_closures"]
    innermost = ~np.isin(nested.attributes["id"], analysis.table["parent"])
    rings = {
        "closures": flatten_rings(by_name["closures"].geometries),
        "nested": flatten_rings([shape for shape, last in zip(nested.geometries, innermost, strict=True) if last]),
    }
    draw_lines(axis, rings["nested"], "black", 1.0, "dotted", halo="none")
    draw_lines(axis, rings["closures"], "black", 2.0)
    paths = by_name["migration_paths"].geometries
    draw_lines(axis, paths, "magenta", 1.8)
    back = 1 + max(scene.shape) // 100  # cells over which an arrow head takes its direction
    for line in paths:
        axis.annotate("", line[-1][::-1], line[max(len(line) - 1 - back, 0)][::-1],
                      arrowprops={"arrowstyle": "-|>", "color": "magenta", "lw": 0, "shrinkA": 0, "shrinkB": 0,
                                  "mutation_scale": 18})  # fmt: skip
    for name, marker in [("spill_points", SPILL_MARKER), ("crests", CREST_MARKER)]:
        if by_name[name].geometries:
            rows, cols = np.array(by_name[name].geometries).T
            axis.plot(cols, rows, **marker)
    if len(by_name["crests"].geometries) <= MAX_NUMBERED:
        attributes = by_name["crests"].attributes
        names = attributes["name"] if "name" in (attributes.dtype.names or ()) else [""] * len(attributes)
        for (row, col), key, name in zip(by_name["crests"].geometries, attributes["id"], names, strict=True):
            label_crest(axis, f"{key} {name}", row, col)
    for name, row, col in analysis.faults.label_positions(MAX_NUMBERED):
        box = {"facecolor": "saddlebrown", "edgecolor": "white", "lw": 0.5, "pad": 1}
        axis.annotate(
            shorten_label(name),
            (col, row),
            ha="center",
            va="center",
            fontsize=10,
            color="white",
            weight="bold",
            parse_math=False,
            bbox=box,
        )
    legend: list[Any] = [Patch(facecolor=(1, 1, 1, 0.6), edgecolor="black", linewidth=2, label="closures")]
    if rings["nested"]:
        legend.append(legend_entry("smallest closures inside them", color="black", linewidth=1.0, linestyle="dotted"))
    if by_name["crests"].geometries:
        legend += [legend_entry("crests", **CREST_MARKER), legend_entry("spill points", **SPILL_MARKER)]
    if paths:
        legend.append(legend_entry("migration from spill point", color="magenta", linewidth=1.8))
    write_figure(figure, [*legend, *fault_legend_entries(scene)], path)


def write_probability_figure(analysis: Analysis, probability: ClosureProbability, path: Path) -> None:
    """Draw the probability of closure over the map in grey, with the closures of the map as it is.

    Parameters
    ----------
    analysis : Analysis
        Of a map.
    probability : ClosureProbability
        Its probability of closure.
    path : Path
        The picture.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    figure, axis = make_map_figure(analysis.scene, "probability of closure; outlines: the map as it is", grey=True)
    values = np.ma.masked_less(probability.probability, 0.5 / 255)
    draw_raster(axis, values, cmap="viridis", vmin=0, vmax=1, alpha=0.8)
    draw_lines(axis, flatten_rings(list(contour_closures(probability.closures, nested=False).values())), "black", 1.6)
    figure.colorbar(ScalarMappable(Normalize(0, 1), "viridis"), ax=axis, shrink=0.6, label="probability of closure")
    write_figure(
        figure, [legend_entry("closures", color="black", linewidth=1.6), *fault_legend_entries(analysis.scene)], path
    )
