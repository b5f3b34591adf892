"""How a surface is drawn the way interpreters see it: blue-to-red colours, thin black contours, thick brown faults."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import contourpy
import cv2
import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.fault_marks import FaultMark, draw_faults
from targets.lettering import put_text
from targets.palettes import BLACK, RGB, WHITE, Colour, palette, stops_of
from targets.scan import Scan, scanned
from targets.scene import Float, Scene
from targets.sheet import Page, Sheet, draw_sheet

Line = tuple[float, NDArray[np.float64]]  # a contour's depth, and its points as (n, 2) x and y in pixels

BROWN: Colour = (110, 60, 20)
DASH = 5.0  # pixels
LABEL_SIZE = 7.7  # pixels, height of the digits of a contour's depth
LABEL_DISTANCE = 80  # pixels between two contour labels, so that they do not hide the map


@dataclass(frozen=True)
class Style:
    """How a map is drawn. The default is what most interpreters' exports look like.

    Fields
    ------
    palette : rainbow, jet, spectral, hue, soft or dusk; mpl:viridis and so on; or random:SEED.
    banded : one flat colour per contour interval instead of a smooth ramp.
    contour_interval : in depth units; None takes the map's own, else one that suits its relief.
    contour_base : depth that one contour passes through.
    density : number of contours over the usual, where neither style nor map say an interval.
    contour_width : pixels, in steps of a half; index contours are half a pixel wider. 0 draws none.
    contour_colour : red, green, blue.
    index_every : every how many contours one is an index contour; 0: none.
    dashed : whether the contours between index contours are dashed.
    labels : whether index contours carry their depth; never on small maps, where nobody could read it.
    along : labels follow their contours.
    hillshade : 0 to 1, how strongly a light from the upper left shades the flanks.
    fault_mark : filled, edged, outline, line or teeth.
    fault_width : pixels by which faults are drawn wider than their cells.
    fault_colour : red, green, blue.
    sheet : what lies over the map.
    scan : what becomes of the picture.
    """

    palette: str = "rainbow"
    banded: bool = False
    contour_interval: float | None = None
    contour_base: float = 0.0
    density: float = 1.0
    contour_width: float = 0.5
    contour_colour: Colour = BLACK
    index_every: int = 5
    dashed: bool = False
    labels: bool = False
    along: bool = False
    hillshade: float = 0.0
    fault_mark: FaultMark = "filled"
    fault_width: int = 2
    fault_colour: Colour = BROWN
    sheet: Sheet = field(default_factory=Sheet)
    scan: Scan = field(default_factory=Scan)

    def __post_init__(self) -> None:
        stops_of(self.palette)
        if not self.density > 0 or self.index_every < 0:
            raise UserError("density, index_every", f"{self.density}, {self.index_every}", "above 0, and 0 or more")
        if self.contour_interval is not None and not self.contour_interval > 0:
            raise UserError("contour_interval", str(self.contour_interval), "a depth step above 0")


DEFAULT = Style()


def render(scene: Scene, style: Style = DEFAULT) -> RGB:
    """Draw a map; pixel (r, c) shows cell (r, c).

    Colours are scaled by the map's own relief: blue = deep, red = high. Cells outside `map_valid` are white.

    Returns
    -------
    (H, W, 3) uint8.
    """
    low, high = scene.relief
    interval, base = contours_of(scene, style)
    picture = _coloured(scene.depth, low, high, palette(style.palette), (interval, base) if style.banded else None)
    if style.hillshade:
        _shade(picture, scene, style.hillshade)
    if style.contour_width > 0:
        _draw_contours(picture, scene, interval, base, style)
    draw_faults(picture, scene, style.fault_mark, style.fault_width, style.fault_colour)
    picture[~scene.map_valid] = WHITE
    draw_sheet(Page(picture, scene, style.sheet, style.palette))
    return scanned(picture, style.scan, style.sheet.seed)


def drawn(scene: Scene, style: Style = DEFAULT) -> Scene:
    """The map with its picture as `rgb`, and with the contours of the picture in `geo`."""
    interval, base = contours_of(scene, style)
    geo = replace(scene.geo, contour_interval=interval, contour_base=base)
    return scene.with_(rgb=render(scene, style), geo=geo)


def contour_ink(scene: Scene, interval: float, base: float, width: float = 0.5) -> NDArray[np.uint8]:
    """(H, W) how black contours are, 0 (none) to 255, at `base` and every `interval` from it.

    Lines are `width` pixels wide, with soft edges; every fifth is half a pixel wider.
    """
    thin, thick = _thin_and_thick(scene, interval, base)
    return _ink([line for _, line in thin], [line for _, line in thick], scene.shape, width)


def with_picture(scene: Scene) -> Scene:
    """The map itself if it has a picture, else the map drawn in the default style."""
    return drawn(scene) if scene.rgb is None else scene


def contours_of(scene: Scene, style: Style = DEFAULT) -> tuple[float, float]:
    """Interval and base of the contours that `render` draws: the style's, else the map's own, else a nice one."""
    if style.contour_interval is not None:
        return style.contour_interval, style.contour_base
    if scene.geo.contour_interval is not None:
        return scene.geo.contour_interval, scene.geo.contour_base
    return nice_interval(*scene.relief, lines=contour_count(scene.shape) * style.density), scene.geo.contour_base


def nice_interval(low: float, high: float, lines: float = 20) -> float:
    """The contour interval 1, 2 or 5 times a power of ten that puts about `lines` contours between two depths.

    "About" is within a factor of 1.6, the half step between 2 and 5. A flat map gets interval 1.
    """
    if not high > low:
        return 1.0
    wanted = np.log10((high - low) / lines)
    steps = np.log10([1, 2, 5, 10])
    return float(10 ** np.floor(wanted) * (1, 2, 5, 10)[int(np.argmin(np.abs(steps - wanted % 1)))])


def contour_count(shape: tuple[int, int]) -> float:
    """About how many contours a picture of (H, W) pixels can hold: 20, on small ones one per 10 pixels."""
    return float(np.clip(min(shape) / 10, 5, 20))


def contact_sheet(scenes: Sequence[Scene], columns: int = 4, side: int = 320) -> RGB:
    """One picture of several maps with their names below, each in a square of `side` pixels."""
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


def _coloured(depth: Float, low: float, high: float, colours: RGB, bands: tuple[float, float] | None) -> RGB:
    """(H, W, 3) uint8: every cell in the colour of its depth, or of the middle of its (interval, base) band."""
    if bands is not None:
        interval, base = bands
        depth = (np.floor((depth - base) / interval) + 0.5) * interval + base
    shade = (high - depth) * (255 / max(high - low, 1e-12))
    return colours[np.clip(shade, 0, 255).astype(np.uint8)]


def _shade(picture: RGB, scene: Scene, strength: float) -> None:
    """Darken `picture` where the surface looks away from a light in the upper left, half as much where it is flat."""
    low, high = scene.relief
    down, right = np.gradient(scene.depth * np.float32(max(scene.shape) / max(high - low, 1e-12)))
    light = 1 - np.float32(strength / 2) * (1 + np.tanh(np.float32(0.15) * (down + right)))
    picture[:] = np.rint(picture * light[..., None]).astype(np.uint8)


def _draw_contours(picture: RGB, scene: Scene, interval: float, base: float, style: Style) -> None:
    """Draw contours into `picture`, and their depths."""
    thin, thick = _thin_and_thick(scene, interval, base, style.index_every)
    fine = [part for _, line in thin for part in (dashes(line) if style.dashed else [line])]
    ink = _ink(fine, [line for _, line in thick], scene.shape, style.contour_width)
    picture[:] = cv2.multiply(picture, cv2.cvtColor(255 - ink, cv2.COLOR_GRAY2RGB), scale=1 / 255)
    if any(style.contour_colour):
        picture += np.rint(ink[..., None] / 255.0 * np.array(style.contour_colour)).astype(np.uint8)
    if style.labels and min(scene.shape) >= 3 * LABEL_DISTANCE:
        _draw_labels(picture, thick, style)


def _thin_and_thick(scene: Scene, interval: float, base: float, every: int = 5) -> tuple[list[Line], list[Line]]:
    """The thin contours of a map, and its index contours: every `every`-th from the base, 0: none."""
    thin: list[Line] = []
    thick: list[Line] = []
    for level, line in _contours(scene.depth, scene.map_valid, interval, base):
        index = every > 0 and round((level - base) / interval) % every == 0
        (thick if index else thin).append((level, line))
    return thin, thick


def dashes(line: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Every second piece of a line, each `DASH` pixels long."""
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    number = (along // DASH).astype(int)
    return np.split(line, np.flatnonzero(np.diff(number)) + 1)[::2]


def _ink(
    thin: list[NDArray[np.float64]], thick: list[NDArray[np.float64]], shape: tuple[int, int], width: float
) -> NDArray[np.uint8]:
    """(H, W) how black some contours are, the thick ones half a pixel wider than `width`."""
    fine = np.zeros((shape[0] * 2, shape[1] * 2), np.uint8)  # twice as fine, for half-pixel widths
    for wider, lines in enumerate((thin, thick)):
        points = [np.rint(line * 32 + 8).astype(np.int32) for line in lines]  # sixteenths of a fine pixel
        cv2.polylines(fine, points, False, 255, max(1, round(2 * width) + wider), cv2.LINE_AA, shift=4)
    return np.asarray(cv2.resize(fine, shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _draw_labels(picture: RGB, lines: list[Line], style: Style) -> None:
    """Write the depths of contours onto them, where labels are far enough apart."""
    labels: list[tuple[str, NDArray, float]] = []
    for level, line in lines:
        at = len(line) // 2
        if all(np.hypot(*(line[at] - other)) > LABEL_DISTANCE for _, other, _ in labels):
            right, down = line[min(at + 6, len(line) - 1)] - line[max(at - 6, 0)]
            labels.append((f"{level:g}", line[at], -np.degrees(np.arctan(down / right)) if right else 90.0))
    for text, (x, y), angle in labels:
        turned = angle if style.along else 0.0
        put_text(picture, text, (x, y), LABEL_SIZE, style.contour_colour, style.sheet.font, turned, halo=WHITE)


def _contours(depth: Float, valid: NDArray[np.bool_], interval: float, base: float, block: int = 128) -> list[Line]:
    """(level, (n, 2) x and y in pixels) of every contour piece.

    Traced block by block, because a block spans few levels while tracing costs the whole grid once per level.
    """
    pieces = []
    for top in range(0, depth.shape[0] - 1, block):
        for left in range(0, depth.shape[1] - 1, block):
            window = np.s_[top : top + block + 1, left : left + block + 1]
            z, inside = depth[window].astype(np.float64), valid[window]
            if not inside.any():
                continue
            first, last = np.ceil((z.min() - base) / interval), np.floor((z.max() - base) / interval)
            levels = base + interval * np.arange(first, last + 1)
            if len(levels) == 0:
                continue
            masked = z if inside.all() else np.ma.array(z, mask=~inside)
            lines = contourpy.contour_generator(z=masked, line_type="Separate").multi_lines(levels)
            for level, found in zip(levels, lines, strict=True):
                pieces += [(level, line + np.array([left, top])) for line in found]
    return pieces
