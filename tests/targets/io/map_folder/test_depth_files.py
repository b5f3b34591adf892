"""Depth of a map folder: polarity, grids and arrays, and the true surface beside a poor copy."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.map_folder.reader import read_map_folder
from targets.io.map_folder.writer import write_map_folder
from targets.io.read_options import ReadOptions
from targets.scene import GeoReference, Scene
from tests.targets.io.map_folder.samples import SHAPE, load


def test_black_is_deepest_unless_the_sidecar_says_inverted(folder: Path) -> None:
    (folder / "rgb.png").unlink()
    (folder / "map.yaml").unlink()
    normal = read_map_folder(folder)
    grey = load(folder, "depth_norm.png")
    deepest = np.unravel_index(np.where(normal.depth_valid, grey, 65535).argmin(), SHAPE)
    assert normal.depth[deepest] == normal.depth[normal.depth_valid].max()
    (folder / "map.yaml").write_text("polarity: inverted\n")
    inverted = read_map_folder(folder)
    valid = normal.depth_valid
    np.testing.assert_allclose(inverted.depth[valid], 1 - normal.depth[valid], rtol=0, atol=1e-6)


def test_depth_as_an_array_with_holes(folder: Path) -> None:
    scene = read_map_folder(folder)
    for name in ("depth_norm.png", "depth_mask.png", "map_mask.png", "rgb.png"):
        (folder / name).unlink()
    depth = np.where(scene.depth_valid, scene.depth, np.nan)
    np.save(folder / "depth.npy", depth)
    back = read_map_folder(folder)
    np.testing.assert_array_equal(back.depth_valid, scene.depth_valid)
    np.testing.assert_array_equal(back.map_valid, scene.map_valid)
    np.testing.assert_array_equal(back.depth[scene.depth_valid], scene.depth[scene.depth_valid])
    (folder / "map.yaml").write_text("polarity: inverted\n")
    np.save(folder / "depth.npy", -depth)
    np.testing.assert_array_equal(read_map_folder(folder).depth, back.depth)


def test_holes_are_filled_by_choice(folder: Path) -> None:
    one, other = read_map_folder(folder), read_map_folder(folder, ReadOptions(fill="griddata"))
    valid = one.depth_valid
    np.testing.assert_array_equal(one.depth[valid], other.depth[valid])
    assert np.any(one.depth != other.depth)


@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("unit", [None, "m"])
def test_a_true_surface_comes_back_beside_its_poor_copy(tmp_path: Path, bits: int, unit: str | None) -> None:
    rows, cols = np.indices((20, 30), np.float32)
    clean = 1000 + 10 * np.hypot(rows - 8, cols - 12)
    poor = clean + np.where((rows + cols) % 7 == 0, np.float32(60), np.float32(-60))  # beyond the clean one's range
    inside = np.ones(clean.shape, np.bool_)
    scene = Scene("poor", poor, inside, inside, ~inside, geo=GeoReference(depth_unit=unit), true_depth=clean)
    write_map_folder(scene, tmp_path / "poor", depth_bits=bits)
    again = read_map_folder(tmp_path / "poor")
    assert again.true_depth is not None
    step = np.ptp(poor) / (255 if bits == 8 else 65535)
    assert np.abs(again.true_depth - clean).max() <= np.ptp(poor) / 65535 + 1e-3
    assert np.abs(again.depth - poor).max() <= step + 1e-3


def test_a_true_surface_needs_a_copy_and_one_scale(folder: Path) -> None:
    shutil.copy(folder / "depth_norm.png", folder / "depth_clean.png")
    assert np.array_equal(read_map_folder(folder).true_depth, read_map_folder(folder).depth)
    (folder / "depth_norm.png").unlink()
    with pytest.raises(UserError, match="no depth that is a copy"):
        read_map_folder(folder)
    np.save(folder / "depth.npy", np.zeros((40, 60), np.float32))
    (folder / "map.yaml").unlink()
    with pytest.raises(UserError, match="depth_range"):
        read_map_folder(folder)
