"""What is drawn over a map beside its own lines? Coordinates, blocks, wells, names, legend, scale bar, arrow, title."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from targets.errors import UserError
from targets.rendering.palettes import BLACK, RGB, WHITE, Colour, colour_table
from targets.rendering.text import FONTS, draw_text
from targets.scene import Scene

MAX_LEGEND = 0.06  # share of the map that a legend may hide
NAMES = ("Alpha", "Beta", "North High", "South Dome", "East Flank", "Main", "Terrace", "Graben", "Horst", "Saddle",
         "Lead A", "Lead B", "Prospect 3", "Area 2", "Block 15", "Ridge", "Basin")  # fmt: skip
TITLES = ("Top Reservoir", "Top Sand", "Top Carbonate", "Base Cretaceous", "Near Top Jurassic", "Horizon H4", "Unit 2")


@dataclass(frozen=True)
class Annotations:
    """What lies over a map; by default nothing. It is drawn over the colours, so it hides what it covers.

    Attributes
    ----------
    grid : int, default 0
        Pixels between coordinate lines; 0 draws none.
    blocks : int, default 0
        Straight boundaries of blocks or licences across the map.
    wells : int, default 0
        Wells with names.
    names : int, default 0
        Names of structures, in larger letters.
    legend : bool, default False
        A colour bar with depths, in the corner where it hides least, or not at all where it would hide much.
    scale_bar, arrow, title : bool, default False
        Whether they are there.
    font : str, default 'simplex'
        Simplex, plain, duplex, complex or triplex.
    letters : float, default 7.0
        Pixels, height of a well's letters; others follow.
    ink : Colour, default BLACK
        Colour of lines, wells and text.
    seed : int, default 0
        Decides where things lie and what they are called.
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
            raise UserError("sheet.font", repr(self.font), f"one of {', '.join(FONTS)}")
        if min(self.grid_spacing, self.blocks, self.wells, self.names) < 0 or not self.letter_height > 0:
            raise UserError("sheet", f"{self}", "numbers of 0 or more, and letters larger than 0")


@dataclass(frozen=True, eq=False)
class Canvas:
    """A map that is being drawn: its picture, which changes, and what must be known to draw over it.

    Attributes
    ----------
    colours : str
        Name of the palette.
    """

    picture: RGB
    scene: Scene
    annotations: Annotations
    palette: str

    def write(self, text: str, x: float, y: float, size: float = 1.0, angle: float = 0, halo: bool = False) -> None:
        """Text about a middle, `size` times as large as a well's letters."""
        sheet = self.annotations
        pale = (WHITE if sum(sheet.ink) < 380 else BLACK) if halo else None
        draw_text(self.picture, text, (x, y), size * sheet.letter_height, sheet.ink, sheet.font, angle, pale)

    def box(self, left: int, top: int, width: int, height: int) -> None:
        """A white box with a frame."""
        corners = (left, top), (left + width - 1, top + height - 1)
        cv2.rectangle(self.picture, *corners, WHITE, -1)
        cv2.rectangle(self.picture, *corners, BLACK, 1)


def draw_annotations(page: Canvas) -> None:
    """Draw all of the sheet into the picture.

    Every element has random numbers of its own, so that one more leaves the others where they were.
    """
    for number, (field, element) in enumerate(DRAWERS.items()):
        if getattr(page.annotations, field):
            element(page, np.random.default_rng([page.annotations.seed, number]))


def draw_grid(page: Canvas, rng: np.random.Generator) -> None:
    """Thin lines of equal coordinates with their numbers along two sides."""
    rows, cols = page.scene.shape
    step, first = page.annotations.grid_spacing, rng.integers(0, page.annotations.grid_spacing, 2)
    east, north = rng.integers(400, 6900, 2) * 100
    over = page.picture.copy()
    across, down = range(int(first[0]), cols, step), range(int(first[1]), rows, step)
    for x in across:
        cv2.line(over, (x, 0), (x, rows - 1), page.annotations.ink, 1)
    for y in down:
        cv2.line(over, (0, y), (cols - 1, y), page.annotations.ink, 1)
    strong = float(rng.uniform(0.25, 0.8))
    page.picture[:] = cv2.addWeighted(over, strong, page.picture, 1 - strong, 0)
    for number, x in enumerate(across):
        page.write(str(east + 1000 * number), x, rows - page.annotations.letter_height, 0.8)
    for number, y in enumerate(down):
        page.write(str(north - 1000 * number), page.annotations.letter_height, y, 0.8, angle=90)


