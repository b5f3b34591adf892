"""Global merge: the exported basin graphs of all tiles as one, and the closures around each tile."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from targets.closure.kernels.branches import Branches, Hierarchy, crests_above
from targets.closure.kernels.codes import OVER_BORDER
from targets.closure.kernels.compiled import compiled
from targets.closure.kernels.saddles import Saddles
from targets.closure.kernels.sorting import order_by_cell
from targets.closure.tiles.survey import BasinGraph, ExportedGraph
from targets.closure.tiles.totals import SurroundingClosures


@dataclass(frozen=True, eq=False)
class MergedGraph(BasinGraph):
    """The exported graphs of all tiles as one; highs have numbers in the order of cells, of which 0 is the outside.

    Attributes
    ----------
    highs_of_tile : list of (highs,) int32
        Per tile, the numbers of its highs: the outside, those it exported, those of its frame.
    exported : list of int
        Per tile, how many highs it exported.
    """

    highs_of_tile: list[NDArray[np.int32]]
    exported: list[int]


def merge_graphs(graphs: Sequence[ExportedGraph]) -> MergedGraph:
    """Number the highs of all tiles by their cells, and follow those that were left at a border to theirs.

    Parameters
    ----------
    graphs : sequence of ExportedGraph
        One per tile.

    Returns
    -------
    MergedGraph
        The basin graph of the whole map, as far as tiles share it.
    """
    crest_cell = np.concatenate([[0], *(part.crest_cell for part in graphs)])
    crest_depth = np.concatenate([np.zeros(1, graphs[0].crest_depth.dtype), *(part.crest_depth for part in graphs)])
    order = order_by_cell(crest_cell)
    number = np.empty(crest_cell.size, np.int32)
    number[order] = np.arange(crest_cell.size)
    crest_cell, crest_depth = crest_cell[order], crest_depth[order]
    ends = np.cumsum([1, *(part.crest_cell.size for part in graphs)])
    own = [np.append(np.int32(0), number[a:b]) for a, b in pairwise(ends)]

    # cells next to other tiles: the high of each and the high up-dip of it, or -1 - the place of the cell that knows
    border = np.concatenate([part.border_cell for part in graphs])
    order = order_by_cell(border)
    border = border[order]
    frames = [np.searchsorted(border, part.frame_cell).astype(np.int32) for part in graphs]
    # a high code -1 - j counts from the end of this array
    by_code = [np.concatenate([high, (-1 - frame)[::-1]]) for high, frame in zip(own, frames, strict=True)]
    found = np.concatenate([b[part.border_highs] for b, part in zip(by_code, graphs, strict=True)])[order]
    for side in range(2):
        while (unknown := np.flatnonzero(found[:, side] < 0)).size > 0:
            found[unknown, side] = found[-1 - found[unknown, side], side]

    def numbers(codes_of: Callable[[ExportedGraph], NDArray], side: int) -> NDArray[np.int32]:
        highs = np.concatenate([b[codes_of(part)] for b, part in zip(by_code, graphs, strict=True)])
        followed = highs < 0
        highs[followed] = found[-1 - highs[followed], side]
        return highs

    sides = numbers(lambda part: part.saddles.sides, 0)
    kept = np.flatnonzero(sides[:, 0] != sides[:, 1])
    cell = np.concatenate([part.saddles.cell for part in graphs])[kept]
    order = order_by_cell(cell)
    kept = kept[order]
    directions = np.concatenate([part.saddles.directions for part in graphs])[kept]
    return MergedGraph(
        crest_cell, crest_depth, Saddles(cell[order], sides[kept], directions),
        np.concatenate([part.saddle_depth for part in graphs])[kept], numbers(lambda part: part.updip, 1)[kept],
        [np.concatenate([high, found[frame, 0]]) for high, frame in zip(own, frames, strict=True)],
        [part.crest_cell.size for part in graphs],
    )  # fmt: skip


def closures_around(highs: Hierarchy, high: NDArray[np.int32]) -> SurroundingClosures:
    """The closures that hold some highs, as the tile needs them that knows these highs.

    Parameters
    ----------
    highs : Hierarchy
        The closures of all tiles.
    high : (h,) int32
        Numbers of the highs: one of `MergedGraph.highs_of_tile`.

    Returns
    -------
    SurroundingClosures
        A branch decomposition of these closures alone.
    """
    everything = highs.branches
    entry = everything.entry[high]
    crests = crests_above(entry[entry >= 0], everything.nodes, everything.branches)
    branches = everything.branches[crests]
    size = branches["size"].astype(np.int64)
    start = np.concatenate([[0], np.cumsum(size)])
    shift = np.repeat(branches["start"] - start[:-1], size)
    place = shift + np.arange(start[-1])
    nodes = everything.nodes[place]
    here = np.full(everything.nodes.size + 1, -1, np.int32)  # the last for -1, none
    here[place] = np.arange(place.size)
    nodes["crest"] = np.repeat(np.arange(crests.size), size)
    nodes["guess"] -= shift.astype(np.int32)
    branches["start"] = start[:-1]
    branches["above"] = here[branches["above"]]
    limit = highs.closures.limit[highs.closures.outermost[high]]
    return SurroundingClosures(limit, Branches(nodes, branches, here[entry]), place)


@compiled
def trace_merged_leaks(
    updip: NDArray, directions_before: NDArray, highs: Hierarchy, ids: NDArray, spills_into: NDArray
) -> None:
    """Follow the leak of each outermost closure, as `trace_leaks` does.

    The highs up-dip of both sides of each saddle are known, so the ways between are not needed.

    Parameters
    ----------
    updip, directions_before : (e, 2)
        Of the merged graph, before sides were swapped.
    highs : Hierarchy
        The closures of all tiles.
    ids : (nodes,) int32
        The id of each node's closure, 0 = none.
    spills_into : (nodes,) int32
        Zeros; written: the node that receives the leak, 0 = out of the map.
    """
    directions, outermost, outlet = highs.saddles.directions, highs.closures.outermost, highs.outlet
    for node in range(outermost.size):
        if outermost[node] != node or ids[node] == 0:
            continue
        e = outlet[node]
        while directions[e, 0] < OVER_BORDER:
            high = updip[e, 0 if directions[e, 0] == directions_before[e, 0] else 1]
            if ids[outermost[high]] != 0:
                spills_into[node] = outermost[high]
                break
            if high == 0:
                break
            e = outlet[outermost[high] if outermost[high] != 0 else high]
