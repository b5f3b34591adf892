"""Learning rates fall when the monitored metric stalls."""

import csv
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch.callbacks import Callback

from mtl.config import LoopConfig, OptimConfig
from mtl.training.callbacks.plateau import PlateauSchedule
from mtl.training.run import fit
from targets.common.cli import Names
from tests.conftest import dome_scene, tiny_config

SCENES = [dome_scene(f"d{i}", crest=(0.4 + 0.05 * i, 0.5)) for i in range(4)]


def test_what_is_monitored_is_logged_and_drives_checkpoint_and_plateau(tmp_path):
    loop = LoopConfig(epochs=2, batch_size=2, monitor="trap/calibration_error", logger="csv")
    config = tiny_config(
        heads=Names("trap"), loop=loop, optim=OptimConfig(schedule="plateau", plateau_patience=5, plateau_factor=0.5)
    )
    plateaus = []

    class Look(Callback):
        def on_train_end(self, trainer, module):
            plateaus.extend(one.scheduler for one in trainer.callbacks if isinstance(one, PlateauSchedule))

    fit(config, tmp_path, SCENES[:2], SCENES[2:], extra_callbacks=[Look()])
    with (tmp_path / "metrics.csv").open() as file:
        errors = [float(row["trap/calibration_error"]) for row in csv.DictReader(file)]
    best = torch.load(tmp_path / "best.ckpt", weights_only=True)
    assert best["epoch"] == errors.index(min(errors))
    assert plateaus[0].mode == "min" and plateaus[0].best == pytest.approx(min(errors), rel=1e-4)


def test_a_metric_that_should_grow_halves_the_rate_after_patience():
    optimizer = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], 1e-3)
    trainer = SimpleNamespace(optimizers=[optimizer], callback_metrics={})
    plateau = PlateauSchedule("trap/iou", "max", factor=0.5, patience=5)
    plateau.on_train_start(trainer, None)
    rates = []
    for value in (0.5, 0.6, *[0.55] * 7):
        trainer.callback_metrics["trap/iou"] = torch.tensor(value)
        plateau.on_train_epoch_end(trainer, None)
        rates.append(optimizer.param_groups[-1]["lr"])
    assert rates == [1e-3] * 7 + [5e-4] * 2  # the sixth epoch without a better value


def test_a_restored_plateau_continues_its_count():
    def begin(state=None):
        optimizer = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], 1e-3)
        trainer = SimpleNamespace(optimizers=[optimizer], callback_metrics={"trap/iou": torch.tensor(0.5)})
        plateau = PlateauSchedule("trap/iou", "max", factor=0.5, patience=1)
        if state is not None:
            plateau.load_state_dict(state)
        plateau.on_train_start(trainer, None)
        return trainer, plateau

    trainer, plateau = begin()
    for _ in range(2):
        plateau.on_train_epoch_end(trainer, None)
    trainer, plateau = begin(plateau.state_dict())
    plateau.on_train_epoch_end(trainer, None)
    assert trainer.optimizers[0].param_groups[0]["lr"] == 5e-4
