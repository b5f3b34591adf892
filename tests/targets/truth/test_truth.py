"""The exact rasters behind the heads, on maps whose answer can be checked by eye."""

import numpy as np
import pytest

from targets.truth.rasters import boundary_band, crest_distance, crest_heatmap, outline_band, trap_mask
from targets.truth.traps import TrapCriteria, GroundTruthOptions, build_ground_truth
from tests.conftest import dome_scene


def test_a_dome_is_one_trap_down_to_its_floor(dome):
    truth = build_ground_truth(dome)
    assert truth.crests.tolist() == [[32, 32]]
    np.testing.assert_array_equal(truth.labels > 0, dome.depth < 2100)


def test_the_contour_reading_keeps_what_lies_above_the_last_closed_contour(dome):
    contoured = dome.replace(geo=dome.geo.__class__(contour_interval=30.0, contour_base=2000.0))
    truth = build_ground_truth(contoured, GroundTruthOptions(traps=TrapCriteria(reading="contour")))
    np.testing.assert_array_equal(truth.labels > 0, dome.depth <= 2090)


def test_traps_below_the_thresholds_are_left_out(dome):
    assert build_ground_truth(dome, GroundTruthOptions(traps=TrapCriteria(min_area=5000))).labels.max() == 0
    assert build_ground_truth(dome, GroundTruthOptions(traps=TrapCriteria(min_relief=1.01))).labels.max() == 0
    assert build_ground_truth(dome, GroundTruthOptions(traps=TrapCriteria(min_relief=0.99))).labels.max() == 1


def test_drawn_traps_win_over_computed_ones(dome):
    drawn = np.zeros(dome.shape, bool)
    drawn[30:40, 10:20] = drawn[50:55, 50:60] = True
    truth = build_ground_truth(dome.replace(traps=drawn))
    np.testing.assert_array_equal(truth.labels > 0, drawn)
    assert truth.crests.tolist()[0] == [32, 19]  # the shallowest cell of the first one, nearest to the dome's top


def test_without_a_depth_the_crest_is_the_cell_farthest_from_the_outline(dome):
    drawn = np.zeros(dome.shape, bool)
    drawn[10:21, 30:41] = True
    picture = dome.replace(traps=drawn, depth=dome.depth * 0, depth_valid=~dome.map_valid)
    assert build_ground_truth(picture).crests.tolist() == [[15, 35]]


def test_truth_is_that_of_the_clean_surface(dome):
    flat = np.full(dome.shape, 2050, np.float32)
    poor = build_ground_truth(dome.replace(depth=flat, true_depth=dome.depth))
    true = build_ground_truth(dome)
    assert np.array_equal(poor.labels, true.labels) and np.array_equal(poor.crests, true.crests)
    assert np.array_equal(poor.height, true.height) and np.array_equal(poor.scene.depth, dome.depth)


def test_boundary_band_has_the_asked_width():
    mask = np.zeros((20, 40), bool)
    mask[:, 20:] = True
    for width in (2, 4, 6):
        assert (outline_band(mask, width).sum(1) == width).all()
    assert not outline_band(mask & False, 4).any()


def test_crest_heat_is_one_at_the_crest_and_gaussian_around_it(dome):
    heat = crest_heatmap(build_ground_truth(dome, GroundTruthOptions(crest_sigma=3)))
    assert heat[32, 32] == 1 and heat.max() == 1
    assert heat[32, 35] == pytest.approx(np.exp(-0.5), abs=1e-6)


def test_overlapping_crests_take_the_maximum():
    drawn = np.zeros((64, 64), bool)
    drawn[30:35, 20:25] = drawn[30:35, 28:33] = True
    scene = dome_scene().replace(traps=drawn)
    heat = crest_heatmap(build_ground_truth(scene, GroundTruthOptions(crest_sigma=4)))
    assert heat.max() == 1


def test_distance_is_measured_to_ones_own_crest(dome):
    truth = build_ground_truth(dome)
    distance = crest_distance(truth)
    assert distance[32, 32] == 0 and distance[32, 42] == 10 and distance[35, 36] == 5
    assert (distance[truth.labels == 0] == 0).all()


def test_geodesic_distance_goes_round_a_bay():
    # A U-shaped trap: the way from one arm to the other leads through the bend.
    drawn = np.zeros((64, 64), bool)
    drawn[10:50, 10:14] = drawn[10:50, 30:34] = drawn[46:50, 10:34] = True
    depth = np.full((64, 64), 100, np.float32)
    depth[10, 10] = 0
    scene = dome_scene().replace(traps=drawn, depth=depth)
    euclidean, geodesic = (
        crest_distance(build_ground_truth(scene, GroundTruthOptions(distance=kind))) for kind in ("euclidean", "geodesic")
    )
    assert euclidean[10, 30] == 20
    assert 75 < geodesic[10, 30] < 100
    assert (geodesic[drawn] >= euclidean[drawn] - 1e-4).all()


@pytest.mark.parametrize("raster", [trap_mask, boundary_band, crest_heatmap, crest_distance])
@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("flip", [False, True])
def test_turning_the_map_turns_every_target(raster, turns, flip):
    def turn(array):
        array = np.rot90(array, turns)
        return np.ascontiguousarray(array[:, ::-1] if flip else array)

    rng = np.random.default_rng(0)
    smooth = np.cumsum(np.cumsum(rng.normal(size=(48, 48)), 0), 1).astype(np.float32)
    flat = np.ones((48, 48), bool)
    scene = dome_scene(size=48).replace(depth=smooth, rgb=None)
    turned = scene.replace(depth=turn(smooth), depth_valid=flat, map_valid=flat, fault=~flat)
    expected, found = raster(build_ground_truth(scene)), raster(build_ground_truth(turned))
    np.testing.assert_allclose(found, turn(expected), atol=1e-5)
