"""Areas on the ellipsoid against those of geodesic polygons."""

import numpy as np
import pyproj
import pytest

from targets.scene import GeoReference
from targets.units.areas import geodesic_length, geographic_cell_areas


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4230", "EPSG:4807", "urn:ogc:def:crs:EPSG::4267"])
@pytest.mark.parametrize("latitude", [-75.0, 0.0, 31.0, 60.0, 84.0])
def test_cells_have_the_areas_of_geodesic_polygons(crs: str, latitude: float) -> None:
    step = 0.01
    unit = 0.9 if crs == "EPSG:4807" else 1.0  # grads
    geo = GeoReference(2.0 / unit, latitude / unit, step / unit, -step / unit, crs=crs)
    areas = geo.cell_areas((40, 3))
    ellipsoid = pyproj.CRS(crs).get_geod()
    west, east = 2.0 - step / 2, 2.0 + step / 2
    for row in (0, 20, 39):
        north = latitude - row * step + step / 2
        area, _ = ellipsoid.polygon_area_perimeter([west, west, east, east], [north, north - step, north - step, north])
        assert areas[row, 0] == pytest.approx(area, rel=1e-5)
    assert areas.shape == (40, 1)


def test_rotated_cells_keep_their_area_and_differ_from_cell_to_cell() -> None:
    shape = (30, 50)
    straight = GeoReference(5.0, 60.0, 0.002, -0.001, crs="EPSG:4326")
    turned = GeoReference(5.0, 60.0, 0.002, -0.001, rotation=90.0, crs="EPSG:4326")
    assert turned.cell_areas(shape).shape == shape
    # Turned by 90 degrees columns run north: a cell is as large as that of the straight grid at its latitude.
    assert turned.cell_areas(shape)[0, 0] == pytest.approx(straight.cell_areas(shape)[0, 0], rel=1e-6)
    assert np.ptp(turned.cell_areas(shape)[:, 0]) < 1e-6 < np.ptp(turned.cell_areas(shape)[0])


def test_the_poles_end_cells() -> None:
    whole = geographic_cell_areas(np.array([90.0, 0.0, -90.0]), 90, 360)
    assert whole.sum() == pytest.approx(510.0656e12, rel=1e-6) and whole[0] == pytest.approx(whole[2])
    assert geodesic_length([0, 0], [0, 90]) == pytest.approx(10_001_965.7, rel=1e-8)


@pytest.mark.parametrize(
    ("geo", "area", "spacing"),
    [
        (GeoReference(dx=10.0, dy=-20.0), 200.0, (10.0, 20.0)),
        (GeoReference(dx=10.0, dy=-20.0, xy_unit="m"), 200.0, (10.0, 20.0)),
        (GeoReference(dx=0.01, dy=-0.02, xy_unit="km"), 200.0, (10.0, 20.0)),
        (GeoReference(dx=10.0, dy=-20.0, xy_unit="feet"), 200 * 0.3048**2, (3.048, 6.096)),
        (GeoReference(), 1.0, (1.0, 1.0)),
        (GeoReference(xy_unit="ft"), 1.0, (1.0, 1.0)),
        (GeoReference(dx=0.1, dy=-0.2, xy_unit="degrees"), 0.02, (0.1, 0.2)),  # nowhere: the latitude is unknown
    ],
)
def test_other_cells_are_all_alike(geo: GeoReference, area: float, spacing: tuple[float, float]) -> None:
    assert geo.cell_areas((4, 5)).tolist() == [[pytest.approx(area)]]
    assert geo.ground_spacing((4, 5)) == pytest.approx(spacing)
    assert geo.units.is_metric == (geo.xy_unit in ("m", "km", "ft") and geo.dx is not None)
