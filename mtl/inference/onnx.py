"""ONNX graph of a network, for maps of any size, and the largest differences between two backends."""

import importlib
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mtl.config import STRIDE
from mtl.inference.tiling import Net
from targets.errors import UserError

INPUT_NAME = "input"  # the name of the one input
OPSET = 17  # of ONNX Runtime 1.12 (2022) and later

Shape = tuple[int, int, int]  # batch, rows, columns


def export_graph(net: nn.Module, in_channels: int, size: int | None = None) -> bytes:
    """Export a network in evaluation as an ONNX graph; its outputs keep their names, the batch may have any size.

    Traced by TorchScript: torch's newer exporter takes 30 times as long; see docs/experiments/inference.md.

    Parameters
    ----------
    net : nn.Module
        (B, in_channels, H, W) -> {name: (B, C, H, W)}.
    in_channels : int
        Channels of its input.
    size : int | None, default None
        H and W of every input, in cells; None: any multiples of 32.

    Raises
    ------
    UserError
        The library onnx is not installed.
    """
    onnx = import_optional("onnx")
    side = size or 2 * STRIDE
    example = torch.zeros(1, in_channels, side, side, device=next(net.parameters()).device)
    axes = {0: "batch"} if size else {0: "batch", 2: "rows", 3: "columns"}
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that this exporter is old, and that numbers of planes become constants
        path = Path(folder) / "net.onnx"
        outputs = net(example)
        names = list(outputs)
        torch.onnx.export(
            net,
            (example,),
            path,
            dynamo=False,
            input_names=[INPUT_NAME],
            output_names=names,
            dynamic_axes=dict.fromkeys((INPUT_NAME, *names), axes),
            opset_version=OPSET,
        )
        model = onnx.load(path)
    for output in model.graph.output:  # the exporter loses sides where a decoder doubles them
        for dimension, known in zip(output.type.tensor_type.shape.dim, outputs[output.name].shape, strict=True):
            dimension.dim_value = known
        for axis, name in axes.items():
            output.type.tensor_type.shape.dim[axis].dim_param = name
    return model.SerializeToString()


def compare_backends(
    one: Net, other: Net, in_channels: int, shapes: Iterable[Shape], value_range: tuple[float, float] = (-2, 2)
) -> dict[Shape, dict[str, float]]:
    """Largest differences between what two backends predict on the CPU for the same random inputs.

    Parameters
    ----------
    one, other : Net
        The backends.
    in_channels : int
        Channels of their input.
    shapes : Iterable[Shape]
        (batch, rows, columns) of the inputs.
    value_range : tuple[float, float], default (-2, 2)
        Smallest and largest input value.

    Returns
    -------
    {shape: {output: largest absolute difference}}.
    """
    rng = np.random.default_rng(0)
    found = {}
    for shape in shapes:
        batch, rows, columns = shape
        x = torch.from_numpy(rng.uniform(*value_range, (batch, in_channels, rows, columns)).astype(np.float32))
        with torch.inference_mode():
            expected, outputs = one(x), other(x)
        found[shape] = {name: float((expected[name] - outputs[name]).abs().max()) for name in expected}
    return found


def import_optional(library: str, extra: str = "export") -> Any:
    """Import a library that not every user needs.

    Parameters
    ----------
    library : str
        Its name as a module.
    extra : str, default 'export'
        The extra of pyproject.toml that installs it.

    Raises
    ------
    UserError
        It is not installed.
    """
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise UserError("ONNX", f"{library} is not installed", "", f"pip install 'trapmtl[{extra}]'") from error
