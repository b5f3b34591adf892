"""Depths of pictures in units: by a range or by contour labels, right where both ends can be checked by hand."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from mtl.prediction.picture_depth import with_depth_in_units
from mtl.prediction.writers import write_prediction
from mtl.tasks.heads import HEADS, collect_outputs
from targets.errors import UserError
from targets.io.grids.registry import read_surface
from targets.io.map_folder.reader import read_map_files
from targets.io.read_options import ReadOptions
from targets.pages.text import TextBox
from targets.truth.traps import find_trap_closures
from tests.mtl.prediction.test_pages import OPTIONS, read_drawn
from tests.targets.pages.test_page import surface

HEIGHT = surface(150, 200).astype(np.float32) * 2 - 1
HEAD = HEADS["depth"]
OUTPUTS = collect_outputs((HEAD,))


def depths(scene, height=HEIGHT):
    return with_depth_in_units(scene, {"depth": height[None]}, OUTPUTS)


def test_a_range_gives_the_depth_of_the_highest_and_lowest_colours(tmp_path):
    scene = depths(read_drawn(tmp_path, "jet", depth_range=(1500.0, 1700.0), depth_unit="m"))
    assert scene.geo.depth_unit == "m" and "depth_range" in scene.provenance.notes[-1]
    np.testing.assert_allclose(scene.depth, 1500 + 100 * (1 - HEIGHT), atol=1)
    with pytest.raises(UserError, match="shallowest before deepest"):
        read_drawn(tmp_path, "jet", depth_range=(1700.0, 1500.0))


def test_the_range_of_the_map_comes_before_that_of_the_option(tmp_path):
    (tmp_path / "map.yaml").write_text("depth_range: [10, 20]\ndepth_unit: ft\n")
    read_drawn(tmp_path, "jet")
    files = {"rgb": tmp_path / "map.png", "map": tmp_path / "map.yaml"}
    scene = depths(read_map_files("map", files, ReadOptions(depth_range=(1500.0, 1700.0))))
    assert scene.relief == pytest.approx((10, 20), abs=0.1) and scene.geo.depth_unit == "ft"


@pytest.mark.parametrize("sign", [1, -1])
def test_labels_give_depths_positive_down_and_never_upside_down(tmp_path, sign):
    scene = read_drawn(tmp_path, "jet")
    depth = 1600 - 100 * HEIGHT
    spots = [(n, *np.unravel_index(np.abs(depth - n).argmin(), depth.shape)) for n in range(1520, 1700, 20)]
    texts = tuple(TextBox(str(sign * n), (max(0, row - 1), max(0, col - 1), row + 2, col + 2)) for n, row, col in spots)
    page = replace(scene.provenance.page, texts=texts)
    scene = scene.replace(provenance=replace(scene.provenance, page=page))
    found = depths(scene)
    np.testing.assert_allclose(found.depth, depth, atol=2)
    assert "contour labels" in found.provenance.notes[-1]
    over = depths(scene, -HEIGHT)
    assert not over.has_depth and "doubtful" in over.provenance.notes[-1]


def test_without_numbers_a_picture_has_no_depth(tmp_path):
    scene = read_drawn(tmp_path, "jet")
    assert depths(scene) is scene


def test_heights_and_the_depth_are_written_in_units(tmp_path):
    scene = depths(read_drawn(tmp_path, "jet", depth_range=(1500.0, 1700.0), depth_unit="m"))
    values = {"depth": HEIGHT[None], "depth_traps": HEAD.derived.derive(HEIGHT[None], scene, OPTIONS, 1.0)}
    exact = find_trap_closures(scene, OPTIONS.traps)
    write_prediction(scene, values, OUTPUTS, tmp_path / "out", exact)
    with (tmp_path / "out" / "closures.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows and all(float(row["height_m"]) > 0 and 1499 < float(row["crest_depth_m"]) < 1700 for row in rows)
    for row in rows:
        assert float(row["spill_depth_m"]) == pytest.approx(float(row["crest_depth_m"]) + float(row["height_m"]), abs=1)
    np.testing.assert_array_equal(read_surface(tmp_path / "out" / "depth.npz")[0], scene.depth)
