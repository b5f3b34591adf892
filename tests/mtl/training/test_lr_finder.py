"""The search for a rate: a suggestion among those tried, a picture, and nothing learned."""

import pytest

from mtl.config import NetConfig, OptimConfig, PatchConfig, PredictConfig, SplitConfig
from mtl.training.lr_finder import MAX_LR, MIN_LR, suggest_lr
from targets.common.cli import Names
from tests.conftest import SMALL_ENCODER, tiny_config


@pytest.mark.parametrize("schedule", ["cosine", "plateau", "one_cycle", "constant"])
def test_a_rate_is_suggested_and_nothing_else_is_left(dome_maps, tmp_path, schedule):
    config = tiny_config(
        data=str(dome_maps),
        heads=Names("trap"),
        net=NetConfig("unet", SMALL_ENCODER, "none", decoder_channels=[8, 8]),
        patches=PatchConfig(32, 32),
        predict=PredictConfig(stride=32),
        split=SplitConfig(val_fraction=0.7),
        optim=OptimConfig(schedule=schedule),
    )
    assert MIN_LR < suggest_lr(config, tmp_path / "rate", steps=30) < MAX_LR
    assert {path.name for path in (tmp_path / "rate").iterdir()} == {"rates.png"}
