"""Patches: padding that is masked, one symmetry for everything, keys that decide augmentation alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mtl.config import NO_AUGMENTATION, AugmentConfig, PatchConfig
from mtl.data.augment import photometric_augment
from mtl.data.channel_stack import stack_inputs
from mtl.data.channels import INPUTS
from mtl.data.dataset import PatchDataset, patch_origins, prepare_sample, restrict_inputs
from mtl.data.samplers import DistributedBatchSampler, EpochSampler
from mtl.distributed.launch import Process
from mtl.tasks.heads import HEADS
from mtl.training.run_plan import RunPlan
from targets.errors import UserError
from targets.truth.traps import GroundTruthOptions, TrapCriteria
from tests.conftest import dome_scene

RECORDS = [INPUTS["rgb"], INPUTS["fault"], INPUTS["depth"], INPUTS["map"]]
ALL_HEADS = list(HEADS.values())


REDRAWN = AugmentConfig("none", 0, 0, 0, restyle=1.0)


def patches(scene, size=64, stride=64, augment=NO_AUGMENTATION, records=RECORDS):
    return PatchDataset(
        [prepare_sample(scene, records, ALL_HEADS, GroundTruthOptions())], records, PatchConfig(size, stride), augment
    )


def with_outside(scene):
    """The dome's map with its left quarter cut away."""
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


def test_one_symmetry_turns_inputs_and_targets_alike(dome):
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


def test_jitter_and_noise_touch_only_what_they_should(dome):
    scene = with_outside(dome)
    inputs = stack_inputs(scene, RECORDS, TrapCriteria())
    varied = photometric_augment(inputs, scene.map_valid, RECORDS, AugmentConfig(), np.random.default_rng(0))
    changed = [(varied[i] != inputs[i]) for i in range(6)]
    assert all(not plane[:, :16].any() for plane in changed)  # outside the map nothing
    assert changed[0].any() and changed[4].any()
    assert not changed[3].any() and not changed[5].any()  # masks stay masks
    assert np.abs(varied[4] - inputs[4]).max() < 0.06  # slight noise, no jitter on depth


def test_the_sampler_shows_every_patch_once_an_epoch_in_an_order_of_its_own():
    sampler = EpochSampler(10, seed=1)
    first = list(sampler)
    sampler.set_epoch(3)
    later = list(sampler)
    assert sorted(first) == list(range(10)) and sorted(later) == list(range(30, 40))
    assert first != sorted(first) and [key - 30 for key in later] != first


def test_patches_without_traps_are_shown_by_turns_if_traps_are_rare():
    wanted = np.arange(40) % 10 == 0  # four of forty hold a trap
    sampler = EpochSampler(40, 1, priority=wanted, min_fraction=0.5)
    seen = []
    for epoch in range(12):
        sampler.set_epoch(epoch)
        numbers = [key - 40 * epoch for key in sampler]
        assert len(numbers) == len(sampler) == 8 and set(np.flatnonzero(wanted)) <= set(numbers)
        seen += numbers
    assert len(set(seen)) > 30  # the others take turns
    assert len(EpochSampler(40, 1, priority=wanted, min_fraction=0.05)) == 40  # traps are frequent enough
    assert len(EpochSampler(40, 1, priority=wanted)) == 40
    assert len(EpochSampler(40, 1, priority=wanted, min_fraction=1.0)) == 4
    assert (
        len(EpochSampler(40, 1, priority=~wanted & wanted, min_fraction=0.5)) == 40
    )  # no trap at all: nothing to prefer


def shares(sampler, size, number):
    """The batches of every process."""
    return [list(DistributedBatchSampler(sampler, size, Process(rank, number, 1, None))) for rank in range(number)]


@pytest.mark.parametrize(("patches", "number"), [(n, k) for n in (3, 7, 8, 9, 12, 25) for k in (1, 2, 3)])
def test_all_processes_together_show_every_patch_once_in_batches_of_one_process(patches, number):
    sampler = EpochSampler(patches, seed=1)
    own, (whole,) = shares(sampler, 2, number), shares(sampler, 2 * number, 1)
    assert len({len(batches) for batches in own}) == 1 and all(batch for batches in own for batch in batches)
    assert sorted(key for batches in own for batch in batches for key in batch) == list(range(patches))
    joined = [[key for batch in step for key in batch] for step in zip(*own, strict=True)]
    if len(whole) > 1 and len(whole[-1]) < number:  # too few for each process to have one
        *whole, before, last = whole
        whole.append(before + last)
    assert joined == whole


