"""How a surface is drawn the way interpreters see it: blue-to-red colours, thin black contours, thick brown faults."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import contourpy
import cv2
import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.scene import Float, Scene

Colour = tuple[int, int, int]
RGB = NDArray[np.uint8]
Line = tuple[float, NDArray[np.float64]]  # a contour's depth, and its points as (n, 2) x and y in pixels

# Colours from deepest to shallowest, at equal steps of depth. "spectral" is ColorBrewer's, "jet" MATLAB's; the others
# follow what mapping programs draw structure maps with by default.
PALETTES: dict[str, tuple[Colour, ...]] = {
    "rainbow": ((120, 0, 200), (0, 0, 255), (0, 190, 255), (0, 230, 80), (255, 255, 0), (255, 140, 0), (230, 0, 0)),
    "jet": ((0, 0, 143), (0, 0, 255), (0, 128, 255), (0, 255, 255), (128, 255, 128), (255, 255, 0), (255, 128, 0),
            (255, 0, 0), (128, 0, 0)),
    "spectral": ((94, 79, 162), (50, 136, 189), (102, 194, 165), (171, 221, 164), (230, 245, 152), (255, 255, 191),
                 (254, 224, 139), (253, 174, 97), (244, 109, 67), (213, 62, 79), (158, 1, 66)),
    "hue": ((20, 20, 235), (0, 130, 255), (0, 235, 235), (0, 235, 120), (120, 245, 0), (245, 245, 0), (255, 130, 0),
            (245, 10, 10)),
    "soft": ((60, 70, 170), (80, 140, 215), (120, 200, 215), (150, 215, 150), (225, 230, 130), (245, 190, 100),
             (235, 120, 80), (200, 50, 50)),
    "dusk": ((10, 20, 110), (30, 80, 200), (70, 170, 230), (190, 225, 235), (250, 225, 170), (245, 150, 80),
             (215, 60, 40), (130, 0, 20)),
}  # fmt: skip
BROWN: Colour = (110, 60, 20)
BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
LABEL_DISTANCE = 80  # pixels between two contour labels, so that they do not hide the map


@dataclass(frozen=True)
class Style:
    """How a map is drawn. The default is what most interpreters' exports look like.

    Fields
    ------
    palette : rainbow, jet, spectral, hue, soft or dusk.
    banded : one flat colour per contour interval instead of a smooth ramp.
    contour_interval : in depth units; None takes the map's own, else one that suits its relief.
    contour_base : depth that one contour passes through.
    contour_width : pixels, in steps of a half; every fifth contour is half a pixel wider. 0 draws none.
    labels : whether every fifth contour carries its depth; never on small maps, where nobody could read it.
    fault_width : pixels by which faults are drawn wider than their cells.
    fault_colour : red, green, blue.
    """

    palette: str = "rainbow"
    banded: bool = False
    contour_interval: float | None = None
    contour_base: float = 0.0
    contour_width: float = 0.5
    labels: bool = False
    fault_width: int = 2
    fault_colour: Colour = BROWN

    def __post_init__(self) -> None:
        if self.palette not in PALETTES:
            raise UserError("palette", repr(self.palette), f"one of {', '.join(PALETTES)}")
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
    if style.contour_width > 0:
        _draw_contours(picture, scene, interval, base, style)
    _draw_faults(picture, scene.fault, style)
    picture[~scene.map_valid] = WHITE
    return picture


def drawn(scene: Scene, style: Style = DEFAULT) -> Scene:
    """The map with its picture as `rgb`, and with the contours of the picture in `geo`."""
    interval, base = contours_of(scene, style)
    geo = replace(scene.geo, contour_interval=interval, contour_base=base)
    return scene.with_(rgb=render(scene, style), geo=geo)


def contour_ink(scene: Scene, interval: float, base: float, width: float = 0.5) -> NDArray[np.uint8]:
    """(H, W) how black contours are, 0 (none) to 255, at `base` and every `interval` from it.

    Lines are `width` pixels wide, with soft edges; every fifth is half a pixel wider.
    """
    return _ink(_contours(scene.depth, scene.map_valid, interval, base), scene.shape, interval, base, width)


def with_picture(scene: Scene) -> Scene:
    """The map itself if it has a picture, else the map drawn in the default style."""
    return drawn(scene) if scene.rgb is None else scene


def contours_of(scene: Scene, style: Style = DEFAULT) -> tuple[float, float]:
    """Interval and base of the contours that `render` draws: the style's, else the map's own, else a nice one."""
    if style.contour_interval is not None:
        return style.contour_interval, style.contour_base
    if scene.geo.contour_interval is not None:
        return scene.geo.contour_interval, scene.geo.contour_base
    return nice_interval(*scene.relief, lines=contour_count(scene.shape)), scene.geo.contour_base


def random_style(rng: np.random.Generator) -> Style:
    """One of the many ways interpreters' programs draw a map."""
    brown = np.add(BROWN, rng.integers(-20, 21, 3))
    return Style(
        palette=str(rng.choice(list(PALETTES))),
        banded=bool(rng.random() < 0.25),
        contour_width=float(rng.choice([0.5, 1.0, 1.5], p=[0.6, 0.3, 0.1])),
        labels=bool(rng.random() < 0.15),
        fault_width=int(rng.integers(1, 4)),
        fault_colour=(int(brown[0]), int(brown[1]), int(brown[2])),
    )


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


