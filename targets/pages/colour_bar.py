"""Colour bar of a page: a strip of the map's colours with numbers beside it, and the depths that it gives the map."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.pages.numbers import Direction, Quantity, name_quantity, read_numbers, unit_behind
from targets.pages.text import Box, TextBox
from targets.pages.ticks import INK_CONTRAST, TickScale, fit_ticks, is_logarithmic, tick_places, without_tick_mark
from targets.rendering.palettes import RGB
from targets.units.names import UNITS

MIN_WIDTH, MIN_LENGTH = 4, 30  # pixels, of a strip
MIN_ASPECT = 2.0  # length over width
REACH, MIN_REACH = 4.0, 30  # heights of letters, and pixels, between a strip and its numbers
SAME_COLOUR = 14.0  # grey levels between colours across a strip: JPEG leaves that much
EDGE_CONTRAST = 20.0  # grey levels between a strip and what is beside it, within `EDGE_REACH`
EDGE_REACH = 6  # pixels: JPEG blurs the outlines of strips
POWER = re.compile(r"10[-−]?[\dOo]")
MIN_CONSTANT, MIN_EDGE = 0.85, 0.75  # of the rows of a strip: of one colour across, and parted from what is beside it
MIN_COLOURS = 3  # that differ by more than `COLOUR_STEP`
MARK_REACH = 4  # pixels beside a strip, where its tick marks begin
MAX_MARK = 2  # pixels along a strip, of a tick mark in it, or of its outline at its ends
END_JUMP = 6.0  # median steps from colour to colour, of the step from an outline to a strip's colours
COLOUR_STEP = 12.0  # grey levels
MIN_OWN_SHARE = 0.4  # of the map's pixels, that have a colour of its bar
OWN_DISTANCE = 30.0  # grey levels, as far as a colour of the map may be from the bar's
MAX_SAMPLE = 4000  # pixels of the map that are compared with a bar
ALIGNED = 0.7  # heights of letters between the edges of numbers in one column
WORDS_REACH = 6.0  # heights of letters between a bar with its numbers and its title
MIN_DEPTH_SHARE = 0.1  # of the largest number, the smallest one of depths that no word names: no horizon starts at 0
MAX_DEPTH = {
    "length": 1e5,
    "time": 60.0,
    "angle": 0.0,
}  # metres and seconds; larger numbers are coordinates, or misread
BAND_STEP, MAX_BANDS, MIN_BAND = 4.0, 48, 3  # grey levels, number and pixels: bands of a discrete bar

HIGH_WORDS = re.compile(r"(high(er|est)?|shallow(er|est)?|up|crest|hoch|flach|haut|alto|мелко|высоко)\W*\Z")
LOW_WORDS = re.compile(r"(low(er|est)?|deep(er|est)?|down|tief|bas|bajo|profundo|profond|глубоко|низко)\W*\Z")
MAX_WORDS = 8  # of each kind that are looked at


@dataclass(frozen=True, eq=False)
class ColourBar:
    """A colour bar that was read.

    Attributes
    ----------
    box : tuple[int, int, int, int]
        First row and column of its coloured strip, and the row and column behind the last ones.
    colours : (N, 3) float64
        Red, green and blue along it; of a discrete bar one colour a band.
    values : (N,) float64
        The number of each colour, as written beside the bar; of a band that of its middle.
    numbers : tuple[tuple[int, int, int, int], ...], default ()
        Boxes of the numbers beside it.
    edges : (N + 1,) float64, default None
        Numbers of the edges of the bands of a discrete bar.
    quantity : Quantity
        What the words beside it name.
    ticks : int
        Numbers that agree on the scale.
    grows : Direction | None
        Whether larger numbers are deeper ("down") or higher ("up"); None where neither words nor numbers tell.
    reason : str
        Where the direction comes from.
    problem : str, default ''
        Why its numbers give no depths: a logarithmic scale, coordinates. `values` may be in the right order only.
    """

    box: Box
    colours: NDArray[np.float64]
    values: NDArray[np.float64]
    quantity: Quantity
    ticks: int
    grows: Direction | None
    reason: str
    numbers: tuple[Box, ...] = ()
    edges: NDArray[np.float64] | None = None
    problem: str = ""

    @property
    def unit(self) -> str | None:
        """A key of `targets.units.names.UNITS`; None where the page names none."""
        return self.quantity.unit

    @property
    def sign(self) -> float:
        """What numbers are multiplied by to be depths, positive down."""
        return -1.0 if self.grows == "up" else 1.0

    @property
    def span(self) -> tuple[float, float]:
        """Shallowest and deepest depth of the bar, positive down."""
        ends = self.sign * (self.values if self.edges is None else self.edges)
        return float(ends.min()), float(ends.max())

    @property
    def sentence(self) -> str:
        """What was understood, for people."""
        low, high = self.span
        unit = f" {self.unit}" if self.unit else ", unit unknown"
        bands = "" if self.edges is None else f" in {len(self.values)} bands"
        if self.problem:
            return f"colour bar with {self.ticks} numbers: {self.problem}"
        return f"colour bar: depths {low:.6g} to {high:.6g}{unit}{bands}, by {self.ticks} numbers; {self.reason}"


@dataclass(frozen=True, eq=False)
class NamedEnds:
    """A colour bar whose ends are named.

    Attributes
    ----------
    colours : (N, 3) float64
        Red, green and blue along it.
    height : (N,) float64
        0 at the low end to 1 at the high one.
    words : str
        Both words, quoted.
    """

    colours: NDArray[np.float64]
    height: NDArray[np.float64]
    words: str


@dataclass(frozen=True)
class _Tick:
    """A number beside a strip: along it from `start` to `end`, across it from `near` to `far`, in pixels."""

    text: TextBox
    start: int
    end: int
    near: int
    far: int

    @property
    def middle(self) -> float:
        return (self.start + self.end - 1) / 2


def find_colour_bar(picture: RGB, map_box: Box, texts: Sequence[TextBox]) -> ColourBar | None:
    """Find the colour bar of a map: beside, below or inside its frame, upright or lying.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        The page.
    map_box : tuple[int, int, int, int]
        First row and column of the map, and the row and column behind the last ones.
    texts : Sequence[TextBox]
        Texts of the page, of `targets.pages.text.read_text`.

    Returns
    -------
    ColourBar | None
        None where no strip of the map's colours has at least three numbers on one scale, or two at its ends.
    """
    sample = _map_sample(picture, map_box)
    found = [
        (*_closeness(bar, map_box), bar)
        for is_lying in (False, True)
        for bar in _bars_along(picture, texts, is_lying)
        if _own_share(bar, sample) >= MIN_OWN_SHARE and not _has_numbers_of_frame(bar, map_box, is_lying)
    ]
    if not found:
        return None
    best = min(found, key=lambda item: (bool(item[-1].problem), -min(item[-1].ticks, 3), item[0]))[-1]
    return _with_direction(best, map_box, texts)


def find_named_ends(picture: RGB, map_box: Box, texts: Sequence[TextBox]) -> NamedEnds | None:
    """Find the colour bar of a map that has the words high and low, or shallow and deep, at its ends.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        The page.
    map_box : tuple[int, int, int, int]
        First row and column of the map, and the row and column behind the last ones.
    texts : Sequence[TextBox]
        Texts of the page.

    Returns
    -------
    NamedEnds | None
        None where no strip of the map's colours stands beside two such words.
    """
    highs, lows = ([text for text in texts if word.match(text.text.strip().casefold())][:MAX_WORDS]
                   for word in (HIGH_WORDS, LOW_WORDS))  # fmt: skip
    for high, low in product(highs, lows):
        # The bar of two numbers in the places of the words.
        bar = find_colour_bar(picture, map_box, (replace(high, text="1"), replace(low, text="0")))
        if bar is not None:
            height = np.clip(bar.values, 0, 1)
            return NamedEnds(bar.colours, height, f"{high.text.strip()!r} and {low.text.strip()!r}")
    return None


def colour_bar_between(
    picture: RGB, places: tuple[tuple[int, int], tuple[int, int]], numbers: Sequence[float], map_box: Box,
    texts: Sequence[TextBox] = (),
) -> ColourBar:  # fmt: skip
    """Read the colour bar that lies under two places, whose numbers are known.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        The page.
    places : tuple[tuple[int, int], tuple[int, int]]
        Column and row of both, above each other on an upright bar, else beside each other.
    numbers : Sequence[float]
        Of both places.
    map_box : tuple[int, int, int, int]
        As in `find_colour_bar`.
    texts : Sequence[TextBox], default ()
        Texts of the page, which may name the quantity.

    Returns
    -------
    ColourBar
        Of the whole strip, beyond the two places, too.

    Raises
    ------
    UserError
        A place lies outside the picture, both are one, or their numbers are.

    Examples
    --------
    >>> page = np.full((120, 60, 3), 255, np.uint8)
    >>> page[10:110, 40:50] = np.arange(100)[:, None, None] * [2, 1, 0] + [0, 0, 90]
    >>> bar = colour_bar_between(page, ((44, 20), (45, 100)), (1500, 1900), (0, 0, 120, 30))
    >>> bar.box, bar.span, bar.grows
    ((10, 40, 110, 50), (1450.0, 1945.0), 'down')
    """
    (x, y), (other_x, other_y) = places
    shape = f"{picture.shape[1]} x {picture.shape[0]}"
    if not all(0 <= col < picture.shape[1] and 0 <= row < picture.shape[0] for col, row in places):
        raise UserError("--colour_bar", f"a place outside the picture of {shape}", "places on the bar, in its pixels")
    is_lying = abs(other_x - x) > abs(other_y - y)
    page = np.ascontiguousarray(picture.transpose(1, 0, 2)) if is_lying else picture
    ends = (x, other_x) if is_lying else (y, other_y)
    if abs(ends[1] - ends[0]) < MIN_LENGTH // 2 or len(set(numbers)) < 2 or not all(map(math.isfinite, numbers)):
        raise UserError("--colour_bar", f"numbers {numbers[0]:g} and {numbers[1]:g}, {abs(ends[1] - ends[0])} pixels "
                        "apart", f"two numbers at places at least {MIN_LENGTH // 2} pixels apart")  # fmt: skip
    rows = (min(ends), max(ends) + 1)
    middle = round((y + other_y if is_lying else x + other_x) / 2)
    block = page[rows[0] : rows[1]].astype(np.int16)
    low, high = _constant_run(block, middle, -1)[1], _constant_run(block, middle, 1)[1] + 1
    top, bottom = _grow(page, low, high, rows)
    top, bottom = min(top, rows[0]), max(bottom, rows[1])
    slope = (numbers[1] - numbers[0]) / (ends[1] - ends[0])
    scale = TickScale(slope, numbers[0] - slope * ends[0], np.sort(np.array(ends, np.float64)),
                      np.sort(np.array(numbers, np.float64))[:: int(np.sign(slope))], 2)  # fmt: skip
    inner = max(0, (high - low) // 4)
    colours = np.median(page[top:bottom, low + inner : max(low + inner + 1, high - inner)].astype(np.float64), axis=1)
    colours, ink = _without_lines(colours)
    box = (low, top, high, bottom) if is_lying else (top, low, bottom, high)
    bar = ColourBar(box, colours[~ink], scale.value(np.arange(top, bottom))[~ink], Quantity(""), 2, None, "")
    return _with_direction(_banded(bar, scale, top), map_box, texts)


def _bars_along(picture: RGB, texts: Sequence[TextBox], is_lying: bool) -> Iterator[ColourBar]:
    """Bars along rows (upright), or along columns, in which case the page is turned over its diagonal."""
    page = np.ascontiguousarray(picture.transpose(1, 0, 2)) if is_lying else picture
    ticks = [
        _Tick(text, *((text.box[1], text.box[3], text.box[0], text.box[2]) if is_lying else
                      (text.box[0], text.box[2], text.box[1], text.box[3])))
        for text in texts if read_numbers(text.text)
    ]  # fmt: skip
    # Numbers of an axis may lie beside a bar, too: without its tick marks, or farther.
    nearest: list[tuple[tuple[bool, float], Box, ColourBar]] = []
    for group in _aligned_groups(ticks):
        for strip in _strips_beside(page, group):
            gap = not _has_marks(page, strip, group), _gap(strip, group)
            if any(_is_same(strip, other) and less <= gap for less, other, _ in nearest):
                continue
            if (bar := _read_strip(picture, page, strip, group, is_lying)) is not None:
                nearest = [item for item in nearest if not _is_same(strip, item[1])] + [(gap, strip, bar)]
    yield from (bar for _, _, bar in nearest)


def _has_marks(page: RGB, strip: Box, group: Sequence[_Tick]) -> bool:
    """Whether tick marks stand on the strip's side towards its numbers, at most of them."""
    top, low, bottom, high = strip
    is_behind = float(np.median([tick.near for tick in group])) >= high
    first, last = (high, high + MARK_REACH) if is_behind else (low - MARK_REACH, low)
    beside = page[top:bottom, max(0, first) : last].astype(np.int16)
    if not beside.size:
        return False
    away = np.abs(beside - np.median(beside, axis=0)).max(axis=(1, 2)) > INK_CONTRAST
    rows = [round(tick.middle) - top for tick in group if top <= tick.middle < bottom]
    marked = [bool(away[max(0, row - 2) : row + 3].any()) for row in rows]
    return away.mean() < MIN_EDGE and len(marked) > 0 and float(np.mean(marked)) > 0.5


