"""Checks of a run's settings before any work is done, and the metric that chooses its best checkpoint."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch

from mtl.config import STRIDE, TrainConfig
from mtl.config_ranges import check_ranges
from mtl.data.augment import PICTURE_TRANSFORMS
from mtl.data.channels import INPUTS, RULE_TRAPS
from mtl.data.context import FACTORS
from mtl.losses.weighting import find_weighting
from mtl.metrics.base import Mode
from mtl.models.checkpoint import MAX_WINDOW, build_net, without_memory
from mtl.registry import select_records
from mtl.tasks.base import Head
from mtl.tasks.heads import HEADS, collect_outputs, with_losses, with_objects
from mtl.training.loggers import select_loggers
from targets.common.cli import Names
from targets.errors import UserError
from targets.scene import Scene
from targets.truth.traps import build_ground_truth

ANSWERING: set[str] = set()  # settings of networks that take their patches: to build one takes half a second
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


def find_monitor(config: TrainConfig, heads: Sequence[Head], validation: Sequence[Scene]) -> tuple[str, Mode] | None:
    """The monitored metric and its mode, or None: on these maps even a perfect answer has no value of it.

    Parameters
    ----------
    config : TrainConfig
        The settings.
    heads : Sequence[Head]
        Of the run.
    validation : Sequence[Scene]
        Maps that validate. Without a trap there is no IoU of traps, and no error of a distance in traps.
    """
    monitor, mode = monitored_metric(config, heads)
    name, _, value = monitor.partition("/")
    output = next(output for output in collect_outputs(heads) if output.name == name)
    for scene in validation:
        target, valid = output.target(build_ground_truth(scene, config.targets))
        values = output.metric.compute(output.metric.count(target, target, valid, scene.cell_sides))
        if output.curve is not None:
            values |= output.curve.compute(output.curve.update(target, target, valid))
        if not math.isnan(values.get(value, 0.0)):  # a loss always has a value
            return monitor, mode
    return None


def unused_options(config: TrainConfig) -> list[str]:
    """What the settings say of heads that the run has not, a sentence for each option.

    Parameters
    ----------
    config : TrainConfig
        The settings.
    """
    said = []
    for option, named in _options_by_head(config).items():
        if unused := [name for name in named if name not in config.heads]:
            said.append(f"optim.{option}: {', '.join(unused)} not used, as the run has no such head")
    return said


def _options_by_head(config: TrainConfig) -> dict[str, Mapping[str, Any]]:
    """The options that have a value for each head."""
    return {name: getattr(config.optim, name) for name in ("loss_weights", "losses", "second_stage_losses")}


def check_settings(config: TrainConfig) -> None:
    """Refuse settings that cannot be met.

    Raises
    ------
    UserError
        An unknown head, input, loss, metric, logger or device, a value out of its range, values that contradict each
        other, or a network that cannot be built or is too deep for the patches.
    """
    check_ranges(config)
    inputs = select_records(INPUTS, config.inputs, "--inputs")
    for names in config.input_sets:
        select_records({record.name: record for record in inputs}, Names(names), "--input_sets")
    heads = select_records(HEADS, config.heads, "--heads")
    if config.starts_from_rules and not can_start_from_rules(config):
        found = f"rules, with heads {config.heads} and inputs {config.inputs}"
        raise UserError("trap_base", found, "the head trap, and an input of the depth")
    monitored_metric(config, with_objects(heads, RULE_TRAPS.name) if config.starts_from_rules else heads)
    for option, named in _options_by_head(config).items():
        known = list(config.heads) if option == "second_stage_losses" else list(HEADS)
        if unknown := set(named) - set(known):
            raise UserError(f"optim.{option}", f"names {', '.join(sorted(unknown))}", f"heads: {', '.join(known)}")
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
    if split.val_data and split.folds:
        expected = "one of both: maps of their own validate, or one of several folds"
        raise UserError("split.folds", f"{split.folds}, beside split.val_data {split.val_data}", expected)
    if split.nested and not split.folds:
        raise UserError("split.nested", "true", "several split.folds, one of which judges")
    check_network(config)


def can_start_from_rules(config: TrainConfig) -> bool:
    """Whether a run has a head that may start from the traps by rules, and is shown the depth that they follow from."""
    starting = any(HEADS[name].residual_of == RULE_TRAPS.name for name in config.heads)
    return starting and any(INPUTS[name].needs_depth for name in config.inputs)


def check_network(config: TrainConfig) -> None:
    """Refuse a network that cannot be built, or that cannot take patches of `patches.size`.

    Raises
    ------
    UserError
        One of both.
    """
    parts = asdict(config.net), list(config.heads), list(config.inputs), config.input_sets, config.optim.losses
    key = json.dumps([*parts, config.starts_from_rules, config.patches.size, config.patches.context])
    if key in ANSWERING:
        return
    try:
        try_network(config, patches=2)
    except UserError:
        raise
    except Exception as error:  # whatever the libraries say of sizes that do not fit
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(
            "patches.size",
            f"{config.patches.size} cells, which {config.net.arch} with the encoder {config.net.encoder} cannot take "
            f"({reason})",
            "larger patches, or another network",
            "--net.arch unet takes all sizes",
        ) from error
    ANSWERING.add(key)


def try_network(config: TrainConfig, patches: int) -> None:
    """Run a batch of patches through the network of a run, as in training, on a device that computes sizes alone."""
    with without_memory():
        net, inputs, _ = build_net(config, pretrained=False)
        squares = 2 if config.patches.context else 1
        planes, size = squares * sum(record.channels for record in inputs), config.patches.size
        net.train()(torch.zeros(patches, planes, size, size))


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
    criteria = config.targets.traps
    first_stage = with_losses(heads, optim, criteria)
    second_stage = with_losses(heads, replace(optim, losses=optim.losses | optim.second_stage_losses), criteria)
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
