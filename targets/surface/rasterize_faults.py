"""Fault polygons, traces and sticks: their kinds, and the cells of a map that they cover."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from skimage.draw import polygon

from targets.errors import UserError
from targets.scene import GeoReference

# A line covers the cells whose centre is at most half this many cells away. At least the diagonal of a cell, so that
# the cells of a line join by their sides and no 8-connected path slips through between two of them.
MIN_WIDTH = math.sqrt(2)
# Height over length; a line steeper than this runs down a fault plane (a stick), a flatter one along a horizon.
# Fault planes dip 30 degrees (0.6) and more, horizons seldom over 10 degrees (0.2).
MIN_STICK_DIP = 0.4
SMALL_WINDOW = 8  # cells; segments in smaller windows are drawn many at once
SMALL_AT_ONCE = 20_000
STICK_STEPS = 100  # samples per segment of a stick where its crossing with the horizon is looked for


@dataclass(frozen=True, eq=False)
class FaultLine:
    """One fault polygon, trace or stick.

    Attributes
    ----------
    name : str
        The fault's name or number in the file; several lines may share it.
    points : (n, 2) or (n, 3) float64
        x, y and perhaps z in map units; n >= 2.
    """

    name: str
    points: NDArray[np.float64]

    @property
    def is_polygon(self) -> bool:
        """Whether it is a polygon (it ends where it starts) and not a trace, or a stick that stands upright."""
        extent = np.ptp(self.points[:, :2], axis=0)
        atol = min(1e-3, 1e-3 * float(extent.max()))  # map units; a thousandth of a degree is 100 m
        return (
            len(self.points) > 3
            and bool(extent.min() > 0)
            and bool(np.allclose(self.points[0, :2], self.points[-1, :2], rtol=0, atol=atol))
        )


def is_fault_sticks(lines: Sequence[FaultLine]) -> bool:
    """Decide whether lines are the sticks of a fault plane, picked down its dip, and not traces on a horizon.

    Parameters
    ----------
    lines : Sequence[FaultLine]
        Of one fault.

    Returns
    -------
    bool
        True for two or more open lines with z whose median dip exceeds `MIN_STICK_DIP`.
    """
    if len(lines) < 2 or any(line.is_polygon or line.points.shape[1] < 3 for line in lines):
        return False
    step = [np.abs(np.diff(line.points[[0, -1]], axis=0))[0] for line in lines]
    return float(np.median([dz / max(math.hypot(dx, dy), 1e-9) for dx, dy, dz in step])) > MIN_STICK_DIP


def trace_of_sticks(
    sticks: Sequence[FaultLine], depth: NDArray[np.floating], geo: GeoReference, name: str = ""
) -> FaultLine | None:
    """Intersect a fault plane, given by its sticks, with a horizon.

    Parameters
    ----------
    sticks : Sequence[FaultLine]
        Of one fault, in order along it, with z in the unit and sign of `depth`.
    depth : (H, W) float
        The horizon, finite.
    geo : GeoReference
        Its location.
    name : str, default ''
        Of the trace.

    Returns
    -------
    FaultLine | None
        The trace through the crossing of each stick with the horizon (the middle one, where the horizon steps at the
        fault and is crossed several times); None if fewer than two sticks cross it.
    """
    found = []
    horizon = depth.astype(np.float64)
    for stick in sticks:
        n = len(stick.points)
        at = np.linspace(0, n - 1, (n - 1) * STICK_STEPS + 1)
        x, y, z = (np.interp(at, np.arange(n), stick.points[:, i]) for i in range(3))
        row, col = geo.rowcol(x, y)
        on = (row >= 0) & (row <= depth.shape[0] - 1) & (col >= 0) & (col <= depth.shape[1] - 1)
        below = z - map_coordinates(horizon, [row, col], order=1, mode="nearest")
        crossings = np.flatnonzero(on[:-1] & on[1:] & (below[:-1] * below[1:] <= 0))
        if len(crossings):
            i = int(crossings[len(crossings) // 2])
            part = below[i] / (below[i] - below[i + 1]) if below[i] != below[i + 1] else 0.0
            found.append([v[i] + part * (v[i + 1] - v[i]) for v in (x, y, z)])
    return FaultLine(name, np.array(found)) if len(found) > 1 else None


def rasterize_faults(
    lines: Sequence[FaultLine], geo: GeoReference, shape: tuple[int, int], width: float = 2.0
) -> NDArray[np.int32]:
    """Mark the cells that fault lines cover.

    Parameters
    ----------
    lines : Sequence[FaultLine]
        Closed ones are filled polygons (and the cells along their outline); the others are drawn as lines.
    geo : GeoReference
        The map's location.
    shape : tuple[int, int]
        Rows and columns of the map.
    width : float, default 2.0
        Of the lines, in cells; at least the square root of 2.

    Returns
    -------
    (H, W) int32
        0 = no fault, else the 1-based position in `lines`; of two lines the later one counts.

    Raises
    ------
    UserError
        The map has no location.

    Examples
    --------
    >>> geo = GeoReference(x0=0.0, y0=0.0, dx=1.0, dy=-1.0)
    >>> line = FaultLine("F1", np.array([[1.0, 0.0], [1.0, -2.0]]))
    >>> rasterize_faults([line], geo, (3, 4), width=1.5).tolist()
    [[0, 1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0]]
    """
    if not geo.located:
        raise UserError("faults", "the map has no location for fault coordinates", "x0, y0, dx and dy",
                        "add them to map.yaml or to the grid")  # fmt: skip
    labels = np.zeros(shape, np.int32)
    chains, owners, reaches = [], [], []
    for label, line in enumerate(lines, 1):
        row, col = geo.rowcol(line.points[:, 0], line.points[:, 1])
        if line.is_polygon:
            labels[polygon(row, col, shape)] = label
        reach = (MIN_WIDTH if line.is_polygon else max(width, MIN_WIDTH)) / 2
        chains.append(np.stack([row[:-1], col[:-1], row[1:], col[1:]], axis=1))
        owners.append(np.full(len(row) - 1, label, np.int32))
        reaches.append(np.full(len(row) - 1, reach))
    if chains:
        _draw(labels, np.concatenate(chains), np.concatenate(owners), np.concatenate(reaches))
    return labels


def _draw(
    labels: NDArray[np.int32], segments: NDArray[np.float64], owners: NDArray[np.int32], reaches: NDArray[np.float64]
) -> None:
    """Mark the cells at most `reaches` away from segments (n, 4) with the largest of their `owners`: the later line."""
    limit = np.array(labels.shape)
    with np.errstate(invalid="ignore"):
        low = np.ceil(np.minimum(segments[:, :2], segments[:, 2:]) - reaches[:, None])
        high = np.floor(np.maximum(segments[:, :2], segments[:, 2:]) + reaches[:, None]) + 1
        low, high = np.maximum(low, 0), np.minimum(high, limit)
        size = (high - low).max(axis=1)
        on_map = ((high - low) > 0).all(axis=1)
    for i in np.flatnonzero(on_map & (size > SMALL_WINDOW)):
        (top, left), (bottom, right) = low[i].astype(int), high[i].astype(int)
        row, col = np.ogrid[top:bottom, left:right]
        window = labels[top:bottom, left:right]
        window[(_distance(row, col, segments[i]) <= reaches[i] + 1e-9) & (window < owners[i])] = owners[i]
    small = np.flatnonzero(on_map & (size <= SMALL_WINDOW))
    steps = np.arange(SMALL_WINDOW)
    for chosen in np.array_split(small, -(-len(small) // SMALL_AT_ONCE) or 1):
        row = low[chosen, 0, None, None] + steps[:, None]
        col = low[chosen, 1, None, None] + steps
        ends = tuple(segments[chosen].T[:, :, None, None])
        near = _distance(row, col, ends) <= reaches[chosen, None, None] + 1e-9
        near &= (row < limit[0]) & (col < limit[1])
        which, r, c = np.nonzero(near)
        cells = (row[which, r, 0] * limit[1] + col[which, 0, c]).astype(np.int64)
        np.maximum.at(labels.reshape(-1), cells, owners[chosen][which])


def _distance(row: NDArray, col: NDArray, segment: Sequence[NDArray] | NDArray) -> NDArray[np.float64]:
    """Distance of cells from a segment (r0, c0, r1, c1), in cells."""
    r0, c0, r1, c1 = segment
    length = np.maximum((r1 - r0) ** 2 + (c1 - c0) ** 2, 1e-12)
    along = np.clip(((row - r0) * (r1 - r0) + (col - c0) * (c1 - c0)) / length, 0, 1)
    return np.hypot(row - r0 - along * (r1 - r0), col - c0 - along * (c1 - c0))
