"""Layout of a map's files: flat sets of files."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.map_folder.flat_set import find_flat_set
from targets.io.map_folder.layout import Layout
from targets.io.map_folder.reader import read_map_files, read_map_folder


def test_flat_files(folder: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for number in (1, 12):
        for file in folder.iterdir():
            side = "y" if file.stem == "traps" else "x"
            shutil.copy(file, flat / f"{number}_{side}_{file.stem}_north_sea{file.suffix}")
    found = find_flat_set(flat).maps
    assert sorted(found) == ["12_north_sea", "1_north_sea"]
    scene, back = read_map_folder(folder), read_map_files("12_north_sea", found["12_north_sea"])
    np.testing.assert_array_equal(back.depth, scene.depth)
    np.testing.assert_array_equal(back.traps, scene.traps)
    shutil.copy(folder / "traps.png", flat / "A-geb.faults.png")
    assert list(find_flat_set(flat, Layout(fault_mask="geb", flat="{name}-{kind}.faults")).maps) == ["A"]
    for pattern in ("{number}_{nome}", "{kind}{number}{number}", "{name}_{kind}_{name}"):
        with pytest.raises(UserError, match=r"cannot tell maps and kinds apart"):
            find_flat_set(flat, Layout(flat=pattern))