def _is_same(one: Box, other: Box) -> bool:
    """Whether two strips are one: each holds the other's middle."""
    return all(
        second[axis] <= (first[axis] + first[axis + 2]) / 2 <= second[axis + 2]
        for first, second in ((one, other), (other, one))
        for axis in (0, 1)
    )


def _gap(strip: Box, group: Sequence[_Tick]) -> float:
    """Pixels between a strip on the upright page and the numbers beside it."""
    return float(np.median([max(tick.near - strip[3], strip[1] - tick.far) for tick in group]))


def _aligned_groups(ticks: Sequence[_Tick]) -> list[list[_Tick]]:
    """Numbers below each other, aligned by either edge or their middle; the larger groups first."""
    groups: dict[frozenset[int], list[_Tick]] = {}
    for seed in ticks:
        near = ALIGNED * max(6, seed.text.size)
        for edge in ("near", "far", "middle"):

            def place(tick: _Tick, edge: str = edge) -> float:
                return (tick.near + tick.far) / 2 if edge == "middle" else float(getattr(tick, edge))

            members = [n for n, tick in enumerate(ticks) if abs(place(tick) - place(seed)) <= near]
            if len(members) >= 2:
                groups[frozenset(members)] = [ticks[n] for n in members]
    return sorted(groups.values(), key=len, reverse=True)


