"""What a head should answer: the traps of one map and the exact rasters made from them.

Everything here is computed on the whole scene; a closure, a distance or a crest cannot be known from a crop.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.graph import MCP_Geometric
from skimage.segmentation import find_boundaries

from targets.scene import Bool, Float, Scene
from targets.truth.traps import GroundTruth


def trap_mask(truth: GroundTruth) -> Float:
    """(H, W) 1 inside traps, 0 elsewhere."""
    return (truth.labels > 0).astype(np.float32)


def salt_mask(truth: GroundTruth) -> Float:
    """(H, W) 1 in salt, 0 elsewhere and where nobody drew any."""
    salt = truth.scene.salt
    return np.zeros(truth.scene.shape, np.float32) if salt is None else salt.astype(np.float32)


def no_trap_flag(truth: GroundTruth) -> Float:
    """(H, W) 1 everywhere on a map without a trap, else 0 everywhere."""
    return np.full(truth.scene.shape, not truth.labels.any(), np.float32)


def fault_mask(truth: GroundTruth) -> Float:
    """(H, W) 1 on faults, 0 elsewhere."""
    return truth.scene.fault.astype(np.float32)


def relative_depth(truth: GroundTruth) -> Float:
    """(H, W) +1 = shallowest, -1 = deepest cell of the map: the depth channel as the network is shown it."""
    return truth.scene.relative_depth()


def root_relative_height(truth: GroundTruth) -> Float:
    """(H, W) √(height above spill / relief of the map), 0 outside traps: why a cell is trap."""
    return root_share_of_relief(truth.height, truth.scene)


def root_share_of_relief(height: Float, scene: Scene) -> Float:
    """Heights as the root of their share of the map's relief.

    The root, because most heights are some hundredths of the relief, and least at the outline that is to be seen.
    """
    return np.sqrt(share_of_relief(height, scene))


def share_of_relief(height: Float, scene: Scene) -> Float:
    """Heights as a share of the map's relief."""
    low, high = scene.relief
    return height / np.float32(max(high - low, 1e-12))


BACKGROUND, INSIDE, RIM = range(3)


def trap_classes(truth: GroundTruth) -> Float:
    """(3, H, W) one-hot: background, inside of a trap, its rim (the inner half of the boundary band)."""
    trap = truth.labels > 0
    rim = trap & (boundary_band(truth) > 0)
    return np.stack([~trap, trap & ~rim, rim]).astype(np.float32)


def boundary_band(truth: GroundTruth) -> Float:
    """(H, W) 1 on a band of `boundary_width` cells around every trap's outline, 0 elsewhere."""
    return outline_band(truth.labels, truth.options.boundary_width).astype(np.float32)


def outline_band(labels: NDArray, width: float) -> Bool:
    """(H, W) the cells within width/2 of an outline; width 2 is the cells on both sides of it."""
    edge = find_boundaries(labels, connectivity=2, mode="thick")
    if width <= 2 or not edge.any():
        return edge
    return ndimage.distance_transform_edt(~edge) <= width / 2 - 1


def crest_heatmap(truth: GroundTruth) -> Float:
    """(H, W) a Gaussian of σ = `crest_sigma` cells on every crest, 1 at the crest; overlaps take the maximum."""
    heat = np.zeros(truth.labels.shape, np.float32)
    if len(truth.crests):
        away = np.ones(truth.labels.shape, bool)
        away[tuple(truth.crests.T)] = False
        heat[:] = np.exp(-0.5 * (ndimage.distance_transform_edt(away) / truth.options.crest_sigma) ** 2)
    return heat


def crest_distance(truth: GroundTruth) -> Float:
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
