"""Command export: a trained network as a file for other programs, ONNX or weights."""

from pathlib import Path

from targets.common.cli import run
from targets.common.process_lifetime import importing
from targets.errors import UserError


def main(*, checkpoint: str | None = None, out: str, deepness: str | None = None, cell: float | None = None) -> None:
    """Write a network as ONNX (all heads at any size of map, or one head for QGIS's plugin Deepness), or its weights.

    Parameters
    ----------
    checkpoint : str | None, default None
        File best.ckpt or last.ckpt of a run folder; by default the model that comes with the package.
    out : str
        The file to write: NAME.onnx, or NAME.safetensors for the weights, which any tool takes as a checkpoint.
    deepness : str | None, default None
        Head, such as trap, to write for Deepness: this head alone, on tiles of one size and bytes as input.
    cell : float | None, default None
        Side of a cell in metres to which Deepness resamples a layer; by default it is set in the plugin.
    """
    with importing():
        from mtl.export.all_heads import export_onnx
        from mtl.export.deepness import export_deepness
        from mtl.export.weights import export_weights
        from mtl.inference.predictor import load_predictor
        from mtl.models.safetensors_io import SUFFIX

    path = Path(out)
    if path.suffix not in (".onnx", SUFFIX):
        raise UserError("--out", path.name, f"NAME.onnx or NAME{SUFFIX}")
    predictor = load_predictor(checkpoint, "cpu", backend="torch")
    if path.suffix == SUFFIX:
        if deepness is not None:
            raise UserError("--deepness", f"given with {path.name}", "an .onnx file")
        errors = export_weights(predictor, path)
    elif deepness is None:
        errors = export_onnx(predictor, path)
    else:
        errors = export_deepness(predictor, deepness, cell, path)
    for (batch, rows, columns), by_head in errors.items():
        largest = ", ".join(f"{name} {error:.1e}" for name, error in by_head.items())
        print(f"largest difference from the network, {batch} x {rows} x {columns} cells: {largest}")
    print(f"network: {path} ({path.stat().st_size / 1e6:.1f} MB)")


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args)
