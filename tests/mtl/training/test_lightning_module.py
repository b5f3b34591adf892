"""Training steps: deep supervision, the encoder's learning rate and second-stage losses."""

import csv
from dataclasses import replace

import pytest
import torch
from lightning.pytorch.callbacks import Callback

from mtl.config import LoopConfig, NetConfig, OptimConfig
from mtl.inference.predictor import load_predictor
from mtl.training.lightning_module import MultiTaskModule
from mtl.training.run import fit
from targets.common.cli import Names
from tests.conftest import dome_scene, tiny_config

SCENES = [dome_scene(f"d{i}", crest=(0.4 + 0.05 * i, 0.5)) for i in range(4)]


def test_deep_supervision_trains_extra_layers_that_prediction_does_not_use(tmp_path):
    config = tiny_config(heads=Names("trap"), loop=LoopConfig(epochs=1, batch_size=2, logger="csv"))
    deep = replace(config, net=replace(config.net, deep_supervision=0.5, hypercolumn=True))
    fit(deep, tmp_path, SCENES[:2], SCENES[2:])
    content = torch.load(tmp_path / "last.ckpt", weights_only=True)
    early = [value for name, value in content["state_dict"].items() if name.startswith("net.early")]
    fresh = [value for name, value in MultiTaskModule(deep).state_dict().items() if name.startswith("net.early")]
    assert len(early) == 8 and not any(map(torch.equal, early, fresh))
    assert load_predictor(tmp_path / "last.ckpt", device="cpu")(SCENES[0])["trap"].shape == (1, 64, 64)


def test_a_pretrained_encoder_learns_at_its_own_rate(tmp_path):
    seen = {}

    class Look(Callback):
        def on_train_start(self, trainer, module):
            seen.update({group["name"]: group["initial_lr"] for group in trainer.optimizers[0].param_groups})

    for weights in ("imagenet", "none"):
        config = tiny_config(heads=Names("trap"), loop=LoopConfig(epochs=1, batch_size=2, logger="csv"))
        config = replace(
            config,
            net=replace(config.net, encoder=NetConfig.encoder, encoder_weights=weights),  # its weights are installed
            optim=OptimConfig(lr=1e-3, encoder_lr=1e-5),
        )
        fit(config, tmp_path / weights, SCENES[:2], SCENES[2:], extra_callbacks=[Look()])
        assert seen == {"encoder": 1e-5 if weights == "imagenet" else 1e-3, "decoder": 1e-3}


def test_second_stage_losses_begin_with_their_epoch(tmp_path):
    seen = []

    class Look(Callback):
        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            seen.append([head.loss.name for head in module.current_heads])

    optim = OptimConfig(losses={"trap": "bce"}, second_stage_losses={"trap": "lovasz"}, second_stage_epoch=2)
    loop = LoopConfig(epochs=3, batch_size=2, logger="csv")
    metrics = fit(
        tiny_config(heads=Names("trap,dist"), loop=loop, optim=optim),
        tmp_path,
        SCENES[:2],
        SCENES[2:],
        extra_callbacks=[Look()],
    )
    assert seen == [["bce", "smooth_l1"]] * 2 + [["lovasz", "smooth_l1"]]
    with (tmp_path / "metrics.csv").open() as file:
        losses = [float(row["trap/val_loss"]) for row in csv.DictReader(file)]
    assert losses[2] == pytest.approx(metrics["trap/val_loss"], rel=1e-4)
