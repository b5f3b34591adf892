"""Sharper thresholds: between the neighbouring cut points of the grid, in the middle of the gap between closures."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.rules.closure_rows import closure_rows
from targets.rules.drawn_maps import DrawnMap
from targets.rules.score_table import bare
from targets.rules.thresholds import AREAS, DEFAULTS, HEIGHTS, LEAST_AREA, LEAST_SHARE, MOST_SHARE, round_between
from targets.truth.criteria import TrapCriteria

AROUND = 1  # cut points of the grid on both sides: the likeliest one lies where a gap is nearest to the default


def sharpen_thresholds(maps: Sequence[DrawnMap], rules: TrapCriteria) -> TrapCriteria:
    """Move least area and least height into the gaps between closures that were drawn and that were not.

    A closure was drawn if at least half of it was. The threshold that sorts most of the closures near it rightly is
    taken, by number; within the gap between two closures it is a round number.

    Parameters
    ----------
    maps : Sequence[DrawnMap]
        Maps with drawn traps.
    rules : TrapCriteria
        With the thresholds of the grid; default ones stay.

    Returns
    -------
    TrapCriteria
    """
    if rules.culminations == "single":
        return replace(rules, min_height=float(f"{rules.min_height:.3g}"), min_relief=float(f"{rules.min_relief:.3g}"))
    area, share, height, drawn = (
        np.concatenate(column) for column in zip(*(_closures(m, rules) for m in maps), strict=True)
    )
    columns = {"min_area": area, "min_relief": share, "min_height": height}
    for name, values in columns.items():
        limit = float(getattr(rules, name))
        if limit == 0 or limit == getattr(DEFAULTS, name):
            continue
        reached = np.ones(len(area), bool)
        for other, others in columns.items():
            reached &= (other == name) | (others >= getattr(rules, other))
        ratio = _grid_ratio(name, maps)
        best = best_gap(values[reached], drawn[reached], limit, ratio)
        changed: dict[str, Any] = {name: max(1, round(best)) if name == "min_area" else best}
        rules = replace(rules, **changed)
    return rules


def _grid_ratio(name: str, maps: Sequence[DrawnMap]) -> float:
    """How far the neighbouring cut points of the grid are, as a factor."""
    if name != "min_area":
        return float((MOST_SHARE / LEAST_SHARE) ** (AROUND / (HEIGHTS - 3)))
    cells = float(np.median([m.scene.map_valid.sum() * m.scene.coarsening**2 for m in maps]))
    return float(max(0.3 * cells / LEAST_AREA, 10) ** (AROUND / (AREAS - 3)))


def best_gap(values: NDArray[np.float64], drawn: NDArray[np.bool_], limit: float, ratio: float) -> float:
    """The threshold that sorts best what was drawn from what was not.

    Parameters
    ----------
    values : (N,) float64
        Of closures.
    drawn : (N,) bool
        Whether each was drawn.
    limit : float
        The threshold so far.
    ratio : float
        How far it may move, as a factor; of several gaps as good the nearest is taken.

    Returns
    -------
    float
        A round number in the gap.

    Examples
    --------
    >>> best_gap(np.array([90.0, 120.0, 141.0, 172.0, 230.0]), np.array([False, True, False, True, True]), 140.0, 1.5)
    150.0
    """
    order = np.argsort(values)
    cuts, drawn = values[order], drawn[order]
    rightly = np.concatenate([[0], np.cumsum(~drawn)]) + np.concatenate([np.cumsum(drawn[::-1])[::-1], [0]])
    low = np.concatenate([[0], cuts])
    high = np.concatenate([cuts, [max(limit, *cuts[-1:]) * ratio]])
    near = (high > low) & (high > limit / ratio) & (low < limit * ratio)
    gaps = np.flatnonzero(near & (rightly == rightly[near].max()))
    distance = np.maximum(np.maximum(low[gaps] / limit, limit / high[gaps]), 1)
    gap = gaps[int(distance.argmin())]
    return round_between(max(float(low[gap]), limit / ratio), min(float(high[gap]), limit * ratio))


def _closures(drawn: DrawnMap, rules: TrapCriteria) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Area, height as a share of the relief, height and whether it was drawn, of each closure of a map."""
    ((_, rows),) = closure_rows(drawn, [bare(rules)])
    kept = np.ones(len(rows.area), bool)
    if rules.fault_contact != "any":
        kept = rows.touches_fault == (rules.fault_contact == "touching")
    share = rows.height / np.ptp(drawn.scene.relief)
    return rows.area[kept], share[kept], rows.height[kept], (rows.drawn >= rows.area / 2)[kept]
