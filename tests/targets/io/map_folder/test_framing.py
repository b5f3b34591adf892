"""Framing of a map folder: margins are cropped and every cell keeps its place."""

from pathlib import Path

import numpy as np
import pytest

from targets.io.map_folder.reader import read_map_folder
from targets.io.map_folder.writer import write_map_folder
from tests.targets.io.map_folder.samples import SHAPE, load, make_scene, save


@pytest.mark.parametrize("margins", ["all", "rgb", "rgb and fault"])
def test_the_margin_goes_and_every_cell_keeps_its_place(folder: Path, margins: str) -> None:
    scene = read_map_folder(folder)
    for name in ("rgb.png", "fault_mask.png", "depth_norm.png", "depth_mask.png", "map_mask.png", "traps.png"):
        if margins == "all" or name[:3] in margins:
            pixels = load(folder, name)
            white = 0 if name == "map_mask.png" else 65535 if pixels.dtype == np.uint16 else 255
            pad = ((3, 5), (2, 8)) + ((0, 0),) * (pixels.ndim - 2)
            save(folder, name, np.pad(pixels, pad, constant_values=white))
    back = read_map_folder(folder)
    assert back.shape == scene.shape
    np.testing.assert_array_equal(back.rgb, scene.rgb)
    np.testing.assert_array_equal(back.traps, scene.traps)
    np.testing.assert_allclose(back.depth, scene.depth)
    # x0 and y0 are those of the depth file's first cell; with a margin around the depth that is not the map's.
    shift = (3, 2) if margins == "all" else (0, 0)
    np.testing.assert_allclose(back.geo.xy(0, 0), scene.geo.xy(*shift))


def test_a_map_that_reaches_no_edge_is_cropped_in_place(tmp_path: Path) -> None:
    scene = make_scene()
    inside = np.zeros(SHAPE, bool)
    inside[6:30, 4:50] = True
    rgb = np.where(inside[..., None], scene.rgb, 255).astype(np.uint8)
    rgb[6, 4:50] = (200, 60, 50)
    scene = scene.replace(map_valid=inside, depth_valid=inside & ~scene.fault, rgb=rgb)
    for margin, shape in [(0, (24, 46)), (10, SHAPE)]:
        write_map_folder(scene, tmp_path / str(margin), margin)
        back = read_map_folder(tmp_path / str(margin))
        assert back.shape == shape
        row, col = np.unravel_index(back.map_valid.argmax(), back.shape)
        np.testing.assert_allclose(back.geo.xy(row, col), scene.geo.xy(6, 4))
        assert back.map_valid.sum() == inside.sum()
        if margin:
            np.testing.assert_array_equal(back.rgb, rgb)
