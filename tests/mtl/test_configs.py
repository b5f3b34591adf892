"""The shipped config files: every one can be read, and asks for nothing that there is not."""

from pathlib import Path

import pytest

from mtl.ablation.grid import expand_grid
from mtl.ablation.options import Ablation
from mtl.config import TrainConfig
from mtl.training.check_settings import check_settings
from targets.common.cli import read_record

CONFIGS = Path(__file__).parents[2] / "configs"
RECIPES = sorted(CONFIGS.glob("*.yaml"))


@pytest.mark.parametrize("path", [*RECIPES, CONFIGS / "ablations" / "base.yaml"], ids=lambda path: path.stem)
def test_a_recipe_can_be_met(path):
    check_settings(read_record(TrainConfig, ["--config", str(path)], "tools/train.py"))


def test_the_runs_of_the_salt_ablation_can_be_met(tmp_path, monkeypatch):
    monkeypatch.chdir(CONFIGS.parent)  # the base is named from here
    path = CONFIGS / "ablations" / "salt_encoders.yaml"
    jobs = expand_grid(read_record(Ablation, ["--config", str(path)], "tools/ablate.py"), tmp_path)
    assert {job.config.net.encoder for job in jobs} == {
        "resnet50", "resnet34", "vgg16", "timm-tf_efficientnet_lite0"
    }  # fmt: skip
