"""Pass 4: outlets, the saddle by which each high leaks when it is full."""

import numpy as np
from numpy.typing import NDArray

from targets.closure.kernels.compiled import compiled
from targets.closure.kernels.merge import JoinTree
from targets.closure.kernels.saddles import Saddles, swap_sides


@compiled(nogil=True)
def find_outlets(tree: JoinTree, saddles: Saddles, outermost: NDArray, outlet: NDArray) -> None:
    """Write the outlet of each outermost closure and of each flat outside of closures.

    Mostly that is where it is joined to the outside. Where several meet at one depth on the way out, the spanning tree
    between them is walked from the one that leaks: each leaks by the saddle through which it was reached.

    Parameters
    ----------
    tree : JoinTree
        The join tree.
    saddles : Saddles
        Sides are swapped where needed, so that the first side is what the outlet leads to.
    outermost : (nodes,) int32
        Of `NodeClosures`.
    outlet : (nodes,) int32
        Written; -1 for other nodes.
    """
    parent, at_saddle, children = tree.parent, tree.saddle, tree.children
    sides, directions = saddles.sides, saddles.directions
    nodes, n = parent.size, children.shape[0] - 1
    for node in range(nodes):
        outlet[node] = -1
    count = 0
    for node in range(1, nodes):
        if outermost[node] == node or outermost[node] == 0:
            e = at_saddle[node]
            if parent[node] == 0:
                b = sides[e, 1]
                outlet[outermost[b] if outermost[b] != 0 else b] = e
            elif parent[node] <= n or children[parent[node] - n, 1] != node:  # not the second side of a known saddle
                count += 1
    if count == 0:
        return
    head = np.full(nodes, -1, np.int32)
    tail = np.empty(2 * count, np.int32)
    edge = np.empty(count, np.int32)
    size = 0
    for node in range(1, nodes):
        if parent[node] == 0 or (outermost[node] != node and outermost[node] != 0):
            continue
        if parent[node] <= n or children[parent[node] - n, 1] != node:
            edge[size] = at_saddle[node]
            for j in range(2):
                b = sides[at_saddle[node], j]
                unit = outermost[b] if outermost[b] != 0 else b
                tail[2 * size + j], head[unit] = head[unit], 2 * size + j
            size += 1
    queue = np.empty(nodes, np.int32)
    last = 0
    for node in range(1, nodes):
        if outlet[node] != -1 and head[node] != -1:
            queue[last] = node
            last += 1
    at = 0
    while at < last:
        spot = head[queue[at]]
        at += 1
        while spot != -1:
            e = edge[spot // 2]
            j = spot % 2  # the side that is outside of the other
            b = sides[e, 1 - j]
            unit = outermost[b] if outermost[b] != 0 else b
            if outlet[unit] == -1:
                outlet[unit] = e
                if j == 1:
                    swap_sides(e, sides, directions)
                queue[last] = unit
                last += 1
            spot = tail[spot]


@compiled(nogil=True)
def outlets_of_unlisted_highs(tree: JoinTree, saddles: Saddles, listed: NDArray, outlet: NDArray) -> None:
    """Write the outlets of highs that have no closure in the table, in the contour reading.

    Such highs grow together as they fill, until they meet one with a closure of the table, or the outside. (In the
    spill reading all of them leak to the outside at once: `find_outlets`.) The closures of the table leak where the
    last of their high is joined to the outside, as `outlet` says already.

    Parameters
    ----------
    tree : JoinTree
        The join tree.
    saddles : Saddles
        Sides are swapped where needed, so that the first side is what the outlet leads to.
    listed : (n + 1,) bool
        Basins whose peak lies in a closure of the table.
    outlet : (nodes,) int32
        Written.
    """
    parent_of, at_saddle, children = tree.parent, tree.saddle, tree.children
    sides, directions = saddles.sides, saddles.directions
    nodes, n = parent_of.size, children.shape[0] - 1
    holds = np.zeros(nodes, np.bool_)  # a closure of the table
    holds[: n + 1] = listed
    for node in tree.join_order:
        holds[node] = holds[children[node - n, 0]] or holds[children[node - n, 1]]
    known = holds.copy()
    chain = np.empty(nodes, np.int32)
    for start in range(1, n + 1):
        length, node = 0, start
        while node != 0 and not known[node]:
            chain[length], known[node] = node, True
            length += 1
            node = parent_of[node]
        while length > 0:
            length -= 1
            node = chain[length]
            parent, e = parent_of[node], at_saddle[node]
            first, second = (children[parent - n, 0], children[parent - n, 1]) if parent > n else (0, 0)
            joined = node in (first, second)
            other = parent if not joined else second if node == first else first
            if parent == 0 or holds[other]:
                outlet[node] = e
                if joined and node == first:
                    swap_sides(e, sides, directions)
            else:
                outlet[node] = outlet[parent]
