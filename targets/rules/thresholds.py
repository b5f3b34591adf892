"""Least area and least height of drawn closures: every pair of cut points scored at once on a table of closures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.rules.closure_rows import ClosureRows
from targets.rules.drawn_maps import DrawnMap
from targets.truth.traps import TrapCriteria

DEFAULTS = TrapCriteria()
KINDS = ("min_relief", "min_height")  # a least height is a share of the relief, or a depth
AREAS, HEIGHTS = 40, 28  # cut points of a grid
LEAST_AREA, LEAST_SHARE, MOST_SHARE = 4, 0.002, 0.6  # cells, shares of the relief
MOST_AREA = 0.3  # of a usual map
SOFTENING = 1e-3  # of a map, added to intersection and union: nothing drawn and nothing found is right
FORGOTTEN = 1.5  # surprise at a closure that was not drawn
INVENTED = 2.5  # surprise at a drawn trap where no closure is
HAND = (1.0, 12.0)  # least and most usual error of outlines
THRESHOLD = 2.0  # surprise that a least area or height has to spare
FARTHER = 0.5  # more for every factor of e between it and the default


class Grid(NamedTuple):
    """Cut points.

    Attributes
    ----------
    area : (A,) float64
        Least areas in cells, rising from 0.
    heights : (2, B) float64
        Least heights as shares of the relief and in depth units, rising from 0.
    """

    area: NDArray[np.float64]
    heights: NDArray[np.float64]


class Place(NamedTuple):
    """Cut points of a grid: the kind of height, the place of the area, the place of the height."""

    kind: int
    area: int
    height: int


@dataclass(frozen=True, eq=False)
class Scores:
    """How well one rule explains each map with every pair of cut points.

    Attributes
    ----------
    iou : (M, 2, A, B) float32
        Softened intersection over union of each map, kind of height, least area and least height.
    surprise : (M, 2, A, B) float32
        How unlikely what was drawn is under the rule, `surprise_of_rows` and the invented traps together.
    """

    iou: NDArray[np.float32]
    surprise: NDArray[np.float32]

    def total(self, maps: NDArray[np.int64]) -> NDArray[np.float64]:
        """(2, A, B) the score of some maps: their surprise, negative."""
        return -np.asarray(self.surprise[maps].sum(axis=0, dtype=np.float64))

    @classmethod
    def joined(cls, parts: Sequence["Scores"]) -> "Scores":
        """The scores of several maps, each with its own, as one."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("iou", "surprise")))


def surprise_of_rows(rows: ClosureRows, hand: float) -> NDArray[np.float64]:
    """How unlikely it is that a hand drew each kept closure as it did, as minus the logarithm of a probability.

    A closure may be forgotten; else the share of it that the drawn traps get wrong is that of an outline some cells
    off, so falls with the root of the area. Traps that match are no longer invented ones. At worst the closure was
    forgotten and they were invented.

    Parameters
    ----------
    rows : ClosureRows
        Of the closures.
    hand : float
        Usual error of the outlines, as of `error_of_hand`.

    Returns
    -------
    (N,) float64
    """
    return np.minimum(np.where(rows.matched > 0, _errors(rows) / hand - INVENTED * rows.matched, np.inf), FORGOTTEN)


def _errors(rows: ClosureRows) -> NDArray[np.float64]:
    """Errors of outlines in cells, up to a factor of about four."""
    return np.asarray((1 - rows.iou) * np.sqrt(rows.area))


def error_of_hand(rows: Sequence[ClosureRows]) -> float:
    """The usual error of outlines where drawn traps match closures, in the measure of `surprise_of_rows`."""
    errors = np.concatenate([_errors(part)[part.matched > 0] for part in rows])
    return float(np.clip(np.median(errors), *HAND)) if errors.size else HAND[1]


