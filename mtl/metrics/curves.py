"""How an output of some kind errs: what is added up over whole validation maps, and the picture that is drawn of it.

Every cell of every map goes into a bin, so sums of maps are the sums of all of them and the pictures leave no cell
out. Arrays: prediction and target (C, H, W) in the output's unit, valid (H, W) bool; sums are float64.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mtl.metrics.base import THRESHOLD, ratio
from targets.scene import Bool, Float

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class CurveMetric:
    """A picture of an output's errors over all validation maps.

    Attributes
    ----------
    name : str
        TensorBoard shows it as OUTPUT/NAME.
    shape : tuple[int, ...]
        Of the sums.
    count : Callable[[Float, Float, Bool], Counts]
        (prediction, target, valid) -> sums of one map.
    figures : Callable[[Counts], dict[str, float]]
        Sums -> figures beside those of the score; NaN where one is not defined.
    draw : Callable[[str, Counts], Figure]
        (title, sums) -> the picture.
    """

    name: str
    state_shape: tuple[int, ...]
    update: Callable[[Float, Float, Bool], Counts]
    compute: Callable[[Counts], dict[str, float]]
    draw: Callable[[str, Counts], Figure]


def no_figures(sums: Counts) -> dict[str, float]:
    """Nothing that the score does not tell."""
    return {}


# -- probabilities -----------------------------------------------------------------------------------------------

BINS = 50  # of probability; bin k holds what is above k/50, up to and with (k + 1)/50
SHOWN_BINS = 10  # of the reliability diagram


def count_probability(prediction: Float, target: Float, valid: Bool, plane: int = 0) -> Counts:
    """(3, BINS): cells where the answer is no, cells where it is yes, and the sum of their probabilities."""
    kept = valid & np.isfinite(prediction[plane])
    p, true = prediction[plane][kept].astype(float), target[plane][kept] > THRESHOLD
    bins = np.clip(np.ceil(p * BINS).astype(int) - 1, 0, BINS - 1)
    return np.stack([np.bincount(bins, weights, BINS) for weights in (~true, true, p)])


@dataclass(frozen=True)
class Curves:
    """What a mask would be worth if it were cut at each of BINS thresholds: 0, 0.02, ... (NaN where nothing is)."""

    thresholds: Counts
    precision: Counts
    recall: Counts
    iou: Counts


def curves(sums: Counts) -> Curves:
    """Precision, recall and IoU of the cells above each threshold."""
    false, true = (np.cumsum(row[::-1])[::-1] for row in sums[:2])
    with np.errstate(invalid="ignore"):
        return Curves(np.arange(BINS) / BINS, true / (true + false), true / true[0], true / (true[0] + false))


def probability_figures(sums: Counts) -> dict[str, float]:
    """Average precision (the area under the steps of the curve), and the expected calibration error.

    The error is the mean distance of a bin's share of yes from its mean probability (Naeini et al. 2015).
    """
    found = curves(sums)
    steps = -np.diff(found.recall, append=0.0)
    no, yes, p = sums
    cells = float((no + yes).sum())
    return {
        "average_precision": float(np.nansum(steps * found.precision)) if yes.any() else float("nan"),
        "calibration_error": ratio(float(np.abs(yes - p).sum()), cells),
    }


def draw_probability(title: str, sums: Counts) -> Figure:
    """Precision over recall, IoU over the threshold, and how often the answer is yes where so much is said."""
    figure, axes = _three_in_a_row(title)
    no, yes, _ = sums
    if not (no + yes).any():
        return _nothing_to_see(figure, axes)
    found, figures = curves(sums), probability_figures(sums)
    cut = int(np.searchsorted(found.thresholds, THRESHOLD))
    _draw_precision(axes[0], found, cut, float(yes.sum() / (no + yes).sum()), figures["average_precision"])
    _draw_overlap(axes[1], found, cut)
    _draw_reliability(axes[2], sums, figures["calibration_error"])
    for axis in axes:
        axis.set(xlim=(0, 1), ylim=(0, 1.02))
        axis.grid(color="0.9")
        axis.set_axisbelow(True)
        axis.legend(fontsize=9, loc="best")
    return figure


def _draw_precision(axis: Axes, found: Curves, cut: int, share: float, average: float) -> None:
    axis.plot(found.recall, found.precision, ".-", color="tab:blue", markersize=4, label="cut at 0, 0.02, … 0.98")
    axis.plot(found.recall[cut], found.precision[cut], "o", color="k", label=f"cut at {THRESHOLD}")
    axis.axhline(share, color="0.5", linestyle="--", label=f"by chance: {share:.0%} of cells are true")
    axis.set(
        xlabel="recall: share of true cells that are found", ylabel="precision: share of found cells that are true"
    )
    axis.set_title(f"average precision {average:.3f}", fontsize=11)


def _draw_overlap(axis: Axes, found: Curves, cut: int) -> None:
    iou = np.nan_to_num(found.iou)
    best = int(iou.argmax())
    axis.plot(found.thresholds, iou, ".-", color="tab:blue", markersize=4)
    axis.plot(found.thresholds[cut], iou[cut], "o", color="k", label=f"cut at {THRESHOLD}: {iou[cut]:.3f}")
    at = f"best, cut at {found.thresholds[best]:.2f}: {iou[best]:.3f}"
    axis.plot(found.thresholds[best], iou[best], "D", color="tab:orange", label=at)
    axis.set(xlabel="threshold: cells above it are found", ylabel="IoU of found and true cells")
    axis.set_title("where to cut", fontsize=11)


def _draw_reliability(axis: Axes, sums: Counts, error: float) -> None:
    no, yes, p = sums.reshape(3, SHOWN_BINS, -1).sum(2)
    cells = no + yes
    some = cells > 0
    lefts = np.arange(SHOWN_BINS) / SHOWN_BINS
    share = cells / cells.sum()
    axis.bar(lefts, share, 1 / SHOWN_BINS, align="edge", color="0.87", edgecolor="w", label="share of cells")
    axis.plot([0, 1], [0, 1], color="0.5", linestyle="--", label="as it should be")
    axis.plot(p[some] / cells[some], yes[some] / cells[some], "o-", color="tab:blue", label="as it is")
    axis.text(0.14, 0.62, "probability too low", color="0.4")
    axis.text(0.97, 0.36, "probability too high", color="0.4", ha="right")
    axis.set(xlabel="predicted probability", ylabel="share of these cells that are true")
    axis.set_title(f"calibration error {error:.3f}", fontsize=11)


# -- quantities --------------------------------------------------------------------------------------------------

TRUTH_BINS, ERROR_BINS = 40, 201  # odd: an error of 0 is the middle of a bin
BAND = (0.1, 0.5, 0.9)  # the middle 80 % and the median


def count_errors(prediction: Float, target: Float, valid: Bool, low: float, high: float, reach: float) -> Counts:
    """(TRUTH_BINS, ERROR_BINS) cells by their true value, low..high, and their error, -reach..reach; the outer bins
    hold what lies beyond."""
    kept = valid & np.isfinite(prediction[0]) & np.isfinite(target[0])
    true = target[0][kept].astype(float)
    error = prediction[0][kept] - true
    rows = _bin((true - low) / (high - low), TRUTH_BINS)
    columns = _bin((error + reach) / (2 * reach), ERROR_BINS)
    sums = np.bincount(rows * ERROR_BINS + columns, minlength=TRUTH_BINS * ERROR_BINS)
    return sums.reshape(TRUTH_BINS, ERROR_BINS).astype(float)


def _bin(share: Float, bins: int) -> NDArray[np.int64]:
    return np.floor(np.clip(share, 0, 1) * bins).astype(int).clip(max=bins - 1)


def quantiles(cells: Counts, edges: Counts, shares: tuple[float, ...]) -> Counts:
    """Values below which such shares of binned cells lie, linear inside a bin."""
    return np.interp(shares, np.concatenate([[0.0], np.cumsum(cells) / cells.sum()]), edges)


def draw_errors(title: str, sums: Counts, low: float, high: float, reach: float) -> Figure:
    """The histogram of errors, the errors by true value, and how many cells have such a true value."""
    figure, axes = _three_in_a_row(title)
    if not sums.any():
        return _nothing_to_see(figure, axes)
    edges, truths = np.linspace(-reach, reach, ERROR_BINS + 1), np.linspace(low, high, TRUTH_BINS + 1)
    all_errors = sums.sum(0)
    far = np.abs(quantiles(all_errors, edges, (0.005, 0.995))).max()
    tenth, median, ninth = quantiles(all_errors, edges, BAND)
    shares = all_errors / all_errors.sum()
    axes[0].stairs(shares, edges, fill=True, color="tab:blue", alpha=0.6)
    axes[0].axvspan(tenth, ninth, color="0.9", zorder=0, label=f"80 % of cells: {tenth:+.3g} to {ninth:+.3g}")
    axes[0].axvline(median, color="tab:orange", label=f"median {median:+.3g}")
    axes[0].axvline(0, color="k", linewidth=1)
    axes[0].set(xlim=(-far, far), xlabel="prediction - target", ylabel="share of cells", yscale="log")
    axes[0].set_ylim(top=8 * shares.max())  # room for the legend
    axes[0].set_title("error of all cells (99 % lie inside this axis)", fontsize=11)
    _draw_by_truth(axes[1], sums, edges, truths, far)
    shares = sums.sum(1) / sums.sum()
    axes[2].stairs(shares, truths, fill=True, color="0.7")
    axes[2].set(xlim=_shown(shares, truths), xlabel="target", ylabel="share of cells", yscale="log")
    axes[2].set_title("which values there are", fontsize=11)
    axes[1].set_xlim(axes[2].get_xlim())
    for axis in axes[:2]:
        axis.legend(fontsize=9, loc="upper right")
    return figure


def _draw_by_truth(axis: Axes, sums: Counts, edges: Counts, truths: Counts, far: float) -> None:
    cells = np.where(sums > 0, sums, np.nan).T
    axis.pcolormesh(truths, edges, cells, cmap="Greys", norm=LogNorm(1, max(2.0, sums.max())), rasterized=True)
    some = sums.sum(1) > 0
    middles = ((truths[1:] + truths[:-1]) / 2)[some]
    tenth, median, ninth = np.array([quantiles(row, edges, BAND) for row in sums[some]]).T
    axis.plot(middles, median, "-", color="tab:orange", linewidth=2, label="median")
    axis.plot(middles, tenth, "--", color="tab:blue", label="80 % of cells between")
    axis.plot(middles, ninth, "--", color="tab:blue")
    axis.axhline(0, color="k", linewidth=1)
    axis.set(ylim=(-far, far), xlabel="target", ylabel="prediction - target")
    axis.set_title("error by true value (darker: more cells)", fontsize=11)


def _shown(shares: Counts, edges: Counts) -> tuple[float, float]:
    """The ends of what is not empty."""
    some = np.flatnonzero(shares)
    return float(edges[some[0]]), float(edges[some[-1] + 1])


def _three_in_a_row(title: str) -> tuple[Figure, NDArray]:
    figure = Figure(figsize=(15, 4.6), dpi=70, layout="constrained")
    figure.suptitle(title, fontsize=12)
    return figure, figure.subplots(1, 3)


def _nothing_to_see(figure: Figure, axes: NDArray) -> Figure:
    for axis in axes:
        axis.set_axis_off()
    axes[1].text(0.5, 0.5, "no valid cell in the validation maps", ha="center")
    return figure


# -- records -----------------------------------------------------------------------------------------------------


def probability_of(plane: int) -> CurveMetric:
    """Curves of the probability in one plane of an output."""
    counted = partial(count_probability, plane=plane)
    return CurveMetric("curves", (3, BINS), counted, probability_figures, draw_probability)


def errors_of(low: float, high: float, reach: float) -> CurveMetric:
    """Errors, -reach..reach, of a quantity whose true values lie in low..high."""
    counted = partial(count_errors, low=low, high=high, reach=reach)
    drawn = partial(draw_errors, low=low, high=high, reach=reach)
    return CurveMetric("errors", (TRUTH_BINS, ERROR_BINS), counted, no_figures, drawn)
