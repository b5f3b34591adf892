"""The table of closures of all tiles: rows numbered by depth and cell of their saddles, written in this order."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.closure.find import ROW
from targets.closure.kernels.branches import Hierarchy
from targets.closure.kernels.compiled import compiled
from targets.closure.kernels.sorting import sort_keys, sortable
from targets.closure.merge_tree import nodes_of_rows
from targets.closure.tiles.totals import NestedRows
from targets.common.files.npy_files import map_npy
from targets.common.rasters.windowed import save_npy

CHUNK = 2**22  # rows that are numbered, or written, at a time


@dataclass(frozen=True, eq=False)
class RowsOnDisk:
    """Rows that a tile left in its notes.

    Attributes
    ----------
    note : Path
        Files whose names begin with this.
    roots : (r,) int32
        Numbers of the highs that stand for the closures around the rows.
    """

    note: Path
    roots: NDArray[np.int32]

    def load(self, what: str = "") -> NDArray:
        """The rows; or the keys by which they are sorted: "_depth" or "_cell"."""
        return map_npy(self.note.with_name(f"{self.note.name}{what}.npy"))


def save_rows(note: Path, nested: NestedRows) -> None:
    """Write a tile's rows and their sort keys, as `RowsOnDisk` reads them."""
    keys = {"": nested.rows, "_depth": ~sortable(nested.spill_depth), "_cell": ~nested.spill_cell.view("u8")}
    for what, array in keys.items():
        save_npy(note.with_name(f"{note.name}{what}.npy"), array)


def write_table(
    path: Path, rows: NDArray, highs: Hierarchy, ids: NDArray[np.int32], nested: Sequence[RowsOnDisk]
) -> None:
    """Number the rows of all tiles and of what they share, and write them in this order.

    Parameters
    ----------
    path : Path
        The .npy file that is written.
    rows : (N,) of `ROW`
        Rows of what tiles share.
    highs, ids
        The closures of these rows, and the row number + 1 of each node.
    nested : sequence of RowsOnDisk
        Rows of what single tiles settled.
    """
    node = nodes_of_rows(rows.size, ids)
    outermost = int(np.count_nonzero(highs.closures.outermost[node] == node))
    inside = node[outermost:]
    spill_cell = highs.saddles.cell[highs.tree.saddle[inside]].astype(np.int64)
    depth_keys = [~sortable(highs.closures.spill[inside]), *(part.load("_depth") for part in nested)]
    cell_keys = [~spill_cell.view("u8"), *(part.load("_cell") for part in nested)]
    final = number_rows(depth_keys, cell_keys, outermost + 1)
    none = np.zeros(1, np.int32)
    shared = np.concatenate([np.arange(outermost + 1, dtype=np.int32), final[0]])
    # for each source of rows, the final ids by the numbers that its rows have of each other
    maps = [np.concatenate([none, shared[ids[p.roots]], own]) for p, own in zip(nested, final[1:], strict=True)]
    maps.insert(0, shared)
    sources = [rows[outermost:], *(part.load() for part in nested)]
    total = outermost + sum(own.size for own in final)
    with path.open("wb") as file:
        head = {"descr": np.lib.format.dtype_to_descr(ROW), "fortran_order": False, "shape": (total,)}
        np.lib.format.write_array_header_1_0(file, head)
        own = np.arange(1, outermost + 1, dtype=np.int32)
        for first in range(0, outermost, CHUNK):
            part = np.empty(min(CHUNK, outermost - first), ROW)
            _place_rows(rows[first : first + part.size], shared, own[first : first + part.size], first + 1, part)
            file.write(part.view(np.uint8).data)  # `tofile` overlooks a full disk
        for first in range(outermost + 1, total + 1, CHUNK):
            part = np.empty(min(CHUNK, total + 1 - first), ROW)
            for own, source, final_id in zip(final, sources, maps, strict=True):
                a, b = np.searchsorted(own, [first, first + part.size])
                _place_rows(np.asarray(source[a:b]), final_id, own[a:b], first, part)
            file.write(part.view(np.uint8).data)  # `tofile` overlooks a full disk


@compiled
def _place_rows(rows: NDArray, final_id: NDArray, ids: NDArray, first: int, part: NDArray) -> None:
    """Put rows where their ids say, into the part of the table that begins with id `first`, references renumbered."""
    for i in range(rows.size):
        at = ids[i] - first
        part[at] = rows[i]
        part[at]["id"], part[at]["parent"] = ids[i], final_id[rows[i]["parent"]]
        part[at]["spills_into"] = final_id[rows[i]["spills_into"]]


def number_rows(depth_keys: Sequence[NDArray], cell_keys: Sequence[NDArray], first: int) -> list[NDArray[np.int32]]:
    """Number rows by (depth, cell), a range of depths at a time.

    Parameters
    ----------
    depth_keys, cell_keys : sequence of (N,) unsigned integers
        Per source of rows, keys that rise; equal ones are in one source only.
    first : int
        The first number.

    Returns
    -------
    list of (N,) int32
        Per source, the numbers of its rows.

    Examples
    --------
    >>> keys = [np.array([1, 5], np.uint32), np.array([2, 9], np.uint32)]
    >>> [numbers.tolist() for numbers in number_rows(keys, keys, 1)]
    [[1, 3], [2, 4]]
    """
    ids = [np.empty(keys.size, np.int32) for keys in depth_keys]
    every = max(1, sum(keys.size for keys in depth_keys) // CHUNK)
    some = np.sort(np.concatenate([keys[:: max(1, CHUNK // 64)] for keys in depth_keys]))
    bounds = np.unique(some[:: max(1, some.size // every)])[1:]
    at = [np.concatenate([[0], np.searchsorted(keys, bounds), [keys.size]]) for keys in depth_keys]
    for k in range(bounds.size + 1):
        spans = [slice(a[k], a[k + 1]) for a in at]
        depth = np.concatenate([keys[s] for keys, s in zip(depth_keys, spans, strict=True)])
        cell = np.concatenate([keys[s] for keys, s in zip(cell_keys, spans, strict=True)])
        order = sort_keys(cell, np.empty(cell.size, np.int32))
        order = order[sort_keys(depth[order], np.empty(cell.size, np.int32))]
        place = np.empty(order.size, np.int32)
        place[order] = np.arange(first, first + order.size)
        first += order.size
        ends = np.cumsum([0, *(s.stop - s.start for s in spans)])
        for own, s, a, b in zip(ids, spans, ends[:-1], ends[1:], strict=True):
            own[s] = place[a:b]
    return ids
