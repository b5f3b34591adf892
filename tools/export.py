#!/usr/bin/env python
"""Write a trained network as an ONNX file."""

from pathlib import Path

from mtl.export import export_for_deepness, export_network
from mtl.predict import load_predictor
from targets.cli import run


def main(*, checkpoint: str, out: str, deepness: str | None = None, cell: float | None = None) -> None:
    """Write a network as ONNX: all heads at any size of map, or one head for QGIS's plugin Deepness.

    Parameters
    ----------
    checkpoint : best.ckpt or last.ckpt of a run folder.
    out : the file, such as model.onnx.
    deepness : a head, such as trap: write the file for Deepness, with this head alone, tiles of one size and bytes as
        input.
    cell : side of a cell in metres to which Deepness resamples a layer; without it, it is set in the plugin.
    """
    predictor, path = load_predictor(checkpoint, "cpu", backend="torch"), Path(out)
    if deepness is None:
        errors = export_network(predictor, path)
    else:
        errors = export_for_deepness(predictor, deepness, cell, path)
    for (batch, rows, columns), found in errors.items():
        largest = ", ".join(f"{name} {error:.1e}" for name, error in found.items())
        print(f"largest difference from torch, {batch} x {rows} x {columns} cells: {largest}")
    print(f"network: {path}")


if __name__ == "__main__":
    run(main)
