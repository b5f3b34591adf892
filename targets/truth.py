"""What a head should answer: the traps of one map and the exact rasters made from them.

Everything here is computed on the whole scene; a closure, a distance or a crest cannot be known from a crop.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.graph import MCP_Geometric
from skimage.measure import label, regionprops
from skimage.segmentation import find_boundaries

from targets.closure import Closures, find_closures
from targets.render import nice_interval
from targets.scene import Bool, Float, Scene


@dataclass(frozen=True)
class TrapRules:
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
class TruthOptions:
    """How traps become rasters.

    boundary_width : width of the boundary band in cells, at least 2 (the cells on both sides of the outline).
    crest_sigma : σ of the Gaussian on a crest, in cells.
    distance : `euclidean`, or `geodesic` (the way inside the trap).
    """

    traps: TrapRules = field(default_factory=TrapRules)
    boundary_width: float = 4.0
    crest_sigma: float = 6.0
    distance: Literal["euclidean", "geodesic"] = "euclidean"


@dataclass(frozen=True, eq=False)
class Truth:
    """The traps of one map, or the salt bodies of one seismic image: what is said of traps holds for them too.

    scene : with the surface that is true as its depth.
    labels : (H, W) int32, 0 = no trap, k = trap k.
    crests : (N, 2) int, row and column of the crest of trap k in row k - 1.
    height : (H, W) float32, height above the spill level of one's own trap in depth units, 0 outside traps.
    """

    scene: Scene
    options: TruthOptions
    labels: NDArray[np.int32]
    crests: NDArray[np.int64]
    height: Float


def find_truth(scene: Scene, options: TruthOptions | None = None) -> Truth:
    """What an interpreter drew in a scene, else its exact closures, both on the surface that is true."""
    options = options or TruthOptions()
    if scene.clean is not None:
        scene = scene.with_(depth=scene.clean, clean=None)
    if scene.drawn is not None:
        traps = drawn_traps(scene, scene.drawn)
    elif not scene.has_depth:
        traps = np.zeros(scene.shape, np.int32), np.zeros((0, 2), np.int64), np.zeros(scene.shape, np.float32)
    else:
        traps = computed_traps(scene, options.traps)
    return Truth(scene, options, *traps)


Traps = tuple[NDArray[np.int32], NDArray[np.int64], Float]


def computed_traps(scene: Scene, rules: TrapRules) -> Traps:
    """Labels, crests and heights of the outermost closures that pass the thresholds of `rules`."""
    closures = closures_of(scene, rules)
    count = int(closures.labels.max(initial=0))
    crests = np.stack([closures.table["crest_row"][:count], closures.table["crest_col"][:count]], axis=1)
    return closures.labels, crests.astype(np.int64), closures.height


def closures_of(scene: Scene, rules: TrapRules) -> Closures:
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


def drawn_traps(scene: Scene, drawn: Bool) -> Traps:
    """Labels (8-connected parts), crests and heights of the traps an interpreter drew, (H, W) bool.

    The crest is the shallowest cell, and heights are taken above the deepest cell of the trap; without a depth the
    crest is the cell farthest from the outline, and heights are 0.
    """
    labels = label(drawn & scene.map_valid, connectivity=2).astype(np.int32)
    depth = scene.depth if scene.has_depth else -ndimage.distance_transform_edt(np.pad(labels > 0, 1))[1:-1, 1:-1]
    crests = np.zeros((labels.max(initial=0), 2), np.int64)
    height = np.zeros(scene.shape, np.float32) if scene.has_depth else np.broadcast_to(np.float32(0), scene.shape)
    for region in regionprops(labels):
        inside = np.where(region.image, depth[region.slice], np.inf)
        crests[region.label - 1] = np.array(np.unravel_index(inside.argmin(), inside.shape)) + region.bbox[:2]
        if scene.has_depth:
            height[region.slice][region.image] = (depth[region.slice][region.image].max() - inside)[region.image]
    return labels, crests, height


def trap_mask(truth: Truth) -> Float:
    """(H, W) 1 inside traps, 0 elsewhere."""
    return (truth.labels > 0).astype(np.float32)


def salt_mask(truth: Truth) -> Float:
    """(H, W) 1 in salt, 0 elsewhere and where nobody drew any."""
    salt = truth.scene.salt
    return np.zeros(truth.scene.shape, np.float32) if salt is None else salt.astype(np.float32)


def emptiness(truth: Truth) -> Float:
    """(H, W) 1 everywhere on a map without a trap, else 0 everywhere."""
    return np.full(truth.scene.shape, not truth.labels.any(), np.float32)


def fault_mask(truth: Truth) -> Float:
    """(H, W) 1 on faults, 0 elsewhere."""
    return truth.scene.fault.astype(np.float32)


def relative_depth(truth: Truth) -> Float:
    """(H, W) +1 = shallowest, -1 = deepest cell of the map: the depth channel as the network is shown it."""
    return truth.scene.relative_depth()


def root_height(truth: Truth) -> Float:
    """(H, W) √(height above spill / relief of the map), 0 outside traps: why a cell is trap."""
    return root_of_relief(truth.height, truth.scene)


def root_of_relief(height: Float, scene: Scene) -> Float:
    """Heights as the root of their share of the map's relief.

    The root, because most heights are some hundredths of the relief, and least at the outline that is to be seen.
    """
    return np.sqrt(share_of_relief(height, scene))


def share_of_relief(height: Float, scene: Scene) -> Float:
    """Heights as a share of the map's relief."""
    low, high = scene.relief
    return height / np.float32(max(high - low, 1e-12))


