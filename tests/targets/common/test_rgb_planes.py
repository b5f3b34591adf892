"""Least, largest and difference of three planes equal NumPy's own reductions."""

import numpy as np

from targets.common.rgb_planes import colourfulness, strongest, weakest


def test_the_same_as_reductions_of_three() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    np.testing.assert_array_equal(weakest(colours), colours.min(axis=2))
    np.testing.assert_array_equal(strongest(colours), colours.max(axis=2))
    np.testing.assert_array_equal(colourfulness(colours), np.ptp(colours, axis=2))
