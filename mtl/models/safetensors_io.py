"""Safetensors files: a trained network in one small file that holds no code, and the bundled model."""

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
MAX_BUNDLED_BYTES = 16_000_000  # of the file that comes with the package: every installation fetches it
CONFIG_KEY = "config"  # in the file's metadata: the settings of the training run, as JSON


def bundled_model() -> Path:
    """File of the model that comes with the package.

    Raises
    ------
    UserError
        There is none.
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
    """Write a network's weights with its settings.

    Kernels become float16, which halves the file; what is one number per channel (statistics of batch norms, whose
    range is wide, and biases) stays float32.

    Parameters
    ----------
    config : TrainConfig
        Settings of the training run; where its maps lay is left out.
    state : Mapping[str, Tensor]
        Of a training run or of `read_weights`; only the network's own tensors (`net.`) are written.
    path : Path
        The file.

    Returns
    -------
    Bytes of the file.
    """
    tensors = {name: to_half(value).contiguous() for name, value in state.items() if name.startswith("net.")}
    public = replace(config, data="", init=None, split=replace(config.split, val_data=None))
    content = save(tensors, {CONFIG_KEY: json.dumps(public.as_dict(), ensure_ascii=False)})
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    return len(content)


def to_half(value: Tensor) -> Tensor:
    """A kernel (2 axes or more) in float16, if all of it fits there; other tensors as they are.

    Examples
    --------
    >>> to_half(torch.ones(2, 2)).dtype, to_half(torch.ones(2)).dtype
    (torch.float16, torch.float32)
    """
    if not value.is_floating_point() or value.ndim < 2:
        return value
    half = value.half()
    return half if half.isfinite().all() else value


def read_weights(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read a file of `write_weights`.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    The settings as plain types, of the version they say, and the tensors in float32.

    Raises
    ------
    SafetensorError, KeyError, ValueError, OSError
        A damaged or foreign file.
    """
    with safe_open(path, framework="pt") as file:
        settings = json.loads((file.metadata() or {})[CONFIG_KEY])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    return settings, {name: t.float() if t.dtype == torch.float16 else t for name, t in tensors.items()}
