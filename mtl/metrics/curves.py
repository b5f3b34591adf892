"""Metrics over thresholds and error histograms: cells of whole maps counted in bins, added over all validation maps.

Every cell goes into a bin, so the counts of maps add up and no cell is left out. Arrays: prediction and target
(C, H, W) float32 in the output's unit, valid (H, W) bool; counts are float64. `mtl.visualization.curves` draws them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtl.config import THRESHOLD
from mtl.metrics.base import ratio
from targets.scene import Bool, Float

Counts = NDArray[np.float64]
Chart = Literal["probability", "errors"]


class ErrorRange(NamedTuple):
    """Range of an error histogram, in the output's unit.

    Attributes
    ----------
    low, high : float
        Least and largest true value.
    reach : float
        Largest absolute error.
    """

    low: float
    high: float
    reach: float


@dataclass(frozen=True)
class CurveMetric:
    """Binned counts of an output over all validation maps, and the values and the picture that follow from them.

    Attributes
    ----------
    name : str
        TensorBoard shows the picture as OUTPUT/NAME.
    state_shape : tuple[int, ...]
        Shape of the counts.
    update : Callable[[Float, Float, Bool], Counts]
        (prediction, target, valid) -> counts of one map.
    compute : Callable[[Counts], dict[str, float]]
        Added counts -> values beside those of the output's metric; NaN where a value is not defined.
    higher_is_better : Mapping[str, bool | None]
        The direction of each value, as in `mtl.metrics.base.Metric`.
    chart : Chart
        How `mtl.visualization.curves` draws the counts.
    range : ErrorRange | None, default None
        Range of an error histogram; None for probabilities.
    """

    name: str
    state_shape: tuple[int, ...]
    update: Callable[[Float, Float, Bool], Counts]
    compute: Callable[[Counts], dict[str, float]]
    higher_is_better: Mapping[str, bool | None] = field(hash=False)
    chart: Chart
    range: ErrorRange | None = None


# -- probabilities -----------------------------------------------------------------------------------------------

BINS = 50  # of probability; bin k holds what is above k/50, up to and with (k + 1)/50


def count_probability(prediction: Float, target: Float, valid: Bool, plane: int = 0) -> Counts:
    """(3, BINS): cells where the answer is no, cells where it is yes, and the sum of their probabilities.

    Parameters
    ----------
    prediction, target : (C, H, W) float32
        In the unit of the output.
    valid : (H, W) bool
        Cells that count.
    plane : int, default 0
        The plane that is counted.
    """
    kept = valid & np.isfinite(prediction[plane])
    p, true = prediction[plane][kept].astype(float), target[plane][kept] > THRESHOLD
    bins = np.clip(np.ceil(p * BINS).astype(int) - 1, 0, BINS - 1)
    return np.stack([np.bincount(bins, weights, BINS) for weights in (~true, true, p)])


@dataclass(frozen=True)
class ThresholdCurves:
    """Metrics of a mask at each of BINS thresholds: 0, 0.02, ... (NaN where no cell is above one).

    Attributes
    ----------
    thresholds, precision, recall, iou : (BINS,) float64
        Of the cells above each threshold.
    """

    thresholds: Counts
    precision: Counts
    recall: Counts
    iou: Counts


def threshold_curves(counts: Counts) -> ThresholdCurves:
    """Precision, recall and IoU of the cells above each threshold, from the counts of `count_probability`.

    Parameters
    ----------
    counts : (3, BINS) float64
        Of `count_probability`, added over maps.
    """
    false, true = (np.cumsum(row[::-1])[::-1] for row in counts[:2])
    with np.errstate(invalid="ignore"):
        return ThresholdCurves(np.arange(BINS) / BINS, true / (true + false), true / true[0], true / (true[0] + false))


def probability_metrics(counts: Counts) -> dict[str, float]:
    """Average precision (area under the steps of precision over recall) and expected calibration error.

    The calibration error is the mean distance of a bin's share of yes from its mean probability (Naeini et al. 2015).

    Examples
    --------
    >>> p, true = np.array([[[0.9, 0.9, 0.7, 0.3]]]), np.array([[[1, 1, 0, 1]]])
    >>> values = probability_metrics(count_probability(p, true, np.ones((1, 4), bool)))
    >>> round(values["average_precision"], 4)  # two of three at precision 1, the third at 3/4
    0.9167
    """
    curves = threshold_curves(counts)
    steps = -np.diff(curves.recall, append=0.0)
    no, yes, p = counts
    cells = float((no + yes).sum())
    return {
        "average_precision": float(np.nansum(steps * curves.precision)) if yes.any() else float("nan"),
        "calibration_error": ratio(float(np.abs(yes - p).sum()), cells),
    }


# -- errors of a quantity ----------------------------------------------------------------------------------------

TRUTH_BINS, ERROR_BINS = 40, 201  # odd: an error of 0 is the middle of a bin
QUANTILES = (0.1, 0.5, 0.9)  # the middle 80 % and the median


def count_errors(prediction: Float, target: Float, valid: Bool, low: float, high: float, reach: float) -> Counts:
    """(TRUTH_BINS, ERROR_BINS) cells by their true value, low..high, and their error, -reach..reach; the outer bins
    hold what lies beyond.

    Parameters
    ----------
    prediction, target : (1, H, W) float32
        In the unit of the output.
    valid : (H, W) bool
        Cells that count.
    low, high : float
        Range of true values.
    reach : float
        Largest absolute error that has its own bin.
    """
    kept = valid & np.isfinite(prediction[0]) & np.isfinite(target[0])
    true = target[0][kept].astype(float)
    error = prediction[0][kept] - true
    rows = bin_fractions((true - low) / (high - low), TRUTH_BINS)
    columns = bin_fractions((error + reach) / (2 * reach), ERROR_BINS)
    counts = np.bincount(rows * ERROR_BINS + columns, minlength=TRUTH_BINS * ERROR_BINS)
    return counts.reshape(TRUTH_BINS, ERROR_BINS).astype(float)


def bin_fractions(fractions: Float, bins: int) -> NDArray[np.int64]:
    """Number of the bin of each fraction 0..1; the outer bins hold what lies beyond."""
    return np.floor(np.clip(fractions, 0, 1) * bins).astype(int).clip(max=bins - 1)


def binned_quantiles(cells: Counts, edges: Counts, fractions: tuple[float, ...]) -> Counts:
    """Values below which such fractions of binned cells lie, linear inside a bin.

    Examples
    --------
    >>> binned_quantiles(np.array([1.0, 1.0]), np.array([0.0, 10.0, 20.0]), (0.25, 0.5)).tolist()
    [5.0, 10.0]
    """
    return np.interp(fractions, np.concatenate([[0.0], np.cumsum(cells) / cells.sum()]), edges)


def no_metrics(counts: Counts) -> dict[str, float]:
    """No value: those of the output's metric say it all."""
    return {}


# -- records -----------------------------------------------------------------------------------------------------


def probability_curves(plane: int) -> CurveMetric:
    """Record of the threshold curves of the probability in one plane of an output."""
    update = partial(count_probability, plane=plane)
    directions = {"average_precision": True, "calibration_error": False}
    return CurveMetric("curves", (3, BINS), update, probability_metrics, directions, "probability")


def error_histogram(low: float, high: float, reach: float) -> CurveMetric:
    """Record of the errors, -reach..reach, of a quantity whose true values lie in low..high."""
    update = partial(count_errors, low=low, high=high, reach=reach)
    shape = TRUTH_BINS, ERROR_BINS
    return CurveMetric("errors", shape, update, no_metrics, {}, "errors", ErrorRange(low, high, reach))
