"""Overlays on a map: the base figure (map, title, scale bar, north arrow, legend), and markers of crests and faults."""

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
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path as Outline
from matplotlib_scalebar.scalebar import ScaleBar
from numpy.typing import NDArray

from targets.common.atomic_write import atomic_write
from targets.rendering.map import contour_spacing, render
from targets.rendering.map_frame import add_coordinates
from targets.rendering.style import BROWN, Style
from targets.scene import Scene
from targets.units.names import unit_symbol

FIGURE_SIDE = 11.0  # inches, the longer side of a map: a page across
WIDE_MAP = 150  # cells along the longer side, above which a fault of one cell is too thin to see
MAX_LABEL_LENGTH = 24  # letters
CREST_MARKER: dict[str, Any] = {
    "marker": "^",
    "color": "yellow",
    "markeredgecolor": "black",
    "markersize": 9,
    "linestyle": "",
}
SPILL_MARKER: dict[str, Any] = {
    "marker": "o",
    "color": "white",
    "markeredgecolor": "black",
    "markersize": 6,
    "linestyle": "",
}


def make_map_figure(scene: Scene, subtitle: str = "", grey: bool = False) -> tuple[Figure, Axes]:
    """Make a figure of a map as interpreters see it, with title and scale bar, and with coordinates and a north arrow.

    A map without a picture is drawn, its contours as sharp lines whatever the size of its cells.

    Parameters
    ----------
    scene : Scene
        The map.
    subtitle : str, default ''
        Second line of the title.
    grey : bool, default False
        Whether the map is pale grey, for overlays whose colours mean something.

    Returns
    -------
    figure : Figure
        The page.
    axis : Axes
        The map; data coordinates are columns and rows, and cell centres lie at whole numbers.
    """
    rows, cols = scene.shape
    dx, dy = scene.geo.ground_spacing(scene.shape)
    aspect = dy / dx
    height, width = FIGURE_SIDE * np.array([rows * aspect, cols]) / max(rows * aspect, cols)
    figure = Figure(figsize=(max(width, 6.0), max(height, 2.0) + 1.4), dpi=110, layout="constrained")
    axis = figure.subplots()
    if scene.rgb is None:
        interval, base = contour_spacing(scene)
        scene = scene.replace(geo=replace(scene.geo, contour_interval=interval, contour_base=base))
        # A cell of a small map is wide enough on the page for a fault to be seen.
        picture = render(scene, Style(contour_width=0, fault_width=int(max(scene.shape) > WIDE_MAP)))
        _draw_contour_lines(axis, scene, interval, base)
    else:
        picture = scene.rgb
    if grey:
        picture = np.repeat((160 + picture.mean(axis=2, keepdims=True) * (95 / 255)).astype(np.uint8), 3, axis=2)
        picture[scene.fault] = BROWN
    axis.imshow(picture, interpolation="nearest", aspect=aspect)
    axis.set(xticks=[], yticks=[], xlim=(-0.5, cols - 0.5), ylim=(rows - 0.5, -0.5))
    figure.suptitle("\n".join(filter(None, [map_title(scene), subtitle])), fontsize=12, parse_math=False)
    add_coordinates(axis, scene)
    _add_scale_bar(axis, scene)
    _add_north_arrow(axis, scene)
    return figure, axis


def _draw_contour_lines(axis: Axes, scene: Scene, interval: float, base: float) -> None:
    """Draw thin black contours, every fifth one wider; none inside faults, as on the maps that `render` draws."""
    low, high = scene.relief
    index = np.arange(np.ceil((low - base) / interval), np.floor((high - base) / interval) + 1)
    if len(index) and min(scene.shape) > 1:  # lines need two rows and columns
        depth = np.ma.array(scene.depth.astype(np.float64), mask=~scene.map_valid | scene.fault)
        axis.contour(depth, levels=base + interval * index, colors="black", linestyles="solid",
                     linewidths=np.where(index % 5 == 0, 1.1, 0.5))  # fmt: skip


