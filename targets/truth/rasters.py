"""Training targets of the heads: exact rasters of one map's ground truth.

All are computed on the whole scene: a closure, a distance or a crest cannot be known from a crop.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from skimage.graph import MCP_Geometric
from skimage.segmentation import find_boundaries

from targets.scene import Bool, Float, Scene
from targets.truth.traps import GroundTruth

BACKGROUND, INTERIOR, RIM = range(3)  # planes of `trap_classes`
TRAP, FAULT, BORDER, LEAST_AREA = range(4)  # planes of `closure_planes`


def trap_mask(truth: GroundTruth) -> Float:
    """(H, W) float32: 1 inside traps, 0 elsewhere."""
    return (truth.labels > 0).astype(np.float32)


def salt_mask(truth: GroundTruth) -> Float:
    """(H, W) float32: 1 in salt, 0 elsewhere and on maps without interpreted salt."""
    salt = truth.scene.salt
    return np.zeros(truth.scene.shape, np.float32) if salt is None else salt.astype(np.float32)


def no_trap_flag(truth: GroundTruth) -> Float:
    """(H, W) float32: 1 everywhere on a map without a trap, else 0 everywhere."""
    return np.full(truth.scene.shape, not truth.labels.any(), np.float32)


def fault_mask(truth: GroundTruth) -> Float:
    """(H, W) float32: 1 on faults, 0 elsewhere."""
    return truth.scene.fault.astype(np.float32)


def closure_planes(truth: GroundTruth) -> Float:
    """Collect what the closures of another surface are compared with, cell by cell, so that it can be cropped.

    Parameters
    ----------
    truth : GroundTruth
        Ground truth of the map.

    Returns
    -------
    (4, H, W) float32
        `TRAP`: the number of the cell's trap, 0 = none; `FAULT`: 1 on faults; `BORDER`: 1 on cells of the map beside
        what lies outside; `LEAST_AREA`: the smallest trap by the criteria, in cells of this scene.
    """
    scene = truth.scene
    outside = np.pad(~scene.map_valid, 1, constant_values=True)
    border = ndimage.binary_dilation(outside, np.ones((3, 3), bool))[1:-1, 1:-1] & scene.map_valid
    area = np.full(scene.shape, truth.options.traps.min_area / scene.coarsening**2)
    return np.stack([truth.labels, scene.fault, border, area]).astype(np.float32)


def relative_depth(truth: GroundTruth) -> Float:
    """(H, W) float32: +1 at the shallowest, -1 at the deepest cell of the map, as in the network's depth channel."""
    return truth.scene.relative_depth()


def root_relative_height(truth: GroundTruth) -> Float:
    """(H, W) float32: √(height above the spill level / relief of the map), 0 outside traps: why a cell is a trap's."""
    return root_share_of_relief(truth.height, truth.scene)


def root_share_of_relief(height: Float, scene: Scene) -> Float:
    """Scale heights to the square root of their share of the map's relief.

    Most heights are some hundredths of the relief, and the smallest lie at the outline, which matters most: the root
    spreads them.

    Parameters
    ----------
    height : (H, W) float32
        In depth units, 0 or more.
    scene : Scene
        The map whose relief is meant.

    Returns
    -------
    (H, W) float32
        0 to 1.
    """
    return np.sqrt(share_of_relief(height, scene))


def share_of_relief(height: Float, scene: Scene) -> Float:
    """Heights (H, W) in depth units as shares of the map's relief, float32."""
    low, high = scene.relief
    return height / np.float32(max(high - low, 1e-12))


def trap_classes(truth: GroundTruth) -> Float:
    """Classify cells as background, interior of a trap, or its rim.

    Parameters
    ----------
    truth : GroundTruth
        Its options give the width of the boundary band, whose inner half is the rim.

    Returns
    -------
    (3, H, W) float32
        One-hot planes `BACKGROUND`, `INTERIOR`, `RIM`.
    """
    trap = truth.labels > 0
    rim = trap & (boundary_band(truth) > 0)
    return np.stack([~trap, trap & ~rim, rim]).astype(np.float32)


def boundary_band(truth: GroundTruth) -> Float:
    """(H, W) float32: 1 on a band of `boundary_width` cells around every trap's outline, 0 elsewhere."""
    return outline_band(truth.labels, truth.options.boundary_width, truth.scene.cell_sides).astype(np.float32)


