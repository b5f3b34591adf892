"""Metrics of crests with answers computed by hand."""

import numpy as np
import pytest

from mtl.metrics.keypoints import CREST_METRIC


def heat(*peaks, shape=(60, 60)):
    rows, cols = np.indices(shape)
    values = np.zeros(shape, np.float32)
    for row, col in peaks:
        values = np.maximum(values, np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / 32))
    return values[None].astype(np.float32)


def test_crests_are_matched_one_to_one():
    valid = np.ones((60, 60), bool)
    # Two true crests; one seen 3 cells away, a second one seen far from everything.
    values = CREST_METRIC.compute(CREST_METRIC.update(heat((10, 13), (50, 50)), heat((10, 10), (30, 30)), valid))
    assert values == pytest.approx({"f1": 0.5, "hit_rate": 0.5, "precision": 0.5, "mean_miss": 3.0})


def test_one_predicted_crest_cannot_match_two():
    valid = np.ones((60, 60), bool)
    state = CREST_METRIC.update(heat((20, 20)), heat((20, 14), (20, 26)), valid)
    assert (state["hits"], state["true"], state["seen"]) == (1, 2, 1)
