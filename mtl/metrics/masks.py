"""Metrics of masks and of whole maps: IoU, Dice, precision, recall, false areas, boundary F1, accuracy."""

from functools import partial

import numpy as np
from scipy import ndimage
from skimage.segmentation import find_boundaries

from mtl.config import THRESHOLD
from mtl.metrics.base import Metric, State, f1_score, ratio
from targets.scene import Bool, Float

BOUNDARY_TOLERANCE = 3  # cells (square ones as large, where they are oblong) between outlines that count as the same

# -- cells of a mask ---------------------------------------------------------------------------------------------


def count_mask(prediction: Float, target: Float, valid: Bool) -> State:
    """True positive, false positive and false negative cells of the first plane.

    Examples
    --------
    >>> import numpy as np
    >>> prediction, target = np.array([[[0.9, 0.8, 0.1, 0.9]]]), np.array([[[1, 0, 1, 0]]])
    >>> count_mask(prediction, target, np.array([[True, True, True, False]]))
    {'tp': 1.0, 'fp': 1.0, 'fn': 1.0}
    """
    predicted, true = (prediction[0] > THRESHOLD) & valid, (target[0] > THRESHOLD) & valid
    return {
        "tp": float((predicted & true).sum()),
        "fp": float((predicted & ~true).sum()),
        "fn": float((~predicted & true).sum()),
    }


def mask_metrics(state: State) -> dict[str, float]:
    """Dice, IoU, precision, recall, and the areas of false and missed trap over the true area.

    Returns
    -------
    {name: value}
        NaN where a value is not defined.
    """
    tp, fp, fn = state["tp"], state["fp"], state["fn"]
    return {
        "dice": ratio(2 * tp, 2 * tp + fp + fn),
        "iou": ratio(tp, tp + fp + fn),
        "precision": ratio(tp, tp + fp),
        "recall": ratio(tp, tp + fn),
        "fp_area": ratio(fp, tp + fn),
        "fn_area": ratio(fn, tp + fn),
    }


def count_inside_class(prediction: Float, target: Float, valid: Bool) -> State:
    """Mask state of the class inside: the second of background, inside, rim.

    Parameters
    ----------
    prediction, target : (3, H, W) float32
        In the unit of the output.
    valid : (H, W) bool
        Cells that count.
    """
    return count_mask(prediction[1:2], target[1:2], valid)


# -- one answer for a whole map ----------------------------------------------------------------------------------


def count_map_answer(prediction: Float, target: Float, valid: Bool) -> State:
    """The true or false answer about one map, the mean over its valid cells; no count where no cell is valid.

    Parameters
    ----------
    prediction, target : (1, H, W) float32
        In the unit of the output.
    valid : (H, W) bool
        Cells that count.
    """
    if not valid.any():
        return dict.fromkeys(MAP_ANSWER_STATE, 0.0)
    predicted, true = bool(prediction[0][valid].mean() > THRESHOLD), bool(target[0][valid].mean() > THRESHOLD)
    outcome = f"{'true' if predicted == true else 'false'}_{'positive' if predicted else 'negative'}"
    return dict.fromkeys(MAP_ANSWER_STATE, 0.0) | {outcome: 1.0}


def map_answer_metrics(state: State) -> dict[str, float]:
    """Accuracy over maps, precision and recall of yes, and what always giving the commoner answer would get.

    Returns
    -------
    {name: value}
        NaN where a value is not defined.
    """
    yes = state["true_positive"] + state["false_negative"]
    no = state["true_negative"] + state["false_positive"]
    return {
        "accuracy": ratio(state["true_positive"] + state["true_negative"], yes + no),
        "precision": ratio(state["true_positive"], state["true_positive"] + state["false_positive"]),
        "recall": ratio(state["true_positive"], yes),
        "always_the_same": ratio(max(yes, no), yes + no),
    }


# -- outlines ----------------------------------------------------------------------------------------------------


