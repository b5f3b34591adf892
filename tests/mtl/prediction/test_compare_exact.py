"""Comparison of learned and exact traps on labels that can be counted by hand."""

import numpy as np

from mtl.prediction.compare_exact import (
    AGREEMENT_COLOURS,
    agreement_classes,
    best_matches,
    disagreement_layer,
    exact_trap_table,
)
from targets.scene import GeoReference
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import find_trap_closures
from tests.conftest import dome_scene

ONE = np.array([[1, 1, 1, 0, 2, 0, 3]])
TWO = np.array([[2, 2, 1, 1, 0, 0, 3]])


def test_a_trap_belongs_to_the_one_it_shares_most_cells_with():
    ids, iou = best_matches(ONE, TWO)
    assert ids.tolist() == [2, 0, 3] and iou.tolist() == [2 / 3, 0, 1]
    ids, iou = best_matches(TWO, ONE)
    assert ids.tolist() == [1, 1, 3] and iou.tolist() == [1 / 4, 2 / 3, 1]
    assert best_matches(ONE, 0 * TWO)[0].tolist() == [0, 0, 0] and best_matches(0 * ONE, TWO)[0].size == 0


def test_agreement_classes_and_their_polygons():
    agreement = agreement_classes(ONE > 0, TWO > 0)
    assert agreement.tolist() == [[3, 3, 3, 2, 1, 0, 3]]
    layer = disagreement_layer(agreement, GeoReference(0.0, 0.0, 10.0, -10.0))
    assert sorted(layer.attributes.tolist()) == [
        ("both", 100.0), ("both", 300.0), ("exact only", 100.0), ("learned only", 100.0)]  # fmt: skip
    assert list(layer.style.styles) == list(AGREEMENT_COLOURS) == ["learned only", "exact only", "both"]
    assert len(disagreement_layer(0 * agreement, GeoReference()).attributes) == 0


def test_every_exact_closure_has_its_row_and_the_learned_trap_that_meets_it():
    dome = dome_scene()
    exact = find_trap_closures(dome, TrapCriteria())
    half = np.where(np.indices((64, 64))[1] < 32, exact.labels, 0) * 4
    (row,) = exact_trap_table(exact, half, dome.geo)
    assert row["learned_id"] == 4 and 0.4 < row["learned_iou"] < 0.5 and row["area"] == (exact.labels > 0).sum() * 2500
    (row,) = exact_trap_table(exact, 0 * half, dome.geo)
    assert row["learned_id"] == 0 and row["learned_iou"] == 0
