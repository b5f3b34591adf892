"""Finite charge: how far volumes fill the closures of a join tree, as they spill from one to the next and merge.

Each node of the join tree holds what lies between the depth at which the highs below it meet and the depth at which it
leaks itself. A full node passes on what arrives: to its neighbour over the saddle, or, when that is full too, to the
node in which both are one. So every node needs one pointer, which is set once and never taken back: a union-find
forest, and a charge costs little more than one visit a node. The result is that of Fill-Spill-Merge (Barnes, Callaghan
and Wickert 2021, Earth Surf. Dynam. 9, 105-121), which walks the same tree from its leaves with a table of jumps.
"""

import heapq
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.closure.kernels.branches import Branches, climb
from targets.closure.kernels.codes import BORDER, DIRECTION, NO_OUTLET, OFF_MAP, OVER_BORDER, PEAK
from targets.closure.kernels.compiled import compiled
from targets.closure.kernels.merge import JoinTree
from targets.closure.kernels.routing import Routing
from targets.closure.kernels.saddles import Saddles, find_root

OUT, NOWHERE = 0, -1  # receivers beside the basins 1..n: over the border; a part of the map without a way out


class Links(NamedTuple):
    """Where each node of a join tree passes on what it cannot hold; each array is (nodes,) int32.

    Attributes
    ----------
    parent
        The node in which it is one with its sibling, once both are full; 0 = it never merges.
    sibling
        The other node that is joined into the parent; 0 = none.
    receiver
        The basin beyond the saddle by which it leaks; `OUT` or `NOWHERE`.
    """

    parent: NDArray[np.int32]
    sibling: NDArray[np.int32]
    receiver: NDArray[np.int32]


class Columns(NamedTuple):
    """Cells of each node, from the shallowest, for contacts of volumes.

    Attributes
    ----------
    start : (nodes + 1,) int64
        The cells of node k are start[k]..start[k + 1]-1: those in no node inside it.
    depth : (cells,) float64, positive down
        Their depths.
    area : (cells,) float64
        Area of the node's accumulation at a contact just below each of them.
    volume : (cells,) float64
        Volume that the node itself holds at a contact at each of them.
    first_depth, first_area : (nodes,) float64
        Contact and area at which the node begins to fill.
    capacity : (nodes,) float64
        Volume that the node itself holds when it is full.
    """

    start: NDArray[np.int64]
    depth: NDArray[np.float64]
    area: NDArray[np.float64]
    volume: NDArray[np.float64]
    first_depth: NDArray[np.float64]
    first_area: NDArray[np.float64]
    capacity: NDArray[np.float64]


@compiled(nogil=True)
def find_drains(routing: Routing, drain: NDArray) -> None:
    """Write the basin of the crest at the end of each cell's way up-dip.

    Parameters
    ----------
    routing : Routing
        The ways up-dip.
    drain : (H, W) int32
        Written: the basin, which can be another than that of the cell where several meet; `OUT` over the border, -1 off
        the map.
    """
    flow, basin, step, ends = routing.flow, routing.basin, routing.step, drain.ravel()
    for i in range(ends.size):
        k = flow[i] & DIRECTION
        ends[i] = -2 if k < PEAK else OUT if k == BORDER else -1 if k == OFF_MAP else basin[i]
    for i in range(ends.size):
        j = i
        while ends[j] == -2:
            j += step[flow[j] & DIRECTION]
        end, j = ends[j], i
        while ends[j] == -2:
            ends[j] = end
            j += step[flow[j] & DIRECTION]


@compiled(nogil=True)
def link_nodes(
    tree: JoinTree, saddles: Saddles, outermost: NDArray, outlet: NDArray, drain: NDArray, step: NDArray, links: Links
) -> None:
    """Write where each node passes on what it cannot hold.

    Parameters
    ----------
    tree : JoinTree
        The join tree in the spill reading.
    saddles : Saddles
        Its saddles.
    outermost, outlet : (nodes,) int32
        Of `NodeClosures` and `Hierarchy`.
    drain : (H, W) int32
        Of `find_drains`.
    step : (8,) int64
        What a step in each direction adds to a flat index.
    links : Links
        Zeros; written.
    """
    parent_of, at_saddle, children = tree.parent, tree.saddle, tree.children
    cell, directions, drains, n = saddles.cell, saddles.directions, drain.ravel(), tree.children.shape[0] - 1
    for node in range(1, parent_of.size):
        if node > n and children[node - n, 0] == 0:
            continue  # no join has this number
        e, side, over = at_saddle[node], 0, parent_of[node]
        if outermost[node] == node or outermost[node] == 0:
            if outlet[node] >= 0:
                e = outlet[node]
        elif over > n and (children[over - n, 0] == node or children[over - n, 1] == node):
            side = 1 if children[over - n, 0] == node else 0
            links.parent[node], links.sibling[node] = over, children[over - n, side]
        direction = directions[e, side]
        if direction < OVER_BORDER:
            links.receiver[node] = drains[cell[e] + step[direction]]
        else:
            links.receiver[node] = NOWHERE if direction == NO_OUTLET else OUT


