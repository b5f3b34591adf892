"""Set-up of a run: the size of its patches, its precision, heads that nothing teaches."""

import numpy as np
import pytest
import torch

from mtl.config import LoopConfig, OptimConfig, PatchConfig, PredictConfig
from mtl.data.channels import INPUTS
from mtl.data.dataset import prepare_sample
from mtl.tasks.heads import HEADS, with_losses
from mtl.training import setup
from mtl.training.setup import decide_patch_size, precision_of_device, untaught_heads
from targets.truth.traps import GroundTruthOptions
from tests.conftest import dome_scene, tiny_config


@pytest.mark.parametrize(
    ("patches", "longest_side", "size"),
    [
        (PatchConfig(256), 64, 64),
        (PatchConfig(256), 70, 96),
        (PatchConfig(32), 64, 32),
        (PatchConfig(256, max_side=100), 500, 128),  # a map of 500 cells is downsampled to 100
        (PatchConfig(256, shrink_to_maps=False), 64, 256),
        (PatchConfig(256, small_map_mode="reflect"), 64, 256),
    ],
)
def test_patches_are_no_larger_than_the_largest_map(patches, longest_side, size):
    assert decide_patch_size(tiny_config(patches=patches), longest_side).patches.size == size


@pytest.mark.parametrize("stride", [32, 64, 96, 128, 256])
@pytest.mark.parametrize("longest_side", [20, 64, 90, 128, 200, 300])
def test_tiles_of_smaller_patches_overlap_as_much_and_leave_no_gap(stride, longest_side):
    config = tiny_config(patches=PatchConfig(256, stride), predict=PredictConfig(stride))
    decided = decide_patch_size(config, longest_side)
    size = decided.patches.size
    assert decided.predict.stride % 32 == 0 and 32 <= decided.predict.stride <= size
    assert decided.patches.stride == stride * size / 256
    assert stride * size / 256 - 32 < decided.predict.stride <= max(32, stride * size / 256)
    assert decide_patch_size(decided, longest_side) == decided  # as a resumed run does


@pytest.mark.parametrize(
    ("gpu", "bfloat16", "wanted", "taken"),
    [
        (False, True, "bf16-mixed", "bf16-mixed"),
        (False, False, "bf16-mixed", "32-true"),
        (True, False, "bf16-mixed", "16-mixed"),  # a GPU older than Ampere
        (True, False, "32-true", "32-true"),
        (False, False, "32-true", "32-true"),
    ],
)
def test_a_device_without_bfloat16_trains_in_another_precision_and_says_so(
    gpu, bfloat16, wanted, taken, monkeypatch, capsys
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(setup, "has_bfloat16", lambda on_gpu: bfloat16)
    assert precision_of_device(tiny_config(loop=LoopConfig(precision=wanted))) == taken
    assert (taken in capsys.readouterr().out) == (taken != wanted)


def test_a_head_that_no_training_map_teaches_is_named():
    nowhere, drawn = np.zeros((64, 64), bool), np.zeros((64, 64), bool)
    drawn[20:40, 20:40] = True
    rgb = np.full((64, 64, 3), 200, np.uint8)
    picture = dome_scene().replace(depth=np.zeros((64, 64), np.float32), depth_valid=nowhere, rgb=rgb, traps=drawn)
    heads = HEADS["trap"], HEADS["depth"]
    samples = [prepare_sample(picture, [INPUTS["rgb"]], heads, GroundTruthOptions(), with_traps=True)]
    assert untaught_heads(heads, samples) == ["depth"]
    through_closures = with_losses(heads, OptimConfig(losses={"depth": "smooth_l1+slopes+closure"}))
    assert untaught_heads(through_closures, samples) == []
    assert untaught_heads((*heads, *through_closures), samples) == []  # in a second stage
