"""Contour intervals: 1, 2 or 5 times a power of ten, 15 to 25 lines on a map."""

import pytest

from targets.surface.contour_interval import nice_interval


@pytest.mark.parametrize("relief", [0.37, 8, 42, 386, 826, 5000])
def test_nice_interval_gives_15_to_25_contours_or_nearly(relief):
    interval = nice_interval(1500, 1500 + relief)
    assert 12 <= relief / interval <= 32
    assert float(f"{interval:.0e}"[0]) in (1, 2, 5)
