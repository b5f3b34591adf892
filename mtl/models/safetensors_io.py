"""A trained network as one small file that holds no code (safetensors), and the one that comes with the package."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from mtl.config import TrainConfig
from targets.common.atomic_write import atomic_write
from targets.errors import UserError

SUFFIX = ".safetensors"
BUNDLED_MODEL = Path(__file__).parent / "bundled" / f"default{SUFFIX}"
MAX_BUNDLED_BYTES = 16_000_000  # bytes of the file that comes with the package: it is fetched with every installation
CONFIG_KEY = "config"  # in the file's metadata: the settings of the training run, as JSON


def bundled_model() -> Path:
    """The model that comes with the package.

    Raises
    ------
    UserError
        There is none yet.
    """
    if not BUNDLED_MODEL.is_file():
        raise UserError(
            "trapmtl",
            "this version comes without a trained model",
            "a checkpoint of your own",
            "train one with tools/train.py and name its best.ckpt",
        )
    return BUNDLED_MODEL


def write_weights(config: TrainConfig, state: Mapping[str, Tensor], path: Path) -> int:
    """Write a network's weights with its settings; returns the bytes of the file.

    Kernels become float16, half of whose numbers' size is saved; what is one number per channel (statistics of batch
    norms, whose range is wide, and biases) stays float32.

    Parameters
    ----------
    state : Mapping[str, Tensor]
        Of a training run or of `read_weights`; only the network's own tensors (`net.`) are written. Where the maps of
        the run lay is not.
    """
    tensors = {name: to_half(value).contiguous() for name, value in state.items() if name.startswith("net.")}
    told = replace(config, data="", init=None, split=replace(config.split, data=None))
    content = save(tensors, {CONFIG_KEY: json.dumps(told.as_dict(), ensure_ascii=False)})
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    return len(content)


def to_half(value: Tensor) -> Tensor:
    """A kernel (2 axes or more) in float16, if all of it fits there; other tensors as they are."""
    if not value.is_floating_point() or value.ndim < 2:
        return value
    half = value.half()
    return half if half.isfinite().all() else value


def read_weights(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The settings as plain types, and the tensors in float32, of a file of `write_weights`.

    Raises
    ------
    SafetensorError, KeyError, ValueError, OSError
        A damaged or foreign file.
    """
    with safe_open(path, framework="pt") as file:
        settings = json.loads((file.metadata() or {})[CONFIG_KEY])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    return settings, {name: t.float() if t.dtype == torch.float16 else t for name, t in tensors.items()}
