"""Closures decided on one by one: kept, dropped, joined or cut, by a logistic regression on their attributes.

The candidates of a map are the closures of its depth under the rules of a run with lower thresholds, nested ones too,
and the part of each that the trap head leaves of it. Of candidates that lie in each other, those with the largest sum
of log-odds are taken: a closure as a whole, the culminations in it, or what is left of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import expit, logit
from skimage.measure import label
from sklearn.linear_model import LogisticRegression

from mtl.config import THRESHOLD
from mtl.tasks.base import mask_invalid
from mtl.tasks.postprocess import MIN_PROBABILITY, mask_probability
from targets.closure import Closures, find_nesting
from targets.scene import Bool, Float, Scene
from targets.truth.criteria import GroundTruthOptions, TrapCriteria
from targets.truth.smoothing import smooth_outlines
from targets.truth.traps import compute_traps, contours_of, search_closures

LEAST_CELLS = 9  # of a candidate
LOWER = 4  # thresholds of candidates over those of the rules
LIKE = 0.5  # of IoU: a candidate that is so much like a drawn trap is that trap
CUT = (0.2, 0.9)  # of a candidate's cells that the trap head leaves, if it cuts it
RIM = 2  # cells around a candidate
STRENGTH = 1.0  # inverse of the shrinkage of weights of attributes of unit variance
ATTRIBUTES = (
    "log of cells", "log of height / relief", "share of the outline on faults", "log of cells to the border",
    "cells / those of its box", "lies in another", "cells / those of the one around it", "log of culminations",
    "log of the map's noise / relief", "IoU with a trap by the rules", "is cut", "head inside", "head on the rim",
)  # fmt: skip
NUMBERS = len(ATTRIBUTES) + 2  # of a fitted choice: weights, offset, and whether it was accepted
FOLDS = 5  # of groups of maps, at most
BY_HEAD = 2  # the last attributes, which a map without a prediction lacks


class Candidate(NamedTuple):
    """One candidate.

    Attributes
    ----------
    box : tuple of slice
        Rows and columns that it lies in.
    cells : (h, w) bool
        Its cells there.
    parent : int
        Place of the smallest candidate around it, -1 = none; parents stand before what lies in them.
    attributes : (len(ATTRIBUTES),) float64
        In the order of `ATTRIBUTES`; NaN where the head's answer is not known.
    """

    box: tuple[slice, slice]
    cells: Bool
    parent: int
    attributes: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MapObjects:
    """The candidates of one map.

    Attributes
    ----------
    scene : Scene
        The map.
    rules : (H, W) int32
        Traps by the rules.
    candidates : tuple[Candidate, ...]
        Of this map.
    """

    scene: Scene
    rules: NDArray[np.int32]
    candidates: tuple[Candidate, ...]

    @property
    def table(self) -> NDArray[np.float64]:
        """(N, len(ATTRIBUTES)) attributes."""
        rows = [one.attributes for one in self.candidates]
        return np.stack(rows) if rows else np.empty((0, len(ATTRIBUTES)))

    def best_iou(self, labels: NDArray[np.int32]) -> NDArray[np.float64]:
        """(N,) largest intersection over union of each candidate with one of the regions of labels (H, W)."""
        sizes = np.bincount(labels.ravel())
        return np.array([_best_iou(one.box, one.cells, labels, sizes) for one in self.candidates])


def map_objects(scene: Scene, criteria: TrapCriteria) -> MapObjects:
    """Find the candidates of a map with a depth, before a head has said anything about them.

    Parameters
    ----------
    scene : Scene
        The map.
    criteria : TrapCriteria
        Rules of the run.
    """
    low, high = scene.relief
    relief, cells = max(high - low, 1e-12), scene.coarsening**2
    closures = search_closures(
        scene,
        criteria,
        *contours_of(scene, criteria),
        min_area=max(LEAST_CELLS, criteria.min_area / LOWER) / cells,
        min_height=max(criteria.min_relief * relief, criteria.min_height) / LOWER,
    )
    rules, nesting = compute_traps(scene, criteria).labels, find_nesting(closures)
    parents, sizes = closures.table["parent"].astype(int) - 1, np.bincount(rules.ravel())
    to_border = ndimage.distance_transform_edt(np.pad(scene.map_valid, 1))[1:-1, 1:-1]
    noise, culminations = np.log10(depth_noise(scene) + 1e-6), _culminations(parents)
    places, boxes = nesting.places(), _boxes(closures, nesting.innermost, parents)
    found: list[Candidate] = []
    for k, row in enumerate(closures.table):
        box = boxes[k]
        own = (places[box] >= nesting.first[k]) & (places[box] < nesting.last[k])
        around = closures.table["area"][parents[k]] if parents[k] >= 0 else row["area"]
        own_fault = _fault_share(own, scene.fault[box])
        attributes = [
            np.log(row["area"] * cells), np.log(row["height"] / relief + 1e-6), own_fault,
            np.log1p(to_border[box][own].min() * scene.coarsening), own.mean(), float(parents[k] >= 0),
            row["area"] / around, np.log(culminations[k]), noise, _best_iou(box, own, rules, sizes), 0.0,
            *[np.nan] * BY_HEAD,
        ]  # fmt: skip
        found.append(Candidate(box, own, int(parents[k]), np.array(attributes, np.float64)))
    return MapObjects(scene, rules, tuple(found))


def with_head(objects: MapObjects, probability: Float) -> MapObjects:
    """The candidates with what the trap head says of them, and with those that it cuts.

    Parameters
    ----------
    objects : MapObjects
        Of `map_objects`.
    probability : (H, W) float32
        Of trap, NaN outside the map.
    """
    logits = logit(np.clip(np.nan_to_num(probability), MIN_PROBABILITY, 1 - MIN_PROBABILITY))
    found = [one._replace(attributes=_with_answer(one, logits)) for one in objects.candidates]
    for number, one in enumerate(objects.candidates):
        left = _largest_piece(one.cells & (logits[one.box] > 0))
        if CUT[0] <= left.sum() / one.cells.sum() <= CUT[1]:
            cut = Candidate(one.box, left, number, one.attributes.copy())
            cut.attributes[ATTRIBUTES.index("is cut")] = 1
            cut.attributes[0] += np.log(left.sum() / one.cells.sum())
            found.append(cut._replace(attributes=_with_answer(cut, logits)))
    return replace(objects, candidates=tuple(found))


def choose(objects: MapObjects, numbers: NDArray[np.floating], smoothing: float = 0.0) -> Float:
    """The probability of trap (H, W) that the chosen candidates give to their cells, NaN outside the map.

    Parameters
    ----------
    objects : MapObjects
        With what the head says.
    numbers : (NUMBERS,) float
        Of `fit_choice`; a choice that was not accepted gives the traps by rules.
    smoothing : float, default 0.0
        Of outlines, in cells (`TrapCriteria.smoothing`); candidates like a trap by the rules have its outline.
    """
    scene = objects.scene
    if numbers[-1] < THRESHOLD:
        return mask_invalid(mask_probability((objects.rules > 0).astype(np.float32)), scene.map_valid)
    answer = mask_probability(np.zeros(scene.shape, np.float32))
    log_odds = np.nan_to_num(objects.table) @ numbers[:-2] + numbers[-2]
    for number in chosen_candidates([one.parent for one in objects.candidates], log_odds):
        one, labels = objects.candidates[number], np.zeros(scene.shape, np.int32)
        labels[one.box][one.cells] = 1
        own = np.bincount(objects.rules[labels > 0], minlength=1)
        best = int(own[1:].argmax()) + 1 if own.size > 1 else 0
        same = objects.rules == best
        if best and (same & (labels > 0)).sum() > 0.8 * (same | (labels > 0)).sum():
            labels = same.astype(np.int32)
        elif smoothing:
            labels = smooth_outlines(labels, smoothing / scene.coarsening, scene.map_valid)
        answer[labels > 0] = expit(log_odds[number])
    return mask_invalid(answer, scene.map_valid)


def chosen_candidates(parents: Sequence[int], log_odds: NDArray[np.floating]) -> list[int]:
    """Places of the candidates with the largest sum of positive log-odds, of which none lies in another.

    Examples
    --------
    Two culminations in one closure, which is likelier to be one trap; then the other way round:

    >>> chosen_candidates([-1, 0, 0], np.array([3.0, 1.0, 1.0])), chosen_candidates([-1, 0, 0], np.array([1.0, 3.0, -1.0]))
    ([0], [1])
    """  # noqa: E501
    inside = np.zeros(len(parents))
    best = np.zeros(len(parents))
    for k in range(len(parents) - 1, -1, -1):
        best[k] = max(log_odds[k], inside[k], 0.0)
        if parents[k] >= 0:
            inside[parents[k]] += best[k]
    taken = np.zeros(len(parents), bool)
    closed = np.zeros(len(parents), bool)
    for k, parent in enumerate(parents):
        closed[k] = parent >= 0 and (closed[parent] or taken[parent])
        taken[k] = not closed[k] and log_odds[k] > 0 and log_odds[k] >= inside[k]
    return [int(k) for k in np.flatnonzero(taken)]


class KnownObjects(NamedTuple):
    """The candidates of a map whose traps are known.

    Attributes
    ----------
    group : str
        Maps of a group are not independent of each other.
    table : (N, len(ATTRIBUTES)) float64
        Attributes of the candidates.
    is_drawn : (N,) bool
        Which of them are traps.
    """

    group: str
    table: NDArray[np.float64]
    is_drawn: Bool


def fit_choice(known: Sequence[KnownObjects]) -> NDArray[np.float64]:
    """Fit the choice to candidates whose answer is known.

    Parameters
    ----------
    known : Sequence[KnownObjects]
        Of some maps; an attribute that is NaN counts as the mean of all.

    Returns
    -------
    (NUMBERS,) float64
        Weights of the attributes, offset, and 1: accepted. All 0 where nothing tells one from the other.
    """
    table, truth = np.concatenate([one.table for one in known]), np.concatenate([one.is_drawn for one in known])
    if len(np.unique(truth)) < 2:
        return np.zeros(NUMBERS)
    is_known = np.isfinite(table)
    count = np.maximum(is_known.sum(0), 1)
    centre = np.where(is_known, table, 0).sum(0) / count
    spread = np.sqrt(np.where(is_known, (table - centre) ** 2, 0).sum(0) / count)
    spread[spread < 1e-9] = 1.0
    scaled = np.where(is_known, (table - centre) / spread, 0)
    fitted = LogisticRegression(C=STRENGTH, max_iter=1000).fit(scaled, truth)
    weights = fitted.coef_[0] / spread
    return np.array([*weights, fitted.intercept_[0] - weights @ centre, 1.0])


def known_objects(objects: MapObjects, labels: NDArray[np.int32], group: str) -> KnownObjects:
    """The candidates of a map with its drawn traps, labels (H, W): a candidate that is like one of them is it."""
    return KnownObjects(group, objects.table, objects.best_iou(labels) >= LIKE)


def fit_out_of_fold(judged: Sequence[KnownObjects], others: Sequence[KnownObjects]) -> dict[str, NDArray[np.float64]]:
    """{group: choice that was fitted without it}, to all others and to the judged maps of other groups.

    The groups are parted into at most `FOLDS`, one fit each.
    """
    groups = sorted({one.group for one in judged})
    numbers: dict[str, NDArray[np.float64]] = {}
    for fold in range(min(FOLDS, len(groups))):
        own = groups[fold::FOLDS]
        rest = [*others, *(one for one in judged if one.group not in own)]
        fitted = fit_choice(rest) if rest else np.zeros(NUMBERS)
        numbers |= dict.fromkeys(own, fitted)
    return numbers


def depth_noise(scene: Scene) -> float:
    """Roughness of a map's depth from cell to cell, as a share of its relief: median of its second differences.

    Examples
    --------
    >>> depth, inside = np.indices((8, 8), np.float32)[0], np.ones((8, 8), bool)
    >>> depth_noise(Scene("slope", depth, inside, inside, ~inside))
    0.0
    """
    low, high = scene.relief
    rough = []
    for depth, valid in ((scene.depth, scene.map_valid), (scene.depth.T, scene.map_valid.T)):
        rough.append(np.abs(np.diff(depth, 2, 0))[valid[:-2] & valid[1:-1] & valid[2:]])
    values = np.concatenate(rough)
    return float(np.median(values[np.isfinite(values)])) / max(high - low, 1e-12) if values.size else 0.0


def _with_answer(one: Candidate, logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Attributes with the mean logit inside and on the rim, some cells wide, outside it."""
    box = tuple(slice(max(side.start - RIM, 0), side.stop + RIM) for side in one.box)
    own = np.zeros(logits[box].shape, bool)
    start = [side.start - wide.start for side, wide in zip(one.box, box, strict=True)]
    own[start[0] : start[0] + one.cells.shape[0], start[1] : start[1] + one.cells.shape[1]] = one.cells
    rim = ndimage.binary_dilation(own, iterations=RIM) & ~own
    answer = one.attributes.copy()
    answer[-2] = logits[box][own].mean()
    answer[-1] = logits[box][rim].mean() if rim.any() else 0.0
    return answer


