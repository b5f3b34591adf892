"""Simplified polygons: fewer points within a distance, and no new contact between outlines."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from targets.common.optional_import import import_optional
from targets.errors import UserError
from targets.surface.polygonize import Ring

Polygons = list[list[Ring]]  # of one feature, each a list of rings, the outer one first


def simplify_polygons(
    features: Sequence[Polygons], tolerance: float, cell: tuple[float, float] = (1.0, 1.0)
) -> list[Polygons]:
    """Leave out points of outlines that lie within a distance of the line between the points that are kept.

    Douglas and Peucker (1973), over all features together: no ring meets itself or another one that it did not meet
    before (the topology-preserving simplifier of GEOS). Outlines along the sides of cells that features have in common
    keep their points.

    Parameters
    ----------
    features : Sequence[Polygons]
        In rows and columns.
    tolerance : float
        The distance, in map units; where a ring begins it can be half as much again.
    cell : tuple[float, float], default (1.0, 1.0)
        Height and width of a cell, in map units.

    Returns
    -------
    list[Polygons]
        The same features with the same rings.

    Raises
    ------
    UserError
        The tolerance is no distance, or a library is missing.

    Examples
    --------
    >>> ring = np.array([[0, 0], [0, 2], [0.1, 4], [0, 6], [6, 6], [6, 0], [0, 0]])
    >>> [[[simple]]] = simplify_polygons([[[ring]]], 20.0, (50.0, 50.0))
    >>> simple.tolist()
    [[0.0, 0.0], [0.0, 6.0], [6.0, 6.0], [6.0, 0.0], [0.0, 0.0]]
    """
    check_tolerance(tolerance)
    if tolerance == 0 or not features:
        return list(features)
    shapely = import_optional("shapely", "--simplify")
    scale = np.array(cell, np.float64)
    shapes = shapely.GeometryCollection([
        shapely.MultiPolygon([shapely.Polygon(polygon[0] * scale, [hole * scale for hole in polygon[1:]])
                              for polygon in polygons])
        for polygons in features
    ])  # fmt: skip
    simple = shapely.simplify(shapes, tolerance, preserve_topology=True)
    return [
        [[_ring(ring, scale) for ring in (part.exterior, *part.interiors)] for part in getattr(shape, "geoms", [shape])]
        for shape in simple.geoms
    ]


def check_tolerance(tolerance: float) -> None:
    """Refuse a tolerance that is no distance.

    Raises
    ------
    UserError
        It is negative, infinite, or no number.
    """
    if not 0 <= tolerance < np.inf:
        raise UserError("--simplify", f"{tolerance:g}", "a distance in map units, or 0 to keep all points")


def _ring(ring: object, scale: NDArray[np.float64]) -> Ring:
    return np.asarray(ring.coords, np.float64) / scale  # type: ignore[attr-defined]
