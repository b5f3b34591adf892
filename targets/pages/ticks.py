"""Scale through numbered ticks: values as a straight line over pixels, by a robust fit against misread numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from targets.pages.numbers import MINUS_SIGNS
from targets.pages.text import TextBox
from targets.rendering.palettes import RGB

MAX_OFFSET = 2.5  # pixels between a number's middle and its tick, or
MAX_OFFSET_SHARE = 0.12  # of the distance between neighbouring ticks, whichever is less
MIN_TICKS = 3  # that agree
MIN_SHARE = 0.5  # of the numbers along a scale must agree with it
MAX_TICKS = 60  # along one scale; more are no ticks
INK_CONTRAST = 60  # grey levels between ink and its ground
MIN_MARK, MAX_MARK_OFFSET = 2, 4.0  # pixels, of a mark's length, and between a mark and the middle of its number
MAX_OUTLINE = 3  # pixels, of the outline of a strip
MAX_SIGN_HEIGHT = 0.4  # of the height of digits, the height of a minus sign
MIN_SLOPE = 1e-12  # value a pixel; equal numbers are no scale
MIN_LENGTH = 12.0  # pixels between the first and the last tick


@dataclass(frozen=True, eq=False)
class TickScale:
    """A linear scale along rows or columns.

    Attributes
    ----------
    slope : float
        Value a pixel, not 0.
    offset : float
        Value at the middle of pixel 0.
    positions, values : (n,) float64
        Pixels and values of the ticks that agree, by position.
    found : int
        Number of texts that could be ticks.
    """

    slope: float
    offset: float
    positions: NDArray[np.float64]
    values: NDArray[np.float64]
    found: int

    def value(self, position: NDArray | float) -> NDArray[np.float64]:
        """Value at pixels of any shape."""
        return np.asarray(position, np.float64) * self.slope + self.offset

    @property
    def step(self) -> float:
        """Least difference of two neighbouring values, above 0."""
        return float(np.abs(np.diff(self.values)).min())

    def shifted(self, by: float) -> "TickScale":
        """The scale with a constant added to its values."""
        return TickScale(self.slope, self.offset + by, self.positions, self.values + by, self.found)


def fit_ticks(
    positions: Sequence[float], readings: Sequence[tuple[float, ...]], least: int = MIN_TICKS
) -> TickScale | None:
    """Fit a straight scale through numbered ticks, of which some may be misread.

    Every pair of readings proposes a scale; the one on which most ticks lie wins (RANSAC of Fischler and Bolles 1981,
    over all pairs), likelier readings of a text before others.

    Parameters
    ----------
    positions : Sequence[float]
        Pixels of the ticks along the scale.
    readings : Sequence[tuple[float, ...]]
        The values that each may have, the likeliest first.
    least : int, default MIN_TICKS
        Ticks that must agree.

    Returns
    -------
    TickScale | None
        None where too few agree.

    Examples
    --------
    >>> scale = fit_ticks([0, 10, 20, 30], [(1000.0,), (1010.0,), (7020.0,), (1030.0,)])
    >>> round(scale.slope, 6), scale.values.tolist()
    (1.0, [1000.0, 1010.0, 1030.0])
    >>> fit_ticks([0, 10, 20], [(1.0,), (10.0,), (100.0,)]) is None
    True
    """
    places = np.asarray(positions, np.float64)
    order = np.argsort(places)[:MAX_TICKS]
    ticks = [(float(places[i]), readings[i]) for i in order if readings[i]]
    if len(ticks) < max(2, least):
        return None
    at = np.array([place for place, _ in ticks])
    width = max(len(values) for _, values in ticks)
    values = np.array([[*own, *[np.nan] * (width - len(own))] for _, own in ticks])
    gaps = np.diff(at)
    gap = float(np.median(gaps[gaps > 1])) if (gaps > 1).any() else 0.0
    tolerance = min(MAX_OFFSET, MAX_OFFSET_SHARE * gap)
    best: tuple[float, float] | None = None
    chosen = np.zeros(values.shape, np.bool_)
    for i, j in combinations(range(len(at)), 2):
        if at[j] - at[i] < max(MIN_LENGTH, gap / 2):
            continue
        for a in ticks[i][1]:
            for b in ticks[j][1]:
                slope = (b - a) / (at[j] - at[i])
                if abs(slope) < MIN_SLOPE:
                    continue
                off = np.abs(values - (a + slope * (at - at[i]))[:, None]) / abs(slope)
                agrees = off <= tolerance
                rank = np.where(agrees.any(axis=1), agrees.argmax(axis=1), width)
                error = float(np.nansum(np.where(agrees, off, np.nan)))
                score = (float(agrees.any(axis=1).sum()) - 0.01 * float(rank[agrees.any(axis=1)].sum()), -error)
                if best is None or score > best:
                    best, chosen = score, agrees
    if best is None:
        return None
    rows = np.flatnonzero(chosen.any(axis=1))
    kept = values[rows, chosen[rows].argmax(axis=1)]
    if len(rows) < least or len(rows) < MIN_SHARE * len(ticks) or len(np.unique(kept)) < len(rows):
        return None
    slope, offset = np.polyfit(at[rows], kept, 1)
    return TickScale(float(slope), float(offset), at[rows], kept, len(ticks))


def is_logarithmic(positions: Sequence[float], readings: Sequence[tuple[float, ...]]) -> bool:
    """Whether numbers along a scale grow by a factor, not by a step: ticks of a logarithmic scale.

    Examples
    --------
    >>> is_logarithmic([0, 10, 20], [(1.0,), (10.0,), (100.0,)]), is_logarithmic([0, 10, 20], [(1.0,), (2.0,), (3.0,)])
    (True, False)
    """
    logarithms = [tuple(float(np.log10(v)) for v in values[:1] if v > 0) for values in readings]
    return fit_ticks(positions, readings) is None and fit_ticks(positions, logarithms) is not None


def without_tick_mark(picture: RGB, text: TextBox, edge: int) -> TextBox:
    """A number with the sign that stands before it, not the one that recognition made of its tick mark.

    A mark begins at the strip or frame that it belongs to; a sign stands free.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        The page.
    text : TextBox
        A number right of a strip or frame.
    edge : int
        The column behind that strip or frame, whose outline may follow.

    Returns
    -------
    TextBox
        The text itself where it has no sign.
    """
    row0, col0, row1, col1 = text.box
    bare = text.text.lstrip(f"{MINUS_SIGNS}•· ")
    if bare == text.text or col0 < edge:
        return text
    around = picture[row0:row1, edge:col1].astype(np.int16)
    ground = np.median(around[:, max(0, col0 - edge) :].reshape(-1, 3), axis=0)
    heights = (np.abs(around - ground).max(axis=2) > INK_CONTRAST).sum(axis=0)
    ink = heights > 0
    steps = np.flatnonzero(np.diff(np.concatenate([[0], ink.astype(np.int8), [0]])))
    runs = [(int(start), int(end)) for start, end in zip(steps[::2], steps[1::2], strict=True)]
    if runs and runs[0][0] <= MAX_OUTLINE:
        runs = runs[1:]  # the outline, and the mark on it
    has_sign = bool(runs) and heights[slice(*runs[0])].max() <= MAX_SIGN_HEIGHT * (row1 - row0)
    return replace(text, text=f"-{bare}" if has_sign else bare)


def tick_places(strips: Sequence[RGB], places: Sequence[float]) -> NDArray[np.float64]:
    """Pixels of ticks: of their marks, where most numbers have one; the others as far from their number as most marks.

    Parameters
    ----------
    strips : Sequence[(k, n, 3) uint8]
        Where marks may be, the likeliest first: between a frame and its numbers, or inside the frame; the axis along n.
    places : Sequence[float]
        Middles (m,) of the numbers.

    Returns
    -------
    (m,) float64
    """
    middles = np.asarray(places, np.float64)
    for strip in strips:
        marks = find_marks(strip, places)
        if np.isfinite(marks).any():
            return np.where(np.isfinite(marks), marks, middles + np.nanmedian(marks - middles))
    return middles


def find_marks(strip: RGB, places: Sequence[float]) -> NDArray[np.float64]:
    """Find the tick marks of numbers: ink on a strip between a frame and its numbers, nearest to each number's middle.

    Parameters
    ----------
    strip : (k, n, 3) uint8
        Pixels, the axis along n.
    places : Sequence[float]
        Middles (m,) of the numbers.

    Returns
    -------
    (m,) float64
        Middles of the marks; NaN where there is none, all NaN where most numbers have none.

    Examples
    --------
    >>> strip = np.full((6, 100, 3), 255, np.uint8)
    >>> strip[:4, 20] = strip[:4, 70] = 0
    >>> find_marks(strip, [21.5, 69.0]).tolist()
    [20.0, 70.0]
    """
    found = np.full(len(places), np.nan)
    if min(strip.shape[:2]) == 0:
        return found
    away = np.abs(strip.astype(np.int16) - np.median(strip, axis=1)[:, None]).max(axis=2)
    dark = np.where(away > INK_CONTRAST, away, 0)
    weight = np.where((dark > 0).sum(axis=0) >= min(MIN_MARK, len(strip)), dark.sum(axis=0), 0).astype(np.float64)
    for number, place in enumerate(places):
        first = max(0, math.ceil(place - MAX_MARK_OFFSET))
        near = weight[first : math.floor(place + MAX_MARK_OFFSET) + 1]
        if near.any():
            best = int(near.argmax())
            low, high = max(0, best - 1), best + 2
            found[number] = first + np.average(np.arange(low, low + len(near[low:high])), weights=near[low:high])
    return found if np.isfinite(found).sum() > len(places) / 2 else np.full(len(places), np.nan)
