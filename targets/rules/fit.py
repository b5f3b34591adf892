"""`fit_rules`: the rules of closure that explain best which traps an interpreter drew, by exact search."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.rules.closure_rows import rows_of_labels
from targets.rules.contours import Contours, candidate_contours
from targets.rules.doubts import find_doubts
from targets.rules.drawn_maps import DrawnMap, drawn_maps
from targets.rules.fitted_rules import FittedRules
from targets.rules.score_table import Choice, ScoreTable, bare
from targets.rules.sharpen import sharpen_thresholds
from targets.rules.thresholds import DEFAULTS, KINDS, Grid, surprise_of_rows
from targets.scene import Scene
from targets.truth.criteria import TrapCriteria
from targets.truth.smoothing import smooth_outlines
from targets.truth.traps import compute_traps

MOST_SEARCHED = 40  # maps that choose; all of them are judged
MOST_THREADS = 4  # that read the closures of maps
FOLDS = 5  # of a cross-validation; up to twice as many maps are left out one by one
FULLY_SEARCHED = 6  # maps on which every fault rule is tried with all contours
KEPT_CONTOURS = 4  # of the candidates, for a closed border and for single culminations
KEPT_RULES = 30  # from the few maps for all
ROUNDS = 2  # of turning single choices of the best rule
MOST_SPARED = 20.0  # surprise a map that smoothing may spare
SMOOTHED, WIDER = 1.5, 0.5  # surprise that smoothing has to spare, and more for every cell of it
SMOOTHINGS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0)  # cells
FAULT_RULES: tuple[Any, ...] = ("transparent", "sealing", "leaking")


def fit_rules(scenes: Iterable[Scene]) -> FittedRules:
    """Find the rules of closure that explain best which traps were drawn.

    Fault rules, contours and contact with faults are tried in all combinations, each with all least areas and heights,
    then with a closed border, other neighbours, single culminations; smoothing comes last. Where maps cannot tell, the
    default stays, and a doubt says so.

    Parameters
    ----------
    scenes : Iterable[Scene]
        Maps; those without a depth or without drawn traps say nothing. One is enough.

    Returns
    -------
    FittedRules

    Raises
    ------
    UserError
        No map has a depth and drawn traps, or nothing is drawn on any.

    Examples
    --------
    >>> from targets.synthetic.structure_maps import make_structure_map
    >>> from targets.truth.traps import compute_traps
    >>> scene = make_structure_map(3, 96)
    >>> drawn = scene.replace(traps=compute_traps(scene, TrapCriteria()).labels > 0)
    >>> fit_rules([drawn]).iou
    {'synth_00003': 1.0}
    """
    maps = drawn_maps(scenes)
    if not maps:
        raise UserError("maps", "none with a depth and drawn traps", "at least one", "draw traps with tools/review.py")
    if not any(drawn.drawn.any() for drawn in maps):
        raise UserError("maps", "drawn traps that are empty on all maps", "a trap on at least one")
    table = _search([maps[i] for i in spread(len(maps), MOST_SEARCHED)])
    choice, rules = _choose_smoothed(table)
    smoothing = _try_smoothing(table.maps, rules)
    rules = replace(sharpen_thresholds(table.maps, rules), smoothing=smoothing.width)
    judged = [_agreement(drawn, rules) for drawn in maps]
    iou = {drawn.name: shares[0] for drawn, shares in zip(maps, judged, strict=True)}
    both, by_hand, by_rule = np.sum([shares[1:] for shares in judged], axis=0)
    units = {drawn.scene.geo.depth_unit or "" for drawn in maps}
    areas = {_cell_area(drawn.scene) for drawn in maps}
    return FittedRules(
        rules,
        iou,
        _cross_validate(table, smoothing.iou),
        explained=float(both / max(by_hand, 1)),
        added=float(1 - both / max(by_rule, 1)),
        doubts=tuple(find_doubts(table, choice)),
        depth_unit=units.pop() if len(units) == 1 else "",
        cell_area=areas.pop() if len(areas) == 1 else None,
    )


def with_thresholds(choice: Choice, grid: Grid) -> TrapCriteria:
    """The rule of a choice with its least area and height."""
    place = choice.place
    heights: dict[str, Any] = dict.fromkeys(KINDS, 0.0) | {
        KINDS[place.kind]: float(grid.heights[place.kind, place.height])
    }
    return replace(choice.rule, min_area=round(float(grid.area[place.area])), **heights)


def _search(maps: Sequence[DrawnMap]) -> ScoreTable:
    """Search in full on a few maps; all maps choose among the rules that explain these best and their variations."""
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    few = [maps[i] for i in spread(len(maps), FULLY_SEARCHED)]
    table, everyone = ScoreTable(few, threads), np.arange(len(few))
    contours = candidate_contours(maps)
    table.add(replace(rule, faults=faults) for faults in FAULT_RULES for rule in _readings(bare(DEFAULTS), contours))
    best = _best_contours(table, contours, everyone)[:KEPT_CONTOURS]
    for changed in (replace(bare(DEFAULTS), edge="closed"), replace(bare(DEFAULTS), culminations="single")):
        table.add(replace(rule, faults=faults) for faults in FAULT_RULES for rule in _readings(changed, best))
    if len(few) < len(maps):
        likely = [choice.rule for choice in table.ranked(everyone)]
        table, everyone = ScoreTable(maps, threads), np.arange(len(maps))
        table.add(list(dict.fromkeys(bare(rule) for rule in likely))[:KEPT_RULES])
    for _ in range(ROUNDS):
        choice = table.choose(everyone)
        table.add(_variations(choice.rule))
    return table


def spread(count: int, most: int) -> NDArray[np.int64]:
    """Places of at most so many of a number of things, from first to last.

    Examples
    --------
    >>> spread(3, 5).tolist(), spread(9, 3).tolist()
    ([0, 1, 2], [0, 4, 8])
    """
    return np.unique(np.linspace(0, count - 1, min(most, count)).astype(np.int64))


def _readings(rule: TrapCriteria, contours: Sequence[Contours]) -> list[TrapCriteria]:
    """A rule with every reading: down to spill points, or to the last closed of some contours."""
    return [rule, *(replace(rule, reading="contour", contour_interval=interval, contour_base=base)
                    for interval, base in contours)]  # fmt: skip


def _variations(rule: TrapCriteria) -> list[TrapCriteria]:
    """A rule with one choice turned, beside its contours."""
    turned: list[TrapCriteria] = [replace(rule, faults=faults) for faults in FAULT_RULES]
    turned.append(replace(rule, edge="closed" if rule.edge == "open" else "open"))
    turned.append(replace(rule, connectivity=4 if rule.connectivity == 8 else 8))
    turned.append(replace(rule, culminations="single" if rule.culminations == "joined" else "joined"))
    return turned


def _best_contours(table: ScoreTable, contours: Sequence[Contours], everyone: NDArray[np.int64]) -> list[Contours]:
    """Contours, those first that explain most under the rules that were tried."""
    best = dict.fromkeys(contours, -np.inf)
    for rule, scores in table.scores.items():
        place = Contours(rule.contour_interval, rule.contour_base)
        if rule.reading == "contour" and place in best:
            best[place] = max(best[place], float(scores.total(everyone).max()))
    return sorted(contours, key=best.__getitem__, reverse=True)


class _Smoothing(NamedTuple):
    """The smoothing that helps most, 0 where none does; the surprise that it spares, and (M,) the IoU that it adds."""

    width: float
    spared: float
    iou: NDArray[np.float64]


def _choose_smoothed(table: ScoreTable) -> tuple[Choice, TrapCriteria]:
    """Choose the rule that explains the maps best with the smoothing of its outlines; and with its thresholds."""
    ranked = table.ranked(np.arange(len(table.maps)))
    rivals: dict[tuple[str, str], Choice] = {}
    for choice in ranked:
        if choice.score > ranked[0].score - MOST_SPARED * len(table.maps):
            rivals.setdefault((choice.rule.reading, choice.rule.faults), choice)
    few = [table.maps[i] for i in spread(len(table.maps), FULLY_SEARCHED)]
    scores = {}
    for choice in rivals.values() if len(rivals) > 1 else ():
        spared = _try_smoothing(few, with_thresholds(choice, table.grid)).spared
        scores[choice] = choice.score + spared * len(table.maps) / len(few)
    best = max(scores, key=scores.__getitem__, default=ranked[0])
    return best, with_thresholds(best, table.grid)


def _try_smoothing(maps: Sequence[DrawnMap], rules: TrapCriteria) -> _Smoothing:
    """Smooth the outlines of a rule's traps by every width."""
    widths = (0.0, *SMOOTHINGS)
    surprise, iou = np.zeros((2, len(widths), len(maps)))
    for place, drawn in enumerate(maps):
        labels = compute_traps(drawn.scene, rules).labels
        for k, width in enumerate(widths):
            smooth = smooth_outlines(labels, width / drawn.scene.coarsening, drawn.scene.map_valid)
            iou[k, place] = _iou(smooth > 0, drawn.drawn)
            surprise[k, place] = surprise_of_rows(rows_of_labels(drawn, smooth)).sum()
    total = surprise.sum(axis=1) + [SMOOTHED * (width > 0) + WIDER * width for width in widths]
    best = int(total.argmin())
    return _Smoothing(widths[best], float(total[0] - total[best]), iou[best] - iou[0])


