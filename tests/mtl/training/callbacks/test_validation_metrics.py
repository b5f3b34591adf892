"""Validation metrics are pooled over maps and start again in every epoch."""

from types import SimpleNamespace

import numpy as np

from mtl.tasks.heads import HEADS, collect_outputs
from mtl.training.callbacks.validation_metrics import MapTotals, ValidationMetrics


def test_metrics_forget_the_maps_of_the_last_epoch():
    outputs = collect_outputs([HEADS["trap"]])
    metrics, mask = ValidationMetrics(outputs), np.ones((1, 4, 4), np.float32)
    module = SimpleNamespace(heads=[HEADS["trap"]])
    metrics.add(outputs[0], mask, mask, mask[0] > 0, (1, 1))
    assert metrics.compute(outputs[0])["average_precision"] == metrics.compute(outputs[0])["iou"] == 1
    metrics.on_validation_epoch_start(None, module)
    metrics.add(outputs[0], mask, 0 * mask, mask[0] > 0, (1, 1))
    assert metrics.compute(outputs[0])["calibration_error"] == 1 and metrics.compute(outputs[0])["iou"] == 0


def test_sums_add_over_maps_until_they_are_reset():
    sums = MapTotals(2)
    sums.update([1, 2])
    sums.update(np.array([3.0, 4.0]))
    assert sums.compute().tolist() == [4, 6]
    sums.reset()
    assert sums.compute().tolist() == [0, 0]
