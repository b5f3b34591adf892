"""The same ground is found by place, by details and as copies; different maps are not taken for it."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from targets.check.overlap import (
    find_overlaps,
    footprint_of,
    overlaps_by_depth,
    overlaps_by_location,
    overlaps_by_shape,
)
from targets.scene import GeoReference, Scene
from targets.surface.resample import downsample
from targets.synthetic.structure_maps import make_structure_map


def cut(scene: Scene, name: str, row: int, col: int, size: int) -> Scene:
    """A window of a map as an interpreter would export it: at its place, in a group of its own."""
    window = np.s_[row : row + size, col : col + size]
    arrays = {key: getattr(scene, key)[window] for key in ("depth", "depth_valid", "map_valid", "fault")}
    x0, y0 = scene.geo.xy(row, col)
    geo = replace(scene.geo, x0=float(x0), y0=float(y0))
    return scene.replace(name=name, group=name, rgb=None, geo=geo, **arrays)


@pytest.fixture(scope="module")
def large() -> Scene:
    return make_structure_map(26, 240)


def test_cuts_are_found_by_their_details_and_by_their_place(large):
    cuts = [cut(large, "a", 0, 0, 150), cut(large, "b", 45, 38, 150)]
    common = (150 - 45) * (150 - 38) / 150**2
    (placed,) = overlaps_by_location([footprint_of(scene) for scene in cuts], [(0, 1)])
    (laid,) = overlaps_by_depth([footprint_of(scene.replace(geo=GeoReference())) for scene in cuts], [(0, 1)])
    assert placed.similarity > 0.99 and laid.similarity > 0.98
    assert placed.share == pytest.approx(common, abs=0.08) and laid.share == pytest.approx(common, abs=0.08)


def test_place_knows_size_and_turn_of_cells(large):
    coarse = downsample(large, 90).replace(name="coarse", group="coarse")
    (pair,) = overlaps_by_location([footprint_of(large), footprint_of(coarse)], [(0, 1)])
    assert pair.share > 0.95 and pair.similarity > 0.97


def test_cuts_of_one_group_may_share_ground(large):
    cuts = [cut(large, name, 0, col, 150).replace(group="large") for name, col in (("a", 0), ("b", 60))]
    assert find_overlaps([footprint_of(scene) for scene in cuts]) == []


def test_different_maps_do_not_share_ground():
    scenes = [make_structure_map(seed, 96) for seed in range(12)]
    assert find_overlaps([footprint_of(scene) for scene in scenes]) == []
    here = [scene.replace(geo=scenes[0].geo) for scene in scenes]  # all at one place, as with local coordinates
    pairs = list(combinations(range(12), 2))
    assert list(overlaps_by_location([footprint_of(scene) for scene in here], pairs)) == []


@pytest.mark.parametrize("turns, mirrored", [(0, True), (1, False), (3, True)])
def test_a_turned_mirrored_or_stretched_copy_is_found_in_its_own_group_too(turns, mirrored):
    scene = make_structure_map(2, 96)
    names = ("depth", "depth_valid", "map_valid", "fault")
    arrays = {name: np.rot90(getattr(scene, name), turns) for name in names}
    arrays = {name: np.ascontiguousarray(a[:, ::-1] if mirrored else a) for name, a in arrays.items()}
    arrays["depth"] = (3 * arrays["depth"] - 500).astype(np.float32)
    copy = scene.replace(name="copy", rgb=None, geo=GeoReference(), **arrays)
    (pair,) = find_overlaps([footprint_of(scene), footprint_of(copy)])
    assert pair.method == "copy"


def test_a_parallel_horizon_is_no_copy_but_the_same_shape():
    scene = make_structure_map(2, 96)
    rows, cols = np.indices(scene.shape)
    relief = scene.relief[1] - scene.relief[0]
    thicker = scene.depth + relief * (0.2 + 0.03 * np.sin(rows / 17) * np.cos(cols / 23))
    other = scene.replace(name="base", depth=thicker.astype(np.float32), geo=GeoReference())
    (pair,) = overlaps_by_shape([footprint_of(scene), footprint_of(other)])
    assert pair.method == "shape"


def test_maps_without_relief_are_not_compared():
    scene = make_structure_map(2, 64)
    flat = [scene.replace(name=n, group=n, depth=np.full_like(scene.depth, 5), geo=GeoReference()) for n in "ab"]
    assert find_overlaps([footprint_of(s) for s in flat]) == [] == find_overlaps([])


def test_drogon_lies_where_reek_lies(shared_data):
    from targets.io.catalogue import list_maps, read_map

    files = [shared_data / "reek" / "topreek.npz", shared_data / "drogon" / "topvolantis.npz"]
    scenes = [read_map(list_maps([file])[0]).replace(group=file.stem) for file in files]
    (pair,) = find_overlaps([footprint_of(scene) for scene in scenes])
    assert pair.method == "location" and pair.similarity > 0.9
