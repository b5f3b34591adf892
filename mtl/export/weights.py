"""Export of a network's weights in half precision, to predict with and to train on."""

from pathlib import Path

from mtl.export.onnx_file import CHECKED_SHAPES, Errors, HeadValues
from mtl.inference.onnx import compare_backends
from mtl.inference.predictor import Predictor
from mtl.models.checkpoint import build_trained_net, read_checkpoint
from mtl.models.safetensors_io import write_weights


def export_weights(predictor: Predictor, path: Path) -> Errors:
    """Write the weights of a network in half their size (`mtl.models.safetensors_io.write_weights`).

    Parameters
    ----------
    predictor : Predictor
        The network; of an ensemble the first.
    path : Path
        The safetensors file.

    Returns
    -------
    Errors
        {(batch, rows, columns): {head: largest difference between the file and the network on random inputs}}.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    net = predictor.nets[0]
    write_weights(predictor.config, {f"net.{name}": value for name, value in net.state_dict().items()}, path)
    config, content = read_checkpoint(path)
    halved, _, _ = build_trained_net(config, content["state_dict"], path)
    before, after = (HeadValues(own, predictor.heads).eval() for own in (net, halved))
    return compare_backends(before, after, predictor.in_channels, CHECKED_SHAPES)