def threshold_grid(cells: float, relief: float) -> Grid:
    """Cut points that suit maps of so many cells and of such a relief in depth units; the default ones are among them.

    Examples
    --------
    >>> grid = threshold_grid(10_000, 400.0)
    >>> 40.0 in grid.area, 0.01 in grid.heights[0], 4.0 in grid.heights[1]
    (True, True, True)
    """
    area = np.geomspace(LEAST_AREA, max(MOST_AREA * cells, 10 * LEAST_AREA), AREAS - 2)
    share = np.geomspace(LEAST_SHARE, MOST_SHARE, HEIGHTS - 2)
    areas = np.sort(np.concatenate([[0, DEFAULTS.min_area], area]))
    shares = np.sort(np.concatenate([[0, DEFAULTS.min_relief], share]))
    return Grid(areas, np.stack([shares, shares * relief]))


def heights_of(rows: ClosureRows, relief: float) -> NDArray[np.float64]:
    """(2, N) heights of closures in both kinds; `relief` : of their map."""
    return np.stack([rows.height / relief, rows.height])


def score_map(rows: ClosureRows, grid: Grid, drawn: DrawnMap, hand: float) -> Scores:
    """Score one map for every pair of cut points.

    Parameters
    ----------
    rows : ClosureRows
        Outermost closures alone: each counts by itself. With nested ones, those count that hold one kept culmination.
    grid : Grid
        Cut points.
    drawn : DrawnMap
        The map.
    hand : float
        Usual error of the outlines.

    Returns
    -------
    Scores
        Of one map.
    """
    heights = heights_of(rows, float(np.ptp(drawn.scene.relief)))
    weights = np.stack([rows.area, rows.drawn, surprise_of_rows(rows, hand)])
    sums = _sums_of_nested(rows, grid, heights, weights) if (rows.parent >= 0).any() else (
        _sums_of_outermost(rows, grid, heights, weights)
    )  # fmt: skip
    area, inside, surprise = sums
    scale = drawn.scene.coarsening**2
    soft, by_hand = SOFTENING * drawn.scene.map_valid.sum() * scale, drawn.areas.sum() * scale
    iou = (inside + soft) / (area + by_hand - inside + soft)
    surprise += INVENTED * (len(drawn.areas) - 1)
    return Scores(iou[None].astype(np.float32), surprise[None].astype(np.float32))


