"""Metrics of trap instances: panoptic quality, average precision, splits and merges."""

import numpy as np
from numpy.typing import NDArray

from mtl.metrics.base import Metric, State, ratio
from targets.scene import Bool, Float

MATCH_IOU = 0.5  # above it an instance is a true trap: no trap can match two instances (Kirillov et al. 2019)
CONFIDENCES = range(101)  # whole percent, so that states added over maps keep the order of all instances


def contingency_table(first: NDArray, second: NDArray) -> NDArray[np.int64]:
    """(M + 1, N + 1) number of cells with label m in the first and n in the second array of labels; 0 = none.

    Examples
    --------
    >>> contingency_table(np.array([[0, 1, 1]]), np.array([[0, 0, 1]]))
    array([[1, 0],
           [1, 1]])
    """
    first, second = first.astype(np.int64), second.astype(np.int64)
    shape = int(first.max(initial=0)) + 1, int(second.max(initial=0)) + 1
    return np.bincount((first * shape[1] + second).ravel(), minlength=shape[0] * shape[1]).reshape(shape)


def pairwise_iou(table: NDArray[np.int64]) -> NDArray[np.float64]:
    """(M, N) intersection over union of every pair of instances of a `contingency_table`.

    Parameters
    ----------
    table : (M + 1, N + 1) int
        Of `contingency_table`.
    """
    both = table[1:, 1:]
    return both / np.maximum(table[1:].sum(1)[:, None] + table[:, 1:].sum(0) - both, 1)


def count_instances(prediction: Float, target: Float, valid: Bool) -> State:
    """Predicted, true and matched instances, the sum of the matches' IoU, splits, merges, and matches by confidence.

    A true trap is split when two instances or more lie in it with more than half of their cells; an instance merges
    when two true traps or more lie in it so.

    Parameters
    ----------
    prediction : (2, H, W) float32
        Number of the instance (0 = none), and its confidence (0 to 1) in each of its cells.
    target : (1, H, W) float32
        Number of the true trap, 0 = none.
    valid : (H, W) bool
        Cells that count.
    """
    predicted, true = (
        np.where(valid, np.nan_to_num(plane), 0).astype(np.int64) for plane in (prediction[0], target[0])
    )
    table = contingency_table(predicted, true)
    iou, both = pairwise_iou(table), table[1:, 1:]
    predicted_cells, true_cells = table[1:].sum(1), table[:, 1:].sum(0)
    numbers, first = np.unique(predicted, return_index=True)
    percent = np.zeros(len(predicted_cells), np.int64)
    percent[numbers[numbers > 0] - 1] = np.rint(100 * np.nan_to_num(prediction[1]).ravel()[first[numbers > 0]])
    exists, matched = predicted_cells > 0, (iou > MATCH_IOU).any(1)
    state = {
        "seen": float(exists.sum()),
        "true": float((true_cells > 0).sum()),
        "matched": float(matched.sum()),
        "overlap": float(iou[iou > MATCH_IOU].sum()),
        "splits": float(((both > predicted_cells[:, None] / 2).sum(0) > 1).sum()),
        "merges": float(((both > true_cells / 2).sum(1) > 1).sum()),
    }
    for name, chosen in (("seen", exists), ("hit", matched)):
        counts = np.bincount(percent[chosen], minlength=len(CONFIDENCES))
        state |= {f"{name}_{level}": float(counts[level]) for level in CONFIDENCES}
    return state


def instance_metrics(state: State) -> dict[str, float]:
    """Panoptic quality PQ = SQ · RQ (Kirillov et al. 2019, Panoptic segmentation), AP at IoU 0.5, and counts.

    sq : mean IoU of the matched instances; rq : F1 of finding them.

    Returns
    -------
    {name: value}
        NaN where a value is not defined.
    """
    pairs = (state["seen"] + state["true"]) / 2
    return {
        "pq": ratio(state["overlap"], pairs),
        "sq": ratio(state["overlap"], state["matched"]),
        "rq": ratio(state["matched"], pairs),
        "ap50": average_precision(state),
        "splits": state["splits"],
        "merges": state["merges"],
        "missed": state["true"] - state["matched"],
        "false": state["seen"] - state["matched"],
    }


def average_precision(state: State) -> float:
    """Area under precision over recall as the least confidence falls; precision never rises with recall
    (Everingham et al. 2015, The Pascal visual object classes challenge, all points). NaN without true traps."""
    if not state["true"]:
        return float("nan")
    seen, hit = (np.cumsum([state[f"{name}_{level}"] for level in reversed(CONFIDENCES)]) for name in ("seen", "hit"))
    precision = np.maximum.accumulate((hit / np.maximum(seen, 1))[::-1])[::-1]
    return float((np.diff(hit, prepend=0) * precision).sum() / state["true"])


INSTANCE_METRIC = Metric(
    (
        "seen",
        "true",
        "matched",
        "overlap",
        "splits",
        "merges",
        *(f"{name}_{level}" for name in ("seen", "hit") for level in CONFIDENCES),
    ),
    count_instances,
    instance_metrics,
    primary="pq",
    higher_is_better=dict.fromkeys(("pq", "sq", "rq", "ap50"), True)
    | dict.fromkeys(("splits", "merges", "missed", "false"), False),
    charts=(("pq", "sq", "rq", "ap50"), ("splits", "merges", "missed", "false")),
)
