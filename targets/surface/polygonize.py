"""Polygons of labelled cells: exact outlines along the sides of the cells, holes as rings of their own."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.features import shapes

Ring = NDArray[np.float64]  # (n, 2) rows and columns of cell corners, the first one repeated at the end


@dataclass(frozen=True, eq=False)
class CellPolygon:
    """One polygon: cells of one label that join by their sides.

    Attributes
    ----------
    label : int
        The label of its cells.
    rings : list[Ring]
        The outer one first, clockwise where rows run down, then its holes, counter-clockwise; a ring never meets
        itself, so the polygon is valid in every GIS.
    """

    label: int
    rings: list[Ring]

    @property
    def area(self) -> int:
        """How many cells it covers."""
        return round(sum(map(_signed_area, self.rings)))


def polygonize_labels(labels: NDArray[np.integer]) -> list[CellPolygon]:
    """Outline labelled cells exactly.

    Parameters
    ----------
    labels : (H, W) int
        0 = none.

    Returns
    -------
    list[CellPolygon]
        Ordered by label, then by their first cell, row by row. Cells that only touch at a corner are two polygons of
        one label. The corners of cell (r, c) lie at (r ± 0.5, c ± 0.5). Points on straight lines are left out.

    Examples
    --------
    >>> (polygon,) = polygonize_labels(np.array([[0, 7], [0, 7]]))
    >>> polygon.label, polygon.area, polygon.rings[0].tolist()
    (7, 2, [[-0.5, 0.5], [-0.5, 1.5], [1.5, 1.5], [1.5, 0.5], [-0.5, 0.5]])
    """
    cells = np.asarray(labels, np.int32)
    found = []
    for geometry, value in shapes(cells, mask=cells != 0, connectivity=4):
        # GDAL gives (x, y) of corners counted from 0, counter-clockwise where rows run down.
        outer, *holes = (_from_first_corner(np.array(ring)[::-1, ::-1] - 0.5) for ring in geometry["coordinates"])
        holes.sort(key=lambda hole: (-_signed_area(hole), *hole[0]))  # small ones first
        found.append(CellPolygon(int(value), [outer, *holes]))
    return sorted(found, key=lambda polygon: (polygon.label, *polygon.rings[0][0]))


def cell_rings(labels: NDArray[np.integer]) -> list[Ring]:
    """Give the rings of all polygons of labelled cells.

    Parameters
    ----------
    labels : (H, W) int
        As in `polygonize_labels`.

    Returns
    -------
    list[Ring]
        Outer ones and holes, polygon by polygon.
    """
    return [ring for polygon in polygonize_labels(labels) for ring in polygon.rings]


def _from_first_corner(ring: Ring) -> Ring:
    """The closed ring from the start of its uppermost, then leftmost side that runs right."""
    starts = ring[:-1]
    eastward = np.flatnonzero(starts[:, 1] < ring[1:, 1])
    first = eastward[np.lexsort(starts[eastward].T[::-1])[0]]
    turned = np.roll(starts, -first, axis=0)
    return np.vstack([turned, turned[:1]])


def _signed_area(ring: NDArray) -> float:
    """Area, positive where the ring runs clockwise on the page (rows run down)."""
    (row, col), (next_row, next_col) = ring[:-1].T, ring[1:].T
    return float((col * next_row - next_col * row).sum()) / 2
