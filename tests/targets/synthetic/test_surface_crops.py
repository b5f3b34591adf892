"""Crops of a real surface: as steep as asked, many from one, and both ways up."""

import numpy as np
import pytest

from targets.synthetic.surface_crops import crop_surface
from tests.conftest import dome_scene


def rms_step(surface):
    down, across = np.diff(surface, axis=0)[:, 1:], np.diff(surface, axis=1)[1:]
    return float(np.sqrt(np.mean(np.square(down) + np.square(across))))


@pytest.mark.parametrize("shape", [(64, 64), (40, 90)])
def test_a_crop_is_as_steep_as_asked_and_about_zero(shape):
    surface = crop_surface(np.random.default_rng(1), dome_scene(size=100), shape, 1.5)
    assert surface.shape == shape and surface.dtype == np.float32
    assert rms_step(surface) == pytest.approx(1.5, rel=1e-4) and abs(surface.mean()) < 1e-2


def test_crops_differ_come_upside_down_too_and_repeat_themselves():
    dome = dome_scene(size=100)
    crops = [crop_surface(np.random.default_rng(seed), dome, (48, 48), 1.0) for seed in range(12)]
    assert np.array_equal(crops[5], crop_surface(np.random.default_rng(5), dome, (48, 48), 1.0))
    apart = [np.abs(one - other).max() for i, one in enumerate(crops) for other in crops[:i]]
    assert min(apart) > 0.01
    up = [abs(surface.min()) > abs(surface.max()) for surface in crops]  # a dome is where the depth is least
    assert any(up) and not all(up)


def test_a_crop_is_taken_where_the_surface_is():
    dome = dome_scene(size=100)
    inside = np.zeros_like(dome.map_valid)
    inside[:, :85] = True
    depth = np.where(inside, dome.depth, dome.depth + 5000).astype(np.float32)  # a cliff, if a crop reached beyond
    steps = []
    for seed in range(8):
        surface = crop_surface(
            np.random.default_rng(seed), dome.replace(depth=depth, map_valid=inside, depth_valid=inside), (32, 32), 1.0
        )
        steps.append(np.abs(np.diff(surface, axis=1)).max())
    assert np.median(steps) < 5
