"""Metrics of keypoints: crests found within a radius, matched one to one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from skimage.feature import peak_local_max

from mtl.metrics.base import Metric, State, f1_score, ratio
from mtl.metrics.masks import MASK_CHARTS, MASK_DIRECTIONS, MASK_STATE, count_mask, mask_metrics
from targets.scene import Bool, Float

# -- matching ----------------------------------------------------------------------------------------------------


def find_peaks(
    heat: NDArray,
    valid: Bool,
    min_distance: int = 5,
    threshold: float = 0.2,
    cell_sides: tuple[float, float] = (1.0, 1.0),
) -> NDArray[np.int64]:
    """Local maxima of a heatmap.

    Parameters
    ----------
    heat : (H, W) float
        NaN counts as 0.
    valid : (H, W) bool
        Cells where a peak may lie.
    min_distance : int, default 5
        Least distance between two peaks, along rows or along columns, in cells.
    threshold : float, default 0.2
        Least value of a peak.
    cell_sides : tuple[float, float], default (1.0, 1.0)
        Height and width of a cell, in the unit of the distance.

    Returns
    -------
    (N, 2) int
        Rows and columns.
    """
    heat = np.where(valid, np.nan_to_num(heat), 0)
    reach = [max(1, round(min_distance / side)) for side in cell_sides]  # cells up and down, left and right
    window = np.ones([2 * cells + 1 for cells in reach], np.bool_)
    peaks = peak_local_max(
        heat, min_distance=min(reach), threshold_abs=threshold, footprint=window, exclude_border=False
    )
    return peaks if reach[0] == reach[1] else _keep_first_of_neighbours(peaks, reach)


def _keep_first_of_neighbours(points: NDArray[np.int64], reach: Sequence[int]) -> NDArray[np.int64]:
    """Those points (N, 2) that are `reach` rows or columns away from all earlier ones that stay."""
    stays = np.ones(len(points), np.bool_)
    pairs = cKDTree(points / np.array(reach)).query_pairs(1 - 1e-9, p=np.inf)
    for first, second in sorted(pairs):
        stays[second] &= not stays[first]
    return points[stays]


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
    distance : float
        Sum over all pairs, in the unit in which they were matched.
    """

    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    pairs: NDArray[np.int64]
    distance: float


def match_crests(
    prediction: Float, target: Float, valid: Bool, radius: float, cell_sides: tuple[float, float] = (1.0, 1.0)
) -> PointMatches:
    """Peaks of a (1, H, W) heatmap matched to crests, the cells where the target is 1.

    Parameters
    ----------
    prediction, target : (1, H, W) float32
        In the unit of the output.
    valid : (H, W) bool
        Cells that count.
    radius : float
        Largest distance of a match, in cells.
    cell_sides : tuple[float, float], default (1.0, 1.0)
        Height and width of a cell, in the unit of the radius.
    """
    peaks = find_peaks(prediction[0], valid, cell_sides=cell_sides)
    return match_points(np.argwhere((target[0] == 1) & valid), peaks, radius, cell_sides)


def match_points(
    true: NDArray[np.int64],
    predicted: NDArray[np.int64],
    radius: float,
    cell_sides: tuple[float, float] = (1.0, 1.0),
) -> PointMatches:
    """One-to-one matches within a radius of least total distance (Hungarian method).

    Examples
    --------
    >>> true, predicted = np.array([[0, 0], [9, 9]]), np.array([[9, 8], [40, 40]])
    >>> match_points(true, predicted, radius=5).pairs
    array([[1, 0]])
    """
    distance = cdist(true * np.array(cell_sides), predicted * np.array(cell_sides))
    # A pair beyond the radius costs the same whatever its distance, so it never takes a match from another pair.
    pairs = np.stack(linear_sum_assignment(np.where(distance <= radius, distance, 1e6)), axis=1)
    lengths = distance[pairs[:, 0], pairs[:, 1]]
    return PointMatches(true, predicted, pairs[lengths <= radius], float(lengths[lengths <= radius].sum()))


# -- metrics -----------------------------------------------------------------------------------------------------


def count_crests(
    prediction: Float, target: Float, valid: Bool, radius: float, cell_sides: tuple[float, float] = (1.0, 1.0)
) -> State:
    """State of the crests of a heatmap.

    Parameters
    ----------
    prediction, target : (1, H, W) float32
        In the unit of the output.
    valid : (H, W) bool
        Cells that count.
    radius : float
        Largest distance of a match, in cells.
    cell_sides : tuple[float, float], default (1.0, 1.0)
        Height and width of a cell, in the unit of the radius.
    """
    return count_matches(match_crests(prediction, target, valid, radius, cell_sides))


def count_matches(matches: PointMatches) -> State:
    """Number of predicted, true and matched points, and the sum of the matches' distances in cells."""
    return {
        "seen": float(len(matches.predicted)),
        "true": float(len(matches.true)),
        "hits": float(len(matches.pairs)),
        "miss": matches.distance,
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


def count_mask_and_crests(
    prediction: Float, target: Float, valid: Bool, radius: float, cell_sides: tuple[float, float] = (1.0, 1.0)
) -> State:
    """Mask state of the first plane, and crest state of the second, which is 1 on the crest of every trap.

    Parameters
    ----------
    prediction, target : (2, H, W) float32
        In the unit of the output.
    valid : (H, W) bool
        Cells that count.
    radius : float
        Largest distance of a match, in cells.
    cell_sides : tuple[float, float], default (1.0, 1.0)
        Height and width of a cell, in the unit of the radius.
    """
    true, predicted = (np.argwhere((planes[1] == 1) & valid) for planes in (target, prediction))
    return count_mask(prediction, target, valid) | count_matches(match_points(true, predicted, radius, cell_sides))


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

CREST_RADIUS = 10  # cells, square ones as large where they are oblong; a crest predicted as near as this is found
OBJECT_CREST_RADIUS = 5  # cells; crests of objects are single cells of the map, not peaks of a blurred heatmap

CREST_METRIC = Metric(
    CREST_STATE,
    partial(count_crests, radius=CREST_RADIUS),
    keypoint_metrics,
    primary="f1",
    higher_is_better={"f1": True, "hit_rate": True, "precision": True, "mean_miss": False},
    charts=(("f1", "hit_rate", "precision"), ("mean_miss",)),
    measures_lengths=True,
)
MASK_AND_CREST_METRIC = Metric(
    MASK_STATE + CREST_STATE,
    partial(count_mask_and_crests, radius=OBJECT_CREST_RADIUS),
    mask_and_crest_metrics,
    primary="iou",
    higher_is_better=MASK_DIRECTIONS | {"crest_hits": True, "crest_precision": True},
    charts=(*MASK_CHARTS, ("crest_hits", "crest_precision")),
    measures_lengths=True,
)
