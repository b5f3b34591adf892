"""Numbers of text grids: which values are undefined."""

import numpy as np

from targets.io.grids.text_numbers import null_to_nan


def test_a_null_is_found_though_rounded_and_no_depth_is_taken_for_it() -> None:
    values = np.array([-999.25, -999.2500001, -999.0, 999.25, 2000.0, 1e30, -1e30])
    null_to_nan(values, -999.25)
    np.testing.assert_array_equal(values, [np.nan, np.nan, -999.0, 999.25, 2000.0, np.nan, np.nan])


def test_without_a_null_only_huge_numbers_are_undefined() -> None:
    values = np.array([0.0, -999.25, 9e28, 1e29])
    null_to_nan(values, None)
    np.testing.assert_array_equal(values, [0.0, -999.25, 9e28, np.nan])
