"""Frame of a map's figure: ticks in map coordinates, lines on a turned grid, a bar of depths in the map's colours."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from targets.rendering.palettes import RGB, colour_table
from targets.rendering.style import DEFAULT_STYLE
from targets.scene import Scene

SMALL = 7  # points, of numbers on the frame
LEVELS = 64  # of a bar of depths


def add_coordinates(axis: Axes, scene: Scene) -> None:
    """Put ticks at round map coordinates along the lower and the left side; on a turned grid with faint lines.

    A map without a location gets none.

    Parameters
    ----------
    axis : Axes
        Of columns and rows, with its limits.
    scene : Scene
        The map.
    """
    if not scene.geo.located:
        return
    rows, cols = scene.shape
    corners = np.array([[rows - 0.5, -0.5], [rows - 0.5, cols - 0.5], [-0.5, -0.5]]).T
    places = np.stack(scene.geo.xy(*corners))  # (x and y, corners)
    across = np.abs(places[:, 1] - places[:, 0])
    below = int(across[1] > across[0])  # the coordinate that changes more along the lower side
    is_turned = min(across) > 1e-6 * max(across)
    ends = (places[below, :2], places[1 - below, [0, 2]])
    positions, texts = [], []
    for which, (first, last), side in ((below, ends[0], cols), (1 - below, ends[1], rows)):
        values = _round_values(first, last)
        share = (values - first) / (last - first) if last != first else values
        positions.append(side * share - 0.5 if which == below else rows - 0.5 - side * share)
        texts.append([_label(value, "xy"[which] if is_turned else "", scene.geo.is_geographic) for value in values])
    axis.set_xticks(positions[0], texts[0], fontsize=SMALL, color="0.3")
    axis.set_yticks(positions[1], texts[1], fontsize=SMALL, color="0.3", rotation=90, va="center")
    axis.tick_params(length=3, width=0.5, color="0.3", pad=1.5)
    if is_turned:
        _draw_grid_lines(axis, scene, positions, below)


def _draw_grid_lines(axis: Axes, scene: Scene, positions: list[NDArray], below: int) -> None:
    """Draw lines of one coordinate each from the ticks into the map."""
    rows, cols = scene.shape
    length = 2.0 * (rows + cols)
    steps = ((0.0, length), (length, 0.0))
    origin = np.stack(scene.geo.xy(0.0, 0.0))
    for which, along in ((below, positions[0]), (1 - below, positions[1])):
        change = [float((np.stack(scene.geo.xy(row, col)) - origin)[which]) for row, col in steps]
        scale = length / max(math.hypot(*change), 1e-30)
        way = (change[0] * scale, -change[1] * scale)  # rows and columns along which it does not change
        for place in along:
            row, col = (rows - 0.5, float(place)) if which == below else (float(place), -0.5)
            axis.plot([col - way[1], col + way[1]], [row - way[0], row + way[0]], color="black", linewidth=0.4,
                      alpha=0.35, scalex=False, scaley=False)  # fmt: skip


def _round_values(first: float, last: float) -> NDArray[np.float64]:
    """Four or so round numbers between two."""
    low, high = sorted((float(first), float(last)))
    values = np.asarray(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    return values[(values >= low) & (values <= high)]


def _label(value: float, name: str, is_degrees: bool) -> str:
    return f"{name} {value:,.10g}{'°' if is_degrees else ''}".strip()


def add_depth_bar(axis: Axes, scene: Scene) -> None:
    """Put a small bar of depths beside the map, in the map's own colours, the shallowest on top.

    A map without a depth gets none.

    Parameters
    ----------
    axis : Axes
        Of `make_map_figure`.
    scene : Scene
        The map.
    """
    if not scene.has_depth or axis.figure is None:
        return
    low, high = scene.relief
    if not high > low:
        return
    colours = ScalarMappable(Normalize(low, high), ListedColormap(_colours_by_depth(scene) / 255))
    bar = axis.figure.colorbar(colours, ax=axis, shrink=0.35, aspect=28, pad=0.01)
    bar.ax.invert_yaxis()
    bar.ax.tick_params(labelsize=SMALL, length=2, width=0.5, color="0.3", labelcolor="0.3")
    bar.ax.yaxis.set_major_formatter("{x:,.10g}")
    unit = f", {scene.geo.depth_unit}" if scene.geo.depth_unit else ""
    bar.set_label(f"depth{unit}", fontsize=SMALL, color="0.3")
    bar.outline.set_linewidth(0.5)


def _colours_by_depth(scene: Scene) -> RGB:
    """(n, 3) uint8 colours from the shallowest to the deepest: those of the drawing, or medians of the picture."""
    if scene.rgb is None:
        return colour_table(DEFAULT_STYLE.palette)[::-1]
    low, high = scene.relief
    known = scene.map_valid & scene.depth_valid & ~scene.fault
    level = np.clip((scene.depth[known] - low) / (high - low) * LEVELS, 0, LEVELS - 1).astype(int)
    pixels = scene.rgb[known]
    present = np.unique(level)
    medians = np.array([np.median(pixels[level == k], axis=0) for k in present])
    return np.stack([np.interp(np.arange(LEVELS), present, channel) for channel in medians.T], axis=1).astype(np.uint8)