def _iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Intersection over union, 1 where both are empty."""
    union = np.count_nonzero(one | other)
    return float(np.count_nonzero(one & other) / union) if union else 1.0


def _agreement(drawn: DrawnMap, rules: TrapCriteria) -> tuple[float, int, int, int]:
    """IoU of a map, and cells that are trap by both, by hand, and by the rules."""
    found = compute_traps(drawn.scene, rules).labels > 0
    both = np.count_nonzero(found & drawn.drawn)
    return _iou(found, drawn.drawn), int(both), int(np.count_nonzero(drawn.drawn)), int(np.count_nonzero(found))


def _cross_validate(table: ScoreTable, gain: NDArray[np.float64]) -> float | None:
    """Mean IoU of maps by the rules that the others choose; `gain` : of smoothing, (M,)."""
    count = len(table.maps)
    if count < 2:
        return None
    fold = np.arange(count) % (count if count <= 2 * FOLDS else FOLDS)
    judged = np.zeros(count)
    for k in np.unique(fold):
        choice = table.choose(np.flatnonzero(fold != k))
        judged[fold == k] = table.iou(choice)[fold == k]
    return float(np.clip(judged + gain, 0, 1).mean())


def _cell_area(scene: Scene) -> float | None:
    """Square kilometres of a cell of the map as it was given, None where that is unknown."""
    if not scene.geo.units.is_metric:
        return None
    return float(f"{scene.geo.cell_areas(scene.shape).mean() / scene.coarsening**2 / 1e6:.3g}")