@compiled(nogil=True)
def find_innermost(
    depth: NDArray, basin: NDArray, limit: NDArray, outermost: NDArray, branches: Branches, first: int, last: int,
    node: NDArray,
) -> None:  # fmt: skip
    """Write the node of the innermost closure of each cell of a strip of rows, 0 = in none.

    Parameters
    ----------
    depth : (H, W) float32 or float64, positive down
        The map.
    basin : (H, W) int32
        Basins of its cells.
    limit, outermost : (nodes,)
        Of `NodeClosures`.
    branches : Branches
        The closures, crest by crest.
    first, last : int
        The strip is rows first..last-1.
    node : (H, W) int32
        Written.
    """
    for row in range(first, last):
        for col in range(depth.shape[1]):
            b, z = basin[row, col], depth[row, col]
            node[row, col] = 0
            if b > 0 and branches.entry[b] >= 0 and z <= limit[outermost[b]]:
                at = climb(branches.entry[b], z, branches.nodes, branches.branches)
                node[row, col] = branches.nodes[at]["node"]


@compiled(nogil=True)
def order_by_node(by_depth: NDArray, node: NDArray, start: NDArray) -> NDArray[np.int32]:
    """Sort cells by node, those of one node as they were: a counting sort.

    Parameters
    ----------
    by_depth : (cells,) int32
        Places of cells in `node`, from the shallowest.
    node : (cells,) int32
        Their nodes.
    start : (nodes + 1,) int64
        Zeros; written: the first place of each node.

    Returns
    -------
    (cells,) int32
    """
    for k in node:
        start[k + 1] += 1
    for k in range(1, start.size):
        start[k] += start[k - 1]
    free, order = start.copy(), np.empty(by_depth.size, np.int32)
    for i in by_depth:
        order[free[node[i]]] = i
        free[node[i]] += 1
    return order


@compiled(nogil=True)
def sum_columns(tree: JoinTree, spill: NDArray, crest_depth: NDArray, cell_area: NDArray, columns: Columns) -> None:
    """Write areas, volumes and capacities of all nodes, parts before wholes; volumes only ever grow by what is added.

    Parameters
    ----------
    tree : JoinTree
        The join tree in the spill reading.
    spill : (nodes,) float64, positive down
        Depth at which each node leaks.
    crest_depth : (n + 1,) float64, positive down
        Depths of the crests.
    cell_area : (cells,) or (1,) float64
        Areas of the cells of `columns`, or of all of them.
    columns : Columns
        `start` and `depth` are read, the rest is written.
    """
    children, n = tree.children, crest_depth.size - 1
    last_area = np.zeros(columns.capacity.size)  # of each node when it is full
    for k in range(n + tree.join_order.size):
        node = k + 1 if k < n else tree.join_order[k - n]
        area, volume, z = 0.0, 0.0, crest_depth[node] if node <= n else 0.0
        if node > n:
            one, other = children[node - n, 0], children[node - n, 1]
            area, z = last_area[one] + last_area[other], spill[one]
        columns.first_depth[node], columns.first_area[node] = z, area
        for i in range(columns.start[node], columns.start[node + 1]):
            volume += area * (columns.depth[i] - z)
            z = columns.depth[i]
            area += cell_area[i] if cell_area.size > 1 else cell_area[0]
            columns.area[i], columns.volume[i] = area, volume
        last_area[node] = area
        columns.capacity[node] = volume + area * max(spill[node] - z, 0.0)


@compiled(nogil=True)
def pour(inflow: NDArray, capacity: NDArray, links: Links, stored: NDArray, full: NDArray) -> tuple[float, float]:
    """Pour a volume into each basin, and let it fill, spill and merge; the order of basins does not matter.

    Parameters
    ----------
    inflow : (n + 1,) float64
        The volume that rises to the crest of each basin; the first leaves the map.
    capacity : (nodes,) float64
        Of `Columns`.
    links : Links
        Of `link_nodes`.
    stored : (nodes,) float64
        Zeros; written: what each node itself holds.
    full : (nodes,) bool
        False; written: which nodes are full.

    Returns
    -------
    lost : float
        What left over the open border.
    unplaced : float
        What found no room in parts of the map without a way out.
    """
    nowhere = capacity.size
    onward = np.arange(nowhere + 1).astype(np.int32)  # union-find forest: a node that is not full stands for itself
    lost = unplaced = 0.0
    for b in range(inflow.size):
        volume, x = inflow[b], b
        while volume > 0:
            x = find_root(onward, x)
            if x == OUT:
                lost += volume
                break
            if x == nowhere:
                unplaced += volume
                break
            room = capacity[x] - stored[x]
            if volume < room:
                stored[x] += volume
                break
            volume -= room
            stored[x], full[x] = capacity[x], True
            onward[x] = _next_node(x, links, full, nowhere)
    return lost, unplaced


