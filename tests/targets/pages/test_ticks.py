"""Scales through ticks: laws of the fit, whatever single numbers were read as."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targets.pages.text import TextBox
from targets.pages.ticks import fit_ticks, is_logarithmic, without_tick_mark


@settings(max_examples=30, deadline=None)
@given(
    st.integers(5, 12),
    st.floats(-50, 50).filter(lambda slope: abs(slope) > 0.01),
    st.floats(-1e4, 1e4),
    st.lists(st.floats(-1e5, 1e5), min_size=2, max_size=2),
)
def test_two_misread_numbers_do_not_move_a_scale(count, slope, offset, wrong):
    at = 20.0 * np.arange(count)
    values = [(float(offset + slope * place),) for place in at]
    values[1], values[3] = (wrong[0],), (wrong[1],)
    scale = fit_ticks(at.tolist(), values)
    if scale is None:
        assert count <= 5  # three of five agree, unless the wrong ones make another three
        return
    if len(scale.values) > 3:
        assert scale.slope == pytest.approx(slope, rel=0.05)


def test_fewer_than_three_that_agree_are_none():
    assert fit_ticks([0, 20, 40], [(1.0,), (7.0,), (3.5,)]) is None
    assert fit_ticks([0, 100], [(1.0,), (2.0,)]) is None
    assert fit_ticks([0, 100], [(1.0,), (2.0,)], least=2).slope == pytest.approx(0.01)


def test_of_two_meanings_the_one_that_all_ticks_share_counts():
    scale = fit_ticks([0, 20, 40, 60], [(980.0,), (1.0, 1000.0), (1.02, 1020.0), (1.04, 1040.0)])
    assert scale.values.tolist() == [980, 1000, 1020, 1040]


def test_a_linear_scale_is_not_logarithmic_and_a_geometric_one_is_not_linear():
    at, powers = [0.0, 20, 40, 60], [(1.0,), (10.0,), (100.0,), (1000.0,)]
    assert fit_ticks(at, powers) is None and is_logarithmic(at, powers)
    assert not is_logarithmic(at, [(1.0,), (2.0,), (3.0,), (4.0,)])


@pytest.mark.parametrize(("has_mark", "has_sign"), [(True, True), (True, False), (False, True)])
def test_a_mark_is_no_sign_and_a_sign_is_kept(has_mark, has_sign):
    page = np.full((40, 80, 3), 255, np.uint8)
    page[:, :20] = (30, 90, 200)
    page[:, 20] = 0
    if has_mark:
        page[20, 20:25] = 0
    if has_sign:
        page[20, 28:32] = 0
    for col in (35, 43, 51):  # digits
        page[15:26, col : col + 2] = 0
    box = (15, 28 if has_sign else 21, 26, 55)
    assert without_tick_mark(page, TextBox("-120", box), 20).text == ("-120" if has_sign else "120")
