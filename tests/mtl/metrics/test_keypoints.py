"""Metrics of crests with answers computed by hand."""

import numpy as np
import pytest

from mtl.metrics.keypoints import CREST_METRIC, find_peaks


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


def test_a_lower_peak_counts_beyond_the_least_distance_and_outside_the_map_is_none():
    heat, valid = np.zeros((40, 40)), np.ones((40, 40), bool)
    heat[20, 15], heat[20, 21], heat[5, 38] = 1, 0.9, 0.8
    assert sorted(find_peaks(heat, valid).tolist()) == [[5, 38], [20, 15], [20, 21]]
    valid[:, 30:] = False
    assert sorted(find_peaks(heat, valid).tolist()) == [[20, 15], [20, 21]]
    heat[20, 21], heat[20, 20] = 0, 0.9
    assert find_peaks(heat, valid).tolist() == [[20, 15]]


@pytest.mark.parametrize("gap", [1, 2, 3, 4, 5, 7, 9, 10])
def test_peaks_are_as_far_apart_on_the_ground_along_rows_as_along_columns(gap):
    heat = np.zeros((40, 40))
    heat[20, 15] = heat[20, 15 + gap] = 1
    valid = np.ones_like(heat, bool)
    for sides, least in ((1.0, 1.0), 5), ((0.5, 2.0), 2), ((2.0, 0.5), 10):
        expected = 2 if gap >= least else 1
        assert len(find_peaks(heat, valid, cell_sides=sides)) == expected
        assert len(find_peaks(heat.T, valid, cell_sides=sides[::-1])) == expected
