"""Polarity of a map folder: a depth that contradicts its colours is refused, and no other."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from targets.errors import UserError
from targets.io.map_folder.polarity import read_high_end
from targets.io.map_folder.reader import read_map_folder
from targets.io.map_folder.writer import write_map_folder
from tests.targets.io.map_folder.samples import make_scene


def in_palette(colours: list[tuple[int, int, int]]) -> np.ndarray:
    """The map of `make_scene` in a palette, deepest first."""
    scene = make_scene()
    t = (scene.depth.max() - scene.depth) / np.ptp(scene.depth)
    stops = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(t, stops, plane) for plane in np.array(colours).T], axis=2).astype(np.uint8)


def blue_contours_on_grey() -> np.ndarray:
    """Grey, dark = deep; a blue line high up and a brown one at the deep end are ink."""
    scene = make_scene()
    rgb = in_palette([(60, 60, 60), (220, 220, 220)])
    deepest = scene.depth.max()
    rgb[abs(scene.depth - scene.depth.min() - 12) < 1] = (40, 40, 160)
    rgb[abs(scene.depth - deepest) < 1] = (140, 80, 20)
    return rgb


@pytest.mark.parametrize(
    "rgb",
    [in_palette([(10, 10, 80), (40, 120, 200), (60, 240, 255)]), blue_contours_on_grey()],
    ids=["a sea that is bluest near its shore", "coloured ink on a grey map"],
)
def test_colours_that_do_not_tell_deep_from_high_contradict_no_depth(tmp_path: Path, rgb: np.ndarray) -> None:
    write_map_folder(make_scene(rgb=rgb), tmp_path / "map")
    assert read_map_folder(tmp_path / "map").rgb is not None


def test_land_and_sea_upside_down_are_refused(tmp_path: Path) -> None:
    rgb = in_palette([(20, 40, 140), (60, 200, 255), (60, 160, 60), (230, 220, 120), (140, 80, 40)])
    write_map_folder(make_scene(rgb=rgb), tmp_path / "map")
    assert read_map_folder(tmp_path / "map").rgb is not None
    (tmp_path / "map" / "map.yaml").write_text("polarity: inverted\n")
    with pytest.raises(UserError, match="contradicts the colours"):
        read_map_folder(tmp_path / "map")


RAINBOW = [(20, 40, 200), (60, 200, 255), (60, 220, 60), (240, 220, 60), (220, 40, 30)]


@pytest.mark.parametrize(
    ("colours", "high"),
    [(RAINBOW, "red"), ([(40, 40, 40), (220, 220, 220)], "light"), ([(250, 240, 180), (30, 60, 20)], "dark")],
)
def test_a_picture_written_beside_a_depth_keeps_which_end_is_high(tmp_path: Path, colours: list, high: str) -> None:
    """A picture alone is drawn either way round, so predict.py asks; of maps of its own making it need not."""
    write_map_folder(make_scene(rgb=in_palette(colours)), tmp_path / "map")
    copy = tmp_path / "copy.png"
    shutil.copy(tmp_path / "map" / "rgb.png", copy)
    assert read_high_end(copy) == high
    Image.open(copy).save(tmp_path / "again.jpg")
    assert read_high_end(tmp_path / "again.jpg") is None and read_high_end(tmp_path / "no.png") is None
