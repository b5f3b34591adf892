"""Traps of a map by a set of rules: drawn by an interpreter, or computed from the depth."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label, regionprops

from targets.closure import Closures, find_closures
from targets.scene import Bool, Float, Scene
from targets.surface.contour_interval import nice_interval


@dataclass(frozen=True)
class TrapCriteria:
    """Which closures count as traps; the words are those of `targets.closure.find_closures`.

    The two thresholds drop what nobody would draw: specks of noise on a real pick.
    """

    reading: Literal["spill", "contour"] = "spill"
    edge: Literal["open", "closed"] = "open"
    faults: Literal["transparent", "sealing", "leaking"] = "transparent"
    connectivity: Literal[4, 8] = 8
    min_area: int = 40  # cells
    min_relief: float = 0.01  # closure height as a share of the map's relief


@dataclass(frozen=True)
class GroundTruthOptions:
    """How traps become rasters.

    Attributes
    ----------
    boundary_width : float, default 4.0
        Width of the boundary band in cells, at least 2 (the cells on both sides of the outline).
    crest_sigma : float, default 6.0
        Σ of the Gaussian on a crest, in cells.
    distance : Literal['euclidean', 'geodesic'], default 'euclidean'
        `euclidean`, or `geodesic` (the way inside the trap).
    """

    traps: TrapCriteria = field(default_factory=TrapCriteria)
    boundary_width: float = 4.0
    crest_sigma: float = 6.0
    distance: Literal["euclidean", "geodesic"] = "euclidean"


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The traps of one map, or the salt bodies of one seismic image: what is said of traps holds for them too.

    Attributes
    ----------
    scene : Scene
        With the surface that is true as its depth.
    labels : (H, W) int32
        0 = no trap, k = trap k.
    crests : (N, 2) int
        Row and column of the crest of trap k in row k - 1.
    height : (H, W) float32
        Height above the spill level of one's own trap in depth units, 0 outside traps.
    """

    scene: Scene
    options: GroundTruthOptions
    labels: NDArray[np.int32]
    crests: NDArray[np.int64]
    height: Float


def build_ground_truth(scene: Scene, options: GroundTruthOptions | None = None) -> GroundTruth:
    """What an interpreter drew in a scene, else its exact closures, both on the surface that is true."""
    options = options or GroundTruthOptions()
    if scene.true_depth is not None:
        scene = scene.replace(depth=scene.true_depth, true_depth=None)
    if scene.interpreted_mask is not None:
        traps = label_interpreted_traps(scene, scene.interpreted_mask)
    elif not scene.has_depth:
        traps = np.zeros(scene.shape, np.int32), np.zeros((0, 2), np.int64), np.zeros(scene.shape, np.float32)
    else:
        traps = compute_traps(scene, options.traps)
    return GroundTruth(scene, options, *traps)


Traps = tuple[NDArray[np.int32], NDArray[np.int64], Float]


def compute_traps(scene: Scene, rules: TrapCriteria) -> Traps:
    """Labels, crests and heights of the outermost closures that pass the thresholds of `rules`."""
    closures = find_trap_closures(scene, rules)
    count = int(closures.labels.max(initial=0))
    crests = np.stack([closures.table["crest_row"][:count], closures.table["crest_col"][:count]], axis=1)
    return closures.labels, crests.astype(np.int64), closures.height


def find_trap_closures(scene: Scene, rules: TrapCriteria) -> Closures:
    """The exact closures of a scene's depth that pass the thresholds of `rules`."""
    low, high = scene.relief
    interval = None
    if rules.reading == "contour":
        interval = scene.geo.contour_interval or nice_interval(low, high)
    return find_closures(
        scene.depth,
        valid=scene.map_valid,
        faults=scene.fault,
        fault_rule=rules.faults,
        edge=rules.edge,
        connectivity=rules.connectivity,
        contour_interval=interval,
        contour_base=scene.geo.contour_base,
        min_area=rules.min_area,
        min_height=rules.min_relief * (high - low),
    )


def label_interpreted_traps(scene: Scene, interpreted: Bool) -> Traps:
    """Labels (8-connected parts), crests and heights of the traps an interpreter drew, (H, W) bool.

    The crest is the shallowest cell, and heights are taken above the deepest cell of the trap; without a depth the
    crest is the cell farthest from the outline, and heights are 0.
    """
    labels = label(interpreted & scene.map_valid, connectivity=2).astype(np.int32)
    depth = scene.depth if scene.has_depth else -ndimage.distance_transform_edt(np.pad(labels > 0, 1))[1:-1, 1:-1]
    crests = np.zeros((labels.max(initial=0), 2), np.int64)
    height = np.zeros(scene.shape, np.float32) if scene.has_depth else np.broadcast_to(np.float32(0), scene.shape)
    for region in regionprops(labels):
        inside = np.where(region.image, depth[region.slice], np.inf)
        crests[region.label - 1] = np.array(np.unravel_index(inside.argmin(), inside.shape)) + region.bbox[:2]
        if scene.has_depth:
            height[region.slice][region.image] = (depth[region.slice][region.image].max() - inside)[region.image]
    return labels, crests, height
