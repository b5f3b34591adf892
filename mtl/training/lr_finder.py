"""Which rate to begin with: the loss over a rate that grows from step to step, as Lightning's tuner measures it."""

from pathlib import Path
from typing import Any

from lightning.pytorch.tuner import Tuner

from mtl.config import TrainConfig
from mtl.data.read import maps_of
from mtl.training.check_settings import check_settings
from mtl.training.setup import prepare_run, build_trainer
from targets.common.atomic_write import atomic_write
from targets.errors import UserError

LOW, HIGH = 1e-6, 1.0  # rates that are tried


def suggest_lr(config: TrainConfig, out: Path, steps: int = 100) -> float:
    """A rate for `optim.lr`, where the loss falls fastest (Smith 2017), and the curve as out/rates.png.

    All parts of the network have the same rate here, a pretrained encoder too. Nothing that is learned is kept.

    Parameters
    ----------
    steps : int, default 100
        Optimiser steps, a rate each.

    Raises
    ------
    UserError
        Settings that cannot be met, or a loss that falls nowhere.
    """
    check_settings(config)
    training, _ = maps_of(config)
    ready = prepare_run(config, training, [], pretrained=True)
    out.mkdir(parents=True, exist_ok=True)
    trainer = build_trainer(config, out, steps, None, [])
    tuner = Tuner(trainer)
    found = tuner.lr_find(
        ready.module, ready.train_loader, min_lr=LOW, max_lr=HIGH, num_training=steps, attr_name="lr", update_attr=False
    )
    rate = None if found is None else found.suggestion()
    if found is None or rate is None:
        raise UserError("--find_lr", "the loss falls at no rate", "maps that can be learned")
    with atomic_write(out / "rates.png") as temporary:
        figure: Any = found.plot(suggest=True)
        figure.axes[0].set(xlabel="rate of all parts", ylabel="loss, smoothed", title=f"falls fastest at {rate:.2g}")
        figure.savefig(temporary)
    return rate
