"""Map annotations: coordinate grid, blocks, wells, names, legend, scale bar, north arrow, title."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from targets.errors import UserError
from targets.rendering.palettes import BLACK, RGB, WHITE, Colour, colour_table
from targets.rendering.text import FONTS, draw_text
from targets.scene import Scene

MAX_LEGEND_SHARE = 0.06  # of the map that a legend may hide
STRUCTURE_NAMES = (
    "Alpha", "Beta", "North High", "South Dome", "East Flank", "Main", "Terrace", "Graben", "Horst", "Saddle",
    "Lead A", "Lead B", "Prospect 3", "Area 2", "Block 15", "Ridge", "Basin",
)  # fmt: skip
TITLES = ("Top Reservoir", "Top Sand", "Top Carbonate", "Base Cretaceous", "Near Top Jurassic", "Horizon H4", "Unit 2")
WELL_NAMES = ("A-{}", "{}", "30/6-{}", "W{}", "15/9-F-{}")
DARK_INK = 380  # sum of red, green and blue, below which an ink takes a white halo


@dataclass(frozen=True)
class Annotations:
    """What is drawn over the colours of a map, which it covers; by default nothing.

    Attributes
    ----------
    grid_spacing : int, default 0
        Pixels between coordinate lines; 0 draws none.
    blocks : int, default 0
        Number of straight boundaries of blocks or licences across the map.
    wells : int, default 0
        Number of wells with names.
    names : int, default 0
        Number of structures with names, in larger letters.
    legend : bool, default False
        Whether there is a colour bar with depths, in the corner where it hides least; none where it would hide much.
    scale_bar : bool, default False
        Whether there is a scale bar.
    north_arrow : bool, default False
        Whether there is an arrow to the North.
    title : bool, default False
        Whether there is a title.
    font : str, default 'simplex'
        Font of all texts: simplex, plain, duplex, complex or triplex.
    letter_height : float, default 7.0
        Height of the letters of a well's name, in pixels; other texts follow.
    ink : Colour, default BLACK
        Colour of lines, wells and text.
    seed : int, default 0
        Decides where things lie and what they are called.

    Raises
    ------
    UserError
        An unknown font or a negative number.
    """

    grid_spacing: int = 0
    blocks: int = 0
    wells: int = 0
    names: int = 0
    legend: bool = False
    scale_bar: bool = False
    north_arrow: bool = False
    title: bool = False
    font: str = "simplex"
    letter_height: float = 7.0
    ink: Colour = BLACK
    seed: int = 0

    def __post_init__(self) -> None:
        if self.font not in FONTS:
            raise UserError("annotations.font", repr(self.font), f"one of {', '.join(FONTS)}")
        if min(self.grid_spacing, self.blocks, self.wells, self.names) < 0 or not self.letter_height > 0:
            raise UserError("annotations", f"{self}", "numbers of 0 or more, and a letter_height above 0")


@dataclass(frozen=True, eq=False)
class Canvas:
    """A map that is being drawn: its picture, which changes, and what must be known to draw over it.

    Attributes
    ----------
    picture : (H, W, 3) uint8
        Changed in place.
    scene : Scene
        The map.
    annotations : Annotations
        What is drawn.
    palette : str
        Name of the palette that the map is drawn in, for the legend.
    """

    picture: RGB
    scene: Scene
    annotations: Annotations
    palette: str

    def write(self, text: str, x: float, y: float, size: float = 1.0, angle: float = 0, halo: bool = False) -> None:
        """Write a text centred on x and y (pixels), `size` times as large as a well's letters, at degrees `angle`."""
        notes = self.annotations
        halo_colour = (WHITE if sum(notes.ink) < DARK_INK else BLACK) if halo else None
        draw_text(self.picture, text, (x, y), size * notes.letter_height, notes.ink, notes.font, angle, halo_colour)

    def draw_box(self, left: int, top: int, width: int, height: int) -> None:
        """Draw a white box with a black frame; all in pixels."""
        corners = (left, top), (left + width - 1, top + height - 1)
        cv2.rectangle(self.picture, *corners, WHITE, -1)
        cv2.rectangle(self.picture, *corners, BLACK, 1)


def draw_annotations(canvas: Canvas) -> None:
    """Draw all annotations into the picture of `canvas`.

    Every element has a random generator of its own, so that one more leaves the others where they were.
    """
    for number, (name, draw) in enumerate(ELEMENT_DRAWERS.items()):
        if getattr(canvas.annotations, name):
            draw(canvas, np.random.default_rng([canvas.annotations.seed, number]))


