"""The Scene record refuses what is not a map, and Geo places rows and columns."""

import numpy as np
import pytest

from targets.errors import UserError
from targets.scene import Geo


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
        dome.with_(**change)


def test_depth_valid_lies_within_the_map(dome):
    outside = dome.map_valid.copy()
    outside[0] = False
    with pytest.raises(UserError, match="depth_valid"):
        dome.with_(map_valid=outside)


def test_the_normalised_depth_runs_from_shallowest_to_deepest(dome):
    norm = dome.depth_norm()
    assert norm.min() == 0 and norm.max() == 1
    assert norm[32, 32] == 0


def test_rotated_coordinates_by_hand():
    # Rotated by 90 degrees: columns run north, and rows (dy < 0) run east.
    geo = Geo(1000.0, 2000.0, 10.0, -20.0, rotation=90.0)
    x, y = geo.xy(1, 2)
    assert (float(x), float(y)) == pytest.approx((1020.0, 2020.0))
    assert [float(v) for v in geo.rowcol(x, y)] == pytest.approx([1.0, 2.0])


def test_without_a_location_coordinates_are_columns_and_rows():
    assert [float(v) for v in Geo().xy(3, 5)] == [5, 3]


def test_the_group_is_the_name_unless_given(dome):
    assert dome.group == "dome" and dome.with_(group="field").group == "field"