def shorten_label(text: str) -> str:
    """Shorten a name from a file so that it fits on a map, without unprintable characters.

    Examples
    --------
    >>> shorten_label("a name of more than twenty-four letters")
    'a name of more than twe…'
    """
    printable = "".join(letter for letter in text[: MAX_LABEL_LENGTH + 1] if letter.isprintable())
    return printable if len(text) <= MAX_LABEL_LENGTH else f"{printable[: MAX_LABEL_LENGTH - 1]}…"


def draw_raster(axis: Axes, values: NDArray, **options: Any) -> None:
    """Draw (H, W) values over the map, masked ones not at all; `options` are those of matplotlib's imshow."""
    axis.imshow(values, interpolation="nearest", aspect=axis.get_aspect(), **options)


def make_class_figure(scene: Scene, subtitle: str, classes: NDArray[np.integer], colours: Mapping[str, Any]) -> Figure:
    """Make a figure of the pale map under coloured classes.

    Parameters
    ----------
    scene : Scene
        The map.
    subtitle : str
        Second line of the title.
    classes : (H, W) int
        0 = nothing, k = the k-th of `colours`.
    colours : Mapping[str, Any]
        Name of a class in the legend to its colour.

    Returns
    -------
    Figure
        The page with its legend.
    """
    figure, axis = make_map_figure(scene, subtitle, grey=True)
    palette = ListedColormap(list(colours.values()))
    draw_raster(axis, np.ma.masked_equal(classes, 0), cmap=palette, vmin=0.5, vmax=len(colours) + 0.5, alpha=0.55)
    entries = [Patch(color=colour, alpha=0.55, label=name) for name, colour in colours.items()]
    add_legend(figure, [*entries, *fault_legend_entries(scene)])
    return figure


def draw_lines(
    axis: Axes, lines: Sequence[NDArray], colour: str, width: float = 2.0, style: str = "solid", halo: str = "white"
) -> None:
    """Draw lines with a halo, so that they stand out from every colour of the map.

    Parameters
    ----------
    axis : Axes
        Of `make_map_figure`.
    lines : Sequence of (n, 2) float64
        Rows and columns.
    colour, halo : str
        Names of colours.
    width : float, default 2.0
        Points.
    style : str, default 'solid'
        A line style of matplotlib.
    """
    axis.add_collection(
        LineCollection(
            [line[:, ::-1] for line in lines],
            colors=colour,
            linewidths=width,
            linestyles=style,
            path_effects=[effects.Stroke(linewidth=width + 2, foreground=halo), effects.Normal()],
        )
    )


def fill_polygons(axis: Axes, polygons: Sequence[Sequence[NDArray]], colour: str, alpha: float) -> None:
    """Fill polygons, without their holes.

    Parameters
    ----------
    axis : Axes
        Of a map.
    polygons : Sequence[Sequence[(n, 2) float64]]
        Rings of rows and columns, of each polygon the outer one first; holes run the other way round.
    colour : str
        Of the area.
    alpha : float
        Its opacity.
    """
    rings = [Outline(ring[:, ::-1], closed=True) for polygon in polygons for ring in polygon]
    if rings:
        axis.add_patch(PathPatch(Outline.make_compound_path(*rings), facecolor=colour, edgecolor="none", alpha=alpha))


def label_crest(axis: Axes, text: str, row: float, col: float, fontsize: float = 10) -> None:
    """Write a label beside the crest at a row and column."""
    axis.annotate(shorten_label(text.strip()), (col, row), (7, 4), textcoords="offset points", fontsize=fontsize,
                  weight="bold", bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1},
                  parse_math=False)  # fmt: skip


def legend_entry(label: str, **options: Any) -> Line2D:
    """Make an entry of the legend; `options` are those of matplotlib's Line2D."""
    return Line2D([], [], label=label, **options)


