"""How good a head is on whole maps: additive sums per map, and the figures that follow from sums.

A score counts sums on one map. Because sums add up, the same ratios give the figures of one map, of a data set
(pooled) and of several processes. Arrays: prediction and target (C, H, W) in the head's unit, valid (H, W) bool.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from skimage.feature import peak_local_max
from skimage.segmentation import find_boundaries

from targets.scene import Bool, Float

Sums = dict[str, float]
THRESHOLD = 0.5  # a cell is predicted positive above it


@dataclass(frozen=True)
class Score:
    """How a head is judged.

    sums : names of the additive quantities that `count` returns.
    count : (prediction, target, valid) -> sums of one map.
    ratios : sums -> figures; NaN where a figure is not defined (no true trap, say).
    best : the figure by which the best checkpoint is chosen.
    floor : the figure that says what no answer at all would get; reports print it beside the best one. None: it is 0.
    charts : figures that are read together, the best one's first: a chart each in TensorBoard.
    """

    sums: tuple[str, ...]
    count: Callable[[Float, Float, Bool], Sums]
    ratios: Callable[[Sums], dict[str, float]]
    best: str
    charts: tuple[tuple[str, ...], ...]
    floor: str | None = None


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


# -- masks -------------------------------------------------------------------------------------------------------


def count_mask(prediction: Float, target: Float, valid: Bool) -> Sums:
    """True positive, false positive and false negative cells."""
    seen, true = (prediction[0] > THRESHOLD) & valid, (target[0] > THRESHOLD) & valid
    return {"tp": float((seen & true).sum()), "fp": float((seen & ~true).sum()), "fn": float((~seen & true).sum())}


def mask_ratios(s: Sums) -> dict[str, float]:
    """Dice, IoU, precision, recall, and the areas of false and missed trap over the true area."""
    tp, fp, fn = s["tp"], s["fp"], s["fn"]
    return {
        "dice": ratio(2 * tp, 2 * tp + fp + fn),
        "iou": ratio(tp, tp + fp + fn),
        "precision": ratio(tp, tp + fp),
        "recall": ratio(tp, tp + fn),
        "fp_area": ratio(fp, tp + fn),
        "fn_area": ratio(fn, tp + fn),
    }


def count_inside(prediction: Float, target: Float, valid: Bool) -> Sums:
    """Mask sums of the class inside: the second of background, inside, rim."""
    return count_mask(prediction[1:2], target[1:2], valid)


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


# -- whole maps --------------------------------------------------------------------------------------------------


def count_whole(prediction: Float, target: Float, valid: Bool) -> Sums:
    """The true or false answer about one map, whose cells it is the mean of; none where nothing is known."""
    if not valid.any():
        return dict.fromkeys(WHOLE_SUMS, 0.0)
    seen, true = bool(prediction[0][valid].mean() > THRESHOLD), bool(target[0][valid].mean() > THRESHOLD)
    right, kind = seen == true, "positive" if seen else "negative"
    return dict.fromkeys(WHOLE_SUMS, 0.0) | {f"{'true' if right else 'false'}_{kind}": 1.0}


def whole_ratios(s: Sums) -> dict[str, float]:
    """Share of maps that are right, precision and recall of yes, and what always the commoner answer would get."""
    yes, no = s["true_positive"] + s["false_negative"], s["true_negative"] + s["false_positive"]
    return {
        "accuracy": ratio(s["true_positive"] + s["true_negative"], yes + no),
        "precision": ratio(s["true_positive"], s["true_positive"] + s["false_positive"]),
        "recall": ratio(s["true_positive"], yes),
        "always_the_same": ratio(max(yes, no), yes + no),
    }


# -- outlines ----------------------------------------------------------------------------------------------------


def count_outline(prediction: Bool, target: Bool, valid: Bool, pixels: int) -> Sums:
    """Outline cells of both, and how many lie within `pixels` of the other's (Csurka et al. 2013, BF score)."""
    seen, true = prediction & valid, target & valid
    near_true = ndimage.distance_transform_edt(~true) <= pixels if true.any() else true
    near_seen = ndimage.distance_transform_edt(~seen) <= pixels if seen.any() else seen
    return {
        "outline_seen": float(seen.sum()),
        "outline_seen_right": float((seen & near_true).sum()),
        "outline_true": float(true.sum()),
        "outline_true_found": float((true & near_seen).sum()),
    }