def on_square_cells(plane: Bool, cell_sides: tuple[float, float]) -> Bool:
    """The cells of a plane (H, W) on square cells of side 1, each with the value of the cell that its centre lies in.

    Outlines are a cell thick: of oblong cells they would count twice as many along one direction as along the other.

    Examples
    --------
    >>> on_square_cells(np.array([[True, False, True]]), (0.5, 2.0)).astype(int).tolist()
    [[1, 1, 0, 0, 1, 1]]
    """
    shape = [max(1, round(n * side)) for n, side in zip(plane.shape, cell_sides, strict=True)]
    if shape == list(plane.shape):
        return plane
    rows, cols = ((np.arange(new) + 0.5) * n // new for n, new in zip(plane.shape, shape, strict=True))
    return plane[np.ix_(rows.astype(int), cols.astype(int))]


def count_outline(prediction: Bool, target: Bool, valid: Bool, tolerance: float) -> State:
    """Outline cells of both masks, and how many lie within a tolerance of the other outline (Csurka et al. 2013,
    BF score).

    Parameters
    ----------
    prediction, target, valid : (H, W) bool
        Cells of the predicted and the true outline, and cells that count.
    tolerance : float
        Largest Euclidean distance of a match, in cells.
    """
    predicted, true = prediction & valid, target & valid
    near_true, near_predicted = (
        ndimage.distance_transform_edt(~outline) <= tolerance if outline.any() else outline
        for outline in (true, predicted)
    )
    return {
        "outline_seen": float(predicted.sum()),
        "outline_seen_right": float((predicted & near_true).sum()),
        "outline_true": float(true.sum()),
        "outline_true_found": float((true & near_predicted).sum()),
    }


def outline_metrics(state: State) -> dict[str, float]:
    """Boundary F1, precision and recall.

    Returns
    -------
    {name: value}
        NaN where a value is not defined.
    """
    precision = ratio(state["outline_seen_right"], state["outline_seen"])
    recall = ratio(state["outline_true_found"], state["outline_true"])
    return {"boundary_f1": f1_score(precision, recall), "boundary_precision": precision, "boundary_recall": recall}


def count_mask_and_outline(
    prediction: Float, target: Float, valid: Bool, tolerance: float, cell_sides: tuple[float, float] = (1.0, 1.0)
) -> State:
    """State of a mask and of its outline.

    Parameters
    ----------
    prediction, target : (1, H, W) float32
        In the unit of the output.
    valid : (H, W) bool
        Cells that count.
    tolerance : float
        Largest distance between outlines that count as the same, in cells.
    cell_sides : tuple[float, float], default (1.0, 1.0)
        Height and width of a cell, in the unit of the tolerance.
    """
    seen, true = (
        find_boundaries(on_square_cells((a[0] > THRESHOLD) & valid, cell_sides), mode="inner")
        for a in (prediction, target)
    )
    own = count_outline(seen, true, on_square_cells(valid, cell_sides), tolerance)
    return count_mask(prediction, target, valid) | own


def mask_and_outline_metrics(state: State) -> dict[str, float]:
    """Values of a mask and of its outline.

    Returns
    -------
    {name: value}
        NaN where a value is not defined.
    """
    return mask_metrics(state) | outline_metrics(state)


def count_band(
    prediction: Float, target: Float, valid: Bool, tolerance: float, cell_sides: tuple[float, float] = (1.0, 1.0)
) -> State:
    """State of a boundary band: its own cells are the outline.

    Parameters
    ----------
    prediction, target : (1, H, W) float32
        In the unit of the output.
    valid : (H, W) bool
        Cells that count.
    tolerance : float
        Largest distance between outlines that count as the same, in cells.
    cell_sides : tuple[float, float], default (1.0, 1.0)
        Height and width of a cell, in the unit of the tolerance.
    """
    seen, true = (on_square_cells(a[0] > THRESHOLD, cell_sides) for a in (prediction, target))
    own = count_outline(seen, true, on_square_cells(valid, cell_sides), tolerance)
    return count_mask(prediction, target, valid) | own


def band_metrics(state: State) -> dict[str, float]:
    """Boundary F1, precision and recall, and the IoU of the two bands.

    Returns
    -------
    {name: value}
        NaN where a value is not defined.
    """
    return outline_metrics(state) | {"iou": mask_metrics(state)["iou"]}


# -- records -----------------------------------------------------------------------------------------------------

MASK_STATE = ("tp", "fp", "fn")
MAP_ANSWER_STATE = ("true_positive", "false_positive", "true_negative", "false_negative")
OUTLINE_STATE = ("outline_seen", "outline_seen_right", "outline_true", "outline_true_found")

MASK_DIRECTIONS = {"dice": True, "iou": True, "precision": True, "recall": True, "fp_area": False, "fn_area": False}
OUTLINE_DIRECTIONS = {"boundary_f1": True, "boundary_precision": True, "boundary_recall": True}

MASK_CHARTS = (("iou", "dice"), ("precision", "recall"), ("fp_area", "fn_area"))
OUTLINE_CHART = ("boundary_f1", "boundary_precision", "boundary_recall")

TRAP_METRIC = Metric(
    MASK_STATE + OUTLINE_STATE,
    partial(count_mask_and_outline, tolerance=BOUNDARY_TOLERANCE),
    mask_and_outline_metrics,
    primary="iou",
    higher_is_better=MASK_DIRECTIONS | OUTLINE_DIRECTIONS,
    charts=(*MASK_CHARTS, OUTLINE_CHART),
    measures_lengths=True,
)
INSIDE_METRIC = Metric(
    MASK_STATE,
    count_inside_class,
    mask_metrics,
    primary="iou",
    higher_is_better=MASK_DIRECTIONS,
    charts=MASK_CHARTS,
)
BAND_METRIC = Metric(
    MASK_STATE + OUTLINE_STATE,
    partial(count_band, tolerance=BOUNDARY_TOLERANCE),
    band_metrics,
    primary="boundary_f1",
    higher_is_better=OUTLINE_DIRECTIONS | {"iou": True},
    charts=(OUTLINE_CHART, ("iou",)),
    measures_lengths=True,
)
MAP_ANSWER_METRIC = Metric(
    MAP_ANSWER_STATE,
    count_map_answer,
    map_answer_metrics,
    primary="accuracy",
    higher_is_better={"accuracy": True, "precision": True, "recall": True, "always_the_same": None},
    trivial_baseline="always_the_same",
    charts=(("accuracy", "always_the_same"), ("precision", "recall")),
)
