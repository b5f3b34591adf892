"""Tables of points: which columns are x, y and z."""

from pathlib import Path

import numpy as np

from targets.io.grids.registry import read_surface
from targets.scene import GeoReference
from tests.targets.io.grids.samples import DEPTH, IJXYZ, assert_places


def test_line_numbers_may_come_first(tmp_path: Path) -> None:
    path = tmp_path / "points"
    path.write_text(IJXYZ)
    depth, geo = read_surface(path)
    np.testing.assert_array_equal(depth, DEPTH + 0.5)
    assert_places(geo, GeoReference(1000.5, 2050.5, 100, -50), DEPTH.shape)
