"""Metrics of the TGS Salt Identification Challenge."""

import math

from mtl.metrics.base import Metric, Sums, ratio
from mtl.metrics.masks import MASK_SUMS, count_mask, mask_ratios
from targets.scene import Bool, Float

# -- images of salt ----------------------------------------------------------------------------------------------


def count_salt(prediction: Float, target: Float, valid: Bool) -> Sums:
    """Mask sums, and what one image is worth by each metric of the TGS Salt Identification Challenge."""
    cells = count_mask(prediction, target, valid)
    tp, fp, fn = (int(cells[name]) for name in MASK_SUMS)
    known = bool(valid.any())
    return cells | {
        "images": float(known),
        "tgs": known * tgs_precision(tp, fp, fn),
        "my_iou_metric": known * my_iou_metric(tp, fp, fn),
        "predict_nothing": float(known and tp + fn == 0),
    }


def tgs_precision(tp: int, fp: int, fn: int) -> float:
    """The official metric of one image: the share of the thresholds 0.50, 0.55, … 0.95 that the IoU exceeds.

    1 where there is no salt and none is seen, 0 where only one of both is without. Of a set it is the mean over images.
    """
    union = tp + fp + fn
    return sum(20 * tp > step * union for step in range(10, 20)) / 10 if union else 1.0  # whole numbers: exact


def my_iou_metric(tp: int, fp: int, fn: int) -> float:
    """What many notebooks of the challenge watched under this name: **a perfect mask gets 1.1**, so do not compare it.

    It is floor(max(0, (IoU - 0.45) · 20)) / 10, in floating point as there; without salt 1 if none is seen, else 0.
    """
    if tp + fn == 0:
        return float(fp == 0)
    return math.floor(max(0.0, (tp / (tp + fp + fn) - 0.45) * 20)) / 10


def salt_ratios(s: Sums) -> dict[str, float]:
    """Means over images: official metric, what predicting nothing would get, the notebooks' metric; pooled overlap."""
    means = {name: ratio(s[name], s["images"]) for name in ("tgs", "predict_nothing", "my_iou_metric")}
    cells = mask_ratios(s)
    return means | {name: cells[name] for name in ("iou", "dice", "precision", "recall")}


SALT_SCORE = Metric(
    (*MASK_SUMS, "images", "tgs", "my_iou_metric", "predict_nothing"),
    count_salt,
    salt_ratios,
    primary="tgs",
    trivial_baseline="predict_nothing",
    charts=(("tgs", "predict_nothing"), ("my_iou_metric",), ("iou", "dice"), ("precision", "recall")),
)
