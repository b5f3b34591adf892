"""Table of rules by maps: how well each rule explains each map, filled rule by rule as the search asks for it."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.rules.closure_rows import ClosureRows, closure_rows
from targets.rules.contours import is_round
from targets.rules.drawn_maps import DrawnMap
from targets.rules.thresholds import DEFAULTS, Grid, Place, Scores, best_place, error_of_hand, score_map, threshold_grid
from targets.truth.traps import TrapCriteria

SAME = 0.5  # a difference in score that says nothing
LIKELY = (
    TrapCriteria(),
    TrapCriteria("contour"),
    TrapCriteria(faults="sealing"),
    TrapCriteria("contour", faults="sealing"),
)
MOST_MEASURED = 10  # maps that tell the error of outlines
CONTACTS: tuple[Any, ...] = ("any", "touching", "free")


@dataclass(frozen=True, eq=False)
class Choice:
    """A rule with its thresholds.

    Attributes
    ----------
    rule : TrapCriteria
        Without thresholds.
    place : Place
        Its thresholds, on the grid.
    score : float
        Over the maps that chose it.
    """

    rule: TrapCriteria
    place: Place
    score: float


@dataclass(eq=False)
class ScoreTable:
    """Scores of rules on maps.

    Attributes
    ----------
    maps : Sequence[DrawnMap]
        The maps.
    threads : int
        That fill the table.
    grid : Grid
        Cut points of thresholds.
    hand : float
        Usual error of drawn outlines, as of `error_of_hand`.
    scores : dict[TrapCriteria, Scores]
        By rule without thresholds.
    """

    maps: Sequence[DrawnMap]
    threads: int
    grid: Grid = field(init=False)
    hand: float = field(init=False)
    scores: dict[TrapCriteria, Scores] = field(default_factory=dict)

    def __post_init__(self) -> None:
        cells = float(np.median([drawn.scene.map_valid.sum() * drawn.scene.coarsening**2 for drawn in self.maps]))
        self.grid = threshold_grid(cells, float(np.median([np.ptp(drawn.scene.relief) for drawn in self.maps])))
        rows = [dict(closure_rows(drawn, [bare(rule) for rule in LIKELY])) for drawn in self.maps[:MOST_MEASURED]]
        self.hand = min(error_of_hand([part[bare(rule)] for part in rows]) for rule in LIKELY)

    def add(self, rules: Iterable[TrapCriteria]) -> None:
        """Score rules on all maps, with every contact with faults; those that are there stay.

        Parameters
        ----------
        rules : Iterable[TrapCriteria]
            Their thresholds and contact with faults do not count.
        """
        new = [rule for rule in dict.fromkeys(map(bare, rules)) if rule not in self.scores]
        if not new:
            return
        with ThreadPoolExecutor(self.threads) as pool:
            parts = list(pool.map(lambda drawn: self._score_map(drawn, new), self.maps))
        for rule in parts[0]:
            self.scores[rule] = Scores.joined([part[rule] for part in parts])

    def _score_map(self, drawn: DrawnMap, rules: Sequence[TrapCriteria]) -> dict[TrapCriteria, Scores]:
        """Scores of one map."""
        scene, found = drawn.scene, dict[TrapCriteria, Scores]()
        # Without faults one rule of faults is as another.
        as_asked = rules if scene.fault.any() else [replace(rule, faults=DEFAULTS.faults) for rule in rules]
        rows_of = dict(closure_rows(drawn, list(dict.fromkeys(as_asked))))
        for rule, asked in zip(rules, as_asked, strict=True):
            rows = rows_of[asked]
            for contact in CONTACTS:
                chosen = rows if contact == "any" else _in_contact(rows, contact)
                found[replace(rule, fault_contact=contact)] = score_map(chosen, self.grid, drawn, self.hand)
        return found

    def choose(self, maps: NDArray[np.int64]) -> Choice:
        """Choose the rule and its thresholds that explain some maps best; of those that do as well, the plainest."""
        choices = []
        for rule, scores in self.scores.items():
            place, score = best_place(scores.total(maps), self.grid)
            choices.append(Choice(rule, place, score - cost(rule)))
        best = max(choice.score for choice in choices)
        close = [choice for choice in choices if choice.score >= best - SAME]
        return min(close, key=lambda choice: (changes(choice.rule), -choice.score))

    def iou(self, choice: Choice) -> NDArray[np.float32]:
        """(M,) the softened IoU of each map with a chosen rule."""
        return self.scores[choice.rule].iou[:, choice.place.kind, choice.place.area, choice.place.height]


def bare(rule: TrapCriteria) -> TrapCriteria:
    """A rule without what is chosen on its rows: thresholds, contact with faults, smoothing."""
    return replace(rule, min_area=0, min_relief=0.0, min_height=0.0, fault_contact="any", smoothing=0.0)


def changes(rule: TrapCriteria) -> int:
    """How many choices of a rule without thresholds are not the default."""
    default = bare(DEFAULTS)
    return sum(getattr(rule, item.name) != getattr(default, item.name) for item in fields(rule))


def cost(rule: TrapCriteria) -> float:
    """What the choices of a rule without thresholds have to gain: unusual ones, and ones that can fit by chance."""
    return sum(price for price, is_made in (
        (2.0, rule.fault_contact != "any"),
        (2.0, rule.culminations != "joined"),
        (1.0, rule.faults != "transparent"),
        (1.0, rule.edge != "open"),
        (1.0, rule.connectivity != 8),
        (1.0, rule.reading == "contour"),
        (1.5, rule.contour_interval is not None),
        (2.0, not is_round(rule.contour_interval)),
        (2.0, bool(rule.contour_base)),
    ) if is_made)  # fmt: skip


def _in_contact(rows: ClosureRows, contact: str) -> ClosureRows:
    """The rows of outermost closures that touch a fault, or none; nested ones follow their outermost closure."""
    if (rows.parent >= 0).any():  # each culmination by itself: contact is weighed for outermost closures only
        return rows.take(np.zeros(len(rows.area), np.bool_))
    kept = rows.touches_fault == (contact == "touching")
    return rows.take(kept)
