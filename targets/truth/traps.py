"""Ground truth of one map: traps that an interpreter outlined, or that are computed from the depth by criteria."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label, regionprops

from targets.closure import Closures, find_closures
from targets.scene import Bool, Float, Scene
from targets.surface.contour_interval import nice_interval
from targets.surface.resample import downsample
from targets.truth.criteria import GroundTruthOptions, TrapCriteria
from targets.truth.noise import leave_out_noise, smooth_noise, widen_traps
from targets.truth.selection import select_traps
from targets.truth.smoothing import smooth_outlines


class Traps(NamedTuple):
    """Traps as rasters and points.

    Attributes
    ----------
    labels : (H, W) int32
        0 = no trap, k = trap k.
    crests : (N, 2) int64
        Row and column of the crest of trap k in row k - 1.
    height : (H, W) float32
        Height above the spill level of the cell's own trap, in depth units; 0 outside traps.
    """

    labels: NDArray[np.int32]
    crests: NDArray[np.int64]
    height: Float


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The traps of one map, or the salt bodies of one seismic image: what is said of traps holds for both.

    Attributes
    ----------
    scene : Scene
        The map, with the true surface as its depth.
    options : GroundTruthOptions
        How the traps are to be rasterised.
    labels : (H, W) int32
        0 = no trap, k = trap k.
    crests : (N, 2) int64
        Row and column of the crest of trap k in row k - 1.
    height : (H, W) float32
        Height above the spill level of the cell's own trap, in depth units; 0 outside traps.
    """

    scene: Scene
    options: GroundTruthOptions
    labels: NDArray[np.int32]
    crests: NDArray[np.int64]
    height: Float


def build_ground_truth(scene: Scene, options: GroundTruthOptions | None = None) -> GroundTruth:
    """Take the traps that an interpreter outlined, else compute the exact closures, both on the true surface.

    Parameters
    ----------
    scene : Scene
        A map or a seismic image. Without outlines and without a depth it has no traps.
    options : GroundTruthOptions | None, default None
        None takes the defaults.

    Returns
    -------
    GroundTruth
        Its scene has the true surface as depth.

    Examples
    --------
    >>> from targets.scene import Scene
    >>> rows, cols = np.indices((21, 21))
    >>> depth, inside = np.hypot(rows - 10, cols - 10).astype(np.float32), np.ones((21, 21), bool)
    >>> truth = build_ground_truth(Scene("dome", depth, inside, inside, ~inside))
    >>> truth.crests.tolist(), int((truth.labels == 1).sum())
    ([[10, 10]], 305)
    """
    options = options or GroundTruthOptions()
    if scene.true_depth is not None:
        scene = scene.replace(depth=scene.true_depth, true_depth=None)
    if scene.interpreted_mask is not None:
        traps = label_interpreted_traps(scene, scene.interpreted_mask)
    elif not scene.has_depth:
        traps = Traps(np.zeros(scene.shape, np.int32), np.zeros((0, 2), np.int64), np.zeros(scene.shape, np.float32))
    else:
        traps = compute_traps(scene, options.traps)
    return GroundTruth(scene, options, *traps)


