"""Photometric augmentation touches only what it should."""

import numpy as np

from mtl.config import AugmentConfig
from mtl.data.augment import photometric_augment
from mtl.data.channel_stack import stack_inputs
from mtl.data.channels import INPUTS
from targets.truth.traps import TrapCriteria

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
