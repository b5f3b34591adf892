"""Areas and lengths on the ellipsoid: of cells of a grid in degrees, and of paths over it."""

import numpy as np
from numpy.typing import NDArray

Ellipsoid = tuple[float, float]  # semi-axes in metres
WGS84: Ellipsoid = (6378137.0, 6356752.314245179)


def geographic_cell_areas(
    latitude: NDArray[np.float64], height: float, width: float, ellipsoid: Ellipsoid = WGS84
) -> NDArray[np.float64]:
    """Compute the areas of cells between two parallels and two meridians, exactly.

    Parameters
    ----------
    latitude : float64 array, any shape
        Of the centres of the cells, in degrees; a cell ends at a pole.
    height, width : float
        Of a cell, in degrees.
    ellipsoid : tuple[float, float], default WGS84
        Semi-axes in metres.

    Returns
    -------
    float64 array
        Square metres, in the shape of `latitude`.

    Examples
    --------
    The whole Earth in two cells:

    >>> float(geographic_cell_areas(np.array([45.0, -45.0]), 90, 360).sum() / 1e12)
    510.07
    """
    from pyproj import Proj

    # Lambert's cylindrical projection keeps areas, and leaves lengths along the equator.
    equal_area = Proj(proj="cea", a=ellipsoid[0], b=ellipsoid[1])
    edges = np.clip(np.stack([latitude - abs(height) / 2, latitude + abs(height) / 2]), -90, 90)
    _, y = equal_area(np.zeros_like(edges), edges)
    return np.radians(abs(width)) * ellipsoid[0] * np.abs(y[1] - y[0])


def geodesic_length(longitude: NDArray, latitude: NDArray, ellipsoid: Ellipsoid = WGS84) -> float:
    """Length in metres of a path over points given in degrees.

    Examples
    --------
    >>> round(geodesic_length([0, 1], [0, 0]))
    111319
    """
    from pyproj import Geod

    return float(Geod(a=ellipsoid[0], b=ellipsoid[1]).line_length(longitude, latitude))
