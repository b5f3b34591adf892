"""Input channels: each computes what its record says, turns with the map, and is finite everywhere."""

from dataclasses import replace

import numpy as np
import pytest

from mtl.data.channel_stack import input_row_reader, stack_inputs
from mtl.data.channels import INPUTS, WHITE
from mtl.data.dataset import prepare_sample
from mtl.data.modality_masking import input_sets_of, mask_modalities
from mtl.inference.predictor import Predictor
from mtl.models.checkpoint import select_inputs
from mtl.registry import select_records
from mtl.tasks.heads import HEADS
from targets.closure import find_closures
from targets.common.cli import Names
from targets.errors import UserError
from targets.scene import Scene
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.criteria import GroundTruthOptions, TrapCriteria
from tests.conftest import dome_scene, tiny_config

ALL = list(INPUTS.values())
RULES = TrapCriteria()


@pytest.fixture(scope="module")
def faulted() -> Scene:
    return make_structure_map(3, 96).replace(image_depth=500.0)


def turned(scene: Scene, turns: int, flip: bool) -> Scene:
    """The scene, every array turned by quarter turns and mirrored."""

    def turn(a):
        a = np.rot90(a, turns)
        return np.ascontiguousarray(a[:, ::-1] if flip else a)

    names = ("depth", "depth_valid", "map_valid", "fault", "rgb")
    return scene.replace(**{name: turn(getattr(scene, name)) for name in names})


def test_every_channel_is_finite_within_its_range_and_constant_outside(faulted):
    stacked = stack_inputs(faulted, ALL, RULES)
    assert stacked.dtype == np.float32 and np.isfinite(stacked).all() and np.abs(stacked).max() < 5
    planes = iter(stacked)
    for record in ALL:
        for _ in range(record.channels):
            assert (next(planes)[~faulted.map_valid] == np.float32(record.fill_value)).all()
    assert next(planes, None) is None and not faulted.map_valid.all()


def test_rows_are_those_of_the_whole_map(faulted):
    whole, read = stack_inputs(faulted, ALL, RULES), input_row_reader(faulted, ALL, RULES)
    for rows in (slice(0, 20), slice(33, 64), slice(80, 200)):
        np.testing.assert_array_equal(read(rows), whole[:, rows])


def test_an_unknown_input_lists_the_known_ones():
    with pytest.raises(UserError, match=r"rgb_plain.*isolines.*gradient.*closure.*ramp"):
        select_records(INPUTS, ["contours"], "--inputs")


@pytest.mark.parametrize("name", ["depth", "isolines", "gradient", "closure"])
def test_a_picture_alone_has_no_channel_computed_from_depth(dome, name):
    picture = dome.replace(depth=dome.depth * 0, depth_valid=~dome.map_valid)
    with pytest.raises(UserError, match=f"no depth.*'{name}'"):
        INPUTS[name].compute(picture)


@pytest.mark.parametrize("name", ["rgb", "fault", "depth", "gradient", "map", "closure"])
def test_turning_the_map_turns_the_channel(faulted, name):
    plane = INPUTS[name].compute(faulted)
    for turns, flip in ((1, False), (2, True), (3, True)):
        again = INPUTS[name].compute(turned(faulted, turns, flip))
        expected = np.rot90(plane, turns, axes=(1, 2))
        np.testing.assert_allclose(again, expected[..., ::-1] if flip else expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["isolines", "rgb_plain"])
def test_what_is_drawn_turns_but_for_its_soft_edges(faulted, name):
    plane = INPUTS[name].compute(faulted)
    again = INPUTS[name].compute(turned(faulted, 1, False))
    assert np.abs(again - np.rot90(plane, axes=(1, 2))).mean() < 0.05


def test_isolines_are_rings_where_the_dome_has_its_contours():
    dome = dome_scene(size=96)
    dome = dome.replace(geo=replace(dome.geo, contour_interval=25.0))
    ink = INPUTS["isolines"].compute(dome)[0]
    levels = np.array([2025.0, 2050.0, 2075.0])  # crest 2000, floor 2100 m
    radius = 96 * 0.35 * np.sqrt((levels - 2000) / 100)
    from_crest = np.hypot(*(np.indices((96, 96)) - 48))
    nearest = np.abs(from_crest[..., None] - radius).min(axis=2)
    wide = (from_crest > 2) & (from_crest < 96 * 0.35 - 2)  # crest and floor lie at a contour's depth themselves
    assert ink[wide & (nearest > 1.6)].max() == 0
    assert ink[wide & (nearest < 0.3)].min() > 0.2
    assert ink.min() >= 0 and ink.max() <= 1