def downsample_truth(truth: GroundTruth, max_side: int) -> GroundTruth:
    """Reduce a ground truth to at most `max_side` cells along its longer side: the traps stay those of the whole map.

    A coarse cell is of a trap if at least half of it is; a trap that is smaller than that vanishes from the labels, and
    its crest with it.

    Parameters
    ----------
    truth : GroundTruth
        Of the map as it was given.
    max_side : int
        Cells; 0: never.

    Returns
    -------
    GroundTruth
        On the cells of the downsampled scene; the truth itself if it is small enough.

    Examples
    --------
    >>> from targets.scene import Scene
    >>> rows, cols = np.indices((40, 40))
    >>> depth, inside = np.hypot(rows - 20, cols - 20).astype(np.float32), np.ones((40, 40), bool)
    >>> truth = downsample_truth(build_ground_truth(Scene("dome", depth, inside, inside, ~inside)), 20)
    >>> truth.labels.shape, truth.crests.tolist()
    ((20, 20), [[10, 10]])
    """
    scene = downsample(truth.scene, max_side)
    if scene is truth.scene:
        return truth
    rows, cols = (whole / coarse for whole, coarse in zip(truth.labels.shape, scene.shape, strict=True))
    size = (scene.shape[1], scene.shape[0])
    share = cv2.resize((truth.labels > 0).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    _, nearest = ndimage.distance_transform_edt(truth.labels == 0, return_indices=True)  # any cell, where no trap is
    steps = zip(scene.shape, (rows, cols), strict=True)
    centres = np.ix_(*(((np.arange(count) + 0.5) * step).astype(np.int64) for count, step in steps))
    labels = np.where(share >= 0.5, truth.labels[tuple(nearest)][centres], 0)
    kept = np.unique(labels[labels > 0])
    crests = (truth.crests[kept - 1] / (rows, cols)).astype(np.int64)
    height = cv2.resize(truth.height.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    numbers = np.zeros(len(truth.crests) + 1, np.int32)
    numbers[kept] = np.arange(1, len(kept) + 1)
    return replace(truth, scene=scene, labels=numbers[labels], crests=crests, height=np.where(labels > 0, height, 0))


def compute_traps(scene: Scene, criteria: TrapCriteria) -> Traps:
    """Compute the traps of a scene's depth: the closures that meet the criteria, with smoothed outlines.

    Parameters
    ----------
    scene : Scene
        A map with a depth.
    criteria : TrapCriteria
        Which closures count.

    Returns
    -------
    Traps
        Labels, crests and heights.

    Examples
    --------
    >>> from targets.scene import Scene
    >>> depth, inside = np.full((5, 5), 100, np.float32), np.ones((5, 5), bool)
    >>> depth[1:4, 1:4], depth[2, 2] = 90, 85
    >>> traps = compute_traps(Scene("knoll", depth, inside, inside, ~inside), TrapCriteria(min_area=1))
    >>> traps.labels.tolist()
    [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
    >>> traps.crests.tolist(), float(traps.height.max())
    ([[2, 2]], 15.0)
    """
    closures, every, smooth = _closures_with_noise(scene, criteria)
    count = int(closures.labels.max(initial=0))
    crests = np.stack([closures.table["crest_row"][:count], closures.table["crest_col"][:count]], axis=1)
    traps = Traps(closures.labels, crests.astype(np.int64), closures.height)
    if smooth is not None:
        traps = _with_outlines(traps, scene, widen_traps(traps.labels, every, smooth))
    if criteria.smoothing:
        width = criteria.smoothing / scene.coarsening
        traps = _with_outlines(traps, scene, smooth_outlines(traps.labels, width, scene.map_valid))
    return traps


def _with_outlines(traps: Traps, scene: Scene, labels: NDArray[np.int32]) -> Traps:
    """Traps with other outlines, (H, W) by their labels; what they take in below the spill level has no height."""
    kept = np.unique(labels[labels > 0])
    numbers = np.zeros(len(traps.crests) + 1, np.int32)
    numbers[kept] = np.arange(1, len(kept) + 1)
    crests = traps.crests[kept - 1]
    for place in np.flatnonzero(labels[tuple(crests.T)] != kept):  # a crest on a spur that was cut off
        cells = np.argwhere(labels == kept[place])
        crests[place] = cells[scene.depth[tuple(cells.T)].argmin()]
    return Traps(numbers[labels], crests, np.where(labels > 0, traps.height, 0).astype(np.float32))


def find_trap_closures(scene: Scene, criteria: TrapCriteria) -> Closures:
    """Find the exact closures of a scene's depth that meet the criteria.

    Parameters
    ----------
    scene : Scene
        A map with a depth.
    criteria : TrapCriteria
        Which closures count.

    Returns
    -------
    Closures
        Labels, heights and the table of the traps and of what is nested in them. Outlines are exact: what the
        criteria change of outlines is left to `compute_traps`.
    """
    return _closures_with_noise(scene, criteria)[0]


def _closures_with_noise(scene: Scene, criteria: TrapCriteria) -> tuple[Closures, Closures, Closures | None]:
    """Closures that count, all under the criteria, and those of the smoothed surface where noise is to be left out."""
    interval, base = contours_of(scene, criteria)
    smooth = smooth_noise(scene) if criteria.noise == "left_out" else None

    def find(surface: Scene) -> Closures:
        low, high = surface.relief
        closures = search_closures(
            surface,
            criteria,
            contour_interval=interval,
            contour_base=base,
            min_area=criteria.min_area / surface.coarsening**2,
            min_height=max(criteria.min_relief * (high - low), criteria.min_height),
        )
        return select_traps(closures, criteria.culminations, criteria.fault_contact)

    every = find(scene)
    if smooth is None:
        return every, every, None
    calm = find(smooth)
    return leave_out_noise(every, calm), every, calm


def search_closures(
    scene: Scene,
    criteria: TrapCriteria,
    contour_interval: float | None = None,
    contour_base: float = 0.0,
    min_area: float = 0,
    min_height: float = 0.0,
) -> Closures:
    """Find the closures of a scene under the fault rule, edge and connectivity of criteria.

    Parameters
    ----------
    scene : Scene
        A map with a depth.
    criteria : TrapCriteria
        What else they say does not count.
    contour_interval, contour_base, min_area, min_height
        As of `find_closures`: in depth units and in cells of this scene.

    Returns
    -------
    Closures
    """
    return find_closures(
        scene.depth,
        valid=scene.map_valid,
        faults=scene.fault,
        fault_rule=criteria.faults,
        edge=criteria.edge,
        connectivity=criteria.connectivity,
        contour_interval=contour_interval,
        contour_base=contour_base,
        min_area=min_area,
        min_height=min_height,
    )


def contours_of(scene: Scene, criteria: TrapCriteria) -> tuple[float | None, float]:
    """The contours that traps end at.

    Parameters
    ----------
    scene : Scene
        A map with a depth.
    criteria : TrapCriteria
        Its own interval and base come before those of the map.

    Returns
    -------
    interval : float | None
        In depth units; None in the spill reading.
    base : float
        A depth that one contour passes through.
    """
    base = scene.geo.contour_base if criteria.contour_base is None else criteria.contour_base
    if criteria.reading == "spill":
        return None, base
    return criteria.contour_interval or scene.geo.contour_interval or nice_interval(*scene.relief), base


def label_interpreted_traps(scene: Scene, interpreted: Bool) -> Traps:
    """Label the traps that an interpreter outlined, and give each a crest and heights.

    Parameters
    ----------
    scene : Scene
        The map.
    interpreted : (H, W) bool
        Inside an outline; 8-connected parts are traps of their own.

    Returns
    -------
    Traps
        The crest is the shallowest cell, and heights are taken above the deepest cell of the trap. Without a depth the
        crest is the cell farthest from the outline, and heights are 0.
    """
    labels = label(interpreted & scene.map_valid, connectivity=2).astype(np.int32)
    depth: NDArray = scene.depth
    if not scene.has_depth:
        depth = -ndimage.distance_transform_edt(np.pad(labels > 0, 1), sampling=scene.cell_sides)[1:-1, 1:-1]
    crests = np.zeros((labels.max(initial=0), 2), np.int64)
    height = np.zeros(scene.shape, np.float32) if scene.has_depth else np.broadcast_to(np.float32(0), scene.shape)
    for region in regionprops(labels):
        inside = np.where(region.image, depth[region.slice], np.inf)
        crests[region.label - 1] = np.array(np.unravel_index(inside.argmin(), inside.shape)) + region.bbox[:2]
        if scene.has_depth:
            height[region.slice][region.image] = (depth[region.slice][region.image].max() - inside)[region.image]
    return Traps(labels, crests, height)
