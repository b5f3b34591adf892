"""Checks of a run's settings before any work is done, and the metric that chooses its best checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from mtl.config import STRIDE, TrainConfig
from mtl.config_ranges import check_ranges
from mtl.data.augment import PICTURE_TRANSFORMS
from mtl.data.channels import INPUTS
from mtl.data.context import FACTORS
from mtl.losses.weighting import find_weighting
from mtl.metrics.base import Mode
from mtl.models.checkpoint import MAX_WINDOW
from mtl.registry import select_records
from mtl.tasks.base import Head
from mtl.tasks.heads import HEADS, collect_outputs, with_losses
from mtl.training.loggers import select_loggers
from targets.common.cli import Names
from targets.errors import UserError

DEVICES = ("auto", "cpu", "gpu", "cuda", "mps")  # of loop.accelerator


def monitored_metric(config: TrainConfig, heads: Sequence[Head]) -> tuple[str, Mode]:
    """The metric that chooses the best checkpoint, and whether the best is its `max` or its `min`.

    Parameters
    ----------
    config : TrainConfig
        `loop.monitor` names the metric; None: the primary one of the first head.
    heads : Sequence[Head]
        Of the run.

    Raises
    ------
    UserError
        loop.monitor names a metric that no output of this run has, or that ranks nothing.
    """
    if config.loop.monitor is None:
        return f"{heads[0].name}/{heads[0].metric.primary}", heads[0].metric.mode
    known = {f"{o.name}/{name}": mode for o in collect_outputs(heads) for name, mode in o.rankable_metrics.items()}
    if not config.optim.second_stage_losses:  # values of two losses cannot be compared
        known |= {f"{head.name}/val_loss": "min" for head in heads}
    if config.loop.monitor not in known:
        raise UserError("loop.monitor", f"unknown metric {config.loop.monitor!r}", f"one of {', '.join(known)}")
    return config.loop.monitor, known[config.loop.monitor]


def check_settings(config: TrainConfig) -> None:
    """Refuse settings that cannot be met.

    Raises
    ------
    UserError
        An unknown head, input, loss, metric, logger or device, a value out of its range, or values that contradict each
        other.
    """
    check_ranges(config)
    inputs = select_records(INPUTS, config.inputs, "--inputs")
    for names in config.input_sets:
        select_records({record.name: record for record in inputs}, Names(names), "--input_sets")
    heads = select_records(HEADS, config.heads, "--heads")
    monitored_metric(config, heads)
    optim = config.optim
    by_head: dict[str, Mapping[str, Any]] = {
        "loss_weights": optim.loss_weights,
        "losses": optim.losses,
        "second_stage_losses": optim.second_stage_losses,
    }
    for option, named in by_head.items():
        if unknown := set(named) - set(config.heads):
            found = f"names {', '.join(sorted(unknown))}"
            raise UserError(f"optim.{option}", found, f"heads of this run: {config.heads}")
    check_losses(config, heads)
    find_weighting(config.optim.balance, [1.0] * len(heads))
    select_loggers(config.loop.logger)
    check_device(config)
    if config.net.dropout and config.net.block != "bottleneck":
        raise UserError("net.dropout", f"{config.net.dropout}", "0 but for net.block bottleneck")
    size, stride = config.patches.size, config.predict.stride
    for name, value in (("patches.size", size), ("predict.stride", stride)):
        if not 0 < value <= MAX_WINDOW or value % STRIDE:
            raise UserError(name, f"{value}", f"a multiple of {STRIDE}, at most {MAX_WINDOW}")
    if stride > size:
        raise UserError("predict.stride", f"{stride}", f"at most patches.size, {size}, so that tiles leave no gap")
    if config.patches.context not in (0, *FACTORS):
        raise UserError("patches.context", f"{config.patches.context}", "2, 4, 8, or 0 for none")
    if 0 < config.patches.max_side < STRIDE:
        raise UserError("patches.max_side", f"{config.patches.max_side}", f"at least {STRIDE} cells, or 0 for never")
    if config.augment.picture_transforms:
        select_records(PICTURE_TRANSFORMS, list(config.augment.picture_transforms), "augment.picture_transforms")
    split = config.split
    if split.folds == 1 or (split.folds and not 0 <= split.fold < split.folds):
        found = f"fold {split.fold} of {split.folds}"
        raise UserError("split.fold", found, "at least 2 folds, the first of which is 0, or split.folds 0")
    if split.nested and not split.folds:
        raise UserError("split.nested", "true", "several split.folds, one of which judges")


def check_device(config: TrainConfig) -> None:
    """Refuse a device that this machine lacks, or that does not know the precision.

    Raises
    ------
    UserError
        One of both.
    """
    device, has_gpu = config.loop.accelerator, torch.cuda.is_available() or torch.backends.mps.is_available()
    if device not in DEVICES:
        raise UserError("loop.accelerator", f"unknown device {device!r}", f"one of {', '.join(DEVICES)}")
    missing = {"gpu": not has_gpu, "cuda": not torch.cuda.is_available(), "mps": not torch.backends.mps.is_available()}
    if missing.get(device):
        raise UserError("loop.accelerator", f"{device}, which this machine does not have", "auto or cpu")
    if config.loop.precision == "16-mixed" and (device == "cpu" or not has_gpu):
        raise UserError("loop.precision", "16-mixed on a CPU", "32-true or bf16-mixed")


def check_losses(config: TrainConfig, heads: Sequence[Head]) -> None:
    """Refuse losses that do not fit their heads, or second-stage losses that do not fit the first ones.

    Raises
    ------
    UserError
        An unknown loss, one for other heads or other logits, or a second stage that never begins.
    """
    optim = config.optim
    first_stage = with_losses(heads, optim)
    second_stage = with_losses(heads, replace(optim, losses=optim.losses | optim.second_stage_losses))
    for before, after in zip(first_stage, second_stage, strict=True):
        if before.out_channels != after.out_channels:
            raise UserError(
                f"optim.second_stage_losses.{after.name}",
                f"{after.loss.name} needs {after.out_channels} planes of logits, "
                f"{before.loss.name} {before.out_channels}",
                "losses of one network",
            )
    if optim.second_stage_losses and not 0 < optim.second_stage_epoch < config.loop.epochs:
        raise UserError(
            "optim.second_stage_epoch",
            f"{optim.second_stage_epoch}",
            f"an epoch from 1 to {config.loop.epochs - 1}, the last of loop.epochs",
            "the first epoch is 0",
        )