def test_isolines_are_those_of_the_depth_whatever_the_picture_shows(dome):
    white = dome.replace(rgb=np.full_like(dome.rgb, 250))
    assert np.array_equal(INPUTS["isolines"].compute(dome), INPUTS["isolines"].compute(white))


def test_no_isolines_on_faults(faulted):
    assert INPUTS["isolines"].compute(faulted)[0][faulted.fault].max() == 0


def test_ramp_is_the_row_of_the_map(dome):
    ramp = INPUTS["ramp"].compute(dome)
    assert ramp.shape == (1, 64, 64) and np.ptp(ramp, axis=2).max() == 0
    assert ramp[0, :, 0].tolist() == pytest.approx(np.arange(64) / 63)


def test_three_planes_of_a_seismic_image_by_hand(dome):
    grey = np.zeros((64, 64, 3), np.uint8)
    grey[:, 1::2] = 255  # columns 0 1 0 1 ...
    grey[32:] = 51
    planes = INPUTS["salt_depth_abs"].compute(dome.replace(rgb=grey))
    assert planes.shape == (3, 64, 64) and planes.dtype == np.float32
    assert planes[0, 0, :4].tolist() == [0, 1, 0, 1] and planes[0, 40, 7] == pytest.approx(0.2)
    # Inside, Δcolumn of 0 1 0 is 0; at the rim it is 1. Rows change where the grey block begins: (0.2 - 1) / 2.
    assert planes[1, 10, :3].tolist() == [1, 0, 0] and planes[1, 32, 11] == pytest.approx(0.4)
    assert planes[1, 31, 10] == pytest.approx(0.1)
    np.testing.assert_allclose(planes[2], planes[0] * np.linspace(0, 1, 64)[:, None], atol=1e-6)


def test_down_and_across_are_added_before_their_size_is_taken(dome):
    rows, cols = np.indices((64, 64))
    falling, rising = (np.repeat((100 + rows + sign * cols).astype(np.uint8)[..., None], 3, 2) for sign in (-1, 1))
    across, along = (INPUTS["salt_depth_abs"].compute(dome.replace(rgb=rgb))[1] for rgb in (falling, rising))
    np.testing.assert_allclose(across, 0, atol=1e-6)
    np.testing.assert_allclose(along, 2 / 255, rtol=1e-4)


def test_the_true_depth_is_one_value_and_must_be_known(dome):
    np.testing.assert_array_equal(INPUTS["true_depth"].compute(dome.replace(image_depth=431.0)), np.float32(0.431))
    with pytest.raises(UserError, match=r"dome.*true_depth.*depths\.csv"):
        INPUTS["true_depth"].compute(dome)


def test_gradient_of_a_plane_is_one_number_and_does_not_depend_on_units(dome):
    rows, cols = np.indices((64, 64), np.float32)
    plane = dome.replace(depth=(1000 + 30 * rows + 40 * cols).astype(np.float32))
    # 50 m a cell, the relief is 63 * 70 m, the side 64 cells
    expected = np.log1p(50 / (63 * 70) * 64) - 1
    np.testing.assert_allclose(INPUTS["gradient"].compute(plane)[0], expected, rtol=1e-3)
    feet = plane.replace(depth=plane.depth * np.float32(3.28))
    np.testing.assert_allclose(INPUTS["gradient"].compute(feet)[0], expected, rtol=1e-3)


def test_gradient_is_flat_on_the_domes_floor_and_crest(dome):
    plane = INPUTS["gradient"].compute(dome)[0]
    assert plane[0, 0] == -1 and plane[32, 32] == pytest.approx(-1, abs=1e-3) and plane[32, 45] > -0.3


def test_closure_is_the_root_of_the_height_of_find_closures(faulted):
    low, high = faulted.relief
    found = find_closures(faulted.depth, faulted.map_valid, min_area=40, min_height=0.01 * (high - low))
    plane = INPUTS["closure"].compute(faulted)[0]
    assert (found.labels > 0).any()
    np.testing.assert_allclose(plane**2 * (high - low), found.height, rtol=1e-4, atol=1e-3)
    assert (plane[found.labels == 0] == 0).all()


