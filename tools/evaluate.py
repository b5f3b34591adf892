#!/usr/bin/env python
"""Score a trained network on maps whose traps are known."""

from pathlib import Path

from mtl.backends import Backend, Precision
from mtl.config import Symmetry
from mtl.evaluate import evaluate
from mtl.predict import load_predictor
from targets.cli import Names, run
from targets.maps import Reading

DEFAULT = Reading()


def main(
    *,
    checkpoint: Names | None = None,
    data: tuple[str, ...],
    out: str,
    stride: int | None = None,
    tile: float | None = None,
    tta: Symmetry | None = None,
    device: str = "auto",
    backend: Backend = "auto",
    precision: Precision = "32",
    reading: Reading = DEFAULT,
) -> None:
    """Score every head of a network on maps, per map and pooled.

    Parameters
    ----------
    checkpoint : best.ckpt or last.ckpt of a run folder, of several with commas between them an ensemble; by default the
        model that comes with the package.
    data : maps, folders of maps, or grids; traps that nobody drew are computed from the depth.
    out : folder for metrics.csv, metrics.md and sizes.md, the traps by their size over a tile's.
    stride : cells between tiles, a multiple of 32; by default as the run's config says.
    tile : side in cells that the sizes of traps are held against, to compare networks of different tiles; by default
        that of the network's own tiles.
    tta : look at every tile in several symmetries too: none, mirror (left-right), flips or d4.
    device : auto, cpu, cuda, ...
    backend : what runs the network: torch, compile (torch's compiler), onnx, openvino, or auto: torch for few tiles,
        for many on a CPU the fastest that is installed.
    precision : 32, or bf16: faster on processors that know it, and less exact.
    """
    predictor = load_predictor(checkpoint, device, stride, tta, backend, precision)
    table = evaluate(predictor, data, Path(out), reading, tile)
    print(table)
    print(f"tables: {Path(out) / 'metrics.csv'}, {Path(out) / 'metrics.md'}, {Path(out) / 'sizes.md'}")


if __name__ == "__main__":
    run(main)
