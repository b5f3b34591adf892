"""Photometric augmentation touches only what it should."""

import numpy as np
import pytest
import torch

from mtl.config import AugmentConfig, PatchConfig
from mtl.data.augment import PICTURE_TRANSFORMS, photometric_augment, transform_pictures
from mtl.data.channel_stack import stack_inputs
from mtl.data.channels import INPUTS
from mtl.data.dataset import PatchDataset, prepare_sample
from targets.errors import UserError
from targets.truth.criteria import GroundTruthOptions, TrapCriteria

RECORDS = [INPUTS["rgb"], INPUTS["fault"], INPUTS["depth"], INPUTS["map"]]


def test_jitter_and_noise_touch_only_what_they_should(dome):
    inside = dome.map_valid.copy()
    inside[:, :16] = False
    scene = dome.replace(map_valid=inside, depth_valid=inside)
    inputs = stack_inputs(scene, RECORDS, TrapCriteria())
    varied = photometric_augment(inputs, scene.map_valid, RECORDS, AugmentConfig(), np.random.default_rng(0))
    changed = [(varied[i] != inputs[i]) for i in range(6)]
    assert all(not plane[:, :16].any() for plane in changed)  # outside the map nothing
    assert changed[0].any() and changed[4].any()
    assert not changed[3].any() and not changed[5].any()  # masks stay masks
    assert np.abs(varied[4] - inputs[4]).max() < 0.06  # slight noise, no jitter on depth


@pytest.mark.parametrize("name", PICTURE_TRANSFORMS)
def test_a_transform_of_monai_changes_the_picture_inside_the_map_and_the_seed_decides(dome, name):
    inside = dome.map_valid.copy()
    inside[:, :16] = False
    inputs = stack_inputs(dome.replace(map_valid=inside, depth_valid=inside), RECORDS, TrapCriteria())
    first, again, other = (
        transform_pictures(inputs, inside, RECORDS, {name: 1.0}, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first[:3] != other[:3]).any() and (first[:3, inside] != inputs[:3, inside]).any()
    np.testing.assert_array_equal(first[3:], inputs[3:])
    np.testing.assert_array_equal(first[:, ~inside], inputs[:, ~inside])
    assert np.isfinite(first).all() and np.abs(first[:3] - inputs[:3]).max() < 3
    kept = transform_pictures(inputs, inside, RECORDS, {name: 0.0}, np.random.default_rng(0))
    np.testing.assert_array_equal(kept, inputs)


def test_picture_transforms_follow_the_key_of_a_patch_and_unknown_ones_are_refused(dome):
    sample = prepare_sample(dome, RECORDS, [], GroundTruthOptions())
    config = AugmentConfig("none", 0, 0, 0, picture_transforms={"gamma": 0.5})
    data = PatchDataset([sample], RECORDS, PatchConfig(64, 64), config)
    assert all(torch.equal(data[key]["inputs"], data[key]["inputs"]) for key in range(4))
    changed = [bool((data[key]["inputs"].numpy() != sample.inputs).any()) for key in range(30)]
    assert 5 < sum(changed) < 25
    with pytest.raises(UserError, match=r"augment\.picture_transforms.*blur"):
        PatchDataset([sample], RECORDS, PatchConfig(64, 64), AugmentConfig(picture_transforms={"blurr": 1.0}))
