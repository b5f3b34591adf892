"""Binned counts over maps: curves that agree with the metrics and with scikit-learn, errors in their bins."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from mtl.metrics.curves import (
    BINS,
    ERROR_BINS,
    QUANTILES,
    TRUTH_BINS,
    binned_quantiles,
    count_errors,
    count_probability,
    probability_metrics,
    threshold_curves,
)
from mtl.metrics.masks import count_mask, mask_metrics
from mtl.tasks.heads import FUSION, HEADS, collect_outputs

OUTPUTS = [*collect_outputs(list(HEADS.values())), FUSION]
WITH_CURVES = [output for output in OUTPUTS if output.curve is not None]


def random_mask(seed=0, shape=(1, 40, 50)):
    """Probabilities in the middle of bins and 0.5, a truth that follows them, and half of the cells valid."""
    rng = np.random.default_rng(seed)
    number = rng.integers(0, BINS, shape)
    p = np.where(number == BINS // 2 - 1, 0.5, (number + 0.5) / BINS).astype(np.float32)
    return p, (rng.random(shape) < p).astype(np.float32), rng.random(shape[1:]) < 0.5


def test_the_threshold_of_one_half_is_the_mask_that_is_evaluated():
    prediction, target, valid = random_mask()
    expected, found = (
        mask_metrics(count_mask(prediction, target, valid)),
        threshold_curves(count_probability(*random_mask())),
    )
    half = BINS // 2
    assert found.thresholds[half] == 0.5
    assert (found.precision[half], found.recall[half], found.iou[half]) == pytest.approx(
        (expected["precision"], expected["recall"], expected["iou"]), abs=1e-12
    )


def test_a_cell_that_gets_no_probability_at_all_is_missed_by_every_threshold_but_the_first():
    prediction, target = np.array([[[0.0, 0.9]]], np.float32), np.ones((1, 1, 2), np.float32)
    found = threshold_curves(count_probability(prediction, target, np.ones((1, 2), bool)))
    assert found.recall[:2].tolist() == [1.0, 0.5] and found.iou[1] == 0.5


def test_average_precision_is_that_of_scikit_learn():
    prediction, target, valid = random_mask()
    values = probability_metrics(count_probability(prediction, target, valid))
    expected = average_precision_score(target[0][valid], prediction[0][valid])
    assert values["average_precision"] == pytest.approx(expected)


def test_probability_metrics_by_hand():
    prediction = np.array([[[0.9, 0.9, 0.7, 0.3, 0.1]]], np.float32)
    target = np.array([[[1, 1, 0, 1, 0]]], np.float32)
    values = probability_metrics(count_probability(prediction, target, np.ones((1, 5), bool)))
    # Two of three true cells at once; the third at a precision of 3/4.
    assert values["average_precision"] == pytest.approx(2 / 3 + 1 / 3 * 3 / 4)
    assert values["calibration_error"] == pytest.approx((0.2 + 0.7 + 0.7 + 0.1) / 5)


def test_who_says_four_in_five_and_is_right_three_times_in_five_errs_by_a_fifth():
    prediction = np.full((1, 10, 10), 0.8, np.float32)
    target = np.zeros((1, 10, 10), np.float32)
    target[0, :6] = 1
    values = probability_metrics(count_probability(prediction, target, np.ones((10, 10), bool)))
    assert values["calibration_error"] == pytest.approx(0.2)


def test_errors_by_hand():
    target = np.array([[[10, 10, 63, 0]]], np.float32)
    prediction = np.array([[[13, 10, -90, np.nan]]], np.float32)  # 3 too much, right, far too little, outside the map
    sums = count_errors(prediction, target, np.ones((1, 4), bool), 0, 64, 64)
    middle, width = ERROR_BINS // 2, 128 / ERROR_BINS
    row = int(10 / 64 * TRUTH_BINS)
    assert sums[row, middle] == 1 and sums[row, middle + round(3 / width)] == 1
    assert sums[-1, 0] == 1 and sums.sum() == 3


def test_quantiles_of_even_cells_are_even():
    assert binned_quantiles(np.ones(10), np.linspace(0, 1, 11), QUANTILES) == pytest.approx(QUANTILES)


@pytest.mark.parametrize("output", WITH_CURVES, ids=lambda output: output.name)
def test_maps_add_up_and_what_is_invalid_never_counts(output):
    rng = np.random.default_rng(3)
    shape = (output.channels, 12, 14)
    prediction, target = (rng.random(shape, np.float32) for _ in range(2))
    valid = rng.random(shape[1:]) < 0.6
    whole = output.curve.update(prediction, target, valid)
    assert whole.shape == output.curve.state_shape
    left = np.indices(shape[1:])[1] < 5
    parts = [output.curve.update(prediction, target, valid & half) for half in (left, ~left)]
    np.testing.assert_allclose(parts[0] + parts[1], whole)
    for other in (prediction, target):
        other[:, ~valid] = np.nan
    np.testing.assert_array_equal(output.curve.update(prediction, target, valid), whole)
