"""Structure maps: the same seed gives the same map, all fields agree, outlines are unions of rectangles."""

from dataclasses import replace

import numpy as np
import pytest

from targets.closure import find_closures
from targets.errors import UserError
from targets.synthetic.options import StructureMapOptions
from targets.synthetic.structure_maps import make_structure_map, random_outline
from tests.conftest import dome_scene


def test_same_seed_same_map_and_other_seed_other_map():
    one, again, other = make_structure_map(5, 96), make_structure_map(5, 96), make_structure_map(6, 96)
    for name in ("depth", "depth_valid", "map_valid", "fault", "rgb"):
        assert np.array_equal(getattr(one, name), getattr(again, name))
    assert one.geo == again.geo and not np.array_equal(one.depth, other.depth)
    assert one.name == one.group == "synth_00005"


def test_a_map_does_not_change_with_what_was_made_before():
    first = make_structure_map(1, 64).depth
    make_structure_map(2, 64)
    np.random.default_rng().random(10)
    assert np.array_equal(first, make_structure_map(1, 64).depth)


def test_every_field_is_there_and_agrees():
    scene = make_structure_map(3, (90, 140), name="dome")
    low, high = scene.relief
    assert scene.shape == (90, 140) and scene.rgb is not None and scene.name == "dome"
    assert scene.geo.dx == -scene.geo.dy > 0 and scene.geo.depth_unit == "m" and scene.geo.crs is None
    assert scene.geo.depth_range == (low, high) and scene.geo.contour_interval is not None
    assert 500 < low < high < 5000
    assert np.array_equal(scene.depth_valid, scene.map_valid & ~scene.fault)
    assert (scene.rgb[~scene.map_valid] == 255).all()
    assert not (scene.fault & ~scene.map_valid).any()


def test_options_switch_one_part_off_and_leave_the_others():
    calm = StructureMapOptions(picking_noise=(0, 0), outline_rectangles=(1, 1))
    with_faults = make_structure_map(4, 128, calm)
    without = make_structure_map(4, 128, replace(calm, faults=(0, 0)))
    assert with_faults.fault.any() and not without.fault.any() and without.map_valid.all()
    far = np.abs(with_faults.depth - without.depth) < 1e-2  # where no fault reaches, the folds are the same
    assert 0.02 < far.mean() < 1


@pytest.mark.parametrize("seed", range(6))
def test_the_outline_is_one_union_of_rectangles_that_fills_the_frame(seed):
    from scipy import ndimage

    inside = random_outline(np.random.default_rng(seed), (120, 150), (2, 5))
    assert ndimage.label(inside)[1] == 1 and not inside.all()
    assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()
    # a union of at most five rectangles has few corners: rows change at few places, and each row is one run
    assert (np.abs(np.diff(inside.astype(int), axis=0)).any(axis=1)).sum() <= 10
    assert (np.abs(np.diff(inside.astype(int), axis=1)).any(axis=0)).sum() <= 10
    assert (np.diff(np.pad(inside, ((0, 0), (1, 1))).astype(int), axis=1) == 1).sum(axis=1).max() == 1


def test_one_rectangle_is_the_full_frame():
    assert random_outline(np.random.default_rng(0), (40, 50), (1, 1)).all()


def test_maps_hold_traps_of_different_kinds():
    shares, leaning = [], []
    for seed in range(10):
        scene = make_structure_map(seed, 160)
        low, high = scene.relief
        found = find_closures(scene.depth, scene.map_valid, scene.fault, min_area=10, min_height=0.01 * (high - low))
        shares.append(float((found.labels > 0).sum() / scene.map_valid.sum()))
        leaning += list(found.table["touches_fault"])
    assert 0.05 < np.median(shares) < 0.3 and max(shares) < 0.6
    assert 0.15 < np.mean(leaning) < 0.95


def test_wrong_options_say_what_is_expected():
    with pytest.raises(UserError, match="at least 32"):
        make_structure_map(0, 8)
    with pytest.raises(UserError, match="at least 0"):
        make_structure_map(-1)
    with pytest.raises(UserError, match=r"synth.regional_dip: \(3, 1\)"):
        StructureMapOptions(regional_dip=(3, 1))


def test_contours_may_lie_at_any_interval_on_the_same_map():
    usual, many, few = (make_structure_map(7, 96, StructureMapOptions(contour_density=(n, n))) for n in (1, 4, 0.1))
    assert many.geo.contour_interval < usual.geo.contour_interval < few.geo.contour_interval
    np.testing.assert_array_equal(many.depth, few.depth)
    assert not np.array_equal(many.rgb, few.rgb)


def test_picking_noise_changes_depth_and_picture_by_a_share_of_the_relief_and_keeps_the_true_depth():
    clean, poor = make_structure_map(4, 128), make_structure_map(4, 128, depth_noise=0.01)
    assert np.array_equal(poor.true_depth, clean.depth) and np.array_equal(poor.fault, clean.fault)
    low, high = clean.relief
    off = (poor.depth - clean.depth)[clean.map_valid] / (high - low)
    assert 0.006 < off.std() < 0.016
    sideways = np.corrcoef((poor.depth - clean.depth)[:, 1:].ravel(), (poor.depth - clean.depth)[:, :-1].ravel())[0, 1]
    assert sideways > 0.8  # correlated: neighbours err alike
    assert (poor.rgb != clean.rgb).any()


def test_real_surfaces_take_the_place_of_folds_and_maps_of_one_are_one_group():
    surfaces = [dome_scene("north", 80), dome_scene("south", 60)]
    unfaulted = StructureMapOptions(faults=(0, 0))
    scenes = [make_structure_map(seed, 64, unfaulted, real_surfaces=surfaces) for seed in (2, 3, 4)]
    assert [scene.group for scene in scenes] == ["north", "south", "north"]
    assert np.array_equal(scenes[0].depth, make_structure_map(2, 64, unfaulted, real_surfaces=surfaces).depth)
    assert (scenes[0].depth != make_structure_map(2, 64, unfaulted).depth).any()
