#!/usr/bin/env python
"""Draw docs/images/default_model_curves.png: how the model of the package was trained, from docs/experiments/model/."""

import csv
from pathlib import Path

from matplotlib.figure import Figure

from targets.common.cli import run

DOCS = Path(__file__).parents[1]
RUNS = {  # folder: (name, it went on from the one before it)
    "third": ("third stage", False),
    "fourth_pictures": ("fourth, pictures alone", True),
    "fourth_all_sets": ("fourth, all sets", True),
    "gpu_lite0": ("further, on a GPU", True),
    "gpu_resnet34": ("ResNet34, on a GPU", False),
}
FIGURES = {
    "trap/iou": "trap head: IoU",
    "depth_traps/iou": "traps of the guessed depth: IoU",
    "depth/mae": "error of the depth (of a range of 2)",
}


def curve(folder: str, figure: str) -> list[float]:
    """A figure of every epoch of a run."""
    with (DOCS / "experiments" / "model" / folder / "metrics.csv").open(newline="") as file:
        return [float(row[figure]) for row in csv.DictReader(file)]


def main(*, out: str = str(DOCS / "images" / "default_model_curves.png")) -> None:
    """Draw the picture.

    Parameters
    ----------
    out : the file.
    """
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    for axis, (name, title) in zip(figure.subplots(1, len(FIGURES)), FIGURES.items(), strict=True):
        end = 0
        for folder, (label, goes_on) in RUNS.items():
            values = curve(folder, name)
            first = end if goes_on else 0
            epochs = range(first + 1, first + len(values) + 1)
            axis.plot(epochs, values, marker="o", markersize=3, label=label)
            end = first + len(values)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("epoch, those before counted")
        axis.grid(alpha=0.3)
    figure.axes[-1].legend(fontsize=8)
    figure.savefig(out, dpi=110)
    print(out)


if __name__ == "__main__":
    run(main)
