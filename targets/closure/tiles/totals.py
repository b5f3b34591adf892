"""Area and volume of closures from the cells of one tile, and the table's rows of what the tile settled."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.closure.arguments import SearchOptions
from targets.closure.kernels.branches import Branches
from targets.closure.kernels.properties import Surface, Totals, add_nested, sum_cells
from targets.closure.kernels.table import TableData
from targets.closure.merge_tree import crest_of_nodes, nodes_of_rows, number_nodes, write_rows
from targets.closure.tiles.survey import Settled


@dataclass(frozen=True, eq=False)
class SurroundingClosures:
    """The closures that hold the highs of a tile, as far as they are not settled in it.

    Arrays per high have the outside first, then the exported highs, then those of the frame.

    Attributes
    ----------
    limit : (highs,) float32 or float64
        Limit of the outermost closure around each high, -inf = none.
    branches : Branches
        The closures that are met climbing up from the highs; `entry` is per high.
    place : (closures,) int
        Place of each branch node among those of all tiles.
    """

    limit: NDArray
    branches: Branches
    place: NDArray


@dataclass(frozen=True, eq=False)
class TileTotals:
    """Totals over the cells of a tile.

    Attributes
    ----------
    settled : Totals
        Of the tile's settled closures, with those of what lies inside them.
    surrounding : Totals
        Of `SurroundingClosures`; each settled closure is added to the one that stands for it.
    """

    settled: Totals
    surrounding: Totals


def places_of_highs(settled: Settled, exported: int) -> NDArray[np.int32]:
    """Per basin of a tile, where its high stands among: the outside, the exported highs, those of the frame."""
    return np.where(settled.high_of_basin >= 0, settled.high_of_basin, exported - settled.high_of_basin)


def total_cells(surface: Surface, settled: Settled, exported: int, around: SurroundingClosures) -> TileTotals:
    """Add the cells of a tile to the innermost closure that holds each of them.

    Parameters
    ----------
    surface : Surface
        The tile's own cells, (h, w).
    settled : Settled
        What the tile settled.
    exported : int
        How many highs it exported.
    around : SurroundingClosures
        The other closures that its cells can lie in.

    Returns
    -------
    TileTotals
        Sums over the tile's cells.
    """
    inner, outer = settled.highs.branches, around.branches
    place = places_of_highs(settled, exported)
    start, shift = inner.nodes.size, inner.branches.size
    # one decomposition of both: settled closures first, then those around, their numbers shifted
    nodes, branches = np.concatenate([inner.nodes, outer.nodes]), np.concatenate([inner.branches, outer.branches])
    nodes["guess"][start:] += start
    nodes["crest"][start:] += shift
    branches["start"][shift:] += start
    branches["above"][shift:][outer.branches["above"] >= 0] += start
    tops = np.flatnonzero((inner.branches["size"] > 0) & (inner.branches["above"] < 0))
    tops = tops[tops > 0]
    stands = start + outer.entry[settled.high_of_inner[tops]]  # the same closure as it is known around
    branches["above"][tops] = stands
    own, outside = inner.entry[settled.inner_of_basin], outer.entry[place]
    entry = np.where(own >= 0, own, np.where(outside >= 0, outside + start, -1)).astype(np.int32)

    totals = Totals.zeros(nodes.size)
    itself = np.arange(place.size, dtype=np.int32)
    rows = surface.depth.shape[0]
    sum_cells(surface, around.limit[place], itself, Branches(nodes, branches, entry), 0, rows, totals)
    found = TileTotals(
        Totals(totals.sums[:start], totals.touches[:start]), Totals(totals.sums[start:], totals.touches[start:])
    )
    add_nested(inner, found.settled)
    last = inner.branches["start"][tops] + inner.branches["size"][tops] - 1
    for name in ("area", "depth"):
        totals.sums[name][stands] += totals.sums[name][last]
    totals.touches[stands] |= totals.touches[last]
    return found


@dataclass(frozen=True, eq=False)
class NestedRows:
    """Rows of the table of what lies inside a tile's settled closures, in their order in the table.

    Attributes
    ----------
    rows : (N,) of `ROW`
        `parent` and `spills_into` are 1..r for settled closures, and r + 1.. for these rows.
    roots : (r,) int32
        High codes of the settled closures.
    spill_depth : (N,) float32 or float64
        Depth of each row's spill point; the order of the table follows it,
    spill_cell : (N,) int64
        and then its flat index in the map.
    """

    rows: NDArray
    roots: NDArray[np.int32]
    spill_depth: NDArray
    spill_cell: NDArray[np.int64]


def nested_rows(settled: Settled, totals: Totals, options: SearchOptions, map_width: int, row_type: Any) -> NestedRows:
    """The table's rows of what lies inside a tile's settled closures.

    Parameters
    ----------
    settled : Settled
        What the tile settled.
    totals : Totals
        Totals of the settled closures.
    options : SearchOptions
        Its least area and height count.
    map_width : int
        Columns of the map.
    row_type : numpy.dtype
        `ROW`.

    Returns
    -------
    NestedRows
        The rows and how they are attached to the other tiles' rows.
    """
    highs = settled.highs
    count, ids = number_nodes(highs, totals, options.min_area, options.min_height)
    table = np.empty(count, row_type)
    write_rows(highs, TableData(map_width, np.zeros(ids.size, np.int32), totals, ids), table)
    node = nodes_of_rows(count, ids)
    roots = int(np.count_nonzero(highs.closures.outermost[node] == node))
    inside = node[roots:]
    return NestedRows(
        table[roots:],
        settled.high_of_inner[crest_of_nodes(highs)[node[:roots]]],
        highs.closures.spill[inside],
        highs.saddles.cell[highs.tree.saddle[inside]],
    )