def palette(name: str) -> RGB:
    """(256, 3) uint8 colours of a palette, deepest first."""
    stops = np.array(PALETTES[name], float)
    at = np.linspace(0, 255, len(stops))
    return np.stack([np.interp(np.arange(256), at, stops[:, i]) for i in range(3)], axis=1).round().astype(np.uint8)


def _coloured(depth: Float, low: float, high: float, colours: RGB, bands: tuple[float, float] | None) -> RGB:
    """(H, W, 3) uint8: every cell in the colour of its depth, or of the middle of its (interval, base) band."""
    if bands is not None:
        interval, base = bands
        depth = (np.floor((depth - base) / interval) + 0.5) * interval + base
    shade = (high - depth) * (255 / max(high - low, 1e-12))
    return colours[np.clip(shade, 0, 255).astype(np.uint8)]


def _draw_contours(picture: RGB, scene: Scene, interval: float, base: float, style: Style) -> None:
    """Draw black contours into `picture`, and their depths."""
    lines = _contours(scene.depth, scene.map_valid, interval, base)
    ink = _ink(lines, scene.shape, interval, base, style.contour_width)
    picture[:] = cv2.multiply(picture, cv2.cvtColor(255 - ink, cv2.COLOR_GRAY2RGB), scale=1 / 255)
    if style.labels and min(scene.shape) >= 3 * LABEL_DISTANCE:
        _draw_labels(picture, [(level, line) for level, line in lines if _is_index(level, interval, base)])


def _ink(lines: list[Line], shape: tuple[int, int], interval: float, base: float, width: float) -> NDArray[np.uint8]:
    """(H, W) how black some contours are."""
    fine = np.zeros((shape[0] * 2, shape[1] * 2), np.uint8)  # twice as fine, for half-pixel widths
    for index in (False, True):
        points = [
            np.rint(line * 32 + 8).astype(np.int32)  # sixteenths of a fine pixel
            for level, line in lines
            if _is_index(level, interval, base) == index
        ]
        cv2.polylines(fine, points, False, 255, max(1, round(2 * width) + index), cv2.LINE_AA, shift=4)
    return np.asarray(cv2.resize(fine, shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _is_index(level: float, interval: float, base: float) -> bool:
    return round((level - base) / interval) % 5 == 0


def _draw_labels(picture: RGB, lines: list[Line]) -> None:
    """Write the depths of contours onto them, where labels are far enough apart."""
    labels: list[tuple[str, NDArray]] = []
    for level, line in lines:
        middle = line[len(line) // 2]
        if all(np.hypot(*(middle - at)) > LABEL_DISTANCE for _, at in labels):
            labels.append((f"{level:g}", middle))
    for text, (x, y) in labels:
        (w, h), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.35, 1)
        corner = (int(x - w / 2), int(y + h / 2))
        cv2.putText(picture, text, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.35, WHITE, 3, cv2.LINE_AA)
        cv2.putText(picture, text, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.35, BLACK, 1, cv2.LINE_AA)


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


def _draw_faults(picture: RGB, fault: NDArray[np.bool_], style: Style) -> None:
    """Draw fault cells into `picture`, wider by `fault_width` pixels, with a soft edge."""
    if not fault.any():
        return
    solid = fault.astype(np.uint8) * 255
    if style.fault_width > 0:
        across = 2 * style.fault_width + 1
        solid = cv2.dilate(solid, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (across, across)))
    soft = np.maximum(cv2.GaussianBlur(solid, (3, 3), 0), fault * np.uint8(255))
    touched = soft > 0
    share = soft[touched, None] / 255.0
    picture[touched] = np.rint(picture[touched] * (1 - share) + np.array(style.fault_colour) * share).astype(np.uint8)
