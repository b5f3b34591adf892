"""How training starts from a trained model: its settings are the base of the run's, its weights go where they fit."""

import json
from dataclasses import asdict
from operator import attrgetter
from pathlib import Path
from typing import Any

from mtl.config import TrainConfig
from mtl.models.checkpoint import differing, read_checkpoint
from mtl.models.multi_head_net import MultiHeadNet
from mtl.models.safetensors_io import default_model
from targets.common.cli import Names
from targets.errors import UserError

DEFAULT_MODEL = "default"  # the model that comes with the package
MUST_AGREE = (
    "inputs", "net.arch", "net.encoder", "net.decoder_channels", "net.attention", "net.block", "net.hypercolumn",
    "patches.context",
)  # fmt: skip
INHERITED = ("inputs", "shown", "patches.size", "patches.stride", "patches.small", "patches.context", "patches.longest")

# A tenth of the rates from ImageNet's weights: what the model knows is refined, not replaced.
FINETUNE_RATES = {"optim.lr": 2e-4, "optim.encoder_lr": 5e-5}


def model_path(init: str) -> Path:
    """The file that `--init` names."""
    return default_model() if init == DEFAULT_MODEL else Path(init)


def with_model(words: list[str]) -> list[str]:
    """A command line of tools/train.py with the settings of the model of --init: they replace those of a config file
    and yield to what is typed.

    Raises
    ------
    UserError
        There is no such model.
    """
    init = typed(words, "init")
    if init is None:
        return words
    config, _ = read_checkpoint(model_path(init))
    heads = Names(typed(words, "heads") or config.heads)
    settings: dict[str, Any] = {"heads": str(heads)} | {key: attrgetter(key)(config) for key in INHERITED}
    settings |= {f"net.{name}": value for name, value in asdict(config.net).items()}
    for name in ("weights", "losses"):
        by_head = getattr(config.optim, name)
        settings[f"optim.{name}"] = {head: by_head[head] for head in heads if head in by_head}
    own = [f"--{key}={as_word(value)}" for key, value in (settings | FINETUNE_RATES).items()]
    behind = max((i + (word == "--config") + 1 for i, word in enumerate(words) if is_option(word, "config")), default=0)
    return [*words[:behind], *own, *words[behind:]]


def typed(words: list[str], name: str) -> str | None:
    """The value of an option as it is typed, the last one; None without it."""
    found = None
    for word, following in zip(words, [*words[1:], None], strict=True):
        if is_option(word, name):
            found = word.partition("=")[2] if "=" in word else following
    return found


def is_option(word: str, name: str) -> bool:
    """Whether a word is `--name` or `--name=value`."""
    return word.partition("=")[0] == f"--{name}"


def as_word(value: Any) -> str:
    """A setting's value as it is typed."""
    if isinstance(value, Names):
        return str(value)
    return value if isinstance(value, str) else json.dumps(value)


def load_initial_weights(net: MultiHeadNet, config: TrainConfig) -> list[str]:
    """Give a network the weights of the model `config.init`; returns the names of the heads that start anew.

    Raises
    ------
    UserError
        There is no such model, or it reads other inputs or is another network.
    """
    assert config.init is not None
    path = model_path(config.init)
    saved, content = read_checkpoint(path)
    for key, before, now in differing(MUST_AGREE, saved, config):
        mend = f"leave out --{key}, or --init" + ("; --shown says which of them each map has" * (key == "inputs"))
        raise UserError(path, f"a model with {key} {before}", f"{key} {now}, as this run", mend)
    own = net.state_dict()
    state = {name.removeprefix("net."): value for name, value in content["state_dict"].items()}
    # The fusion is fitted anew at the end of every epoch.
    fitting = {n: v for n, v in state.items() if n in own and v.shape == own[n].shape and not n.startswith("fusion.")}
    net.load_state_dict(fitting, strict=False)
    anew = [name for name in own if name not in fitting]
    if foreign := [name for name in anew if not name.startswith(("heads.", "early.", "fusion."))]:
        raise UserError(path, f"has no weights for {foreign[0]}", "the same network", "start without --init")
    return [head for head in net.heads if any(name.startswith(f"heads.{head}.") for name in anew)]
