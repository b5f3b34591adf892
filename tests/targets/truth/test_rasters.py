"""Training targets: the exact rasters of a map, checked by eye or by symmetry."""

import numpy as np
import pytest

from targets.scene import GeoReference
from targets.truth.criteria import GroundTruthOptions, TrapCriteria
from targets.truth.rasters import (
    BORDER,
    FAULT,
    LEAST_AREA,
    TRAP,
    boundary_band,
    closure_planes,
    crest_distance,
    crest_heatmap,
    outline_band,
    trap_mask,
)
from targets.truth.traps import build_ground_truth, downsample_truth
from tests.conftest import dome_scene


def test_the_boundary_band_has_the_given_width():
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
    interpreted = np.zeros((64, 64), bool)
    interpreted[30:35, 20:25] = interpreted[30:35, 28:33] = True
    scene = dome_scene().replace(traps=interpreted)
    heat = crest_heatmap(build_ground_truth(scene, GroundTruthOptions(crest_sigma=4)))
    assert heat.max() == 1


def test_distance_is_measured_to_ones_own_crest(dome):
    truth = build_ground_truth(dome)
    distance = crest_distance(truth)
    assert distance[32, 32] == 0 and distance[32, 42] == 10 and distance[35, 36] == 5
    assert (distance[truth.labels == 0] == 0).all()


def test_geodesic_distance_goes_round_a_bay():
    # A U-shaped trap: the path from one arm to the other leads through the bend.
    interpreted = np.zeros((64, 64), bool)
    interpreted[10:50, 10:14] = interpreted[10:50, 30:34] = interpreted[46:50, 10:34] = True
    depth = np.full((64, 64), 100, np.float32)
    depth[10, 10] = 0
    scene = dome_scene().replace(traps=interpreted, depth=depth)
    euclidean, geodesic = (
        crest_distance(build_ground_truth(scene, GroundTruthOptions(distance=kind)))
        for kind in ("euclidean", "geodesic")
    )
    assert euclidean[10, 30] == 20
    assert 75 < geodesic[10, 30] < 100
    assert (geodesic[interpreted] >= euclidean[interpreted] - 1e-4).all()


@pytest.mark.parametrize(("connectivity", "expected"), [(8, 2**0.5), (4, 3 * 2**0.5)])
def test_geodesic_distance_leaks_over_corners_only_where_eight_neighbours_are_one_trap(connectivity, expected):
    # A ring of cells around a pit, open at one corner: crest and target share that corner alone.
    depth = np.full((9, 9), 100, np.float32)
    for row, col in [(4, 3), (3, 3), (3, 4), (3, 5), (4, 5), (5, 5), (5, 4)]:
        depth[row, col] = 50
    depth[4, 3] = 40
    options = GroundTruthOptions(TrapCriteria(connectivity=connectivity, min_area=1), distance="geodesic")
    distance = crest_distance(build_ground_truth(dome_scene(size=9).replace(depth=depth), options))
    assert distance[4, 3] == 0 and distance[5, 4] == pytest.approx(expected)
    assert distance[4, 5] == pytest.approx(2 * 2**0.5)


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


def test_lengths_hold_on_downsampled_copies():
    options = GroundTruthOptions(boundary_width=16, crest_sigma=24)
    truth = build_ground_truth(dome_scene(size=256), options)
    coarse = downsample_truth(truth, 64)
    bands, heats = ([raster(t) for t in (truth, coarse)] for raster in (boundary_band, crest_heatmap))
    assert bands[1].sum() * 16 == pytest.approx(bands[0].sum(), rel=0.1)
    assert heats[1].sum() * 16 == pytest.approx(heats[0].sum(), rel=0.05)
    # The network does not know how coarse its cells are: its distances are in them.
    assert crest_distance(coarse).max() * 4 == pytest.approx(crest_distance(truth).max(), rel=0.05)


@pytest.mark.parametrize("kind", ["euclidean", "geodesic"])
def test_oblong_cells_have_the_lengths_of_the_ground(kind):
    """A dome on cells of 12.5 x 25 m, and the same one on square cells that are as large."""
    options = GroundTruthOptions(boundary_width=12, crest_sigma=10, distance=kind)
    rasters = {}
    for name, (dx, dy) in {"square": (312.5**0.5, 312.5**0.5), "oblong": (12.5, 25.0)}.items():
        shape = round(4000 / dy), round(4000 / dx)
        rows, cols = np.indices(shape)
        radius = np.hypot((rows + 0.5) * dy - 2000, (cols + 0.5) * dx - 2000)
        scene = dome_scene(size=8).replace(
            depth=(2000 + np.minimum(radius, 1500) / 10).astype(np.float32),
            **{key: np.ones(shape, bool) for key in ("depth_valid", "map_valid")},
            fault=np.zeros(shape, bool), rgb=None, geo=GeoReference(0.0, 0.0, dx, -dy),
        )  # fmt: skip
        truth = build_ground_truth(scene, options)
        rasters[name] = [raster(truth) for raster in (boundary_band, crest_heatmap, crest_distance)]
        row, col = (int(place) for place in truth.crests[0])
        expected = pytest.approx(1000 / 312.5**0.5, abs=1)
        assert rasters[name][2][row, col + round(1000 / dx)] == expected
        assert rasters[name][2][row + round(1000 / dy), col] == expected
    for square, oblong in zip(*rasters.values(), strict=True):
        assert oblong.sum() == pytest.approx(square.sum(), rel=0.08)


def test_planes_for_closures_of_another_surface():
    inside, fault = np.zeros((64, 64), bool), np.zeros((64, 64), bool)
    inside[:, :50] = True
    fault[5, 5] = True
    scene = dome_scene().replace(map_valid=inside, depth_valid=inside, fault=fault)
    truth = build_ground_truth(scene, GroundTruthOptions(traps=TrapCriteria(min_area=80)))
    planes = closure_planes(truth)
    assert (planes[TRAP] == truth.labels).all() and planes[TRAP].max() == 1
    assert np.argwhere(planes[FAULT]).tolist() == [[5, 5]]
    frame = np.ones((64, 50), bool)
    frame[1:-1, 1:-1] = False
    assert (planes[BORDER, :, :50] == frame).all() and not planes[BORDER, :, 50:].any()
    assert (planes[LEAST_AREA] == 80).all()
    assert (closure_planes(downsample_truth(truth, 32))[LEAST_AREA] == 20).all()  # a coarse cell is four
