"""Figures of binned counts: precision-recall, IoU over threshold and reliability of masks, error histograms."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mtl.config import THRESHOLD
from mtl.metrics.curves import (
    ERROR_BINS,
    QUANTILES,
    TRUTH_BINS,
    Chart,
    Counts,
    CurveMetric,
    ThresholdCurves,
    binned_quantiles,
    probability_metrics,
    threshold_curves,
)

RELIABILITY_BINS = 10


def draw_curve(title: str, curve: CurveMetric, counts: Counts) -> Figure:
    """Draw the counts of an output over all validation maps.

    Parameters
    ----------
    title : str
        Above the figure.
    curve : CurveMetric
        The record that counted.
    counts : float64 array of shape `curve.state_shape`
        Added over maps.
    """
    figure, axes = _three_axes(title)
    if not counts.any():
        return _without_cells(figure, axes)
    DRAWINGS[curve.chart](axes, curve, counts)
    return figure


def draw_probability(axes: NDArray, _: CurveMetric, counts: Counts) -> None:
    """Precision over recall, IoU over the threshold, and the share of yes over the predicted probability."""
    no, yes, _p = counts
    curves, values = threshold_curves(counts), probability_metrics(counts)
    chosen = int(np.searchsorted(curves.thresholds, THRESHOLD))
    _draw_precision(axes[0], curves, chosen, float(yes.sum() / (no + yes).sum()), values["average_precision"])
    _draw_iou(axes[1], curves, chosen)
    _draw_reliability(axes[2], counts, values["calibration_error"])
    for axis in axes:
        axis.set(xlim=(0, 1), ylim=(0, 1.02))
        axis.grid(color="0.9")
        axis.set_axisbelow(True)
        axis.legend(fontsize=9, loc="best")


def _draw_precision(axis: Axes, curves: ThresholdCurves, chosen: int, share: float, average: float) -> None:
    axis.plot(curves.recall, curves.precision, ".-", color="tab:blue", markersize=4, label="thresholds 0, 0.02, … 0.98")
    axis.plot(curves.recall[chosen], curves.precision[chosen], "o", color="k", label=f"threshold {THRESHOLD}")
    axis.axhline(share, color="0.5", linestyle="--", label=f"by chance: {share:.0%} of cells are true")
    axis.set(
        xlabel="recall: share of true cells that are found", ylabel="precision: share of found cells that are true"
    )
    axis.set_title(f"average precision {average:.3f}", fontsize=11)


def _draw_iou(axis: Axes, curves: ThresholdCurves, chosen: int) -> None:
    iou = np.nan_to_num(curves.iou)
    best = int(iou.argmax())
    axis.plot(curves.thresholds, iou, ".-", color="tab:blue", markersize=4)
    axis.plot(curves.thresholds[chosen], iou[chosen], "o", color="k", label=f"threshold {THRESHOLD}: {iou[chosen]:.3f}")
    label = f"best threshold {curves.thresholds[best]:.2f}: {iou[best]:.3f}"
    axis.plot(curves.thresholds[best], iou[best], "D", color="tab:orange", label=label)
    axis.set(xlabel="threshold: cells above it are found", ylabel="IoU of found and true cells")
    axis.set_title("choice of the threshold", fontsize=11)


def _draw_reliability(axis: Axes, counts: Counts, error: float) -> None:
    no, yes, p = counts.reshape(3, RELIABILITY_BINS, -1).sum(2)
    cells = no + yes
    some = cells > 0
    lefts = np.arange(RELIABILITY_BINS) / RELIABILITY_BINS
    share = cells / cells.sum()
    axis.bar(lefts, share, 1 / RELIABILITY_BINS, align="edge", color="0.87", edgecolor="w", label="share of cells")
    axis.plot([0, 1], [0, 1], color="0.5", linestyle="--", label="perfectly calibrated")
    axis.plot(p[some] / cells[some], yes[some] / cells[some], "o-", color="tab:blue", label="this output")
    axis.text(0.14, 0.62, "probability too low", color="0.4")
    axis.text(0.97, 0.36, "probability too high", color="0.4", ha="right")
    axis.set(xlabel="predicted probability", ylabel="share of these cells that are true")
    axis.set_title(f"calibration error {error:.3f}", fontsize=11)


def draw_errors(axes: NDArray, curve: CurveMetric, counts: Counts) -> None:
    """The histogram of errors, the errors by true value, and the histogram of true values."""
    assert curve.range is not None
    low, high, reach = curve.range
    edges, truths = np.linspace(-reach, reach, ERROR_BINS + 1), np.linspace(low, high, TRUTH_BINS + 1)
    all_errors = counts.sum(0)
    far = np.abs(binned_quantiles(all_errors, edges, (0.005, 0.995))).max()
    tenth, median, ninth = binned_quantiles(all_errors, edges, QUANTILES)
    shares = all_errors / all_errors.sum()
    axes[0].stairs(shares, edges, fill=True, color="tab:blue", alpha=0.6)
    axes[0].axvspan(tenth, ninth, color="0.9", zorder=0, label=f"80 % of cells: {tenth:+.3g} to {ninth:+.3g}")
    axes[0].axvline(median, color="tab:orange", label=f"median {median:+.3g}")
    axes[0].axvline(0, color="k", linewidth=1)
    axes[0].set(xlim=(-far, far), xlabel="prediction - target", ylabel="share of cells", yscale="log")
    axes[0].set_ylim(top=8 * shares.max())  # room for the legend
    axes[0].set_title("error of all cells (99 % lie inside this axis)", fontsize=11)
    _draw_errors_by_truth(axes[1], counts, edges, truths, far)
    shares = counts.sum(1) / counts.sum()
    axes[2].stairs(shares, truths, fill=True, color="0.7")
    axes[2].set(xlim=_occupied_range(shares, truths), xlabel="target", ylabel="share of cells", yscale="log")
    axes[2].set_title("true values", fontsize=11)
    axes[1].set_xlim(axes[2].get_xlim())
    for axis in axes[:2]:
        axis.legend(fontsize=9, loc="upper right")


def _draw_errors_by_truth(axis: Axes, counts: Counts, edges: Counts, truths: Counts, far: float) -> None:
    cells = np.where(counts > 0, counts, np.nan).T
    axis.pcolormesh(truths, edges, cells, cmap="Greys", norm=LogNorm(1, max(2.0, counts.max())), rasterized=True)
    some = counts.sum(1) > 0
    middles = ((truths[1:] + truths[:-1]) / 2)[some]
    tenth, median, ninth = np.array([binned_quantiles(row, edges, QUANTILES) for row in counts[some]]).T
    axis.plot(middles, median, "-", color="tab:orange", linewidth=2, label="median")
    axis.plot(middles, tenth, "--", color="tab:blue", label="80 % of cells between")
    axis.plot(middles, ninth, "--", color="tab:blue")
    axis.axhline(0, color="k", linewidth=1)
    axis.set(ylim=(-far, far), xlabel="target", ylabel="prediction - target")
    axis.set_title("error by true value (darker: more cells)", fontsize=11)


def _occupied_range(shares: Counts, edges: Counts) -> tuple[float, float]:
    """The outer edges of the first and the last bin that is not empty."""
    some = np.flatnonzero(shares)
    return float(edges[some[0]]), float(edges[some[-1] + 1])


def _three_axes(title: str) -> tuple[Figure, NDArray]:
    """A figure with three axes side by side."""
    figure = Figure(figsize=(15, 4.6), dpi=70, layout="constrained")
    figure.suptitle(title, fontsize=12)
    return figure, figure.subplots(1, 3)


def _without_cells(figure: Figure, axes: NDArray) -> Figure:
    """The figure of maps without a valid cell."""
    for axis in axes:
        axis.set_axis_off()
    axes[1].text(0.5, 0.5, "no valid cell in the validation maps", ha="center")
    return figure


DRAWINGS: dict[Chart, Callable[[NDArray, CurveMetric, Counts], None]] = {
    "probability": draw_probability,
    "errors": draw_errors,
}
