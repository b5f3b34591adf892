"""ONNX file of a network that answers in the units of its heads, checked against torch, with a description inside."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from torch import Tensor, nn

from mtl.config import STRIDE
from mtl.data.channel_stack import channel_slices
from mtl.inference.backends import OnnxBackend
from mtl.inference.onnx import Shape, compare_backends, export_graph, import_optional
from mtl.inference.predictor import Predictor
from mtl.tasks.base import Head
from targets.common.atomic_write import atomic_write
from targets.errors import UserError

TOLERANCE = 1e-4  # largest difference between ONNX Runtime and torch, over the usual size of a head's values
CHECKED_SHAPES = ((1, 2 * STRIDE, 3 * STRIDE), (2, 4 * STRIDE, 2 * STRIDE))  # batch, rows and columns

Errors = dict[Shape, dict[str, float]]  # {(batch, rows, columns): {head: largest difference}}


class HeadValues(nn.Module):
    """A network that answers in the units of its heads instead of logits."""

    def __init__(self, net: nn.Module, heads: Sequence[Head]) -> None:
        super().__init__()
        self.net, self.heads = net, heads

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(B, C, H, W) inputs -> {head: (B, channels, H, W) values}."""
        logits = self.net(x)
        return {head.name: head.values(logits[head.name]) for head in self.heads}


def make_checked_graph(
    net: nn.Module, predictor: Predictor, size: int | None, value_range: tuple[float, float], path: Path
) -> tuple[bytes, Errors]:
    """Make the ONNX graph of a network and compare it with torch on random inputs.

    Parameters
    ----------
    net : nn.Module
        (B, C, H, W) inputs -> {head: values}.
    predictor : Predictor
        The predictor it was made of.
    size : int | None
        Side of the only tile that the graph takes; None: any size.
    value_range : tuple[float, float]
        Smallest and largest value of the random inputs.
    path : Path
        The file that will hold the graph, named in errors.

    Returns
    -------
    graph : bytes
        The ONNX graph.
    errors : Errors
        Largest difference from torch of each head, for two shapes.

    Raises
    ------
    UserError
        A library is missing, or a head differs by more than `TOLERANCE`.
    """
    in_channels = predictor.in_channels
    graph = export_graph(net, in_channels, size)
    shapes = [(batch, size or rows, size or columns) for batch, rows, columns in CHECKED_SHAPES]
    errors = compare_backends(net, OnnxBackend(graph, "32"), in_channels, shapes, value_range)
    scales = {head.name: head.scale for head in predictor.heads}
    for shape, by_head in errors.items():
        for name, error in by_head.items():
            if not error <= TOLERANCE * scales[name]:  # also refuses NaN
                raise UserError(
                    path,
                    f"{name} of ONNX Runtime differs from torch by {error:.2g} at batch, rows, columns {shape}",
                    f"at most {TOLERANCE * scales[name]:.2g}",
                    "try other versions of onnxruntime and torch",
                )
    return graph, errors


def describe_network(predictor: Predictor) -> dict[str, object]:
    """Describe input planes, outputs and tiling of a network in plain types."""
    inputs = []
    for record, channels in channel_slices(predictor.inputs):
        stored = asdict(record.stored) if record.stored else None
        planes = list(range(channels.start, channels.stop))
        inputs.append({"name": record.name, "planes": planes, "unit": record.unit, "fill_value": record.fill_value,
                       "stored": stored})  # fmt: skip
    patches = predictor.config.patches
    return {
        "inputs": inputs,
        "outputs": [{"name": head.name, "channels": head.channels, "unit": head.unit} for head in predictor.heads],
        "window": patches.size,
        "context": patches.context,  # not 0: as many planes again, of the square around the window
        "max_side": patches.max_side,
        "predict": asdict(predictor.config.predict),
    }


def write_onnx_file(graph: bytes, path: Path, metadata: Mapping[str, object]) -> None:
    """Write an ONNX file with metadata, each value as JSON.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    onnx = import_optional("onnx")
    model = onnx.load_from_string(graph)
    onnx.helper.set_model_props(model, {key: json.dumps(value, ensure_ascii=False) for key, value in metadata.items()})
    with atomic_write(path) as temporary:
        temporary.write_bytes(model.SerializeToString())