def test_an_epoch_goes_on_with_the_next_batch_of_all_processes():
    sampler = EpochSampler(13, seed=1)
    whole = shares(sampler, 2, 3)
    sampler.resume(0, 6)
    assert shares(sampler, 2, 3) == [batches[1:] for batches in whole]


def test_a_process_without_a_patch_is_refused():
    with pytest.raises(UserError, match="2 patches in an epoch for 3 processes"):
        DistributedBatchSampler(EpochSampler(2, seed=1), 4, Process(0, 3, 1, None))


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_every_validation_map_is_judged_by_one_process_and_the_first_has_one(number):
    own = [Process(rank, number, 1, None).shard(list("abcd")) for rank in range(number)]
    assert [name for names in own for name in names] == list("abcd")
    assert own[0] and max(map(len, own)) - min(map(len, own)) <= 1


def test_the_flight_plan_counts_steps():
    plan = RunPlan(
        maps=2, validation_maps=1, patches=7, patches_per_epoch=21, batch_size=8, accumulate_batches=2, epochs=10
    )
    assert plan.steps_per_epoch == 2  # 3 batches, two of them a step
    assert "20 steps, 210 patches in all" in str(plan)
    plan = replace(plan, processes=2)
    assert (
        plan.steps_per_epoch == 1
        and "21 patches an epoch in 1 steps of 32;" in str(plan)
        and str(plan).endswith("2 processes")
    )


@pytest.mark.parametrize(("symmetry", "number"), [("none", 1), ("mirror", 2), ("flips", 4), ("d4", 8)])
def test_a_patch_is_shown_in_just_the_symmetries_asked_for(symmetry, number):
    scene = dome_scene(crest=(0.3, 0.4))
    data = patches(scene, augment=AugmentConfig(symmetry, brightness=0, contrast=0, noise=0))
    shown = {data[key]["inputs"].numpy().tobytes() for key in range(64)}
    assert len(shown) == number
    if symmetry == "mirror":  # down stays down
        rows = {data[key]["inputs"].sum(-1).numpy().round(2).tobytes() for key in range(64)}
        assert len(rows) == 1


def test_each_patch_shows_one_of_the_sets_and_always_the_same(dome):
    records = [INPUTS["rgb"], INPUTS["depth"]]
    sample = prepare_sample(dome, records, ALL_HEADS, GroundTruthOptions(), ["rgb", "depth"])
    cut = PatchDataset([sample], records, PatchConfig(64, 64), NO_AUGMENTATION)
    seen = [
        (bool((p["inputs"][:3] == 2).all()), bool((p["inputs"][3] == -1.5).all()))
        for p in map(cut.__getitem__, range(20))
    ]
    assert set(seen) == {(True, False), (False, True)}
    assert torch.equal(cut[7]["inputs"], cut[7]["inputs"])
    (alone,) = restrict_inputs(sample, records, ("rgb",)).input_sets
    assert alone == ("rgb",) and (restrict_inputs(sample, records, ("rgb",)).inputs[3] == -1.5).all()
    assert sample.inputs[3].max() == 1


def test_a_picture_joins_the_others_where_a_set_needs_no_depth(dome):
    picture = dome.replace(depth=dome.depth * 0, depth_valid=~dome.map_valid, traps=dome.depth < 2050)
    records = [INPUTS["rgb"], INPUTS["depth"]]
    sample = prepare_sample(picture, records, [HEADS["trap"]], GroundTruthOptions(), ["rgb", "rgb,depth"])
    assert sample.input_sets == (("rgb",),) and (sample.inputs[3] == -1.5).all()
    patch = PatchDataset([sample], records, PatchConfig(64, 64), AugmentConfig())[0]
    assert (patch["inputs"][3] == -1.5).all() and patch["inputs"][:3].std() > 0  # no noise on what is not shown


def test_pictures_are_drawn_anew_and_nothing_else_is(dome):
    data = patches(dome, augment=REDRAWN)
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


def test_what_lies_around_is_drawn_anew_too():
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


def test_no_picture_is_drawn_for_a_patch_that_does_not_show_it(dome, monkeypatch):
    drawn = []
    monkeypatch.setattr("mtl.data.augment.with_random_style", lambda scene, rng, family: drawn.append(1) or scene)
    sample = prepare_sample(dome, RECORDS, [], GroundTruthOptions(), ["rgb", "fault,depth"])
    data = PatchDataset([sample], RECORDS, PatchConfig(64, 64), REDRAWN)
    shown = 0
    for key in range(40):
        before, pictured = len(drawn), bool((data[key]["inputs"][:3] != 2.0).any())
        assert len(drawn) - before == pictured
        shown += pictured
    assert 8 < shown < 32  # one of the two sets each time
