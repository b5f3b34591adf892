"""Metrics of regression heads with answers computed by hand."""

import numpy as np

from mtl.metrics.regression import REGRESSION_METRIC


def test_distance_error_counts_inside_traps_only():
    target, prediction = np.zeros((1, 2, 3), np.float32), np.full((1, 2, 3), 2, np.float32)
    prediction[0, 0, 0] = -1
    valid = np.zeros((2, 3), bool)
    valid[0, :2] = True
    assert REGRESSION_METRIC.compute(REGRESSION_METRIC.update(prediction, target, valid)) == {"mae": 1.5, "bias": 0.5}
