"""Renderer of depth maps as interpreters draw them: blue-to-red colours, thin black contours, thick brown faults."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from targets.rendering.annotations import Canvas, draw_annotations
from targets.rendering.contours import draw_contours, rasterize_lines, split_index_contours
from targets.rendering.fault_symbols import draw_faults
from targets.rendering.palettes import BLACK, RGB, WHITE, colour_table
from targets.rendering.scan_effects import apply_scan_effects
from targets.rendering.style import DEFAULT_STYLE, Style
from targets.scene import Float, Scene
from targets.surface.contour_interval import nice_interval, suggest_contour_count
from targets.surface.gradient import central_differences


def render(scene: Scene, style: Style = DEFAULT_STYLE) -> RGB:
    """Draw a map; pixel (r, c) shows cell (r, c).

    Colours are scaled by the map's own relief: blue = deep, red = high. Cells outside `map_valid` are white.

    Parameters
    ----------
    scene : Scene
        The map.
    style : Style, default DEFAULT_STYLE
        How it is drawn.

    Returns
    -------
    (H, W, 3) uint8
        The picture.

    Examples
    --------
    >>> depth, inside = np.tile(np.float32([1000, 1100]), (2, 1)), np.ones((2, 2), bool)
    >>> picture = render(Scene("ramp", depth, inside, inside, ~inside), Style(contour_width=0))
    >>> picture.shape, picture.dtype.name, picture[0].tolist()
    ((2, 2, 3), 'uint8', [[230, 0, 0], [120, 0, 200]])
    """
    low, high = scene.relief
    interval, base = contour_spacing(scene, style)
    picture = _colour_by_depth(
        scene.depth, low, high, colour_table(style.palette), (interval, base) if style.banded else None
    )
    if style.hillshade:
        _apply_hillshade(picture, scene, style.hillshade)
    if style.contour_width > 0:
        draw_contours(picture, scene, interval, base, style)
    draw_faults(picture, scene, style.fault_symbol, style.fault_width, style.fault_colour)
    picture[~scene.map_valid] = WHITE
    draw_annotations(Canvas(picture, scene, style.annotations, style.palette))
    return apply_scan_effects(picture, style.scan, style.annotations.seed)


def with_rendered_picture(scene: Scene, style: Style = DEFAULT_STYLE) -> Scene:
    """Draw the map and keep its picture.

    Parameters
    ----------
    scene : Scene
        The map; an earlier picture is replaced.
    style : Style, default DEFAULT_STYLE
        How it is drawn.

    Returns
    -------
    Scene
        The same map, with its picture as `rgb` and the picture's contour interval and base in `geo`.
    """
    interval, base = contour_spacing(scene, style)
    geo = replace(scene.geo, contour_interval=interval, contour_base=base)
    return scene.replace(rgb=render(scene, style), geo=geo)


def rasterize_contours(scene: Scene, interval: float, base: float, width: float = 0.5) -> NDArray[np.uint8]:
    """Draw the contours of a map alone, as opacity.

    Parameters
    ----------
    scene : Scene
        The map.
    interval, base : float
        A contour lies at `base` and at every multiple of `interval` from it, in depth units.
    width : float, default 0.5
        Pixels, with soft edges; every fifth contour is half a pixel wider.

    Returns
    -------
    (H, W) uint8
        0 (no contour) to 255.
    """
    thin, index = split_index_contours(scene, interval, base)
    return rasterize_lines([line for _, line in thin], [line for _, line in index], scene.shape, width)


def ensure_picture(scene: Scene) -> Scene:
    """Return the map itself if it has a picture, else the map drawn in the default style."""
    return with_rendered_picture(scene) if scene.rgb is None else scene


def contour_spacing(scene: Scene, style: Style = DEFAULT_STYLE) -> tuple[float, float]:
    """Choose interval and base of the contours that `render` draws: the style's, else the map's, else a round one.

    Parameters
    ----------
    scene : Scene
        The map.
    style : Style, default DEFAULT_STYLE
        It may set the interval, or how many contours there are.

    Returns
    -------
    interval, base : float
        In depth units.
    """
    if style.contour_interval is not None:
        return style.contour_interval, style.contour_base
    if scene.geo.contour_interval is not None:
        return scene.geo.contour_interval, scene.geo.contour_base
    return nice_interval(
        *scene.relief, lines=suggest_contour_count(scene.shape) * style.contour_density
    ), scene.geo.contour_base


def contact_sheet(scenes: Sequence[Scene], columns: int = 4, side: int = 320) -> RGB:
    """Arrange several maps in one picture, with their names below.

    Parameters
    ----------
    scenes : Sequence[Scene]
        At least one; those without a picture are drawn.
    columns : int, default 4
        Maps in a row.
    side : int, default 320
        Pixels along a side of the square that each map is fitted into.

    Returns
    -------
    (H, W, 3) uint8
        The contact sheet.
    """
    tiles = []
    for scene in scenes:
        picture = scene.rgb if scene.rgb is not None else render(scene)
        scale = side / max(scene.shape)
        size = (max(1, round(scene.shape[1] * scale)), max(1, round(scene.shape[0] * scale)))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        tile = np.full((side + 36, side + 16, 3), WHITE, np.uint8)
        tile[8 : 8 + size[1], 8 : 8 + size[0]] = small
        cv2.putText(tile, scene.name[:40], (8, side + 26), cv2.FONT_HERSHEY_SIMPLEX, 0.45, BLACK, 1, cv2.LINE_AA)
        tiles.append(tile)
    columns = min(columns, len(tiles))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[row : row + columns]) for row in range(0, len(tiles), columns)])


def _colour_by_depth(depth: Float, low: float, high: float, colours: RGB, bands: tuple[float, float] | None) -> RGB:
    """Colour every cell (H, W, 3) uint8 by its depth, or by the middle of its (interval, base) band."""
    if bands is not None:
        interval, base = bands
        depth = (np.floor((depth - base) / interval) + 0.5) * interval + base
    position = (high - depth) * (255 / max(high - low, 1e-12))
    return colours[np.clip(position, 0, 255).astype(np.uint8)]


def _apply_hillshade(picture: RGB, scene: Scene, strength: float) -> None:
    """Darken `picture` where the surface faces away from a light in the upper left, half as much where it is flat."""
    low, high = scene.relief
    down, right = central_differences(scene.depth * np.float32(max(scene.shape) / max(high - low, 1e-12)))
    light = 1 - np.float32(strength / 2) * (1 + np.tanh(np.float32(0.15) * (down + right)))
    picture[:] = np.rint(picture * light[..., None]).astype(np.uint8)
