"""Map folders: what is written comes back."""

from pathlib import Path

import numpy as np
import pytest

from targets.io.map_folder.reader import read_map_folder
from targets.io.map_folder.writer import write_map_folder
from targets.scene import GeoReference
from tests.targets.io.map_folder.samples import make_scene


@pytest.mark.parametrize("margin", [0, 7])
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_what_is_written_comes_back(tmp_path: Path, margin: int, bits: int) -> None:
    scene = make_scene()
    write_map_folder(scene, tmp_path / "dome", margin, bits)
    back = read_map_folder(tmp_path / "dome")
    for key in ("map_valid", "depth_valid", "fault", "traps", "rgb"):
        np.testing.assert_array_equal(getattr(back, key), getattr(scene, key), key)
    low, high = scene.relief
    step = (high - low) / (2**bits - 1)
    error = np.abs(back.depth - scene.depth)[scene.depth_valid].max()
    assert error <= (0 if bits == 32 else step / 2 + np.spacing(np.float32(high)))
    assert (back.name, back.group, back.geo.crs, back.geo.depth_unit) == ("dome", "field", "EPSG:23031", "m")
    assert back.geo == (scene.geo if bits == 32 else GeoReference(**vars(scene.geo) | {"depth_range": (low, high)}))


def test_a_normalised_depth_keeps_its_scale(tmp_path: Path) -> None:
    scene = make_scene(geo=GeoReference())
    scene = scene.replace(depth=(0.2 + 0.5 * scene.depth_norm()).astype(np.float32))
    write_map_folder(scene, tmp_path / "dome")
    back = read_map_folder(tmp_path / "dome")
    assert back.geo == GeoReference()
    np.testing.assert_allclose(
        back.depth[scene.depth_valid], scene.depth[scene.depth_valid], rtol=0, atol=0.5 / 65535 * 1.01
    )
