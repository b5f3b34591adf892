"""Metrics of trap instances on maps small enough to count by hand."""

import numpy as np
import pytest

from mtl.metrics.base import add_states
from mtl.metrics.instances import INSTANCE_METRIC, contingency_table, count_instances, instance_metrics


def compute_metrics(predicted, true, confidence=(), valid=None):
    """Metrics of labels written row by row; confidence of instance k in place k - 1, 0.9 where none is given."""
    predicted, true = np.array(predicted), np.array(true)
    sure = np.array([0, *(confidence or [0.9] * 9)])[predicted]
    everywhere = np.ones(true.shape, bool)
    state = count_instances(
        np.stack([predicted, sure]), true[None], everywhere if valid is None else np.array(valid, bool)
    )
    assert set(state) == set(INSTANCE_METRIC.state)
    return instance_metrics(state), state


def test_the_right_answer_has_full_marks_whatever_the_numbers() -> None:
    found, _ = compute_metrics([[2, 2, 0, 1], [2, 2, 0, 1]], [[1, 1, 0, 2], [1, 1, 0, 2]])
    assert found == {"pq": 1, "sq": 1, "rq": 1, "ap50": 1, "splits": 0, "merges": 0, "missed": 0, "false": 0}


def test_panoptic_quality_by_hand() -> None:
    # Instance 1 and trap 1: 3 of 4 cells, IoU 0.75. Instance 2 and trap 2: 1 of 2 cells, IoU 0.5: not above it.
    found, _ = compute_metrics([[1, 1, 1, 0, 0, 0, 2]], [[1, 1, 1, 1, 0, 2, 2]])
    assert found["sq"] == 0.75 and found["rq"] == 1 / 2 and found["pq"] == 0.75 / 2
    assert found["missed"] == 1 and found["false"] == 1 and found["splits"] == found["merges"] == 0


def test_one_instance_over_two_traps_is_a_merge() -> None:
    found, _ = compute_metrics([[1, 1, 1, 1, 1]], [[1, 1, 0, 2, 2]])
    assert found["merges"] == 1 and found["splits"] == 0 and found["pq"] == 0 and found["missed"] == 2


def test_two_instances_in_one_trap_are_a_split() -> None:
    found, _ = compute_metrics([[1, 1, 0, 2, 2]], [[1, 1, 1, 1, 1]])
    assert found["splits"] == 1 and found["merges"] == 0 and found["false"] == 2


def test_a_neighbour_that_barely_reaches_into_a_trap_splits_nothing() -> None:
    found, _ = compute_metrics([[1, 1, 1, 2, 2, 2]], [[1, 1, 1, 1, 2, 2]])
    assert found["splits"] == found["merges"] == 0 and found["rq"] == 1


def test_average_precision_by_hand() -> None:
    # By falling confidence: hit, false, hit, so precision 1, 1/2, 2/3 at recall 1/3, 1/3, 2/3; trap 3 is never found.
    seen, true = [[1, 0, 2, 0, 3, 0, 0]], [[1, 0, 0, 0, 2, 0, 3]]
    assert compute_metrics(seen, true, [0.9, 0.8, 0.7])[0]["ap50"] == pytest.approx(1 / 3 + 1 / 3 * 2 / 3)
    assert compute_metrics(seen, true, [0.9, 0.6, 0.7])[0]["ap50"] == pytest.approx(2 / 3)
    # The false one first: precision 0, 1/2, 2/3, and where it rises again the later one counts.
    assert compute_metrics(seen, true, [0.8, 0.9, 0.7])[0]["ap50"] == pytest.approx(2 / 3 * 2 / 3)


def test_a_map_without_traps_has_no_precision_but_its_false_instances_count() -> None:
    found, _ = compute_metrics([[1, 0]], [[0, 0]])
    assert np.isnan(found["ap50"]) and np.isnan(found["sq"]) and found["pq"] == 0 and found["false"] == 1
    assert np.isnan(compute_metrics([[0, 0]], [[0, 0]])[0]["pq"])


def test_cells_outside_the_map_do_not_count() -> None:
    found, _ = compute_metrics([[1, 1, 1, 2]], [[1, 1, 0, 0]], valid=[[1, 1, 0, 0]])
    assert found["pq"] == 1 and found["false"] == 0


def test_added_states_of_two_maps_are_the_state_of_one_map_with_both() -> None:
    one, two = ([[1, 0, 2]], [[1, 0, 0]]), ([[1, 1, 0]], [[1, 1, 1]])
    parts = [compute_metrics(*one, [0.9, 0.7])[1], compute_metrics(*two, [0.8])[1]]
    together, _ = compute_metrics([[1, 0, 2, 0, 3, 3, 0]], [[1, 0, 0, 0, 2, 2, 2]], [0.9, 0.7, 0.8])
    assert instance_metrics(add_states(parts)) == together


def test_the_contingency_table_counts_pairs_of_labels() -> None:
    nothing = np.zeros((2, 2))
    assert contingency_table(nothing, nothing).tolist() == [[4]]
    first, second = np.array([[0, 1, 1], [2, 2, 0]]), np.array([[0, 0, 1], [1, 1, 1]])
    np.testing.assert_array_equal(contingency_table(first, second), [[1, 1], [1, 1], [0, 2]])
