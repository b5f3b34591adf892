"""The passes over the grid that find every closure: receivers, basins, merge tree, rows, labels.

Cells are ordered by (depth, index), so no two are equal and plateaus need no special code; "earlier" below means
shallower in this order. A cell without an earlier neighbour is a peak; every other cell hands over to its earliest
neighbour, and the cells that end at one peak are its basin. Basins are joined from the shallowest depth downwards
by union-find together with the outside of the map (basin 0), which is Kruskal's algorithm for the maximum spanning
tree of highs and saddles; its root is the outside. Only cells where two separate runs of earlier neighbours meet, and
outlets, can join anything.

The method is the depression hierarchy of Barnes, Callaghan and Wickert (2020, Earth Surf. Dynam. 8, 431-445), upside
down, with union-find over basins in place of a priority queue over cells.
"""

import numpy as np
from numpy.typing import NDArray

from targets.closure.compiled import compiled

INSIDE, OPEN, WALL = 0, 1, 2  # what a cell is: part of the map, an open border, or a wall
PEAK, OUTLET, NOWHERE = 8, 9, 10  # receivers beside the directions 0..7
OVER, NONE = -1, -2  # what a closure leaks to beside a cell: over the border, to nothing (no way out)

# The eight neighbours by growing index, so that direction k < 4 means a smaller index.
DROW = np.array([-1, -1, -1, 0, 0, 1, 1, 1])
DCOL = np.array([-1, 0, 1, -1, 1, -1, 0, 1])


def _meets_table(connectivity: int) -> NDArray[np.bool_]:
    """For each 8-bit mask of earlier neighbours: do they fall into two or more runs that do not touch?"""
    table = np.zeros(256, bool)
    used = range(8) if connectivity == 8 else (1, 3, 4, 6)
    for mask in range(256):
        left = {k for k in range(8) if mask >> k & 1}
        runs = 0
        while left:
            run = [left.pop()]
            for a in run:
                steps = [
                    (
                        k,
                        max(abs(DROW[a] - DROW[k]), abs(DCOL[a] - DCOL[k])),
                        abs(DROW[a] - DROW[k]) + abs(DCOL[a] - DCOL[k]),
                    )
                    for k in left
                ]
                near = [k for k, chess, city in steps if (chess if connectivity == 8 else city) == 1]
                left.difference_update(near)
                run += near
            runs += any(k in used for k in run)
        table[mask] = runs > 1
    return table


MEETS = {8: _meets_table(8), 4: _meets_table(4)}


@compiled
def receivers(
    depth: NDArray, state: NDArray, eight: bool, edge_open: bool, meets: NDArray, code: NDArray, meet: NDArray
) -> int:
    """Pass 1: each cell's receiver into `code` (0..7, PEAK, OUTLET or NOWHERE), and whether basins can meet there.

    depth : (H, W) float; state : (H, W) uint8 of INSIDE, OPEN, WALL; code : (H, W) uint8; meet : (H, W) bool.
    Returns the number of peaks.
    """
    height, width = depth.shape
    peaks = 0
    for row in range(height):
        for col in range(width):
            if state[row, col] != INSIDE:
                code[row, col] = NOWHERE
                meet[row, col] = False
                continue
            z = depth[row, col]
            best, best_z, mask, outlet = PEAK, z, 0, False
            for k in range(8):
                used = eight or k == 1 or k == 3 or k == 4 or k == 6
                r, c = row + DROW[k], col + DCOL[k]
                if r < 0 or c < 0 or r >= height or c >= width:
                    outlet |= edge_open
                elif state[r, c] == OPEN:
                    outlet |= used
                elif state[r, c] == INSIDE:
                    zn = depth[r, c]
                    if zn < z or (zn == z and k < 4):
                        mask |= 1 << k
                        # among equals the first in index order is earliest: keep it
                        if used and (best == PEAK or zn < best_z):
                            best, best_z = k, zn
            if outlet:
                code[row, col] = OUTLET
                meet[row, col] = mask != 0
            else:
                code[row, col] = best
                meet[row, col] = meets[mask]
                peaks += best == PEAK
    return peaks


