"""Metrics of the TGS salt challenge with answers computed by hand."""

import math

import numpy as np
import pytest

from mtl.metrics.base import add_states
from mtl.metrics.tgs import SALT_METRIC, my_iou_metric, tgs_precision


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
        ((1, 0, 1), 0.0, 0.0),  # as many cells seen as missed
        ((51, 49, 0), 0.1, 0.1),
        ((96, 4, 0), 1.0, 1.0),
        ((95, 5, 0), 0.9, 0.9),  # IoU 0.95 does not exceed 0.95
        ((46, 54, 0), 0.0, 0.0),
    ],
)
def test_metrics_of_one_image_of_salt_by_hand(cells, official, notebook):
    assert tgs_precision(*cells) == pytest.approx(official)
    assert my_iou_metric(*cells) == pytest.approx(notebook)


def test_salt_is_evaluated_per_image_beside_what_predicting_nothing_gets():
    shape, valid = (1, 10, 10), np.ones((10, 10), bool)
    empty, half, most = (np.zeros(shape, np.float32) for _ in range(3))
    half[0, :5], most[0, :4] = 1, 1  # IoU of the two: 40 / 50 = 0.8, which exceeds 0.50 to 0.75
    pairs = [(most, half), (empty, empty), (half, empty), (empty, half)]
    state = add_states([SALT_METRIC.update(seen, true, valid) for seen, true in pairs])
    values = SALT_METRIC.compute(state)
    assert values["tgs"] == pytest.approx((0.6 + 1 + 0 + 0) / 4)
    assert values["my_iou_metric"] == pytest.approx((0.7 + 1 + 0 + 0) / 4)
    assert values["predict_nothing"] == 0.5
    assert values["iou"] == pytest.approx(40 / (50 + 50 + 50))
    assert [SALT_METRIC.update(most, true, valid)["predict_nothing"] for true in (empty, half)] == [1, 0]
    unknown = SALT_METRIC.update(half, empty, np.zeros((10, 10), bool))
    assert add_states([state, unknown]) == state  # an image whose salt nobody drew does not count
    assert math.isnan(SALT_METRIC.compute(unknown)["tgs"])
