"""ZMAP+ grids: fault polygons of the same suffix are no damaged grids."""

from pathlib import Path

from targets.io.grids.registry import is_grid_file
from tests.targets.io.grids.samples import ZMAP


def test_fault_polygons_are_no_damaged_grid(tmp_path: Path) -> None:
    (tmp_path / "top.zmap").write_text(ZMAP)
    (tmp_path / "faults.zmap").write_text("@fault HEADER, POINT, 1\n 1, 1, 2, 3\n@\n1 2 3 1\n4 5 6 1\n")
    assert is_grid_file(tmp_path / "top.zmap")
    assert not is_grid_file(tmp_path / "faults.zmap")
