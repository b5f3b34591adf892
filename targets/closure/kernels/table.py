"""Pass 5: the table of closures: which become rows, and what the rows say."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.closure.kernels.branches import Hierarchy, climb
from targets.closure.kernels.codes import COL_STEP, OVER_BORDER, ROW_STEP
from targets.closure.kernels.compiled import compiled
from targets.closure.kernels.merge import contour_above
from targets.closure.kernels.properties import Totals


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