def _largest_piece(cells: Bool) -> Bool:
    pieces = label(cells, connectivity=1)
    counts = np.bincount(pieces.ravel())
    return pieces == counts[1:].argmax() + 1 if counts.size > 1 else cells


def _best_iou(box: tuple[slice, slice], cells: Bool, labels: NDArray[np.int32], sizes: NDArray[np.int64]) -> float:
    shared = np.bincount(labels[box][cells], minlength=sizes.size)[1:]
    return float((shared / (sizes[1:] + cells.sum() - shared)).max(initial=0.0))


def _fault_share(own: Bool, fault: Bool) -> float:
    """Share of the cells along the outline that are on a fault or beside one."""
    edge = own & ~ndimage.binary_erosion(own)
    return float((ndimage.binary_dilation(fault) & edge).sum() / max(edge.sum(), 1))


def _culminations(parents: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) closures without another in it, in each closure."""
    count = np.zeros(len(parents), int)
    for k in range(len(parents) - 1, -1, -1):
        count[k] = max(count[k], 1)
        if parents[k] >= 0:
            count[parents[k]] += count[k]
    return count


def _boxes(closures: Closures, innermost: NDArray[np.int32], parents: NDArray[np.int64]) -> list[tuple[slice, slice]]:
    """Rows and columns of every closure, with those of what lies in it."""
    count = len(parents)
    ends = np.array([[innermost.shape[0], 0, innermost.shape[1], 0]] * count).reshape(count, 4)
    for k, box in enumerate(ndimage.find_objects(innermost, max_label=count)):
        if box is not None:
            ends[k] = box[0].start, box[0].stop, box[1].start, box[1].stop
    for k in range(count - 1, -1, -1):
        if parents[k] >= 0:
            around = ends[parents[k]]
            around[::2], around[1::2] = np.minimum(around[::2], ends[k][::2]), np.maximum(around[1::2], ends[k][1::2])
    return [(slice(top, bottom), slice(left, right)) for top, bottom, left, right in ends.tolist()]


def traps_from_objects(
    values: Float,
    scene: Scene,
    options: GroundTruthOptions,
    coarsening: float,
    numbers: NDArray[np.floating] | None = None,
) -> Float:
    """(1, H, W) probability of trap by the chosen closures, of `numbers` as in `choose`; None: the traps by rules.

    Returns
    -------
    (1, H, W) float32
        0 to 1, NaN outside the map; the head's own `values` where no depth is shown.
    """
    if not scene.has_depth:
        return values
    if numbers is None or numbers[-1] < THRESHOLD:
        rules = compute_traps(scene, options.traps).labels
        return choose(MapObjects(scene, rules, ()), np.zeros(NUMBERS))[None]
    objects = with_head(map_objects(scene, options.traps), values[0])
    return choose(objects, numbers, options.traps.smoothing)[None]