def outline_ratios(s: Sums) -> dict[str, float]:
    """Boundary precision, recall and F1."""
    precision = ratio(s["outline_seen_right"], s["outline_seen"])
    recall = ratio(s["outline_true_found"], s["outline_true"])
    return {"boundary_f1": f1(precision, recall), "boundary_precision": precision, "boundary_recall": recall}


def count_trap(prediction: Float, target: Float, valid: Bool, pixels: int) -> Sums:
    """Mask sums, and the sums of the mask's outlines."""
    outlines = [find_boundaries((a[0] > THRESHOLD) & valid, mode="inner") for a in (prediction, target)]
    return count_mask(prediction, target, valid) | count_outline(outlines[0], outlines[1], valid, pixels)


def trap_ratios(s: Sums) -> dict[str, float]:
    """The figures of a mask and of its outline."""
    return mask_ratios(s) | outline_ratios(s)


def count_band(prediction: Float, target: Float, valid: Bool, pixels: int) -> Sums:
    """Sums of a boundary band: its own cells are the outline."""
    return count_mask(prediction, target, valid) | count_outline(
        prediction[0] > THRESHOLD, target[0] > THRESHOLD, valid, pixels
    )


def band_ratios(s: Sums) -> dict[str, float]:
    """Boundary F1 first, then the plain overlap of the two bands."""
    return outline_ratios(s) | {"iou": mask_ratios(s)["iou"]}


# -- crests ------------------------------------------------------------------------------------------------------


def find_peaks(heat: NDArray, valid: Bool, apart: int = 5, least: float = 0.2) -> NDArray[np.int64]:
    """(N, 2) rows and columns of the local maxima of a heatmap, at least `apart` cells from each other."""
    heat = np.where(valid, np.nan_to_num(heat), 0)
    return peak_local_max(heat, min_distance=apart, threshold_abs=least, exclude_border=False)


@dataclass(frozen=True, eq=False)
class Hits:
    """Points of a map, rows and columns, and which of the true ones are found.

    true : (N, 2); seen : (M, 2); pairs : (K, 2) numbers of a true point and of the seen one that hits it.
    """

    true: NDArray[np.int64]
    seen: NDArray[np.int64]
    pairs: NDArray[np.int64]


def match_crests(prediction: Float, target: Float, valid: Bool, radius: float) -> Hits:
    """The peaks of a heatmap that hit crests, the cells where the target is 1."""
    return match_points(np.argwhere((target[0] == 1) & valid), find_peaks(prediction[0], valid), radius)


def match_points(true: NDArray[np.int64], seen: NDArray[np.int64], radius: float) -> Hits:
    """Points seen, true and hit: matched one to one, the total distance being smallest (Hungarian method)."""
    distance = cdist(true, seen)
    # A pair beyond the radius costs the same whatever its distance, so it never takes a hit from another pair.
    pairs = np.stack(linear_sum_assignment(np.where(distance <= radius, distance, 1e6)), axis=1)
    return Hits(true, seen, pairs[distance[pairs[:, 0], pairs[:, 1]] <= radius])


def count_crests(prediction: Float, target: Float, valid: Bool, radius: float) -> Sums:
    """How many crests are seen, true and hit, and how far the hits are off in all."""
    return count_hits(match_crests(prediction, target, valid, radius))


def count_hits(found: Hits) -> Sums:
    """How many points are seen, true and hit, and how far the hits are off in all."""
    off = found.true[found.pairs[:, 0]] - found.seen[found.pairs[:, 1]]
    return {
        "seen": float(len(found.seen)),
        "true": float(len(found.true)),
        "hits": float(len(found.pairs)),
        "miss": float(np.hypot(off[:, 0], off[:, 1]).sum()),
    }