def _strips_beside(page: RGB, group: Sequence[_Tick]) -> Iterator[Box]:
    """Strips (first row, first column, row and column behind) on either side of numbers, on an upright page."""
    size = max(tick.text.size for tick in group)
    reach = int(max(REACH * size, MIN_REACH))
    start, end = int(min(tick.middle for tick in group)), int(max(tick.middle for tick in group)) + 1
    if end - start < MIN_LENGTH // 2:
        return
    left, right = (int(np.median([getattr(tick, side) for tick in group])) for side in ("near", "far"))
    for first, step in ((left - 1, -1), (right, 1)):
        if (strip := _strip_from(page, first, step, reach, (start, end))) is not None:
            yield strip


def _strip_from(page: RGB, first: int, step: int, reach: int, rows: tuple[int, int]) -> Box | None:
    """The first strip that a way across the page meets between two rows."""
    width = page.shape[1]
    block = page[rows[0] : rows[1]].astype(np.int16)
    col = first
    while 0 <= col < width and abs(col - first) <= reach:
        same, far = _constant_run(block, col, step)
        low, high = min(col, far), max(col, far) + 1
        if same >= MIN_WIDTH and _has_edges(block, low, high) and _counts_colours(block[:, low:high]):
            top, bottom = _grow(page, low, high, rows)
            if bottom - top >= max(MIN_LENGTH, MIN_ASPECT * (high - low)):
                return top, low, bottom, high
        col += step * (same if same >= MIN_WIDTH else 1)
    return None


