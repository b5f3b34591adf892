"""Export of one head for QGIS's plugin Deepness: ONNX on image bytes, with the metadata that the plugin reads."""

from collections.abc import Sequence
from math import isqrt
from pathlib import Path

import torch
from torch import Tensor, nn

from mtl.config import THRESHOLD
from mtl.data.channels import InputChannel
from mtl.export.onnx_file import Errors, HeadValues, describe_network, make_checked_graph, write_onnx_file
from mtl.inference.predictor import Predictor
from mtl.prediction.instances import MIN_AREA
from mtl.registry import select_records
from mtl.tasks.base import Head
from targets.errors import UserError


class FromImageBytes(nn.Module):
    """A network on the bytes of a map's pictures, divided by 255, with one head as Deepness expects it.

    Deepness takes the class of the highest probability, so a binary head answers with two planes, background and
    class.
    """

    gain: Tensor
    offset: Tensor

    def __init__(self, values: HeadValues, inputs: Sequence[InputChannel]) -> None:
        super().__init__()
        self.values, (self.head,) = values, values.heads
        stored = [record.stored for record in inputs for _ in range(record.channels) if record.stored]
        self.register_buffer("gain", torch.tensor([[[s.gain]] for s in stored], dtype=torch.float32))
        self.register_buffer("offset", torch.tensor([[[s.offset]] for s in stored], dtype=torch.float32))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(B, C, H, W) of 0 to 1 -> {head: (B, classes, H, W) probabilities, or (B, 1, H, W) values}."""
        values = self.values(x * self.gain + self.offset)[self.head.name]
        if self.head.task == "binary":
            values = torch.cat([1 - values, values], 1)
        return {self.head.name: values}


def export_deepness(predictor: Predictor, head: str, cell: float | None, path: Path) -> Errors:
    """Write one head of a network as an ONNX file that QGIS's plugin Deepness loads.

    Parameters
    ----------
    predictor : Predictor
        The network; of an ensemble the first.
    head : str
        Name of the head. Masks and classes become polygons in QGIS, other heads rasters.
    cell : float | None
        Side of a cell in metres, to which the plugin resamples a layer; None: set in the plugin.
    path : Path
        The ONNX file.

    Returns
    -------
    Errors
        {(batch, rows, columns): {head: largest difference between ONNX Runtime and torch}}.

    Raises
    ------
    UserError
        An unknown head, an input that is no picture of a map folder, a network with context around its tiles, a missing
        library, or ONNX Runtime differs from torch: nothing is written.
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
    graph, errors = make_checked_graph(net, predictor, predictor.config.patches.size, (0, 1), path)
    metadata = deepness_metadata(predictor, record, cell) | {"trapmtl": describe_network(predictor)}
    write_onnx_file(graph, path, metadata)
    return errors


def deepness_metadata(predictor: Predictor, head: Head, cell: float | None) -> dict[str, object]:
    """Make the metadata that Deepness reads (its `ModelBase`, up to version 0.7).

    The plugin multiplies inputs by 1/255 first. Its documents say `tiles_size`, its reader `tile_size`: both are given,
    as are means and standard deviations of as many channels as the network has, because some versions assume three.

    Parameters
    ----------
    predictor : Predictor
        The network.
    head : Head
        The exported head.
    cell : float | None
        Side of a cell in metres; None: set in the plugin.
    """
    channels = predictor.in_channels
    size, stride = predictor.config.patches.size, predictor.config.predict.stride
    metadata: dict[str, object] = {
        "tile_size": size,
        "tiles_size": size,
        "tiles_overlap": round(100 * (1 - stride / size)),  # percent of a tile
        "standardization_mean": [0.0] * channels,
        "standardization_std": [1.0] * channels,
    }
    if cell is not None:
        metadata["resolution"] = 100 * cell  # centimetres
    class_names = ("background", head.name) if head.task == "binary" else head.class_names
    if not class_names:
        return metadata | {"model_type": "Regressor", "class_names": {"0": head.name}, "reg_output_scaling": 1.0}
    return metadata | {
        "model_type": "Segmentor",
        "class_names": {str(number): name for number, name in enumerate(class_names)},
        "seg_thresh": THRESHOLD,
        "seg_small_segment": isqrt(2 * MIN_AREA) + 1,  # side of a median filter: what fills under half of it vanishes
    }
