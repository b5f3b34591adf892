"""The generator: the same seed gives the same map, faults obey their laws, outlines are made of rectangles."""

from dataclasses import replace

import numpy as np
import pytest

from targets.closure import find_closures
from targets.errors import UserError
from targets.synthetic.faults import Fault, fault_displacement, fault_system, heave, throw_profile, trace_points
from targets.synthetic.options import StructureMapOptions
from targets.synthetic.structure_maps import make_structure_map, random_outline
from tests.conftest import dome_scene

CELL = 20.0
SHAPE = (200, 240)


def straight(**fields: object) -> Fault:
    """A fault along row 100 (y = 2000 m) from column 60 to 180 that dips down the picture."""
    known = {"x": 2400.0, "y": 2000.0, "strike": 0.0, "length": 2400.0, "throw": 80.0, "dip": 45.0, "side": 1}
    return Fault(**(known | {"reach": 800.0, "footwall": 0.25} | fields))  # type: ignore[arg-type]


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


def test_options_shut_one_part_off_and_leave_the_others():
    calm = StructureMapOptions(picking_noise=(0, 0), outline_rectangles=(1, 1))
    with_faults = make_structure_map(4, 128, calm)
    without = make_structure_map(4, 128, StructureMapOptions(picking_noise=(0, 0), outline_rectangles=(1, 1), faults=(0, 0)))
    assert with_faults.fault.any() and not without.fault.any() and without.map_valid.all()
    far = np.abs(with_faults.depth - without.depth) < 1e-2  # where no fault reaches, the folds are the same
    assert 0.02 < far.mean() < 1


def test_throw_dies_out_at_the_tips_and_is_largest_in_the_middle():
    profile = throw_profile(np.linspace(0, 1, 101))
    assert profile[0] == 1 and profile[-1] == 0 and (np.diff(profile) <= 0).all()
    assert throw_profile(np.array([0.5])) == pytest.approx(2 * np.sqrt(0.5625 - 0.25) * 0.5)
    assert throw_profile(np.array([1.7])) == 0


