"""A coarse map covers the same ground."""

import numpy as np
import pytest

from targets.scene import GeoReference
from targets.surface.resample import downsample
from tests.conftest import dome_scene


def test_a_map_that_is_small_enough_is_left_alone(dome):
    assert downsample(dome, 64) is dome and downsample(dome, 0) is dome


def test_a_plane_stays_a_plane_and_cells_stay_where_they_were():
    scene = dome_scene(size=60)
    rows, cols = np.indices(scene.shape, np.float32)
    plane = (1000 + 2 * rows + 3 * cols).astype(np.float32)
    coarse = downsample(scene.replace(depth=plane, geo=GeoReference(100.0, 900.0, 10.0, -10.0, rotation=30.0)), 20)
    assert coarse.shape == (20, 20) and coarse.geo.dx == 30 and coarse.geo.dy == -30
    # Coarse cell (r, c) is the mean of nine cells, their middle one at (3r + 1, 3c + 1).
    np.testing.assert_allclose(coarse.depth, plane[1::3, 1::3], rtol=1e-6)
    fine = GeoReference(100.0, 900.0, 10.0, -10.0, rotation=30.0).xy(3 * 4 + 1, 3 * 7 + 1)
    assert np.allclose(coarse.geo.xy(4, 7), fine)


def test_masks_follow_the_larger_part_and_faults_the_quarter(dome):
    inside = dome.map_valid.copy()
    inside[:, :31] = False
    fault = ~dome.map_valid
    fault[:, 40] = True
    coarse = downsample(
        dome.replace(map_valid=inside, depth_valid=inside, fault=fault, traps=inside, salt=inside, image_depth=7.0), 32
    )
    assert coarse.map_valid[0].tolist() == [False] * 15 + [True] * 17
    assert np.flatnonzero(coarse.fault[0]).tolist() == [20]
    assert coarse.rgb.shape == (32, 32, 3) and coarse.traps.dtype == bool
    np.testing.assert_array_equal(coarse.salt, coarse.map_valid)
    assert coarse.image_depth == 7


def test_a_true_surface_is_coarsened_as_its_copy_is(dome):
    coarse = downsample(dome.replace(true_depth=dome.depth), 32)
    assert np.array_equal(coarse.true_depth, coarse.depth)


@pytest.mark.parametrize("shape", [(64, 20), (20, 64), (300, 1)])
def test_proportions_are_kept(shape):
    scene = dome_scene(size=300)
    scene = scene.replace(**{name: getattr(scene, name)[: shape[0], : shape[1]] for name in
                           ("depth", "depth_valid", "map_valid", "fault")}, rgb=None)  # fmt: skip
    coarse = downsample(scene, 16)
    assert max(coarse.shape) == 16 and min(coarse.shape) == max(1, round(min(shape) * 16 / max(shape)))
