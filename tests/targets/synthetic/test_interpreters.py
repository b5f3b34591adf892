"""Interpreters of the benchmark: what their habits take, and how their hands draw it."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

import targets.synthetic.interpreters
from targets.errors import UserError
from targets.scene import Scene
from targets.synthetic.interpreters.habits import Habit, label_traps
from targets.synthetic.interpreters.hand import CORNER_MISS, draw_outlines, draw_polygons, draw_with_mistakes
from targets.synthetic.interpreters.registry import INTERPRETERS, with_drawn_traps
from targets.synthetic.map_set import MapAppearance
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.traps import label_interpreted_traps

FLAT = np.zeros((1, 1), np.float32)


def iou(first, second):
    return (first & second).sum() / (first | second).sum()


def discs(count, radius, gap=4):
    """A square of count × count discs, numbered."""
    step = 2 * radius + gap
    rows, cols = np.indices((count * step, count * step))
    near = np.hypot(rows % step - step / 2, cols % step - step / 2) <= radius
    return np.where(near, rows // step * count + cols // step + 1, 0).astype(np.int32)


def faulted_dome():
    """A cone whose eastern half is thrown down below its foot: a fault trap and no other."""
    rows, cols = np.indices((41, 41))
    depth = (1000 + 5 * np.hypot(rows - 20, cols - 20)).astype(np.float32)
    depth[:, 21:] -= 300
    fault = np.zeros((41, 41), bool)
    fault[:, 20] = True
    inside = np.ones((41, 41), bool)
    return Scene("half", depth, inside, inside, fault)


def test_a_trap_against_a_fault_is_one_to_those_who_let_it_seal():
    scene = faulted_dome()
    taken = {name: label_traps(scene, INTERPRETERS[name].habit) > 0 for name in ("contours", "sealing", "leaking")}
    west = np.indices(scene.shape)[1] < 20
    assert (taken["sealing"] & west).sum() > 300
    assert not (taken["contours"] & west).any() and not (taken["leaking"] & west).any()
    assert (label_traps(scene, Habit(faults="sealing", against_faults=True)) > 0)[20, 19]


def test_only_closures_that_lean_on_a_fault_are_three_way():
    rows, cols = np.indices((41, 41))
    depth = (1000 + 5 * np.hypot(rows - 20, cols - 20)).astype(np.float32)
    inside, fault = np.ones((41, 41), bool), np.zeros((41, 41), bool)
    fault[2:5, 2] = True  # far from the trap
    scene = Scene("dome", depth, inside, inside, fault)
    assert label_traps(scene, Habit(faults="sealing")).any()
    assert not label_traps(scene, Habit(faults="sealing", against_faults=True)).any()


def test_contours_are_metres_whatever_the_unit_of_depth():
    scene = make_structure_map(21, 64)
    feet = scene.replace(
        depth=scene.depth / np.float32(0.3048),
        geo=type(scene.geo)(dx=scene.geo.dx, dy=scene.geo.dy, depth_unit="ft"),
    )
    habit = Habit(interval=25.0, base=5.0)
    in_metres, in_feet = (label_traps(one, habit) > 0 for one in (scene, feet))
    assert in_metres.any() and iou(in_metres, in_feet) > 0.99  # rounding moves a cell


def test_an_interpreter_draws_on_the_true_surface_and_needs_one():
    scene = make_structure_map(21, 64)
    noisy = scene.replace(depth=scene.depth[::-1].copy(), true_depth=scene.depth)
    assert np.array_equal(with_drawn_traps(scene, "large", 1).traps, with_drawn_traps(noisy, "large", 1).traps)
    picture = scene.replace(depth_valid=np.zeros_like(scene.depth_valid))
    with pytest.raises(UserError, match="no depth"):
        with_drawn_traps(picture, "large", 1)


def test_a_hand_strays_a_little_and_leaves_traps_apart():
    labels = discs(4, 16, gap=1)
    drawn = draw_outlines(labels, FLAT, np.random.default_rng(0))
    assert 0.92 < iou(drawn, labels > 0) < 0.98
    assert ndimage.label(drawn, np.ones((3, 3)))[1] == 16
    rough = np.where(np.random.default_rng(1).random(labels.shape) < 0.3, 0, labels)
    jagged = ndimage.binary_closing(rough > 0) & (labels > 0)
    smooth = draw_outlines(np.where(jagged, labels, 0), FLAT, np.random.default_rng(0))
    edges = [int((mask[1:] != mask[:-1]).sum()) for mask in (jagged, smooth)]
    assert edges[1] < 0.9 * edges[0]


def test_a_polygon_by_eye_lies_near_the_outline():
    labels = discs(2, 30, gap=14)
    drawn = draw_polygons(labels, FLAT, np.random.default_rng(0))
    trap = labels > 0
    away = np.where(trap, ndimage.distance_transform_edt(trap), ndimage.distance_transform_edt(~trap))
    chord = 30 * (1 - np.cos(np.pi / 20 * 1.6))  # between two of 20 uneven corners, the arc lies outside
    assert 1.5 < away[drawn != trap].max() <= CORNER_MISS[1] + chord + 1
    assert 0.85 < iou(drawn, trap) < 0.97


def test_mistakes_are_as_many_as_they_are_said_to_be():
    labels = discs(12, 8, gap=12)
    depth = np.full(labels.shape, 100, np.float32)
    labels[-20:, :60] = 200  # the largest, whose crest lies at its western end
    depth[-10, 2] = 50
    drawn = draw_with_mistakes(labels, depth, np.random.default_rng(3))
    kept = np.unique(labels[drawn])
    missed = 1 - (len(kept) - 1) / (len(np.unique(labels)) - 1)
    assert 0.03 < missed < 0.2
    parts, count = ndimage.label(drawn, np.ones((3, 3)))
    invented = sum(not labels[parts == part].any() for part in range(1, count + 1))
    assert 1 <= invented < 0.15 * count
    largest = drawn & (labels == 200)
    assert largest[-10, 2] and 0.35 < largest.sum() / (labels == 200).sum() < 0.9


def test_the_same_seed_is_the_same_drawing_and_each_interpreter_has_a_hand_of_his_own():
    scene = make_structure_map(21, 64)
    one, two = (with_drawn_traps(scene, "sealing", seed).traps for seed in (1, 2))
    assert np.array_equal(one, with_drawn_traps(scene, "sealing", 1).traps) and (one != two).any()
    assert not (one & ~scene.map_valid).any()
    for name, interpreter in INTERPRETERS.items():
        drawn = with_drawn_traps(scene, name, 1)
        assert drawn.provenance.interpreter == name and interpreter.text.endswith(".")
        label_interpreted_traps(drawn, drawn.traps)


def test_two_rules_are_held_out_and_two_interpreters_follow_none():
    rules = [interpreter for interpreter in INTERPRETERS.values() if interpreter.follows_rule]
    assert (len(rules), len(INTERPRETERS)) == (6, 8) and sum(rule.held_out for rule in rules) == 2
    assert all(name in (MapAppearance.__doc__ or "") for name in INTERPRETERS)


def test_the_benchmark_is_not_made_of_what_it_tests():
    for file in Path(targets.synthetic.interpreters.__file__).parent.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "targets.rules" not in text and "targets.truth" not in text