def test_a_fault_offsets_its_walls_by_the_throw():
    down, _ = fault_displacement([straight()], SHAPE, CELL)
    gap = int(heave(80.0, 45.0) / CELL)  # 4 cells between the cutoffs
    footwall, hanging = down[100, 120], down[100 + gap, 120]
    assert footwall == pytest.approx(-20.0, abs=0.1) and hanging == pytest.approx(60.0, abs=0.1)
    assert down[100 + gap // 2, 120] == pytest.approx(20.0, abs=0.1)  # halfway down the fault plane
    for col in (61, 179):  # a cell from the tips
        assert abs(down[100 + gap, col] - down[99, col]) < 0.1 * 80
    assert (down[:, :60] == 0).all() and (down[:, 181:] == 0).all() and (down[:59] == 0).all()


def test_the_gap_follows_the_throw_and_the_dip():
    def widths(dip):
        return fault_displacement([straight(dip=dip, throw=160.0)], SHAPE, CELL)[1].sum(axis=0)

    flat, steep = widths(45.0), widths(63.43)  # heave 160 m and 80 m: 8 and 4 cells, and both cutoffs
    assert flat[120] == 9 and steep[120] == 5
    assert flat[65] == 2 < flat[90] < flat[120] and flat[50] == flat[190] == 0  # 2: drawn wider than 0.4 cells


def test_the_other_side_dips_the_other_way():
    down, gap = fault_displacement([straight()], SHAPE, CELL)
    flipped, other = fault_displacement([straight(side=-1)], SHAPE, CELL)
    rows = slice(20, 181)  # symmetric about row 100
    assert np.allclose(flipped[rows], down[rows][::-1]) and np.array_equal(other[rows], gap[rows][::-1])


def test_drag_takes_up_throw_beside_the_plane_only():
    plain, dragged = (fault_displacement([straight(drag=drag)], SHAPE, CELL)[0] for drag in (0.0, 0.3))
    assert dragged[104, 120] == pytest.approx(0.7 * plain[104, 120])
    assert dragged[130, 120] == pytest.approx(plain[130, 120], rel=1e-2)


def test_a_branch_stays_on_its_side_of_the_parent():
    parent = straight()
    branch = straight(strike=np.pi / 2, length=1600.0, parent=parent)  # starts at (2400, 2000), runs down the picture
    down, gap = fault_displacement([branch], SHAPE, CELL)
    assert (down[:100] == 0).all() and not gap[:100].any() and np.abs(down[101:]).max() > 10
    assert trace_points(branch)[0] == pytest.approx([2400.0, 2000.0])
    assert not gap[141:].any()  # the tip: 800 m, 40 cells from the parent


def test_fault_zones_keep_their_distance_or_belong_together():
    for seed in range(5):
        faults = fault_system(np.random.default_rng(seed), (10000, 10000), 0.5, StructureMapOptions(faults=(8, 8)))
        assert len(faults) >= 3 and all(fault.length <= 2.2 * 10000 and fault.throw <= 400 for fault in faults)
        tips = [trace_points(fault)[[0, -1]] for fault in faults if fault.parent is None]
        straight_ends = [
            np.hypot(*(ends[1] - ends[0])) / fault.length
            for ends, fault in zip(tips, [f for f in faults if f.parent is None], strict=True)
        ]
        assert straight_ends == pytest.approx([1.0] * len(straight_ends))


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


def test_wrong_wishes_say_what_is_expected():
    with pytest.raises(UserError, match="at least 32"):
        make_structure_map(0, 8)
    with pytest.raises(UserError, match="at least 0"):
        make_structure_map(-1)
    with pytest.raises(UserError, match=r"synth.dip: \(3, 1\)"):
        StructureMapOptions(regional_dip=(3, 1))


def test_contours_may_lie_at_any_interval_on_the_same_map():
    usual, many, few = (make_structure_map(7, 96, StructureMapOptions(contour_density=(n, n))) for n in (1, 4, 0.1))
    assert many.geo.contour_interval < usual.geo.contour_interval < few.geo.contour_interval
    np.testing.assert_array_equal(many.depth, few.depth)
    assert not np.array_equal(many.rgb, few.rgb)


def test_poor_picks_disturb_depth_and_picture_by_a_share_of_the_relief_and_keep_the_surface():
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
    scenes = [make_structure_map(seed, 64, StructureMapOptions(faults=(0, 0)), real_surfaces=surfaces) for seed in (2, 3, 4)]
    assert [scene.group for scene in scenes] == ["north", "south", "north"]
    assert np.array_equal(scenes[0].depth, make_structure_map(2, 64, StructureMapOptions(faults=(0, 0)), real_surfaces=surfaces).depth)
    assert (scenes[0].depth != make_structure_map(2, 64, StructureMapOptions(faults=(0, 0))).depth).any()


def test_shorter_folds_make_more_traps_and_uneven_ones_steep_parts_beside_flat_ones():
    calm = StructureMapOptions(faults=(0, 0), picking_noise=(0, 0), regional_dip=(0, 0), outline_rectangles=(1, 1))

    def told(options):
        scenes = [make_structure_map(seed, 128, options) for seed in range(5)]
        slopes = [np.hypot(*np.gradient(scene.depth)) for scene in scenes]
        traps = sum(int(find_closures(s.depth, min_height=0.01 * np.ptp(s.depth)).labels.max()) for s in scenes)
        return traps, np.median([np.quantile(slope, 0.95) / np.median(slope) for slope in slopes])

    (few, even), (many, _) = told(calm), told(replace(calm, folds=(0.3, 0.3)))
    _, uneven = told(replace(calm, patchy=(1.0, 1.0)))
    assert many > 1.5 * few and uneven > 1.15 * even
