"""Records of predicted traps whose shape is known."""

import numpy as np
import pytest

from mtl.prediction.own_closure import closed_inside
from mtl.prediction.traps import ENTROPY, STANDARD_DEVIATION, extract_traps, trap_polygons, trap_uncertainty
from mtl.tasks.heads import HEADS
from targets.closure import find_closures
from targets.scene import GeoReference
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import find_trap_closures
from tests.conftest import dome_scene


def disc(centre, radius, shape=(64, 64)):
    """(H, W) 1 inside a disc, 0 outside, sharp within a cell."""
    rows, cols = np.indices(shape)
    return np.clip(radius - np.hypot(rows - centre[0], cols - centre[1]) + 0.5, 0, 1).astype(np.float32)


def area_of(ring):
    x, y = ring.T
    return abs(0.5 * float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()))


def predict(scene, exact=None, **planes):
    maps = {name: plane[None] for name, plane in planes.items()}
    return extract_traps(scene, maps, [HEADS[name] for name in planes], exact)


def test_a_disc_becomes_a_polygon_of_its_area_in_map_units():
    scene = dome_scene()  # cells of 50 m
    ((ring,),) = trap_polygons(predict(scene, trap=disc((30, 20), 10)))
    x, y = scene.geo.xy(*ring.T)
    assert area_of(np.stack([x, y], axis=1)) == pytest.approx(np.pi * 100 * 2500, rel=0.02)
    assert x[:-1].mean() == pytest.approx(20 * 50, abs=5) and y[:-1].mean() == pytest.approx(-30 * 50, abs=5)
    assert (x[0], y[0]) == (x[-1], y[-1])  # closed


def test_a_hole_is_a_ring_of_its_own():
    ring = np.minimum(disc((32, 32), 20), 1 - disc((32, 32), 8))
    (rings,) = trap_polygons(predict(dome_scene().replace(geo=GeoReference()), trap=ring))
    assert [round(area_of(r) / np.pi) for r in rings] == pytest.approx([400, 64], rel=0.05)


def test_a_trap_at_the_edge_of_the_map_is_closed_there():
    prediction = predict(dome_scene(), trap=disc((0, 30), 12))
    assert area_of(trap_polygons(prediction)[0][0]) == pytest.approx(prediction.traps[0].cells, rel=0.1)


def test_an_outline_lies_where_the_probability_crosses_one_half():
    block = np.full((64, 64), 0.4, np.float32)
    block[20:30, 40:60] = 0.6  # halfway to the next cell
    ((ring,),) = trap_polygons(predict(dome_scene(), trap=block))
    np.testing.assert_allclose([ring.min(0), ring.max(0)], [[19.5, 39.5], [29.5, 59.5]], atol=1e-5)


def test_two_traps_that_touch_have_polygons_that_do_not_overlap():
    shapely = pytest.importorskip("shapely")
    trap = np.maximum(disc((32, 20), 14), disc((32, 44), 14))
    crest = np.maximum(disc((32, 20), 1), disc((32, 44), 1))
    prediction = predict(dome_scene(), trap=trap, crest=crest, boundary=disc((32, 32), 1))
    one, two = (shapely.Polygon(rings[0], rings[1:]) for rings in trap_polygons(prediction))
    assert one.intersection(two).area == 0 and one.distance(two) < 2
    assert one.area + two.area == pytest.approx((trap > 0.5).sum(), rel=0.06)


def test_small_components_are_not_traps_and_each_trap_has_its_crest():
    trap = np.maximum.reduce([disc((15, 15), 8), disc((45, 45), 8), disc((5, 60), 2)])
    crest = np.maximum(disc((16, 14), 0), disc((44, 47), 0))
    scene = dome_scene().replace(geo=GeoReference())
    traps = predict(scene.replace(depth_valid=np.zeros_like(scene.depth_valid)), trap=trap, crest=crest).traps
    assert [trap.id for trap in traps] == [1, 2] and all(t.confidence > 0.8 for t in traps)
    assert [(t.crest_x, t.crest_y) for t in traps] == [(14, 16), (47, 44)]
    for one in predict(scene, trap=trap, crest=crest).traps:  # a depth says it better than a network
        row, col = int(one.crest_y), int(one.crest_x)
        near = np.hypot(*(np.indices(trap.shape) - np.reshape([row, col], (2, 1, 1)))) < 20
        assert one.crest_depth == scene.depth[row, col] == scene.depth[near & (trap > 0.5)].min()


def test_the_crest_is_the_shallowest_cell_of_a_predicted_depth_whatever_the_crest_head_predicts():
    depth = -np.hypot(*(np.indices((64, 64)) - 30)).astype(np.float32)
    (trap,) = predict(dome_scene(), trap=disc((32, 32), 10), crest=disc((35, 35), 1), depth=depth).traps
    scene = dome_scene()
    assert (trap.crest_x, trap.crest_y) == tuple(float(v) for v in scene.geo.xy(30, 30))


def test_without_a_crest_head_the_crest_is_the_shallowest_cell(dome):
    (trap,) = predict(dome, trap=disc((32, 32), 15)).traps
    assert (trap.crest_x, trap.crest_y, trap.crest_depth) == (1600.0, -1600.0, 2000.0)