@compiled
def basins(code: NDArray, basin: NDArray, peak: NDArray) -> None:
    """Pass 2: the basin of every cell: 1.. for peaks in index order, 0 for the outside, -1 off the map.

    code : (H, W) uint8; basin : (H, W) int32, written; peak : (peaks + 1,) int64, each basin's peak as a flat index.
    """
    height, width = code.shape
    count = 0
    for row in range(height):
        for col in range(width):
            basin[row, col] = -2
            if code[row, col] == PEAK:
                count += 1
                peak[count] = row * width + col
                basin[row, col] = count
            elif code[row, col] == OUTLET:
                basin[row, col] = 0
            elif code[row, col] == NOWHERE:
                basin[row, col] = -1
    for row in range(height):
        for col in range(width):
            r, c = row, col
            while basin[r, c] == -2:
                k = code[r, c]
                r, c = r + DROW[k], c + DCOL[k]
            found = basin[r, c]
            r, c = row, col
            while basin[r, c] == -2:
                basin[r, c] = found
                k = code[r, c]
                r, c = r + DROW[k], c + DCOL[k]


@compiled
def _find(above: NDArray, a: int) -> int:
    while above[a] != a:
        above[a] = above[above[a]]
        a = above[a]
    return a


@compiled
def threshold(spill: float, interval: float, base: float) -> float:
    """The deepest contour that lies strictly above `spill`: the greatest float64 `base + k*interval` below it."""
    k = np.ceil((spill - base) / interval) - 1
    while base + (k + 1) * interval < spill:
        k += 1
    while base + k * interval >= spill:
        k -= 1
    return base + k * interval


@compiled
def _within(z: float, spill: float, interval: float, base: float) -> bool:
    """Whether depth z belongs to a closure that leaks at depth `spill`, in the reading asked for."""
    if interval == 0:
        return z < spill
    return z <= threshold(spill, interval, base)


