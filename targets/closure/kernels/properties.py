"""Pass 5: area, volume, faults and the table of closures."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.closure.kernels.branches import Branches, climb
from targets.closure.kernels.codes import COL_STEP, OVER_BORDER, ROW_STEP
from targets.closure.kernels.compiled import compiled
from targets.closure.kernels.merge import JoinTree, NodeClosures, contour_above
from targets.closure.kernels.saddles import Saddles

SUMS = np.dtype([("area", np.int64), ("depth", np.float64)])  # cells, and the sum of their depths


class Totals(NamedTuple):
    """Sums over the cells of each closure, per branch node.

    Attributes
    ----------
    sums : (closures,) of `SUMS`
        Number of cells, and the sum of their depths.
    touches : (closures,) bool
        Whether one of its cells lies on a fault or next to one.
    """

    sums: NDArray
    touches: NDArray[np.bool_]

    @classmethod
    def zeros(cls, size: int) -> "Totals":
        """Totals of no cells."""
        return cls(np.zeros(size, SUMS), np.zeros(size, bool))


class Surface(NamedTuple):
    """What is summed over cells; all arrays (H, W).

    Attributes
    ----------
    depth : float32 or float64, positive down
        The map.
    basin : int32
        Basins of its cells.
    near_fault : bool, or (0, 0)
        Cells on a fault or next to one.
    """

    depth: NDArray
    basin: NDArray[np.int32]
    near_fault: NDArray[np.bool_]


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


@compiled(nogil=True)
def sum_cells(
    surface: Surface, limit: NDArray, outermost: NDArray, branches: Branches, first: int, last: int, totals: Totals
) -> None:
    """Add the cells of a strip of rows to the innermost closure that holds each of them.

    Parameters
    ----------
    surface : Surface
        The map.
    limit : (nodes,) float32 or float64
        The deepest depth that belongs to each node's closure.
    outermost : (basins,) int32
        The outermost closure around each basin, a place in `limit`.
    branches : Branches
        Branch decomposition of the closures.
    first, last : int
        The strip is rows first..last-1.
    totals : Totals
        Added to.
    """
    depth, basin, near_fault = surface
    nodes, of_crest, entry = branches
    sums, touches = totals
    width = depth.shape[1]
    outside = limit[0]
    before = np.full(width + 1, -1, np.int32)  # branch nodes of the row above, and of this row; -1 = in no closure
    here = np.full(width + 1, -1, np.int32)
    for row in range(first, last):
        b_last, at_peak, root_limit = -2, -1, outside
        for col in range(width):
            b = basin[row, col]
            if b != b_last:
                b_last = b
                at_peak, root_limit = entry[max(b, 0)], limit[outermost[max(b, 0)]]
            z = depth[row, col]
            if not z <= root_limit:
                here[col + 1] = -1
                continue
            # a preceding neighbour lies in the same closure, or in one inside it: begin there, at the deeper of two
            at, z_at = at_peak, outside
            west, north = depth[row, col - 1], depth[row - 1, col]  # if in a closure; else anything
            better = (here[col] >= 0) & (west <= z)
            at, z_at = (here[col], west) if better else (at, z_at)
            better = (before[col + 1] >= 0) & (north <= z) & (north > z_at)
            at = before[col + 1] if better else at
            if nodes[at]["limit"] < z:
                at = climb(at, z, nodes, of_crest)
            here[col + 1] = at
            sums[at]["area"] += 1
            sums[at]["depth"] += z
            if near_fault.size > 0 and near_fault[row, col]:
                touches[at] = True
        before, here = here, before


@compiled(nogil=True)
def add_nested(branches: Branches, totals: Totals) -> None:
    """Add the totals of nested closures to those around them: branch by branch, after all that end on its nodes."""
    nodes, of_crest, sums, touches = branches.nodes, branches.branches, totals.sums, totals.touches
    waiting = np.zeros(of_crest.size, np.int32)  # for so many branches
    for branch in of_crest[1:]:
        if branch["size"] > 0 and branch["above"] >= 0:
            waiting[nodes[branch["above"]]["crest"]] += 1
    for start in range(1, of_crest.size):
        crest = start
        while crest <= start and waiting[crest] == 0 and of_crest[crest]["size"] > 0:
            branch, waiting[crest] = of_crest[crest], -1
            i = branch["start"]
            for _ in range(branch["size"] - 1):
                _add_to(i, i + 1, sums, touches)
                i += 1
            if branch["above"] < 0:
                break
            _add_to(i, branch["above"], sums, touches)
            crest = nodes[branch["above"]]["crest"]
            waiting[crest] -= 1


@compiled
def _add_to(part: int, whole: int, sums: NDArray, touches: NDArray) -> None:
    """Add the totals of one branch node to another."""
    sums[whole]["area"] += sums[part]["area"]
    sums[whole]["depth"] += sums[part]["depth"]
    touches[whole] |= touches[part]


@compiled(nogil=True)
def number_closures(highs: Hierarchy, sums: NDArray, min_area: float, min_height: float, ids: NDArray) -> int:
    """Number the closures that are large enough: parents before what lies inside them.

    Outermost closures come first, from the shallowest spill depth to the deepest; then nested ones, from the deepest.
    The saddles have an order, and at most two nodes leak by one, so it is enough to attach the closures to them.

    Parameters
    ----------
    highs : Hierarchy
        The closures.
    sums : (closures,) of `SUMS`
        Per branch node.
    min_area, min_height : float
        The least number of cells, and the least height in the unit of depth.
    ids : (nodes,) int32
        Zeros; written: the id of each node's closure in the table, 0 = none.

    Returns
    -------
    int
        How many closures are numbered.
    """
    order, at_saddle, crest_depth, nodes = (
        highs.saddle_order,
        highs.tree.saddle,
        highs.crest_depth,
        highs.branches.nodes,
    )
    spill, outermost = highs.closures.spill, highs.closures.outermost
    leaking = np.zeros((order.size, 2), np.int32)  # the nodes that leak by each saddle, negative if they are nested
    for i in range(nodes.size):
        node, crest = nodes[i]["node"], nodes[i]["crest"]
        if sums[i]["area"] >= min_area and np.float64(spill[node]) - np.float64(crest_depth[crest]) >= min_height:
            e = at_saddle[node]
            leaking[e, 1 if leaking[e, 0] != 0 else 0] = node if outermost[node] == node else -node
    count = 0
    for e in order:
        for node in leaking[e]:
            if node > 0:
                count += 1
                ids[node] = count
    for e in order[::-1]:
        for node in leaking[e]:
            if node < 0:
                count += 1
                ids[-node] = count
    return count


class TableData(NamedTuple):
    """What the rows of the table are made from, beside the hierarchy.

    Attributes
    ----------
    width : int
        Columns of the map.
    spills_into : (nodes,) int32
        The node of the closure that each outermost closure leaks to, 0 = out of the map.
    totals : Totals
        Totals of each closure, with those of what lies inside it.
    ids : (nodes,) int32
        As `number_closures` writes them.
    """

    width: int
    spills_into: NDArray[np.int32]
    totals: Totals
    ids: NDArray[np.int32]


@compiled(nogil=True)
def fill_table(highs: Hierarchy, data: TableData, first: int, last: int, table: Any) -> None:
    """Write the table's rows of branch nodes first..last-1.

    Parameters
    ----------
    highs : Hierarchy
        The closures.
    data : TableData
        Their properties.
    first, last : int
        The branch nodes whose rows are written.
    table : (N,) of `ROW`
        Written.
    """
    interval, base, peak, crest_depth = highs.interval, highs.base, highs.crest_cell, highs.crest_depth
    cell, sides, directions = highs.saddles
    parent_of, at_saddle, children = highs.tree.parent, highs.tree.saddle, highs.tree.children
    spill, outermost, outlet = highs.closures.spill, highs.closures.outermost, highs.outlet
    nodes, branches, entry = highs.branches
    width, spills_into, ids = data.width, data.spills_into, data.ids
    sums, touches = data.totals
    n = crest_depth.size - 1
    for at in range(first, last):
        node, crest = nodes[at]["node"], nodes[at]["crest"]
        if ids[node] == 0:
            continue
        row = table[ids[node] - 1]
        z, z_spill = np.float64(crest_depth[crest]), np.float64(spill[node])
        if outermost[node] == node:
            parent, e, side, there = 0, outlet[node], 0, spills_into[node]
        else:
            branch = branches[crest]
            is_last = at == branch["start"] + branch["size"] - 1
            parent, e = nodes[branch["above"] if is_last else at + 1]["node"], at_saddle[node]
            side = 1 if parent_of[node] > n and children[parent_of[node] - n, 0] == node else 0
            # what is joined to it at this depth
            there = nodes[climb(entry[sides[e, side]], nodes[at]["limit"], nodes, branches)]["node"]
            if there == node or ids[there] == 0:
                there = parent
        direction = directions[e, side]
        row["id"], row["parent"], row["spills_into"] = ids[node], ids[parent], ids[there]
        row["crest_row"] = peak[crest] // width
        row["crest_col"] = peak[crest] - row["crest_row"] * width
        row["spill_row"] = cell[e] // width
        row["spill_col"] = cell[e] - row["spill_row"] * width
        row["leak_row"] = row["leak_col"] = -1
        if direction < OVER_BORDER:
            row["leak_row"] = row["spill_row"] + ROW_STEP[direction]
            row["leak_col"] = row["spill_col"] + COL_STEP[direction]
        row["crest_depth"], row["spill_depth"], row["height"] = z, z_spill, z_spill - z
        row["contour_depth"] = z_spill if interval == 0 else contour_above(z_spill, interval, base)
        area = sums[at]["area"]
        row["area"], row["volume"], row["touches_fault"] = area, area * z_spill - sums[at]["depth"], touches[at]
