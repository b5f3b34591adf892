"""Ground truth: interpreted and computed traps, on maps whose answer can be checked by eye."""

import numpy as np

from targets.truth.traps import GroundTruthOptions, TrapCriteria, build_ground_truth


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


def test_interpreted_traps_replace_computed_ones(dome):
    interpreted = np.zeros(dome.shape, bool)
    interpreted[30:40, 10:20] = interpreted[50:55, 50:60] = True
    truth = build_ground_truth(dome.replace(traps=interpreted))
    np.testing.assert_array_equal(truth.labels > 0, interpreted)
    assert truth.crests.tolist()[0] == [32, 19]  # the shallowest cell of the first one, nearest to the dome's top


def test_without_a_depth_the_crest_is_the_cell_farthest_from_the_outline(dome):
    interpreted = np.zeros(dome.shape, bool)
    interpreted[10:21, 30:41] = True
    picture = dome.replace(traps=interpreted, depth=dome.depth * 0, depth_valid=~dome.map_valid)
    assert build_ground_truth(picture).crests.tolist() == [[15, 35]]


def test_ground_truth_is_that_of_the_true_depth(dome):
    flat = np.full(dome.shape, 2050, np.float32)
    poor = build_ground_truth(dome.replace(depth=flat, true_depth=dome.depth))
    true = build_ground_truth(dome)
    assert np.array_equal(poor.labels, true.labels) and np.array_equal(poor.crests, true.crests)
    assert np.array_equal(poor.height, true.height) and np.array_equal(poor.scene.depth, dome.depth)
