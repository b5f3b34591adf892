"""Which polygons do labelled cells cover? Exact outlines, corner by corner, their area that of the cells."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label

Ring = NDArray[np.float64]  # (n, 2) rows and columns of cell corners, the first one repeated at the end


@dataclass(frozen=True, eq=False)
class CellPolygon:
    """One polygon: cells of one label that join by their sides.

    Attributes
    ----------
    rings : list[Ring]
        The outer one first, holes after it; a ring never meets itself, so the polygon is valid in every GIS.
    """

    label: int
    rings: list[Ring]

    @property
    def area(self) -> int:
        """How many cells it covers."""
        return round(sum(map(_turned_area, self.rings)))


def polygonize_labels(labels: NDArray[np.integer]) -> list[CellPolygon]:
    """The exact outlines of labelled cells.

    Parameters
    ----------
    labels : (H, W)
        Integers, 0 = none.

    Returns
    -------
    polygons : ordered by label. Cells that only touch at a corner are two polygons of one label. The corners of cell
        (r, c) lie at (r ± 0.5, c ± 0.5). Points on straight lines are left out.
    """
    parts = label(labels, connectivity=1, background=0)
    found = []
    for number, box in enumerate(ndimage.find_objects(parts), 1):
        offset = np.array([box[0].start, box[1].start]) - 0.5
        cells = parts[box] == number
        rings = [ring + offset for ring in _rings(cells)]
        row, col = np.unravel_index(cells.argmax(), cells.shape)
        found.append(CellPolygon(int(labels[box][row, col]), rings))
    return sorted(found, key=lambda polygon: polygon.label)


def cell_rings(labels: NDArray[np.integer]) -> list[Ring]:
    """The rings of all `cell_polygons`."""
    return [ring for polygon in polygonize_labels(labels) for ring in polygon.rings]


def _rings(cells: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Rings of corner numbers around one 4-connected part, the outer one first.

    Every side between a cell and what is not is walked with the cell on the right. Where four sides meet at a corner,
    the walk turns left, that is, it stays with what is outside: so a hole that touches another or the outline at a
    corner gets its own ring, and because the cells of a part join by their sides, no ring meets itself.
    """
    inside = np.pad(cells, 1).astype(np.int8)
    width = inside.shape[1] + 1
    down = inside[1:, 1:-1] - inside[:-1, 1:-1]  # (rows + 1, cols): +1 = the cell lies below the side
    right = inside[1:-1, 1:] - inside[1:-1, :-1]  # (rows, cols + 1): +1 = the cell lies to the right of the side
    # Sides as (start, end): East with the cell below, West with it above, North with it right, South with it left.
    sides: list[tuple[NDArray[np.int64], ...]] = []
    for change, sign, first, last in [(down, 1, 0, 1), (down, -1, 1, 0), (right, 1, width, 0), (right, -1, 0, width)]:
        rows, cols = np.nonzero(change == sign)
        corner = rows * width + cols
        sides.append((corner + first, corner + last, np.full(rows.size, len(sides))))
    start, end, heading = (np.concatenate([side[i] for side in sides]) for i in range(3))
    after = _next_sides(start, end, heading).tolist()
    seen = [False] * len(after)
    rings: list[NDArray[np.int64]] = []
    for side in range(len(after)):
        walk = []
        while not seen[side]:
            seen[side] = True
            walk.append(side)
            side = after[side]
        if walk:
            rings.append(_straightened(np.stack(np.divmod(start[walk], width), axis=1)))
    rings.sort(key=_turned_area, reverse=True)  # clockwise on the page is the outer one; holes turn the other way
    return rings


def _next_sides(start: NDArray, end: NDArray, heading: NDArray) -> NDArray[np.int64]:
    """For every side the one that follows it: the only one that starts at its end, or of two the left turn."""
    order = np.lexsort((heading, start))
    sorted_start = start[order]
    low, high = np.searchsorted(sorted_start, end, "left"), np.searchsorted(sorted_start, end, "right")
    turn = np.array([2, 3, 1, 0])  # East turns North, West turns South, North turns West, South turns East
    first = order[low]
    second = order[high - 1]
    return np.where(heading[second] == turn[heading], second, first)


def _straightened(ring: NDArray[np.int64]) -> NDArray[np.int64]:
    """Without the points on straight lines, closed."""
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    ring = ring[(before != after).any(axis=1)]
    return np.vstack([ring, ring[:1]])


def _turned_area(ring: NDArray) -> float:
    """Area, positive where the ring turns clockwise on the page (rows run down)."""
    (row, col), (next_row, next_col) = ring[:-1].T, ring[1:].T
    return float((col * next_row - next_col * row).sum()) / 2
