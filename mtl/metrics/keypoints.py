"""Metrics of keypoints: crests found within a radius."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from skimage.feature import peak_local_max

from mtl.metrics.base import Metric, Sums, f1, ratio
from mtl.metrics.masks import MASK_SUMS, OVERLAP_CHARTS, count_mask, mask_ratios
from targets.scene import Bool, Float

# -- crests ------------------------------------------------------------------------------------------------------


def find_peaks(heat: NDArray, valid: Bool, apart: int = 5, least: float = 0.2) -> NDArray[np.int64]:
    """(N, 2) rows and columns of the local maxima of a heatmap, at least `apart` cells from each other."""
    heat = np.where(valid, np.nan_to_num(heat), 0)
    return peak_local_max(heat, min_distance=apart, threshold_abs=least, exclude_border=False)


@dataclass(frozen=True, eq=False)
class Hits:
    """Points of a map, rows and columns, and which of the true ones are found.

    Attributes
    ----------
    true : (N, 2)
        Seen : (M, 2); pairs : (K, 2) numbers of a true point and of the seen one that hits it.
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


CREST_SUMS = ("seen", "true", "hits", "miss")

CREST_RADIUS = 10  # cells; a crest seen as near as this is hit
CREST_SCORE = Metric(
    CREST_SUMS,
    partial(count_crests, radius=CREST_RADIUS),
    crest_ratios,
    primary="f1",
    charts=(("f1", "hit_rate", "precision"), ("mean_miss",)),
)
TRAPS_AND_CRESTS_SCORE = Metric(
    MASK_SUMS + CREST_SUMS,
    partial(count_traps_and_crests, radius=5),
    traps_and_crests_ratios,
    primary="iou",
    charts=(*OVERLAP_CHARTS, ("crest_hits", "crest_precision")),
)
