"""Pass 5: branch decomposition of the join tree, for a quick search of the innermost closure around a cell.

Closures that share a crest lie one around the other: they are a *branch*, and each of them is a *branch node*. The
nodes of a branch stand side by side in memory, from the innermost closure to the outermost.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.closure.kernels.compiled import compiled
from targets.closure.kernels.merge import JoinTree, NodeClosures
from targets.closure.kernels.saddles import Saddles


class Branches(NamedTuple):
    """Branch decomposition of the closures.

    Attributes
    ----------
    nodes : (closures,) of `branch_node_type`
        The branch nodes, branch after branch.
    branches : (n + 1,) of `branch_type`
        The branch of each basin's crest.
    entry : (n + 1,) int32
        The branch node of the innermost closure around each basin's peak, where a search begins; -1 = none.
    """

    nodes: NDArray
    branches: NDArray
    entry: NDArray[np.int32]


class Hierarchy(NamedTuple):
    """The hierarchy of closures: highs, the saddles between them, the join tree and its closures, without the grid.

    Attributes
    ----------
    interval, base : float
        Contour interval (0 = the spill reading) and base, in the unit of depth.
    crest_cell : (n + 1,) int32 or int64
        Flat index of each high's peak in the map.
    crest_depth : (n + 1,) float32 or float64, positive down
        Depths of the peaks.
    saddles : Saddles
        Edges of the basin graph; a part of the map without a way out adds its deepest cell.
    saddle_order : (M,) int32
        The saddles by depth.
    tree : JoinTree
        The join tree.
    closures : NodeClosures
        Which of its nodes are closures.
    branches : Branches
        The closures, crest by crest.
    outlet : (nodes,) int32
        The saddle by which a high leaks; its first side is what it leaks to.
    """

    interval: float
    base: float
    crest_cell: NDArray
    crest_depth: NDArray
    saddles: Saddles
    saddle_order: NDArray[np.int32]
    tree: JoinTree
    closures: NodeClosures
    branches: Branches
    outlet: NDArray[np.int32]


def branch_node_type(depth_type: np.dtype) -> np.dtype:
    """Type of a branch node.

    limit
        The deepest depth that belongs to the closure.
    crest
        The basin of its crest, which is the number of its branch.
    node
        Its node in the join tree.
    guess
        Of the j-th node of a branch: the first node at position j (`_position`) or beyond, where a search begins.
    """
    return np.dtype([("limit", depth_type), ("crest", np.int32), ("node", np.int32), ("guess", np.int32)])


def branch_type(depth_type: np.dtype) -> np.dtype:
    """Type of a branch.

    first, last
        Limits of its first (innermost) and last closure.
    scale
        Closures per unit of depth, on average.
    start, size
        Its branch nodes are start..start+size-1.
    above
        The branch node of the closure around the last one, -1 = none.
    """
    return np.dtype(
        [
            ("first", depth_type),
            ("last", depth_type),
            ("scale", depth_type),
            ("start", np.int32),
            ("size", np.int32),
            ("above", np.int32),
        ]
    )


@compiled
def _position(z: float, branch: Any) -> int:
    """About where on a branch depth z is, 0..size-1; it never falls as z grows, even if the scale is not finite."""
    position, last = (z - branch["first"]) * branch["scale"], branch["size"] - 1
    return int(position) if position < last else last


@compiled(nogil=True)
def build_branches(tree: JoinTree, limit: NDArray, innermost: NDArray, found: Branches) -> None:
    """Write the branch decomposition: the closures of each crest, in the order in which they lie around each other.

    Parameters
    ----------
    tree : JoinTree
        The join tree.
    limit, innermost : (nodes,)
        As `classify_nodes` writes them.
    found : Branches
        Written.
    """
    parent, join_crest = tree.parent, tree.join_crest
    branch_nodes, branches, entry = found.nodes, found.branches, found.entry
    n = entry.size - 1
    place = np.full(parent.size, -1, np.int32)  # the branch node of each node
    count = 0
    for crest in range(1, n + 1):
        branch, node, over = branches[crest], crest, parent[crest]
        branch["start"] = count
        while True:
            if innermost[node] == node:
                at = branch_nodes[count]
                at["limit"], at["crest"], at["node"] = limit[node], crest, node
                place[node] = count
                count += 1
            over = parent[node]
            if over <= n or join_crest[over - n] != crest:
                break
            node = over
        branch["size"], branch["above"] = count - branch["start"], innermost[over]
    entry[0] = -1
    for crest in range(1, n + 1):
        branch = branches[crest]
        entry[crest], branch["above"] = place[innermost[crest]], place[branch["above"]]
        start, size = branch["start"], branch["size"]
        if size == 0:
            continue
        branch["first"], branch["last"] = branch_nodes[start]["limit"], branch_nodes[start + size - 1]["limit"]
        branch["scale"] = 0
        if size > 1:
            branch["scale"] = (size - 1) / (branch["last"] - branch["first"])
        branch_nodes[start]["guess"], guessed = start, 1
        for i in range(start + 1, start + size):
            position = _position(branch_nodes[i]["limit"], branch)
            while guessed <= position:
                branch_nodes[start + guessed]["guess"] = i
                guessed += 1


@compiled
def climb(at: int, z: float, nodes: NDArray, branches: NDArray) -> int:
    """The branch node of the innermost closure, `at` or around it, that depth z belongs to; it must exist."""
    while nodes[at]["limit"] < z:
        branch = branches[nodes[at]["crest"]]
        if branch["last"] < z:
            at = branch["above"]
        else:
            at = max(at + 1, nodes[branch["start"] + _position(z, branch)]["guess"])
            while nodes[at]["limit"] < z:
                at += 1
    return at


@compiled
def crests_above(starts: NDArray, nodes: NDArray, branches: NDArray) -> NDArray:
    """The branches that are met going up from branch nodes (N,), in order."""
    met = np.zeros(branches.size, np.bool_)
    for at in starts:
        while at >= 0 and not met[nodes[at]["crest"]]:
            met[nodes[at]["crest"]] = True
            at = branches[nodes[at]["crest"]]["above"]
    return np.flatnonzero(met)
