"""Axes of a map on a page: location and cell size from the numbers along its frame, without a rotation."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations

import numpy as np

from targets.pages.colour_bar import ColourBar
from targets.pages.numbers import name_quantity, read_numbers
from targets.pages.text import Box, TextBox
from targets.pages.ticks import MIN_TICKS, TickScale, fit_ticks, tick_places, without_tick_mark
from targets.rendering.palettes import RGB
from targets.scene import Bool, GeoReference
from targets.units.columns import format_number
from targets.units.names import UNITS

REACH, MIN_REACH = 3.5, 40  # heights of letters, and pixels, between a frame and its numbers
FRAME_WIDTH, MARK_REACH = 2, 8  # pixels, of a frame's line, and from it as far as its tick marks are looked for
TITLE_REACH = 6.0  # heights of letters between numbers and the words of their axis
BEYOND = 1.0  # heights of letters, that the middle of a number may lie beyond the frame's corner
IN_LINE = 1.0  # heights of letters between the middles of the numbers of an axis, across it
SAME_SCALE = 0.03  # relative difference of two axes that show one scale
MAX_STRETCH = 30.0  # of one axis against the other; more are other units, or a factor that was not read
UTM_EASTING, UTM_NORTHING = (1e5, 1e6), (1e5, 1.01e7)  # metres

# Degrees between two axes of a view in perspective, and from rows and columns; numbers along each, and how unevenly
# they may stand. Angles of a polar plot, and how far off a circle they may stand.
MIN_APART, MIN_ASLANT, MIN_ASLANT_NUMBERS, MAX_UNEVEN, MAX_NUMBERS = 20.0, 12.0, 4, 0.25, 80
MIN_ANGLES, MAX_OFF_CIRCLE, ANGLE = 5, 0.15, re.compile(r"(\d{1,3})\s?°")

OFFSET = re.compile(
    r"(?:[1li]?[x×]?[1li]?(?:10\^?|[1li]?e\+?)(?P<power>\d{1,2}))?\s*(?P<sum>[+-]\s?\d[\d.]*(?:e\+?\d{1,2})?)?\Z"
)
INDEX = re.compile(
    r"in-?line|cross-?line|x-?line|\bil\b|\bxl\b|trace|\bcdp\b|\brows?\b|\bcol(umn)?s?\b|pixel|index|\bcells?\b|"
    r"\b[ij]\b|shot|\bline\b|sample"
)
DEGREES = re.compile(r"\d\s?°")
LONGITUDE = re.compile(r"\blon|\blat|degree|°")


@dataclass(frozen=True, eq=False)
class PageAxes:
    """The axes of a map on a page.

    Attributes
    ----------
    x, y : TickScale | None
        Map coordinates over columns and over rows of the page; None where the numbers do not agree on a scale.
    xy_unit : str | None
        Their unit; None where the page names none and their size tells none.
    lack : str
        Why they give no location; empty where they do.
    assumed : str, default ''
        Where the unit comes from, if the page does not name it.
    """

    x: TickScale | None
    y: TickScale | None
    xy_unit: str | None
    lack: str
    assumed: str = ""

    @property
    def is_location(self) -> bool:
        """Whether the axes say where the map lies."""
        return not self.lack

    @property
    def sentence(self) -> str:
        """What was understood, for people."""
        spans = [
            f"{name} {format_number(float(scale.values[0]), 9)} to {format_number(float(scale.values[-1]), 9)}"
            for name, scale in (("x", self.x), ("y", self.y)) if scale is not None
        ]  # fmt: skip
        said = f"axes: {', '.join(spans)}" if spans else "axes"
        if self.lack:
            return f"{said}: not used, {self.lack}"
        assert self.x is not None and self.y is not None
        unit = f" {self.xy_unit}" if self.xy_unit else ", unit unknown (--xy_unit)"
        sides = f"{format_number(abs(self.x.slope), 3)} x {format_number(abs(self.y.slope), 3)}"
        return f"{said}{unit}{f' ({self.assumed})' if self.assumed else ''}; cells of {sides}"

    def georeference(self, first_row: int = 0, first_col: int = 0, geo: GeoReference | None = None) -> GeoReference:
        """The location of a map whose first cell lies in a row and column of the page.

        Parameters
        ----------
        first_row, first_col : int, default 0
            Of the page.
        geo : GeoReference | None, default None
            What else is known of the map: its coordinate system, its depths.

        Returns
        -------
        GeoReference
            `geo` itself where the axes give no location.
        """
        geo = GeoReference() if geo is None else geo
        if self.x is None or self.y is None or not self.is_location:
            return geo
        return replace(geo, x0=float(self.x.value(first_col)), y0=float(self.y.value(first_row)), dx=self.x.slope,
                       dy=self.y.slope, xy_unit=geo.xy_unit or self.xy_unit)  # fmt: skip


def read_axes(
    picture: RGB, map_box: Box, texts: Sequence[TextBox], bar: ColourBar | None = None, others: Sequence[Box] = ()
) -> PageAxes | None:
    """Read the axes along the frame of a map.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        The page.
    map_box : tuple[int, int, int, int]
        First row and column of the frame, and the row and column behind the last ones.
    texts : Sequence[TextBox]
        Texts of the page.
    bar : ColourBar | None, default None
        The colour bar, whose numbers are none of an axis.
    others : Sequence[tuple[int, int, int, int]], default ()
        Frames of the page's other panels, which may share numbers: of columns with those below or above, of rows with
        those beside.

    Returns
    -------
    PageAxes | None
        None where no axis has numbers.

    Examples
    --------
    >>> texts = [TextBox(str(450000 + 1000 * n), (212, 40 + 50 * n, 222, 60 + 50 * n)) for n in range(4)]
    >>> texts += [TextBox(str(6780000 - 1000 * n), (45 + 50 * n, 5, 55 + 50 * n, 40)) for n in range(4)]
    >>> axes = read_axes(np.full((240, 260, 3), 255, np.uint8), (40, 45, 205, 210), texts)
    >>> geo = axes.georeference(50, 50)
    >>> round(geo.x0), round(geo.y0), geo.dx, geo.dy, geo.xy_unit
    (450010, 6779990, 20.0, -20.0, 'm')
    """
    own = [text for text in texts if bar is None or text.box not in bar.numbers]
    x, y = (_shared_scale(picture, map_box, own, is_x, others) for is_x in (True, False))
    if x is None and y is None:
        return None
    x, y = _trusted(x, y), _trusted(y, x)
    of_bar = "" if bar is None else bar.quantity.words
    words = [" ".join(name.casefold().split()) for name in _titles(map_box, own) if name != of_bar]
    words += [text.text for text in own if DEGREES.search(text.text)]
    unit, assumed = _unit(x, y, words)
    return PageAxes(x, y, unit, _lack(x, y, words), assumed)


def name_other_view(texts: Sequence[TextBox], inside: Bool) -> str:
    """Name the view whose axes no map has: a surface in perspective, or a plot in polar coordinates.

    Parameters
    ----------
    texts : Sequence[TextBox]
        Texts of the page.
    inside : (H, W) bool
        Its map, whose own labels count for nothing.

    Returns
    -------
    str
        Empty for a map.

    Examples
    --------
    >>> beside = np.zeros((90, 90), bool)
    >>> aslant = [TextBox(str(10 * n), (40 + 8 * n, 10 + 9 * n, 46 + 8 * n, 16 + 9 * n)) for n in range(4)]
    >>> aslant += [TextBox(str(20 * n), (72 - 8 * n, 46 + 9 * n, 78 - 8 * n, 52 + 9 * n)) for n in range(4)]
    >>> name_other_view(aslant, beside)
    'a view in perspective: its axes run aslant'
    >>> name_other_view(aslant[:4], beside)
    ''
    """
    outside = [text for text in texts if not inside[tuple(round(place) for place in text.centre)]]
    if _are_round_a_circle(outside):
        return "a plot in polar coordinates: its angles stand round a circle"
    directions = [angle % 180 for angle in _aslant_rows(outside)]
    apart = [abs((one - other + 90) % 180 - 90) for one, other in combinations(directions, 2)]
    return "a view in perspective: its axes run aslant" if max(apart, default=0.0) >= MIN_APART else ""


def _are_round_a_circle(texts: Sequence[TextBox]) -> bool:
    """Whether degrees, multiples of 15, stand round a circle."""
    found = {}
    for text in texts:
        if (match := ANGLE.fullmatch(text.text.strip())) and int(match[1]) % 15 == 0 and int(match[1]) < 360:
            found[int(match[1])] = text.centre
    if len(found) < MIN_ANGLES or max(found) - min(found) < 180:
        return False
    places = np.array(list(found.values()))
    ends = np.stack([places.min(axis=0), places.max(axis=0)])
    away = np.hypot(*(places - ends.mean(axis=0)).T)
    return bool(np.ptp(ends, axis=0).min() > 0 and away.std() <= MAX_OFF_CIRCLE * away.mean())


def _aslant_rows(texts: Sequence[TextBox]) -> list[float]:
    """Directions in degrees of rows of evenly spaced numbers that run neither along rows nor along columns."""
    numbers = [
        (np.array(text.centre), values[0]) for text in texts[:MAX_NUMBERS] if (values := read_numbers(text.text))
    ]
    directions = []
    for (start, value), (place, second) in permutations(numbers, 2):
        step, rise = place - start, second - value
        angle = float(np.degrees(np.arctan2(step[0], step[1])))
        if rise == 0 or min(angle % 90, 90 - angle % 90) < MIN_ASLANT:
            continue
        count = 2
        while count < MIN_ASLANT_NUMBERS:
            near = [at for at, number in numbers if abs(number - second - rise) <= 1e-6 * abs(rise)
                    and np.hypot(*(at - place - step)) <= MAX_UNEVEN * np.hypot(*step)]  # fmt: skip
            if not near:
                break
            step, place, second, count = near[0] - place, near[0], second + rise, count + 1
        if count == MIN_ASLANT_NUMBERS:
            directions.append(angle)
    return directions


def _shared_scale(
    picture: RGB, map_box: Box, texts: Sequence[TextBox], is_x: bool, others: Sequence[Box]
) -> TickScale | None:
    """The scale along a frame, or along one of the others that is in line with it."""
    along = 1 if is_x else 0
    in_line = [box for box in others if all(abs(box[k] - map_box[k]) <= FRAME_WIDTH for k in (along, along + 2))]
    found = (_best_scale(picture, box, texts, is_x) for box in (map_box, *in_line))
    return next((scale for scale in found if scale is not None), None)


def _sides(picture: RGB, map_box: Box, texts: Sequence[TextBox], is_x: bool) -> Iterator[list[TextBox]]:
    """Numbers along the lower and upper, or the left and right side of a frame, line by line, the nearest first."""
    along, across = (1, 0) if is_x else (0, 1)
    for is_behind in (is_x, not is_x):
        beside: list[TextBox] = []
        for text in texts:
            if not is_behind or is_x:
                number = text
            else:
                number = without_tick_mark(picture, text, map_box[3])
            gap = text.box[across] - map_box[across + 2] if is_behind else map_box[across] - text.box[across + 2]
            reach, beyond = max(REACH * text.size, MIN_REACH), BEYOND * text.size
            is_along = map_box[along] - beyond <= text.centre[along] <= map_box[along + 2] + beyond
            if read_numbers(number.text) and -text.size / 2 <= gap <= reach and is_along:
                beside.append(number)
        edge = _edge_of(across, is_behind)
        beside.sort(key=edge)
        while beside:
            nearest = edge(beside[0])
            line = [text for text in beside if edge(text) - nearest <= IN_LINE * text.size]
            yield line
            beside = [text for text in beside if text not in line]


def _edge_of(across: int, is_behind: bool) -> Callable[[TextBox], float]:
    """The distance of a number's near edge from some origin, larger away from the frame."""
    return lambda text: float(text.box[across] if is_behind else -text.box[across + 2])