def fault_legend_entries(scene: Scene) -> list[Line2D]:
    """Make the legend's entry for faults: a list of one, or of none on a map without faults."""
    return [legend_entry("faults", color="saddlebrown", linewidth=4)] if scene.fault.any() else []


def write_figure(figure: Figure, legend: Sequence[Any], path: str | Path) -> None:
    """Put the legend below the map and write the figure to `path`."""
    add_legend(figure, legend)
    with atomic_write(path) as temporary:
        figure.savefig(temporary)


def add_legend(figure: Figure, entries: Sequence[Any]) -> None:
    """Put the legend below the map, in as many columns as the page is wide."""
    if entries:
        columns = min(len(entries), max(2, int(figure.get_figwidth() / 2.4)))
        figure.legend(handles=list(entries), loc="outside lower center", ncols=columns, fontsize=10, frameon=False)


def map_title(scene: Scene) -> str:
    """Compose the title of a map: its name, its depth range and its contour interval."""
    if not scene.has_depth:
        return scene.name
    low, high = scene.relief
    unit = scene.geo.depth_unit
    text = f"{scene.name}: " + (f"{low:.0f} to {high:.0f} {unit}" if unit else f"depth {low:.4g} to {high:.4g}")
    interval = scene.geo.contour_interval
    return text + (f", contours every {interval:g} {unit or ''}".rstrip() if interval else "")


def _add_north_arrow(axis: Axes, scene: Scene) -> None:
    """Add an arrow to where y grows, in the upper right corner: a rotated grid has North anywhere."""
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


def _add_scale_bar(axis: Axes, scene: Scene) -> None:
    """Add a bar of a round length, at most a fifth of the map's width: in km or m, or in the unit of the map."""
    spacing, unit = scale_of_map(scene)
    bar = ScaleBar(
        spacing,
        "m" if unit else "px",
        "si-length" if unit else "pixel-length",
        location="lower left",
        rotation="horizontal-only",  # cells may be higher than wide: the length is that along a row
        scale_loc="top",
        box_alpha=0.8,
        border_pad=0.8,
        font_properties={"size": 10},
    )

    def name_length(value: float, its_unit: str) -> str:
        length = bar.dimension.convert(value, its_unit, "m" if unit else "px")  # the library writes Mm and kpx too
        if unit == "m" and length >= 1000:
            return f"{length / 1000:.10g} km"
        return f"{length:.10g} {unit or 'cells'}"

    bar.scale_formatter = name_length
    axis.add_artist(bar)


def scale_of_map(scene: Scene) -> tuple[float, str]:
    """The spacing of columns that a scale bar shows, and its unit.

    Parameters
    ----------
    scene : Scene
        The map.

    Returns
    -------
    spacing : float
        In metres on maps in m, km or degrees, in the map's own unit on others; 1 without a spacing.
    unit : str
        "m", another unit of length, or "map units"; "" for cells.

    Examples
    --------
    >>> from targets.scene import GeoReference
    >>> inside = np.ones((2, 2), bool)
    >>> for geo in (GeoReference(dx=0.05, dy=-0.05, xy_unit="km"), GeoReference(dx=50.0, dy=-50.0, xy_unit="ft"),
    ...             GeoReference(dx=50.0, dy=-50.0), GeoReference()):
    ...     scale_of_map(Scene("map", np.zeros((2, 2), np.float32), inside, inside, ~inside, geo=geo))
    (50.0, 'm')
    (50.0, 'ft')
    (50.0, 'map units')
    (1.0, '')
    """
    geo = scene.geo
    if geo.dx is None or geo.dy is None:
        return 1.0, ""
    if not geo.units.is_metric:
        return abs(geo.dx), "degrees" if geo.is_geographic else "map units"
    own = unit_symbol(geo.xy_unit)
    return (abs(geo.dx), own) if own not in ("m", "km", "°", "gon") else (geo.ground_spacing(scene.shape)[0], "m")
