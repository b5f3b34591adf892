"""Scattered points put back on the rotated grid that they were exported from."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from targets.errors import UserError
from targets.io.nulls import undefine_nulls
from targets.io.read_options import DEFAULT_READING, ReadOptions
from targets.io.sign import holds_elevations
from targets.io.surface_file import Surface
from targets.scene import MAX_COORDINATE, GeoReference

MAX_MISFIT = 0.2  # cells; exports round coordinates to centimetres, a thousandth of a cell
MIN_FILLED = 0.01  # share of the cells that have a point; below it the spacing was not found
MAX_DUPLICATES = 0.5  # share of the nodes with several depths; beyond it the points are of several surfaces
MAX_NODES = 2**28  # of the grid
SAMPLE_SIZE = 200  # points whose neighbours vote on the spacing
NEIGHBOURS = 64  # of each: enough to see the second direction in grids up to some 30 times longer than wide
FITTED_POINTS = 20_000  # of which the spacing is found, and to which the grid is fitted
SNAP = 1e-4  # cells; a rotation and digits that move no node further are noise of rounded coordinates


def grid_scattered_points(
    x: NDArray, y: NDArray, z: NDArray, reading: ReadOptions = DEFAULT_READING, is_elevation: bool | None = None
) -> Surface:
    """Put points that were exported from a regular grid back on it.

    The columns of the result run along the grid direction that is nearest to East, its rows along the one nearest to
    South.

    Parameters
    ----------
    x, y : (n,) float, map units
        Coordinates, in any order of the points.
    z : (n,) float
        Values; NaN: the node exists, and holds none.
    reading : ReadOptions, default DEFAULT_READING
        Its `duplicates` says what a node with several values holds; a value that is undefined by its `nodata`, or by
        the rule of `targets.io.nulls`, is none.
    is_elevation : bool | None, default None
        What the file says of the sign, where `reading` says nothing; None: nothing.

    Returns
    -------
    surface : Surface
        Missing nodes are NaN; the fitted location has ``dx > 0`` and ``dy < 0``; a note says how many nodes hold
        several values, and how far they lie apart.

    Raises
    ------
    UserError
        The points do not lie on a regular grid.

    Examples
    --------
    >>> surface = grid_scattered_points([0, 50, 0, 50], [0, 0, 25, 25], [1, 2, 3, 4])
    >>> surface.values.tolist(), surface.geo.dx, surface.geo.dy
    ([[3.0, 4.0], [1.0, 2.0]], 50.0, -25.0)
    """
    xy, z = np.column_stack([x, y]).astype(np.float64), np.asarray(z, np.float64)
    geo, row, col = _fit_grid(xy)
    height, width = int(row.max()) + 1, int(col.max()) + 1
    values = np.full(height * width, np.nan)
    node = row * width + col
    known = ~np.isnan(z)
    node, z = node[known], z[known]
    values[node] = z
    unequal = np.unique(node[values[node] != z])
    if not unequal.size:
        return Surface(values.reshape(height, width), geo)
    elevation = is_elevation if reading.elevation is None else reading.elevation
    defined, nulls = undefine_nulls(z, reading.nodata, "points")
    is_up, _ = holds_elevations(nulls.low, nulls.high, elevation)
    several = np.isin(node, unequal) & np.isfinite(defined)
    nodes, apart = _settle_duplicates(values, node[several], z[several], reading.duplicates == "mean", is_up)
    if not nodes.size:
        return Surface(values.reshape(height, width), geo)
    if len(nodes) > MAX_DUPLICATES * np.isfinite(values).sum():
        raise UserError("points", f"{len(nodes):,} of {np.isfinite(values).sum():,} nodes hold several depths, up to "
                        f"{apart:.6g} apart: the table holds several surfaces, or lines", "one depth a node",
                        "write one table a surface")  # fmt: skip
    fault = None
    if reading.duplicates == "fault":
        fault = np.zeros((height, width), bool)
        fault.flat[nodes] = True
    notes = (_duplicates_note(len(nodes), apart, reading.duplicates),)
    return Surface(values.reshape(height, width), geo, notes, fault)


def _settle_duplicates(
    values: NDArray[np.float64], node: NDArray[np.int64], z: NDArray[np.float64], take_mean: bool, is_up: bool
) -> tuple[NDArray[np.int64], float]:
    """Give nodes with several values theirs, in place; return those whose values differ, and by how much at most."""
    nodes, place = np.unique(node, return_inverse=True)
    low, high, total = np.full(len(nodes), np.inf), np.full(len(nodes), -np.inf), np.zeros(len(nodes))
    np.minimum.at(low, place, z)
    np.maximum.at(high, place, z)
    np.add.at(total, place, z)
    values[nodes] = total / np.bincount(place, minlength=len(nodes)) if take_mean else high if is_up else low
    return nodes[high > low], float((high - low).max(initial=0))


def _duplicates_note(count: int, apart: float, duplicates: str) -> str:
    nodes = "1 node holds" if count == 1 else f"{count:,} nodes hold"
    taken = {"shallower": "the shallower one is taken", "mean": "their mean is taken", "fault": "they are fault cells"}
    others = " or ".join(f"--duplicates {other}" for other in taken if other != duplicates)
    return f"{nodes} several depths, up to {apart:.6g} apart: {taken[duplicates]} ({others} takes another way)"


def _fit_grid(xy: NDArray[np.float64]) -> tuple[GeoReference, NDArray[np.int64], NDArray[np.int64]]:
    """The grid that points (n, 2) lie on, and the row and column of each; row and column 0 are the first used ones."""
    if len(xy) < 4:
        raise UserError("points", f"{len(xy)} points are too few to be a grid", "four or more")
    if missing := int((~(np.abs(xy) <= MAX_COORDINATE).all(axis=1)).sum()):
        raise UserError("points", f"x or y is missing in some rows ({missing:,}), or too large",
                        f"numbers up to {MAX_COORDINATE:g}")  # fmt: skip
    start = xy[int(np.abs(xy - np.median(xy, axis=0)).sum(axis=1).argmin())]
    away = np.abs(xy - start).max(axis=1)
    geo = _right_angled(*_fit_axes(xy, start, away))
    row, col = geo.rowcol(xy[:, 0], xy[:, 1])
    r, c = np.round(row), np.round(col)
    off = np.hypot(row - r, col - c)
    worst = int(off.argmax())
    top, left = float(r.min()), float(c.min())
    height, width = float(r.max()) - top + 1, float(c.max()) - left + 1
    if off[worst] > MAX_MISFIT or len(xy) < MIN_FILLED * height * width or min(height, width) < 2:
        at = ", ".join(f"{value:.10g}" for value in xy[worst])
        found = (f"the point {at} is {off[worst]:.2f} cells off the best one" if off[worst] > MAX_MISFIT
                 else f"{len(xy):,} points on {height:.0f} x {width:.0f} nodes")  # fmt: skip
        raise UserError("points", f"the points do not lie on a regular grid: {found}", "points exported from a grid",
                        "grid them first, in the program that they come from, or name other columns: "
                        "--columns x=1,y=2,z=3")  # fmt: skip
    if height * width > MAX_NODES:
        raise UserError("points", f"a grid of {height:.0f} x {width:.0f} nodes", f"at most {MAX_NODES:,}",
                        "cut it into smaller maps")  # fmt: skip
    x0, y0 = geo.xy(top, left)
    geo = GeoReference(float(x0), float(y0), geo.dx, geo.dy, geo.rotation)
    return _without_noise(geo, height, width), (r - top).astype(np.int64), (c - left).astype(np.int64)


def _without_noise(geo: GeoReference, height: float, width: float) -> GeoReference:
    """The same location without a rotation and without digits that move no node by more than `SNAP` cells."""
    dx, dy = float(geo.dx or 1), float(geo.dy or 1)
    cell, extent = min(abs(dx), abs(dy)), max(height * abs(dy), width * abs(dx))
    rotation = 0.0 if abs(np.radians(geo.rotation)) * extent <= SNAP * cell else geo.rotation
    step_x, step_y = float(f"{dx:.6g}"), float(f"{dy:.6g}")
    if max(abs(step_x - dx) * width, abs(step_y - dy) * height) <= SNAP * cell:
        dx, dy = step_x, step_y
    digits = int(np.ceil(-np.log10(cell * SNAP)))
    return GeoReference(round(float(geo.x0 or 0), digits), round(float(geo.y0 or 0), digits), dx, dy, rotation)


def _fit_axes(
    xy: NDArray[np.float64], start: NDArray[np.float64], away: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(2,) a node near the middle, and (2, 2) the steps from node to node along both axes, by least squares."""
    # Coordinates are rounded, so the first axes are only good nearby: fit them on a growing neighbourhood, by nodes
    # among the nearest points, then by distance.
    near, within, farthest = xy, float(away.max()), float(away.max())
    if len(xy) > FITTED_POINTS:
        within = float(np.partition(away, FITTED_POINTS)[FITTED_POINTS])
        near = xy[away <= within][: 2 * FITTED_POINTS]
    origin, axes = start, _shortest_steps(near)
    reach = 2.0
    while True:
        nodes = np.abs((near - origin) @ np.linalg.inv(axes)).max(axis=1)
        origin, axes = _least_squares(near[nodes <= reach + 0.5], origin, axes)
        if reach >= nodes.max():
            break
        reach *= 2
    while within < farthest:
        within *= 2
        close = xy[away <= within]
        origin, axes = _least_squares(close[:: len(close) // FITTED_POINTS + 1], origin, axes)
    return origin, axes


def _least_squares(
    xy: NDArray[np.float64], origin: NDArray[np.float64], axes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Origin and axes fitted to points whose nodes they tell; the same ones if the points lie on one line."""
    nodes = np.round((xy - origin) @ np.linalg.inv(axes))
    design = np.column_stack([np.ones(len(nodes)), nodes])
    if np.linalg.matrix_rank(design) < 3:
        return origin, axes
    fit = np.linalg.lstsq(design, xy - origin, rcond=None)[0]
    return fit[0] + origin, fit[1:]


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
        raise UserError("points", "the points lie on one line", "points of a grid, two or more each way")
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