def test_the_domes_closure_is_its_height_above_the_floor(dome):
    plane = INPUTS["closure"].compute(dome)[0]
    np.testing.assert_allclose(plane, np.sqrt((2100 - dome.depth) / 100), atol=1e-4)


def test_closure_follows_the_rules_of_the_run_in_training_and_prediction(dome):
    options = GroundTruthOptions(traps=TrapCriteria(min_area=64 * 64))  # larger than the dome: no trap counts
    sample = prepare_sample(dome, [INPUTS["closure"]], [HEADS["trap"]], options)
    assert sample.inputs.max() == 0 and sample.targets["trap"].max() == 0
    seen = []

    class Seeing(Predictor):
        def predict_inputs(self, inputs, scene, buffer_folder=None):
            seen.append(inputs(slice(None)))
            return {}

    Seeing((), None, (INPUTS["closure"],), (), tiny_config(targets=options))(dome)
    assert seen[0].max() == 0


def test_a_drawn_map_without_contours_has_no_black():
    dome = dome_scene(size=160)
    bare = dome.replace(rgb=None)
    with_lines, plain = INPUTS["rgb"].compute(bare), INPUTS["rgb_plain"].compute(bare)
    assert with_lines.sum(axis=0).min() < plain.sum(axis=0).min() - 1
    given = INPUTS["rgb_plain"].compute(dome)  # the contours of its picture are inpainted
    assert np.abs(given - plain).mean() < 0.4 * np.abs(with_lines - plain).mean()


def test_an_input_that_is_not_visible_is_masked_where_the_map_is(faulted):
    records = [INPUTS[name] for name in ("rgb", "depth", "closure")]
    inside = faulted.map_valid
    some, everything = (stack_inputs(faulted, records, RULES, shown) for shown in (("depth",), None))
    np.testing.assert_array_equal(some[3], everything[3])
    assert (some[:3, inside] == 2).all() and (some[4, inside] == -1).all() and everything[4].min() == 0
    np.testing.assert_array_equal(some[:, ~inside], everything[:, ~inside])
    mask_modalities(everything, inside, records, ("depth",))
    np.testing.assert_array_equal(some, everything)


def test_the_input_sets_of_a_map_are_those_that_it_can_give_the_largest_first(dome):
    records = [INPUTS[name] for name in ("rgb", "fault", "depth")]
    sets = ["rgb", "rgb,fault,depth", "rgb,fault"]
    picture = dome.replace(depth=dome.depth * 0, depth_valid=~dome.map_valid)
    assert input_sets_of(dome, records, sets) == [("rgb", "fault", "depth"), ("rgb", "fault"), ("rgb",)]
    assert input_sets_of(picture, records, sets) == [("rgb", "fault"), ("rgb",)]
    assert input_sets_of(picture, records, []) == [("rgb", "fault", "depth")]
    with pytest.raises(UserError, match="no depth channel"):
        input_row_reader(picture, records, RULES, input_sets_of(picture, records, [])[0])


def test_a_missing_input_looks_like_no_map(dome):
    """Masked inputs have a value that no cell of any map has; a white picture is the one exception."""
    slope = dome.replace(depth=np.linspace(1000, 1001, dome.depth.size, dtype=np.float32).reshape(dome.shape))
    maps = [dome, slope, dome.replace(depth=dome.depth * 0), dome.replace(fault=dome.map_valid.copy())]
    for record in INPUTS.values():
        for scene in maps:
            scene = scene.replace(image_depth=0.0)
            values = record.compute(scene)
            if not record.is_picture:
                assert not np.isclose(values, record.value_if_missing).any(), record.name


def test_a_network_keeps_the_missing_values_it_was_trained_with():
    config = tiny_config(inputs=Names("rgb,fault"), missing_values={"fault": 0.0})
    assert [record.value_if_missing for record in select_inputs(config)] == [WHITE, 0]
    assert [record.value_if_missing for record in select_inputs(replace(config, missing_values={}))] == [WHITE, -1]
    with pytest.raises(UserError, match="missing_values: unknown name 'faults'"):
        select_inputs(replace(config, missing_values={"faults": 0.0}))
