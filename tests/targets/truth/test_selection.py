"""Criteria of traps beyond the engine's own: contours, culminations, contact with faults, smoothed outlines."""

import numpy as np
import pytest

from targets.closure import find_closures
from targets.errors import UserError
from targets.scene import GeoReference, Scene
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.criteria import TrapCriteria
from targets.truth.selection import select_traps
from targets.truth.smoothing import smooth_outlines
from targets.truth.traps import compute_traps, find_trap_closures

# Two domes, 2 and 3, with a saddle at 5, beside a third one, 4; everything leaks at 7.
SADDLE = [[9] * 10, [9, 2, 5, 3, 8, 8, 4, 7, 6, 6], [9] * 10]


def scene_of(depth, **fields) -> Scene:
    depth = np.array(depth, np.float32)
    inside = np.ones(depth.shape, bool)
    return Scene("map", depth, inside, inside, fields.pop("fault", ~inside), **fields)


@pytest.mark.parametrize(
    ("culminations", "expected"),
    [("joined", [0, 1, 1, 1, 0, 0, 2, 0, 0, 0]), ("single", [0, 1, 0, 2, 0, 0, 3, 0, 0, 0])],
)
def test_culminations_are_one_trap_or_a_trap_each(culminations, expected):
    scene = scene_of(SADDLE)
    criteria = TrapCriteria(min_area=1, min_relief=0, culminations=culminations)
    traps = compute_traps(scene, criteria)
    relabelled = np.unique(traps.labels[1], return_inverse=True)[1]
    assert (traps.labels[1] > 0).tolist() == [value > 0 for value in expected]
    assert relabelled.max() == max(expected)
    assert [traps.labels[tuple(crest)] for crest in traps.crests] == list(range(1, max(expected) + 1))
    assert float(traps.height[1, 1]) == (6.0 if culminations == "joined" else 3.0)


def test_a_culmination_below_the_thresholds_parts_no_trap():
    """The dome of 3 is one cell of height 2: where two cells are asked for, or 3, the two domes are one trap."""
    scene = scene_of(SADDLE)
    for criteria in (TrapCriteria(min_area=2, min_relief=0, culminations="single"),
                     TrapCriteria(min_area=1, min_relief=0, min_height=3, culminations="single")):  # fmt: skip
        assert compute_traps(scene, criteria).labels[1, 1:4].all()


def test_single_culminations_tile_the_largest_closures_with_one_peak():
    scene = make_structure_map(5, 96)
    closures = find_closures(scene.depth, scene.map_valid, min_area=10)
    single = select_traps(closures, "single", "any")
    outermost = single.table[single.table["parent"] == 0]
    assert len(outermost) >= (closures.table["parent"] == 0).sum()
    assert single.table["id"].tolist() == list(range(1, len(single.table) + 1))
    assert (np.bincount(single.labels.ravel(), minlength=len(outermost) + 1)[1:] == outermost["area"]).all()
    assert (np.diff(outermost["spill_depth"]) >= 0).all()
    assert (single.labels[outermost["crest_row"], outermost["crest_col"]] == outermost["id"]).all()
    np.testing.assert_allclose(
        single.height[outermost["crest_row"], outermost["crest_col"]], outermost["height"], rtol=1e-5
    )


def test_traps_touch_a_fault_or_none():
    fault = np.zeros((3, 10), bool)
    fault[0, 6] = True
    scene = scene_of(SADDLE, fault=fault)
    found = {rule: compute_traps(scene, TrapCriteria(min_area=1, min_relief=0, fault_contact=rule)).labels[1]
             for rule in ("any", "touching", "free")}  # fmt: skip
    assert found["touching"].tolist() == [0] * 6 + [1, 0, 0, 0] and found["free"].tolist() == [0, 1, 1, 1] + [0] * 6
    assert (found["any"] > 0).tolist() == ((found["touching"] > 0) | (found["free"] > 0)).tolist()


def test_contours_of_the_criteria_come_before_those_of_the_map(dome):
    geo = GeoReference(contour_interval=30.0, contour_base=2000.0)
    scene = dome.replace(geo=geo)
    for interval, base, deepest in ((None, None, 2090), (25.0, None, 2075), (25.0, 2010.0, 2085), (None, 2005, 2095)):
        criteria = TrapCriteria("contour", contour_interval=interval, contour_base=base)
        np.testing.assert_array_equal(compute_traps(scene, criteria).labels > 0, dome.depth <= deepest)


def test_a_smoothed_trap_keeps_its_place_and_loses_its_spur():
    depth = np.full((40, 40), 9, np.float32)
    depth[10:30, 10:30], depth[20, 30:38], depth[20, 37] = 5, 5, 1  # the crest lies on the spur
    traps = compute_traps(scene_of(depth), TrapCriteria(smoothing=2))
    assert traps.labels[20, 37] == 0 and traps.labels[tuple(traps.crests[0])] == 1
    assert traps.labels[11:29, 13:27].all() and not traps.height[traps.labels == 0].any()
    assert find_trap_closures(scene_of(depth), TrapCriteria(smoothing=2)).labels[20, 37] == 1  # exact


def test_smoothed_regions_stay_apart():
    labels = np.zeros((30, 30), np.int32)
    labels[5:15, 5:14], labels[5:25, 15:25] = 1, 2
    smooth = smooth_outlines(labels, 3.0, np.ones((30, 30), bool))
    assert set(np.unique(smooth)) == {0, 1, 2}
    rows, cols = np.nonzero(smooth == 1)
    assert not any(
        (smooth[max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2] == 2).any() for r, c in zip(rows, cols, strict=True)
    )


@pytest.mark.parametrize(
    "wrong", [{"min_height": -1}, {"contour_interval": 0}, {"contour_base": np.nan}, {"smoothing": -1}]
)
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        TrapCriteria(**wrong).check()