def _best_scale(picture: RGB, map_box: Box, texts: Sequence[TextBox], is_x: bool) -> TickScale | None:
    """The scale of the first line of numbers on which three agree, with what is written once for all of them."""
    best: TickScale | None = None
    for line in _sides(picture, map_box, texts, is_x):
        places = [text.centre[1 if is_x else 0] for text in line]
        places = tick_places([_strip_to(picture, map_box, line, is_x)], places).tolist()
        scale = fit_ticks(places, [read_numbers(text.text) for text in line], least=2)
        if scale is not None and (best is None or len(scale.values) > len(best.values)):
            best = scale
        if best is not None and len(best.values) >= MIN_TICKS:
            break
    return None if best is None else _with_offset(best, map_box, texts, is_x)


def _strip_to(picture: RGB, map_box: Box, line: Sequence[TextBox], is_x: bool) -> RGB:
    """Pixels (k, n, 3) between a side of a frame and the numbers along it, turned so that the axis runs along n."""
    across = 0 if is_x else 1
    near, far = min(text.box[across] for text in line), max(text.box[across + 2] for text in line)
    is_behind = near >= map_box[across + 2] - 1
    if is_behind:
        start = map_box[across + 2] - FRAME_WIDTH
        end = min(near, start + MARK_REACH)
    else:
        end = map_box[across] + FRAME_WIDTH
        start = max(0, far, end - MARK_REACH)
    strip = (picture[start:end] if is_x else picture[:, start:end].transpose(1, 0, 2)).copy()
    first, last = map_box[1 - across] - 1, map_box[3 - across] + 1  # the ground beyond the corners is no mark
    inner = np.median(strip[:, max(0, first) : last], axis=1)[:, None]
    strip[:, : max(0, first)] = inner
    strip[:, last:] = inner
    return strip


