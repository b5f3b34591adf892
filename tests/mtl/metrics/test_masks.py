"""Metrics of masks, outlines and whole maps with answers computed by hand."""

import math

import numpy as np
import pytest
import torch
from monai.metrics import DiceHelper

from mtl.metrics.base import add_states
from mtl.metrics.masks import BAND_METRIC, MAP_ANSWER_METRIC, TRAP_METRIC, count_mask, mask_metrics

ALL = np.ones((2, 3), bool)


def test_mask_values_by_hand():
    prediction = np.array([[[0.9, 0.9, 0.1], [0.9, 0.2, 0.2]]], np.float32)
    target = np.array([[[1, 0, 1], [1, 0, 0]]], np.float32)
    values = mask_metrics(count_mask(prediction, target, ALL))  # tp 2, fp 1, fn 1
    assert values == pytest.approx(
        {"dice": 4 / 6, "iou": 2 / 4, "precision": 2 / 3, "recall": 2 / 3, "fp_area": 1 / 3, "fn_area": 1 / 3}
    )


def test_dice_is_that_of_monai_where_every_cell_counts():
    seen, true = np.random.default_rng(0).random((2, 1, 40, 50)) > 0.6
    expected, _ = DiceHelper(include_background=True)(torch.tensor(seen[None]), torch.tensor(true[None]))
    state = count_mask(seen.astype(np.float32), true.astype(np.float32), np.ones((40, 50), bool))
    assert mask_metrics(state)["dice"] == pytest.approx(float(expected[0]), rel=1e-6)


def test_cells_outside_validity_do_not_count():
    prediction, target = np.ones((1, 2, 3), np.float32), np.zeros((1, 2, 3), np.float32)
    valid = np.zeros((2, 3), bool)
    valid[0, 0] = True
    assert count_mask(prediction, target, valid) == {"tp": 0, "fp": 1, "fn": 0}


def test_nothing_true_and_nothing_predicted_is_not_a_number_rather_than_perfect():
    empty = np.zeros((1, 2, 3), np.float32)
    assert math.isnan(TRAP_METRIC.compute(TRAP_METRIC.update(empty, empty, ALL))["iou"])


def square(row, size=8, shape=(40, 40)):
    mask = np.zeros((1, *shape), np.float32)
    mask[0, row : row + size, 10 : 10 + size] = 1
    return mask


def test_f1_is_zero_when_nothing_is_predicted_where_something_is_and_undefined_when_there_is_nothing():
    nothing, there = np.zeros((1, 8, 8), np.float32), np.zeros((1, 8, 8), np.float32)
    there[0, 2:6, 2:6] = 1
    for seen, true in ((nothing, there), (there, nothing)):
        assert TRAP_METRIC.compute(TRAP_METRIC.update(seen, true, np.ones((8, 8), bool)))["boundary_f1"] == 0
    assert math.isnan(TRAP_METRIC.compute(TRAP_METRIC.update(nothing, nothing, np.ones((8, 8), bool)))["boundary_f1"])


@pytest.mark.parametrize(("shift", "f1"), [(0, 1.0), (3, 1.0), (20, 0.0)])
def test_outline_within_three_pixels_is_right(shift, f1):
    valid = np.ones((40, 40), bool)
    values = TRAP_METRIC.compute(TRAP_METRIC.update(square(5), square(5 + shift), valid))
    assert values["boundary_f1"] == pytest.approx(f1)


def test_outline_of_one_side_missing_is_half_right():
    valid = np.ones((40, 40), bool)
    both = np.maximum(square(2), square(30))
    values = TRAP_METRIC.compute(TRAP_METRIC.update(square(2), both, valid))
    assert values["boundary_precision"] == 1 and values["boundary_recall"] == 0.5
    assert values["boundary_f1"] == pytest.approx(2 / 3)
    assert BAND_METRIC.compute(BAND_METRIC.update(both, both, valid))["boundary_f1"] == 1


def test_answers_about_whole_maps_by_hand():
    valid = np.ones((4, 4), bool)
    yes, no = np.full((1, 4, 4), 0.9, np.float32), np.full((1, 4, 4), 0.2, np.float32)
    pairs = [(yes, True), (yes, False), (no, False), (no, True), (no, True)]
    state = add_states(
        [MAP_ANSWER_METRIC.update(seen, np.full((1, 4, 4), true, np.float32), valid) for seen, true in pairs]
    )
    values = MAP_ANSWER_METRIC.compute(state)
    expected = {"accuracy": 2 / 5, "precision": 1 / 2, "recall": 1 / 3, "always_the_same": 3 / 5}
    assert values == pytest.approx(expected)
    assert add_states([state, MAP_ANSWER_METRIC.update(yes, yes, ~valid)]) == state
