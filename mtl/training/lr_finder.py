"""Learning-rate finder: the loss over a rate that grows from step to step (Smith 2017)."""

from pathlib import Path
from typing import Any

from lightning.pytorch.tuner import Tuner

from mtl.config import TrainConfig
from mtl.data.read import load_maps
from mtl.training.check_settings import check_settings
from mtl.training.setup import build_trainer, decide_patch_size, prepare_run
from targets.common.atomic_write import atomic_write
from targets.errors import UserError

MIN_LR, MAX_LR = 1e-6, 1.0  # of the rates that are tried


def suggest_lr(config: TrainConfig, out: Path, steps: int = 100) -> float:
    """Find the rate for `optim.lr` at which the loss falls fastest, and draw the curve as out/rates.png.

    All parts of the network have the same rate here, a pretrained encoder too. Nothing that is learned is kept.

    Parameters
    ----------
    config : TrainConfig
        The settings of the run.
    out : Path
        Folder of the picture.
    steps : int, default 100
        Optimiser steps, each at a rate of its own.

    Raises
    ------
    UserError
        Settings that cannot be met, or a loss that falls nowhere.
    """
    check_settings(config)
    maps = load_maps(config)
    config = decide_patch_size(config, maps.longest_side)
    run = prepare_run(config, maps.training, [], pretrained=True)
    out.mkdir(parents=True, exist_ok=True)
    tuner = Tuner(build_trainer(config, out, steps, [], []))
    result = tuner.lr_find(
        run.module,
        run.train_loader,
        min_lr=MIN_LR,
        max_lr=MAX_LR,
        num_training=steps,
        attr_name="lr",
        update_attr=False,
    )
    rate = None if result is None else result.suggestion()
    if result is None or rate is None:
        raise UserError("--find_lr", "the loss falls at no rate", "maps that can be learned")
    with atomic_write(out / "rates.png") as temporary:
        figure: Any = result.plot(suggest=True)
        figure.axes[0].set(
            xlabel="learning rate of all parts", ylabel="loss, smoothed", title=f"falls fastest at {rate:.2g}"
        )
        figure.savefig(temporary)
    return rate
