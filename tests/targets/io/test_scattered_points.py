"""Scattered points: the grid they came from is found again."""

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.read_options import ReadOptions
from targets.io.scattered_points import grid_scattered_points
from targets.scene import GeoReference


@pytest.mark.parametrize("rotation", [0.0, 1.6, 33.0, -44.0, 66.6, 170.0])
@pytest.mark.parametrize("spacing", [(50.0, -50.0), (12.5, -25.0), (10.0, -140.0)])
def test_points_in_any_order_find_their_grid(rotation: float, spacing: tuple[float, float]) -> None:
    rng = np.random.default_rng(3)
    geo = GeoReference(461000.0, 5926000.0, *spacing, rotation)
    r, c = (v.ravel() for v in np.indices((60, 90)))
    kept = rng.permutation(len(r))[: int(0.8 * len(r))]
    x, y = geo.xy(r[kept], c[kept])
    # Exports round to centimetres; the depth of a node tells where it belongs.
    surface = grid_scattered_points(x.round(2), y.round(2), 1000.0 * r[kept] + c[kept])
    values, found = surface.values, surface.geo
    assert np.isfinite(values).sum() == len(kept)
    # The axes may be named the other way round, so compare places and not rows.
    rows, cols = np.nonzero(np.isfinite(values))
    node = values[rows, cols]
    np.testing.assert_allclose(found.xy(rows, cols), geo.xy(node // 1000, node % 1000), rtol=0, atol=1e-3)
    assert found.dx > 0 > found.dy and -45.01 < found.rotation < 45.01


def test_points_off_a_grid_are_refused() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 500)) * 1000
    with pytest.raises(UserError, match="regular grid"):
        grid_scattered_points(x, y, x)
    with pytest.raises(UserError, match="on one line"):
        grid_scattered_points(np.arange(9.0), 2 * np.arange(9.0), x[:9])
    with pytest.raises(UserError, match="too few"):
        grid_scattered_points(x[:3], y[:3], x[:3])


def grid_of(rows: int, cols: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r, c = (v.ravel() for v in np.indices((rows, cols)))
    return 25.0 * c, -50.0 * r, 2000.0 + 3 * r + c


def doubled(extra: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The grid with second depths on 12 of its 30 nodes, the last of them `extra` away."""
    x, y, z = grid_of(5, 6)
    again = np.arange(12)
    return np.r_[x, x[again]], np.r_[y, y[again]], np.r_[z, z[again] + extra]


@pytest.mark.parametrize("extra", [70.0, -70.0])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("turned", [False, True])
def test_of_two_depths_the_shallower_one_is_taken_whatever_the_sign_and_the_order(
    extra: float, sign: int, turned: bool
) -> None:
    x, y, z = (values[::-1] if turned else values for values in doubled(extra))
    surface = grid_scattered_points(x, y, sign * z)
    expected = grid_of(5, 6)[2] + np.where(np.arange(30) < 12, min(extra, 0), 0)
    np.testing.assert_array_equal(sign * surface.values.ravel(), expected)
    assert surface.notes[0].startswith("12 nodes hold several depths, up to 70 apart: the shallower one is taken")
    assert surface.fault is None


def test_two_depths_may_be_their_mean_or_a_fault() -> None:
    mean = grid_scattered_points(*doubled(70.0), ReadOptions(duplicates="mean"))
    np.testing.assert_array_equal(mean.values.ravel()[:13] - grid_of(5, 6)[2][:13], [35.0] * 12 + [0.0])
    fault = grid_scattered_points(*doubled(70.0), ReadOptions(duplicates="fault"))
    assert fault.fault is not None and fault.fault.ravel().tolist() == [True] * 12 + [False] * 18
    np.testing.assert_array_equal(fault.values.ravel(), grid_of(5, 6)[2])
    assert "their mean is taken" in mean.notes[0] and "they are fault cells" in fault.notes[0]


def test_equal_points_are_one_and_a_null_is_no_depth() -> None:
    assert grid_scattered_points(*doubled(0.0)).notes == ()
    x, y, z = doubled(0.0)
    z[-12:] = -9999.0
    surface = grid_scattered_points(x, y, z)
    np.testing.assert_array_equal(surface.values.ravel(), grid_of(5, 6)[2])
    assert surface.notes == ()


def test_several_surfaces_in_one_table_are_refused() -> None:
    x, y, z = (np.tile(values, 2) for values in grid_of(5, 6))
    z[30:] += 100
    with pytest.raises(UserError, match="30 of 30 nodes hold several depths, up to 100 apart: the table holds several"):
        grid_scattered_points(x, y, z)


@pytest.mark.parametrize("digits", [0, 1, 3])
@pytest.mark.parametrize("missing", ["row", "column", "hole", "corner"])
def test_rounded_coordinates_and_missing_nodes_change_no_place(digits: int, missing: str) -> None:
    geo = GeoReference(461000.0, 5926000.0, 25.0, -12.5, 12.0)
    r, c = (v.ravel() for v in np.indices((40, 60)))
    gone = {"row": r == 7, "column": c == 9, "hole": np.hypot(r - 20, c - 30) < 9, "corner": r + c < 20}[missing]
    x, y = geo.xy(r[~gone], c[~gone])
    surface = grid_scattered_points(x.round(digits), y.round(digits), 100.0 * r[~gone] + c[~gone])
    assert surface.values.shape == (40, 60) and np.isfinite(surface.values).sum() == (~gone).sum()
    np.testing.assert_allclose(surface.geo.xy(0, 0), geo.xy(0, 0), rtol=0, atol=0.2)
    assert abs(surface.geo.rotation - 12.0) < 0.02


def test_an_unrotated_grid_has_round_numbers() -> None:
    x, y, z = grid_of(50, 40)
    surface = grid_scattered_points(x + 461000.01, y + 5932000.25, z)
    assert surface.geo == GeoReference(461000.01, 5932000.25, 25.0, -50.0)
