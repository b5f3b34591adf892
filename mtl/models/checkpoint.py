"""Checkpoints: the settings and weights of a training run, read without trusting the file."""

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from mtl.config import TrainConfig
from mtl.config_ranges import check_ranges
from mtl.data.channels import INPUTS, RULE_TRAPS, InputChannel
from mtl.data.modality_masking import parse_input_sets
from mtl.migration import upgrade_trained
from mtl.models.multi_head_net import MultiHeadNet
from mtl.models.safetensors_io import SUFFIX, read_weights
from mtl.registry import select_records
from mtl.tasks.base import Head
from mtl.tasks.heads import HEADS, with_losses, with_objects
from targets.common.cli import checked_record
from targets.common.settings_files import check_plain
from targets.errors import UserError

SMALL = 2**20  # bytes that shared tensors may claim
MAX_WINDOW = 2**14  # cells of a patch or tile; more fits on no device
CONFIG_KEY = "trapmtl"  # the resolved config of the run, as plain types
POSITION_KEY = "position"  # where the run stood: the epoch to resume, and its batches that were seen
MAPS_KEY = "maps"  # names of the maps that trained and that validated
HINT = f"give best.ckpt or last.ckpt of a run folder made by tools/train.py, or a {SUFFIX} file of tools/export.py"


def read_checkpoint(path: str | Path) -> tuple[TrainConfig, dict[str, Any]]:
    """Read a checkpoint of any version.

    No code in the file can run (`weights_only=True`).

    Parameters
    ----------
    path : str | Path
        best.ckpt or last.ckpt of a run folder, or a .safetensors file.

    Returns
    -------
    The settings of the run, in today's names, and the whole checkpoint; of a .safetensors file, its settings and its
    weights as `state_dict` alone.

    Raises
    ------
    UserError
        Missing, damaged or foreign file.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(path, "no such file", "a checkpoint", HINT)
    content: Any
    try:
        if path.suffix == SUFFIX:
            settings, state = read_weights(path)
            content = {CONFIG_KEY: settings, "state_dict": state}
        else:
            _check_archive(path)
            content = torch.load(path, map_location="cpu", weights_only=True)
    except UserError:
        raise
    except Exception as error:  # a stranger's pickle can make torch stumble anywhere
        reason = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise UserError(path, f"cannot be read ({reason})", "a checkpoint", HINT) from error
    if not isinstance(content, dict) or CONFIG_KEY not in content or "state_dict" not in content:
        raise UserError(path, "not a checkpoint of this program", "a checkpoint with its config inside", HINT)
    check_plain(content[CONFIG_KEY], path)
    try:
        config = checked_record(TrainConfig, upgrade_trained(content[CONFIG_KEY]))
    except (UserError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise UserError(path, f"its config cannot be read ({error})", "a checkpoint of this version", HINT) from error
    for name, side in (("patches.size", config.patches.size), ("predict.stride", config.predict.stride)):
        if not 0 < side <= MAX_WINDOW:
            raise UserError(path, f"{name} is {side}", f"1 to {MAX_WINDOW}", HINT)
    try:
        check_ranges(config)
    except UserError as error:
        raise UserError(path, f"{error.where} is {error.found}", error.expected, HINT) from error
    state = content["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(n, str) and torch.is_tensor(t) for n, t in state.items()):
        raise UserError(path, "holds no weights", "tensors by name", HINT)
    for name, value in state.items():
        if _claims_more(value):
            raise UserError(path, f"{name} is larger than its numbers", "weights as torch.save writes them", HINT)
    if sum(value.numel() * value.element_size() for value in state.values()) > 2 * path.stat().st_size + SMALL:
        raise UserError(path, "weights that are larger than the file", "each tensor with its own numbers", HINT)
    return config, content


def _claims_more(value: Tensor) -> bool:
    """Whether a tensor is larger than its numbers: a view with a stride of 0 claims any size and takes no bytes."""
    if value.device.type != "cpu" or value.layout != torch.strided:
        return True
    return value.untyped_storage().nbytes() < value.numel() * value.element_size()


def _check_archive(path: Path) -> None:
    """Refuse what torch never writes: another format than its zip, or entries that unpack to more than the file has."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise UserError(path, "packed entries", "an archive as torch.save writes it", HINT)
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise UserError(path, "entries larger than the file", "an archive as torch.save writes it", HINT)


def select_inputs(config: TrainConfig) -> tuple[InputChannel, ...]:
    """The records of a run's input channels, with the values that its settings give to masked ones.

    Last comes the mask that the trap head starts from, if it does.

    Raises
    ------
    UserError
        An unknown input.
    """
    inputs = select_records(INPUTS, config.inputs, "--inputs")
    select_records(INPUTS, list(config.missing_values) or list(config.inputs), "missing_values")
    chosen = (
        replace(record, missing_value=config.missing_values.get(record.name, record.missing_value)) for record in inputs
    )
    return (*chosen, RULE_TRAPS) if config.starts_from_rules else tuple(chosen)


def select_heads(config: TrainConfig) -> tuple[Head, ...]:
    """The records of a run's heads, with the losses that its settings name and the outputs that it derives from them.

    Raises
    ------
    UserError
        An unknown head or loss.
    """
    heads = with_losses(select_records(HEADS, config.heads, "--heads"), config.optim, config.targets.traps)
    return with_objects(heads, RULE_TRAPS.name) if config.starts_from_rules else heads