def _constant_run(block: NDArray[np.int16], col: int, step: int) -> tuple[int, int]:
    """Number of columns from one on whose colours are those of the first in most rows, and the last of them."""
    inner = min(max(col + step, 0), block.shape[1] - 1)
    first, count, last = block[:, inner], 1, col
    while 0 <= last + step < block.shape[1]:
        near = np.abs(block[:, last + step] - first).max(axis=1) <= SAME_COLOUR
        if near.mean() < MIN_CONSTANT:
            break
        last, count = last + step, count + 1
    return count, last


def _has_edges(block: NDArray[np.int16], low: int, high: int) -> bool:
    """Whether a strip is parted from what lies on both its sides, in most rows."""
    colour = np.median(block[:, low:high], axis=1)
    sides = ((max(0, low - EDGE_REACH), low), (high, min(high + EDGE_REACH, block.shape[1])))
    for one, other in sides:
        if other <= one:
            return False
        away = np.abs(block[:, one:other] - colour[:, None]).max(axis=(1, 2))
        if (away > EDGE_CONTRAST).mean() < MIN_EDGE:
            return False
    return True


def _counts_colours(strip: NDArray[np.int16]) -> bool:
    """Whether a strip (rows, columns, 3) has as many colours as a bar has."""
    colours = np.median(strip, axis=1)
    kept: list[NDArray[np.float64]] = []
    for colour in colours[:: max(1, len(colours) // 100)]:
        if all(np.abs(colour - other).max() > COLOUR_STEP for other in kept):
            kept.append(colour)
        if len(kept) >= MIN_COLOURS + 1:  # paper, or a line, may be one
            return True
    return False


def _grow(page: RGB, low: int, high: int, rows: tuple[int, int]) -> tuple[int, int]:
    """First row and row behind the last of a strip that was seen between two rows."""
    around = page[:, max(0, low - EDGE_REACH) : high + EDGE_REACH].astype(np.int16)
    left = low - max(0, low - EDGE_REACH)
    strip = around[:, left : left + high - low]
    colour = np.median(strip, axis=1)
    constant = (np.abs(strip - colour[:, None]).max(axis=2) <= 2 * SAME_COLOUR).mean(axis=1) >= 0.7
    beside = np.concatenate([around[:, :left], around[:, left + high - low :]], axis=1)
    parted = np.abs(beside - colour[:, None]).max(axis=(1, 2)) > EDGE_CONTRAST
    inside = constant & parted
    top, bottom = rows
    while top > 0 and inside[max(0, top - 1 - MAX_MARK) : top].any():
        top -= 1
    while bottom < len(inside) and inside[bottom : bottom + 1 + MAX_MARK].any():
        bottom += 1
    while top < bottom and not inside[top]:
        top += 1
    while bottom > top and not inside[bottom - 1]:
        bottom -= 1
    return top, bottom


def _read_strip(picture: RGB, page: RGB, strip: Box, group: Sequence[_Tick], is_lying: bool) -> ColourBar | None:
    """The bar of a strip on the upright page, with the numbers beside it."""
    top, low, bottom, high = strip
    margin = max(tick.text.size for tick in group)
    beside = [tick for tick in group if top - margin / 2 <= tick.middle <= bottom + margin / 2]
    if not is_lying:
        beside = [replace(tick, text=without_tick_mark(picture, tick.text, high)) for tick in beside]
    at = tick_places(_mark_strips(page, strip, beside), [tick.middle for tick in beside]).tolist()
    readings = [read_numbers(tick.text.text) for tick in beside]
    scale = fit_ticks(at, readings)
    if scale is None and len(beside) == 2 and abs(at[0] - at[1]) >= 0.85 * (bottom - top):
        scale = fit_ticks(at, readings, least=2)
    problem = ""
    if scale is None or _are_powers(beside):
        if scale is None and not is_logarithmic(at, readings):
            return None
        ends = np.argsort(at)[[0, -1]]
        values = [readings[n][0] for n in ends]
        slope = np.sign(values[1] - values[0]) or 1.0
        scale = TickScale(float(slope), 0.0, np.array(at)[ends], np.array(values), len(at))
        problem = "its scale is logarithmic, which no depth map has"
    rows = np.arange(top, bottom)
    inner = max(1, (high - low) // 4)
    colours = np.median(page[top:bottom, low + inner : max(low + inner + 1, high - inner)].astype(np.float64), axis=1)
    colours, ink = _without_lines(colours)
    box = (low, top, high, bottom) if is_lying else strip
    bar = ColourBar(box, colours[~ink], scale.value(rows)[~ink], Quantity(""), len(scale.values), None, "",
                    numbers=tuple(tick.text.box for tick in beside), problem=problem)  # fmt: skip
    return _banded(bar, scale, top) if not problem else bar


def _mark_strips(page: RGB, strip: Box, beside: Sequence[_Tick]) -> list[RGB]:
    """Where the marks of a strip's ticks may be, turned so that the strip runs along: outside and inside its edge."""
    _, low, _, high = strip
    is_behind = float(np.median([tick.near for tick in beside] or [high])) >= high
    outside = page[:, high : high + MARK_REACH] if is_behind else page[:, max(0, low - MARK_REACH) : low]
    inner = page[:, high - MARK_REACH : high - 1] if is_behind else page[:, low + 1 : low + MARK_REACH]
    away = np.abs(inner.astype(np.int16) - np.median(page[:, low:high], axis=1)[:, None])
    return [np.asarray(side.transpose(1, 0, 2), np.uint8) for side in (outside, np.minimum(away, 255))]


def _are_powers(beside: Sequence[_Tick]) -> bool:
    """Whether all numbers may be powers of ten whose exponents were read as their last digits: 100, 101, 102."""
    return all(POWER.fullmatch(normalize("NFKC", tick.text.text).strip()) for tick in beside)


def _without_lines(colours: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Colours (N, 3) along a strip, and where they are ink: thin lines across it, and an outline at its ends."""
    ink = np.zeros(len(colours), np.bool_)
    steps = np.abs(np.diff(colours, axis=0)).max(axis=1)
    jump = max(COLOUR_STEP, END_JUMP * float(np.median(steps)))
    for end, order in ((steps[:MAX_MARK], 1), (steps[::-1][:MAX_MARK], -1)):
        if (jumps := np.flatnonzero(end > jump)).size:
            ink[::order][: int(jumps[-1]) + 1] = True
    for width in (1, 2):
        before, behind = colours[: -width - 1], colours[width + 1 :]
        between = np.abs(before - behind).max(axis=1)
        for shift in range(1, width + 1):
            own = colours[shift : len(colours) - width - 1 + shift]
            away = np.minimum(np.abs(own - before).max(axis=1), np.abs(own - behind).max(axis=1))
            ink[shift : len(colours) - width - 1 + shift] |= (away > 3 * COLOUR_STEP) & (away > 2 * between)
    return colours, ink


def _banded(bar: ColourBar, scale: TickScale, first: int) -> ColourBar:
    """The bar with one colour a band where it is discrete, else as it is."""
    step = np.abs(np.diff(bar.colours, axis=0)).max(axis=1) > BAND_STEP
    limits = np.concatenate([[0], np.flatnonzero(step) + 1, [len(bar.colours)]])
    long = np.diff(limits) >= MIN_BAND
    if not MIN_COLOURS <= long.sum() <= MAX_BANDS or np.diff(limits)[long].sum() < 0.9 * len(bar.colours):
        return bar
    if np.median(np.diff(limits)[long]) < 2 * MIN_BAND:
        return bar
    starts, ends = limits[:-1][long], limits[1:][long]
    runs = [bar.colours[one:other] for one, other in zip(starts, ends, strict=True)]
    colours = np.array([np.median(run, axis=0) for run in runs])
    # A gradient without a visible step is no band.
    if any(np.abs(run - colour).max() > BAND_STEP for run, colour in zip(runs, colours, strict=True)):
        return bar
    half = (bar.values[1] - bar.values[0]) / 2
    inner = (bar.values[ends[:-1] - 1] + bar.values[starts[1:]]) / 2
    edges = np.concatenate([[bar.values[0] - half], inner, [bar.values[-1] + half]])
    return replace(bar, colours=colours, values=(edges[1:] + edges[:-1]) / 2, edges=edges)


def _map_sample(picture: RGB, map_box: Box) -> NDArray[np.float64]:
    """Some pixels (n, 3) of the map that are neither white nor black nor of the page's own colour."""
    row0, col0, row1, col1 = map_box
    pixels = picture[row0:row1, col0:col1].reshape(-1, 3).astype(np.float64)
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    is_page = np.abs(pixels - np.median(border, axis=0)).max(axis=1) <= SAME_COLOUR
    pixels = pixels[(pixels.min(axis=1) < 250) & (pixels.max(axis=1) > 5) & ~is_page]
    return pixels[:: max(1, len(pixels) // MAX_SAMPLE)]


def _own_share(bar: ColourBar, sample: NDArray[np.float64]) -> float:
    """Share of a map's pixels (n, 3) that have a colour of the bar."""
    if not len(sample):
        return 0.0
    colours = bar.colours[:: max(1, len(bar.colours) // 128)]
    nearest = np.min([((sample - colour) ** 2).sum(axis=1) for colour in colours], axis=0)
    return float((nearest <= OWN_DISTANCE**2).mean())


def _closeness(bar: ColourBar, map_box: Box) -> tuple[float]:
    """Pixels between a bar and the map, 0 where it lies inside."""
    gaps = [max(0, bar.box[axis] - map_box[axis + 2], map_box[axis] - bar.box[axis + 2]) for axis in (0, 1)]
    return (math.hypot(*gaps),)


def _has_numbers_of_frame(bar: ColourBar, map_box: Box, is_lying: bool) -> bool:
    """Whether a bar's numbers stand between it and the map, nearer to the map's frame: they are those of an axis."""
    across = 0 if is_lying else 1
    near, far = bar.box[across], bar.box[across + 2]
    is_nearer = []
    for box in bar.numbers:
        from_map = max(box[across] - map_box[across + 2], map_box[across] - box[across + 2])
        from_bar = max(box[across] - far, near - box[across + 2])
        is_nearer.append(-MIN_WIDTH <= from_map < from_bar)
    return bool(is_nearer) and float(np.mean(is_nearer)) > 0.5


def _with_direction(bar: ColourBar, map_box: Box, texts: Sequence[TextBox]) -> ColourBar:
    """The bar with the words near it, or else above the map, and the direction in which its numbers grow."""
    distances = ((_distance(bar.box, text), text) for text in texts)
    near = sorted(((far, text) for far, text in distances if far is not None), key=lambda item: item[0])
    titles = [text for text in texts if _is_title(text, map_box)]
    named = [name_quantity(text.text) for text in (*(text for _, text in near), *titles)]
    words = next((one for one in named if one.unit or one.grows or one.is_other), Quantity(""))
    behind = (unit_behind(text.text) for text in texts if read_numbers(text.text) and _is_beside(bar.box, text))
    unit = words.unit or next((one.unit for one in named if one.unit), None) or next(filter(None, behind), None)
    said = words.grows or (None if words.is_other else next((one.grows for one in named if one.grows), None))
    quantity = replace(words, unit=unit)
    low, high = float(bar.values.min()), float(bar.values.max())
    grows: Direction | None
    if high <= 0:
        grows, reason = "up", "its numbers are negative: they count upwards"
    elif said is not None:
        grows, reason = said, f"{words.words!r} says so" if words.grows else "the words of the page say so"
        reason = f"larger numbers are {'deeper' if said == 'down' else 'higher'}: {reason}"
    elif low >= MIN_DEPTH_SHARE * high:
        grows, reason = "down", "larger numbers are taken to be deeper"
    else:
        grows, reason = None, "nothing says whether larger numbers are deeper"
    problem = bar.problem
    if unit is not None and max(abs(low), abs(high)) * UNITS[unit].factor > MAX_DEPTH[UNITS[unit].kind]:
        problem = f"numbers up to {max(low, high, key=abs):g} {unit} are no depths"
    return replace(bar, quantity=quantity, grows=grows, reason=reason, problem=problem)


def _is_beside(box: Box, text: TextBox) -> bool:
    """Whether a text stands beside a bar, between its ends."""
    along = int(box[3] - box[1] > box[2] - box[0])
    gap = max(text.box[1 - along] - box[3 - along], box[1 - along] - text.box[3 - along])
    return box[along] <= text.centre[along] <= box[along + 2] and gap <= WORDS_REACH * max(10, text.size)


def _distance(box: Box, text: TextBox) -> float | None:
    """Pixels between a bar and words near it; None of numbers and of words farther away."""
    if read_numbers(text.text) or len(text.text) < 1:
        return None
    gaps = [max(0, text.box[axis] - box[axis + 2], box[axis] - text.box[axis + 2]) for axis in (0, 1)]
    distance = math.hypot(*gaps)
    return distance if distance <= WORDS_REACH * max(10, text.size) else None


def _is_title(text: TextBox, map_box: Box) -> bool:
    """Whether words stand above a map."""
    row, col = text.centre
    return not read_numbers(text.text) and row < map_box[0] + text.size and map_box[1] <= col <= map_box[3]
