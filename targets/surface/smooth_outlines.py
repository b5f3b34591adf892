"""Smooth outlines of cells: contours of a surface between cell centres that enclose the area of the cells."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.surface.polygonize import Ring

CLOSEST = 0.01  # cells, that an outline stays away from the centres of the cells on its two sides
HALVINGS = 14  # of the shift, between a cell inwards and a cell outwards, before a last step along the secant
NESTED_SHARE = 0.99  # of the share of the outline around it, the most that an outline has on a side of both


class _Sides(NamedTuple):
    """Sides of cells (S,) in the order of their rings.

    Attributes
    ----------
    inner, outer : (S, 2) int64
        Row and column of the cell inside and of the cell outside.
    ring : (S,) int64
        Ring of each side.
    following : (S,) int64
        The side that follows it along its ring.
    """

    inner: NDArray[np.int64]
    outer: NDArray[np.int64]
    ring: NDArray[np.int64]
    following: NDArray[np.int64]


def smooth_rings(
    rings: Sequence[Ring], owners: NDArray[np.integer], surface: NDArray[np.floating], levels: NDArray[np.floating]
) -> list[Ring]:
    """Move the outlines of cells to where a surface crosses a level, between the centres of the cells on both sides.

    Every side of a cell becomes one point: where the straight line between the centres of the two cells crosses the
    level (marching squares of Lorensen and Cline 1987). All points of one owner then move outwards or inwards by one
    share of a cell, so that its outlines enclose the area of its cells: a contour of a map of whole metres would
    otherwise lie half a cell off. Sides without a crossing, such as those at faults and at the edge of the map, stay.
    No ring meets itself or another one, and a cell lies in the outline if its centre does. An outline inside another
    one stays inside it, also where its area would ask for more.

    Parameters
    ----------
    rings : Sequence[Ring]
        Outlines along the sides of cells, as of `targets.surface.polygonize.polygonize_labels`: the cells inside lie on
        the right, where rows run down.
    owners : (R,) int
        Number of the owner of each ring, from 0; owners that hold others come before these.
    surface : (H, W) float
        Positive down: inside an outline it is shallower. Not finite where there is none.
    levels : (N,) float
        Of each owner.

    Returns
    -------
    list[Ring]
        In the same order.

    Examples
    --------
    A top at 0 in a plane at 4, outlined at 1 and at 3:

    >>> from targets.surface.polygonize import cell_rings
    >>> surface = np.full((3, 3), 4.0)
    >>> surface[1, 1] = 0
    >>> (ring,) = smooth_rings(cell_rings(surface < 1), np.array([0]), surface, np.array([1.0]))
    >>> ring.round(2).tolist()
    [[0.29, 1.0], [1.0, 1.71], [1.71, 1.0], [1.0, 0.29], [0.29, 1.0]]
    """
    if not rings:
        return []
    corners = np.concatenate(rings)
    sizes = np.array([len(ring) for ring in rings])
    sides, owner = _sides_of(corners, sizes), np.asarray(owners, np.int64)
    owner_of_side = owner[sides.ring]
    share, is_free = _crossings(sides, surface, np.asarray(levels, np.float64)[owner_of_side])
    share = _with_areas(sides, share, is_free, owner_of_side, _areas(corners, sizes, owner))
    share = _inside_holders(sides, share, owner_of_side, surface.shape[1])
    points = np.asarray(sides.inner + share[:, None] * (sides.outer - sides.inner), np.float64)
    return _closed(points, sides)


def _sides_of(corners: NDArray[np.float64], sizes: NDArray[np.int64]) -> _Sides:
    """Unit sides of closed rings, each of so many corners (C, 2), which lie between cells."""
    start = _starts_of_lines(sizes)
    first, along = corners[start], corners[start + 1] - corners[start]
    length = np.abs(along).sum(axis=1).astype(np.int64)
    unit = np.sign(along)
    count = int(length.sum())
    step = np.arange(count) - np.repeat(np.cumsum(length) - length, length)
    direction = np.repeat(unit, length, axis=0)
    middle = np.repeat(first, length, axis=0) + (step[:, None] + 0.5) * direction
    right = np.stack([direction[:, 1], -direction[:, 0]], axis=1) / 2
    ring = np.repeat(np.repeat(np.arange(sizes.size), sizes - 1), length)
    following = np.arange(1, count + 1)
    last = np.flatnonzero(np.diff(ring, append=-1))
    following[last] = np.concatenate([[0], last[:-1] + 1])
    inner, outer = (np.rint(middle + way).astype(np.int64) for way in (right, -right))
    return _Sides(inner, outer, ring, following)


def _starts_of_lines(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of all corners but the last one of each ring."""
    return np.delete(np.arange(sizes.sum()), np.cumsum(sizes) - 1)