def _with_offset(scale: TickScale, map_box: Box, texts: Sequence[TextBox], is_x: bool) -> TickScale:
    """A scale with the factor and the sum that programs write once for all numbers of an axis: 1e6, +5.93e6."""
    for text in texts:
        plain = text.text.strip().lower().replace("−", "-").replace(" ", "")
        found = OFFSET.fullmatch(plain)
        if found is None or not plain or (found["power"] is None and found["sum"] is None):
            continue
        if plain.isdigit() and _stands_in_row(text, texts):
            continue  # 1100 of another axis is no power of ten
        row, col = text.centre
        near = TITLE_REACH * text.size
        is_at_end = (
            row > map_box[2] and abs(map_box[3] - col) <= near if is_x else
            row < map_box[0] + text.size / 2 and map_box[0] - row <= near and abs(col - map_box[1]) <= near
        )  # fmt: skip
        if is_at_end:
            factor = 10.0 ** int(found["power"]) if found["power"] else 1.0
            more = float(found["sum"]) if found["sum"] else 0.0
            return TickScale(scale.slope * factor, scale.offset * factor + more, scale.positions,
                             scale.values * factor + more, scale.found)  # fmt: skip
    return scale


def _stands_in_row(text: TextBox, texts: Sequence[TextBox]) -> bool:
    """Whether other numbers stand in a text's row."""
    row = [other for other in texts if other is not text and abs(other.centre[0] - text.centre[0]) <= text.size / 2]
    return any(read_numbers(other.text) for other in row)


