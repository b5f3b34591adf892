"""Pages that matplotlib draws: a map of a known depth with colour bar and axes, and their texts with their places."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy.ndimage import map_coordinates

from targets.pages.text import TextBox, tight_box

UTM = (450_000.0, 460_000.0, 6_780_000.0, 6_788_000.0)


@dataclass(frozen=True, eq=False)
class DrawnPage:
    """A page, what stands on it, and the depth (H, W) of its map, NaN beside it."""

    picture: np.ndarray
    box: tuple[int, int, int, int]
    texts: tuple[TextBox, ...]
    depth: np.ndarray


def surface(low: float = 1500, high: float = 2000, shape: tuple[int, int] = (81, 101)) -> np.ndarray:
    """Depth (rows, columns) of two highs on a slope."""
    y, x = np.mgrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]
    z = 0.35 * x + 0.1 * y - 0.55 * np.exp(-((x - 0.35) ** 2 / 0.02 + (y - 0.4) ** 2 / 0.05))
    z -= 0.5 * np.exp(-((x - 0.75) ** 2 + (y - 0.65) ** 2) / 0.02)
    return low + (high - low) * (z - z.min()) / np.ptp(z)


def draw_page(
    depth: np.ndarray,
    draw: Callable[[Figure, np.ndarray], None],
    extent: tuple[float, float, float, float] = UTM,
    size: tuple[float, float] = (6, 4),
) -> DrawnPage:
    """Draw a page; `draw` puts the map into the first axes of the figure."""
    figure = Figure(figsize=size, dpi=100)
    canvas = FigureCanvasAgg(figure)
    draw(figure, depth)
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    height, width = picture.shape[:2]
    axes = figure.axes[0]
    bounds = axes.get_window_extent()
    box = (height - round(bounds.y1), round(bounds.x0), height - round(bounds.y0), round(bounds.x1))
    rows, cols = np.mgrid[:height, :width]
    points = np.stack([cols.ravel() + 0.5, height - rows.ravel() - 0.5], axis=1)
    x, y = axes.transData.inverted().transform(points).T
    x0, x1, y0, y1 = extent
    at = [(y1 - y) / (y1 - y0) * (depth.shape[0] - 1), (x - x0) / (x1 - x0) * (depth.shape[1] - 1)]
    true = map_coordinates(depth, at, order=1, mode="nearest").reshape(height, width)
    inside = np.zeros((height, width), bool)
    inside[box[0] + 2 : box[2] - 2, box[1] + 2 : box[3] - 2] = True
    true[~inside] = np.nan
    return DrawnPage(picture, box, texts_of(figure, picture), true)


def texts_of(figure: Figure, picture: np.ndarray) -> tuple[TextBox, ...]:
    """What is written on a drawn figure, with its places."""
    height, width = picture.shape[:2]
    texts = []
    for text in figure.findobj(Text):
        bounds = text.get_window_extent()
        col0, row0, col1, row1 = bounds.x0, height - bounds.y1, bounds.x1, height - bounds.y0
        if text.get_visible() and text.get_text().strip() and min(row0, col0) >= 0 and row1 <= height and col1 <= width:
            box = tight_box(picture, (int(row0), int(col0), int(np.ceil(row1)), int(np.ceil(col1))))
            texts.append(TextBox(text.get_text(), box, angle=round(text.get_rotation())))
    return tuple(texts)
