"""Heads: targets on maps whose answer is known, and where they are valid; outputs of a run."""

import pickle

import numpy as np
import pytest

from mtl.tasks.heads import FUSION, HEADS, collect_outputs, trap_outputs
from targets.truth.traps import build_ground_truth
from tests.conftest import dome_scene


def test_the_height_of_a_dome_is_the_root_of_its_closure_over_the_relief(dome):
    values, valid = HEADS["height"].target(build_ground_truth(dome))
    assert valid.all()
    assert values[0, 32, 32] == pytest.approx(1.0, abs=0.01)  # the dome is all of the relief, closed to its foot
    halfway = np.argmin(np.abs(dome.depth[32] - 2050))
    assert values[0, 32, halfway] == pytest.approx(np.sqrt((2100 - dome.depth[32, halfway]) / 100), abs=0.01)
    assert values[0, 0, 0] == 0


def test_a_trap_drawn_by_hand_is_as_high_as_its_deepest_cell(dome):
    drawn = dome.depth < 2050
    truth = build_ground_truth(dome.replace(traps=drawn))
    np.testing.assert_allclose(truth.height, np.where(drawn, dome.depth[drawn].max() - dome.depth, 0))


def test_heads_about_the_depth_are_known_nowhere_on_a_bare_picture(dome):
    picture = dome.replace(depth_valid=np.zeros(dome.shape, bool), traps=dome.depth < 2050)
    truth = build_ground_truth(picture)
    for name in ("depth", "height"):
        assert not HEADS[name].target(truth)[1].any()


def test_outputs_follow_their_heads_and_several_answers_about_traps_are_fused():
    names = [output.name for output in collect_outputs([HEADS["trap"], HEADS["depth"], HEADS["crest"]])]
    assert names == ["trap", "depth", "depth_traps", "crest", "fusion"]
    assert [o.name for o in collect_outputs([HEADS["trap"], HEADS["dist"]])] == ["trap", "dist"]
    assert trap_outputs(collect_outputs([HEADS["depth"]]))[-1].name == "depth_traps"


def test_records_pickle():
    for head in HEADS.values():
        assert pickle.loads(pickle.dumps(head)).name == head.name


def test_fusion_is_evaluated_as_a_trap():
    assert FUSION.metric is HEADS["trap"].metric


def seismic(salt):
    """An image of 32 x 32 cells; `salt` (H, W) bool or None."""
    dome = dome_scene(size=32)
    nothing = np.zeros((32, 32), bool)
    return dome.replace(depth=np.zeros((32, 32), np.float32), depth_valid=nothing, salt=salt, image_depth=500.0)


def test_heads_of_salt_follow_the_mask_and_know_nothing_without_one():
    body = np.zeros((32, 32), bool)
    body[8:24, 10:20] = True
    drawn, bare, unknown = (build_ground_truth(seismic(salt)) for salt in (body, ~body & body, None))
    values, valid = HEADS["salt"].target(drawn)
    assert valid.all()
    np.testing.assert_array_equal(values[0], body)
    band, _ = HEADS["boundary"].target(drawn)
    assert band[0, 8, 15] and not band[0, 15, 15] and not band[0, 0, 0]
    distance, inside = HEADS["dist"].target(drawn)
    np.testing.assert_array_equal(inside, body)
    assert distance[0][body].min() == 0 and distance[0, 8, 10] > 5
    for truth, empty in ((drawn, 0), (bare, 1)):
        values, valid = HEADS["empty"].target(truth)
        assert valid.all() and (values == empty).all()
    assert not HEADS["salt"].target(bare)[0].any() and HEADS["salt"].target(bare)[1].all()
    for name in ("salt", "empty"):
        assert not HEADS[name].target(unknown)[1].any()


def test_the_salt_of_a_map_is_unknown_but_a_map_may_hold_no_trap(dome):
    truth = build_ground_truth(dome)
    assert not HEADS["salt"].target(truth)[1].any()
    values, valid = HEADS["empty"].target(truth)
    assert valid.all() and not values.any()
