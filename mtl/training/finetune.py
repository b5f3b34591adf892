"""Fine-tuning: a run starts from the settings and the weights of a trained model."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from mtl.config import TrainConfig
from mtl.models.checkpoint import build_net, differing_settings, read_checkpoint, without_memory
from mtl.models.multi_head_net import MultiHeadNet
from mtl.models.safetensors_io import bundled_model
from targets.common.cli import Names, Presets
from targets.errors import UserError

DEFAULT_MODEL = "default"  # what `init` calls the model that comes with the package
MUST_AGREE = (
    "inputs", "net.arch", "net.encoder", "net.decoder_channels", "net.attention", "net.block", "net.hypercolumn",
    "patches.context",
)  # fmt: skip
INHERITED = (
    "inputs", "input_sets", "missing_values", "net", "patches.size", "patches.stride", "patches.small_map_mode",
    "patches.context", "patches.max_side",
)  # fmt: skip
INHERITED_BY_HEAD = ("losses", "loss_weights")  # of optim

# Of a network: what validation decides, again at the end of every epoch, and changes, which were those of other rules
DECIDED = ("fusion.", "residuals.", "object_numbers")

# A tenth of the rates from ImageNet's weights: what the model knows is refined, not replaced.
FINETUNE_RATES = {"lr": 2e-4, "encoder_lr": 5e-5}


def model_path(init: str) -> Path:
    """The file that `--init` names."""
    return bundled_model() if init == DEFAULT_MODEL else Path(init)


def presets_of_model(init: str, typed: Mapping[str, Any]) -> Presets:
    """The settings that a run takes over from a model.

    Parameters
    ----------
    init : str
        The model's file, or `DEFAULT_MODEL`.
    typed : Mapping[str, Any]
        {dotted setting: value} of those that are typed on the command line.

    Raises
    ------
    UserError
        There is no such model.
    """
    config, _ = read_checkpoint(model_path(init))
    heads = Names(typed.get("heads", config.heads))
    plain = config.as_dict()
    settings: dict[str, Any] = {"heads": list(heads), "optim": dict(FINETUNE_RATES)}
    for key in INHERITED:
        section, _, name = key.rpartition(".")
        value = plain[section][name] if section else plain[name]
        (settings.setdefault(section, {}) if section else settings)[name] = value
    for name in INHERITED_BY_HEAD:
        by_head = plain["optim"][name]
        settings["optim"][name] = {head: by_head[head] for head in heads if head in by_head}
    return Presets(settings, replace_config=True)


def as_word(value: Any) -> str:
    """A setting's value as it is typed on a command line.

    Examples
    --------
    >>> as_word(Names("trap,dist")), as_word([64, 32]), as_word("cosine")
    ('trap,dist', '[64, 32]', 'cosine')
    """
    if isinstance(value, Names):
        return str(value)
    return value if isinstance(value, str) else json.dumps(value)


def check_initial_model(config: TrainConfig) -> None:
    """Refuse a model `config.init` that is absent or does not fit the run, before maps are read.

    Raises
    ------
    UserError
        As of `load_initial_weights`.
    """
    if config.init is not None:
        with without_memory():
            net, _, _ = build_net(config, pretrained=False)
        fitting_weights(net, config)


def load_initial_weights(net: MultiHeadNet, config: TrainConfig) -> list[str]:
    """Give a network the weights of the model `config.init`, as far as they fit.

    Parameters
    ----------
    net : MultiHeadNet
        The network of a run, with new weights.
    config : TrainConfig
        The settings of the run.

    Returns
    -------
    The names of the heads that keep new weights.

    Raises
    ------
    UserError
        There is no such model, or it has other inputs or is another network.
    """
    weights, untrained = fitting_weights(net, config)
    net.load_state_dict(weights, strict=False)
    return untrained


def fitting_weights(net: MultiHeadNet, config: TrainConfig) -> tuple[dict[str, Tensor], list[str]]:
    """The weights of the model `config.init` that fit a network, and the names of the heads that have none.

    Parameters and errors are those of `load_initial_weights`.
    """
    assert config.init is not None
    path = model_path(config.init)
    saved, content = read_checkpoint(path)
    for key, before, now in differing_settings(MUST_AGREE, saved, config):
        hint = f"leave out --{key}, or --init"
        if key == "inputs":
            hint += "; --input_sets says which of them each map has"
        raise UserError(path, f"a model with {key} {before}", f"{key} {now}, as this run", hint)
    new = net.state_dict()
    weights = {name.removeprefix("net."): value for name, value in content["state_dict"].items()}
    fitting = {
        name: value
        for name, value in weights.items()
        if name in new and value.shape == new[name].shape
        if not name.startswith(DECIDED)
    }
    missing = [name for name in new if name not in fitting]
    if foreign := [name for name in missing if not name.startswith(("heads.", "early.", *DECIDED))]:
        raise UserError(path, f"has no weights for {foreign[0]}", "the same network", "start without --init")
    return fitting, [head for head in net.heads if any(name.startswith(f"heads.{head}.") for name in missing)]
