"""Steepness: known on a plane up to the map's border, and blind to what lies outside."""

import numpy as np

from targets.surface.gradient import gradient_magnitude


def test_a_plane_is_equally_steep_everywhere_and_does_not_see_outside():
    rows, cols = np.indices((9, 12), np.float32)
    inside = np.ones((9, 12), bool)
    inside[:4, :5] = False
    plane = np.where(inside, 3 * rows - 4 * cols, 1e6).astype(np.float32)
    slope = gradient_magnitude(plane, inside)
    np.testing.assert_allclose(slope[inside], 5, rtol=1e-5)
    assert (slope[~inside] == 0).all() and slope.dtype == np.float32


def test_a_lone_cell_is_flat():
    inside = np.zeros((3, 3), bool)
    inside[1, 1] = True
    assert (gradient_magnitude(np.arange(9, dtype=np.float32).reshape(3, 3), inside) == 0).all()
    assert gradient_magnitude(np.ones((1, 1), np.float32), np.ones((1, 1), bool)) == 0
