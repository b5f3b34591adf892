"""Masks of a map folder: what is absent is derived, and measured cells have a depth."""

from pathlib import Path

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.map_folder.reader import read_map_folder
from tests.targets.io.map_folder.samples import SHAPE, load, save


def test_masks_are_derived_when_absent(folder: Path) -> None:
    scene = read_map_folder(folder)
    (folder / "map_mask.png").unlink()
    (folder / "depth_mask.png").unlink()
    back = read_map_folder(folder)
    np.testing.assert_array_equal(back.map_valid, scene.map_valid)
    np.testing.assert_array_equal(back.depth_valid, scene.map_valid & ~scene.fault)


def test_pure_patches_that_stand_out_are_holes_but_a_crest_is_not(folder: Path) -> None:
    (folder / "depth_mask.png").unlink()
    (folder / "map.yaml").unlink()
    grey = load(folder, "depth_norm.png").copy()
    grey[18:23, 23:27] = 65535  # the crest, clipped
    grey[30:33, 10:14] = 0  # exported without a depth
    grey[4:8, 30:33] = 65535
    save(folder, "depth_norm.png", grey)
    scene = read_map_folder(folder)
    holes = np.zeros(SHAPE, bool)
    holes[30:33, 10:14] = holes[4:8, 30:33] = True
    np.testing.assert_array_equal(scene.depth_valid, scene.map_valid & ~scene.fault & ~holes)
    assert np.ptp(scene.depth[29:34, 9:15]) < 0.2  # filled from the rim


def test_nan_in_a_depth_that_is_shown_as_measured(folder: Path) -> None:
    depth = read_map_folder(folder).depth.copy()
    (folder / "depth_norm.png").unlink()
    depth[20, 20] = np.nan
    np.save(folder / "depth.npy", depth)
    with pytest.raises(UserError, match="NaN in 1 cells"):
        read_map_folder(folder)
    depth[20, 20] = np.inf
    np.save(folder / "depth.npy", depth)
    with pytest.raises(UserError, match="NaN in 1 cells"):  # what is infinite is undefined
        read_map_folder(folder)
    np.save(folder / "depth.npy", np.full(SHAPE, np.nan, np.float32))
    (folder / "depth_mask.png").unlink()
    with pytest.raises(UserError, match="the map is empty"):
        read_map_folder(folder)
