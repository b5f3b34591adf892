"""Learning-rate schedules: hand-computed values, and torch's own as the reference."""

import csv
from dataclasses import replace
from functools import partial

import pytest
import torch
from lightning.pytorch.callbacks import Callback

from mtl.config import LoopConfig, OptimConfig
from mtl.training.run import fit
from mtl.training.schedules import cosine_with_warmup, make_schedule
from targets.common.cli import Names
from tests.conftest import dome_scene, tiny_config

SCENES = [dome_scene(f"d{i}", crest=(0.4 + 0.05 * i, 0.5)) for i in range(4)]


def test_cosine_rate_warms_up_and_ends_at_zero():
    rate = partial(cosine_with_warmup, steps=100, warmup=10)
    assert rate(0) == 0.1 and rate(9) == rate(10) == 1.0
    assert rate(55) == pytest.approx(0.5) and rate(100) == pytest.approx(0, abs=1e-9)


def test_one_cycle_is_torchs_with_the_peak_of_every_group(tmp_path):
    rates = []

    class Look(Callback):
        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            rates.append([group["lr"] for group in trainer.optimizers[0].param_groups])

    optim = OptimConfig(schedule="one_cycle", lr=1e-3, warmup_fraction=0.3)
    config = tiny_config(heads=Names("trap"), loop=LoopConfig(epochs=5, batch_size=2, logger="csv"), optim=optim)
    fit(config, tmp_path, SCENES[:4], SCENES[3:], extra_callbacks=[Look()])
    weights = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], 1e-3)
    expected = torch.optim.lr_scheduler.OneCycleLR(weights, 1e-3, total_steps=10, pct_start=0.3)
    for seen in rates:  # the scheduler's step lies before the callback
        weights.step()
        expected.step()
        assert seen == pytest.approx(expected.get_last_lr() * 2)


@pytest.mark.parametrize("steps", [1, 2, 3, 10])
def test_one_cycle_may_be_as_short_as_a_step(steps):
    optimizer = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], 1e-3)
    schedule = make_schedule(optimizer, OptimConfig(schedule="one_cycle"), lambda: steps)
    for _ in range(steps):
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_a_run_that_is_resumed_with_more_epochs_has_the_rates_of_a_run_as_long(tmp_path, schedule):
    """It once stayed at the end of the old schedule, at a rate of 0, or was stopped there by torch."""
    loop = LoopConfig(epochs=4, batch_size=2, logger="csv")
    config = tiny_config(heads=Names("trap"), loop=loop, optim=OptimConfig(schedule=schedule, warmup_fraction=0.3))
    short = replace(config, loop=replace(loop, epochs=2))
    fit(short, tmp_path / "resumed", SCENES[:3], SCENES[3:])
    for name, resume in ("resumed", True), ("whole", False):
        fit(config, tmp_path / name, SCENES[:3], SCENES[3:], resume=resume)
    resumed, whole = (list(csv.DictReader((tmp_path / name / "metrics.csv").open())) for name in ("resumed", "whole"))
    rates = [name for name in whole[0] if name.startswith("lr")]
    assert rates and [row["epoch"] for row in resumed] == ["0", "1", "2", "3"]
    for name in rates:
        assert resumed[3][name] == whole[3][name] and resumed[2][name] == whole[2][name]
