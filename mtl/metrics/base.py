"""How good a head is on whole maps: additive sums per map, and the figures that follow from sums.

A score counts sums on one map. Because sums add up, the same ratios give the figures of one map, of a data set
(pooled) and of several processes. Arrays: prediction and target (C, H, W) in the head's unit, valid (H, W) bool.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from targets.scene import Bool, Float

Sums = dict[str, float]
THRESHOLD = 0.5  # a cell is predicted positive above it


@dataclass(frozen=True)
class Metric:
    """How a head is judged.

    Attributes
    ----------
    sums : tuple[str, ...]
        Names of the additive quantities that `count` returns.
    count : Callable[[Float, Float, Bool], Sums]
        (prediction, target, valid) -> sums of one map.
    ratios : Callable[[Sums], dict[str, float]]
        Sums -> figures; NaN where a figure is not defined (no true trap, say).
    best : str
        The figure by which the best checkpoint is chosen.
    floor : str | None, default None
        The figure that says what no answer at all would get; reports print it beside the best one. None: it is 0.
    charts : tuple[tuple[str, ...], ...]
        Figures that are read together, the best one's first: a chart each in TensorBoard.
    """

    state: tuple[str, ...]
    update: Callable[[Float, Float, Bool], Sums]
    compute: Callable[[Sums], dict[str, float]]
    primary: str
    charts: tuple[tuple[str, ...], ...]
    trivial_baseline: str | None = None


Mode = Literal["min", "max"]
SMALLER = frozenset({"fp_area", "fn_area", "mean_miss", "mae", "calibration_error", "val_loss"})  # is better
UNRANKED = frozenset({"bias"})  # best at 0, so neither the largest nor the smallest is the best


def mode_of(figure: str) -> Mode:
    """Whether the largest or the smallest value of a figure is the best."""
    return "min" if figure in SMALLER else "max"


def pool(sums: Sequence[Sums]) -> Sums:
    """The sums of several maps together."""
    return {name: sum(own[name] for own in sums) for name in sums[0]}


def ratio(above: float, below: float) -> float:
    """above / below, NaN when below is 0."""
    return above / below if below else float("nan")


def f1(precision: float, recall: float) -> float:
    """The harmonic mean; 0 when either is 0, NaN when neither is defined: nothing seen, and nothing there to see."""
    if precision != precision and recall != recall:
        return float("nan")
    return 2 * precision * recall / (precision + recall) if precision > 0 and recall > 0 else 0.0
