"""Least area and least height of drawn closures: every pair of cut points scored at once on a table of closures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.rules.closure_rows import ClosureRows
from targets.rules.drawn_maps import DrawnMap
from targets.truth.criteria import TrapCriteria

DEFAULTS = TrapCriteria()
KINDS = ("min_relief", "min_height")  # a least height is a share of the relief, or a depth
AREAS, HEIGHTS = 28, 22  # cut points of a grid
LEAST_AREA, LEAST_SHARE, MOST_SHARE = 4, 0.002, 0.6  # cells, shares of the relief
MOST_AREA = 0.3  # of a usual map
SOFTENING = 1e-3  # of a map, added to intersection and union: nothing drawn and nothing found is right
FORGOTTEN = 3.0  # surprise at a closure that was not drawn: one in twenty
INVENTED = 2.5  # surprise at a drawn trap where no closure is, before its outline
STRAYING = 10.0  # cells of outline that stray to one side together: one witness
MOST_WITNESSES = 20.0  # of one closure
SURE = 0.3  # cells: no hand is more exact
ELSEWHERE = 1 / 18  # of an outline's length: how far it lies from that of any other closure as large
THRESHOLD = 1.5  # surprise that a least area or height has to spare
FARTHER = 0.5  # more for every factor of e between it and the default
KIND = 1.0  # more for a height in depth units


class Grid(NamedTuple):
    """Cut points.

    Attributes
    ----------
    area : (A,) float64
        Least areas in cells, rising from 0.
    heights : (2, B) float64
        Least heights as shares of the relief and in depth units, rising from 0.
    price : (2, A, B) float64
        Surprise that each pair of cut points has to spare.
    """

    area: NDArray[np.float64]
    heights: NDArray[np.float64]
    price: NDArray[np.float64]


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


def surprise_of_rows(rows: ClosureRows) -> NDArray[np.float64]:
    """How unlikely it is that a hand drew each kept closure as it did, as minus the logarithm of a probability.

    Every stretch of a drawn outline is a witness: the nearer it lies to that of the closure, compared with any outline
    as long, the less surprising it is, and large distances surprise little more than others (as of Student's t).
    A matched trap is no longer an invented one. At worst the closure was forgotten.

    Parameters
    ----------
    rows : ClosureRows
        Of the closures.

    Returns
    -------
    (N,) float64
        Below 0 where the rule explains a drawn trap.
    """
    witnesses = np.minimum(rows.outline / STRAYING, MOST_WITNESSES)
    off = witnesses * np.log((rows.gap + SURE) / (ELSEWHERE * rows.outline + SURE))
    return np.minimum(np.where(rows.matched > 0, off - INVENTED * rows.matched, np.inf), FORGOTTEN)


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
    return Grid(areas, np.stack([shares, shares * relief]), _price(areas, shares))


def heights_of(rows: ClosureRows, relief: float) -> NDArray[np.float64]:
    """(2, N) heights of closures in both kinds; `relief` : of their map."""
    return np.stack([rows.height / relief, rows.height])


def score_map(rows: ClosureRows, grid: Grid, drawn: DrawnMap, contact: str = "any") -> Scores:
    """Score one map for every pair of cut points.

    Parameters
    ----------
    rows : ClosureRows
        Outermost closures alone: each counts by itself. With nested ones, those count that hold one kept culmination.
    grid : Grid
        Cut points.
    drawn : DrawnMap
        The map.
    contact : str, default 'any'
        Which of them count, as in `TrapCriteria.fault_contact`.

    Returns
    -------
    Scores
        Of one map.
    """
    heights = heights_of(rows, float(np.ptp(drawn.scene.relief)))
    weights = np.stack([rows.area, rows.drawn, surprise_of_rows(rows)])
    if contact != "any":
        weights *= rows.touches_fault == (contact == "touching")
    count = _sums_of_nested if (rows.parent >= 0).any() else _sums_of_outermost
    area, inside, surprise = count(rows, grid, heights, weights)
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
    sums = np.zeros((len(weights), 2, *shape))
    for kind in (0, 1):
        place = np.searchsorted(grid.heights[kind], heights[kind], side="right") - 1
        for k, weight in enumerate(weights):
            np.add.at(sums[k, kind], (at, place), weight)
    return sums[:, :, ::-1, ::-1].cumsum(axis=2).cumsum(axis=3)[:, :, ::-1, ::-1]


def _sums_of_nested(
    rows: ClosureRows, grid: Grid, heights: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Likewise over the closures with one kept culmination each."""
    reach = rows.area[:, None] >= grid.area
    kept = reach[:, None, :, None] & (heights.T[:, :, None, None] >= grid.heights[None, :, None, :])
    chosen = single_culminations(rows.parent, kept)
    return np.einsum("kn,nhab->khab", weights, chosen, optimize=True)


def single_culminations(parent: NDArray[np.int64], kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Choose the largest closures that hold one culmination.

    Parameters
    ----------
    parent : (N,) int64
        Place of the closure around each, -1 = none; parents come before what lies in them.
    kept : (N, ...) bool
        Closures that reach the thresholds, parents of kept ones among them.

    Returns
    -------
    (N, ...) bool

    Examples
    --------
    >>> single_culminations(np.array([-1, -1, 0, 0]), np.array([True, True, True, True])).tolist()
    [False, True, True, True]
    >>> single_culminations(np.array([-1, -1, 0, 0]), np.array([True, True, True, False])).tolist()
    [True, True, False, False]
    """
    peaks = np.zeros(kept.shape, np.int32)
    for k in range(len(parent) - 1, -1, -1):
        peaks[k] = np.maximum(peaks[k], kept[k])
        if parent[k] >= 0:
            peaks[parent[k]] += peaks[k]
    chosen = kept & (peaks == 1)
    nested = parent >= 0
    chosen[nested] &= peaks[parent[nested]] > 1
    return chosen


def best_place(total: NDArray[np.float64], grid: Grid) -> tuple[Place, float]:
    """The likeliest cut points of a score (2, A, B), and the score of all of them together, each weighed by its price.

    Parameters
    ----------
    total : (2, A, B) float64
        Of `Scores.total`.
    grid : Grid
        Cut points.

    Returns
    -------
    place : Place
    score : float
        Logarithm of the sum over all cut points: a rule that needs no exact threshold has more.
    """
    weighed = total - grid.price
    best = float(weighed.max())
    place = Place(*(int(i) for i in np.unravel_index(int(weighed.argmax()), weighed.shape)))
    return place, best + float(np.log(np.exp(weighed - best).sum()))


def _price(area: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, A, B) what cut points have to spare: more the farther from the default; depths a little more than shares."""
    default = area[:, None] != DEFAULTS.min_area, share[None] != DEFAULTS.min_relief
    far = (
        abs(np.log(np.maximum(area, 1) / DEFAULTS.min_area))[:, None],
        abs(np.log(np.maximum(share, share[1]) / DEFAULTS.min_relief)),
    )
    price = THRESHOLD * np.add(*default, dtype=np.float64) + FARTHER * np.add(*far)
    return np.stack([price, price + KIND])


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
