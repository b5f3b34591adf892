"""Holes: known cells never change, a plane stays a plane, and voids are separated from the outside."""

import numpy as np
import pytest

from targets.surface.fill import fill_holes, find_fault_gaps
from targets.surface.outline import inside_of_map

METHODS = ("inpaint", "griddata")


def plane(shape: tuple[int, int] = (40, 50)) -> np.ndarray:
    r, c = np.mgrid[: shape[0], : shape[1]]
    return (1700 + 2.0 * r + 3.0 * c).astype(np.float32)


@pytest.mark.parametrize("method", METHODS)
def test_known_cells_stay_bit_for_bit_and_the_rest_is_finite(method: str) -> None:
    rng = np.random.default_rng(0)
    depth = rng.normal(2000, 50, (30, 40)).astype(np.float32)
    known = rng.random((30, 40)) > 0.3
    holey = np.where(known, depth, np.nan)
    filled = fill_holes(holey, known, np.ones_like(known), method)
    np.testing.assert_array_equal(filled[known], depth[known])
    assert np.isfinite(filled).all() and filled.dtype == np.float32
    assert np.isnan(holey).any()  # the input is left alone


@pytest.mark.parametrize(("method", "error"), [("griddata", 1e-3), ("inpaint", 3.0)])
def test_a_slope_goes_on_under_a_fault_void(method: str, error: float) -> None:
    depth, known = plane(), np.ones((40, 50), bool)
    known[5:35, 20:23] = False
    filled = fill_holes(np.where(known, depth, np.nan), known, np.ones_like(known), method)
    assert np.abs(filled - depth).max() <= error  # 3 of the 12 m between the rims


@pytest.mark.parametrize("method", METHODS)
def test_the_unit_does_not_change_the_surface(method: str) -> None:
    """OpenCV's other method, and the unscaled one, round depths between 0 and 1 to whole numbers."""
    known = np.ones((40, 50), bool)
    known[10:14, 10:40] = False
    metres = fill_holes(plane(), known, np.ones_like(known), method)
    unit = fill_holes((plane() - 1700) / 300, known, np.ones_like(known), method)
    np.testing.assert_allclose(unit * 300 + 1700, metres, atol=1e-2)


def test_cells_outside_repeat_the_nearest_known_cell() -> None:
    depth = np.full((5, 6), np.nan)
    depth[2, 1], depth[2, 4] = 7, 9
    known = np.isfinite(depth)
    filled = fill_holes(depth, known, known)
    np.testing.assert_array_equal(filled, np.repeat([[7, 7, 7, 9, 9, 9]], 5, axis=0))


def test_griddata_takes_the_nearest_cell_where_no_triangle_reaches() -> None:
    depth, known = plane((6, 8)), np.ones((6, 8), bool)
    known[:, 6:] = False
    filled = fill_holes(depth, known, np.ones_like(known), "griddata")
    np.testing.assert_array_equal(filled[:, 6:], np.repeat(depth[:, 5:6], 2, axis=1))
    line = np.zeros((6, 8), bool)
    line[2] = True  # known cells on one line span no triangle
    assert np.isfinite(fill_holes(depth, line, np.ones_like(line), "griddata")).all()


def test_wrong_calls_say_so() -> None:
    none = np.zeros((3, 3), bool)
    with pytest.raises(ValueError, match="no cell has a known depth"):
        fill_holes(np.zeros((3, 3)), none, ~none)
    with pytest.raises(ValueError, match="NaN"):
        fill_holes(np.full((3, 3), np.nan), ~none, ~none)
    with pytest.raises(ValueError, match="known: inpaint, griddata"):
        fill_holes(np.zeros((3, 3)), ~none, ~none, "spline")


def test_ragged_borders_are_no_faults_and_gaps_that_part_the_map_are() -> None:
    known = np.ones((60, 80), bool)
    known[10:40, 20:23] = False  # a gap inside
    enclosed = ~known
    known[:, 60:62] = False  # a gap from edge to edge
    parting = ~known & ~enclosed
    known[:5, 30:33] = False  # notches of a ragged border
    known[20:24, 0] = False
    known[52:, :8] = False  # a cut-off corner: outside
    known[51, 2:6] = False  # and a notch beside it
    inside = inside_of_map(known)
    assert not inside[-1, 0] and inside[51, 3]
    np.testing.assert_array_equal(find_fault_gaps(known, inside), enclosed | parting)
    island = np.ones((60, 80), bool)
    island[:3, 40:50] = island[3, 40:50] = False
    island[1, 42:48] = True  # picks behind the notch are too few to make it a fault
    assert not find_fault_gaps(island, inside_of_map(island)).any()


def test_penobscot_is_ragged_and_fangst_is_faulted(shared_data) -> None:
    for name, faulted in [("penobscot/horizon_b_twt", 0), ("fangst/top_fangst", 192), ("f3/fs4_twt", 0)]:
        known = np.isfinite(np.load(shared_data / f"{name}.npz")["depth"])
        assert find_fault_gaps(known, inside_of_map(known)).sum() == faulted, name