def _draw_grid(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw thin lines of equal coordinates with their numbers along two sides."""
    rows, cols = canvas.scene.shape
    step, first = canvas.annotations.grid_spacing, rng.integers(0, canvas.annotations.grid_spacing, 2)
    east, north = rng.integers(400, 6900, 2) * 100
    lined = canvas.picture.copy()
    across, down = range(int(first[0]), cols, step), range(int(first[1]), rows, step)
    for x in across:
        cv2.line(lined, (x, 0), (x, rows - 1), canvas.annotations.ink, 1)
    for y in down:
        cv2.line(lined, (0, y), (cols - 1, y), canvas.annotations.ink, 1)
    opacity = float(rng.uniform(0.25, 0.8))
    canvas.picture[:] = cv2.addWeighted(lined, opacity, canvas.picture, 1 - opacity, 0)
    for number, x in enumerate(across):
        canvas.write(str(east + 1000 * number), x, rows - canvas.annotations.letter_height, 0.8)
    for number, y in enumerate(down):
        canvas.write(str(north - 1000 * number), canvas.annotations.letter_height, y, 0.8, angle=90)


def _draw_blocks(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw straight lines from side to side, as boundaries of blocks and licences."""
    rows, cols = canvas.scene.shape
    width = int(rng.integers(1, 3))
    for _ in range(canvas.annotations.blocks):
        at, tilt = rng.uniform(0.1, 0.9), rng.normal(0, 0.03)
        ends = np.array([[0, at - tilt], [1, at + tilt]])
        if rng.random() < 0.5:
            ends = ends[:, ::-1]
        start, end = (np.rint(ends * (cols - 1, rows - 1))).astype(int).tolist()
        cv2.line(canvas.picture, start, end, canvas.annotations.ink, width, cv2.LINE_AA)


def _draw_wells(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw well symbols with names beside them, more of them on highs, where wells are drilled."""
    radius = max(2, round(0.45 * canvas.annotations.letter_height))
    name = WELL_NAMES[int(rng.integers(5))]
    kind = int(rng.integers(3))
    for row, col in _choose_cells(canvas, rng, canvas.annotations.wells, tries=3):
        cv2.circle(canvas.picture, (col, row), radius, canvas.annotations.ink, -1 if kind == 0 else 1, cv2.LINE_AA)
        if kind == 2:
            for arm in ((radius + 2, 0), (0, radius + 2)):
                ends = (col - arm[0], row - arm[1]), (col + arm[0], row + arm[1])
                cv2.line(canvas.picture, *ends, canvas.annotations.ink, 1, cv2.LINE_AA)
        text = name.format(rng.integers(1, 30))
        offset = radius + 0.45 * canvas.annotations.letter_height * (len(text) + 1)
        canvas.write(text, col + offset, row - 0.3 * canvas.annotations.letter_height, halo=kind == 1)


def _draw_names(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw names of structures, some of them aslant."""
    for row, col in _choose_cells(canvas, rng, canvas.annotations.names):
        angle = float(rng.choice([0, rng.uniform(-50, 50)]))
        canvas.write(
            str(rng.choice(STRUCTURE_NAMES)), col, row, float(rng.uniform(1.2, 2.2)), angle, halo=rng.random() < 0.4
        )


def _draw_legend(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a colour bar with depths in a white box, unless it would hide much of the map."""
    rows, cols = canvas.scene.shape
    letters = canvas.annotations.letter_height
    height, bar = int(rng.uniform(0.22, 0.34) * min(rows, cols)), max(6, round(1.5 * letters))
    width = round(bar + 5.5 * letters)
    places = [(left, top) for left in (3, cols - width - 3) for top in (3, rows - height - 3)]
    hidden = [canvas.scene.map_valid[top : top + height, left : left + width].sum() for left, top in places]
    best = int(np.argmin(hidden))
    if min(places[best]) < 0 or hidden[best] > MAX_LEGEND_SHARE * canvas.scene.map_valid.sum():
        return
    left, top = places[best]
    canvas.draw_box(left, top, width, height)
    edge = round(letters)
    strip = colour_table(canvas.palette)[::-1]  # the shallowest above
    strip = cv2.resize(strip[:, None], (bar, max(1, height - 2 * edge)), interpolation=cv2.INTER_AREA)
    canvas.picture[top + edge : top + edge + len(strip), left + 3 : left + 3 + bar] = strip
    low, high = canvas.scene.relief
    count = max(2, min(6, int(height / (3 * letters))))
    for share in np.linspace(0, 1, count):
        x, y = left + bar + 3 + 2.6 * letters, top + edge + share * (len(strip) - 1)
        draw_text(
            canvas.picture, f"{low + share * (high - low):.0f}", (x, y), 0.9 * letters, BLACK, canvas.annotations.font
        )


def _draw_scale_bar(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a bar of black and white parts with its length, near the lower side."""
    rows, cols = canvas.scene.shape
    part, parts = max(6, cols // 16), 4
    left, top = int(rng.uniform(0.05, 0.6) * cols), rows - round(2.6 * canvas.annotations.letter_height)
    if rng.random() < 0.5:
        width, height = (
            parts * part + round(6 * canvas.annotations.letter_height),
            round(4 * canvas.annotations.letter_height),
        )
        canvas.draw_box(left - 8, top - round(2 * canvas.annotations.letter_height), width, height)
    for number in range(parts):
        x = left + number * part
        ends = (x, top), (x + part, top + max(2, round(0.4 * canvas.annotations.letter_height)))
        cv2.rectangle(canvas.picture, *ends, BLACK if number % 2 == 0 else WHITE, -1)
        cv2.rectangle(canvas.picture, *ends, BLACK, 1)
    length = (canvas.scene.geo.dx or 25.0) * part * parts / 1000
    canvas.write("0", left, top - canvas.annotations.letter_height, 0.9)
    canvas.write(f"{length:.3g} km", left + parts * part, top - canvas.annotations.letter_height, 0.9)


def _draw_north_arrow(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw an arrow to the North with an N at its point."""
    rows, cols = canvas.scene.shape
    size = max(14.0, 0.06 * min(rows, cols))
    centre = np.array([rng.choice([0.08, 0.92]) * cols, rng.uniform(0.12, 0.3) * rows])
    azimuth = np.radians(canvas.scene.geo.rotation)
    along = np.array([np.sin(azimuth), -np.cos(azimuth)])  # to the North: rows run South on a map that is not rotated
    across = np.array([-along[1], along[0]])
    tip, foot = centre + size * along, centre - size * along
    head = np.array([tip, centre - 0.45 * size * across, centre - 0.15 * size * along, centre + 0.45 * size * across])
    if rng.random() < 0.5:
        cv2.fillPoly(canvas.picture, [np.rint(head).astype(np.int32)], canvas.annotations.ink, cv2.LINE_AA)
    else:
        start, end = np.rint(foot).astype(int).tolist(), np.rint(tip).astype(int).tolist()
        cv2.arrowedLine(canvas.picture, start, end, canvas.annotations.ink, 1, cv2.LINE_AA, tipLength=0.35)
    x, y = tip + 1.1 * canvas.annotations.letter_height * along
    canvas.write("N", x, y, 1.2)


def _draw_title(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw the map's title in a box at its upper side."""
    text = f"{rng.choice(TITLES)} depth (m)"
    letters = canvas.annotations.letter_height
    width, height = round(0.95 * letters * len(text)) + 8, round(2.4 * letters)
    left = int(rng.uniform(0, max(1, canvas.scene.shape[1] - width)))
    canvas.draw_box(left, 2, width, height)
    draw_text(canvas.picture, text, (left + width / 2, 2 + height / 2), 1.1 * letters, BLACK, canvas.annotations.font)


ELEMENT_DRAWERS: dict[str, Callable[[Canvas, np.random.Generator], None]] = {
    "grid_spacing": _draw_grid,
    "blocks": _draw_blocks,
    "wells": _draw_wells,
    "names": _draw_names,
    "scale_bar": _draw_scale_bar,
    "north_arrow": _draw_north_arrow,
    "legend": _draw_legend,
    "title": _draw_title,
}


def _choose_cells(canvas: Canvas, rng: np.random.Generator, count: int, tries: int = 1) -> list[tuple[int, int]]:
    """Draw rows and columns of some cells inside the map, each the shallowest of so many tries."""
    inside = np.flatnonzero(canvas.scene.map_valid)
    tried = inside[rng.integers(0, len(inside), (count, tries))]
    best = tried[np.arange(count), canvas.scene.depth.ravel()[tried].argmin(axis=1)]
    return [(int(row), int(col)) for row, col in zip(*np.unravel_index(best, canvas.scene.shape), strict=True)]
