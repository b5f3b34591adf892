"""Panels of validation maps: input, target, prediction, error and validity; keypoints; gradients' cosines."""

import math
from collections.abc import Callable, Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtl.data.sample import JudgedMap, Sample
from mtl.metrics.keypoints import PointMatches
from mtl.tasks.base import Output
from targets.rendering.map import ensure_picture
from targets.scene import Float

COLUMNS = ("input", "target", "prediction", "error (prediction - target)", "validity")


def output_panel(
    output: Output, samples: Sequence[Sample | JudgedMap], predictions: Sequence[Mapping[str, Float]]
) -> Figure:
    """Draw an output on some maps, one row a map, one column each of `COLUMNS`.

    Parameters
    ----------
    output : Output
        Says how its values are drawn.
    samples : Sequence[Sample | JudgedMap]
        The maps.
    predictions : Sequence[Mapping[str, Float]]
        Of each map, {output: (C, H, W) float32 in the output's unit}.

    Returns
    -------
    A figure that belongs to no window, so that nobody has to close it.
    """
    rows = len(samples)
    figure = Figure(figsize=(15, 2.9 * rows + 0.5), dpi=70, layout="constrained")
    axes = figure.subplots(rows, len(COLUMNS), squeeze=False)
    drawing = output.drawing
    targets = [sample.target_of(output) for sample in samples]
    target_planes = [np.where(valid, drawing.plane(target), np.nan) for target, valid in targets]
    vmax = drawing.vmax
    if vmax is None:  # one scale for all maps, so that they can be compared
        vmax = max([float(np.nanmax(t)) for t in target_planes if np.isfinite(t).any()], default=1.0)
    colours = matplotlib.colormaps[drawing.colour_map].with_extremes(bad="0.85")
    span = vmax - drawing.vmin
    for row, (sample, target, prediction) in enumerate(zip(samples, target_planes, predictions, strict=True)):
        predicted, valid = drawing.plane(prediction[output.name]), targets[row][1]
        error = np.where(valid, predicted - target, np.nan)
        scale = {"cmap": colours, "vmin": drawing.vmin, "vmax": vmax, "interpolation": "nearest"}
        values = axes[row, 1].imshow(target, **scale)
        axes[row, 0].imshow(ensure_picture(sample.scene).rgb)
        axes[row, 2].imshow(predicted, **scale)
        diverging = matplotlib.colormaps["RdBu_r"].with_extremes(bad="0.85")
        errors = axes[row, 3].imshow(error, cmap=diverging, vmin=-span, vmax=span, interpolation="nearest")
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


def cosine_panel(heads: Sequence[str], cosines: Mapping[tuple[str, str], float]) -> Figure:
    """Draw the cosines between the heads' gradients as a figure of its own; parameters as of `draw_cosines`."""
    side = 0.85 * len(heads)
    figure = Figure(figsize=(side + 3.2, side + 1.4), dpi=90, layout="constrained")
    draw_cosines(figure.subplots(), heads, cosines)
    return figure


def draw_cosines(axes: Axes, heads: Sequence[str], cosines: Mapping[tuple[str, str], float]) -> None:
    """Draw the cosines between the heads' gradients at the shared features as a matrix.

    Parameters
    ----------
    axes : Axes
        To draw on.
    heads : Sequence[str]
        Names, in the order of rows and columns.
    cosines : Mapping[tuple[str, str], float]
        {(head, other head): cosine}; NaN for a pair that never had gradients at once, whose cell stays empty.
    """
    matrix = np.full((len(heads), len(heads)), np.nan)
    for (a, b), value in cosines.items():
        matrix[heads.index(a), heads.index(b)] = matrix[heads.index(b), heads.index(a)] = value
    colours = matplotlib.colormaps["RdBu"].with_extremes(bad="0.9")
    image = axes.imshow(matrix, cmap=colours, vmin=-1, vmax=1)
    for (row, column), value in np.ndenumerate(matrix):
        if np.isfinite(value):
            ink = "white" if abs(value) > 0.6 else "black"
            axes.text(
                column, row, f"{value:+.2f}".replace("-0.00", "+0.00"), ha="center", va="center", color=ink, fontsize=12
            )
    axes.set_xticks(range(len(heads)), heads, rotation=35, ha="right", fontsize=11)
    axes.set_yticks(range(len(heads)), heads, fontsize=11)
    axes.set_title("cosine of the heads' gradients", fontsize=12)
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.8, ticks=[-1, 0, 1])
    bar.ax.set_yticklabels(["-1 conflict", "0 independent", "+1 agree"])


def keypoint_panel(
    output: Output,
    find: Callable[..., PointMatches],
    samples: Sequence[Sample | JudgedMap],
    predictions: Sequence[Mapping[str, Float]],
) -> Figure:
    """Draw the true points of each map that were found, those that were missed, and false alarms.

    Parameters
    ----------
    output : Output
        A heat map of keypoints.
    find : Callable[..., PointMatches]
        As `Output.match_points`.
    samples : Sequence[Sample | JudgedMap]
        The maps.
    predictions : Sequence[Mapping[str, Float]]
        Of each map, {output: (C, H, W) float32 in the output's unit}.
    """
    columns = math.ceil(math.sqrt(len(samples)))
    rows = math.ceil(len(samples) / columns)
    figure = Figure(figsize=(5.5 * columns, 5.8 * rows + 1), dpi=70, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, sample, prediction in zip(axes, samples, predictions, strict=False):
        axis.imshow(ensure_picture(sample.scene).rgb, alpha=0.6)  # pale, so that marks stand out
        matches = find(prediction[output.name], *sample.target_of(output), cell_sides=sample.scene.cell_sides)
        _draw_matches(axis, matches)
        hits = len(matches.pairs)
        counts = f"{hits} of {len(matches.true)} found, {len(matches.predicted) - hits} false"
        axis.set_title(f"{sample.scene.name}: {counts}", fontsize=11)
    for axis in axes:
        axis.set_axis_off()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=11)
    figure.suptitle(f"{output.name}: points that are found (lines lead to their predictions)", fontsize=12)
    return figure


def _draw_matches(axis: Axes, matches: PointMatches) -> None:
    """Mark hits, misses and false alarms, and join each hit to its prediction by a line."""
    hit, predicted = matches.true[matches.pairs[:, 0]], matches.predicted[matches.pairs[:, 1]]
    missed = np.delete(matches.true, matches.pairs[:, 0], axis=0)
    false = np.delete(matches.predicted, matches.pairs[:, 1], axis=0)
    for start, end in zip(hit, predicted, strict=True):
        axis.plot([start[1], end[1]], [start[0], end[0]], "-", color="k", linewidth=1.5)
    kinds = [
        (hit, "o", "white", "true and found"),
        (missed, "^", "tab:red", "true, missed"),
        (false, "X", "magenta", "false alarm"),
    ]
    for points, marker, colour, label in kinds:
        axis.scatter(points[:, 1], points[:, 0], s=90, marker=marker, color=colour, edgecolor="k", label=label)
