"""Receivers of leaks, catchments of closures and migration paths: the end of upward flow from a cell."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.closure.kernels.codes import BORDER, COL_STEP, DIRECTION, OFF_MAP, OVER_BORDER, PEAK, ROW_STEP, SIDE_BITS
from targets.closure.kernels.compiled import compiled
from targets.closure.kernels.merge import NodeClosures


class Routing(NamedTuple):
    """The ways up-dip from every cell, over peaks and through saddles.

    Attributes
    ----------
    flow : (H * W,) uint8
        Flow codes of the cells.
    basin : (H * W,) int32
        Basins of the cells.
    cell : (M,) int32
        Flat index of each saddle's cell.
    directions : (M, 2) uint8
        From each saddle's cell to the neighbour on either side.
    outermost : (nodes,) int32
        The outermost closure around each node, 0 = none.
    outlet : (nodes,) int32
        The saddle by which each outermost closure, or high outside of closures, leaks.
    step : (8,) int64
        What a step in each direction adds to a flat index.
    """

    flow: NDArray[np.uint8]
    basin: NDArray[np.int32]
    cell: NDArray
    directions: NDArray[np.uint8]
    outermost: NDArray[np.int32]
    outlet: NDArray[np.int32]
    step: NDArray[np.int64]


class Search(NamedTuple):
    """Work space of `trace_updip`, one value per cell: (H * W,) int32.

    Attributes
    ----------
    came
        The cell from which each cell was reached; -1 everywhere between calls.
    queue
        Cells to visit.
    """

    came: NDArray[np.int32]
    queue: NDArray[np.int32]


@compiled(nogil=True)
def trace_leaks(
    depth: NDArray, routing: Routing, closures: NodeClosures, ids: NDArray, first: int, last: int, spills_into: NDArray
) -> None:
    """Follow the leak of each outermost closure up-dip to the next closure of the table, or out of the map.

    Parameters
    ----------
    depth : (H, W) float32 or float64, positive down
        The map.
    routing : Routing
        The ways up-dip.
    closures : NodeClosures
        The closures around each node.
    ids : (nodes,) int32
        The id of each node's closure in the table, 0 = none.
    first, last : int
        Nodes first..last-1 are followed.
    spills_into : (nodes,) int32
        Written: the node that receives the leak, 0 = out of the map.
    """
    basin, outermost, outlet = routing.basin, routing.outermost, routing.outlet
    depths, limit = depth.ravel(), closures.limit
    for node in range(first, last):
        spills_into[node] = 0
        if outermost[node] != node or ids[node] == 0:
            continue
        i = _cell_beyond(outlet[node], routing)
        while i >= 0:
            found = outermost[basin[i]]
            if ids[found] != 0 and depths[i] <= limit[found]:
                spills_into[node] = found
                break
            i = _next_updip(i, routing)


@compiled
def find_catchments(routing: Routing, labels: NDArray, catchment: NDArray) -> None:
    """Write the outermost closure at the end of each cell's way up-dip.

    Parameters
    ----------
    routing : Routing
        The ways up-dip.
    labels : (H, W) int32
        Labels of the closures.
    catchment : (H, W) int32
        Written: the id of the closure; 0 = out of the map, -1 = off the map.
    """
    flow, inside, ends = routing.flow, labels.ravel(), catchment.ravel()
    for i in range(ends.size):
        k = flow[i] & DIRECTION
        if k == OFF_MAP:
            ends[i] = -1
        elif inside[i] > 0:
            ends[i] = inside[i]
        else:
            ends[i] = 0 if k == BORDER else -2
    for i in range(ends.size):
        j, end = i, ends[i]
        while end == -2:
            j = _next_updip(j, routing)
            end = 0 if j < 0 else ends[j]
        j = i
        while j >= 0 and ends[j] == -2:
            ends[j] = end
            j = _next_updip(j, routing)


@compiled
def trace_updip(
    start: int, depth: NDArray, routing: Routing, labels: NDArray, eight: bool, search: Search, path: NDArray
) -> int:
    """Write the way from a cell up-dip to the first cell of a closure, or to the border.

    Each cell is a neighbour of the one before. What ends at a peak without a label has filled the high around it, and
    goes on from where it entered the high to where that leaks, by the shortest way inside.

    Parameters
    ----------
    start : int
        Flat index of the first cell.
    depth : (H, W) float32 or float64, positive down
        The map.
    routing : Routing
        The ways up-dip.
    labels : (H, W) int32
        Labels of the closures.
    eight : bool
        Whether cells have eight neighbours.
    search : Search
        Work space.
    path : (2 * H * W,) int32
        Written: flat indices; a cell can be climbed over once and be part of one filled high.

    Returns
    -------
    int
        How many cells the way has.
    """
    flow, basin, step = routing.flow, routing.basin, routing.step
    depths, inside, width = depth.ravel(), labels.ravel(), labels.shape[1]
    i, length, entered = start, 0, 0
    while True:
        path[length] = i
        length += 1
        k = flow[i] & DIRECTION
        if inside[i] > 0 or k == BORDER:
            return length
        if k < PEAK:
            i += step[k]
            continue
        e = _outlet_of(basin[i], routing)
        while length - 1 > entered and _is_filled(path[length - 2], e, depths, routing):
            length -= 1
        length += _cross_filled_high(path[length - 1], e, depths, width, routing, eight, search, path[length:])
        i, entered = _cell_beyond(e, routing), length
        if i < 0:
            return length


@compiled
def _next_updip(i: int, routing: Routing) -> int:
    """The next cell on the way up-dip; after a peak, the cell its high leaks to when full. -1: out of the map."""
    k = routing.flow[i] & DIRECTION
    if k < PEAK:
        return i + routing.step[k]
    return -1 if k == BORDER else _cell_beyond(_outlet_of(routing.basin[i], routing), routing)


@compiled
def _outlet_of(b: int, routing: Routing) -> int:
    """The saddle by which basin b leaks when it is full, with the closure around it if there is one."""
    root = routing.outermost[b]
    return routing.outlet[root if root != 0 else b]


@compiled
def _cell_beyond(e: int, routing: Routing) -> int:
    """The cell that receives what leaks by saddle e; -1: out of the map."""
    direction = routing.directions[e, 0]
    return -1 if direction >= OVER_BORDER else routing.cell[e] + routing.step[direction]


@compiled
def _is_filled(i: int, e: int, depths: NDArray, routing: Routing) -> bool:
    """Whether cell i belongs to the high that leaks by saddle e and is full down to it."""
    b = routing.basin[i]
    return b > 0 and _outlet_of(b, routing) == e and depths[i] <= depths[routing.cell[e]]


@compiled
def _cross_filled_high(
    start: int, e: int, depths: NDArray, width: int, routing: Routing, eight: bool, search: Search, path: NDArray
) -> int:
    """Write the shortest way from `start` (left out) to the cell of saddle e, inside the high that leaks there.

    Breadth first from the end. Returns how many cells.
    """
    came, queue, end = search.came, search.queue, routing.cell[e]
    queue[0], came[end] = end, end
    at, count = 0, 1
    while at < count and came[start] < 0:
        i = queue[at]
        at += 1
        for k in range(8):
            row, col = i // width + ROW_STEP[k], i % width + COL_STEP[k]
            if (eight or SIDE_BITS >> k & 1) and 0 <= row < depths.size // width and 0 <= col < width:
                j = row * width + col
                if came[j] < 0 and _is_filled(j, e, depths, routing):
                    queue[count], came[j] = j, i
                    count += 1
    i, length = start, 0
    while i != end:
        i = came[i]
        path[length] = i
        length += 1
    for at in range(count):
        came[queue[at]] = -1
    return length
