"""Pictures of a closure analysis."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Patch

from targets.analysis.closures_of_map import Analysis, summary
from targets.analysis.layers import NUMBERED, _rings, closure_polygons
from targets.closure import (
    ClosureProbability,
)
from targets.io.vectors import Layer
from targets.rendering.figures import (
    CREST,
    base_picture,
    draw_cells,
    draw_lines,
    fault_mark,
    label,
    legend_mark,
    write_figure,
)


def write_closure_picture(analysis: Analysis, layers: list[Layer], path: Path) -> None:
    """The map with closures, nested closures, crests, spill points and migration paths."""
    scene = analysis.scene
    shown = {layer.name: layer for layer in layers}
    figure, axis = base_picture(scene, summary(analysis))
    inside = np.ma.masked_equal(analysis.closures.labels > 0, False)
    draw_cells(axis, inside, cmap="gray", vmin=0, vmax=1, alpha=0.35)
    # A closure with a speck beside it has the next smaller one inside it, and so on: only those without any are shown.
    nested = shown["nested_closures"]
    innermost = ~np.isin(nested.table["id"], analysis.table["parent"])
    rings = {
        "closures": _rings(shown["closures"].shapes),
        "nested": _rings([shape for shape, last in zip(nested.shapes, innermost, strict=True) if last]),
    }
    draw_lines(axis, rings["nested"], "black", 1.0, "dotted", halo="none")
    draw_lines(axis, rings["closures"], "black", 2.0)
    ways = shown["migration_paths"].shapes
    draw_lines(axis, ways, "magenta", 1.8)
    back = 1 + max(scene.shape) // 100  # cells over which an arrow head takes its direction
    for way in ways:
        axis.annotate("", way[-1][::-1], way[max(len(way) - 1 - back, 0)][::-1],
                      arrowprops={"arrowstyle": "-|>", "color": "magenta", "lw": 0, "shrinkA": 0, "shrinkB": 0,
                                  "mutation_scale": 18})  # fmt: skip
    spill = {"marker": "o", "color": "white", "markeredgecolor": "black", "markersize": 6, "linestyle": ""}
    for name, look in [("spill_points", spill), ("crests", CREST)]:
        if shown[name].shapes:
            rows, cols = np.array(shown[name].shapes).T
            axis.plot(cols, rows, **look)
    if len(shown["crests"].shapes) <= NUMBERED:
        for (row, col), key in zip(shown["crests"].shapes, shown["crests"].table["id"], strict=True):
            axis.annotate(str(key), (col, row), (7, 4), textcoords="offset points", fontsize=10, weight="bold",
                          bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1})  # fmt: skip
    for name, row, col in analysis.faults.places(NUMBERED):
        axis.annotate(label(name), (col, row), ha="center", va="center", fontsize=10, color="white", weight="bold",
                      parse_math=False,
                      bbox={"facecolor": "saddlebrown", "edgecolor": "white", "lw": 0.5, "pad": 1})  # fmt: skip
    legend: list[Any] = [Patch(facecolor=(1, 1, 1, 0.6), edgecolor="black", linewidth=2, label="closures")]
    if rings["nested"]:
        legend.append(legend_mark("smallest closures inside them", color="black", linewidth=1.0, linestyle="dotted"))
    if shown["crests"].shapes:
        legend += [legend_mark("crests", **CREST), legend_mark("spill points", **spill)]
    if ways:
        legend.append(legend_mark("migration from spill point", color="magenta", linewidth=1.8))
    write_figure(figure, [*legend, *fault_mark(scene)], path)


def write_probability_picture(analysis: Analysis, found: ClosureProbability, path: Path) -> None:
    """The probability of closure over the map in grey, with the closures of the map as it is."""
    figure, axis = base_picture(analysis.scene, "probability of closure; outlines: the map as it is", grey=True)
    values = np.ma.masked_less(found.probability, 0.5 / 255)
    draw_cells(axis, values, cmap="viridis", vmin=0, vmax=1, alpha=0.8)
    draw_lines(axis, _rings(list(closure_polygons(found.closures, nested=False).values())), "black", 1.6)
    figure.colorbar(ScalarMappable(Normalize(0, 1), "viridis"), ax=axis, shrink=0.6, label="probability of closure")
    write_figure(figure, [legend_mark("closures", color="black", linewidth=1.6), *fault_mark(analysis.scene)], path)
