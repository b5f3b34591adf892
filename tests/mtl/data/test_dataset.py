"""Patches: padding that is masked, one symmetry for everything, keys that decide augmentation alone."""

import pickle
from itertools import islice

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from mtl.config import NO_AUGMENTATION, AugmentConfig, PatchConfig
from mtl.data.channel_stack import stack_inputs
from mtl.data.channels import INPUTS
from mtl.data.dataset import PatchDataset, patch_origins, prepare_sample, restrict_inputs
from mtl.data.samplers import EpochSampler
from mtl.tasks.heads import HEADS
from mtl.training.callbacks.preemption import ignore_stop_signals
from targets.errors import UserError
from targets.truth.criteria import GroundTruthOptions, TrapCriteria
from tests.conftest import dome_scene

RECORDS = [INPUTS["rgb"], INPUTS["fault"], INPUTS["depth"], INPUTS["map"]]
ALL_HEADS = list(HEADS.values())


RESTYLED = AugmentConfig("none", 0, 0, 0, restyle=1.0)


def patches(scene, size=64, stride=64, augment=NO_AUGMENTATION, records=RECORDS):
    return PatchDataset(
        [prepare_sample(scene, records, ALL_HEADS, GroundTruthOptions())], records, PatchConfig(size, stride), augment
    )


def with_outside(scene):
    """The dome's map without its left quarter."""
    inside = scene.map_valid.copy()
    inside[:, :16] = False
    return scene.replace(map_valid=inside, depth_valid=inside)


def test_inputs_are_finite_and_constant_outside_the_map(dome):
    scene = with_outside(dome)
    stacked = stack_inputs(scene, RECORDS, TrapCriteria())
    assert stacked.shape == (6, 64, 64) and stacked.dtype == np.float32 and np.isfinite(stacked).all()
    assert [np.unique(plane[:, :16]).tolist() for plane in stacked] == [[2], [2], [2], [0], [-1.5], [0]]


def test_depth_input_is_one_at_the_crest_and_minus_one_at_the_floor(dome):
    plane = INPUTS["depth"].compute(dome)[0]
    assert plane[32, 32] == 1 and plane[0, 0] == -1


def test_a_map_without_depth_cannot_feed_a_depth_input(dome):
    picture = dome.replace(depth=dome.depth * 0, depth_valid=~dome.map_valid)
    with pytest.raises(UserError, match="no depth"):
        stack_inputs(picture, RECORDS, TrapCriteria())
    assert stack_inputs(picture, [INPUTS["rgb"]], TrapCriteria()).shape == (3, 64, 64)


def test_padding_is_outside_the_map_and_not_valid(dome):
    patch = patches(dome, size=96)[0]
    assert patch["inputs"].shape == (6, 96, 96)
    assert (patch["inputs"][5, :64, :64] == 1).all() and patch["inputs"][5].sum() == 64 * 64
    for head in ALL_HEADS:
        valid = patch[f"valid/{head.name}"]
        assert valid.dtype == torch.bool  # a quarter of what goes to a GPU as float32
        assert valid.shape == (1, 96, 96) and valid[:, 64:].sum() == 0 and valid[..., 64:].sum() == 0


def test_distances_are_valid_inside_traps_only(dome):
    patch = patches(dome)[0]
    assert torch.equal(patch["valid/dist"], patch["target/trap"].bool())


@pytest.mark.parametrize(
    ("length", "expected"), [(64, [0]), (40, [0]), (100, [0, 32, 36]), (160, [0, 32, 64, 96]), (65, [0, 1])]
)
def test_patches_reach_the_border(length, expected):
    assert patch_origins(length, 64, 32) == expected


def test_patches_with_too_little_map_are_left_out(dome):
    inside = np.zeros((64, 64), bool)
    inside[:20, :20] = True
    scene = dome.replace(map_valid=inside, depth_valid=inside)
    config = PatchConfig(32, 32, min_valid_fraction=0.1)
    sample = prepare_sample(scene, RECORDS, ALL_HEADS, GroundTruthOptions())
    assert len(PatchDataset([sample], RECORDS, config, NO_AUGMENTATION)) == 1
    with pytest.raises(UserError, match="no patch"):
        PatchDataset([sample], RECORDS, PatchConfig(32, 32, min_valid_fraction=0.9), NO_AUGMENTATION)


def test_a_key_decides_the_augmentation_alone(dome):
    data = patches(dome, augment=AugmentConfig())
    assert all(torch.equal(a, b) for a, b in zip(data[7].values(), data[7].values(), strict=True))
    assert len({float(data[key]["inputs"].double().sum()) for key in range(8)}) == 8


def test_one_symmetry_transforms_inputs_and_targets_alike(dome):
    # The depth input is +1 where trap is deepest inside, so it stays the same function of the trap's distance map.
    data = patches(dome_scene(crest=(0.4, 0.6)), augment=AugmentConfig(brightness=0, contrast=0, noise=0))
    still = patches(dome_scene(crest=(0.4, 0.6)))[0]
    seen = set()
    for key in range(40):
        patch = data[key]
        assert torch.equal(patch["inputs"][4] > -1, patch["target/trap"][0] > 0)
        peak = int(patch["target/crest"].argmax())
        assert patch["inputs"][4].flatten()[peak] == still["inputs"][4].max()
        seen.add(peak)
    assert len(seen) == 8  # the eight symmetries of the square


