"""Brute force for the closure engine: label the map level by level, read closures and leaks off, slowly and plainly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


@dataclass(frozen=True, eq=False)
class Closure:
    """One closure: its cells (H, W) bool, the depth it leaks at, and the smallest closure around it, if any."""

    cells: NDArray[np.bool_]
    spill_depth: float
    parent: "Closure | None" = None


def closures_by_labelling(
    depth: NDArray,
    valid: NDArray | None = None,
    faults: NDArray | None = None,
    fault_rule: dict[int, str] | str = "transparent",
    edge: str = "open",
    connectivity: int = 8,
    contour_interval: float | None = None,
    contour_base: float = 0.0,
) -> list[Closure]:
    """Every closure of a small map, larger ones first.

    The map gets a frame of cells around it, which are open or missing. At each level the cells down to this level are
    labelled. A piece that touches an open cell, or fills a walled part of the map to its last cell, is not closed. A
    closed piece is a closure when at the next level it is not closed any more, or has grown together with another one.
    """
    here = np.isfinite(depth) & (True if valid is None else valid)
    open_ = np.full(depth.shape, False) if edge == "closed" else ~here
    if faults is not None:
        rules = {k: fault_rule for k in np.unique(faults) if k} if isinstance(fault_rule, str) else fault_rule
        for fault, rule in rules.items():
            if rule != "transparent":
                inside = here & (faults == fault)
                here = here & ~inside
                if rule == "leaking":
                    open_ = open_ | inside
    here, open_ = np.pad(here, 1), np.pad(open_, 1, constant_values=edge == "open")
    depth = np.pad(depth.astype(float), 1, constant_values=np.nan)
    around = ndimage.generate_binary_structure(2, connectivity // 4)
    leaky = ndimage.binary_dilation(open_, around)
    parts, _ = ndimage.label(here, around)

    def pieces(level: float) -> NDArray[np.int_]:
        return ndimage.label(here & (depth <= level), around)[0]

    def closed(piece: NDArray[np.bool_]) -> bool:
        return not (piece & leaky).any() and piece.sum() != (parts == parts[piece][0]).sum()

    def holding(level: float, cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
        labels = pieces(level)
        return labels == labels[cells][0]

    depths = np.unique(depth[here])
    if depths.size == 0:
        return []
    levels = depths
    if contour_interval is not None:
        first = np.floor((depths[0] - contour_base) / contour_interval) - 1
        last = np.ceil((depths[-1] - contour_base) / contour_interval) + 1
        levels = contour_base + np.arange(first, last + 1) * contour_interval

    found: list[Closure] = []
    for level, next_level in zip(levels[::-1], [None, *levels[:0:-1]], strict=True):
        labels = pieces(level)
        for k in range(1, labels.max() + 1):
            cells = labels == k
            if not closed(cells):
                continue
            assert next_level is not None
            grown = holding(next_level, cells)
            if not closed(grown):
                leaks = [v for v in depths if v > level and not closed(holding(v, cells))]
            elif np.unique(labels[grown & (labels > 0)]).size > 1:
                leaks = [v for v in depths if v > level and (holding(v, cells) & (labels > 0) & ~cells).any()]
            else:
                continue
            around_it = [c for c in found if (np.pad(c.cells, 1) & cells).any()]
            parent = min(around_it, key=lambda c: c.cells.sum(), default=None)
            found.append(Closure(cells[1:-1, 1:-1], leaks[0], parent))
    return found


def ends_by_filling(
    depth: NDArray, here: NDArray[np.bool_], leaving: NDArray[np.bool_], labels: NDArray, connectivity: int
) -> dict[tuple[int, int], set[int]]:
    """Where what rises from each cell of `here` can end: ids of `labels`, 0 = out of the map. No two depths are equal.

    It climbs to the shallowest neighbour until it meets a label or a cell of `leaving`. On a peak without a label it
    fills the high down to the first cell by which the high is joined to what holds a label or leaves, and goes on there
    (to any of them, where it is joined to several at this cell).
    """
    around = ndimage.generate_binary_structure(2, connectivity // 4)
    ends: dict[tuple[int, int], set[int]] = {}

    def beside(cell: tuple[int, int]) -> list[tuple[int, int]]:
        steps = [(int(r) - 1, int(c) - 1) for r, c in np.argwhere(around) if (r, c) != (1, 1)]
        cells = [(cell[0] + r, cell[1] + c) for r, c in steps]
        return [k for k in cells if 0 <= k[0] < depth.shape[0] and 0 <= k[1] < depth.shape[1] and here[k]]

    def end(cell: tuple[int, int]) -> set[int]:
        if cell not in ends:
            up = min(beside(cell), key=lambda k: depth[k], default=cell)
            if labels[cell] or leaving[cell]:
                ends[cell] = {int(labels[cell])}
            else:
                ends[cell] = end(up) if depth[up] < depth[cell] else filled(cell)
        return ends[cell]

    def filled(peak: tuple[int, int]) -> set[int]:
        for level in np.sort(depth[here & (depth > depth[peak])]):
            pieces, _ = ndimage.label(here & (depth < level), around)
            (lowest,) = map(tuple, np.argwhere(here & (depth == level)))
            near = [k for k in beside(lowest) if depth[k] < level]
            if pieces[peak] not in [pieces[k] for k in near]:
                continue
            if leaving[lowest]:
                return {0}
            others = [
                k for k in near if ((labels > 0) | leaving)[(pieces == pieces[k]) & (pieces != pieces[peak])].any()
            ]
            if others:
                return set().union(*map(end, others))
        return {0}

    return {cell: end(cell) for cell in map(tuple, np.argwhere(here).tolist())}
