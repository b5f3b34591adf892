"""Scores of maps: lengths are those of the ground."""

from dataclasses import replace

import numpy as np
import pytest

from mtl.evaluation.evaluate import score_map
from mtl.tasks.heads import HEADS
from targets.truth.criteria import GroundTruthOptions
from targets.truth.traps import build_ground_truth
from tests.conftest import dome_scene


def test_a_trap_beside_the_truth_is_as_far_from_it_whatever_the_sides_of_its_cells():
    """Four columns of half a cell's width are within 3 cells, four of twice its width are not."""
    scene, found = dome_scene(), {}
    for dx, dy in (25.0, -100.0), (50.0, -50.0), (100.0, -25.0):
        truth = build_ground_truth(scene.replace(geo=replace(scene.geo, dx=dx, dy=dy)), GroundTruthOptions())
        shifted = np.roll(truth.labels > 0, 4, axis=1)[None].astype(np.float32)
        score = score_map(truth, {"trap": shifted}, [HEADS["trap"]])
        found[dx] = HEADS["trap"].metric.compute(score.states["trap"])
    assert found[25.0]["boundary_f1"] > 0.99 > 0.9 > max(found[dx]["boundary_f1"] for dx in (50.0, 100.0))
    assert found[25.0]["iou"] == pytest.approx(found[100.0]["iou"], abs=0.01)
