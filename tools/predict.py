#!/usr/bin/env python
"""Predict maps with a trained network."""

from pathlib import Path

from mtl.backends import Backend, Precision
from mtl.config import Symmetry
from mtl.predict import REPORT, load_predictor, predict_maps
from mtl.scores import THRESHOLD
from targets.cli import Names, run
from targets.errors import UserError
from targets.locks import in_use
from targets.maps import Reading
from targets.tgs import SUBMISSION

DEFAULT = Reading()


def main(
    maps: tuple[str, ...],
    *,
    checkpoint: Names | None = None,
    out: str,
    stride: int | None = None,
    tta: Symmetry | None = None,
    folders: bool = True,
    cut: float = THRESHOLD,
    device: str = "auto",
    backend: Backend = "auto",
    precision: Precision = "32",
    reading: Reading = DEFAULT,
) -> None:
    """Predict every head of one or more maps and write pictures, polygons and tables.

    Parameters
    ----------
    maps : maps, folders of maps, or grids.
    checkpoint : best.ckpt or last.ckpt of a run folder, of several with commas between them an ensemble; by default the
        model that comes with the package.
    out : folder for the results, one folder per map, and report.html about all of them (of salt: submission.csv).
    stride : cells between tiles, a multiple of 32; by default as the run's config says.
    tta : look at every tile in several symmetries too: none, mirror (left-right), flips or d4.
    folders : write a folder per map (--no_folders: only what is written of all maps together).
    cut : of a network of salt, the probability above which a cell is salt in submission.csv.
    device : auto, cpu, cuda, ...
    backend : what runs the network: torch, compile (torch's compiler), onnx, openvino, or auto: torch for few tiles,
        for many on a CPU the fastest that is installed.
    precision : 32, or bf16: faster on processors that know it, and less exact.
    """
    predictor = load_predictor(checkpoint, device, stride, tta, backend, precision)
    failed = []
    with in_use(out):
        for name, result in predict_maps(predictor, maps, Path(out), reading, folders, cut):
            if isinstance(result, UserError):
                failed.append(result)
            elif folders:
                print(f"{name}: look at {result / 'overlay.png'}", flush=True)
    if (Path(out) / SUBMISSION).exists():
        print(f"run-length codes of all masks: {Path(out) / SUBMISSION}")
    elif folders:
        print(f"all maps, the least sure first: {Path(out) / REPORT}", flush=True)
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise UserError(f"{len(failed)} maps failed", " | ".join(str(error) for error in failed))


if __name__ == "__main__":
    run(main)
