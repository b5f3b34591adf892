"""Scores with hand-computed answers, and the law that sums of parts give the figures of the whole."""

import math

import numpy as np
import pytest

from mtl.metrics.base import pool
from mtl.metrics.keypoints import CREST_SCORE
from mtl.metrics.masks import BAND_SCORE, TRAP_SCORE, WHOLE_SCORE, count_mask, mask_ratios
from mtl.metrics.regression import ERROR_SCORE
from mtl.metrics.tgs import SALT_SCORE, my_iou_metric, tgs_precision

ALL = np.ones((2, 3), bool)


def test_mask_figures_by_hand():
    prediction = np.array([[[0.9, 0.9, 0.1], [0.9, 0.2, 0.2]]], np.float32)
    target = np.array([[[1, 0, 1], [1, 0, 0]]], np.float32)
    figures = mask_ratios(count_mask(prediction, target, ALL))  # tp 2, fp 1, fn 1
    assert figures == pytest.approx(
        {"dice": 4 / 6, "iou": 2 / 4, "precision": 2 / 3, "recall": 2 / 3, "fp_area": 1 / 3, "fn_area": 1 / 3}
    )


def test_cells_outside_validity_do_not_count():
    prediction, target = np.ones((1, 2, 3), np.float32), np.zeros((1, 2, 3), np.float32)
    valid = np.zeros((2, 3), bool)
    valid[0, 0] = True
    assert count_mask(prediction, target, valid) == {"tp": 0, "fp": 1, "fn": 0}


def test_nothing_true_and_nothing_seen_is_not_a_number_rather_than_perfect():
    empty = np.zeros((1, 2, 3), np.float32)
    assert math.isnan(TRAP_SCORE.compute(TRAP_SCORE.update(empty, empty, ALL))["iou"])


def square(row, size=8, shape=(40, 40)):
    mask = np.zeros((1, *shape), np.float32)
    mask[0, row : row + size, 10 : 10 + size] = 1
    return mask


def test_f1_is_zero_when_nothing_is_seen_of_what_is_there_and_undefined_when_there_is_nothing():
    nothing, there = np.zeros((1, 8, 8), np.float32), np.zeros((1, 8, 8), np.float32)
    there[0, 2:6, 2:6] = 1
    for seen, true in ((nothing, there), (there, nothing)):
        assert TRAP_SCORE.compute(TRAP_SCORE.update(seen, true, np.ones((8, 8), bool)))["boundary_f1"] == 0
    assert math.isnan(TRAP_SCORE.compute(TRAP_SCORE.update(nothing, nothing, np.ones((8, 8), bool)))["boundary_f1"])


@pytest.mark.parametrize(("shift", "f1"), [(0, 1.0), (3, 1.0), (20, 0.0)])
def test_outline_within_three_pixels_is_right(shift, f1):
    valid = np.ones((40, 40), bool)
    figures = TRAP_SCORE.compute(TRAP_SCORE.update(square(5), square(5 + shift), valid))
    assert figures["boundary_f1"] == pytest.approx(f1)


def test_outline_of_one_side_missing_is_half_right():
    valid = np.ones((40, 40), bool)
    both = np.maximum(square(2), square(30))
    figures = TRAP_SCORE.compute(TRAP_SCORE.update(square(2), both, valid))
    assert figures["boundary_precision"] == 1 and figures["boundary_recall"] == 0.5
    assert figures["boundary_f1"] == pytest.approx(2 / 3)
    assert BAND_SCORE.compute(BAND_SCORE.update(both, both, valid))["boundary_f1"] == 1


def heat(*peaks, shape=(60, 60)):
    rows, cols = np.indices(shape)
    values = np.zeros(shape, np.float32)
    for row, col in peaks:
        values = np.maximum(values, np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / 32))
    return values[None].astype(np.float32)


def test_crests_are_matched_one_to_one():
    valid = np.ones((60, 60), bool)
    # Two true crests; one seen 3 cells away, a second one seen far from everything.
    figures = CREST_SCORE.compute(CREST_SCORE.update(heat((10, 13), (50, 50)), heat((10, 10), (30, 30)), valid))
    assert figures == pytest.approx({"f1": 0.5, "hit_rate": 0.5, "precision": 0.5, "mean_miss": 3.0})


def test_one_seen_crest_cannot_hit_two():
    valid = np.ones((60, 60), bool)
    sums = CREST_SCORE.update(heat((20, 20)), heat((20, 14), (20, 26)), valid)
    assert (sums["hits"], sums["true"], sums["seen"]) == (1, 2, 1)


