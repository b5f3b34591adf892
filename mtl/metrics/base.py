"""Metric record: additive state counted per map, and the values computed from states added over maps.

Because states add up, one function computes the values of one map, of a data set (pooled over its cells) and of
several processes. Arrays: prediction and target (C, H, W) float32 in the output's unit, valid (H, W) bool.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from targets.scene import Bool, Float

State = dict[str, float]
Mode = Literal["min", "max"]


@dataclass(frozen=True)
class Metric:
    """How an output is evaluated on whole maps; `update` and `compute` may give several named values.

    Attributes
    ----------
    state : tuple[str, ...]
        Names of the additive quantities that `update` returns.
    update : Callable[..., State]
        (prediction, target, valid) -> state of one map.
    compute : Callable[[State], dict[str, float]]
        Added states -> values; NaN where a value is not defined (recall without a true trap, say).
    primary : str
        The value that chooses the best checkpoint.
    higher_is_better : Mapping[str, bool | None]
        For each value: True if the largest is the best, False if the smallest is, None if it ranks nothing (a bias,
        which is best at 0, or what a trivial answer would get).
    charts : tuple[tuple[str, ...], ...]
        Every value once, those that are read together side by side, `primary` first: a chart each in TensorBoard.
    trivial_baseline : str | None, default None
        The value that a trivial answer would get (all cells empty, always the commoner class); reports print it beside
        the primary value. None: it is 0.
    measures_lengths : bool, default False
        `update` compares lengths with a tolerance, and takes the sides of a cell as its argument `cell_sides`, too.

    Raises
    ------
    ValueError
        A value without a chart or a direction, or a primary value that cannot be ranked.
    """

    state: tuple[str, ...]
    update: Callable[..., State]
    compute: Callable[[State], dict[str, float]]
    primary: str
    higher_is_better: Mapping[str, bool | None] = field(hash=False)
    charts: tuple[tuple[str, ...], ...]
    trivial_baseline: str | None = None
    measures_lengths: bool = False

    def __post_init__(self) -> None:
        charted = sorted(name for chart in self.charts for name in chart)
        if charted != sorted(self.higher_is_better) or self.charts[0][0] != self.primary:
            raise ValueError(f"charts {self.charts} do not show {sorted(self.higher_is_better)}, {self.primary} first")
        if self.higher_is_better[self.primary] is None:
            raise ValueError(f"the primary value {self.primary} has no better direction")

    def count(self, prediction: Float, target: Float, valid: Bool, cell_sides: tuple[float, float]) -> State:
        """State of one map whose cells need not be square.

        Parameters
        ----------
        prediction, target : (C, H, W) float32
            In the unit of the output.
        valid : (H, W) bool
            Cells that count.
        cell_sides : tuple[float, float]
            Height and width of a cell, in the unit of tolerances (`Scene.cell_sides`).
        """
        lengths = {"cell_sides": cell_sides} if self.measures_lengths else {}
        return self.update(prediction, target, valid, **lengths)

    @property
    def mode(self) -> Mode:
        """Whether the largest or the smallest primary value is the best."""
        return best_mode(bool(self.higher_is_better[self.primary]))


def best_mode(higher_is_better: bool) -> Mode:
    """The direction of a value, as Lightning's callbacks name it.

    Examples
    --------
    >>> best_mode(True), best_mode(False)
    ('max', 'min')
    """
    return "max" if higher_is_better else "min"


def add_states(states: Sequence[State]) -> State:
    """The state of several maps together.

    Examples
    --------
    >>> add_states([{"tp": 3.0, "fp": 1.0}, {"tp": 2.0, "fp": 0.0}])
    {'tp': 5.0, 'fp': 1.0}
    """
    return {name: sum(state[name] for state in states) for name in states[0]}


def ratio(numerator: float, denominator: float) -> float:
    """The quotient, NaN when the denominator is 0."""
    return numerator / denominator if denominator else float("nan")


def f1_score(precision: float, recall: float) -> float:
    """The harmonic mean; 0 when either is 0, NaN when neither is defined: nothing predicted, and nothing there.

    Examples
    --------
    >>> f1_score(0.5, 1.0), f1_score(float("nan"), 0.0)
    (0.6666666666666666, 0.0)
    """
    if precision != precision and recall != recall:
        return float("nan")
    return 2 * precision * recall / (precision + recall) if precision > 0 and recall > 0 else 0.0
