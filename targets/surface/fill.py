"""Depths of unmeasured cells: voids under faults found and filled, the outside of a map padded."""

from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FillMethod = Literal["inpaint", "griddata"]

# Cells: gaps up to twice as wide are fault gaps, not the outside of the map; see docs/experiments/surface.md.
GAP_RADIUS = 3
MIN_SIDE_SHARE = 0.05  # of the map: smaller islands of picks lie in every ragged border
INPAINT_RADIUS = 3  # cells; see docs/experiments/surface.md
INPAINT_RANGE = 1000.0  # cv2.inpaint compares gradients with absolute constants, so every map is scaled to one range


def find_fault_gaps(known: NDArray[np.bool_], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Separate the voids of faults from those of a ragged border, where nobody picked.

    A void that touches the outside of the map, or the array's edge, belongs to a ragged border, unless it divides the
    map: measured parts of at least `MIN_SIDE_SHARE` of the map each lie on both sides of it. All other voids are
    faults. A fault gap that runs out of the map at one end only is taken for a ragged border; a file of faults says
    better.

    Parameters
    ----------
    known : (H, W) bool
        Cells with data.
    inside : (H, W) bool
        From `targets.surface.outline.inside_of_map`.

    Returns
    -------
    (H, W) bool
        Fault cells, within `inside` and not `known`.
    """
    voids = inside & ~known
    around = np.ones((3, 3), np.bool_)
    labels, _ = ndimage.label(voids, around)
    near_outside = ndimage.binary_dilation(np.pad(~inside, 1, constant_values=True), around)[1:-1, 1:-1]
    parts, _ = ndimage.label(known)
    sides = np.zeros(labels.max() + 1, np.int64)
    for part in np.flatnonzero(np.bincount(parts.ravel())[1:] >= MIN_SIDE_SHARE * inside.sum()) + 1:
        sides[np.unique(labels[ndimage.binary_dilation(parts == part, around)])] += 1
    border = np.zeros(labels.max() + 1, np.bool_)
    border[np.unique(labels[near_outside])] = True
    return voids & ~(border & (sides < 2))[labels]


def fill_holes(
    depth: NDArray[np.floating],
    known: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    method: FillMethod = "inpaint",
    extent: tuple[float, float] | None = None,
) -> NDArray[np.float32]:
    """Fill a depth map so that it is finite everywhere; known cells keep their bits.

    Parameters
    ----------
    depth : (H, W) float
        Any unit; cells that are not known may be NaN.
    known : (H, W) bool
        Cells whose depth is measured.
    inside : (H, W) bool
        Cells inside the map.
    method : FillMethod, default 'inpaint'
        How holes (inside, not known) are filled. "inpaint": continue the surface from the rim inwards (Navier-Stokes of
        Bertalmio, Bertozzi and Sapiro, CVPR 2001, in OpenCV; Telea's method in OpenCV rounds floats to whole numbers).
        "griddata": linear over the Delaunay triangles of the holes' rims (SciPy), the nearest known cell outside their
        hull.
    extent : tuple[float, float] | None, default None
        Shallowest and deepest known depth of the map of which this is a window, for inpainting; by default those here.

    Returns
    -------
    (H, W) float32
        Finite depths. Cells outside the map repeat the nearest known cell.

    Raises
    ------
    ValueError
        No cell is known, a known cell is not finite, or the method is unknown.

    Examples
    --------
    >>> depth = np.array([[1.0, np.nan, 3.0], [1.0, 2.0, 3.0]])
    >>> fill_holes(depth, np.isfinite(depth), np.ones((2, 3), bool), "griddata").tolist()
    [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]
    """
    if method not in get_args(FillMethod):
        raise ValueError(f"fill method {method!r} is unknown; known: {', '.join(get_args(FillMethod))}")
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
        if method == "griddata":
            filled[holes] = _triangulated(filled, known, holes)
        else:
            low, high = (float(filled[known].min()), float(filled[known].max())) if extent is None else extent
            filled[holes] = _inpainted(filled, holes, low, high)
    return filled


def _inpainted(filled: NDArray[np.float32], holes: NDArray[np.bool_], low: float, high: float) -> NDArray[np.float32]:
    """Depths of the `holes` in order, by inpainting; `filled` is finite everywhere, low to high is that of the map."""
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
    from scipy.interpolate import griddata  # half a second to import, for a choice that few make

    linear = griddata(points, filled[rim], targets, method="linear")
    return np.where(np.isnan(linear), filled[holes], linear).astype(np.float32)
