"""What a person sees of each output in TensorBoard: input, target, prediction, error and validity of whole maps."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from mtl.data import Sample
from mtl.heads import Output
from targets.render import with_picture
from targets.scene import Float

COLUMNS = ("input", "target", "prediction", "error (prediction - target)", "validity")


def output_panel(output: Output, samples: Sequence[Sample], predictions: Sequence[dict[str, Float]]) -> Figure:
    """One row per map, one column per question. The caller closes nothing: the figure belongs to no window."""
    rows = len(samples)
    figure = Figure(figsize=(15, 2.9 * rows + 0.5), dpi=70, layout="constrained")
    axes = figure.subplots(rows, len(COLUMNS), squeeze=False)
    drawing = output.drawing
    targets = [sample.target_of(output) for sample in samples]
    shown = [np.where(valid, drawing.plane(target), np.nan) for target, valid in targets]
    high = drawing.high
    if high is None:  # one scale for all maps, so that they can be compared
        high = max([float(np.nanmax(t)) for t in shown if np.isfinite(t).any()], default=1.0)
    colours = matplotlib.colormaps[drawing.colours].with_extremes(bad="0.85")
    span = high - drawing.low
    for row, (sample, target, prediction) in enumerate(zip(samples, shown, predictions, strict=True)):
        guess, valid = drawing.plane(prediction[output.name]), targets[row][1]
        error = np.where(valid, guess - target, np.nan)
        scale = {"cmap": colours, "vmin": drawing.low, "vmax": high, "interpolation": "nearest"}
        values = axes[row, 1].imshow(target, **scale)
        axes[row, 0].imshow(with_picture(sample.scene).rgb)
        axes[row, 2].imshow(guess, **scale)
        grey = matplotlib.colormaps["RdBu_r"].with_extremes(bad="0.85")
        errors = axes[row, 3].imshow(error, cmap=grey, vmin=-span, vmax=span, interpolation="nearest")
        axes[row, 4].imshow(valid, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        figure.colorbar(values, ax=axes[row, 2], shrink=0.8)
        figure.colorbar(errors, ax=axes[row, 3], shrink=0.8)
        axes[row, 0].set_ylabel(sample.scene.name, fontsize=9)
        for axis in axes[row]:
            axis.set(xticks=[], yticks=[])
    for axis, title in zip(axes[0], COLUMNS, strict=True):
        axis.set_title(title, fontsize=10)
    figure.suptitle(f"{output.name}: {output.unit}", fontsize=12)
    return figure
