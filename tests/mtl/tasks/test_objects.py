"""Closures decided on one by one: a habit that no rule says is learned; a choice that nobody fitted is the rules."""

import numpy as np
import pytest
from scipy import ndimage

from mtl.tasks.heads import OBJECTS
from mtl.tasks.objects import (
    ATTRIBUTES,
    NUMBERS,
    KnownObjects,
    choose,
    fit_choice,
    fit_out_of_fold,
    known_objects,
    map_objects,
    with_head,
)
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.criteria import GroundTruthOptions, TrapCriteria
from targets.truth.traps import compute_traps
from tests.conftest import dome_scene

RULES = TrapCriteria(faults="sealing", min_relief=0.0)


def two_culminations(apart):
    """A map with two cones whose crests lie so many cells left and right of its middle, in one closure."""
    rows, cols = np.indices((64, 64), np.float32)
    away = np.minimum(*(np.hypot(rows - 32, cols - 32 - side) for side in (-apart, apart)))
    return dome_scene().replace(depth=2000 + 3 * away)


def iou(found, truth):
    return (found & truth).sum() / (found | truth).sum()


def test_a_choice_that_nobody_fitted_is_the_traps_by_rules():
    scene = make_structure_map(3, 96)
    for rules in (RULES, TrapCriteria(smoothing=1.5), TrapCriteria(culminations="single")):
        traps = compute_traps(scene, rules).labels > 0
        answer = OBJECTS.derive(np.zeros((1, *scene.shape), np.float32), scene, GroundTruthOptions(rules), 1.0)
        assert answer.shape == (1, *scene.shape) and np.array_equal(answer[0] > 0.5, traps)
    no_depth = scene.replace(depth_valid=np.zeros(scene.shape, bool))
    values = np.random.default_rng(0).random((1, *scene.shape), np.float32)
    assert OBJECTS.derive(values, no_depth, GroundTruthOptions(), 1.0) is values


def test_a_habit_that_no_rule_says_is_learned_and_judged_on_maps_left_out():
    """He leaves out what comes near the border of the map."""
    known, maps = [], []
    for seed in range(8):
        scene = make_structure_map(seed, 96)
        labels = compute_traps(scene, RULES).labels
        inside = ndimage.distance_transform_edt(np.pad(scene.map_valid, 1))[1:-1, 1:-1]
        near = np.unique(labels[inside <= 6])
        drawn = np.where(np.isin(labels, near), 0, labels)
        objects = map_objects(scene, RULES)
        maps.append((objects, drawn > 0))
        known.append(known_objects(objects, drawn, f"map{seed}"))
    numbers = fit_out_of_fold(known, [])
    found = np.concatenate([(choose(o, numbers[k.group]) > 0.5).ravel() for k, (o, _) in zip(known, maps, strict=True)])
    truth = np.concatenate([drawn.ravel() for _, drawn in maps])
    by_rules = np.concatenate([(objects.rules > 0).ravel() for objects, _ in maps])
    assert iou(found, truth) > iou(by_rules, truth) + 0.2


@pytest.mark.parametrize("joined", [True, False])
def test_culminations_are_joined_or_not_as_they_were_drawn(joined):
    known = []
    for apart in (8, 9, 10, 11):
        scene = two_culminations(apart)
        objects = map_objects(scene, TrapCriteria(min_relief=0.0, culminations="joined"))
        whole = compute_traps(scene, TrapCriteria(min_relief=0.0)).labels
        parts = compute_traps(scene, TrapCriteria(min_relief=0.0, culminations="single")).labels
        assert whole.max() == 1 and parts.max() == 2
        known.append(known_objects(objects, whole if joined else parts, str(apart)))
    numbers = fit_out_of_fold(known, [])["10"]
    scene = two_culminations(10)
    answer = choose(map_objects(scene, TrapCriteria(min_relief=0.0)), numbers) > 0.5
    _, count = ndimage.label(answer)
    assert count == (1 if joined else 2)


def test_a_closure_is_cut_to_what_the_head_leaves_of_it():
    scene = dome_scene()
    objects = map_objects(scene, RULES)
    left = compute_traps(scene, RULES).labels > 0
    left[:, 32:] = False
    found = with_head(objects, np.where(left, 0.9, 0.1).astype(np.float32))
    assert [one.parent for one in found.candidates] == [-1, 0]
    assert found.table[:, ATTRIBUTES.index("is cut")].tolist() == [0, 1]
    numbers = np.zeros(NUMBERS)
    numbers[ATTRIBUTES.index("is cut")], numbers[-2], numbers[-1] = 2, -1, 1
    assert np.array_equal(choose(found, numbers) > 0.5, left)


def test_the_numbers_weigh_the_attribute_that_tells_and_give_the_log_odds_of_unscaled_ones():
    rng = np.random.default_rng(0)
    table = rng.normal(5, 3, (200, len(ATTRIBUTES)))
    table[:, -1] = np.nan  # no map knows what the head says
    numbers = fit_choice([KnownObjects("", table, table[:, 1] > 6)])
    assert np.abs(numbers[:-2]).argmax() == 1 and numbers[1] > 0 and numbers[-1] == 1
    log_odds = np.nan_to_num(table) @ numbers[:-2] + numbers[-2]
    assert ((log_odds > 0) == (table[:, 1] > 6)).mean() > 0.95
    assert not fit_choice([KnownObjects("", table, np.ones(200, bool))]).any()  # nothing tells drawn from not drawn
