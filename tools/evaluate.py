#!/usr/bin/env python
"""Score a trained network on maps whose traps are known."""

from pathlib import Path

from mtl.evaluate import evaluate
from mtl.predict import load_predictor
from targets.cli import run
from targets.maps import Reading

DEFAULT = Reading()


def main(
    *,
    checkpoint: str,
    data: tuple[str, ...],
    out: str,
    stride: int | None = None,
    device: str = "auto",
    reading: Reading = DEFAULT,
) -> None:
    """Score every head of a network on maps, per map and pooled.

    Parameters
    ----------
    checkpoint : best.ckpt or last.ckpt of a run folder.
    data : maps, folders of maps, or grids; traps that nobody drew are computed from the depth.
    out : folder for metrics.csv and metrics.md.
    stride : cells between tiles, a multiple of 32; by default as the run's config says.
    device : auto, cpu, cuda, ...
    """
    table = evaluate(load_predictor(checkpoint, device, stride), data, Path(out), reading)
    print(table)
    print(f"tables: {Path(out) / 'metrics.csv'}, {Path(out) / 'metrics.md'}")


if __name__ == "__main__":
    run(main)
