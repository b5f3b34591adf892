"""Metrics by size of a trap: states that add up, classes and spill points that can be checked by eye."""

from dataclasses import replace

import numpy as np
import pytest

from mtl.metrics.base import add_states
from mtl.metrics.by_size import STATE, TileView, count_by_size, metrics_by_size, size_class, spill_point_hidden
from mtl.metrics.masks import count_mask
from tests.conftest import dome_scene
from tests.mtl.inference.test_predictor import predictor


def squares(*corners_and_sides, size=64):
    """(1, size, size) mask of squares, each (row, col, side)."""
    mask = np.zeros((1, size, size), np.float32)
    for row, col, side in corners_and_sides:
        mask[0, row : row + side, col : col + side] = 1
    return mask


def one_tile(side=64.0, at=(0, 0), visible=None):
    return TileView(side, visible or side, np.array([at], float))


def test_the_classes_together_are_the_mask():
    rng = np.random.default_rng(0)
    prediction, target = (rng.random((1, 64, 64)).astype(np.float32) > 0.6 for _ in range(2))
    valid = rng.random((64, 64)) > 0.1
    whole = count_mask(prediction.astype(np.float32), target.astype(np.float32), valid)
    classes = count_by_size(prediction, target, valid, dome_scene(), one_tile(), 16)
    assert {name: value for name, value in add_states(classes).items() if name in whole} == whole


def test_traps_and_false_alarms_stand_in_the_class_of_their_size():
    scene, target = dome_scene(), squares((4, 4, 8), (20, 20, 36))  # diameters of 9 and 41 cells
    prediction = squares((4, 4, 12), (50, 2, 6))  # the small one and 80 cells too many, and a speck of 36 cells
    classes = count_by_size(prediction, target, scene.map_valid, scene, one_tile(), 64)
    small, _, large, *_ = classes
    assert [small[name] for name in STATE] == [1, 1, 0, 64, 80 + 36, 0]
    assert [large[name] for name in STATE] == [1, 0, 0, 0, 0, 36**2]
    values = metrics_by_size([classes, classes])  # two maps
    assert values["below 1/4"] == {"traps": 2, "beyond": 0, "found": 1, "recall": 1, "iou": 64 / 180}
    assert values["1/2 to 1"]["recall"] == 0 and np.isnan(values["above 2"]["iou"])


def test_a_trap_is_found_if_more_than_half_of_it_is_predicted():
    scene, target = dome_scene(), squares((4, 4, 8))
    prediction = target.copy()
    prediction[0, 4:8] = 0
    for more, found in ((0, 0), (1, 1)):
        prediction[0, 4, 4] = more
        classes = count_by_size(prediction, target, scene.map_valid, scene, one_tile(), 64)
        assert add_states(classes)["found"] == found


@pytest.mark.parametrize(("diameter", "expected"), [(15.9, 0), (16.1, 1), (33, 2), (65, 3), (200, 4)])
def test_a_disc_is_as_large_as_its_diameter(diameter, expected):
    assert size_class(np.pi * diameter**2 / 4, 64) == expected


def test_the_spill_point_is_visible_from_the_tile_that_holds_the_trap_or_in_its_context():
    scene, trap = dome_scene(), squares((20, 20, 24))[0] > 0
    depth = scene.depth.copy()
    depth[30, 44] = depth.min() - 1  # the shallowest cell around the square: just right of it
    scene = scene.replace(depth=depth)
    assert not spill_point_hidden(trap, scene, one_tile(32, (16, 13)))
    assert spill_point_hidden(trap, scene, one_tile(32, (16, 12)))  # its last column is 43
    assert not spill_point_hidden(trap, scene, one_tile(32, (16, 12), visible=34))
    two = TileView(
        32, 32, np.array([[16.0, 0.0], [16.0, 32.0]])
    )  # halves of the trap, and the spill point in the second
    assert not spill_point_hidden(trap, scene, two)
    assert spill_point_hidden(
        trap, scene, replace(two, origins=np.add(two.origins, [0, 1]))
    )  # the first now holds more


def test_without_a_depth_all_of_the_outline_must_be_visible():
    scene, trap = dome_scene(), squares((20, 20, 24))[0] > 0
    scene = scene.replace(depth=scene.depth * 0, depth_valid=~scene.map_valid)
    assert not spill_point_hidden(trap, scene, one_tile(26, (19, 19)))
    assert spill_point_hidden(trap, scene, one_tile(26, (20, 19)))


def test_a_downsampled_map_has_larger_tiles():
    fine, coarse = (predictor(longest).tile_view(dome_scene(size=200)) for longest in (0, 100))
    assert (fine.tile_side, coarse.tile_side, len(coarse.origins)) == (64, 128, 9)
    np.testing.assert_array_equal(coarse.origins.max(0), [128, 128])  # 64 of 100 coarse cells, padded to 128
