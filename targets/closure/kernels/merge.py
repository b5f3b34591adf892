"""Pass 4: the join tree of basins, by Kruskal's algorithm, and which of its nodes are closures.

Nodes are numbered: 0 the outside, 1..n the basins, n+1..2n the joins. The number of a join is n + that of the basin
whose high ends there, so what lies together on the map lies together in memory.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.closure.kernels.compiled import compiled
from targets.closure.kernels.saddles import Saddles, find_root, swap_sides


class Forest(NamedTuple):
    """Union-find forest of the basins 0..n while they are joined.

    Attributes
    ----------
    over : (n + 1,) int32
        The basin above each in the forest; a root stands for itself.
    top : (n + 1,) int32
        Of a root, the node of the join tree that holds all of it.
    """

    over: NDArray[np.int32]
    top: NDArray[np.int32]


class JoinTree(NamedTuple):
    """Join tree of the highs: which nodes are joined into which, and at which saddles.

    Attributes
    ----------
    parent : (2n + 1,) int32
        The node that each node is joined into, 0 = the outside.
    saddle : (2n + 1,) int32
        The saddle at which that happens.
    children : (n + 1, 2) int32
        Of a join, at its number - n: the nodes it joins, first the one on the first side of the saddle; 0 = no join.
    join_crest : (n + 1,) int32
        Of a join, at its number - n: the basin with its highest peak.
    join_order : (joins,) int32
        The joins in the order in which they were made.
    """

    parent: NDArray[np.int32]
    saddle: NDArray[np.int32]
    children: NDArray[np.int32]
    join_crest: NDArray[np.int32]
    join_order: NDArray[np.int32]


class NodeClosures(NamedTuple):
    """Closures as seen from the nodes of a join tree; each array is (nodes,).

    Attributes
    ----------
    spill : float32 or float64, positive down
        Depth at which the node leaks.
    limit : as spill
        The deepest depth that belongs to a closure leaking there; see `find_limits`.
    outermost : int32
        The node of the outermost closure that holds the node (itself, if it is one), 0 = none.
    """

    spill: NDArray
    limit: NDArray
    outermost: NDArray[np.int32]


@compiled
def contour_above(spill: float, interval: float, base: float) -> float:
    """The deepest contour strictly above a depth: the greatest float64 ``base + k * interval`` below `spill`.

    Where contours lie closer than float64 can tell apart (`arguments.check_contours` refuses that), it is the next
    number above the depth, so that every answer lies strictly above.
    """
    k = np.ceil((spill - base) / interval) - 1
    if base + (k + 1) * interval < spill:
        k += 1
    elif base + k * interval >= spill:
        k -= 1
    level = base + k * interval
    return level if level < spill else np.nextafter(spill, -np.inf)


@compiled(nogil=True)
def find_limits(spill: NDArray, interval: float, base: float, limit: NDArray) -> None:
    """Write the deepest depth that still belongs to a closure leaking at each spill depth.

    It is exact: no number of the map's type lies between the limit and the spill depth (or contour) it stands for.

    Parameters
    ----------
    spill : (N,) float32 or float64, positive down
        Spill depths.
    interval, base : float
        As in `Grid`; 0 = the spill reading.
    limit : (N,), as spill
        Written.
    """
    for i in range(spill.size):
        if interval == 0:
            limit[i] = np.nextafter(spill[i], -limit.dtype.type(np.inf))
        else:
            level = contour_above(spill[i], interval, base)
            limit[i] = level
            if limit[i] > level:
                limit[i] = np.nextafter(limit[i], -limit.dtype.type(np.inf))


@compiled(nogil=True)
def join_basins(
    order: NDArray, ordered_sides: NDArray, limit: NDArray, saddles: Saddles, crest_depth: NDArray, forest: Forest,
    tree: JoinTree,
) -> tuple[int, int]:  # fmt: skip
    """Join basins at the saddles, from the shallowest to the deepest: Kruskal's algorithm.

    A high with no contour of its own (flat up to the saddle, or within one contour interval of it) makes no join: it
    is attached to its neighbour.

    Parameters
    ----------
    order : (M,) int32
        The saddles by depth.
    ordered_sides : (M, 2) int32
        Their sides, in this order.
    limit : (M,) float32 or float64
        Per saddle, as `find_limits` writes it.
    saddles : Saddles
        Sides are swapped where the first is joined to the outside or attached to the second.
    crest_depth : (n + 1,) float32 or float64
        Depth of each basin's peak.
    forest : Forest
        Every basin alone; written.
    tree : JoinTree
        Zeros; written.

    Returns
    -------
    united : int
        How many basins were united with another one or the outside.
    joins : int
        How many joins were made.
    """
    sides, directions, over, top = saddles.sides, saddles.directions, forest.over, forest.top
    parent, at_saddle, children = tree.parent, tree.saddle, tree.children
    join_crest, join_order = tree.join_crest, tree.join_order
    n = top.size - 1
    united = joins = 0
    for i in range(order.size):
        e, a, b = order[i], find_root(over, ordered_sides[i, 0]), find_root(over, ordered_sides[i, 1])
        if a == b:
            continue
        united += 1
        if b == 0:
            a, b = b, a
            swap_sides(e, sides, directions)
        if a == 0:
            node = top[b]
            parent[node], at_saddle[node] = 0, e
            over[b] = 0
            continue
        first, second = top[a], top[b]
        old, young = (
            (a, b) if crest_depth[a] < crest_depth[b] or (crest_depth[a] == crest_depth[b] and a < b) else (b, a)
        )
        over[young] = old
        if crest_depth[young] > limit[e]:
            node = top[young]
            parent[node], at_saddle[node] = top[old], e
            if young == a:
                swap_sides(e, sides, directions)
            continue
        node = n + young
        parent[first] = parent[second] = node
        at_saddle[first] = at_saddle[second] = e
        children[young, 0], children[young, 1] = first, second
        join_crest[young] = old
        top[old] = node
        join_order[joins] = node
        joins += 1
    return united, joins


@compiled(nogil=True)
def deepest_cells(depth: NDArray, basin: NDArray, over: NDArray) -> NDArray:
    """The deepest cell of each part of the map that has no way out.

    Parameters
    ----------
    depth : (H, W) float32 or float64, positive down
        The map.
    basin : (H, W) int32
        Basins of its cells.
    over : (n + 1,) int32
        Of the union-find forest after all joins.

    Returns
    -------
    (n + 1,) int64
        Per root other than the outside, the flat index of the last of the deepest cells, else -1.
    """
    flat, basins = depth.ravel(), basin.ravel()
    deepest = np.full(over.size, -1, np.int64)
    for i in range(flat.size):
        if basins[i] > 0:
            a = find_root(over, basins[i])
            if a != 0 and (deepest[a] == -1 or flat[i] >= flat[deepest[a]]):
                deepest[a] = i
    return deepest


@compiled(nogil=True)
def classify_nodes(
    saddle_depth: NDArray, saddle_limit: NDArray, crest_depth: NDArray, tree: JoinTree, closures: NodeClosures,
    innermost: NDArray, root: NDArray,
) -> int:  # fmt: skip
    """Find which nodes are closures, and how they nest.

    A node is a closure when some depth lies between the depth it begins at and the depth it leaks at. Joins at equal
    depth (or within one contour interval) leave empty nodes, which are skipped.

    Parameters
    ----------
    saddle_depth, saddle_limit : (M,) float32 or float64
        Depths of the saddles and their limits (`find_limits`).
    crest_depth : (n + 1,) float32 or float64
        Depth of each basin's peak.
    tree : JoinTree
        The join tree.
    closures : NodeClosures
        Zeros; written.
    innermost : (nodes,) int32
        Zeros; written: the innermost closure that holds each node (itself, if it is one), 0 = none.
    root : (nodes,) int32
        Zeros; written: the last node before the outside.

    Returns
    -------
    int
        How many nodes are closures.
    """
    parent_of, at_saddle, children = tree.parent, tree.saddle, tree.children
    spill, limit, outermost = closures.spill, closures.limit, closures.outermost
    nodes, n = parent_of.size, crest_depth.size - 1
    innermost[0] = outermost[0] = root[0] = count = 0
    limit[0] = -np.inf
    for node in range(1, nodes):
        innermost[node], outermost[node] = -1, -1
        if node > n and children[node - n, 0] == 0:
            innermost[node] = 0  # no join has this number
    chain = np.empty(nodes, np.int32)
    for start in range(1, nodes):
        length, node = 0, start
        while innermost[node] == -1:
            chain[length] = node
            length += 1
            node = parent_of[node]
        while length > 0:
            length -= 1
            node = chain[length]
            parent, e = parent_of[node], at_saddle[node]
            root[node] = root[parent] if parent != 0 else node
            begins = saddle_depth[at_saddle[children[node - n, 0]]] if node > n else crest_depth[node]
            real = begins <= saddle_limit[e]
            # what is joined to the outside within one step all leaks where the last of it does
            last = at_saddle[root[node]] if outermost[parent] == 0 else e
            spill[node], limit[node] = saddle_depth[last], saddle_limit[last]
            outermost[node] = outermost[parent]
            if real:
                innermost[node] = node
                if outermost[node] == 0:
                    outermost[node] = node
                count += 1
            else:
                innermost[node] = innermost[parent]
                if begins > limit[outermost[node]]:
                    outermost[node] = 0  # a flat on the way out: joined to a closure, but at its spill depth
    return count
