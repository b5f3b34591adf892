"""Metrics of keypoints: crests found within a radius, matched one to one."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from skimage.feature import peak_local_max

from mtl.metrics.base import Metric, State, f1_score, ratio
from mtl.metrics.masks import MASK_CHARTS, MASK_DIRECTIONS, MASK_STATE, count_mask, mask_metrics
from targets.scene import Bool, Float

# -- matching ----------------------------------------------------------------------------------------------------


def find_peaks(heat: NDArray, valid: Bool, min_distance: int = 5, threshold: float = 0.2) -> NDArray[np.int64]:
    """Local maxima of a heatmap.

    Parameters
    ----------
    heat : (H, W) float
        NaN counts as 0.
    valid : (H, W) bool
        Cells where a peak may lie.
    min_distance : int, default 5
        Least distance between two peaks, in cells.
    threshold : float, default 0.2
        Least value of a peak.

    Returns
    -------
    (N, 2) int
        Rows and columns.
    """
    heat = np.where(valid, np.nan_to_num(heat), 0)
    return peak_local_max(heat, min_distance=min_distance, threshold_abs=threshold, exclude_border=False)


@dataclass(frozen=True, eq=False)
class PointMatches:
    """True and predicted points of a map, and which of them belong together.

    Attributes
    ----------
    true : (N, 2) int
        Rows and columns of the true points.
    predicted : (M, 2) int
        Rows and columns of the predicted points.
    pairs : (K, 2) int
        Numbers of a true point and of the predicted one that it is matched to.
    """

    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    pairs: NDArray[np.int64]


def match_crests(prediction: Float, target: Float, valid: Bool, radius: float) -> PointMatches:
    """Peaks of a (1, H, W) heatmap matched to crests, the cells where the target is 1.

    Parameters
    ----------
    prediction, target : (1, H, W) float32
        In the unit of the output.
    valid : (H, W) bool
        Cells that count.
    radius : float
        Largest distance of a match, in cells.
    """
    return match_points(np.argwhere((target[0] == 1) & valid), find_peaks(prediction[0], valid), radius)


def match_points(true: NDArray[np.int64], predicted: NDArray[np.int64], radius: float) -> PointMatches:
    """One-to-one matches within a radius of least total distance (Hungarian method).

    Examples
    --------
    >>> true, predicted = np.array([[0, 0], [9, 9]]), np.array([[9, 8], [40, 40]])
    >>> match_points(true, predicted, radius=5).pairs
    array([[1, 0]])
    """
    distance = cdist(true, predicted)
    # A pair beyond the radius costs the same whatever its distance, so it never takes a match from another pair.
    pairs = np.stack(linear_sum_assignment(np.where(distance <= radius, distance, 1e6)), axis=1)
    return PointMatches(true, predicted, pairs[distance[pairs[:, 0], pairs[:, 1]] <= radius])


# -- metrics -----------------------------------------------------------------------------------------------------


def count_crests(prediction: Float, target: Float, valid: Bool, radius: float) -> State:
    """State of the crests of a heatmap.

    Parameters
    ----------
    prediction, target : (1, H, W) float32
        In the unit of the output.
    valid : (H, W) bool
        Cells that count.
    radius : float
        Largest distance of a match, in cells.
    """
    return count_matches(match_crests(prediction, target, valid, radius))


def count_matches(matches: PointMatches) -> State:
    """Number of predicted, true and matched points, and the sum of the matches' distances in cells."""
    offsets = matches.true[matches.pairs[:, 0]] - matches.predicted[matches.pairs[:, 1]]
    return {
        "seen": float(len(matches.predicted)),
        "true": float(len(matches.true)),
        "hits": float(len(matches.pairs)),
        "miss": float(np.hypot(offsets[:, 0], offsets[:, 1]).sum()),
    }


def keypoint_metrics(state: State) -> dict[str, float]:
    """F1, share of true crests found, share of predicted crests that are right, mean distance of matches in cells.

    Returns
    -------
    {name: value}
        NaN where a value is not defined.
    """
    recall, precision = ratio(state["hits"], state["true"]), ratio(state["hits"], state["seen"])
    return {
        "f1": f1_score(precision, recall),
        "hit_rate": recall,
        "precision": precision,
        "mean_miss": ratio(state["miss"], state["hits"]),
    }


def count_mask_and_crests(prediction: Float, target: Float, valid: Bool, radius: float) -> State:
    """Mask state of the first plane, and crest state of the second, which is 1 on the crest of every trap.

    Parameters
    ----------
    prediction, target : (2, H, W) float32
        In the unit of the output.
    valid : (H, W) bool
        Cells that count.
    radius : float
        Largest distance of a match, in cells.
    """
    true, predicted = (np.argwhere((planes[1] == 1) & valid) for planes in (target, prediction))
    return count_mask(prediction, target, valid) | count_matches(match_points(true, predicted, radius))


def mask_and_crest_metrics(state: State) -> dict[str, float]:
    """Values of the mask, share of true crests found, and share of predicted crests that are right.

    Returns
    -------
    {name: value}
        NaN where a value is not defined.
    """
    crests = keypoint_metrics(state)
    return mask_metrics(state) | {"crest_hits": crests["hit_rate"], "crest_precision": crests["precision"]}


CREST_STATE = ("seen", "true", "hits", "miss")

CREST_RADIUS = 10  # cells; a crest predicted as near as this is found
OBJECT_CREST_RADIUS = 5  # cells; crests of objects are single cells of the map, not peaks of a blurred heatmap

CREST_METRIC = Metric(
    CREST_STATE,
    partial(count_crests, radius=CREST_RADIUS),
    keypoint_metrics,
    primary="f1",
    higher_is_better={"f1": True, "hit_rate": True, "precision": True, "mean_miss": False},
    charts=(("f1", "hit_rate", "precision"), ("mean_miss",)),
)
MASK_AND_CREST_METRIC = Metric(
    MASK_STATE + CREST_STATE,
    partial(count_mask_and_crests, radius=OBJECT_CREST_RADIUS),
    mask_and_crest_metrics,
    primary="iou",
    higher_is_better=MASK_DIRECTIONS | {"crest_hits": True, "crest_precision": True},
    charts=(*MASK_CHARTS, ("crest_hits", "crest_precision")),
)