def outline_band(labels: NDArray, width: float, cell_sides: tuple[float, float] = (1.0, 1.0)) -> Bool:
    """Mark the band along the outlines of labelled regions.

    Parameters
    ----------
    labels : (H, W) int or bool
        Regions, 0 = none.
    width : float
        Of the band; that of two cells or less are the cells on both sides of the outline.
    cell_sides : tuple[float, float], default (1.0, 1.0)
        Height and width of a cell, in the unit of the width.

    Returns
    -------
    (H, W) bool
        Cells within width/2 of an outline.

    Examples
    --------
    >>> outline_band(np.array([[0, 0, 0, 1, 1, 1]]), 2).astype(int).tolist()
    [[0, 0, 1, 1, 0, 0]]
    """
    edge = find_boundaries(labels, connectivity=2, mode="thick")
    side = float(np.sqrt(cell_sides[0] * cell_sides[1]))
    if width <= 2 * side or not edge.any():
        return edge
    return ndimage.distance_transform_edt(~edge, sampling=cell_sides) <= width / 2 - side


def crest_heatmap(truth: GroundTruth) -> Float:
    """Draw a Gaussian on every crest.

    Parameters
    ----------
    truth : GroundTruth
        Its options give the standard deviation, `crest_sigma`, in cells.

    Returns
    -------
    (H, W) float32
        1 at a crest; the maximum where Gaussians overlap.
    """
    heat = np.zeros(truth.labels.shape, np.float32)
    if len(truth.crests):
        no_crest = np.ones(truth.labels.shape, bool)
        no_crest[tuple(truth.crests.T)] = False
        distance = ndimage.distance_transform_edt(no_crest, sampling=truth.scene.cell_sides)
        heat[:] = np.exp(-0.5 * (distance / truth.options.crest_sigma) ** 2)
    return heat


def crest_distance(truth: GroundTruth) -> Float:
    """Measure how far each cell of a trap lies from the crest of that trap.

    Parameters
    ----------
    truth : GroundTruth
        Its options say whether distances are euclidean or geodesic.

    Returns
    -------
    (H, W) float32
        Cells of the grid at hand, square ones as large where they are oblong; 0 at the crest and outside traps.

    Examples
    --------
    >>> from targets.scene import Scene
    >>> from targets.truth.traps import build_ground_truth
    >>> rows, cols = np.indices((21, 21))
    >>> depth, inside = np.hypot(rows - 10, cols - 10).astype(np.float32), np.ones((21, 21), bool)
    >>> distance = crest_distance(build_ground_truth(Scene("dome", depth, inside, inside, ~inside)))
    >>> distance[10, 10:14].tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    inside = truth.labels > 0
    distance = np.zeros(truth.labels.shape, np.float32)
    if not inside.any():
        return distance
    height, width = (side / truth.scene.coarsening for side in truth.scene.cell_sides)
    rows, cols = np.nonzero(inside)
    crest = truth.crests[truth.labels[inside] - 1]
    straight = np.hypot((rows - crest[:, 0]) * height, (cols - crest[:, 1]) * width)
    if truth.options.distance == "geodesic":
        if truth.options.traps.connectivity == 4 and truth.scene.interpreted_mask is None:
            along = _distance_past_corners(inside, truth.crests, (height, width))
        else:
            # Negative costs block a cell; two traps never touch, so one search from all crests serves all traps.
            search = MCP_Geometric(np.where(inside, 1.0, -1.0), sampling=(height, width))
            along = search.find_costs(truth.crests.tolist())[0][inside]
        straight = np.where(np.isfinite(along), along, straight)  # a downsampled trap may fall into pieces
    distance[inside] = straight
    return distance


def _distance_past_corners(inside: Bool, crests: NDArray[np.int64], cell_sides: tuple[float, float]) -> NDArray:
    """Distance of each cell inside (n,) to the nearest crest; no way leads over a corner that two cells share alone."""
    height, width = cell_sides
    diagonal = float(np.hypot(height, width))
    number = np.cumsum(inside).reshape(inside.shape) - 1
    ends, lengths = [], []
    for row_step, col_step, length in (0, 1, width), (1, 0, height), (1, 1, diagonal), (1, -1, diagonal):
        here = np.s_[: inside.shape[0] - row_step, max(-col_step, 0) : inside.shape[1] - max(col_step, 0)]
        there = np.s_[row_step:, max(col_step, 0) : inside.shape[1] + min(col_step, 0)]
        joined = inside[here] & inside[there]
        if row_step and col_step:  # a cell beside the two must be inside too
            joined &= inside[here[0], there[1]] | inside[there[0], here[1]]
        ends.append(np.stack([number[here][joined], number[there][joined]]))
        lengths.append(np.full(ends[-1].shape[1], length))
    starts, stops = np.concatenate(ends, axis=1)
    graph = csr_array((np.concatenate(lengths), (starts, stops)), shape=(number[-1, -1] + 1,) * 2)
    return dijkstra(graph, directed=False, indices=number[tuple(crests[inside[tuple(crests.T)]].T)], min_only=True)