def draw_blocks(page: Canvas, rng: np.random.Generator) -> None:
    """Straight lines from side to side, as blocks and licences end."""
    rows, cols = page.scene.shape
    width = int(rng.integers(1, 3))
    for _ in range(page.annotations.blocks):
        at, tilt = rng.uniform(0.1, 0.9), rng.normal(0, 0.03)
        ends = np.array([[0, at - tilt], [1, at + tilt]])
        if rng.random() < 0.5:
            ends = ends[:, ::-1]
        start, end = (np.rint(ends * (cols - 1, rows - 1))).astype(int).tolist()
        cv2.line(page.picture, start, end, page.annotations.ink, width, cv2.LINE_AA)


def draw_wells(page: Canvas, rng: np.random.Generator) -> None:
    """Symbols with names beside them; more of them on highs, where wells are drilled."""
    radius = max(2, round(0.45 * page.annotations.letter_height))
    family = ("A-{}", "{}", "30/6-{}", "W{}", "15/9-F-{}")[int(rng.integers(5))]
    kind = int(rng.integers(3))
    for row, col in _places(page, rng, page.annotations.wells, tries=3):
        cv2.circle(page.picture, (col, row), radius, page.annotations.ink, -1 if kind == 0 else 1, cv2.LINE_AA)
        if kind == 2:
            for way in ((radius + 2, 0), (0, radius + 2)):
                ends = (col - way[0], row - way[1]), (col + way[0], row + way[1])
                cv2.line(page.picture, *ends, page.annotations.ink, 1, cv2.LINE_AA)
        text = family.format(rng.integers(1, 30))
        beside = radius + 0.45 * page.annotations.letter_height * (len(text) + 1)
        page.write(text, col + beside, row - 0.3 * page.annotations.letter_height, halo=kind == 1)


def draw_names(page: Canvas, rng: np.random.Generator) -> None:
    """Names of structures, some of them aslant."""
    for row, col in _places(page, rng, page.annotations.names):
        angle = float(rng.choice([0, rng.uniform(-50, 50)]))
        page.write(str(rng.choice(NAMES)), col, row, float(rng.uniform(1.2, 2.2)), angle, halo=rng.random() < 0.4)


def draw_legend(page: Canvas, rng: np.random.Generator) -> None:
    """A colour bar with depths in a white box."""
    rows, cols = page.scene.shape
    letters = page.annotations.letter_height
    height, bar = int(rng.uniform(0.22, 0.34) * min(rows, cols)), max(6, round(1.5 * letters))
    width = round(bar + 5.5 * letters)
    places = [(left, top) for left in (3, cols - width - 3) for top in (3, rows - height - 3)]
    hidden = [page.scene.map_valid[top : top + height, left : left + width].sum() for left, top in places]
    best = int(np.argmin(hidden))
    if min(places[best]) < 0 or hidden[best] > MAX_LEGEND * page.scene.map_valid.sum():
        return
    left, top = places[best]
    page.box(left, top, width, height)
    edge = round(letters)
    strip = colour_table(page.palette)[::-1]  # the shallowest above
    strip = cv2.resize(strip[:, None], (bar, max(1, height - 2 * edge)), interpolation=cv2.INTER_AREA)
    page.picture[top + edge : top + edge + len(strip), left + 3 : left + 3 + bar] = strip
    low, high = page.scene.relief
    count = max(2, min(6, int(height / (3 * letters))))
    for share in np.linspace(0, 1, count):
        x, y = left + bar + 3 + 2.6 * letters, top + edge + share * (len(strip) - 1)
        draw_text(page.picture, f"{low + share * (high - low):.0f}", (x, y), 0.9 * letters, BLACK, page.annotations.font)


