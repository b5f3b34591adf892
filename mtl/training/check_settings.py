"""Which settings of a run can be met, and which figure chooses its best checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mtl.config import TrainConfig
from mtl.data.channels import INPUTS
from mtl.data.context import FACTORS
from mtl.inference.tiling import tile_origins
from mtl.losses.weighting import find_weighting
from mtl.metrics.base import UNRANKED, Mode, mode_of
from mtl.registry import select_records
from mtl.tasks.base import Head, Output
from mtl.tasks.heads import HEADS, outputs_of, with_losses
from targets.common.cli import Names
from targets.errors import UserError


def monitored_metric(config: TrainConfig, heads: Sequence[Head]) -> tuple[str, Mode]:
    """The figure that chooses the best checkpoint, and whether it should be `max` or `min`.

    Raises
    ------
    UserError
        Loop.monitor names a figure that no output of this run has.
    """
    if config.loop.monitor is None:
        return f"{heads[0].name}/{heads[0].metric.primary}", mode_of(heads[0].metric.primary)
    known = {f"{output.name}/{name}": mode_of(name) for output in outputs_of(heads) for name in rankable_metrics(output)}
    if not config.optim.second_stage_losses:  # figures of two losses cannot be compared
        known |= {f"{head.name}/val_loss": mode_of("val_loss") for head in heads}
    if config.loop.monitor not in known:
        raise UserError("loop.monitor", f"unknown figure {config.loop.monitor!r}", f"one of {', '.join(known)}")
    return config.loop.monitor, known[config.loop.monitor]


def rankable_metrics(output: Output) -> list[str]:
    """The figures of an output by which one answer can be better than another: its score's, and its tally's."""
    names = list(output.metric.compute(dict.fromkeys(output.metric.state, 0.0)))
    if output.curve is not None:
        names += output.curve.compute(np.zeros(output.curve.state_shape))
    return [name for name in names if name not in UNRANKED and name != output.metric.trivial_baseline]


def check_settings(config: TrainConfig) -> None:
    """Refuse settings that cannot be met before any work is done.

    Raises
    ------
    UserError
        An unknown head, input, loss or figure, or a size that does not fit.
    """
    inputs = select_records(INPUTS, config.inputs, "--inputs")
    for names in config.input_sets:
        select_records({record.name: record for record in inputs}, Names(names), "--shown")
    heads = select_records(HEADS, config.heads, "--heads")
    monitored_metric(config, heads)
    optim = config.optim
    by_head: dict[str, Mapping[str, Any]] = {
        "weights": optim.loss_weights,
        "losses": optim.losses,
        "later_losses": optim.second_stage_losses,
    }
    for option, named in by_head.items():
        if unknown := set(named) - set(config.heads):
            found = f"names {', '.join(sorted(unknown))}"
            raise UserError(f"optim.{option}", found, f"heads of this run: {config.heads}")
    check_losses(config, heads)
    find_weighting(config.optim.balance, [1.0] * len(heads))
    if not 0 <= config.optim.ema_decay < 1:
        raise UserError("optim.ema", f"{config.optim.ema_decay}", "a decay from 0 to below 1, such as 0.99")
    if not 0 <= config.net.dropout < 1 or (config.net.dropout and config.net.block != "bottleneck"):
        raise UserError("net.dropout", f"{config.net.dropout}", "a share below 1, and 0 but for net.block bottleneck")
    if config.net.deep_supervision < 0:
        raise UserError("net.deep_supervision", f"{config.net.deep_supervision}", "a weight of 0 or more")
    tile_origins(config.patches.size, config.patches.size, config.predict.stride)
    if config.patches.context not in (0, *FACTORS):
        raise UserError("patches.context", f"{config.patches.context}", "2, 4, 8, or 0 for none")
    positive = {
        "patches.stride": config.patches.stride,
        "loop.epochs": config.loop.epochs,
        "loop.repeats": config.loop.repeats_per_epoch,
        "loop.batch": config.loop.batch_size,
        "loop.accumulate": config.loop.accumulate_batches,
        "loop.panels_every": config.loop.panels_every,
    }
    for name, value in positive.items():
        if value < 1:
            raise UserError(name, f"{value}", "a whole number of at least 1")
    if config.loop.save_minutes < 0:
        raise UserError("loop.save_minutes", f"{config.loop.save_minutes}", "0 or more minutes")
    if not 0 <= config.patches.min_positive_fraction <= 1:
        raise UserError("patches.trap_share", f"{config.patches.min_positive_fraction}", "a share between 0 and 1")
    if not 0 <= config.augment.restyle <= 1:
        raise UserError("augment.redraw", f"{config.augment.restyle}", "a share between 0 and 1")


def check_losses(config: TrainConfig, heads: Sequence[Head]) -> None:
    """Refuse losses that do not fit their heads, or each other."""
    optim = config.optim
    first = with_losses(heads, optim)
    later = with_losses(heads, replace(optim, losses=optim.losses | optim.second_stage_losses))
    for before, after in zip(first, later, strict=True):
        if before.out_channels != after.out_channels:
            raise UserError(
                f"optim.later_losses.{after.name}",
                f"{after.loss.name} needs {after.out_channels} planes of logits, {before.loss.name} {before.out_channels}",
                "losses of one network",
            )
    if optim.second_stage_losses and not 0 < optim.second_stage_epoch < config.loop.epochs:
        raise UserError(
            "optim.later_from",
            f"{optim.second_stage_epoch}",
            f"an epoch from 1 to {config.loop.epochs - 1}, the last of loop.epochs",
            "the first epoch is 0",
        )
