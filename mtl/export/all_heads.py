"""Export of a network with all its heads as ONNX, for maps of any size."""

from pathlib import Path

from mtl.export.onnx_file import Errors, HeadValues, describe_network, make_checked_graph, write_onnx_file
from mtl.inference.predictor import Predictor


def export_onnx(predictor: Predictor, path: Path) -> Errors:
    """Write a network with all its heads, each in its unit.

    What is derived from heads (closures of a predicted depth, the fusion of several answers) is not part of the file.

    Parameters
    ----------
    predictor : Predictor
        The network; of an ensemble the first.
    path : Path
        The ONNX file.

    Returns
    -------
    Errors
        {(batch, rows, columns): {head: largest difference between ONNX Runtime and torch}}.

    Raises
    ------
    UserError
        A library is missing, or ONNX Runtime differs from torch: nothing is written.
    """
    net = HeadValues(predictor.nets[0], predictor.heads).eval()
    graph, errors = make_checked_graph(net, predictor, None, (-2, 2), path)
    write_onnx_file(graph, path, {"trapmtl": describe_network(predictor)})
    return errors
