"""Outlines of closures: nested ones along the sides of their cells, and smooth ones along contours of the depth."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.closure.arguments import map_cells
from targets.closure.find import Closures
from targets.closure.kernels.compiled import compiled
from targets.closure.nesting import find_nesting
from targets.surface.polygonize import Ring, polygonize_labels
from targets.surface.smooth_outlines import smooth_rings

EAST, SOUTH, WEST, NORTH = range(4)  # of a side; the closure lies on its right, where rows run down


class Sides(NamedTuple):
    """Sides of cells between a nested closure and what is outside it, closure by closure.

    Attributes
    ----------
    start : (S,) int64
        Flat index of the corner in which a side begins, in a grid of (H + 1, W + 1) corners.
    direction : (S,) int8
        `EAST` to `NORTH`.
    first : (N + 1,) int64
        The sides of row k of the table are first[k]..first[k + 1] - 1.
    """

    start: NDArray[np.int64]
    direction: NDArray[np.int8]
    first: NDArray[np.int64]


class Rings(NamedTuple):
    """Closed rings; a ring never meets itself.

    Attributes
    ----------
    corner : (C,) int64
        Flat indices of corners in the order of the rings, each ring from its uppermost, then leftmost side that runs
        East; straight lines have none in between, and the first one is repeated at the end.
    first : (R + 1,) int64
        The corners of ring i are first[i]..first[i + 1] - 1.
    closure : (R,) int32
        Row of the table.
    area : (R,) int64
        In cells; negative where the ring is a hole.
    outer : (R,) int64
        The outer ring of the polygon that a ring belongs to: of a hole the one around it, of others themselves.
    """

    corner: NDArray[np.int64]
    first: NDArray[np.int64]
    closure: NDArray[np.int32]
    area: NDArray[np.int64]
    outer: NDArray[np.int64]


def polygonize_closures(closures: Closures, nested: bool = True) -> dict[int, list[list[Ring]]]:
    """Outline the cells of closures exactly.

    Parameters
    ----------
    closures : Closures
        Of a map.
    nested : bool, default True
        Nested closures too.

    Returns
    -------
    dict[int, list[list[Ring]]]
        {id: polygons, each a list of rings, the outer one first}, outermost closures before nested ones.
    """
    outermost = closures.table["id"][closures.table["parent"] == 0]
    found: dict[int, list[list[Ring]]] = {int(key): [] for key in outermost}
    for polygon in polygonize_labels(closures.labels):
        found[polygon.label].append(polygon.rings)
    return found | polygonize_nested(closures) if nested else found


def contour_closures(closures: Closures, nested: bool = True) -> dict[int, list[list[Ring]]]:
    """Outline closures along the contours of the depth at which they end, between the centres of the cells.

    As many polygons and rings as of the cells, around the same cells and with their area; see
    `targets.surface.smooth_outlines.smooth_rings`.

    Parameters
    ----------
    closures : Closures
        Of a map.
    nested : bool, default True
        Nested closures too.

    Returns
    -------
    dict[int, list[list[Ring]]]
        As of `polygonize_closures`.

    Examples
    --------
    >>> from targets.closure import find_closures
    >>> found = find_closures([[9, 9, 9, 9], [9, 3, 5, 7], [9, 9, 9, 9]])
    >>> contour_closures(found)[1][0][0].round(2).tolist()
    [[0.36, 1.0], [0.52, 2.0], [1.0, 2.97], [1.48, 2.0], [1.64, 1.0], [1.0, 0.36], [0.36, 1.0]]
    """
    return smooth_polygons(closures, polygonize_closures(closures, nested), closures.table["contour_depth"])


def smooth_polygons(
    closures: Closures, cells: Mapping[int, list[list[Ring]]], levels: NDArray[np.floating]
) -> dict[int, list[list[Ring]]]:
    """Move outlines of cells of closures onto contours of the depth.

    Parameters
    ----------
    closures : Closures
        Of a map.
    cells : Mapping[int, list[list[Ring]]]
        {id: polygons} as of `polygonize_closures`.
    levels : (N,) float
        For each row of the table, the depth of the contour.

    Returns
    -------
    dict[int, list[list[Ring]]]
        As many polygons and rings.
    """
    surface = np.where(map_cells(closures.grid), closures.grid.depth, np.nan)
    rings = [ring for polygons in cells.values() for polygon in polygons for ring in polygon]
    owners = [key - 1 for key, polygons in cells.items() for polygon in polygons for _ in polygon]
    smooth = iter(smooth_rings(rings, np.array(owners, np.int64), surface, levels))
    return {key: [[next(smooth) for _ in polygon] for polygon in polygons] for key, polygons in cells.items()}


def polygonize_nested(closures: Closures) -> dict[int, list[list[Ring]]]:
    """Outline the cells of all nested closures exactly.

    Parameters
    ----------
    closures : Closures
        Of a map.

    Returns
    -------
    dict[int, list[list[Ring]]]
        {id: polygons}, each a list of rings as in `targets.surface.polygonize.CellPolygon`, in its order.

    Examples
    --------
    >>> from targets.closure import find_closures
    >>> found = find_closures([[9, 9, 9, 9, 9, 9], [9, 2, 5, 3, 7, 6], [9, 9, 9, 9, 9, 9]])
    >>> [ring.tolist() for ring in polygonize_nested(found)[2][0]]
    [[[0.5, 0.5], [0.5, 1.5], [1.5, 1.5], [1.5, 0.5], [0.5, 0.5]]]
    """
    table = closures.table
    found: dict[int, list[list[Ring]]] = {int(key): [] for key in table["id"][table["parent"] > 0]}
    if not found:
        return found
    nesting, parent = find_nesting(closures), table["parent"].copy()
    places = np.pad(nesting.places(), 1, constant_values=-1)
    innermost = np.pad(nesting.innermost, 1)
    count = np.zeros(table.size + 1, np.int64)
    _walk_sides(
        innermost, places, parent, nesting.first, nesting.last, count, Sides(count, count.astype(np.int8), count)
    )
    first = np.concatenate([[0], np.cumsum(count[:-1])])
    sides = Sides(np.empty(first[-1], np.int64), np.empty(first[-1], np.int8), first)
    _walk_sides(innermost, places, parent, nesting.first, nesting.last, np.zeros_like(count), sides)
    width = closures.labels.shape[1] + 1
    rings = _trace_rings(sides, closures.labels.shape[0] + 1, width)
    points = np.stack(np.divmod(rings.corner, width), axis=1) - 0.5
    begins = rings.corner[rings.first[:-1]]
    # polygons by their first corners, in each the outer ring, then its holes, small ones first
    order = np.lexsort([begins, np.abs(rings.area), rings.area < 0, begins[rings.outer], rings.closure])
    starts, ends, keys = (part[order].tolist() for part in (rings.first[:-1], rings.first[1:], rings.closure + 1))
    for start, end, key, is_hole in zip(starts, ends, keys, (rings.area[order] < 0).tolist(), strict=True):
        if is_hole:
            found[key][-1].append(points[start:end])
        else:
            found[key].append([points[start:end]])
    return found


@compiled(nogil=True)
def _walk_sides(
    innermost: NDArray[np.int32], places: NDArray[np.int32], parent: NDArray[np.int32], first: NDArray[np.int32],
    last: NDArray[np.int32], count: NDArray[np.int64], sides: Sides,
) -> None:  # fmt: skip
    """Count the sides of every nested closure, and write them where there is room; the maps have a rim of 0 and -1."""
    width = innermost.shape[1] - 1  # corners in a row
    is_written = sides.first.size > count.size - 1 and sides.start.size == sides.first[-1]
    for row in range(1, innermost.shape[0] - 1):
        for col in range(1, innermost.shape[1] - 1):
            k = innermost[row, col] - 1
            if k < 0 or parent[k] == 0:
                continue
            corner = (row - 1) * width + col - 1  # upper left
            for direction in range(4):
                if direction == EAST:
                    other, start = places[row - 1, col], corner
                elif direction == SOUTH:
                    other, start = places[row, col + 1], corner + 1
                elif direction == WEST:
                    other, start = places[row + 1, col], corner + width + 1
                else:
                    other, start = places[row, col - 1], corner + width
                inside = k
                while parent[inside] > 0 and not first[inside] <= other < last[inside]:
                    if is_written:
                        at = sides.first[inside] + count[inside]
                        sides.start[at], sides.direction[at] = start, direction
                    count[inside] += 1
                    inside = parent[inside] - 1


@compiled(nogil=True)
def _trace_rings(sides: Sides, rows: int, width: int) -> Rings:
    """Join sides to rings; rows, width : of the grid of corners."""
    start, direction, first = sides
    step = np.array([1, width, -1, -width])
    leaving = np.full((rows * width, 2), -1)  # sides that begin in a corner, of the closure at hand
    place_on_path = np.full(rows * width, -1)
    is_used = np.zeros(start.size, np.bool_)
    path = np.empty(start.size, np.int64)
    ring_of_side = np.empty(start.size, np.int64)
    corner, ends = np.empty(2 * start.size, np.int64), np.empty(start.size, np.int64)
    closure, area = np.empty(start.size, np.int32), np.empty(start.size, np.int64)
    outer = np.empty(start.size, np.int64)
    corners = rings = 0
    left = np.empty(start.size, np.int64)
    for k in range(first.size - 1):
        for side in range(first[k], first[k + 1]):
            leaving[start[side]] = -1
        for side in range(first[k], first[k + 1]):
            leaving[start[side], 1 if leaving[start[side], 0] >= 0 else 0] = side
        for begin in range(first[k], first[k + 1]):
            if is_used[begin]:
                continue
            side, length = begin, 0
            while True:
                vertex = start[side]
                on_path = place_on_path[vertex]
                touches = 0 <= on_path < length and start[path[on_path]] == vertex
                is_end = is_used[side]
                if touches or is_end:  # what was walked since then is a ring of its own
                    head = on_path if touches else 0
                    corners = _write_ring(path[head:length], start, direction, width, corner, corners, area, rings)
                    ends[rings], closure[rings] = corners, k
                    for i in range(head, length):
                        ring_of_side[path[i]] = rings
                    rings, length = rings + 1, head
                if is_end:
                    break
                is_used[side] = True
                path[length], place_on_path[vertex] = side, length
                length += 1
                end = vertex + step[direction[side]]
                turn = leaving[end, 1]
                # Where two cells of the closure touch by a corner alone, the ring stays with its own cell.
                side = turn if turn >= 0 and direction[turn] == (direction[side] + 1) % 4 else leaving[end, 0]
        _find_outer_rings(k, sides, ring_of_side, width, rings, closure, area, left, outer)
    first_of_ring = np.zeros(rings + 1, np.int64)
    first_of_ring[1:] = ends[:rings]
    return Rings(
        corner[:corners].copy(), first_of_ring, closure[:rings].copy(), area[:rings].copy(), outer[:rings].copy()
    )


@compiled(nogil=True)
def _find_outer_rings(
    k: int, sides: Sides, ring_of_side: NDArray[np.int64], width: int, rings: int, closure: NDArray[np.int32],
    area: NDArray[np.int64], left: NDArray[np.int64], outer: NDArray[np.int64],
) -> None:  # fmt: skip
    """Write the outer ring of each of the last rings, those of closure k; left : work space.

    West of the first cell of a hole lies a run of cells of the closure, which begins at a side of another ring of the
    same polygon. If that is a hole too, it begins further up, or further to the left, so that no two lead to each
    other.
    """
    start, direction, first = sides
    count, begin = 0, rings
    while begin > 0 and closure[begin - 1] == k:
        begin -= 1
        outer[begin] = begin
    for side in range(first[k], first[k + 1]):
        if direction[side] == NORTH:  # at the left of a cell; in the order of cells
            left[count], count = side, count + 1
    for side in range(first[k], first[k + 1]):
        ring = ring_of_side[side]
        if direction[side] == SOUTH and area[ring] < 0 and outer[ring] == ring:  # the first one of a hole
            low, high = 0, count
            while high - low > 1:
                middle = (low + high) // 2
                if start[left[middle]] - width < start[side]:
                    low = middle
                else:
                    high = middle
            outer[ring] = ring_of_side[left[low]]
    for ring in range(begin, rings):
        while area[outer[ring]] < 0:
            outer[ring] = outer[outer[ring]]


@compiled(nogil=True)
def _write_ring(
    path: NDArray[np.int64], start: NDArray[np.int64], direction: NDArray[np.int8], width: int,
    corner: NDArray[np.int64], written: int, area: NDArray[np.int64], ring: int,
) -> int:  # fmt: skip
    """Write the corners of a ring from its uppermost, then leftmost side that runs East, and its area."""
    size = path.size
    head, twice = -1, 0
    for i in range(size):
        side, before = path[i], path[i - 1]
        turns = direction[side] != direction[before]
        if turns and direction[side] == EAST and (head < 0 or start[side] < start[path[head]]):
            head = i
        col = start[side] % width
        twice += 2 * col * ((direction[side] == SOUTH) - np.int64(direction[side] == NORTH))
    for i in range(size):
        side, before = path[(head + i) % size], path[(head + i - 1) % size]
        if direction[side] != direction[before]:
            corner[written] = start[side]
            written += 1
    corner[written] = start[path[head]]
    written += 1
    area[ring] = twice // 2
    return written
