"""Ranges of settings: one table for command lines, config files and checkpoints."""

import math
from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

from mtl.config import TrainConfig
from targets.errors import UserError


class Range(NamedTuple):
    """The values that some settings may have.

    Attributes
    ----------
    expected : str
        The range in words.
    holds : Callable[[float], bool]
        Whether a value lies in it; NaN does not.
    settings : tuple[str, ...]
        Dotted names.
    """

    expected: str
    holds: Callable[[float], bool]
    settings: tuple[str, ...]


RANGES = (
    Range(
        "a whole number of at least 1",
        lambda value: value >= 1,
        (
            "patches.stride", "loop.epochs", "loop.repeats_per_epoch", "loop.batch_size", "loop.accumulate_batches",
            "loop.panels_every",
        ),
    ),
    Range(
        "0 or more",
        lambda value: 0 <= value < math.inf,
        (
            "overfit", "net.deep_supervision", "patches.max_side", "augment.brightness", "augment.contrast",
            "augment.noise", "split.folds", "split.gap", "split.train_groups", "optim.encoder_lr", "optim.weight_decay",
            "optim.plateau_patience", "optim.second_stage_epoch", "optim.fp_weight", "optim.fn_weight",
            "optim.grad_clip_norm", "loop.num_workers", "loop.early_stop_patience", "loop.save_minutes",
        ),
    ),
    Range("a number above 0", lambda value: 0 < value < math.inf, ("optim.lr", "targets.crest_sigma")),
    Range("at least 2", lambda value: 2 <= value < math.inf, ("targets.boundary_width",)),
    Range(
        "a fraction from 0 to 1",
        lambda value: 0 <= value <= 1,
        (
            "patches.min_valid_fraction", "patches.min_positive_fraction", "augment.restyle", "split.val_fraction",
            "optim.warmup_fraction",
        ),
    ),
    Range("from 0 to below 1", lambda value: 0 <= value < 1, ("net.dropout", "optim.ema_decay")),
    Range("between 0 and 1", lambda value: 0 < value < 1, ("optim.plateau_factor",)),
    Range("0 to 65536", lambda value: 0 <= value <= 2**16, ("predict.batch_size",)),
    Range("0 to 4294967295", lambda value: 0 <= value < 2**32, ("split.seed", "loop.seed")),
)  # fmt: skip


def check_ranges(config: TrainConfig) -> None:
    """Refuse numbers out of their range.

    Raises
    ------
    UserError
        The first of `RANGES` that does not hold.
    """
    for expected, holds, settings in RANGES:
        for name in settings:
            if not holds(value := attrgetter(name)(config)):
                raise UserError(name, f"{value}", expected)
    config.targets.traps.check("targets.traps.")
    by_name = {
        "optim.loss_weights": (config.optim.loss_weights, math.inf),
        "augment.picture_transforms": (config.augment.picture_transforms, 1),
    }
    for setting, (values, most) in by_name.items():
        for name, value in values.items():
            if not 0 <= value <= most or value == math.inf:
                raise UserError(f"{setting}.{name}", f"{value}", "0 or more" + (", at most 1" if most == 1 else ""))
    for name, value in config.missing_values.items():
        if not math.isfinite(value):
            raise UserError(f"missing_values.{name}", f"{value}", "a number")
    weights = {name: config.optim.loss_weights.get(name, 1.0) for name in config.heads}
    if not any(weights.values()):
        raise UserError("optim.loss_weights", "0 of every head", "at least one head that learns")
    if any(channels < 1 for channels in config.net.decoder_channels or (1,)) or config.net.decoder_channels == []:
        raise UserError("net.decoder_channels", f"{config.net.decoder_channels}", "a number of features of every stage")
    if config.optim.fp_weight + config.optim.fn_weight == 0:
        raise UserError("optim.fp_weight", "0, as optim.fn_weight", "one of them above 0")
