"""Rules that explain drawn traps: found exactly where they were drawn by a rule, in spite of a hand's noise."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from targets.errors import UserError
from targets.rules import fit_rules, load_rules
from targets.rules.closure_rows import ClosureRows
from targets.rules.contours import Contours, periodic_contours
from targets.rules.drawn_maps import drawn_maps
from targets.rules.fit import with_thresholds
from targets.rules.fitted_rules import FittedRules, describe_rules
from targets.rules.score_table import Choice, ScoreTable, bare
from targets.rules.thresholds import FORGOTTEN, SOFTENING, Place, surprise_of_rows
from targets.scene import GeoReference, Scene
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import compute_traps


def hilly(seed, size=128):
    """A map of many highs, 100 m from top to bottom or so, with two faults across it."""
    random = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(random.standard_normal((size, size)), 6)
    depth = (2000 + 25 * field / field.std()).astype(np.float32)
    inside, fault = np.ones((size, size), bool), np.zeros((size, size), bool)
    for start in random.integers(20, size - 20, 2):
        cols = np.arange(10, size - 10)
        rows = np.clip(start + (cols - size // 2) // 3, 0, size - 1)
        fault[rows, cols] = fault[np.clip(rows + 1, 0, size - 1), cols] = True
    return Scene(f"hills{seed}", depth, inside, inside, fault)


MAPS, UNSEEN = [hilly(seed) for seed in (1, 2)], [hilly(seed) for seed in (11, 12, 13)]
HABITS = {
    "contour": TrapCriteria("contour", contour_interval=8.0, contour_base=3.0),
    "sealing": TrapCriteria(faults="sealing"),
    "large": TrapCriteria(min_area=300),
    "smooth": TrapCriteria(smoothing=3.0),
    "all at once": TrapCriteria("contour", faults="sealing", fault_contact="touching", contour_interval=10.0),
}


def drawn_by(rule, scene, hand=None):
    """A map on which somebody drew by a rule, with an outline that wobbles by a cell or so."""
    traps = compute_traps(scene, rule).labels > 0
    if hand is not None:
        wobble = ndimage.gaussian_filter(hand.standard_normal(traps.shape), 4)
        inside = ndimage.distance_transform_edt(traps) - ndimage.distance_transform_edt(~traps)
        traps = inside + wobble / wobble.std() > 0.5
    return scene.replace(traps=traps & scene.map_valid)


def iou(one, other):
    return (one & other).sum() / max((one | other).sum(), 1)


@pytest.mark.parametrize("habit", HABITS)
def test_a_rule_is_found_from_two_maps_and_holds_on_others(habit):
    hand = np.random.default_rng(0)
    fitted = fit_rules([drawn_by(HABITS[habit], scene, hand) for scene in MAPS])
    ious = [iou(*(compute_traps(scene, rule).labels > 0 for rule in (HABITS[habit], fitted.rules))) for scene in UNSEEN]
    assert np.mean(ious) > 0.9, (fitted.rules, ious)
    assert fitted.explained > 0.9 and fitted.cross_validated_iou is not None


@pytest.mark.parametrize("contact", ["any", "touching", "free"])
@pytest.mark.parametrize("culminations", ["joined", "single"])
@pytest.mark.parametrize("reading", ["spill", "contour"])
def test_scores_of_a_table_are_those_of_the_traps(reading, culminations, contact):
    """At some cut points, from culminations of 9 cells on, the table holds the IoU of the traps by these rules."""
    rule = TrapCriteria(reading, faults="sealing", contour_interval=8.0, culminations=culminations)
    maps = drawn_maps([drawn_by(TrapCriteria(min_area=150), MAPS[0])])
    table = ScoreTable(maps, 1)
    table.add([rule])
    for place in (Place(0, 6, 0), Place(1, 9, 0), Place(0, 14, 9)):
        choice = Choice(replace(bare(rule), fault_contact=contact), place, 0.0)
        area = float(table.grid.area[place.area])
        rules = replace(with_thresholds(choice, table.grid), min_area=int(np.ceil(area)))
        found, drawn = compute_traps(maps[0].scene, rules).labels > 0, maps[0].drawn
        soft = SOFTENING * drawn.size
        expected = ((found & drawn).sum() + soft) / ((found | drawn).sum() + soft)
        assert table.iou(choice)[0] == pytest.approx(expected, abs=1e-6)


def test_near_outlines_surprise_less_and_long_ones_more():
    column = np.zeros(1)
    rows = ClosureRows(column, column, column, column + 1, column + 100, column + 0.5, column > 0, column.astype(int))
    near, far, longer, unmatched = (
        float(surprise_of_rows(rows._replace(**change))[0])
        for change in ({}, {"gap": column + 2}, {"outline": column + 200}, {"matched": column})
    )
    assert longer < near < far < unmatched == FORGOTTEN


def test_default_traps_give_the_default_rules_and_doubts_where_nothing_tells(dome):
    """One dome without faults on one map: it tells next to nothing."""
    fitted = fit_rules([drawn_by(TrapCriteria(), dome)])
    assert fitted.rules == TrapCriteria() and fitted.iou == {"dome": 1.0} and fitted.cross_validated_iou is None
    assert any("0 of 1 map tells what faults do" in doubt for doubt in fitted.doubts)
    area = int((dome.map_valid & (compute_traps(dome, TrapCriteria()).labels > 0)).sum())
    (doubt,) = (doubt for doubt in fitted.doubts if "does not tell a least area from 0 to" in doubt)
    assert (
        area / 2 < float(doubt.split()[-2].replace("cells.", "")) <= area
    )  # the largest cut point that keeps the dome
    assert "faults do nothing" in fitted.sentence() and "100%" in fitted.sentence()


def test_a_map_drawn_otherwise_is_named():
    odd = UNSEEN[0].replace(traps=np.roll(compute_traps(UNSEEN[0], TrapCriteria()).labels > 0, 50, axis=1))
    fitted = fit_rules([*(drawn_by(TrapCriteria(), scene) for scene in [*MAPS, UNSEEN[1]]), odd])
    assert fitted.odd_maps == (odd.name,) and f"This map does not fit: {odd.name}" in fitted.sentence()


def test_traps_are_those_of_the_true_surface(dome):
    poor = drawn_by(TrapCriteria(), dome).replace(true_depth=dome.depth, depth=dome.depth * 0)
    assert fit_rules([poor]).iou == {"dome": 1.0}


def test_maps_that_tell_nothing_are_refused(dome):
    for maps in ([], [dome], [dome.replace(traps=~dome.map_valid)]):
        with pytest.raises(UserError, match="traps"):
            fit_rules(maps)


def test_contours_of_outlines_are_found_without_a_round_number():
    levels = 3.3 + 11.7 * np.array([20, 23, 24, 29, 31, 36]) + np.random.default_rng(0).normal(0, 0.4, 6)
    found = periodic_contours(levels, 300.0)
    assert any(abs(c.interval - 11.7) < 0.06 and min(abs((c.base - 3.3) % c.interval), 11.7) < 3 for c in found)
    assert periodic_contours(levels[:1], 300.0) == [] and isinstance(found[0], Contours)


def test_rules_survive_a_file(tmp_path):
    rules = TrapCriteria("contour", faults="leaking", min_area=7, contour_interval=12.5, culminations="single")
    fitted = FittedRules(rules, {"a\nb": 0.5, "c": 1.0}, 0.9, 0.95, 0.01, ("doubt",), "ft", 0.0004)
    fitted.save(tmp_path / "rules.yaml")
    assert load_rules(tmp_path / "rules.yaml") == rules
    assert "12.5 ft contour" in fitted.sentence() and "7 cells (0.0028 km²)" in fitted.sentence()
    (tmp_path / "some.yaml").write_text("min_area: 90\n", "utf-8")
    assert load_rules(tmp_path / "some.yaml") == TrapCriteria(min_area=90)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("min_aera: 3", "min_aera"),
        ("faults: sealed", "one of transparent, sealing, leaking"),
        ("min_area: 2.5", "whole number"),
        ("min_area: -1", "0 or more"),
        ("min_relief: .nan", "min_relief"),
        ("contour_interval: yes", "contour_interval"),
        ("connectivity: 6", "one of 4, 8"),
        ("[1, 2]", "no rules"),
        ("a: {b: [", "cannot be read"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path, text, word):
    (tmp_path / "rules.yaml").write_text(text, "utf-8")
    with pytest.raises(UserError, match=word) as caught:
        load_rules(tmp_path / "rules.yaml")
    assert "rules.yaml" in str(caught.value)


def test_every_choice_has_words():
    plain = describe_rules(TrapCriteria())
    for change in ({"reading": "contour"}, {"faults": "sealing"}, {"edge": "closed"}, {"connectivity": 4},
                   {"culminations": "single"}, {"fault_contact": "free"}, {"min_area": 50}, {"min_height": 3.0},
                   {"min_relief": 0.2}, {"smoothing": 2.0}):  # fmt: skip
        assert describe_rules(replace(TrapCriteria(), **change)) != plain
    based = TrapCriteria("contour", contour_interval=10.0, contour_base=5.0)
    assert "10 m contour (through 5 m)" in describe_rules(based, "m")


def test_areas_are_given_where_cells_are_known(dome):
    located = dome.replace(geo=GeoReference(0.0, 0.0, 50.0, -50.0, xy_unit="m", depth_unit="m"))
    fitted = fit_rules([drawn_by(TrapCriteria(), located)])
    assert fitted.cell_area == 0.0025 and "40 cells (0.1 km²)" in fitted.sentence()
