"""Which settings of a run can be met, and which figure chooses its best checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mtl.config import TrainConfig
from mtl.data.channels import INPUTS
from mtl.data.context import FACTORS
from mtl.inference.tiling import tile_origins
from mtl.losses.weighting import find_balance
from mtl.metrics.base import UNRANKED, Mode, mode_of
from mtl.registry import pick
from mtl.tasks.base import Head, Output
from mtl.tasks.heads import HEADS, outputs_of, with_losses
from targets.common.cli import Names
from targets.errors import UserError


def monitored(config: TrainConfig, heads: Sequence[Head]) -> tuple[str, Mode]:
    """The figure that chooses the best checkpoint, and whether it should be `max` or `min`.

    Raises
    ------
    UserError
        Loop.monitor names a figure that no output of this run has.
    """
    if config.loop.monitor is None:
        return f"{heads[0].name}/{heads[0].score.best}", mode_of(heads[0].score.best)
    known = {f"{output.name}/{name}": mode_of(name) for output in outputs_of(heads) for name in figure_names(output)}
    if not config.optim.later_losses:  # figures of two losses cannot be compared
        known |= {f"{head.name}/val_loss": mode_of("val_loss") for head in heads}
    if config.loop.monitor not in known:
        raise UserError("loop.monitor", f"unknown figure {config.loop.monitor!r}", f"one of {', '.join(known)}")
    return config.loop.monitor, known[config.loop.monitor]


def figure_names(output: Output) -> list[str]:
    """The figures of an output by which one answer can be better than another: its score's, and its tally's."""
    names = list(output.score.ratios(dict.fromkeys(output.score.sums, 0.0)))
    if output.tally is not None:
        names += output.tally.figures(np.zeros(output.tally.shape))
    return [name for name in names if name not in UNRANKED and name != output.score.floor]


def check_settings(config: TrainConfig) -> None:
    """Refuse settings that cannot be met before any work is done.

    Raises
    ------
    UserError
        An unknown head, input, loss or figure, or a size that does not fit.
    """
    inputs = pick(INPUTS, config.inputs, "--inputs")
    for names in config.shown:
        pick({record.name: record for record in inputs}, Names(names), "--shown")
    heads = pick(HEADS, config.heads, "--heads")
    monitored(config, heads)
    optim = config.optim
    by_head: dict[str, Mapping[str, Any]] = {
        "weights": optim.weights,
        "losses": optim.losses,
        "later_losses": optim.later_losses,
    }
    for option, named in by_head.items():
        if unknown := set(named) - set(config.heads):
            found = f"names {', '.join(sorted(unknown))}"
            raise UserError(f"optim.{option}", found, f"heads of this run: {config.heads}")
    check_losses(config, heads)
    find_balance(config.optim.balance, [1.0] * len(heads))
    if not 0 <= config.optim.ema < 1:
        raise UserError("optim.ema", f"{config.optim.ema}", "a decay from 0 to below 1, such as 0.99")
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
        "loop.repeats": config.loop.repeats,
        "loop.batch": config.loop.batch,
        "loop.accumulate": config.loop.accumulate,
        "loop.panels_every": config.loop.panels_every,
    }
    for name, value in positive.items():
        if value < 1:
            raise UserError(name, f"{value}", "a whole number of at least 1")
    if config.loop.save_minutes < 0:
        raise UserError("loop.save_minutes", f"{config.loop.save_minutes}", "0 or more minutes")
    if not 0 <= config.patches.trap_share <= 1:
        raise UserError("patches.trap_share", f"{config.patches.trap_share}", "a share between 0 and 1")
    if not 0 <= config.augment.redraw <= 1:
        raise UserError("augment.redraw", f"{config.augment.redraw}", "a share between 0 and 1")


def check_losses(config: TrainConfig, heads: Sequence[Head]) -> None:
    """Refuse losses that do not fit their heads, or each other."""
    optim = config.optim
    first = with_losses(heads, optim)
    later = with_losses(heads, replace(optim, losses=optim.losses | optim.later_losses))
    for before, after in zip(first, later, strict=True):
        if before.planes != after.planes:
            raise UserError(
                f"optim.later_losses.{after.name}",
                f"{after.loss.name} needs {after.planes} planes of logits, {before.loss.name} {before.planes}",
                "losses of one network",
            )
    if optim.later_losses and not 0 < optim.later_from < config.loop.epochs:
        raise UserError(
            "optim.later_from",
            f"{optim.later_from}",
            f"an epoch from 1 to {config.loop.epochs - 1}, the last of loop.epochs",
            "the first epoch is 0",
        )
