"""CPS-3 grids: the order of the values, null values, comments."""

from pathlib import Path

import numpy as np
import pytest

from targets.io.grids.registry import read_surface

# 4 columns and 3 rows, 1.5 apart along x and 2.25 along y; counted down each column from the top left.
CPS3_ODD = """! Exported by hand
!
FSASCI 0 1 COMPUTED 0 {null}
! attributes say nothing that is needed
FSATTR 0 0
FSLIMI 100.25 104.75 -3.0 1.5 1.0 12.0
FSNROW 3 4
FSXINC 1.5 2.25
->A name: with 3 numbers 1 2
! a comment below the name
1 2 3 4
5 6 7 {null} 9 10

11 12
"""


@pytest.mark.parametrize("null", ["0.1E+31", "0.1000000E+31", "1e30", "-99999.0", "9999"])
@pytest.mark.parametrize("suffix", ["", ".cps3", ".dat", ".zmap"])
def test_cps3_runs_down_its_columns_from_the_top_left(tmp_path: Path, null: str, suffix: str) -> None:
    path = tmp_path / f"grid{suffix}"
    path.write_text(CPS3_ODD.format(null=null))
    depth, geo = read_surface(path)
    np.testing.assert_array_equal(depth, [[1, 4, 7, 10], [2, 5, np.nan, 11], [3, 6, 9, 12]])
    assert (geo.x0, geo.y0, geo.dx, geo.dy, geo.rotation) == (100.25, 1.5, 1.5, -2.25, 0)
    path.write_text(CPS3_ODD.format(null=null).replace("\n", "\r\n").lower().replace("1.5 2.25", "1.5, 2.25"))
    np.testing.assert_array_equal(read_surface(path)[0], depth)
