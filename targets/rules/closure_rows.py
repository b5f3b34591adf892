"""Closures of one map under many rules, from one search: how large each is, and how much of it was drawn."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from targets.closure import Closures, find_nesting
from targets.closure.arguments import dilate
from targets.closure.kernels.compiled import compiled
from targets.rules.drawn_maps import DrawnMap
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import contours_of, search_closures

LEAST_ALIKE = 0.2  # of IoU: a closure that is less like what was drawn in it was not drawn
LEAST_NESTED = 9  # cells of a culmination that may be a trap by itself


class ClosureRows(NamedTuple):
    """The closures of one map under one rule.

    Attributes
    ----------
    area : (N,) float64
        Cells of the map as it was given.
    height : (N,) float64
        From crest to spill point, in depth units.
    drawn : (N,) float64
        Cells of it that were drawn as trap.
    matched : (N,) float64
        Number of drawn traps that match it: that lie in it by a quarter, or fill half of it; 0 where all of it and
        them are little alike.
    outline : (N,) float64
        Length of the outlines of these, in cells.
    gap : (N,) float64
        Mean distance in cells between its outline and theirs.
    touches_fault : (N,) bool
        Whether it touches a fault.
    parent : (N,) int64
        Place of the closure around it, -1 = none; rows of outermost closures come before those of nested ones.
    """

    area: NDArray[np.float64]
    height: NDArray[np.float64]
    drawn: NDArray[np.float64]
    matched: NDArray[np.float64]
    outline: NDArray[np.float64]
    gap: NDArray[np.float64]
    touches_fault: NDArray[np.bool_]
    parent: NDArray[np.int64]


def closure_rows(drawn: DrawnMap, rules: Sequence[TrapCriteria]) -> Iterator[tuple[TrapCriteria, ClosureRows]]:
    """List the closures of a map under each of several rules, whose thresholds do not count.

    Closures are searched once for each fault rule, edge and neighbourhood; those that end at contours are what lies
    above a contour inside the closures down to the spill points. Only culminations that are traps of their own take a
    search for every contour.

    Parameters
    ----------
    drawn : DrawnMap
        The map.
    rules : Sequence[TrapCriteria]
        Rules of closure.

    Yields
    ------
    rule : TrapCriteria
    rows : ClosureRows
        The outermost closures; with culminations apart also the nested ones.
    """
    ordered = sorted(rules, key=_tree)
    for tree, members in groupby(ordered, key=_tree):
        closures = near_fault = None
        for rule in members:
            if rule.culminations == "single":
                yield rule, _nested_rows(drawn, rule)
                continue
            if closures is None or near_fault is None:
                closures = search_closures(drawn.scene, rule)
                near_fault = dilate(drawn.scene.fault, tree[2])
            yield rule, _rows_at_contours(drawn, closures, near_fault, rule)


def _tree(rule: TrapCriteria) -> tuple[str, str, int]:
    """What a search depends on."""
    return rule.faults, rule.edge, rule.connectivity


def _nested_rows(drawn: DrawnMap, rule: TrapCriteria) -> ClosureRows:
    """Rows of outermost and nested closures, from a search of their own."""
    closures = search_closures(drawn.scene, rule, *contours_of(drawn.scene, rule), min_area=LEAST_NESTED)
    table, parent = closures.table, closures.table["parent"].astype(np.int64) - 1
    shared = _shared_cells(find_nesting(closures).innermost, drawn.labels, table.size + 1)[1:]
    for k in range(table.size - 1, -1, -1):  # parents stand before what lies inside them
        if parent[k] >= 0:
            shared[parent[k]] += shared[k]
    area = table["area"].astype(np.float64)
    return _rows(drawn, area, table["height"].copy(), shared, table["touches_fault"].copy(), parent)


def _shared_cells(pieces: NDArray[np.int32], labels: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    """(count, M + 1) cells that each piece shares with each drawn trap; the first column is nothing."""
    places = np.flatnonzero(labels)
    piece, trap = pieces.ravel()[places], labels.ravel()[places]
    width = int(labels.max(initial=0)) + 1
    shared = np.bincount(piece.astype(np.int64) * width + trap, minlength=count * width)
    return shared.reshape(count, width).astype(np.float64)


def _rows(
    drawn: DrawnMap, area: NDArray[np.float64], height: NDArray[np.float64], shared: NDArray[np.float64],
    touches: NDArray[np.bool_], parent: NDArray[np.int64],
) -> ClosureRows:  # fmt: skip
    """Rows from cells (N,) and from the cells (N, M + 1) that closures share with drawn traps."""
    traps, cell = drawn.areas, drawn.scene.coarsening
    matches = ((shared >= traps / 4) | (shared >= area[:, None] / 2)) & (shared > 0)
    inside = shared.sum(axis=1)
    union = area + np.where(matches, traps - shared, 0).sum(axis=1)
    matches &= (inside >= LEAST_ALIKE * union)[:, None]
    outline = np.where(matches, drawn.outlines, 0).sum(axis=1)
    gap = (union - inside) / np.maximum(outline, 1)
    return ClosureRows(area * cell**2, height, inside * cell**2, matches.sum(axis=1).astype(np.float64),
                       outline * cell, gap * cell, touches, parent)  # fmt: skip


def rows_of_labels(drawn: DrawnMap, labels: NDArray[np.int32]) -> ClosureRows:
    """Rows of traps (H, W) by their labels 1 to N, without heights and contact with faults."""
    area = np.bincount(labels.ravel()).astype(np.float64)
    count = len(area) - 1
    shared = _shared_cells(labels, drawn.labels, count + 1)[1:]
    return _rows(drawn, area[1:], np.zeros(count), shared, np.zeros(count, bool), np.full(count, -1))


def _rows_at_contours(
    drawn: DrawnMap, closures: Closures, near_fault: NDArray[np.bool_], rule: TrapCriteria
) -> ClosureRows:
    """Rows of outermost closures that end at a rule's contours, or at their spill points."""
    table = closures.table
    count = int(closures.labels.max(initial=0))
    interval, base = contours_of(drawn.scene, rule)
    spill = table["spill_depth"][:count]
    if interval is None:
        pieces, sums = closures.labels, _PieceSums.zeros(count + 1)
        owner: NDArray[np.integer] = np.arange(count + 1)
        sum_pieces(pieces, drawn.scene.depth, near_fault, *sums)
    else:
        level = base + (np.ceil((spill - base) / interval) - 1) * interval
        level = np.append(-np.inf, np.where(level < spill, level, level - interval))
        above = np.empty(closures.labels.shape, np.uint8)
        keep_above(closures.labels, drawn.scene.depth, level, above)
        number, pieces = cv2.connectedComponents(above, connectivity=rule.connectivity, ltype=cv2.CV_32S)
        sums = _PieceSums.zeros(number)
        sum_pieces(pieces, drawn.scene.depth, near_fault, *sums)
        owner = closures.labels.ravel()[sums.cell]
    heights = np.append(0.0, spill)[owner] - sums.crest
    area, shared = sums.area[1:], _shared_cells(pieces, drawn.labels, len(heights))[1:]
    return _rows(drawn, area, heights[1:], shared, sums.touches[1:], np.full(len(area), -1))


