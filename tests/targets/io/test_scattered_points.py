"""Scattered points: the grid they came from is found again."""

import numpy as np
import pytest

from targets.errors import UserError
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