def test_height_and_volume_are_those_of_the_exact_closure(dome):
    exact = find_trap_closures(dome, TrapCriteria())
    (trap,) = predict(dome, exact, trap=(exact.labels > 0).astype(np.float32)).traps
    assert trap.exact_id == 1 and trap.exact_iou == 1 and trap.exact_area == trap.area
    # A paraboloid of 100 m over a disc: half of the cylinder.
    assert trap.exact_height == pytest.approx(100, abs=1) and trap.exact_spill_depth == pytest.approx(2100, abs=1)
    # The outline of the closure is its own: what closes inside it is the closure.
    assert (trap.height, trap.spill_depth) == (trap.exact_height, trap.exact_spill_depth)
    assert trap.volume == pytest.approx(trap.exact_volume)
    assert trap.exact_volume == pytest.approx(trap.area * 100 / 2, rel=0.02)
    (away,) = predict(dome, exact, trap=disc((0, 0), 9)).traps
    assert away.exact_id == 0 and away.exact_iou == 0 and away.exact_volume is None
    assert away.height == away.volume == 0 and away.spill_depth is None  # flat ground: nothing closes


@pytest.mark.parametrize("radius", [6, 10, 14, 18])
def test_a_trap_has_height_and_volume_of_its_own_outline(radius):
    """A disc on a cone: its height is slope times radius, its volume a third of the cylinder."""
    rows, cols = np.indices((64, 64))
    depth = (2000 + 5 * np.hypot(rows - 32, cols - 32)).astype(np.float32)
    geo = GeoReference(0.0, 0.0, 50.0, -50.0, xy_unit="m", depth_unit="ft")
    scene = dome_scene().replace(depth=depth, geo=geo)
    exact = find_trap_closures(scene, TrapCriteria())
    (trap,) = predict(scene, exact, trap=disc((32, 32), radius)).traps
    assert trap.area == trap.cells * 2500 == pytest.approx(np.pi * radius**2 * 2500, rel=0.05)
    assert trap.height == pytest.approx(5 * radius, abs=5) and trap.spill_depth == 2000 + trap.height  # feet
    assert trap.volume == pytest.approx(trap.area * 5 * (radius + 0.5) * 0.3048 / 3, rel=0.1)  # m³
    share = trap.cells / int((exact.labels > 0).sum())
    assert trap.exact_id == 1 and trap.exact_iou == pytest.approx(share)
    known = [trap.exact_height, trap.exact_area, trap.exact_volume, trap.exact_spill_depth]
    assert known == [None] * 4 if share < 0.5 else None not in known


def test_a_trap_that_touches_a_closure_does_not_carry_its_volume(dome):
    exact = find_trap_closures(dome, TrapCriteria())
    left = int(np.nonzero(exact.labels > 0)[1].min())
    (touching,) = predict(dome, exact, trap=disc((32, left - 7), 8)).traps
    assert touching.exact_id == 1 and 0 < touching.exact_iou < 0.1
    assert touching.exact_volume is None and touching.exact_height is None
    full = exact.table[0]
    assert touching.volume < 0.01 * full["volume"] * 2500  # the flank leaks up-dip over the outline


@pytest.mark.parametrize("options", [{}, {"connectivity": 4}, {"edge": "closed"}], ids=str)
def test_what_closes_inside_the_outline_of_a_closure_is_the_closure(options):
    for seed in range(4):
        depth = np.random.default_rng(seed).normal(size=(25, 30)).cumsum(0).cumsum(1)
        faults = np.zeros(depth.shape, bool)
        faults[10, 5:20] = True
        found = find_closures(depth, faults=faults, fault_rule="sealing" if seed % 2 else "transparent", **options)
        own = closed_inside(found.labels, found, np.full((1, 1), 2.0))
        outermost = found.table[found.table["parent"] == 0]
        np.testing.assert_allclose(own["height"], outermost["height"])
        np.testing.assert_allclose(own["volume"], 2 * outermost["volume"])
        np.testing.assert_allclose(own["spill_depth"], outermost["spill_depth"])


def test_a_trap_over_a_map_without_a_way_out_is_full_at_its_deepest_cell():
    found = find_closures(np.array([[5.0, 3.0], [4.0, 6.0]]), edge="closed")
    assert closed_inside(np.ones((2, 2), np.int32), found, np.ones((1, 1))).tolist() == [(3.0, 6.0, 6.0)]


def test_entropy_is_one_bit_at_one_half_and_zero_where_the_answer_is_certain(dome):
    inside = dome.map_valid.copy()
    inside[:, 0] = False
    scene = dome.replace(map_valid=inside, depth_valid=inside)
    probability = np.full((64, 64), 0.5, np.float32)
    probability[1], probability[2] = 1, 0.11
    measure, bits = trap_uncertainty(scene, {}, [HEADS["trap"]], probability)
    assert measure is ENTROPY and np.isnan(bits[:, 0]).all() and np.isfinite(bits[:, 1:]).all()
    np.testing.assert_allclose(bits[:3, 1], [1, 0, 0.5], atol=0.001)  # 0.11: half a bit


def test_uncertainty_is_the_standard_deviation_of_an_ensemble_where_there_is_one(dome):
    deviation = disc((32, 32), 20) / 4
    maps = {"trap": disc((32, 32), 15)[None], "trap_std": deviation[None], "crest_std": 1 + deviation[None]}
    prediction = extract_traps(dome, maps, [HEADS["trap"]], None)
    assert prediction.measure is STANDARD_DEVIATION and prediction.traps[0].uncertainty == 0.25
    np.testing.assert_array_equal(prediction.uncertainty, deviation)