@compiled
def merge(
    depth: NDArray,
    basin: NDArray,
    order: NDArray,
    outlet: NDArray,
    peak: NDArray,
    eight: bool,
    interval: float,
    base: float,
) -> tuple:
    """Pass 3: join basins from the shallowest meeting cell downwards; the outside is basin 0.

    order : (M,) int64 flat indices of meeting cells, sorted by (depth, index); outlet : (M,) bool; peak : see `basins`.

    Returns (nodes, formed, crest, up, spill, leak, partner, edges, sides). Nodes 1..n are the basins, later ones joins;
    `formed` is the depth a node begins at, `crest` its earliest cell, `up` the node it is joined into (0 = outside),
    `spill` the cell where that happens, `leak` the neighbour beyond (`OVER`: over the border, `NONE`: no way out) and
    `partner` the node beyond. `edges` (n,) are the meeting cells of the spanning tree and `sides` (n, 2) the cells
    joined there, the side nearer to the outside not yet known.
    """
    height, width = depth.shape
    flat, basin_flat = depth.ravel(), basin.ravel()
    n = peak.size - 1
    above = np.arange(n + 1)
    top = np.arange(n + 1)  # of each union-find root: its node
    formed = np.zeros(2 * n + 1, np.float64)
    crest = np.zeros(2 * n + 1, np.int64)
    up = np.full(2 * n + 1, -1, np.int64)
    spill = np.full(2 * n + 1, NONE, np.int64)
    leak = np.full(2 * n + 1, NONE, np.int64)
    partner = np.zeros(2 * n + 1, np.int64)
    for a in range(1, n + 1):
        formed[a] = flat[peak[a]]
        crest[a] = peak[a]
    nodes = n + 1
    edges = np.empty(n, np.int64)
    sides = np.empty((n, 2), np.int64)
    edge_count = 0
    side = np.empty(8, np.int64)  # one neighbour cell of each basin group that meets
    for m in range(order.size):
        here = order[m]
        row, col = here // width, here % width
        z = flat[here]
        count = 0
        outside = OVER if outlet[m] else NONE  # the neighbour through which the outside is reached
        for k in range(8):
            r, c = row + DROW[k], col + DCOL[k]
            if not (eight or k == 1 or k == 3 or k == 4 or k == 6) or r < 0 or c < 0 or r >= height or c >= width:
                continue
            if basin[r, c] == -1:
                continue
            zn = depth[r, c]
            if not (zn < z or (zn == z and k < 4)):
                continue
            there = r * width + c
            group = _find(above, basin[r, c])
            if group == 0:
                if outside == NONE or (outside >= 0 and zn < flat[outside]):
                    outside = there
                continue
            known = False
            for s in range(count):
                if _find(above, basin_flat[side[s]]) == group:
                    known = True
                    if zn < flat[side[s]]:
                        side[s] = there
            if not known:
                side[count] = there
                count += 1
        if count + (outside != NONE) < 2:
            continue
        first = 1
        for s in range(count):  # the shallowest side first
            if flat[side[s]] < flat[side[0]]:
                side[0], side[s] = side[s], side[0]
        if outside != NONE:
            first = 0
        for s in range(first, count):
            b = _find(above, basin_flat[side[s]])
            nb = top[b]
            edges[edge_count] = here
            sides[edge_count, 0] = side[0] if outside == NONE else outside
            sides[edge_count, 1] = side[s]
            edge_count += 1
            if outside != NONE:
                up[nb], spill[nb], leak[nb] = 0, here, outside
                above[b] = 0
                continue
            a = _find(above, basin_flat[side[0]])
            na = top[a]
            spill[na], leak[na], partner[na] = here, side[s], nb
            spill[nb], leak[nb], partner[nb] = here, side[0], na
            za, zb = flat[crest[na]], flat[crest[nb]]
            if za > zb or (za == zb and crest[na] > crest[nb]):
                a, b, na, nb, za, zb = b, a, nb, na, zb, za
            above[b] = a
            # b is the later high; one that no contour fits around is part of its neighbour and makes no join
            if not _within(zb, z, interval, base):
                up[nb] = na
                spill[na] = NONE
            else:
                up[na] = up[nb] = nodes
                formed[nodes], crest[nodes] = z, crest[na]
                top[a] = nodes
                nodes += 1
    if edge_count < n:  # some parts of the map have no way out: they are full at their deepest cell
        deepest = np.full(n + 1, NONE, np.int64)
        for i in range(flat.size):
            if basin_flat[i] > 0:
                a = _find(above, basin_flat[i])
                if a != 0 and (deepest[a] == NONE or flat[i] >= flat[deepest[a]]):
                    deepest[a] = i
        for a in range(1, n + 1):
            if deepest[a] != NONE:
                up[top[a]], spill[top[a]] = 0, deepest[a]
                edges[edge_count] = deepest[a]
                sides[edge_count, 0], sides[edge_count, 1] = NONE, deepest[a]
                edge_count += 1
    return nodes, formed, crest, up, spill, leak, partner, edges, sides


@compiled
def settle(
    depth: NDArray,
    basin: NDArray,
    nodes: int,
    formed: NDArray,
    up: NDArray,
    spill: NDArray,
    interval: float,
    base: float,
) -> tuple:
    """Pass 4: which nodes are closures, and how they nest.

    A node is a closure when something lies between the depth it begins at and the depth it leaks at. Joins at
    equal depth (or within one contour interval) leave empty nodes, which are skipped here.

    Returns (level, own, outer), each per node: the spill depth; the innermost closure that holds the node (itself,
    if it is one) and the outermost; 0 when there is none.
    """
    flat = depth.ravel()
    n = int(basin.max())
    level = np.zeros(nodes, np.float64)
    own = np.full(nodes, -1, np.int64)
    outer = np.zeros(nodes, np.int64)
    own[0] = 0
    chain = np.empty(n + 1, np.int64)
    for step in range(nodes - 1):
        # joins from the last to the first, so that what lies above is settled; then basins, which may hang on basins
        node = nodes - 1 - step
        length = 0
        while own[node] == -1:
            chain[length] = node
            length += 1
            node = up[node]
        while length > 0:
            length -= 1
            node = chain[length]
            level[node] = flat[spill[node]]
            real = _within(formed[node], level[node], interval, base)
            own[node] = node if real else own[up[node]]
            outer[node] = outer[up[node]]
            if up[node] != 0 and outer[node] == 0:
                level[node] = level[up[node]]  # joined to the outside within one step: all leak where the last one does
            if real and outer[node] == 0:
                outer[node] = node
            if outer[node] != 0 and not _within(formed[node], level[outer[node]], interval, base):
                outer[node] = 0  # a flat on the way out: joined to a closure, but at its spill depth
    return level, own, outer


