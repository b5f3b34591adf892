"""Area and rock volume above contacts: closed forms of domes, brute force, the table of closures."""

import numpy as np
import pytest

from targets.closure import find_closures
from targets.prospects.area_depth import find_area_depth_curves
from tests.targets.prospects.domes import CREST, DOMES, HEIGHT, dome_map

COLUMNS = np.array([0.25, 0.5, 0.75, 0.9]) * HEIGHT


def curve_of(dome: str, spacing: float):
    scene = dome_map(dome, spacing)
    (curve,) = find_area_depth_curves(
        find_closures(scene.depth, min_area=40), scene.geo.cell_areas(scene.shape)
    ).values()
    return curve


@pytest.mark.parametrize("dome", DOMES)
def test_areas_and_volumes_of_domes(dome):
    """Volumes within 0.5 %, areas within 2 %, of closed forms; volumes four times as near with half the cells."""
    true, errors = DOMES[dome], []
    for spacing in (40.0, 20.0, 10.0):
        curve = curve_of(dome, spacing)
        volume, area = curve.volume(CREST + COLUMNS), curve.area(CREST + COLUMNS)
        errors.append(np.abs(volume / true.volume(COLUMNS) - 1).max())
        if spacing == 20:
            assert volume == pytest.approx(true.volume(COLUMNS), rel=5e-3)
            assert area == pytest.approx(true.area(COLUMNS), rel=2e-2)
    assert errors[0] / errors[2] > 4, errors  # 16 for an error that goes with the square of the spacing


@pytest.mark.parametrize("dome", DOMES)
@pytest.mark.parametrize("thickness", [5.0, 25.0, 200.0])
def test_a_reservoir_ends_at_its_base(dome, thickness):
    true, curve = DOMES[dome], curve_of(dome, 10.0)
    above_base = np.where(thickness < COLUMNS, true.volume(np.maximum(COLUMNS - thickness, 0)), 0)
    wanted = true.volume(COLUMNS) - above_base
    assert curve.volume(CREST + COLUMNS, thickness) == pytest.approx(wanted, rel=5e-3)


@pytest.mark.parametrize("seed", range(4))
def test_random_maps_by_brute_force(seed):
    """Every cell by itself; down to the spill point the area and volume of the table."""
    rng = np.random.default_rng(seed)
    depth = 1000 + rng.integers(0, 30, (25, 31)).astype(float) + rng.random((25, 31))
    closures, areas = find_closures(depth, connectivity=4 + 4 * (seed % 2)), rng.uniform(1, 3, (25, 1))
    curves = find_area_depth_curves(closures, areas)
    weights = np.broadcast_to(areas, depth.shape)
    outermost = closures.table[closures.table["parent"] == 0]
    assert list(curves) == outermost["id"].tolist() and len(curves) > 5
    for row in outermost:
        curve, own = curves[row["id"]], closures.labels == row["id"]
        contact = rng.uniform(row["crest_depth"], row["spill_depth"], 5)
        thickness = rng.uniform(0.1, 20)
        for z, area, volume, capped in zip(
            contact, curve.area(contact), curve.volume(contact), curve.volume(contact, thickness), strict=True
        ):
            column = np.maximum(z - closures.grid.depth[own].astype(float), 0)
            assert area == pytest.approx(weights[own][column > 0].sum())
            assert volume == pytest.approx((weights[own] * column).sum())
            assert capped == pytest.approx((weights[own] * np.minimum(column, thickness)).sum())
    plain = find_area_depth_curves(closures, np.ones((1, 1)))
    for row in outermost:
        curve = plain[row["id"]]
        assert float(curve.area(row["spill_depth"])) == row["area"]
        assert float(curve.volume(row["spill_depth"])) == pytest.approx(row["volume"], rel=1e-12)


def test_volume_is_the_integral_of_area():
    curve = curve_of("paraboloid", 40.0)
    depth = np.linspace(curve.crest, curve.spill, 20_001)
    area = curve.area(depth)
    integral = np.sum((area[1:] + area[:-1]) / 2 * np.diff(depth))
    assert float(curve.volume(curve.spill)) == pytest.approx(integral, rel=1e-3)


def test_above_the_crest_there_is_nothing():
    curve = curve_of("cone", 40.0)
    assert curve.area([0, CREST - 1]).tolist() == [0, 0] and curve.volume([0, CREST - 1], 10).tolist() == [0, 0]
