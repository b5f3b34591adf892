"""Resumption of a run: which settings may change, and that its maps still train or validate as they did."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import torch

from mtl.config import TrainConfig
from mtl.models.checkpoint import MAPS_KEY, POSITION_KEY, differing_settings, read_checkpoint
from targets.errors import UserError
from targets.scene import Scene

# Settings that decide neither what the network is and learns from, nor by what its checkpoints are compared, nor what
# optimiser and schedule remember. Maps are compared by name, as their folder may have moved.
CHANGEABLE = (
    "data", "split.val_data", "reading.fault_file", "reading.quiet", "patches.shrink_to_maps", "augment", "predict",
    "loop.epochs", "loop.precision", "loop.accelerator", "loop.num_workers", "loop.logger", "loop.panels_every",
    "loop.save_minutes",
)  # fmt: skip
BATCH = "loop.batch_size"  # may change with the number of processes


def read_resumable(last: Path, config: TrainConfig, processes: int) -> dict[str, Any]:
    """Read the checkpoint to resume from, if the settings to resume with are those that it was trained with.

    Parameters
    ----------
    last : Path
        last.ckpt of the run.
    config : TrainConfig
        The settings to resume with, the patch size decided.
    processes : int
        Processes that train together now.

    Raises
    ------
    UserError
        There is no checkpoint, or the first setting that differs and is not one of `CHANGEABLE`.
    """
    if not last.exists():
        raise UserError(
            last, "no such file", "the last checkpoint of the run to resume", "leave out --resume to start it"
        )
    saved, content = read_checkpoint(last)
    _check_state(last, content)
    names = [name for name in setting_names(config) if not is_changeable(name) and name != BATCH]
    before = len(torch.atleast_2d(content["random"]))
    hint = f"start a new run: --init {last} --out ..."
    for key, own, asked in differing_settings(names, saved, config):
        raise UserError(last, f"a checkpoint with {key} {own}", f"{key} {asked}", f"leave out --{key}, or {hint}")
    if saved.loop.batch_size * before != config.loop.batch_size * processes:  # patches of a step
        found = f"a checkpoint with {BATCH} {saved.loop.batch_size} in {before} process(es)"
        expected = f"{config.loop.batch_size} in {processes}"
        raise UserError(last, found, expected, f"keep processes x {BATCH}, or {hint}")
    return content


def with_saved_trap_base(config: TrainConfig, out: Path) -> TrainConfig:
    """The settings to resume with, with what the run in a folder decided on `trap_base`, if they leave it open."""
    if config.trap_base != "auto" or not (out / "last.ckpt").exists():
        return config
    saved, _ = read_checkpoint(out / "last.ckpt")
    return replace(config, trap_base=saved.trap_base)


def _check_state(last: Path, content: Mapping[str, Any]) -> None:
    """Refuse a checkpoint without the state of training, or with another kind of it."""
    position = content.get(POSITION_KEY, {"epoch": content.get("epoch"), "batches": 0})
    numbers = [position.get(name) for name in ("epoch", "batches")] if isinstance(position, dict) else [None]
    lengths = (content.get(name) for name in ("optimizer_states", "lr_schedulers"))
    has = {
        "position in its epochs": all(type(number) is int and 0 <= number < 2**31 for number in numbers),
        "state of the optimiser": all(isinstance(states, list) for states in lengths) and content["optimizer_states"],
        "state of the callbacks": all(isinstance(content.get(name), dict) for name in ("callbacks", "loops")),
        "state of the random numbers": torch.is_tensor(content.get("random")) and content["random"].numel() > 0,
        "names of its maps": isinstance(names := content.get(MAPS_KEY, {}), dict)
        and names.keys() <= {"training", "validation"}
        and all(isinstance(value, list) for value in names.values()),
    }
    for what, there in has.items():
        if not there:
            hint = f"start a new run with its weights: --init {last} --out ..."
            raise UserError(last, f"a checkpoint without the {what}", "one that training wrote", hint)


def setting_names(record: Any, prefix: str = "") -> Iterator[str]:
    """Dotted names of all settings.

    Examples
    --------
    >>> list(setting_names(TrainConfig()))[:7]
    ['heads', 'inputs', 'input_sets', 'missing_values', 'data', 'overfit', 'init']
    """
    for item in fields(record):
        value = getattr(record, item.name)
        if is_dataclass(value):
            yield from setting_names(value, f"{prefix}{item.name}.")
        else:
            yield f"{prefix}{item.name}"


def is_changeable(name: str) -> bool:
    """Whether a resumed run may have another value of a setting.

    Examples
    --------
    >>> is_changeable("augment.noise"), is_changeable("split.seed")
    (True, False)
    """
    return any(name == own or name.startswith(f"{own}.") for own in CHANGEABLE)


def map_names(training: Sequence[Scene], validation: Sequence[Scene]) -> dict[str, list[str]]:
    """Names of the maps of a run, as its checkpoints keep them."""
    return {"training": [scene.name for scene in training], "validation": [scene.name for scene in validation]}


def check_same_maps(last: Path, checkpoint: Mapping[str, Any], now: Mapping[str, list[str]]) -> None:
    """Refuse to resume on other maps than a run began with: one that validated might train.

    Parameters
    ----------
    last : Path
        The checkpoint, for the error message.
    checkpoint : Mapping[str, Any]
        Its content; those of earlier versions do not name their maps.
    now : Mapping[str, list[str]]
        Of `map_names`.

    Raises
    ------
    UserError
        A map is new, missing, or trains in place of validating.
    """
    for part, before in checkpoint.get(MAPS_KEY, {}).items():
        new, missing = Counter(now[part]) - Counter(before), Counter(before) - Counter(now[part])
        if new or missing:
            name = next(iter(new or missing))
            there = "is among them now" if new else "is not among them now"
            hint = f"give --data the maps that the run began with, or start a new run: --init {last} --out ..."
            raise UserError(last, f"a checkpoint of other {part} maps: {name} {there}", "maps split as before", hint)
