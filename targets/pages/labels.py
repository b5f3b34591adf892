"""Contour labels of a map: their values and interval, and the depths and direction that they give its colours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import theilslopes

from targets.pages.numbers import read_numbers
from targets.pages.text import Box, TextBox
from targets.scene import Bool, Float

MIN_LABELS = 4  # that agree; fewer numbers on a map may be names of wells
MIN_VALUES = 3  # different ones
MIN_SHARE = 0.7  # of the numbers on a map that are multiples of the interval
MAX_OFF = 5.0  # median deviations from the median; labels farther off are misread
MIN_DIGITS = 2  # of a label: single ones are wells and faults
MIN_SCORE = 0.75  # of the recognition
NICE = (5.0, 2.5, 2.0, 1.0)  # times a power of ten: steps between contours
MAX_LEVELS = 200  # from the lowest to the highest label
RING = (2, 7)  # pixels round a label where the map's colour is that of its level
MIN_CORRELATION = 0.9  # of labels with a relative depth


@dataclass(frozen=True)
class ContourLabels:
    """The labels of the contours of a map.

    Attributes
    ----------
    boxes : tuple[tuple[int, int, int, int], ...]
        First row and column of each label, and the row and column behind the last ones.
    values : tuple[float, ...]
        Their numbers, as written.
    interval : float
        Largest common step of the values: that of the labelled contours, a multiple of the contour interval.
    """

    boxes: tuple[Box, ...]
    values: tuple[float, ...]
    interval: float

    @property
    def sentence(self) -> str:
        """What was understood, for people."""
        low, high = min(self.values), max(self.values)
        return f"contour labels: {len(self.values)} from {low:g} to {high:g}, every {self.interval:g}"


@dataclass(frozen=True)
class LabelScale:
    """Depths of a surface of unknown scale, by its contour labels.

    Attributes
    ----------
    slope, offset : float
        Number of the labels = slope times the surface + offset.
    correlation : float
        Between the surface and the labels, -1 to 1.
    """

    slope: float
    offset: float
    correlation: float


def read_labels(map_box: Box, texts: Sequence[TextBox]) -> ContourLabels | None:
    """Find the contour labels among the texts on a map.

    Parameters
    ----------
    map_box : tuple[int, int, int, int]
        First row and column of the map, and the row and column behind the last ones.
    texts : Sequence[TextBox]
        Texts of the page.

    Returns
    -------
    ContourLabels | None
        None where no four numbers on the map are multiples of one step.

    Examples
    --------
    >>> texts = [TextBox(str(1500 + 50 * n), (20 + 9 * n, 30, 28 + 9 * n, 55)) for n in range(4)]
    >>> read_labels((0, 0, 90, 90), texts).sentence
    'contour labels: 4 from 1500 to 1650, every 50'
    """
    inside = [text for text in texts if _is_label(text, map_box)]
    everyone = np.array([read_numbers(text.text)[0] for text in inside])
    off = np.abs(everyone - np.median(everyone)) if len(inside) else everyone
    usual = off <= MAX_OFF * max(float(np.median(off)) if len(off) else 0.0, 1e-9)
    inside = [text for text, keep in zip(inside, usual, strict=True) if keep]
    numbers = everyone[usual].tolist()
    interval = _common_step(numbers)
    if interval is None:
        return None
    kept = [(text.box, value) for text, value in zip(inside, numbers, strict=True) if _is_multiple(value, interval)]
    values = tuple(value for _, value in kept)
    if len(kept) < MIN_LABELS or len(set(values)) < MIN_VALUES:
        return None
    return ContourLabels(tuple(box for box, _ in kept), values, interval)


def _is_label(text: TextBox, map_box: Box) -> bool:
    row, col = text.centre
    is_inside = map_box[0] < row < map_box[2] and map_box[1] < col < map_box[3]
    digits = sum(letter.isdigit() for letter in text.text)
    return is_inside and text.score >= MIN_SCORE and digits >= MIN_DIGITS and bool(read_numbers(text.text))


def _common_step(numbers: Sequence[float]) -> float | None:
    """The largest nice step of which most numbers are multiples."""
    different = sorted(set(numbers))
    if len(different) < MIN_VALUES:
        return None
    span = different[-1] - different[0]
    for power in range(math.floor(math.log10(max(span, 1e-6))), -4, -1):
        for nice in NICE:
            step = nice * 10.0**power
            if span / step > MAX_LEVELS:
                return None
            if step <= span and np.mean([_is_multiple(value, step) for value in numbers]) >= MIN_SHARE:
                return step
    return None


def _is_multiple(value: float, step: float) -> bool:
    return abs(value / step - round(value / step)) < 1e-6


def values_around_labels(labels: ContourLabels, inside: Bool) -> Float:
    """Spread each label's number over the pixels round it, which have the colour of its contour.

    Parameters
    ----------
    labels : ContourLabels
        Labels of the map.
    inside : (H, W) bool
        The map.

    Returns
    -------
    (H, W) float32
        NaN elsewhere, and under the labels themselves.
    """
    plane = np.full(inside.shape, np.nan, np.float32)
    first, last = RING
    for (row0, col0, row1, col1), value in zip(labels.boxes, labels.values, strict=True):
        plane[max(0, row0 - last) : row1 + last, max(0, col0 - last) : col1 + last] = value
    for row0, col0, row1, col1 in labels.boxes:
        plane[max(0, row0 - first) : row1 + first, max(0, col0 - first) : col1 + first] = np.nan
    plane[~inside] = np.nan
    return plane


def scale_by_labels(surface: NDArray[np.floating], labels: ContourLabels) -> LabelScale | None:
    """Find the straight line between a surface and the labels on it, whatever single labels say.

    The slope is the median over all pairs of labels (Theil 1950, Sen 1968).

    Parameters
    ----------
    surface : (H, W) float
        In any unit, either way up; NaN outside the map.
    labels : ContourLabels
        Its labels.

    Returns
    -------
    LabelScale | None
        None where the surface does not follow the labels.

    Examples
    --------
    >>> surface = np.repeat(np.linspace(0, 1, 101)[:, None], 50, axis=1)
    >>> boxes = tuple((row - 2, 20, row + 3, 30) for row in (10, 30, 50, 70))
    >>> scale = scale_by_labels(surface, ContourLabels(boxes, (1100.0, 1300.0, 1500.0, 1700.0), 100.0))
    >>> scale.slope, scale.offset
    (1000.0, 1000.0)
    """
    places = [surface[max(0, a) : c, max(0, b) : d] for a, b, c, d in labels.boxes]
    known = np.array([float(np.nanmedian(place)) if np.isfinite(place).any() else np.nan for place in places])
    use = np.isfinite(known)
    values = np.array(labels.values)[use]
    if use.sum() < MIN_LABELS or np.ptp(known[use]) == 0 or np.ptp(values) == 0:
        return None
    correlation = float(np.corrcoef(known[use], values)[0, 1])
    if abs(correlation) < MIN_CORRELATION:
        return None
    slope, offset, _, _ = theilslopes(values, known[use])
    return LabelScale(float(slope), float(offset), correlation) if slope else None