@compiled
def outward(depth: NDArray, basin: NDArray, outer: NDArray, edges: NDArray, sides: NDArray) -> tuple:
    """Pass 5: walk the spanning tree from the outside; where does each basin leave its outermost closure?

    Returns (exit_edge, into): per basin, the edge on its way out at which its fill level is reached, and the outermost
    closure that receives what leaks there (0: the outside).
    """
    n = edges.size
    flat, basin_flat = depth.ravel(), basin.ravel()
    ends = np.zeros((n, 2), np.int64)
    start = np.zeros(n + 2, np.int64)
    for e in range(n):
        for j in range(2):
            ends[e, j] = basin_flat[sides[e, j]] if sides[e, j] >= 0 else 0
            start[ends[e, j] + 1] += 1
    for a in range(n + 1):
        start[a + 1] += start[a]
    fill = start[:-1].copy()
    around = np.empty(2 * n, np.int64)
    for e in range(n):
        for j in range(2):
            around[fill[ends[e, j]]] = e
            fill[ends[e, j]] += 1
    exit_edge = np.full(n + 1, -1, np.int64)
    into = np.zeros(n + 1, np.int64)
    receiver = np.zeros(n + 1, np.int64)
    level = np.full(n + 1, -np.inf)
    queue = np.zeros(n + 1, np.int64)
    last = 1
    for first in range(n + 1):
        a = queue[first]
        for at in range(start[a], start[a + 1]):
            e = around[at]
            b = ends[e, 1] if ends[e, 0] == a else ends[e, 0]
            if b == 0 or exit_edge[b] != -1:
                continue
            if ends[e, 0] != a:  # from now on the first side is the outer one
                sides[e, 0], sides[e, 1] = sides[e, 1], sides[e, 0]
            z = flat[edges[e]]
            level[b] = max(level[a], z)
            if z == level[b]:
                exit_edge[b], into[b] = e, receiver[a]
            else:
                exit_edge[b], into[b] = exit_edge[a], into[a]
            receiver[b] = outer[b] if outer[b] > 0 else receiver[a]
            queue[last] = b
            last += 1
    return exit_edge, into


@compiled
def measure(
    depth: NDArray,
    basin: NDArray,
    nodes: int,
    level: NDArray,
    own: NDArray,
    up: NDArray,
    near: NDArray,
    interval: float,
    base: float,
) -> tuple:
    """Pass 6: cells, volume (cells x depth unit) and contact with `near` ((H, W) bool or empty) of every closure."""
    height, width = depth.shape
    area = np.zeros(nodes, np.int64)
    volume = np.zeros(nodes, np.float64)
    touches = np.zeros(nodes, np.bool_)
    for row in range(height):
        for col in range(width):
            if basin[row, col] <= 0:
                continue
            z = depth[row, col]
            node = own[basin[row, col]]
            while node != 0 and not _within(z, level[node], interval, base):
                node = own[up[node]]
            if node != 0:
                area[node] += 1
                volume[node] += level[node] - z
                if near.size > 0 and near[row, col]:
                    touches[node] = True
    n = int(basin.max())
    for step in range(nodes - 1):  # basins first, then joins in the order they were made: parts before wholes
        node = step + 1
        parent = own[up[node]]
        if own[node] == node and parent > n:
            area[parent] += area[node]
            volume[parent] += volume[node] + area[node] * (level[parent] - level[node])
            touches[parent] |= touches[node]
    return area, volume, touches


@compiled
def paint(
    depth: NDArray,
    basin: NDArray,
    outer: NDArray,
    level: NDArray,
    number: NDArray,
    interval: float,
    base: float,
    labels: NDArray,
    above: NDArray,
) -> None:
    """Pass 7: `labels` (H, W) int32 with the closure numbers, `above` (H, W) float32 with heights above the spill."""
    height, width = depth.shape
    for row in range(height):
        for col in range(width):
            labels[row, col] = 0
            above[row, col] = 0
            if basin[row, col] > 0:
                node = outer[basin[row, col]]
                z = depth[row, col]
                if number[node] > 0 and _within(z, level[node], interval, base):
                    labels[row, col] = number[node]
                    above[row, col] = level[node] - z