@pytest.mark.parametrize(("symmetry", "number"), [("none", 1), ("mirror", 2), ("flips", 4), ("d4", 8)])
def test_a_patch_comes_in_just_the_symmetries_of_the_setting(symmetry, number):
    scene = dome_scene(crest=(0.3, 0.4))
    data = patches(scene, augment=AugmentConfig(symmetry, brightness=0, contrast=0, noise=0))
    shown = {data[key]["inputs"].numpy().tobytes() for key in range(64)}
    assert len(shown) == number
    if symmetry == "mirror":  # down stays down
        rows = {data[key]["inputs"].sum(-1).numpy().round(2).tobytes() for key in range(64)}
        assert len(rows) == 1


def test_each_patch_has_one_of_the_input_sets_and_always_the_same(dome):
    records = [INPUTS["rgb"], INPUTS["depth"]]
    sample = prepare_sample(dome, records, ALL_HEADS, GroundTruthOptions(), ["rgb", "depth"])
    data = PatchDataset([sample], records, PatchConfig(64, 64), NO_AUGMENTATION)
    seen = [
        (bool((p["inputs"][:3] == 2).all()), bool((p["inputs"][3] == -1.5).all()))
        for p in map(data.__getitem__, range(20))
    ]
    assert set(seen) == {(True, False), (False, True)}
    assert torch.equal(data[7]["inputs"], data[7]["inputs"])
    (alone,) = restrict_inputs(sample, records, ("rgb",)).input_sets
    assert alone == ("rgb",) and (restrict_inputs(sample, records, ("rgb",)).inputs[3] == -1.5).all()
    assert sample.inputs[3].max() == 1


def test_a_picture_joins_the_others_where_a_set_needs_no_depth(dome):
    picture = dome.replace(depth=dome.depth * 0, depth_valid=~dome.map_valid, traps=dome.depth < 2050)
    records = [INPUTS["rgb"], INPUTS["depth"]]
    sample = prepare_sample(picture, records, [HEADS["trap"]], GroundTruthOptions(), ["rgb", "rgb,depth"])
    assert sample.input_sets == (("rgb",),) and (sample.inputs[3] == -1.5).all()
    patch = PatchDataset([sample], records, PatchConfig(64, 64), AugmentConfig())[0]
    assert (patch["inputs"][3] == -1.5).all() and patch["inputs"][:3].std() > 0  # no noise on what is masked


def test_pictures_are_restyled_and_nothing_else_is(dome):
    data = patches(dome, augment=RESTYLED)
    given, first, again, later = (d[key]["inputs"] for d, key in ((patches(dome), 0), (data, 0), (data, 0), (data, 1)))
    assert torch.equal(first, again) and not torch.equal(first[:3], given[:3]) and not torch.equal(first, later)
    assert torch.equal(first[3:], given[3:])
    half = patches(dome, augment=AugmentConfig("none", 0, 0, 0, restyle=0.5))
    assert 3 < sum(torch.equal(half[key]["inputs"], given) for key in range(20)) < 17
    picture = dome.replace(depth=dome.depth * 0, depth_valid=np.zeros_like(dome.fault))
    alone, kept = (
        patches(picture, augment=AugmentConfig("none", 0, 0, 0, restyle=share), records=[INPUTS["rgb"]])[0]["inputs"]
        for share in (1.0, 0.0)
    )
    assert torch.equal(alone, kept)


def test_the_context_is_restyled_too():
    large = dome_scene(size=128)
    config = PatchConfig(64, 64, context=2)
    given, again = (
        PatchDataset(
            [prepare_sample(large, RECORDS, [], GroundTruthOptions())],
            RECORDS,
            config,
            AugmentConfig("none", 0, 0, 0, restyle=r),
        )
        for r in (0.0, 1.0)
    )
    changed = (given[0]["inputs"] != again[0]["inputs"]).flatten(1).any(1)
    assert changed.tolist() == [True] * 3 + [False] * 3 + [True] * 3 + [False] * 3


def test_no_picture_is_drawn_for_a_patch_whose_input_set_lacks_it(dome, monkeypatch):
    drawn = []
    monkeypatch.setattr("mtl.data.augment.with_random_style", lambda scene, rng, family: drawn.append(1) or scene)
    sample = prepare_sample(dome, RECORDS, [], GroundTruthOptions(), ["rgb", "fault,depth"])
    data = PatchDataset([sample], RECORDS, PatchConfig(64, 64), RESTYLED)
    shown = 0
    for key in range(40):
        before, pictured = len(drawn), bool((data[key]["inputs"][:3] != 2.0).any())
        assert len(drawn) - before == pictured
        shown += pictured
    assert 8 < shown < 32  # one of the two sets each time


@pytest.mark.long  # it starts Python and imports torch once more
def test_patches_of_worker_processes_started_by_spawn_are_the_same(dome):
    """Windows and macOS start data-loading workers by spawn: the data set travels to them as bytes."""
    data = patches(dome, stride=32, size=32, augment=RESTYLED)
    keys = list(islice(EpochSampler(len(data), 0, 2), 4))
    options = {"batch_size": None, "worker_init_fn": ignore_stop_signals}
    here = list(DataLoader(data, sampler=keys, **options))
    there = list(DataLoader(data, sampler=keys, num_workers=1, multiprocessing_context="spawn", **options))
    for own, other in zip(here, there, strict=True):
        assert own.keys() == other.keys() and all(torch.equal(own[name], other[name]) for name in own)


def test_patches_travel_as_bytes(dome):
    data = patches(dome, augment=RESTYLED)
    copy = pickle.loads(pickle.dumps(data))
    assert all(torch.equal(data[3][name], copy[3][name]) for name in data[3])
