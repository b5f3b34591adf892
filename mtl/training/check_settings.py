"""Checks of a run's settings before any work is done, and the metric that chooses its best checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mtl.config import TrainConfig
from mtl.data.channels import INPUTS
from mtl.data.context import FACTORS
from mtl.inference.tiling import space_tiles
from mtl.losses.weighting import find_weighting
from mtl.metrics.base import Mode
from mtl.registry import select_records
from mtl.tasks.base import Head
from mtl.tasks.heads import HEADS, collect_outputs, with_losses
from mtl.training.loggers import select_loggers
from targets.common.cli import Names
from targets.errors import UserError


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
        An unknown head, input, loss, metric or logger, or a value out of its range.
    """
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
    if not 0 <= config.optim.ema_decay < 1:
        raise UserError("optim.ema_decay", f"{config.optim.ema_decay}", "a decay from 0 to below 1, such as 0.99")
    if not 0 <= config.net.dropout < 1 or (config.net.dropout and config.net.block != "bottleneck"):
        raise UserError("net.dropout", f"{config.net.dropout}", "a share below 1, and 0 but for net.block bottleneck")
    if config.net.deep_supervision < 0:
        raise UserError("net.deep_supervision", f"{config.net.deep_supervision}", "a weight of 0 or more")
    space_tiles(config.patches.size, config.patches.size, config.predict.stride)
    if config.patches.context not in (0, *FACTORS):
        raise UserError("patches.context", f"{config.patches.context}", "2, 4, 8, or 0 for none")
    positive = {
        "patches.stride": config.patches.stride,
        "loop.epochs": config.loop.epochs,
        "loop.repeats_per_epoch": config.loop.repeats_per_epoch,
        "loop.batch_size": config.loop.batch_size,
        "loop.accumulate_batches": config.loop.accumulate_batches,
        "loop.panels_every": config.loop.panels_every,
    }
    for name, value in positive.items():
        if value < 1:
            raise UserError(name, f"{value}", "a whole number of at least 1")
    if config.loop.save_minutes < 0:
        raise UserError("loop.save_minutes", f"{config.loop.save_minutes}", "0 or more minutes")
    if not 0 <= config.patches.min_positive_fraction <= 1:
        raise UserError(
            "patches.min_positive_fraction", f"{config.patches.min_positive_fraction}", "a share between 0 and 1"
        )
    if not 0 <= config.augment.restyle <= 1:
        raise UserError("augment.restyle", f"{config.augment.restyle}", "a share between 0 and 1")


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
