"""How does a map become a picture to look at? The base that every overlay shares: map, title, scale bar, legend."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from targets.common.atomic_write import atomic_write
from targets.rendering.map import contour_spacing, render
from targets.rendering.style import BROWN, Style
from targets.scene import Scene

LONGEST = 11.0  # inches: a page across
WIDE = 150  # cells along the longer side above which a fault of one cell is too thin to see
LABEL = 24  # letters of a name
CREST_MARKER: dict[str, Any] = {"marker": "^", "color": "yellow", "markeredgecolor": "black", "markersize": 9, "linestyle": ""}


def make_map_figure(scene: Scene, subtitle: str = "", grey: bool = False) -> tuple[Figure, Axes]:
    """A figure with the map as interpreters see it, with title, scale bar and, where it is located, an arrow to North.

    A map without a picture is drawn, its contours as sharp lines whatever the size of its cells.

    Parameters
    ----------
    subtitle : str, default ''
        A second line for the title.
    grey : bool, default False
        The map in pale grey, for overlays whose colours mean something.

    Returns
    -------
    figure, axis : data coordinates are columns and rows; cell centres lie at whole numbers.
    """
    rows, cols = scene.shape
    aspect = abs(scene.geo.dy / scene.geo.dx) if scene.geo.dx and scene.geo.dy else 1.0
    height, width = LONGEST * np.array([rows * aspect, cols]) / max(rows * aspect, cols)
    figure = Figure(figsize=(max(width, 6.0), max(height, 2.0) + 1.4), dpi=110, layout="constrained")
    axis = figure.subplots()
    if scene.rgb is None:
        interval, base = contour_spacing(scene)
        scene = scene.replace(geo=replace(scene.geo, contour_interval=interval, contour_base=base))
        # Faults widened on the page, not by cells: a cell of a small map is wide enough.
        picture = render(scene, Style(contour_width=0, fault_width=int(max(scene.shape) > WIDE)))
        _contour_lines(axis, scene, interval, base)
    else:
        picture = scene.rgb
    if grey:
        picture = np.repeat((160 + picture.mean(axis=2, keepdims=True) * (95 / 255)).astype(np.uint8), 3, axis=2)
        picture[scene.fault] = BROWN
    axis.imshow(picture, interpolation="nearest", aspect=aspect)
    axis.set(xticks=[], yticks=[], xlim=(-0.5, cols - 0.5), ylim=(rows - 0.5, -0.5))
    figure.suptitle("\n".join(filter(None, [map_title(scene), subtitle])), fontsize=12, parse_math=False)
    _scale_bar(axis, scene)
    _north_arrow(axis, scene)
    return figure, axis


def _contour_lines(axis: Axes, scene: Scene, interval: float, base: float) -> None:
    """Thin black contours, every fifth one wider; none inside faults, as on the maps that `render` draws."""
    low, high = scene.relief
    index = np.arange(np.ceil((low - base) / interval), np.floor((high - base) / interval) + 1)
    if len(index):
        depth = np.ma.array(scene.depth.astype(np.float64), mask=~scene.map_valid | scene.fault)
        axis.contour(depth, levels=base + interval * index, colors="black", linestyles="solid",
                     linewidths=np.where(index % 5 == 0, 1.1, 0.5))  # fmt: skip


def shorten_label(text: str) -> str:
    """A name from a file as it fits on a map: its first letters, without what is no letter."""
    shown = "".join(letter for letter in text[: LABEL + 1] if letter.isprintable())
    return shown if len(text) <= LABEL else f"{shown[: LABEL - 1]}…"


def draw_raster(axis: Axes, values: NDArray, **look: Any) -> None:
    """Colour cells by (H, W) values over the map, masked ones not at all; `look` in the words of imshow."""
    axis.imshow(values, interpolation="nearest", aspect=axis.get_aspect(), **look)


def make_class_figure(scene: Scene, subtitle: str, classes: NDArray[np.integer], colours: Mapping[str, Any]) -> Figure:
    """The pale map under (H, W) classes: 0 = nothing, k = the k-th of the names with their colours."""
    figure, axis = make_map_figure(scene, subtitle, grey=True)
    palette = ListedColormap(list(colours.values()))
    draw_raster(axis, np.ma.masked_equal(classes, 0), cmap=palette, vmin=0.5, vmax=len(colours) + 0.5, alpha=0.55)
    marks = [Patch(color=colour, alpha=0.55, label=name) for name, colour in colours.items()]
    add_legend(figure, [*marks, *fault_legend_entries(scene)])
    return figure


def draw_lines(
    axis: Axes, lines: Sequence[NDArray], colour: str, width: float = 2.0, style: str = "solid", halo: str = "white"
) -> None:
    """Draw lines of (n, 2) rows and columns with a halo, so that they can be told from every colour of the map."""
    axis.add_collection(
        LineCollection(
            [line[:, ::-1] for line in lines],
            colors=colour,
            linewidths=width,
            linestyles=style,
            path_effects=[effects.Stroke(linewidth=width + 2, foreground=halo), effects.Normal()],
        )
    )


def legend_entry(label: str, **look: Any) -> Line2D:
    """An entry of the legend that looks as `look` (the words of matplotlib's Line2D) says."""
    return Line2D([], [], label=label, **look)


def fault_legend_entries(scene: Scene) -> list[Line2D]:
    """The legend's entry for faults, if the map has any."""
    return [legend_entry("faults", color="saddlebrown", linewidth=4)] if scene.fault.any() else []


def write_figure(figure: Figure, legend: Sequence[Any], path: str | Path) -> None:
    """Put the legend below the map and write the picture."""
    add_legend(figure, legend)
    with atomic_write(path) as temporary:
        figure.savefig(temporary)


def add_legend(figure: Figure, marks: Sequence[Any]) -> None:
    """The legend below the map, in as many columns as the page is wide."""
    if marks:
        columns = min(len(marks), max(2, int(figure.get_figwidth() / 2.4)))
        figure.legend(handles=list(marks), loc="outside lower center", ncols=columns, fontsize=10, frameon=False)


def map_title(scene: Scene) -> str:
    """The map's name, its depths and its contours."""
    if not scene.has_depth:
        return scene.name
    low, high = scene.relief
    unit = scene.geo.depth_unit
    text = f"{scene.name}: " + (f"{low:.0f} to {high:.0f} {unit}" if unit else f"depth {low:.4g} to {high:.4g}")
    interval = scene.geo.contour_interval
    return text + (f", contours every {interval:g} {unit or ''}".rstrip() if interval else "")


def _north_arrow(axis: Axes, scene: Scene) -> None:
    """Where y grows, in the upper right corner: rows of a rotated grid do not run from North to South."""
    if not scene.geo.located:
        return
    x, y = scene.geo.xy(0, 0)
    row, col = scene.geo.rowcol(x, y + 1)
    length = 0.06 * max(scene.shape)
    step = np.array([float(col), float(row)]) * (length / max(float(np.hypot(row, col)), 1e-12))
    centre = np.array([scene.shape[1] - length, length])
    axis.annotate("N", tuple(centre + step / 2), tuple(centre - step / 2), ha="center", va="center", fontsize=11,
                  weight="bold", arrowprops={"arrowstyle": "-|>", "color": "black", "lw": 2, "mutation_scale": 16},
                  bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5})  # fmt: skip


def _scale_bar(axis: Axes, scene: Scene) -> None:
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