def _trusted(scale: TickScale | None, other: TickScale | None) -> TickScale | None:
    """A scale with enough numbers: three, or two where the other axis shows the same scale."""
    if scale is None or len(scale.values) >= MIN_TICKS:
        return scale
    if other is None or len(other.values) < MIN_TICKS:
        return None
    return scale if abs(abs(scale.slope / other.slope) - 1) <= SAME_SCALE else None


def _titles(map_box: Box, texts: Sequence[TextBox]) -> list[str]:
    """Words below and left of a frame that name no depth: the names of axes."""
    row0, col0, row1, col1 = map_box
    found = []
    for text in texts:
        row, col = text.centre
        near = TITLE_REACH * text.size + MIN_REACH
        is_below = row1 <= row <= row1 + near and col0 <= col <= col1
        is_left = row0 <= row <= row1 and col0 - 1.5 * near <= col <= col0
        quantity = name_quantity(text.text)
        if (is_below or is_left) and not read_numbers(text.text) and not quantity.grows and not quantity.is_other:
            found.append(text.text)
    return found


def _unit(x: TickScale | None, y: TickScale | None, words: Sequence[str]) -> tuple[str | None, str]:
    """Unit of the map coordinates, and where it comes from if no words name it."""
    for title in words:
        if LONGITUDE.search(title):
            return "degrees", ""
        unit = name_quantity(title).unit
        if unit is not None and UNITS[unit].kind == "length":
            return unit, ""
    if x is None or y is None:
        return None, ""
    is_utm = all(
        low <= abs(value) <= high
        for scale, (low, high) in ((x, UTM_EASTING), (y, UTM_NORTHING))
        for value in (scale.values.min(), scale.values.max())
    )
    return ("m", "by their size, as of UTM") if is_utm else (None, "")


def _lack(x: TickScale | None, y: TickScale | None, words: Sequence[str]) -> str:
    """Why two scales give no location; empty where they do."""
    if x is None or y is None:
        return f"the {'x' if x is None else 'y'} axis has no three numbers on one scale"
    if found := next((match[0] for title in words if (match := INDEX.search(title))), None):
        return f"they count {found!r}, no lengths"
    if y.slope > 0:
        return "y grows downwards: rows, or a map upside down"
    if x.slope < 0:
        return "x grows to the left"
    stretch = abs(x.slope / y.slope)
    if not 1 / MAX_STRETCH <= stretch <= MAX_STRETCH:
        return f"one counts {format_number(max(stretch, 1 / stretch), 3)} times as fast as the other"
    return ""
