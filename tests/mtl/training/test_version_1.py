"""Runs and checkpoints of version 1 in the words of this version."""

from dataclasses import replace

import torch

from mtl.inference.predictor import load_predictor
from mtl.models.checkpoint import CONFIG_KEY, read_checkpoint
from mtl.training.lightning_module import MultiTaskModule
from tests.conftest import dome_scene, tiny_config

SCENES = [dome_scene(f"d{i}", crest=(0.4 + 0.05 * i, 0.5)) for i in range(4)]


def test_a_checkpoint_of_an_earlier_version_is_read_in_todays_words(tmp_path):
    config = tiny_config()
    old = config.as_dict()
    old["augment"] = {"d4": False, "brightness": 0.1, "contrast": 0.1, "noise": 1.0}
    for name in ("attention", "block", "dropout", "hypercolumn", "deep_supervision"):
        del old["net"][name]
    path = tmp_path / "old.ckpt"
    torch.save({CONFIG_KEY: old, "state_dict": MultiTaskModule(config).state_dict()}, path)
    assert read_checkpoint(path)[0] == replace(config, augment=replace(config.augment, symmetry="none"))
    assert load_predictor(path, device="cpu")(SCENES[0])["trap"].shape == (1, 64, 64)