@compiled
def _next_node(x: int, links: Links, full: NDArray, nowhere: int) -> int:
    """What receives the surplus of a full node."""
    if links.sibling[x] != 0 and full[links.sibling[x]]:
        return links.parent[x]
    return nowhere if links.receiver[x] == NOWHERE else links.receiver[x]


@compiled(nogil=True)
def pour_steadily(
    inflow: NDArray, capacity: NDArray, links: Links, tree: JoinTree, begins: NDArray, fills: NDArray
) -> None:
    """Pour volumes at a steady rate, from event to event: a node is full, and what flows into it flows on.

    Parameters
    ----------
    inflow, capacity, links
        As `pour` takes them; `inflow` is what flows in a unit of time.
    tree : JoinTree
        The join tree.
    begins : (nodes,) float64
        Infinities; written: the time at which the first of it reaches the node, or one of its parts.
    fills : (nodes,) float64
        Infinities; written: the time at which the node is full.
    """
    nowhere = capacity.size
    onward = np.arange(nowhere + 1).astype(np.int32)
    full = np.zeros(nowhere, np.bool_)
    stored, since, rate = np.zeros(nowhere), np.zeros(nowhere), np.zeros(nowhere)
    events: list = [(np.float64(0), np.int64(0)) for _ in range(0)]
    for b in range(1, inflow.size):
        if inflow[b] > 0:
            rate[b], begins[b] = inflow[b], 0.0
            events.append((capacity[b] / inflow[b], b))
    heapq.heapify(events)
    while len(events) > 0:
        time, x = heapq.heappop(events)
        if full[x]:  # by an event that was planned later, when more flowed in: it came earlier
            continue
        full[x], fills[x] = True, time
        onward[x] = _next_node(x, links, full, nowhere)
        y = find_root(onward, x)
        if y in (OUT, nowhere):
            continue
        stored[y] += rate[y] * (time - since[y])
        since[y], begins[y] = time, min(begins[y], time)
        rate[y] += rate[x]
        heapq.heappush(events, (max(time + (capacity[y] - stored[y]) / rate[y], time), y))
    n = tree.children.shape[0] - 1
    for node in tree.join_order:
        begins[node] = min(begins[tree.children[node - n, 0]], begins[tree.children[node - n, 1]])


@compiled(nogil=True)
def find_contacts(
    columns: Columns,
    links: Links,
    tree: JoinTree,
    spill: NDArray,
    stored: NDArray,
    full: NDArray,
    contact: NDArray,
    area: NDArray,
) -> None:
    """Write contact and area of what each node holds.

    Parameters
    ----------
    columns : Columns
        Of `sum_columns`.
    links : Links
        Of `link_nodes`.
    tree : JoinTree
        The join tree in the spill reading.
    spill : (nodes,) float64, positive down
        Depth at which each node leaks.
    stored, full : (nodes,)
        As `pour` writes them.
    contact : (nodes,) float64, positive down
        NaN; written where a node holds something: where nodes have merged, all have the contact of the whole.
    area : (nodes,) float64
        Zeros; written: the area of the node's own cells above it.
    """
    n, order, children = tree.children.shape[0] - 1, tree.join_order, tree.children
    for k in range(n + order.size - 1, -1, -1):  # wholes before parts
        node = order[k - n] if k >= n else k + 1
        first, last = columns.start[node], columns.start[node + 1]
        if full[node]:
            over = links.parent[node]
            is_merged = over != 0 and not np.isnan(contact[over])
            contact[node] = contact[over] if is_merged else spill[node]
        elif stored[node] > 0:
            last = _cells_above(stored[node], columns.volume, first, last)
            if last == first:
                contact[node] = columns.first_depth[node] + stored[node] / columns.first_area[node]
            else:
                i = last - 1
                contact[node] = columns.depth[i] + (stored[node] - columns.volume[i]) / columns.area[i]
        else:
            if k >= n and full[children[node - n, 0]] and full[children[node - n, 1]]:
                contact[node] = columns.first_depth[node]
            continue
        if last > first:
            area[node] = columns.area[last - 1] - columns.first_area[node]


@compiled
def _cells_above(stored: float, volume: NDArray, first: int, last: int) -> int:
    """The end of the cells first..last-1 that lie above the contact of what their node holds, by bisection."""
    while first < last:
        middle = (first + last) // 2
        if volume[middle] <= stored:
            first = middle + 1
        else:
            last = middle
    return first


@compiled(nogil=True)
def add_parts(tree: JoinTree, values: NDArray) -> None:
    """Add the values (nodes,) float64 of the parts of each join to its own."""
    n = tree.children.shape[0] - 1
    for node in tree.join_order:
        values[node] += values[tree.children[node - n, 0]] + values[tree.children[node - n, 1]]