def test_distance_error_counts_inside_traps_only():
    target, prediction = np.zeros((1, 2, 3), np.float32), np.full((1, 2, 3), 2, np.float32)
    prediction[0, 0, 0] = -1
    valid = np.zeros((2, 3), bool)
    valid[0, :2] = True
    assert ERROR_SCORE.compute(ERROR_SCORE.update(prediction, target, valid)) == {"mae": 1.5, "bias": 0.5}


@pytest.mark.parametrize("score", [TRAP_SCORE, BAND_SCORE, ERROR_SCORE])
def test_pooled_sums_are_the_sums_of_the_parts(score):
    # Halves that are far apart, so that no outline of one lies near the other's.
    rng = np.random.default_rng(0)
    prediction, target = rng.random((2, 1, 30, 80)).astype(np.float32)
    target = (target > 0.5).astype(np.float32)
    left, right = np.zeros((2, 30, 80), bool)
    left[:, :30], right[:, 50:] = True, True
    whole = score.count(prediction, target, left | right)
    parts = [score.count(prediction, target, side) for side in (left, right)]
    assert whole == pytest.approx({name: parts[0][name] + parts[1][name] for name in whole})


@pytest.mark.parametrize(
    "cells, official, notebook",
    [
        ((10, 0, 0), 1.0, 1.1),  # perfect: the notebook's metric exceeds 1
        ((0, 0, 0), 1.0, 1.0),  # no salt, none seen
        ((0, 5, 0), 0.0, 0.0),  # no salt, some seen
        ((0, 0, 5), 0.0, 0.0),  # salt, none seen
        ((72, 18, 10), 0.5, 0.5),  # IoU 0.72 exceeds 0.50, 0.55, 0.60, 0.65, 0.70
        ((70, 20, 10), 0.4, 0.4),  # IoU 0.70 does not exceed 0.70; as floats (0.7 - 0.45) * 20 is a little below 5
        ((1, 1, 0), 0.0, 0.0),  # IoU 0.50 exceeds nothing; (0.5 - 0.45) * 20 is a little below 1
        ((51, 49, 0), 0.1, 0.1),
        ((96, 4, 0), 1.0, 1.0),
        ((95, 5, 0), 0.9, 0.9),  # IoU 0.95 does not exceed 0.95
        ((46, 54, 0), 0.0, 0.0),
    ],
)
def test_metrics_of_one_image_of_salt_by_hand(cells, official, notebook):
    assert tgs_precision(*cells) == pytest.approx(official)
    assert my_iou_metric(*cells) == pytest.approx(notebook)


def test_salt_is_scored_image_by_image_beside_what_predicting_nothing_gets():
    shape, valid = (1, 10, 10), np.ones((10, 10), bool)
    empty, half, most = (np.zeros(shape, np.float32) for _ in range(3))
    half[0, :5], most[0, :4] = 1, 1  # IoU of the two: 40 / 50 = 0.8, which exceeds 0.50 to 0.75
    pairs = [(most, half), (empty, empty), (half, empty), (empty, half)]
    sums = pool([SALT_SCORE.update(seen, true, valid) for seen, true in pairs])
    figures = SALT_SCORE.compute(sums)
    assert figures["tgs"] == pytest.approx((0.6 + 1 + 0 + 0) / 4)
    assert figures["my_iou_metric"] == pytest.approx((0.7 + 1 + 0 + 0) / 4)
    assert figures["predict_nothing"] == 0.5
    assert figures["iou"] == pytest.approx(40 / (50 + 50 + 50))
    unknown = SALT_SCORE.update(half, empty, np.zeros((10, 10), bool))
    assert pool([sums, unknown]) == sums  # an image whose salt nobody drew does not count
    assert math.isnan(SALT_SCORE.compute(unknown)["tgs"])


def test_answers_about_whole_maps_by_hand():
    valid = np.ones((4, 4), bool)
    yes, no = np.full((1, 4, 4), 0.9, np.float32), np.full((1, 4, 4), 0.2, np.float32)
    pairs = [(yes, True), (yes, False), (no, False), (no, True), (no, True)]
    sums = pool([WHOLE_SCORE.update(seen, np.full((1, 4, 4), true, np.float32), valid) for seen, true in pairs])
    figures = WHOLE_SCORE.compute(sums)
    expected = {"accuracy": 2 / 5, "precision": 1 / 2, "recall": 1 / 3, "always_the_same": 3 / 5}
    assert figures == pytest.approx(expected)
    assert pool([sums, WHOLE_SCORE.update(yes, yes, ~valid)]) == sums
