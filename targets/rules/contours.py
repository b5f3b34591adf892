"""Contours that drawn traps may end at: candidates from the depths along their outlines, from maps and from habit."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from targets.rules.drawn_maps import DrawnMap

CLEAR_OF = 3  # cells between an outline and a fault or the border of the map: there it is no contour
LEAST_CELLS = 12  # of an outline that tells a level
MANTISSAS = (1, 1.2, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 7.5, 8)  # of intervals that people choose, times powers of ten
FOOT = 0.3048  # metres: maps converted to metres keep contours in feet
LEAST_STEP, MOST_STEP = 60, 3  # intervals of a relief
OVERSAMPLED = 8  # trials for what the spread of the depths tells apart
CLOSE_TO_ZERO = 0.12  # of an interval: bases nearer to 0 are 0
LEAST_RESULTANT = 0.6  # of the levels as angles on a circle of one interval; 1: all on contours
MOST = 24  # intervals from outlines
MOST_LINES = 50  # of a round interval across a relief
PARTS = (0.5, 0.2, 0.4, 0.6, 0.8)  # of a round interval that contours may start from
WHOLE = (None, None)  # the map's own contours


class Contours(NamedTuple):
    """Interval and base as in `TrapCriteria`; None: the map's own."""

    interval: float | None
    base: float | None


def candidate_contours(maps: Sequence[DrawnMap]) -> list[Contours]:
    """List the contours that traps may end at.

    Parameters
    ----------
    maps : Sequence[DrawnMap]
        Maps with drawn traps.

    Returns
    -------
    list[Contours]
        The maps' own first, then round intervals that suit the relief, through 0 and through parts of the interval,
        then those that the depths along the drawn outlines follow.
    """
    relief = float(np.median([np.ptp(drawn.scene.relief) for drawn in maps]))
    habit = [float(step) for step in _round_intervals(relief) if is_round(step) and MOST_LINES * step >= relief]
    own = dict.fromkeys(drawn.scene.geo.contour_interval for drawn in maps if drawn.scene.geo.contour_interval)
    found = [Contours(*WHOLE), *(Contours(interval, None) for interval in habit)]
    found += [Contours(step, float(f"{part * step:.6g}")) for step in habit for part in PARTS]
    if len(own) < len(maps):  # intervals of some maps may be those of all
        found += [Contours(interval, None) for interval in own]
    levels = np.concatenate([outline_levels(drawn) for drawn in maps])
    return list(dict.fromkeys([*found, *periodic_contours(levels, relief)]))


def is_round(interval: float | None) -> bool:
    """Whether people choose such an interval: 1, 2, 2.5 or 5 times a power of ten; or the map's own."""
    return interval is None or f"{interval:e}".split("e")[0].rstrip("0").rstrip(".") in ("1", "2", "2.5", "5")


def outline_levels(drawn: DrawnMap) -> NDArray[np.float64]:
    """Measure the depths along the outlines of drawn traps.

    Parameters
    ----------
    drawn : DrawnMap
        The map.

    Returns
    -------
    (K,) float64
        One depth for every trap with enough of an outline away from faults and the border of the map: between the
        medians of the cells on both sides.
    """
    scene = drawn.scene
    labels, count = drawn.labels, len(drawn.areas) - 1
    blocked = scene.fault | ~scene.depth_valid | ~scene.map_valid
    free = ndimage.binary_erosion(~blocked, np.ones((3, 3), np.bool_), CLEAR_OF)
    inside = free & (labels > 0) & ~ndimage.binary_erosion(drawn.drawn, np.ones((3, 3), np.bool_))
    grown = ndimage.grey_dilation(labels, size=(3, 3))
    outside = free & (labels == 0) & (grown > 0)
    found = []
    for ring, owner in ((inside, labels), (outside, grown)):
        rows, cols = np.nonzero(ring)
        number, depth = owner[rows, cols], scene.depth[rows, cols].astype(np.float64)
        order = np.argsort(number, kind="stable")
        ends = np.searchsorted(number[order], np.arange(1, count + 2))
        depth = depth[order]
        found.append([np.median(depth[a:b]) if b - a >= LEAST_CELLS else np.nan
                      for a, b in pairwise(ends)])  # fmt: skip
    levels = np.mean(np.reshape(found, (2, count)), axis=0)
    return np.asarray(levels[np.isfinite(levels)], np.float64)


def periodic_contours(levels: NDArray[np.float64], relief: float) -> list[Contours]:
    """Find the intervals and bases whose contours the depths follow.

    Depths are angles on a circle whose length is one interval: where they are contours, all of them point one way. All
    intervals are tried that the spread of the depths tells apart; one close to a round number becomes that.

    Parameters
    ----------
    levels : (K,) float64
        Depths along outlines.
    relief : float
        Of a usual map, in the same unit.

    Returns
    -------
    list[Contours]
        Those that fit best first; none from fewer than two depths.

    Examples
    --------
    >>> levels = np.array([2040.3, 2079.8, 2100.1, 2160.2, 2180.0, 2259.7])
    >>> periodic_contours(levels, 400.0)[0]
    Contours(interval=20.0, base=0.0)
    """
    if len(levels) < 2:
        return []
    finest = 1 / (OVERSAMPLED * max(float(np.ptp(levels)), relief))
    frequency = np.arange(MOST_STEP / relief, LEAST_STEP / relief, finest)
    trials = np.unique(np.concatenate([1 / frequency, _round_intervals(relief)]))
    directions = np.exp(2j * np.pi * levels[:, None] / trials).mean(axis=0)
    found: dict[Contours, None] = {}
    taken: list[float] = []
    for place in np.argsort(-np.abs(directions), kind="stable"):
        if np.abs(directions[place]) < LEAST_RESULTANT or len(taken) == MOST:
            break
        if any(abs(1 / trials[place] - 1 / other) < OVERSAMPLED / 2 * finest for other in taken):
            continue  # on the flank of a better one
        taken.append(float(trials[place]))
        near = [step for step in _round_intervals(relief) if abs(1 / trials[place] - 1 / step) < 2 * finest]
        for interval in (*near, float(f"{trials[place]:.4g}")):
            found |= dict.fromkeys(_with_bases(float(interval), levels))
    return list(found)


def _round_intervals(relief: float) -> NDArray[np.float64]:
    """Intervals that people choose, those in feet as well, that suit a relief."""
    low, high = np.log10(relief / LEAST_STEP), np.log10(relief / MOST_STEP)
    powers = 10.0 ** np.arange(np.floor(low) - 1, np.ceil(high) + 2)
    steps = np.outer(powers, MANTISSAS).ravel()
    steps = np.unique(np.concatenate([steps, FOOT * steps]))
    return np.asarray(steps[(steps >= 10**low) & (steps <= 10**high)])


def _with_bases(interval: float, levels: NDArray[np.float64]) -> list[Contours]:
    """An interval with the base that the depths point to: 0 where it is close, and a rounder number beside it."""
    turn = float(np.angle(np.exp(2j * np.pi * levels / interval).mean()) / (2 * np.pi)) % 1
    if min(turn, 1 - turn) < CLOSE_TO_ZERO:
        return [Contours(interval, 0.0)]
    base, unit = turn * interval, 10.0 ** np.floor(np.log10(interval))
    return [Contours(interval, float(f"{round(base / step) * step:.6g}")) for step in (unit, unit / 2, unit / 20)]