BACKGROUND, INSIDE, RIM = range(3)


def trap_classes(truth: Truth) -> Float:
    """(3, H, W) one-hot: background, inside of a trap, its rim (the inner half of the boundary band)."""
    trap = truth.labels > 0
    rim = trap & (boundary_band(truth) > 0)
    return np.stack([~trap, trap & ~rim, rim]).astype(np.float32)


def boundary_band(truth: Truth) -> Float:
    """(H, W) 1 on a band of `boundary_width` cells around every trap's outline, 0 elsewhere."""
    return outline_band(truth.labels, truth.options.boundary_width).astype(np.float32)


def outline_band(labels: NDArray, width: float) -> Bool:
    """(H, W) the cells within width/2 of an outline; width 2 is the cells on both sides of it."""
    edge = find_boundaries(labels, connectivity=2, mode="thick")
    if width <= 2 or not edge.any():
        return edge
    return ndimage.distance_transform_edt(~edge) <= width / 2 - 1


def crest_heat(truth: Truth) -> Float:
    """(H, W) a Gaussian of σ = `crest_sigma` cells on every crest, 1 at the crest; overlaps take the maximum."""
    heat = np.zeros(truth.labels.shape, np.float32)
    if len(truth.crests):
        away = np.ones(truth.labels.shape, bool)
        away[tuple(truth.crests.T)] = False
        heat[:] = np.exp(-0.5 * (ndimage.distance_transform_edt(away) / truth.options.crest_sigma) ** 2)
    return heat


def crest_distance(truth: Truth) -> Float:
    """(H, W) distance to the crest of one's own trap in cells, 0 outside traps."""
    inside = truth.labels > 0
    distance = np.zeros(truth.labels.shape, np.float32)
    if not inside.any():
        return distance
    if truth.options.distance == "geodesic":
        # Blocked cells have a negative cost; two traps never touch, so one search from all crests serves them all.
        costs, _ = MCP_Geometric(np.where(inside, 1.0, -1.0)).find_costs(truth.crests.tolist())
        distance[inside] = costs[inside]
        return distance
    rows, cols = np.nonzero(inside)
    crest = truth.crests[truth.labels[inside] - 1]
    distance[inside] = np.hypot(rows - crest[:, 0], cols - crest[:, 1])
    return distance
