"""Metrics of the TGS Salt Identification Challenge: mean precision over IoU thresholds, per image."""

import math

from mtl.metrics.base import Metric, State, ratio
from mtl.metrics.masks import MASK_STATE, count_mask, mask_metrics
from targets.scene import Bool, Float


def count_salt(prediction: Float, target: Float, valid: Bool) -> State:
    """Mask state, and the value of one image by each metric of the challenge.

    Parameters
    ----------
    prediction, target : (1, H, W) float32
        In the unit of the output.
    valid : (H, W) bool
        Cells that count.
    """
    cells = count_mask(prediction, target, valid)
    tp, fp, fn = (int(cells[name]) for name in MASK_STATE)
    known = bool(valid.any())
    return cells | {
        "images": float(known),
        "tgs": known * tgs_precision(tp, fp, fn),
        "my_iou_metric": known * my_iou_metric(tp, fp, fn),
        "predict_nothing": float(known and tp + fn == 0),
    }


def tgs_precision(tp: int, fp: int, fn: int) -> float:
    """The official metric of one image: the share of the thresholds 0.50, 0.55, … 0.95 that the IoU exceeds.

    It is 1 where there is no salt and none is predicted, 0 where only one of both has none. For a set of images it is
    the mean.

    Examples
    --------
    >>> tgs_precision(tp=70, fp=30, fn=0)  # IoU 0.7 exceeds 0.50, 0.55, 0.60 and 0.65
    0.4
    """
    union = tp + fp + fn
    return sum(20 * tp > step * union for step in range(10, 20)) / 10 if union else 1.0  # whole numbers: exact


def my_iou_metric(tp: int, fp: int, fn: int) -> float:
    """The metric of this name in many notebooks of the challenge: **a perfect mask gets 1.1**, so do not compare it.

    It is floor(max(0, (IoU - 0.45) · 20)) / 10, in floating point as there; without salt 1 if none is predicted,
    else 0.

    Parameters
    ----------
    tp, fp, fn : int
        True positive, false positive and false negative cells of one image.
    """
    if tp + fn == 0:
        return float(fp == 0)
    return math.floor(max(0.0, (tp / (tp + fp + fn) - 0.45) * 20)) / 10


def salt_metrics(state: State) -> dict[str, float]:
    """Means over images (official metric, predicting nothing, the notebooks' metric), and overlap pooled over cells.

    Returns
    -------
    {name: value}
        NaN where a value is not defined.
    """
    means = {name: ratio(state[name], state["images"]) for name in ("tgs", "predict_nothing", "my_iou_metric")}
    cells = mask_metrics(state)
    return means | {name: cells[name] for name in ("iou", "dice", "precision", "recall")}


SALT_METRIC = Metric(
    (*MASK_STATE, "images", "tgs", "my_iou_metric", "predict_nothing"),
    count_salt,
    salt_metrics,
    primary="tgs",
    higher_is_better={
        "tgs": True,
        "predict_nothing": None,
        "my_iou_metric": True,
        "iou": True,
        "dice": True,
        "precision": True,
        "recall": True,
    },
    trivial_baseline="predict_nothing",
    charts=(("tgs", "predict_nothing"), ("my_iou_metric",), ("iou", "dice"), ("precision", "recall")),
)