def crest_ratios(s: Sums) -> dict[str, float]:
    """F1, share of true crests hit, share of seen crests that are right, mean distance of the hits in cells."""
    found, right = ratio(s["hits"], s["true"]), ratio(s["hits"], s["seen"])
    return {"f1": f1(right, found), "hit_rate": found, "precision": right, "mean_miss": ratio(s["miss"], s["hits"])}


def count_traps_and_crests(prediction: Float, target: Float, valid: Bool, radius: float) -> Sums:
    """Mask sums of the first plane, and crest sums of the second, which is 1 on the crest of every trap."""
    true, seen = (np.argwhere((planes[1] == 1) & valid) for planes in (target, prediction))
    return count_mask(prediction, target, valid) | count_hits(match_points(true, seen, radius))


def traps_and_crests_ratios(s: Sums) -> dict[str, float]:
    """The figures of the mask, share of true crests that are hit, and of seen ones that are right."""
    crests = crest_ratios(s)
    return mask_ratios(s) | {"crest_hits": crests["hit_rate"], "crest_precision": crests["precision"]}


# -- distances ---------------------------------------------------------------------------------------------------


def count_error(prediction: Float, target: Float, valid: Bool) -> Sums:
    """Cells, and the sums of the absolute and signed error over valid cells."""
    error = (prediction[0] - target[0])[valid].astype(float)
    return {"cells": float(error.size), "absolute": float(np.abs(error).sum()), "signed": float(error.sum())}


def error_ratios(s: Sums) -> dict[str, float]:
    """Mean absolute error and bias."""
    return {"mae": ratio(s["absolute"], s["cells"]), "bias": ratio(s["signed"], s["cells"])}


MASK_SUMS = ("tp", "fp", "fn")
CREST_SUMS = ("seen", "true", "hits", "miss")
WHOLE_SUMS = ("true_positive", "false_positive", "true_negative", "false_negative")
OUTLINE_SUMS = ("outline_seen", "outline_seen_right", "outline_true", "outline_true_found")

CREST_RADIUS = 10  # cells; a crest seen as near as this is hit

OVERLAP_CHARTS = (("iou", "dice"), ("precision", "recall"), ("fp_area", "fn_area"))
OUTLINE_CHART = ("boundary_f1", "boundary_precision", "boundary_recall")

TRAP_SCORE = Score(
    MASK_SUMS + OUTLINE_SUMS,
    partial(count_trap, pixels=3),
    trap_ratios,
    best="iou",
    charts=(*OVERLAP_CHARTS, OUTLINE_CHART),
)
INSIDE_SCORE = Score(MASK_SUMS, count_inside, mask_ratios, best="iou", charts=OVERLAP_CHARTS)
BAND_SCORE = Score(
    MASK_SUMS + OUTLINE_SUMS,
    partial(count_band, pixels=3),
    band_ratios,
    best="boundary_f1",
    charts=(OUTLINE_CHART, ("iou",)),
)
CREST_SCORE = Score(
    CREST_SUMS,
    partial(count_crests, radius=CREST_RADIUS),
    crest_ratios,
    best="f1",
    charts=(("f1", "hit_rate", "precision"), ("mean_miss",)),
)
TRAPS_AND_CRESTS_SCORE = Score(
    MASK_SUMS + CREST_SUMS,
    partial(count_traps_and_crests, radius=5),
    traps_and_crests_ratios,
    best="iou",
    charts=(*OVERLAP_CHARTS, ("crest_hits", "crest_precision")),
)
ERROR_SCORE = Score(
    ("cells", "absolute", "signed"), count_error, error_ratios, best="mae", charts=(("mae",), ("bias",))
)
SALT_SCORE = Score(
    (*MASK_SUMS, "images", "tgs", "my_iou_metric", "predict_nothing"),
    count_salt,
    salt_ratios,
    best="tgs",
    floor="predict_nothing",
    charts=(("tgs", "predict_nothing"), ("my_iou_metric",), ("iou", "dice"), ("precision", "recall")),
)
WHOLE_SCORE = Score(
    WHOLE_SUMS,
    count_whole,
    whole_ratios,
    best="accuracy",
    floor="always_the_same",
    charts=(("accuracy", "always_the_same"), ("precision", "recall")),
)
