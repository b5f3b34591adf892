"""Orientation of a grid: every cell keeps its coordinates."""

import numpy as np

from targets.io.grids.grid_format import normalise_orientation
from targets.scene import GeoReference


def test_rows_are_flipped_so_that_the_map_is_seen_from_above() -> None:
    r, c = np.indices((3, 4))
    for dx, dy in [(20, -10), (20, 10), (-20, 10), (-20, -10)]:
        geo = GeoReference(500.0, 900.0, dx, dy, 25.0)
        x, _ = geo.xy(r, c)
        flipped, above = normalise_orientation(x, geo)
        np.testing.assert_allclose(above.xy(r, c)[0], flipped)
        assert above.dx > 0 > above.dy
    values = np.zeros((2, 2))
    assert normalise_orientation(values, GeoReference()) == (values, GeoReference())