def draw_scale_bar(page: Canvas, rng: np.random.Generator) -> None:
    """A bar of black and white parts with its length, near the lower side."""
    rows, cols = page.scene.shape
    part, parts = max(6, cols // 16), 4
    left, top = int(rng.uniform(0.05, 0.6) * cols), rows - round(2.6 * page.annotations.letter_height)
    if rng.random() < 0.5:
        width, height = parts * part + round(6 * page.annotations.letter_height), round(4 * page.annotations.letter_height)
        page.box(left - 8, top - round(2 * page.annotations.letter_height), width, height)
    for number in range(parts):
        x = left + number * part
        ends = (x, top), (x + part, top + max(2, round(0.4 * page.annotations.letter_height)))
        cv2.rectangle(page.picture, *ends, BLACK if number % 2 == 0 else WHITE, -1)
        cv2.rectangle(page.picture, *ends, BLACK, 1)
    length = (page.scene.geo.dx or 25.0) * part * parts / 1000
    page.write("0", left, top - page.annotations.letter_height, 0.9)
    page.write(f"{length:.3g} km", left + parts * part, top - page.annotations.letter_height, 0.9)


def draw_north_arrow(page: Canvas, rng: np.random.Generator) -> None:
    """An arrow to the North with an N at its point."""
    rows, cols = page.scene.shape
    size = max(14.0, 0.06 * min(rows, cols))
    middle = np.array([rng.choice([0.08, 0.92]) * cols, rng.uniform(0.12, 0.3) * rows])
    turned = np.radians(page.scene.geo.rotation)
    along = np.array([np.sin(turned), -np.cos(turned)])  # to the North: rows run South where nothing is turned
    across = np.array([-along[1], along[0]])
    tip, foot = middle + size * along, middle - size * along
    head = np.array([tip, middle - 0.45 * size * across, middle - 0.15 * size * along, middle + 0.45 * size * across])
    if rng.random() < 0.5:
        cv2.fillPoly(page.picture, [np.rint(head).astype(np.int32)], page.annotations.ink, cv2.LINE_AA)
    else:
        start, end = np.rint(foot).astype(int).tolist(), np.rint(tip).astype(int).tolist()
        cv2.arrowedLine(page.picture, start, end, page.annotations.ink, 1, cv2.LINE_AA, tipLength=0.35)
    x, y = tip + 1.1 * page.annotations.letter_height * along
    page.write("N", x, y, 1.2)


def draw_title(page: Canvas, rng: np.random.Generator) -> None:
    """The map's title in a box at its upper side."""
    text = f"{rng.choice(TITLES)} depth (m)"
    letters = page.annotations.letter_height
    width, height = round(0.95 * letters * len(text)) + 8, round(2.4 * letters)
    left = int(rng.uniform(0, max(1, page.scene.shape[1] - width)))
    page.box(left, 2, width, height)
    draw_text(page.picture, text, (left + width / 2, 2 + height / 2), 1.1 * letters, BLACK, page.annotations.font)


DRAWERS: dict[str, Callable[[Canvas, np.random.Generator], None]] = {
    "grid": draw_grid,
    "blocks": draw_blocks,
    "wells": draw_wells,
    "names": draw_names,
    "scale_bar": draw_scale_bar,
    "arrow": draw_north_arrow,
    "legend": draw_legend,
    "title": draw_title,
}


def _places(page: Canvas, rng: np.random.Generator, count: int, tries: int = 1) -> list[tuple[int, int]]:
    """Rows and columns of some cells inside the map, each the shallowest of so many tries."""
    inside = np.flatnonzero(page.scene.map_valid)
    tried = inside[rng.integers(0, len(inside), (count, tries))]
    best = tried[np.arange(count), page.scene.depth.ravel()[tried].argmin(axis=1)]
    return [(int(row), int(col)) for row, col in zip(*np.unravel_index(best, page.scene.shape), strict=True)]
