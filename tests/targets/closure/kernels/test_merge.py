"""Depth limits of closures."""

import numpy as np
import pytest

from targets.closure.kernels.merge import contour_above, find_limits


@pytest.mark.parametrize("interval", [0.1, 0.3, 1 / 3, 7.0])
def test_the_contour_above_a_depth_is_the_last_one_strictly_above_it(interval: float) -> None:
    for base in (0.0, 0.7, -1900.1):
        levels = base + np.arange(-50, 4000) * interval
        for above, level, below in zip(levels[:-2:37], levels[1:-1:37], levels[2::37], strict=True):
            assert contour_above(level, interval, base) == above
            assert contour_above(np.nextafter(level, np.inf), interval, base) == level
            assert contour_above(below, interval, base) == level


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_no_depth_lies_between_the_limit_and_the_spill_depth(kind: type) -> None:
    spill = np.array([-7.25, 0.0, 0.1, 2000.0, 1e6], kind)
    limit = np.empty_like(spill)
    find_limits(spill, 0.0, 0.0, limit)
    assert (limit < spill).all() and (np.nextafter(limit, kind(np.inf)) == spill).all()
    find_limits(spill, 0.3, 0.1, limit)
    levels = np.array([contour_above(float(z), 0.3, 0.1) for z in spill])
    assert (limit <= levels).all() and (np.nextafter(limit, kind(np.inf)).astype(np.float64) > levels).all()