class _PieceSums(NamedTuple):
    """Sums over the cells of each piece; crest: least depth; cell: flat index of one of its cells."""

    area: NDArray[np.float64]
    crest: NDArray[np.float64]
    cell: NDArray[np.int64]
    touches: NDArray[np.bool_]

    @classmethod
    def zeros(cls, count: int) -> "_PieceSums":
        """Sums of nothing."""
        return cls(np.zeros(count), np.full(count, np.inf), np.zeros(count, np.int64),
                   np.zeros(count, np.bool_))  # fmt: skip


@compiled(nogil=True)
def keep_above(
    labels: NDArray[np.int32], depth: NDArray[np.float32], level: NDArray[np.float64], above: NDArray[np.uint8]
) -> None:
    """Write 1 where a labelled cell is no deeper than the level of its label, else 0."""
    for row in range(labels.shape[0]):
        for col in range(labels.shape[1]):
            above[row, col] = depth[row, col] <= level[labels[row, col]]


@compiled(nogil=True)
def sum_pieces(
    pieces: NDArray[np.int32], depth: NDArray[np.float32], near_fault: NDArray[np.bool_],
    area: NDArray[np.float64], crest: NDArray[np.float64], cell: NDArray[np.int64],
    touches: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Write the sums of `_PieceSums` over the cells of pieces 1 to N, (H, W); 0 = none."""
    rows, cols = pieces.shape
    for row in range(rows):
        for col in range(cols):
            k = pieces[row, col]
            if k > 0:
                area[k] += 1
                crest[k] = min(crest[k], depth[row, col])
                cell[k] = row * cols + col
                touches[k] |= near_fault[row, col]