def build_net(config: TrainConfig, pretrained: bool) -> tuple[MultiHeadNet, tuple[InputChannel, ...], tuple[Head, ...]]:
    """Build the network of a training run, untrained.

    Parameters
    ----------
    config : TrainConfig
        Settings of the run.
    pretrained : bool
        Whether the encoder starts from pretrained weights where the config says so.

    Returns
    -------
    The network, its input channels and its heads.

    Raises
    ------
    UserError
        A name that is unknown, here or to a library.
    """
    if not re.fullmatch(r"[\w.-]+", config.net.encoder):  # timm takes hf-hub:NAME and local-dir:PATH too
        raise UserError(
            "net.encoder", repr(config.net.encoder), "the name of an encoder", "see docs/reference/network.md"
        )
    inputs, heads = select_inputs(config), select_heads(config)
    net = config.net if pretrained else replace(config.net, encoder_weights="none")
    sets = parse_input_sets(inputs, config.input_sets)
    return MultiHeadNet(net, inputs, heads, config.patches.context, sets), inputs, heads


@contextmanager
def without_memory() -> Iterator[None]:
    """Make tensors without numbers, which take no memory, but for those that libraries read while they build."""
    with torch.device("meta"), _ReadableCounts():
        yield


class _ReadableCounts(TorchFunctionMode):
    """Encoders read the fractions of paths to drop out of a `linspace`."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}) | ({"device": "cpu"} if func is torch.linspace else {}))


def build_trained_net(
    config: TrainConfig, state: Mapping[str, Tensor], path: str | Path
) -> tuple[MultiHeadNet, tuple[InputChannel, ...], tuple[Head, ...]]:
    """Build the network of a training run with its weights.

    The weights are first compared with a network without memory: a config that a stranger wrote may ask for any size.

    Parameters
    ----------
    config : TrainConfig
        Settings of the run.
    state : Mapping[str, Tensor]
        State of the run's module.
    path : str | Path
        Where they come from, for the error message.

    Returns
    -------
    The network, its input channels and its heads.

    Raises
    ------
    UserError
        They are the weights of another network, or the config describes none.
    """
    try:
        with without_memory():
            planned, _, _ = build_net(config, pretrained=False)
    except UserError as error:
        raise UserError(path, f"{error.where}: {error.found}", error.expected, error.hint or HINT) from error
    except Exception as error:  # whatever the libraries say of names and sizes that make no network
        reason = " ".join(str(error).split())[:200]
        raise UserError(path, f"describes no network ({type(error).__name__}: {reason})", "", HINT) from error
    load_weights(planned, {name: value.to("meta") for name, value in state.items()}, path)
    net, inputs, heads = build_net(config, pretrained=False)
    load_weights(net, state, path)
    return net, inputs, heads


def load_weights(net: MultiHeadNet, state: Mapping[str, Tensor], path: str | Path) -> None:
    """Load a training run's weights into its network.

    Parameters
    ----------
    net : MultiHeadNet
        The network, in place.
    state : Mapping[str, Tensor]
        State of the run's module; the network's own tensors begin with `net.`.
    path : str | Path
        Where they come from, for the error message.

    Raises
    ------
    UserError
        They are the weights of another network, of other heads or inputs.
    """
    try:
        net.load_state_dict({n.removeprefix("net."): value for n, value in state.items() if n.startswith("net.")})
    except (RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            path,
            f"holds the weights of another network ({reason})",
            f"heads {', '.join(net.heads)}",
            "give the checkpoint of the same heads and inputs",
        ) from error


def check_ensemble_member(path: str | Path, config: TrainConfig, first: str | Path, first_config: TrainConfig) -> None:
    """Refuse a member of an ensemble that has other heads or inputs, or sees another piece of the map, than the first.

    Parameters
    ----------
    path : str | Path
        Checkpoint of the member.
    config : TrainConfig
        Its settings.
    first : str | Path
        Checkpoint of the first member.
    first_config : TrainConfig
        Its settings.

    Raises
    ------
    UserError
        The first setting that differs.
    """
    keys = (
        "heads",
        "inputs",
        "input_sets",
        "starts_from_rules",
        "patches.size",
        "patches.context",
        "patches.max_side",
        "targets",
        "missing_values",
    )
    for key, own, expected in differing_settings(keys, config, first_config):
        raise UserError(
            path,
            f"was trained with {key} {own}",
            f"{key} {expected}, as {first}",
            "an ensemble averages networks of the same heads and inputs",
        )


def differing_settings(keys: Sequence[str], own: TrainConfig, other: TrainConfig) -> Iterator[tuple[str, Any, Any]]:
    """Compare two configs.

    Parameters
    ----------
    keys : Sequence[str]
        Dotted names of the settings that are compared.
    own, other : TrainConfig
        The configs.

    Yields
    ------
    Dotted name and both values of a setting that differs.

    Examples
    --------
    >>> list(differing_settings(["data", "patches.size"], TrainConfig(data="a"), TrainConfig(data="b")))
    [('data', 'a', 'b')]
    """
    for key in keys:
        values = attrgetter(key)(own), attrgetter(key)(other)
        if values[0] != values[1]:
            yield key, *values
