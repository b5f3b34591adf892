"""Readable specification of the closure engine: label the map level by level. Slow; the kernels must equal it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


@dataclass(frozen=True, eq=False)
class ReferenceClosure:
    """One closure.

    Attributes
    ----------
    cells : (H, W) bool
        The cells of the closure.
    spill_depth : float
        The depth it leaks at, in the unit of the map.
    parent : ReferenceClosure | None
        The smallest closure around it.
    """

    cells: NDArray[np.bool_]
    spill_depth: float
    parent: "ReferenceClosure | None" = None


def reference_closures(
    depth: NDArray,
    valid: NDArray | None = None,
    faults: NDArray | None = None,
    fault_rule: Mapping[int, str] | str = "transparent",
    edge: str = "open",
    connectivity: int = 8,
    contour_interval: float | None = None,
    contour_base: float = 0.0,
) -> list[ReferenceClosure]:
    """Every closure of a small map, by definition.

    The map gets a frame of cells around it, which are open or missing. At each level (each depth that occurs, or each
    contour) the cells down to this level are labelled. A piece that touches an open cell, or fills a walled part of
    the map to its last cell, is not closed. A closed piece is a closure when at the next level it is no longer closed,
    or has grown together with another closed piece.

    Parameters
    ----------
    depth, valid, faults, fault_rule, edge, connectivity, contour_interval, contour_base
        As in `find_closures`.

    Returns
    -------
    list of ReferenceClosure
        Outer closures before inner ones.

    Examples
    --------
    >>> found = reference_closures(np.array([[9, 9, 9, 9, 9, 9], [9, 2, 5, 3, 7, 6], [9, 9, 9, 9, 9, 9]]))
    >>> [(int(c.cells.sum()), float(c.spill_depth), c.parent is None) for c in found]
    [(3, 7.0, True), (1, 5.0, False), (1, 5.0, False)]
    """
    inside, open_ = _inside_and_open(depth, valid, faults, fault_rule, edge)
    depth = np.pad(depth.astype(float), 1, constant_values=np.nan)
    neighbours = ndimage.generate_binary_structure(2, connectivity // 4)
    leaking = ndimage.binary_dilation(open_, neighbours)
    parts, _ = ndimage.label(inside, neighbours)

    def pieces(level: float) -> NDArray[np.int32 | np.int64]:
        return ndimage.label(inside & (depth <= level), neighbours)[0]

    def piece_around(level: float, cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
        labels = pieces(level)
        return labels == labels[cells][0]

    def is_closed(piece: NDArray[np.bool_]) -> bool:
        return not (piece & leaking).any() and piece.sum() != (parts == parts[piece][0]).sum()

    depths = np.unique(depth[inside])
    if depths.size == 0:
        return []
    levels = depths
    if contour_interval is not None:
        first = np.floor((depths[0] - contour_base) / contour_interval) - 1
        last = np.ceil((depths[-1] - contour_base) / contour_interval) + 1
        levels = contour_base + np.arange(first, last + 1) * contour_interval

    found: list[ReferenceClosure] = []
    for level, next_level in zip(levels[::-1], [None, *levels[:0:-1]], strict=True):
        labels = pieces(level)
        for k in range(1, labels.max() + 1):
            cells = labels == k
            if not is_closed(cells):
                continue
            assert next_level is not None  # at the last level every part of the map is full
            grown = piece_around(next_level, cells)
            deeper = [z for z in depths if z > level]
            if not is_closed(grown):
                leaks = [z for z in deeper if not is_closed(piece_around(z, cells))]
            elif np.unique(labels[grown & (labels > 0)]).size > 1:
                leaks = [z for z in deeper if (piece_around(z, cells) & (labels > 0) & ~cells).any()]
            else:
                continue
            around = [c for c in found if (np.pad(c.cells, 1) & cells).any()]
            parent = min(around, key=lambda c: c.cells.sum(), default=None)
            found.append(ReferenceClosure(cells[1:-1, 1:-1], leaks[0], parent))
    return found


def _inside_and_open(
    depth: NDArray, valid: NDArray | None, faults: NDArray | None, fault_rule: Mapping[int, str] | str, edge: str
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Cells of the map and open cells, (H + 2, W + 2), with the frame around the map."""
    inside = np.isfinite(depth) & (True if valid is None else valid)
    open_ = np.full(depth.shape, False) if edge == "closed" else ~inside
    if faults is not None:
        rules = {k: fault_rule for k in np.unique(faults) if k} if isinstance(fault_rule, str) else fault_rule
        for fault, rule in rules.items():
            if rule != "transparent":
                cells = inside & (faults == fault)
                inside = inside & ~cells
                if rule == "leaking":
                    open_ = open_ | cells
    return np.pad(inside, 1), np.pad(open_, 1, constant_values=edge == "open")
