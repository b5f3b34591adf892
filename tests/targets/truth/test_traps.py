"""Ground truth: interpreted and computed traps, on maps whose answer can be checked by eye."""

import numpy as np

from targets.scene import GeoReference
from targets.surface.resample import downsample
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.criteria import GroundTruthOptions, TrapCriteria
from targets.truth.traps import build_ground_truth, downsample_truth
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


def test_a_downsampled_truth_has_the_traps_of_the_map():
    scene = make_structure_map(seed=3, size=192)
    truth = build_ground_truth(scene)
    coarse = downsample_truth(truth, 64)
    areas = np.bincount(truth.labels.ravel())[1:]
    large = areas > 9 * 30  # thirty coarse cells
    assert large.sum() > 2 and len(coarse.crests) >= large.sum()
    np.testing.assert_allclose(np.bincount(coarse.labels.ravel())[1:].sum() * 9, areas.sum(), rtol=0.1)
    for number, (row, col) in enumerate(coarse.crests, 1):
        assert coarse.labels[row, col] in (0, number)  # of a trap as thin as a coarse cell, the crest may lie outside
    assert coarse.labels.max() == len(coarse.crests) and coarse.scene.coarsening == 3


def test_thresholds_count_cells_of_the_map_as_it_was_given():
    scene = dome_scene(size=128)
    whole = int((build_ground_truth(scene).labels > 0).sum())
    for criteria, found in ((TrapCriteria(min_area=whole // 2), 1), (TrapCriteria(min_area=2 * whole), 0)):
        for copy in (scene, downsample(scene, 64), downsample(downsample(scene, 64), 32)):
            assert build_ground_truth(copy, GroundTruthOptions(criteria)).labels.max() == found


def test_a_downsampled_map_without_traps_has_none():
    flat = dome_scene(size=40)
    flat = flat.replace(depth=flat.depth * 0)
    coarse = downsample_truth(build_ground_truth(flat), 20)
    assert coarse.labels.shape == (20, 20) and not coarse.labels.any() and coarse.crests.shape == (0, 2)


def test_the_cell_farthest_from_the_outline_is_so_on_the_ground(dome):
    """A tall and a wide rectangle of equal cells: the one that is wider on the ground is that with the crest."""
    traps = np.zeros(dome.shape, bool)
    traps[5:45, 5:17] = traps[45:57, 5:45] = True
    for geo, is_tall in (GeoReference(dx=100.0, dy=-25.0), True), (GeoReference(dx=25.0, dy=-100.0), False):
        drawn = dome.replace(traps=traps, depth_valid=np.zeros(dome.shape, bool), geo=geo)
        (crest,) = build_ground_truth(drawn, GroundTruthOptions()).crests
        assert (crest[0] < 45) == is_tall