def _sums_of_outermost(
    rows: ClosureRows, grid: Grid, heights: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(3, 2, A, B) sums of the weights (3, N) over the closures that reach each pair of cut points."""
    shape = (len(grid.area), grid.heights.shape[1])
    at = np.searchsorted(grid.area, rows.area, side="right") - 1
    sums = np.empty((len(weights), 2, *shape))
    for kind in (0, 1):
        place = at * shape[1] + np.searchsorted(grid.heights[kind], heights[kind], side="right") - 1
        for k, weight in enumerate(weights):
            plane = np.bincount(place, weight, minlength=shape[0] * shape[1]).reshape(shape)
            sums[k, kind] = plane[::-1, ::-1].cumsum(axis=0).cumsum(axis=1)[::-1, ::-1]
    return sums


def _sums_of_nested(
    rows: ClosureRows, grid: Grid, heights: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Likewise over the closures with one kept culmination each, at every second cut point; its neighbours take it."""
    sums = np.empty((len(weights), 2, len(grid.area), grid.heights.shape[1]))
    for kind in (0, 1):
        for a in range(0, len(grid.area), 2):
            for b in range(0, grid.heights.shape[1], 2):
                kept = (rows.area >= grid.area[a]) & (heights[kind] >= grid.heights[kind, b])
                chosen = single_culminations(rows.parent, kept)
                sums[:, kind, a : a + 2, b : b + 2] = weights[:, chosen].sum(axis=1)[:, None, None]
    return sums


def single_culminations(parent: NDArray[np.int64], kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Choose the largest closures that hold one culmination.

    Parameters
    ----------
    parent : (N,) int64
        Place of the closure around each, -1 = none; parents come before what lies in them.
    kept : (N,) bool
        Closures that reach the thresholds, parents of kept ones among them.

    Returns
    -------
    (N,) bool

    Examples
    --------
    >>> single_culminations(np.array([-1, -1, 0, 0]), np.array([True, True, True, True])).tolist()
    [False, True, True, True]
    >>> single_culminations(np.array([-1, -1, 0, 0]), np.array([True, True, True, False])).tolist()
    [True, True, False, False]
    """
    places = np.flatnonzero(kept)
    above = parent[places]
    children = np.bincount(above[above >= 0], minlength=len(parent))
    parted = children > 1  # itself, then whatever lies around it
    front = np.flatnonzero(parted)
    while front.size:
        front = np.unique(parent[front][parent[front] >= 0])
        front = front[~parted[front]]
        parted[front] = True
    return kept & ~parted & np.where(parent >= 0, parted[parent], True)


def best_place(total: NDArray[np.float64], grid: Grid) -> tuple[Place, float]:
    """The best cut points of a score (2, A, B), and that score less what they cost.

    Parameters
    ----------
    total : (2, A, B) float64
        Of `Scores.total`.
    grid : Grid
        Cut points. One that is not the default has to gain `THRESHOLD`; of several as good ones the middle is taken.
    """
    area = int(np.flatnonzero(grid.area == DEFAULTS.min_area)[0])
    share = int(np.flatnonzero(grid.heights[0] == DEFAULTS.min_relief)[0])
    areas, heights = range(len(grid.area)), range(grid.heights.shape[1])
    kind, _, height = (int(i) for i in np.unravel_index(int(total.argmax()), total.shape))
    both = _middle_of_best(total, [Place(kind, i, height) for i in areas])
    options = [
        (0, Place(0, area, share)),
        (1, _middle_of_best(total, [Place(0, i, share) for i in areas])),
        (1, _middle_of_best(total, [Place(0, area, i) for i in heights])),
        (1, _middle_of_best(total, [Place(1, area, i) for i in heights])),
        (2, _middle_of_best(total, [Place(kind, both.area, i) for i in heights])),
    ]
    gains = [float(total[place]) - _price(place, changed, grid) for changed, place in options]
    best = int(np.argmax(gains))
    return options[best][1], gains[best]


def _price(place: Place, changed: int, grid: Grid) -> float:
    """What thresholds have to gain: more the farther they are from the default; depths a little more than shares."""
    shares = grid.heights[0]
    area = abs(np.log(max(grid.area[place.area], 1.0) / DEFAULTS.min_area))
    share = abs(np.log(max(shares[place.height], shares[1]) / DEFAULTS.min_relief))
    return float(THRESHOLD * changed + FARTHER * (area + share) + FARTHER * place.kind) if changed else 0.0


def _middle_of_best(total: NDArray[np.float64], line: Sequence[Place]) -> Place:
    """The middle of the run of best places on a line of them."""
    values = np.array([total[place] for place in line])
    first = int(values.argmax())
    worse = np.flatnonzero(values[first:] < values[first] - 1e-9)
    last = first + int(worse[0]) - 1 if worse.size else len(values) - 1
    return line[(first + last) // 2]


def round_between(low: float, high: float) -> float:
    """The roundest number above `low` and at most `high`.

    Examples
    --------
    >>> round_between(143.0, 171.0), round_between(0.0213, 0.0262), round_between(7.0, 8.0)
    (150.0, 0.025, 7.5)
    """
    middle = np.sqrt(max(low, high * 1e-3) * high)
    for digits in range(8):
        step = 10.0 ** (np.floor(np.log10(high)) - digits) if high > 0 else 1.0
        for part in (5.0, 2.5, 2.0, 1.0):
            value = round(middle / (step * part)) * step * part
            if low < value <= high:
                return float(f"{value:.10g}")
    return float(high)
