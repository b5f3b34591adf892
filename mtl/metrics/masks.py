"""Metrics of masks: IoU, Dice, precision, recall, false areas."""

from functools import partial

from scipy import ndimage
from skimage.segmentation import find_boundaries

from mtl.metrics.base import THRESHOLD, Metric, Sums, f1, ratio
from targets.scene import Bool, Float

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


MASK_SUMS = ("tp", "fp", "fn")
WHOLE_SUMS = ("true_positive", "false_positive", "true_negative", "false_negative")
OUTLINE_SUMS = ("outline_seen", "outline_seen_right", "outline_true", "outline_true_found")

OVERLAP_CHARTS = (("iou", "dice"), ("precision", "recall"), ("fp_area", "fn_area"))
OUTLINE_CHART = ("boundary_f1", "boundary_precision", "boundary_recall")

TRAP_SCORE = Metric(
    MASK_SUMS + OUTLINE_SUMS,
    partial(count_trap, pixels=3),
    trap_ratios,
    primary="iou",
    charts=(*OVERLAP_CHARTS, OUTLINE_CHART),
)
INSIDE_SCORE = Metric(MASK_SUMS, count_inside, mask_ratios, primary="iou", charts=OVERLAP_CHARTS)
BAND_SCORE = Metric(
    MASK_SUMS + OUTLINE_SUMS,
    partial(count_band, pixels=3),
    band_ratios,
    primary="boundary_f1",
    charts=(OUTLINE_CHART, ("iou",)),
)
WHOLE_SCORE = Metric(
    WHOLE_SUMS,
    count_whole,
    whole_ratios,
    primary="accuracy",
    trivial_baseline="always_the_same",
    charts=(("accuracy", "always_the_same"), ("precision", "recall")),
)
