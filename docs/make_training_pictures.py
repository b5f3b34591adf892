#!/usr/bin/env python
"""Draw docs/images/heads.png: what each head is taught and what the demo's network predicts. Run `make demo` first."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from mtl.predict import load_predictor
from targets.cli import run
from targets.files import written_whole
from targets.maps import list_maps, read_map
from targets.truth import find_truth


def main(
    *,
    checkpoint: str = "runs/demo/best.ckpt",
    data: str = "data/demo_new/synth_700002",
    out: str = "docs/images/heads.png",
) -> None:
    """Draw target and prediction of every head for the first map of a folder.

    Parameters
    ----------
    checkpoint : of a finished run.
    data : folder of maps.
    out : the picture to write.
    """
    predictor = load_predictor(checkpoint, device="cpu")
    scene = read_map(list_maps([data])[0])
    predictions, truth = predictor(scene), find_truth(scene, predictor.config.targets)
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
        high = drawing.high if drawing.high is not None else float(np.nanmax(target))
        colours = matplotlib.colormaps[drawing.colours].with_extremes(bad="0.85")
        for row, shown in enumerate((target, drawing.plane(predictions[output.name]))):
            axes[row, column].imshow(shown, cmap=colours, vmin=drawing.low, vmax=high)
        axes[0, column].set_title(f"{output.name}: target")
        axes[1, column].set_title(f"{output.name}: prediction")
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    with written_whole(out) as temporary:
        figure.savefig(temporary)
    print(f"look at {out}")


if __name__ == "__main__":
    run(main)