def _crossings(
    sides: _Sides, surface: NDArray[np.floating], level: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Share (S,) of the way from the inner to the outer centre at which each level is crossed, and where it is."""
    padded = np.pad(surface.astype(np.float64), 1, constant_values=np.nan)
    inner, outer = (padded[cells[:, 0] + 1, cells[:, 1] + 1] for cells in (sides.inner, sides.outer))
    is_free = (inner <= level) & (level <= outer) & (inner < outer)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        share = np.where(is_free, (level - inner) / (outer - inner), 0.5)
    return np.clip(share, CLOSEST, 1 - CLOSEST), is_free


def _areas(corners: NDArray[np.float64], sizes: NDArray[np.int64], owner: NDArray[np.int64]) -> NDArray[np.float64]:
    """Area (N,) inside the rings of each owner, in cells."""
    start = _starts_of_lines(sizes)
    twice = _cross(corners[start], corners[start + 1])
    return np.asarray(np.bincount(np.repeat(owner, sizes - 1), twice) / 2, np.float64)


def _cross(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Twice the area between the origin and each line (n, 2) of rows and columns; positive clockwise on the page."""
    return start[:, 1] * end[:, 0] - end[:, 1] * start[:, 0]


def _with_areas(
    sides: _Sides, share: NDArray[np.float64], is_free: NDArray[np.bool_], owner: NDArray[np.int64],
    areas: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """The shares, those of each owner moved alike, so that its rings enclose its area."""
    origin = sides.inner[np.flatnonzero(np.diff(sides.ring, prepend=-1))][sides.ring]  # large numbers swamp areas
    inner, way = (sides.inner - origin).astype(np.float64), sides.outer - sides.inner

    def moved(shift: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(is_free, np.clip(share + shift[owner], CLOSEST, 1 - CLOSEST), share)

    def lack(shift: NDArray[np.float64]) -> NDArray[np.float64]:
        points = inner + moved(shift)[:, None] * way
        return areas - np.bincount(owner, _cross(points, points[sides.following]), areas.size) / 2

    low, high = np.full((2, areas.size), [[-1.0], [1.0]])
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_small = lack(middle) > 0
        low, high = np.where(is_small, middle, low), np.where(is_small, high, middle)
    before, behind = lack(low), lack(high)
    along = np.divide(before, before - behind, out=np.zeros_like(before), where=before > behind)
    return moved(low + np.clip(along, 0, 1) * (high - low))


def _inside_holders(
    sides: _Sides, share: NDArray[np.float64], owner: NDArray[np.int64], width: int
) -> NDArray[np.float64]:
    """The shares, where several owners have a side in common a little less than that of the owner around them."""
    cell = sides.inner[:, 0] * width + sides.inner[:, 1]
    row, col = (sides.outer - sides.inner).T
    order = np.lexsort([owner, 3 * row + col, cell])
    same = np.zeros(order.size, np.bool_)
    same[1:] = (cell[order][1:] == cell[order][:-1]) & ((3 * row + col)[order][1:] == (3 * row + col)[order][:-1])
    found = share[order]
    at = np.flatnonzero(same)
    while (at := at[found[at] > NESTED_SHARE * found[at - 1]]).size:
        found[at] = NESTED_SHARE * found[at - 1]
        at = at[at + 1 < found.size] + 1
        at = at[same[at]]
    capped = np.empty_like(share)
    capped[order] = found
    return capped


def _closed(points: NDArray[np.float64], sides: _Sides) -> list[Ring]:
    """Closed rings without the points (S, 2) on straight lines."""
    ring, following = sides.ring, sides.following
    behind = points[following] - points
    before = np.empty_like(behind)
    before[following] = behind
    bends = np.abs(_cross(before, behind)) > 1e-9
    kept = np.flatnonzero(bends | (np.bincount(ring, bends) <= 2)[ring])
    size = np.bincount(ring[kept])
    last = np.cumsum(size)
    closed = points[np.insert(kept, last, kept[last - size])]
    ends = last + np.arange(1, last.size + 1)
    return [closed[start:end] for start, end in zip((ends - size - 1).tolist(), ends.tolist(), strict=True)]
