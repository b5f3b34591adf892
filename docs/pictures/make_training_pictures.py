#!/usr/bin/env python
"""Draw what each head is taught and what the demo's network predicts, and who fights whom.

Run these first: `make demo`, and the command below the second picture in docs/howto/tensorboard.md.
"""

import csv
from pathlib import Path

import matplotlib
import numpy as np
import yaml
from matplotlib.figure import Figure

from mtl.inference.predictor import load_predictor
from mtl.visualization.panels import draw_cosines
from targets.common.atomic_write import atomic_write
from targets.common.cli import run
from targets.io.catalogue import list_maps, read_map
from targets.truth.traps import build_ground_truth


def main(
    *,
    checkpoint: str = "runs/demo/best.ckpt",
    data: str = "data/demo_new/synth_700002",
    run_of_heads: str = "runs/six_heads",
    out: str = "docs/images",
) -> None:
    """Draw heads.png and gradients.png.

    Parameters
    ----------
    checkpoint : of a finished run.
    data : folder of maps; the first is shown.
    run_of_heads : folder of a finished run of several heads.
    out : folder of the pictures.
    """
    for figure, name in (
        (heads_figure(checkpoint, data), "heads.png"),
        (gradients_figure(Path(run_of_heads)), "gradients.png"),
    ):
        with atomic_write(Path(out) / name) as temporary:
            figure.savefig(temporary)
        print(f"look at {Path(out) / name}")


def gradients_figure(folder: Path) -> Figure:
    """Lengths of the heads' gradients over the epochs of a run, and their cosines in the last one."""
    heads = yaml.safe_load((folder / "config.yaml").read_text())["heads"]
    with (folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    epochs = range(1, len(rows) + 1)
    lengths = {head: [float(row[f"{head}/grad_norm"]) for row in rows] for head in heads}
    figure = Figure(figsize=(13, 0.62 * len(heads) + 2.2), dpi=80, layout="constrained")
    left, right = figure.subplots(1, 2)
    for head in sorted(heads, key=lambda head: -lengths[head][-1]):  # as they lie, so that the legend reads like them
        left.plot(epochs, lengths[head], marker="o", label=head)
    left.set(yscale="log", xlabel="epoch", ylabel="length of the gradient × weight", xticks=epochs)
    left.grid(alpha=0.3)
    left.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=11, frameon=False)
    left.set_title("how much say each head has")
    cosines = {
        tuple(name.removeprefix("grad_cosine/").split("-")): float(value)
        for name, value in rows[-1].items()
        if name.startswith("grad_cosine/")
    }
    draw_cosines(right, heads, cosines)
    return figure


def heads_figure(checkpoint: str, data: str) -> Figure:
    """Target and prediction of every head for the first map of a folder."""
    predictor = load_predictor(checkpoint, device="cpu")
    scene = read_map(list_maps([data])[0])
    predictions, truth = predictor(scene), build_ground_truth(scene, predictor.config.targets)
    figure = Figure(figsize=(14, 5.6), dpi=80, layout="constrained")
    axes = figure.subplots(2, 1 + len(predictor.outputs))
    axes[0, 0].imshow(scene.rgb)
    axes[1, 0].imshow(scene.depth_norm(), cmap="gray_r")
    axes[0, 0].set_title("picture (with faults)")
    axes[1, 0].set_title("depth (black = deepest)")
    for column, output in enumerate(predictor.outputs, start=1):
        values, valid = output.target(truth)
        drawing = output.drawing
        target = np.where(valid, drawing.plane(values), np.nan)
        high = drawing.vmax if drawing.vmax is not None else float(np.nanmax(target))
        colours = matplotlib.colormaps[drawing.colour_map].with_extremes(bad="0.85")
        for row, shown in enumerate((target, drawing.plane(predictions[output.name]))):
            axes[row, column].imshow(shown, cmap=colours, vmin=drawing.vmin, vmax=high)
        axes[0, column].set_title(f"{output.name}: target")
        axes[1, column].set_title(f"{output.name}: prediction")
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    return figure


if __name__ == "__main__":
    run(main)
