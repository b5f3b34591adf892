"""What depth do unmeasured cells have? Fills voids under faults, and tells voids from the outside of a map."""

from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import griddata

Fill = Literal["inpaint", "griddata"]

# Gaps up to twice this many cells wide are fault gaps, not the outside of the map: the widest gap of an interpreted
# surface at hand (Top Fangst, 50 m cells) is 4 cells wide; the outside starts at bays of some 10 cells.
GAP_RADIUS = 3

MIN_PART = 0.05  # share of the map: smaller islands of picks lie in every ragged border

INPAINT_RADIUS = 3  # cells; 2 to 5 give the same error on a smooth surface to 3 %
INPAINT_RANGE = 1000.0  # cv2.inpaint compares gradients with absolute constants, so every map is brought to one range


def fault_voids(known: NDArray[np.bool_], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell the voids that are gaps of faults from those of a ragged border, where nobody picked.

    A void that touches the outside of the map, or the array's edge, is taken for a ragged border (Penobscot B has 194
    such, up to 48 cells deep, and no other), unless it parts the map: measured parts of at least 5 % of the map each
    lie on both sides of it. All other voids are faults. A fault gap that runs out of the map at one end only cannot be
    told from a ragged border; a file of faults says it.

    Parameters
    ----------
    known : (H, W) bool
        Cells with data.
    inside : (H, W) bool
        From `map_outline`.

    Returns
    -------
    fault : (H, W) bool, within `inside` and not `known`.
    """
    voids = inside & ~known
    around = np.ones((3, 3), np.bool_)
    labels, _ = ndimage.label(voids, around)
    near_outside = ndimage.binary_dilation(np.pad(~inside, 1, constant_values=True), around)[1:-1, 1:-1]
    parts, _ = ndimage.label(known)
    sides = np.zeros(labels.max() + 1, np.int64)
    for part in np.flatnonzero(np.bincount(parts.ravel())[1:] >= MIN_PART * inside.sum()) + 1:
        sides[np.unique(labels[ndimage.binary_dilation(parts == part, around)])] += 1
    border = np.zeros(labels.max() + 1, np.bool_)
    border[np.unique(labels[near_outside])] = True
    return voids & ~(border & (sides < 2))[labels]


def fill_holes(
    depth: NDArray[np.floating], known: NDArray[np.bool_], inside: NDArray[np.bool_], method: Fill = "inpaint"
) -> NDArray[np.float32]:
    """Make a depth map finite everywhere; known cells stay as they are, bit for bit.

    Parameters
    ----------
    depth : (H, W) float
        Any unit; cells that are not known may be NaN.
    known : (H, W) bool
        Cells whose depth is measured.
    inside : (H, W) bool
        Cells inside the map.
    method : Fill, default 'inpaint'
        How holes (inside, not known) are filled. "inpaint": continue the surface from the rim inwards (Navier-Stokes of
        Bertalmio, Bertozzi and Sapiro, CVPR 2001, in OpenCV; Telea's method in OpenCV rounds floats to whole numbers).
        "griddata": linear over the Delaunay triangles of the holes' rims (SciPy), the nearest known cell outside their
        hull.

    Returns
    -------
    filled : (H, W) float32, finite. Cells outside the map repeat the nearest known cell.

    Raises
    ------
    ValueError
        No cell is known, a known cell is not finite, or the method is unknown.
    """
    if method not in get_args(Fill):
        raise ValueError(f"fill method {method!r} is unknown; known: {', '.join(get_args(Fill))}")
    if not known.any():
        raise ValueError("no cell has a known depth")
    if not np.isfinite(depth[known]).all():
        raise ValueError("known cells hold NaN or infinite depths")
    filled = depth.astype(np.float32)
    if known.all():
        return filled
    rows, cols = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    filled = filled[rows, cols]
    holes = inside & ~known
    if holes.any():
        filled[holes] = (_inpainted if method == "inpaint" else _triangulated)(filled, known, holes)
    return filled


def _inpainted(filled: NDArray[np.float32], known: NDArray[np.bool_], holes: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Depths of the `holes` in order, by inpainting; `filled` is finite everywhere."""
    low, high = float(filled[known].min()), float(filled[known].max())
    scale = INPAINT_RANGE / (high - low) if high > low else 1.0
    scaled = ((filled.astype(np.float64) - low) * scale).astype(np.float32)
    painted = cv2.inpaint(scaled, holes.astype(np.uint8), INPAINT_RADIUS, cv2.INPAINT_NS)[holes]
    # Inpainting may overshoot on steep rims; a made-up depth beyond all measured ones would be a made-up crest.
    return np.clip(painted / scale + low, low, high).astype(np.float32)


def _triangulated(
    filled: NDArray[np.float32], known: NDArray[np.bool_], holes: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Depths of the `holes` in order, linear between the known cells around them."""
    # A triangle over a hole has its corners on the hole's rim, so only the cells two around are triangulated.
    rim = ndimage.binary_dilation(holes, np.ones((3, 3), np.bool_), iterations=2) & known
    points, targets = np.argwhere(rim), np.argwhere(holes)
    if len(points) < 3 or np.linalg.matrix_rank(points - points[0]) < 2:
        return filled[holes]
    linear = griddata(points, filled[rim], targets, method="linear")
    return np.where(np.isnan(linear), filled[holes], linear).astype(np.float32)
