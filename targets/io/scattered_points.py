"""Scattered points put back on the rotated grid that they were exported from."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from targets.scene import GeoReference

MAX_MISFIT = 0.2  # cells; exports round coordinates to centimetres, a thousandth of a cell
MIN_FILLED = 0.01  # share of the cells that have a point; below it the spacing was not found
SAMPLE_SIZE = 200  # points whose neighbours vote on the spacing
NEIGHBOURS = 64  # of each: enough to see the second direction in grids up to some 30 times longer than wide


def grid_scattered_points(x: NDArray, y: NDArray, z: NDArray) -> tuple[NDArray[np.float64], GeoReference]:
    """Put points that were exported from a regular grid back on it.

    The columns of the result run along the grid direction that is nearest to East, its rows along the one nearest to
    South. Of two points on one node the later one counts.

    Parameters
    ----------
    x, y : (n,) float, map units
        Coordinates, in any order of the points.
    z : (n,) float
        Values.

    Returns
    -------
    values : (H, W) float64
        Missing nodes are NaN.
    geo : GeoReference
        The fitted location (``dx > 0``, ``dy < 0``).

    Raises
    ------
    ValueError
        The points do not lie on a regular grid.

    Examples
    --------
    >>> values, geo = grid_scattered_points([0, 50, 0, 50], [0, 0, 25, 25], [1, 2, 3, 4])
    >>> values.tolist(), geo.dx, geo.dy
    ([[3.0, 4.0], [1.0, 2.0]], 50.0, -25.0)
    """
    if len(x) < 4:
        raise ValueError(f"{len(x)} points are too few to be a grid")
    xy = np.column_stack([x, y]).astype(np.float64)
    origin, axes = _fit_axes(xy)
    geo = _right_angled(origin, axes)
    row, col = geo.rowcol(xy[:, 0], xy[:, 1])
    r, c = np.round(row).astype(np.int64), np.round(col).astype(np.int64)
    misfit = float(np.hypot(row - r, col - c).max())
    top, left = int(r.min()), int(c.min())
    height, width = int(r.max()) - top + 1, int(c.max()) - left + 1
    if misfit > MAX_MISFIT or len(x) < MIN_FILLED * height * width or min(height, width) < 2:
        raise ValueError(f"the points do not lie on a regular grid (off by up to {misfit:.2f} cells; {len(x)} points "
                         f"on {height} x {width} nodes)")  # fmt: skip
    values = np.full((height, width), np.nan)
    values[r - top, c - left] = z
    x0, y0 = geo.xy(top, left)
    return values, GeoReference(float(x0), float(y0), geo.dx, geo.dy, geo.rotation)


def _fit_axes(xy: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(2,) a node near the middle, and (2, 2) the steps from node to node along both axes, by least squares."""
    start = int(np.abs(xy - np.median(xy, axis=0)).sum(axis=1).argmin())
    origin, axes = xy[start], _shortest_steps(xy)
    # Coordinates are rounded, so the first axes are only good nearby: fit them on a growing neighbourhood.
    reach = 10.0
    while True:
        nodes = (xy - origin) @ np.linalg.inv(axes)
        near = np.abs(nodes).max(axis=1) <= reach
        index = np.round(nodes[near])
        design = np.column_stack([np.ones(len(index)), index])
        if np.linalg.matrix_rank(design) == 3:
            fit = np.linalg.lstsq(design, xy[near], rcond=None)[0]
            origin, axes = fit[0], fit[1:]
        if near.all():
            return origin, axes
        reach *= 2


def _shortest_steps(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 2) the two shortest steps between neighbours that stand across each other, one per row."""
    sample = xy[:: max(len(xy) // SAMPLE_SIZE, 1)]
    count = min(NEIGHBOURS, len(xy))
    found = cKDTree(xy).query(sample, k=count)
    distance, index = np.asarray(found[0]), np.asarray(found[1])
    steps = xy[index] - sample[:, None]
    apart = np.where(distance > 1e-6 * distance.max(), distance, np.inf)
    first = apart.argmin(axis=1)
    nearest = apart[np.arange(len(sample)), first]
    # The median is a step of the grid even where some samples sit at its ragged border.
    typical = np.argsort(nearest)[len(nearest) // 2]
    along = steps[typical, first[typical]]
    across = apart.copy()
    with np.errstate(invalid="ignore", divide="ignore"):
        across[np.abs(steps @ along) > 0.1 * distance * np.hypot(*along)] = np.inf
    if not np.isfinite(across).any():
        raise ValueError("the points lie on one line")
    best = across.argmin(axis=1)
    lengths = across[np.arange(len(sample)), best]
    typical = np.argsort(lengths)[np.isfinite(lengths).sum() // 2]
    return np.array([along, steps[typical, best[typical]]])


def _right_angled(origin: NDArray[np.float64], axes: NDArray[np.float64]) -> GeoReference:
    """The right-angled grid with these axes: columns towards East, turned as fitted, and rows towards South."""
    east = int(np.abs(axes[:, 0] / np.hypot(axes[:, 0], axes[:, 1])).argmax())
    column, row = axes[east], axes[1 - east]
    column = column if column[0] > 0 else -column
    row = row if column[0] * row[1] - column[1] * row[0] < 0 else -row
    return GeoReference(float(origin[0]), float(origin[1]), float(np.hypot(*column)), -float(np.hypot(*row)),
                        float(np.degrees(np.arctan2(column[1], column[0]))))  # fmt: skip
