"""The Scene record refuses what is not a map, and GeoReference places rows and columns."""

import numpy as np
import pytest

from targets.errors import UserError
from targets.scene import GeoReference


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"fault": np.zeros((3, 3), bool)}, "fault"),
        ({"map_valid": np.zeros((64, 64), bool)}, "empty"),
        ({"depth": np.full((64, 64), np.nan, np.float32)}, "NaN"),
        ({"depth": np.zeros((64, 64))}, "float64"),
        ({"rgb": np.zeros((64, 64), np.uint8)}, "rgb"),
        ({"salt": np.zeros((64, 64), np.uint8)}, "salt"),
    ],
)
def test_what_is_wrong_is_named(dome, change, word):
    with pytest.raises(UserError, match=word):
        dome.replace(**change)


def test_depth_valid_lies_within_the_map(dome):
    outside = dome.map_valid.copy()
    outside[0] = False
    with pytest.raises(UserError, match="depth_valid"):
        dome.replace(map_valid=outside)


def test_the_normalised_depth_runs_from_shallowest_to_deepest(dome):
    norm = dome.depth_norm()
    assert norm.min() == 0 and norm.max() == 1
    assert norm[32, 32] == 0


def test_rotated_coordinates_by_hand():
    # Rotated by 90 degrees: columns run north, and rows (dy < 0) run east.
    geo = GeoReference(1000.0, 2000.0, 10.0, -20.0, rotation=90.0)
    x, y = geo.xy(1, 2)
    assert (float(x), float(y)) == pytest.approx((1020.0, 2020.0))
    assert [float(v) for v in geo.rowcol(x, y)] == pytest.approx([1.0, 2.0])


def test_without_a_location_coordinates_are_columns_and_rows():
    assert [float(v) for v in GeoReference().xy(3, 5)] == [5, 3]


def test_the_group_is_the_name_unless_given(dome):
    assert dome.group == "dome" and dome.replace(group="field").group == "field"


@pytest.mark.parametrize(
    ("field", "value"),
    [("x0", np.nan), ("y0", 1e300), ("dx", 0.0), ("dy", -np.inf), ("rotation", np.nan), ("contour_interval", 0.0),
     ("contour_base", np.inf)],
)  # fmt: skip
def test_a_location_that_is_none_is_refused(field: str, value: float) -> None:
    with pytest.raises(UserError, match=f"location: {field} is"):
        GeoReference(**{"x0": 0.0, "y0": 0.0, "dx": 1.0, "dy": -1.0} | {field: value})


@pytest.mark.parametrize(
    "crs",
    ["http://127.0.0.1:9/x", "/etc/passwd", "file:///etc/passwd", "../a.prj", "+init=/a:1", "EPSG:1\n/etc/passwd",
     "+proj=utm +nadgrids=@/etc/passwd", "\\\\host\\share"],
)  # fmt: skip
def test_a_coordinate_system_is_no_address(crs: str) -> None:
    with pytest.raises(UserError, match="crs: "):
        GeoReference(crs=crs)


@pytest.mark.parametrize(
    "crs",
    ["EPSG:23031", "EPSG:23031+5701", "ED50 / UTM zone 31N", "urn:ogc:def:crs:EPSG::4326", "", None,
     "+proj=utm +zone=31 +ellps=intl", 'PROJCS["a/b",\nGEOGCS["c"]]'],
)  # fmt: skip
def test_a_coordinate_system_is_a_code_a_name_or_wkt(crs: str | None) -> None:
    assert GeoReference(crs=crs).crs == crs


@pytest.mark.parametrize(
    ("geo", "sides"),
    [
        (GeoReference(), (1, 1)),
        (GeoReference(dx=12.5, dy=-50.0), (2, 0.5)),
        (GeoReference(5.0, 60.0, 0.001, -0.001, crs="EPSG:4326"), (1.412, 0.708)),  # a degree east is half as long
    ],
    ids=["unknown", "oblong", "degrees"],
)
def test_sides_of_a_cell_are_those_on_the_ground(dome, geo, sides):
    assert dome.replace(geo=geo).cell_sides == pytest.approx(sides, abs=2e-3)
    assert dome.replace(geo=geo, coarsening=4.0).cell_sides == pytest.approx([4 * side for side in sides], abs=8e-3)
