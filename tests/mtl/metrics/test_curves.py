"""What is added up over maps: curves that agree with the scores and with scikit-learn, errors in their bins."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from mtl.metrics.curves import (
    BAND,
    BINS,
    ERROR_BINS,
    TRUTH_BINS,
    count_errors,
    count_probability,
    curves,
    probability_figures,
    quantiles,
)
from mtl.metrics.masks import count_mask, mask_ratios
from mtl.tasks.heads import FUSION, HEADS, outputs_of

OUTPUTS = [*outputs_of(list(HEADS.values())), FUSION]
WITH_CURVES = [output for output in OUTPUTS if output.curve is not None]


def random_mask(seed=0, shape=(1, 40, 50)):
    """Probabilities in the middle of bins and 0.5, a truth that follows them, and half of the cells valid."""
    rng = np.random.default_rng(seed)
    number = rng.integers(0, BINS, shape)
    p = np.where(number == BINS // 2 - 1, 0.5, (number + 0.5) / BINS).astype(np.float32)
    return p, (rng.random(shape) < p).astype(np.float32), rng.random(shape[1:]) < 0.5


def test_a_cut_at_one_half_is_the_mask_that_is_scored():
    prediction, target, valid = random_mask()
    scored, found = mask_ratios(count_mask(prediction, target, valid)), curves(count_probability(*random_mask()))
    cut = BINS // 2
    assert found.thresholds[cut] == 0.5
    assert (found.precision[cut], found.recall[cut], found.iou[cut]) == pytest.approx(
        (scored["precision"], scored["recall"], scored["iou"]), abs=1e-12
    )


def test_average_precision_is_that_of_scikit_learn():
    prediction, target, valid = random_mask()
    figures = probability_figures(count_probability(prediction, target, valid))
    expected = average_precision_score(target[0][valid], prediction[0][valid])
    assert figures["average_precision"] == pytest.approx(expected)


def test_probability_figures_by_hand():
    prediction = np.array([[[0.9, 0.9, 0.7, 0.3, 0.1]]], np.float32)
    target = np.array([[[1, 1, 0, 1, 0]]], np.float32)
    figures = probability_figures(count_probability(prediction, target, np.ones((1, 5), bool)))
    # Two of three true cells at once; the third at a precision of 3/4.
    assert figures["average_precision"] == pytest.approx(2 / 3 + 1 / 3 * 3 / 4)
    assert figures["calibration_error"] == pytest.approx((0.2 + 0.7 + 0.7 + 0.1) / 5)


def test_who_says_four_in_five_and_is_right_three_times_in_five_errs_by_a_fifth():
    prediction = np.full((1, 10, 10), 0.8, np.float32)
    target = np.zeros((1, 10, 10), np.float32)
    target[0, :6] = 1
    figures = probability_figures(count_probability(prediction, target, np.ones((10, 10), bool)))
    assert figures["calibration_error"] == pytest.approx(0.2)


def test_errors_by_hand():
    target = np.array([[[10, 10, 63, 0]]], np.float32)
    prediction = np.array([[[13, 10, -90, np.nan]]], np.float32)  # 3 too much, right, far too little, outside the map
    sums = count_errors(prediction, target, np.ones((1, 4), bool), 0, 64, 64)
    middle, width = ERROR_BINS // 2, 128 / ERROR_BINS
    row = int(10 / 64 * TRUTH_BINS)
    assert sums[row, middle] == 1 and sums[row, middle + round(3 / width)] == 1
    assert sums[-1, 0] == 1 and sums.sum() == 3


def test_quantiles_of_even_cells_are_even():
    assert quantiles(np.ones(10), np.linspace(0, 1, 11), BAND) == pytest.approx(BAND)


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


@pytest.mark.parametrize("output", WITH_CURVES, ids=lambda output: output.name)
@pytest.mark.parametrize("kind", ["no cell", "no true cell", "all sorts"])
def test_every_picture_can_be_drawn(output, kind):
    shape = (output.channels, 6, 7)
    prediction = np.random.default_rng(0).random(shape, np.float32)
    target = np.zeros(shape, np.float32) if kind == "no true cell" else prediction.round()
    sums = output.curve.update(prediction, target, np.full(shape[1:], kind != "no cell"))
    output.curve.draw(output.name, sums).canvas.draw()
    figures = output.curve.compute(sums)
    assert all(np.isfinite(value) == (kind == "all sorts") for name, value in figures.items() if "average" in name)


@pytest.mark.parametrize("output", OUTPUTS, ids=lambda output: output.name)
def test_every_figure_of_a_score_has_its_chart(output):
    figures = output.metric.compute(dict.fromkeys(output.metric.state, 0.0))
    charted = [name for chart in output.metric.charts for name in chart]
    assert sorted(charted) == sorted(figures) and charted[0] == output.metric.best
