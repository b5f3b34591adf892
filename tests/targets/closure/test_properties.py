"""Cells, volume curves, outlines on faults and map units of closures: truths checked by eye."""

import numpy as np
import pytest
from scipy import ndimage

from targets.closure import cells_of, fault_share, find_closures, in_map_units, volume_curve
from targets.closure.reference import reference_closures
from targets.errors import UserError
from targets.scene import GeoReference
from tests.targets.closure.cases import RIDGE, rough


@pytest.mark.parametrize("interval", [None, 1.5])
def test_the_cells_of_nested_closures(interval: float | None) -> None:
    depth = rough(4, (14, 18))
    found = find_closures(depth, contour_interval=interval)
    truth = {c.cells.tobytes() for c in reference_closures(depth, contour_interval=interval)}
    assert {cells_of(found, id).tobytes() for id in found.table["id"]} == truth


def test_volume_curve_of_a_cone() -> None:
    # area grows with the square of the height, volume with its cube: a third of area times height
    row, col = np.indices((201, 201)) - 100
    found = find_closures(1000 + np.hypot(row, col))
    curve = volume_curve(found, 1, steps=10, cell_area=25.0)
    assert curve.contact[0] == 1000 and curve.contact[-1] == 1100 and curve.volume[0] == 0
    assert curve.area == pytest.approx(25 * np.pi * curve.height**2, rel=0.04, abs=25)
    assert curve.volume[1:] == pytest.approx(25 * np.pi * curve.height[1:] ** 3 / 3, rel=0.04)
    assert curve.volume[-1] == pytest.approx(25 * found.table["volume"][0])
    with pytest.raises(UserError, match="1 to 1"):
        volume_curve(found, 2)


def test_share_of_the_outline_on_a_fault() -> None:
    # a square closure of 2 x 3 cells, 10 sides around; a fault beside one short end, 2 sides
    depth = np.full((5, 7), 9)
    depth[1:3, 2:5] = 5
    faults = np.zeros(depth.shape, bool)
    faults[:, 5] = True
    assert fault_share(find_closures(depth), faults).tolist() == [0.2]
    assert fault_share(find_closures(depth), ~faults & False).tolist() == [0.0]


@pytest.mark.parametrize("rule", ["transparent", "sealing"])
def test_closures_that_touch_a_fault(rule: str) -> None:
    depth = rough(8)
    faults = np.random.default_rng(1).random(depth.shape) > 0.98
    found = find_closures(depth, faults=faults, fault_rule=rule)
    near = ndimage.binary_dilation(faults, np.ones((3, 3)))
    truth = [(cells_of(found, id) & near).any() for id in found.table["id"]]
    assert found.table["touches_fault"].tolist() == truth and 0 < sum(truth) < len(truth)


def test_map_units() -> None:
    table = in_map_units(find_closures(RIDGE), GeoReference(x0=100.0, y0=500.0, dx=10.0, dy=-20.0))
    in_cells = find_closures(RIDGE).table
    assert table["area"].tolist() == (in_cells["area"] * 200).tolist()
    assert table["volume"].tolist() == (in_cells["volume"] * 200).tolist()
    assert (table["crest_x"][0], table["crest_y"][0]) == (140.0, 480.0)


@pytest.mark.parametrize("geo", [GeoReference(dx=10.0, dy=-10.0), GeoReference(crs="EPSG:4326", dx=0.001, dy=-0.001)])
@pytest.mark.parametrize("interval", [None, 0.7])
def test_height_and_volume_are_those_above_the_outline(interval: float | None, geo: GeoReference) -> None:
    depth = rough(8).astype(np.float64)
    found = find_closures(depth, contour_interval=interval)
    table = in_map_units(found, geo)
    areas = np.broadcast_to(geo.cell_areas(depth.shape), depth.shape)
    for row in table:
        inside = cells_of(found, row["id"])
        volume = ((row["contour_depth"] - depth) * areas)[inside].sum() * geo.height_factor
        assert row["height"] == row["contour_depth"] - row["crest_depth"]
        assert row["volume"] == pytest.approx(volume, rel=1e-9, abs=1e-9 * areas.max())
    assert interval is None or (table["height"] < found.table["height"]).any()
