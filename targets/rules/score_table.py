"""Table of rules by maps: how well each rule explains each map, filled rule by rule as the search asks for it."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.rules.closure_rows import closure_rows
from targets.rules.contours import is_round
from targets.rules.drawn_maps import DrawnMap
from targets.rules.thresholds import DEFAULTS, Grid, Place, Scores, best_place, score_map, threshold_grid
from targets.truth.criteria import TrapCriteria

USUAL_STEPS = 20  # contours of a relief
COARSER, FINER = 0.3, 0.1  # surprise that an interval of twice, half the usual step has to spare
CORNERS = (3.0, 0.5)  # surprise that cells apart at corners have to spare, and at least on each map: a hand rounds
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
    relief : float
        Of a usual map, in depth units.
    scores : dict[TrapCriteria, Scores]
        By rule without thresholds.
    """

    maps: Sequence[DrawnMap]
    threads: int
    grid: Grid = field(init=False)
    relief: float = field(init=False)
    scores: dict[TrapCriteria, Scores] = field(default_factory=dict)

    def __post_init__(self) -> None:
        cells = float(np.median([drawn.scene.map_valid.sum() * drawn.scene.coarsening**2 for drawn in self.maps]))
        self.relief = float(np.median([np.ptp(drawn.scene.relief) for drawn in self.maps]))
        self.grid = threshold_grid(cells, self.relief)

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
        scores: dict[bytes, Scores] = {}  # many contours cut the same closures
        for rule, asked in zip(rules, as_asked, strict=True):
            rows = rows_of[asked]
            for contact in CONTACTS:
                same = b"".join([contact.encode(), *(column.tobytes() for column in rows)])
                if same not in scores:
                    scores[same] = score_map(rows, self.grid, drawn, contact)
                found[replace(rule, fault_contact=contact)] = scores[same]
        return found

    def ranked(self, maps: NDArray[np.int64]) -> list[Choice]:
        """Rank the rules, each with its best thresholds, by how well they explain some maps for what they cost."""
        choices = []
        for rule, scores in self.scores.items():
            place, score = best_place(scores.total(maps), self.grid)
            choices.append(Choice(rule, place, score - cost(rule, self.relief, len(maps))))
        return sorted(choices, key=lambda choice: -choice.score)

    def choose(self, maps: NDArray[np.int64]) -> Choice:
        """Choose the rule and its thresholds that explain some maps best for what they cost."""
        return self.ranked(maps)[0]

    def iou(self, choice: Choice) -> NDArray[np.float32]:
        """(M,) the softened IoU of each map with a chosen rule."""
        return self.scores[choice.rule].iou[:, choice.place.kind, choice.place.area, choice.place.height]


def bare(rule: TrapCriteria) -> TrapCriteria:
    """A rule without what is chosen on its rows: thresholds, contact with faults, smoothing."""
    return replace(rule, min_area=0, min_relief=0.0, min_height=0.0, fault_contact="any", smoothing=0.0)


def cost(rule: TrapCriteria, relief: float, maps: int = 1) -> float:
    """What the choices of a rule without thresholds have to spare: unusual ones, and ones that can fit by chance.

    Parameters
    ----------
    rule : TrapCriteria
        The rule.
    relief : float
        Of a usual map: of intervals that explain as much, one that suits it is taken.
    maps : int, default 1
        How many the rule is to explain.

    Returns
    -------
    float
        Surprise; 0 for the default rule.
    """
    interval = rule.contour_interval
    steps = 0.0 if interval is None else float(np.log2(interval * USUAL_STEPS / relief))
    return max(COARSER * steps, -FINER * steps) + sum(price for price, is_made in (
        (2.0, rule.fault_contact != "any"),
        (2.0, rule.culminations != "joined"),
        (1.0, rule.faults != "transparent"),
        (2.0, rule.edge != "open"),
        (max(CORNERS[0], CORNERS[1] * maps), rule.connectivity != 8),
        (1.0, rule.reading == "contour"),
        (1.0, interval is not None),
        (3.0, not is_round(interval)),
        (2.0, bool(rule.contour_base)),
    ) if is_made)  # fmt: skip
