"""GXF grids: coordinate system and unit from the header."""

from pathlib import Path

import numpy as np
import pytest

from targets.io.grids.registry import read_surface
from tests.targets.io.grids.samples import DEPTH, GXF


@pytest.mark.parametrize(
    ("told", "crs", "unit"),
    [
        ("", None, None),
        ('#MAP_PROJECTION\n"ED50 / UTM zone 32N"\n"International 1924",6378388,0.08199189\n', "EPSG:23032", None),
        ("#MAP_PROJECTION\nProject grid of 1974\n", None, None),
        ("! Export cartographic reference system:\n!\n!  name   : X\n!  epsg code       : 23032\n!\n"
         "!    datum:\n!      epsg code: 6230\n", "EPSG:23032", None),
        ("! default depth measure unit: meters\n! default seismic time unit: ms\n!   dataDomain=TVD\n", None, "m"),
        ("! default depth measure unit: feet\n! default seismic time unit: ms\n!   dataDomain=TWT\n", None, "ms"),
    ],
)  # fmt: skip
def test_a_gxf_file_may_tell_coordinate_system_and_unit(
    tmp_path: Path, told: str, crs: str | None, unit: str | None
) -> None:
    path = tmp_path / "grid.gxf"
    path.write_text(GXF.replace("#POINTS", f"{told}#POINTS"))
    depth, geo = read_surface(path)
    np.testing.assert_array_equal(depth, DEPTH)
    assert (geo.crs, geo.depth_unit) == (crs, unit)
