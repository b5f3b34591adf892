"""A trained network as a file: its weights alone, ONNX with every head, and ONNX for QGIS's plugin Deepness."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isqrt
from pathlib import Path

import torch
from torch import Tensor, nn

from mtl.config import STRIDE
from mtl.data.channel_stack import channel_slices
from mtl.data.channels import InputChannel
from mtl.inference.backends import Onnx
from mtl.inference.onnx import Shape, differences, optional, to_onnx
from mtl.inference.predictor import Predictor
from mtl.metrics.base import THRESHOLD
from mtl.models.checkpoint import read_checkpoint, trained_net
from mtl.models.safetensors_io import write_weights
from mtl.prediction.instances import MIN_AREA
from mtl.registry import select_records
from mtl.tasks.base import Head
from targets.common.atomic_write import atomic_write
from targets.errors import UserError

TOLERANCE = 1e-4  # largest difference between ONNX Runtime and torch, over the head's usual size of values
CHECKED_SHAPES = ((1, 2 * STRIDE, 3 * STRIDE), (2, 4 * STRIDE, 2 * STRIDE))  # batch, rows and columns that are compared

Errors = dict[Shape, dict[str, float]]


class HeadValues(nn.Module):
    """A network that answers in the units of its heads instead of logits."""

    def __init__(self, net: nn.Module, heads: Sequence[Head]) -> None:
        super().__init__()
        self.net, self.heads = net, heads

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(B, C, H, W) inputs -> {head: (B, channels, H, W) values}."""
        logits = self.net(x)
        return {head.name: head.values(logits[head.name]) for head in self.heads}


