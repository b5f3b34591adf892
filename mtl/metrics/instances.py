"""How good trap objects are: does each true trap have one predicted object, and each object one true trap?"""

import numpy as np
from numpy.typing import NDArray

from mtl.metrics.base import Metric, Sums, ratio
from targets.scene import Bool, Float

HIT = 0.5  # IoU above which an object is a true trap: no trap can be so near to two objects (Kirillov et al. 2019)
LEVELS = range(101)  # confidences in whole percent, so that sums over maps tell the order of all objects


def shared_cells(first: NDArray, second: NDArray) -> NDArray[np.int64]:
    """(M + 1, N + 1) how many cells have label m in the first and n in the second array of labels; 0 = none."""
    first, second = first.astype(np.int64), second.astype(np.int64)
    shape = int(first.max(initial=0)) + 1, int(second.max(initial=0)) + 1
    return np.bincount((first * shape[1] + second).ravel(), minlength=shape[0] * shape[1]).reshape(shape)


def overlap(shared: NDArray[np.int64]) -> NDArray[np.float64]:
    """(M, N) intersection over union of every pair of objects, of `shared_cells`."""
    both = shared[1:, 1:]
    return both / np.maximum(shared[1:].sum(1)[:, None] + shared[:, 1:].sum(0) - both, 1)


def count_objects(prediction: Float, target: Float, valid: Bool) -> Sums:
    """Objects seen, true and matched, the IoU of the matched ones in all, splits, merges, and hits by confidence.

    A true trap is split when two objects or more lie in it with more than half of their cells; an object is a merger
    when two true traps or more lie in it so.

    Parameters
    ----------
    prediction : (2, H, W)
        Number of the object (0 = none), and its confidence in each of its cells.
    target : (1, H, W)
        Number of the true trap, 0 = none.
    """
    seen, true = (np.where(valid, np.nan_to_num(plane), 0).astype(np.int64) for plane in (prediction[0], target[0]))
    shared = shared_cells(seen, true)
    iou, both = overlap(shared), shared[1:, 1:]
    in_seen, in_true = shared[1:].sum(1), shared[:, 1:].sum(0)
    cells, first = np.unique(seen, return_index=True)
    percent = np.zeros(len(in_seen), np.int64)
    percent[cells[cells > 0] - 1] = np.rint(100 * np.nan_to_num(prediction[1]).ravel()[first[cells > 0]])
    there, hit = in_seen > 0, (iou > HIT).any(1)
    sums = {
        "seen": float(there.sum()),
        "true": float((in_true > 0).sum()),
        "matched": float(hit.sum()),
        "overlap": float(iou[iou > HIT].sum()),
        "splits": float(((both > in_seen[:, None] / 2).sum(0) > 1).sum()),
        "merges": float(((both > in_true / 2).sum(1) > 1).sum()),
    }
    for name, chosen in (("seen", there), ("hit", hit)):
        counts = np.bincount(percent[chosen], minlength=len(LEVELS))
        sums |= {f"{name}_{level}": float(counts[level]) for level in LEVELS}
    return sums


def object_ratios(s: Sums) -> dict[str, float]:
    """Panoptic quality PQ = SQ · RQ (Kirillov et al. 2019, Panoptic segmentation), AP at IoU 0.5, and counts.

    sq : mean IoU of the matched objects; rq : F1 of finding them.
    """
    pairs = (s["seen"] + s["true"]) / 2
    return {
        "pq": ratio(s["overlap"], pairs),
        "sq": ratio(s["overlap"], s["matched"]),
        "rq": ratio(s["matched"], pairs),
        "ap50": average_precision(s),
        "splits": s["splits"],
        "merges": s["merges"],
        "missed": s["true"] - s["matched"],
        "false": s["seen"] - s["matched"],
    }


def average_precision(s: Sums) -> float:
    """Area under precision over recall as the least confidence goes down; precision never rises with recall
    (Everingham et al. 2015, The Pascal visual object classes challenge, all points). NaN without true traps."""
    if not s["true"]:
        return float("nan")
    seen, hit = (np.cumsum([s[f"{name}_{level}"] for level in reversed(LEVELS)]) for name in ("seen", "hit"))
    precision = np.maximum.accumulate((hit / np.maximum(seen, 1))[::-1])[::-1]
    return float((np.diff(hit, prepend=0) * precision).sum() / s["true"])


OBJECT_SCORE = Metric(
    ("seen", "true", "matched", "overlap", "splits", "merges", *(f"{n}_{k}" for n in ("seen", "hit") for k in LEVELS)),
    count_objects,
    object_ratios,
    primary="pq",
    charts=(("pq", "sq", "rq", "ap50"), ("splits", "merges", "missed", "false")),
)
