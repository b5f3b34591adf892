"""What a checkpoint holds beside Lightning's own state, and how one is read without trusting it."""

import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any, get_type_hints

import torch
from torch import Tensor

from mtl.config import TrainConfig
from mtl.heads import HEADS, Head, with_losses
from mtl.inputs import INPUTS, InputChannel
from mtl.names import pick
from mtl.net import MultiHeadNet
from mtl.weights import DAMAGED, SUFFIX, read_weights
from targets.cli import Names
from targets.errors import UserError

KEY = "trapmtl"  # the resolved config of the run, as plain types
POSITION = "position"  # where the run stood: the epoch to go on with, and its batches that were seen
MEND = f"give best.ckpt or last.ckpt of a run folder made by tools/train.py, or a {SUFFIX} file of tools/export.py"


def read_checkpoint(path: str | Path) -> tuple[TrainConfig, dict[str, Any]]:
    """The config of a run, and the whole checkpoint; of a .safetensors file, its weights as `state_dict` alone.

    No code in the file can run (`weights_only=True`).

    Raises
    ------
    UserError : missing, damaged or foreign file.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(path, "no such file", "a checkpoint", MEND)
    content: Any
    try:
        if path.suffix == SUFFIX:
            settings, state = read_weights(path)
            content = {KEY: settings, "state_dict": state}
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (*DAMAGED, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise UserError(path, f"cannot be read ({reason})", "a checkpoint", MEND) from error
    if not isinstance(content, dict) or KEY not in content or "state_dict" not in content:
        raise UserError(path, "not a checkpoint of this program", "a checkpoint with its config inside", MEND)
    try:
        return from_plain(TrainConfig, of_today(content[KEY])), content
    except (TypeError, AttributeError) as error:
        raise UserError(path, f"its config cannot be read ({error})", "a checkpoint of this version", MEND) from error


def of_today(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The config of an earlier version in the words of this one: augment.d4 has become augment.symmetry."""
    augment = dict(plain["augment"])
    if "d4" in augment:
        augment["symmetry"] = "d4" if augment.pop("d4") else "none"
    return {**plain, "augment": augment}


def from_plain(kind: type, plain: Mapping[str, Any]) -> Any:
    """A (nested) config dataclass from plain types: the inverse of `dataclasses.asdict`."""
    hints = get_type_hints(kind)
    known = {f.name for f in fields(kind)}
    if unknown := set(plain) - known:
        raise TypeError(f"unknown settings {', '.join(sorted(unknown))}")
    values = {}
    for name, value in plain.items():
        if is_dataclass(hints[name]):
            value = from_plain(hints[name], value)
        values[name] = Names(value) if hints[name] is Names else value
    return kind(**values)


def build_net(config: TrainConfig, pretrained: bool) -> tuple[MultiHeadNet, tuple[InputChannel, ...], tuple[Head, ...]]:
    """The network of a config with its records; `pretrained` False leaves ImageNet's weights out."""
    inputs = pick(INPUTS, config.inputs, "--inputs")
    heads = with_losses(pick(HEADS, config.heads, "--heads"), config.optim)
    net = config.net if pretrained else replace(config.net, weights="none")
    return MultiHeadNet(net, inputs, heads, config.patches.context), inputs, heads


def load_weights(net: MultiHeadNet, state: Mapping[str, Tensor], path: str | Path) -> None:
    """Put a training run's weights into its network.

    Raises
    ------
    UserError : they are the weights of another network, of other heads or inputs.
    """
    try:
        net.load_state_dict({n.removeprefix("net."): value for n, value in state.items() if n.startswith("net.")})
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            path,
            f"holds the weights of another network ({reason})",
            f"heads {', '.join(net.heads)}",
            "give the checkpoint of the same heads and inputs",
        ) from error


def check_same_network(path: Path, saved: TrainConfig, asked: TrainConfig) -> None:
    """Refuse to continue a run with another network than it was trained with, or another set of things learned."""
    keys = ("heads", "inputs", "net", "patches.context", "optim.losses", "optim.balance", "optim.ema")
    for key, before, now in differing(keys, saved, asked):
        raise UserError(
            path,
            f"a checkpoint with {key} {before}",
            f"{key} {now}",
            f"leave out --{key} or start a new run with --out",
        )


def check_goes_with(path: str | Path, config: TrainConfig, first: str | Path, wanted: TrainConfig) -> None:
    """Refuse a member of an ensemble that was trained for other answers, or sees another piece of the map, than the
    first."""
    keys = ("heads", "inputs", "shown", "patches.size", "patches.context", "patches.longest", "targets")
    for key, own, expected in differing(keys, config, wanted):
        raise UserError(
            path,
            f"was trained with {key} {own}",
            f"{key} {expected}, as {first}",
            "an ensemble averages networks that answer the same questions about the same inputs",
        )


def differing(keys: Sequence[str], own: TrainConfig, other: TrainConfig) -> Iterator[tuple[str, Any, Any]]:
    """The settings, of those with these dotted names, in which two configs differ: name and both values."""
    for key in keys:
        values = attrgetter(key)(own), attrgetter(key)(other)
        if values[0] != values[1]:
            yield key, *values
