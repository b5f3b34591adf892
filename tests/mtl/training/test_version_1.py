"""Runs and checkpoints of version 1 in the words of this version."""

from dataclasses import replace

import pytest
import torch
from lightning.pytorch.callbacks import Callback

from mtl.config import LoopConfig, OptimConfig
from mtl.inference.predictor import load_predictor
from mtl.models.checkpoint import CONFIG_KEY, read_checkpoint
from mtl.training.lightning_module import MultiTaskModule
from mtl.training.run import fit
from targets.common.cli import Names
from tests.conftest import dome_scene, tiny_config

SCENES = [dome_scene(f"d{i}", crest=(0.4 + 0.05 * i, 0.5)) for i in range(4)]


def test_a_checkpoint_of_an_earlier_version_is_read_in_todays_words(tmp_path):
    config = tiny_config()
    old = config.as_dict()
    del old["version"]  # version 1 had none
    old["augment"] = {"d4": False, "brightness": 0.1, "contrast": 0.1, "noise": 1.0}
    for name in ("attention", "block", "dropout", "hypercolumn", "deep_supervision"):
        del old["net"][name]
    path = tmp_path / "old.ckpt"
    torch.save({CONFIG_KEY: old, "state_dict": MultiTaskModule(config).state_dict()}, path)
    assert read_checkpoint(path)[0] == replace(config, augment=replace(config.augment, symmetry="none"))
    assert load_predictor(path, device="cpu")(SCENES[0])["trap"].shape == (1, 64, 64)


class Killed(Exception):
    pass


class KillIn(Callback):
    """Stops the run in the second step of an epoch, as a lost machine would."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if (trainer.current_epoch, batch_idx) == (self.epoch, 2):
            raise Killed


OLD_TAGS = {
    "total_loss": "loss",
    "lr/": "rate/",
    "grad_cosine/": "cosine/",
    "/loss_weight": "/weight",
    "/grad_norm": "/gradient",
}


def in_old_tags(text):
    for new, old in OLD_TAGS.items():
        text = text.replace(new, old)
    return text


def write_as_version_1(folder):
    """Rewrite last.ckpt and metrics.csv as version 1 left them."""
    content = torch.load(folder / "last.ckpt", weights_only=True)
    states = content["callbacks"]
    content["so_far"] = {
        "means": {in_old_tags(tag): mean for tag, mean in states.pop("EpochMeans")["means"].items()},
        "gradients": states.pop("GradientStatistics")["gramians"],
    }
    content["plateau"] = states.pop("PlateauSchedule")
    old = {"RelocatableModelCheckpoint": "KeptCheckpoint", "WarmupEMA": "MovingAverage"}
    for name in list(states):
        words, brace, rest = name.partition("{")
        states[old.get(words, words) + brace + rest] = states.pop(name)
    torch.save(content, folder / "last.ckpt")
    (folder / "metrics.csv").write_text(in_old_tags((folder / "metrics.csv").read_text()))


def test_a_run_of_version_1_is_resumed_as_if_nothing_had_happened(tmp_path):
    optim = OptimConfig(schedule="plateau", plateau_patience=0, plateau_factor=0.1, ema_decay=0.9)
    loop = LoopConfig(epochs=2, batch_size=1, save_minutes=0, logger="csv")
    config = tiny_config(heads=Names("trap,dist"), loop=loop, optim=optim)
    whole = fit(config, tmp_path / "whole", SCENES[:3], SCENES[3:])
    with pytest.raises(Killed):
        fit(config, tmp_path / "parts", SCENES[:3], SCENES[3:], extra_callbacks=[KillIn(epoch=1)])
    write_as_version_1(tmp_path / "parts")
    assert "trap/gradient" in (tmp_path / "parts" / "metrics.csv").read_text()
    parts = fit(config, tmp_path / "parts", SCENES[:3], SCENES[3:], resume=True)
    assert whole == pytest.approx(parts, nan_ok=True)
    texts = [(tmp_path / name / "metrics.csv").read_text() for name in ("whole", "parts")]
    assert texts[0] == texts[1]
    first, second = (torch.load(tmp_path / n / "last.ckpt", weights_only=True) for n in ("whole", "parts"))
    assert first["callbacks"].keys() == second["callbacks"].keys()
    assert first["callbacks"]["PlateauSchedule"] == second["callbacks"]["PlateauSchedule"]
    best = next(name for name in first["callbacks"] if "trap/iou" in name)
    assert first["callbacks"][best]["best_model_score"] == second["callbacks"][best]["best_model_score"]