class FromImageBytes(nn.Module):
    """A network that takes the bytes of a map's pictures, over 255, and answers one head as Deepness wants it.

    Deepness takes the class with the highest probability, so a head of one probability answers with two planes, what
    is not and what is.
    """

    gain: Tensor
    offset: Tensor

    def __init__(self, answers: HeadValues, inputs: Sequence[InputChannel]) -> None:
        super().__init__()
        self.answers, (self.head,) = answers, answers.heads
        stored = [record.stored for record in inputs for _ in range(record.channels) if record.stored]
        self.register_buffer("gain", torch.tensor([[[s.gain]] for s in stored], dtype=torch.float32))
        self.register_buffer("offset", torch.tensor([[[s.offset]] for s in stored], dtype=torch.float32))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(B, C, H, W) of 0 to 1 -> {head: (B, classes, H, W) probabilities, or (B, 1, H, W) values}."""
        values = self.answers(x * self.gain + self.offset)[self.head.name]
        if self.head.task == "binary":
            values = torch.cat([1 - values, values], 1)
        return {self.head.name: values}


def export_weights(predictor: Predictor, path: Path) -> Errors:
    """Write a network's weights in half their size (`weights.write_weights`), to be predicted with and trained on.

    Returns
    -------
    How much the answers of the file differ from the network's on random inputs, as `export_network` does.
    """
    net = predictor.nets[0]
    write_weights(predictor.config, {f"net.{name}": value for name, value in net.state_dict().items()}, path)
    config, content = read_checkpoint(path)
    halved, _, _ = trained_net(config, content["state_dict"], path)
    before, after = (HeadValues(own, predictor.heads).eval() for own in (net, halved))
    return differences(before, after, predictor.planes, CHECKED_SHAPES)


def export_onnx(predictor: Predictor, path: Path) -> Errors:
    """Write a network with all its heads, each in its unit; gives {(batch, rows, columns): {head: largest difference}}
    between ONNX Runtime and torch.

    What is derived from heads (closures of a predicted depth, the fusion of several answers) is no part of the file.

    Raises
    ------
    UserError
        A library is missing, or ONNX Runtime answers otherwise than torch: nothing is written.
    """
    net = HeadValues(predictor.nets[0], predictor.heads).eval()
    model, errors = _checked(net, predictor, None, (-2, 2), path)
    _write(model, path, {"trapmtl": describe_network(predictor)})
    return errors


def export_deepness(predictor: Predictor, head: str, cell: float | None, path: Path) -> Errors:
    """Write one head of a network so that QGIS's plugin Deepness loads it; gives what `export_network` gives.

    Parameters
    ----------
    head : str
        Its name. A mask or classes become polygons in QGIS, everything else a raster.
    cell : float | None
        Side of a cell in metres, to which the plugin resamples a layer; None: set in the plugin.

    Raises
    ------
    UserError
        As `export_network`; an unknown head; an input that is no picture of a map folder.
    """
    if predictor.config.patches.context:
        raise UserError(
            "--deepness",
            "the network is shown what lies around a tile, which Deepness does not cut",
            "a network of tiles alone",
            "train one with --patches.context 0",
        )
    for channel in predictor.inputs:
        if channel.stored is None:
            raise UserError(
                "--deepness",
                f"the input {channel.name} cannot be made from a picture cell by cell",
                "a network of rgb, fault, depth or map",
                "train one with --inputs rgb",
            )
    (record,) = select_records({h.name: h for h in predictor.heads}, [head], "--deepness")
    net = FromImageBytes(HeadValues(predictor.nets[0], [record]), predictor.inputs).eval()
    model, errors = _checked(net, predictor, predictor.config.patches.size, (0, 1), path)
    _write(model, path, deepness_metadata(predictor, record, cell) | {"trapmtl": describe_network(predictor)})
    return errors


def _checked(
    net: nn.Module, predictor: Predictor, size: int | None, ends: tuple[float, float], path: Path
) -> tuple[bytes, Errors]:
    """The graph of a network, of a fixed size or any, and how far it is from the network on inputs between two ends."""
    planes = predictor.planes
    model = to_onnx(net, planes, size)
    shapes = [(batch, size or rows, size or columns) for batch, rows, columns in CHECKED_SHAPES]
    errors = differences(net, Onnx(model, "32"), planes, shapes, ends)
    scales = {head.name: head.scale for head in predictor.heads}
    for shape, found in errors.items():
        for name, error in found.items():
            if not error <= TOLERANCE * scales[name]:  # NaN, too, is too large
                raise UserError(
                    path,
                    f"{name} of ONNX Runtime differs from torch by {error:.2g} at batch, rows, columns {shape}",
                    f"at most {TOLERANCE * scales[name]:.2g}",
                    "try other versions of onnxruntime and torch",
                )
    return model, errors


def describe_network(predictor: Predictor) -> dict[str, object]:
    """What the planes of the input are, what the outputs mean, and how a map is cut into tiles: plain types."""
    inputs = []
    for record, own in channel_slices(predictor.inputs):
        planes = list(range(own.start, own.stop))
        stored = asdict(record.stored) if record.stored else None
        inputs.append({"name": record.name, "planes": planes, "unit": record.unit, "outside": record.fill_value,
                       "stored": stored})  # fmt: skip
    return {
        "inputs": inputs,
        "outputs": [{"name": h.name, "channels": h.channels, "unit": h.unit} for h in predictor.heads],
        "window": predictor.config.patches.size,
        "context": predictor.config.patches.context,  # not 0: as many planes again, of the square around the window
        "longest": predictor.config.patches.max_side,
        "predict": asdict(predictor.config.predict),
    }


def deepness_metadata(predictor: Predictor, head: Head, cell: float | None) -> dict[str, object]:
    """The metadata that Deepness reads (its `ModelBase`, versions to 0.7); it multiplies all inputs by 1/255 first.

    Its documents say `tiles_size`, its reader `tile_size`: both are given, as are means and spreads of as many
    channels as the network has, because some versions assume three.
    """
    planes = sum(record.channels for record in predictor.inputs)
    size, stride = predictor.config.patches.size, predictor.config.predict.stride
    notes: dict[str, object] = {
        "tile_size": size,
        "tiles_size": size,
        "tiles_overlap": round(100 * (1 - stride / size)),  # percent of a tile
        "standardization_mean": [0.0] * planes,
        "standardization_std": [1.0] * planes,
    }
    if cell is not None:
        notes["resolution"] = 100 * cell  # centimetres
    if head.task not in ("binary", "multiclass"):
        return notes | {"model_type": "Regressor", "class_names": {"0": head.name}, "reg_output_scaling": 1.0}
    classes = head.unit.removeprefix("probability of ").split(", ")
    names = classes if head.task == "multiclass" else ["background", head.name]
    return notes | {
        "model_type": "Segmentor",
        "class_names": {str(number): name for number, name in enumerate(names)},
        "seg_thresh": THRESHOLD,
        "seg_small_segment": isqrt(2 * MIN_AREA) + 1,  # side of a median filter: what fills under half of it goes
    }


def _write(model: bytes, path: Path, notes: Mapping[str, object]) -> None:
    """Write an ONNX file with notes in its metadata, each as JSON."""
    onnx = optional("onnx")
    graph = onnx.load_from_string(model)
    onnx.helper.set_model_props(graph, {name: json.dumps(note, ensure_ascii=False) for name, note in notes.items()})
    with atomic_write(path) as temporary:
        temporary.write_bytes(graph.SerializeToString())
