"""Masked arrays, DataArrays of xarray and every type of number give the answer of plain float arrays."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import trapmtl
from targets.closure import (
    SearchOptions,
    TileOptions,
    catchments,
    closure_probability,
    fault_share,
    find_closures,
    find_closures_tiled,
    in_map_units,
    migration_paths,
)
from targets.errors import UserError
from tests.targets.closure.cases import keep_rasters_in_memory, rough

HOLE = np.zeros((24, 30), bool)
HOLE[3:9, 4:12] = HOLE[15:, 20] = True
DEPTH = np.where(HOLE, np.nan, np.round(rough(3, HOLE.shape) * 3))
VALID = np.random.default_rng(1).random(HOLE.shape) > 0.03
FAULTS = np.random.default_rng(2).choice([0, 0, 0, 0, 1, 2], HOLE.shape)
MASKED = np.random.default_rng(3).random(HOLE.shape) > 0.9


@pytest.fixture(autouse=True)
def _tiles_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_rasters_in_memory(monkeypatch)


def answers(depth: Any, tmp_path: Path, valid: Any = None, faults: Any = None) -> list[NDArray]:
    """What every public function says of a map, as a list of arrays."""
    rule = "transparent" if faults is None else "sealing"
    found = find_closures(depth, valid, faults, rule, contour_interval=2)
    options = SearchOptions(fault_rule=rule, contour_interval=2)
    tiled = find_closures_tiled(depth, tmp_path, valid, faults, options, TileOptions(10))
    chance = closure_probability(depth, 1.5, 3, 4, valid=valid, faults=faults, fault_rule=rule)
    tables = [found.table[name] for name in found.table.dtype.names or () if name != "volume"]
    shares = [] if faults is None else [fault_share(found, faults)]
    return [
        found.labels, found.height, *tables, np.asarray(tiled.labels[:, :]), np.asarray(tiled.height[:, :]),
        catchments(found), *migration_paths(found), chance.probability, chance.exists, *shares,
    ]  # fmt: skip


def assert_same(found: list[NDArray], expected: list[NDArray]) -> None:
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def masked(kind: Any, fill: float) -> Callable[[NDArray], NDArray]:
    """The map as a masked array, with a misleading number under the mask."""
    return lambda depth: np.ma.MaskedArray(np.where(HOLE, fill, depth).astype(kind), HOLE)


@pytest.mark.parametrize(
    "as_given",
    [
        masked(np.float32, -500),
        masked(np.float64, 1e30),
        masked(np.float64, np.nan),
        masked(np.int16, -32768),
        masked(np.int64, -(2**63)),
        masked(">f4", 0),
        lambda depth: np.ma.masked_invalid(depth).astype(np.float16),
        lambda depth: depth.astype(np.float16),
        lambda depth: depth.astype(">f8"),
        lambda depth: np.asfortranarray(depth),
        lambda depth: np.repeat(depth, 2, axis=1)[:, ::2],
        lambda depth: depth.tolist(),
        lambda depth: np.where(HOLE, -np.inf, depth),
        lambda depth: np.where(HOLE, np.inf, depth).astype(np.float32),
    ],
)
def test_every_kind_of_array_gives_one_answer(as_given: Callable[[NDArray], Any], tmp_path: Path) -> None:
    given = as_given(DEPTH)
    if isinstance(given, np.ndarray):
        given.flags.writeable = False
    assert_same(answers(given, tmp_path, VALID, FAULTS), answers(DEPTH, tmp_path, VALID, FAULTS))


def test_masks_of_validity_and_faults_count(tmp_path: Path) -> None:
    valid, faults = np.ma.MaskedArray(VALID, MASKED), np.ma.MaskedArray(FAULTS, MASKED)
    plain = answers(DEPTH, tmp_path, VALID & ~MASKED, np.where(MASKED, 0, FAULTS))
    assert_same(answers(DEPTH, tmp_path, valid, faults), plain)


def test_a_masked_dome_keeps_its_cells() -> None:
    row, col = np.indices((61, 61))
    dome = 1000 + np.hypot(row - 30, col - 30)
    dome[:6] = -999  # outside of the map, as its mask says
    found = trapmtl.find_closures(np.ma.masked_equal(dome, -999))
    assert found.table["area"].tolist() == [int((np.hypot(row - 30, col - 30) < 24).sum())]


def test_whole_numbers_of_one_bit() -> None:
    depth = np.ones((5, 5), bool)
    depth[2, 2] = False
    assert find_closures(depth).table["area"].tolist() == [1]


@pytest.mark.parametrize(
    ("depth", "words"),
    [
        ([[1, 2], [3]], "no array of numbers"),
        (np.zeros((3, 3), complex), "complex"),
        (np.array([[1.0, None]]), "object"),
        (np.zeros((3, 3), "M8[s]"), "datetime"),
        (np.full((3, 3), 2**60), "2\\^53"),
        (np.full((3, 3), 2**64 - 1, np.uint64), "2\\^53"),
        (np.zeros((1, 3, 3)), "shape"),
        (np.zeros(3), "shape"),
        (7.0, "shape"),
        (np.ma.masked_all((0, 3)), "at least one cell"),
    ],
)
def test_what_is_no_map_is_refused(depth: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        find_closures(depth)


# xarray ---------------------------------------------------------------------------------------------------------------


def labelled(values: NDArray, **attrs: Any) -> Any:
    """The map with coordinates, y falling."""
    xarray = pytest.importorskip("xarray")
    rows, cols = values.shape
    coords = {"y": 6000.0 - 50 * np.arange(rows), "x": 1000.0 + 25 * np.arange(cols)}
    return xarray.DataArray(values, coords, ("y", "x"), attrs=attrs)


@pytest.mark.parametrize(
    "turn",
    [
        lambda depth: depth,
        lambda depth: depth.sortby("y"),
        lambda depth: depth.sortby("x", ascending=False),
        lambda depth: depth.transpose("x", "y"),
    ],
)
def test_a_data_array_is_taken_in_its_own_order(turn: Callable[[Any], Any], tmp_path: Path) -> None:
    depth, valid, faults = turn(labelled(DEPTH)), labelled(VALID), labelled(FAULTS)
    plain = [np.array(array.values) for array in (depth, turn(valid), turn(faults))]
    expected = answers(plain[0], tmp_path, *plain[1:])
    assert_same(answers(depth, tmp_path, turn(valid), turn(faults)), expected)
    found = find_closures(depth)
    x, y = found.geo.xy(found.table["crest_row"], found.table["crest_col"])
    at_crest = [float(depth.sel(x=east, y=north)) for east, north in zip(x, y, strict=True)]
    assert at_crest == found.table["crest_depth"].tolist()
    assert found.geo.cell_area == 1250
    assert in_map_units(found)["crest_x"].tolist() == x.tolist()


def test_masks_are_laid_onto_the_depth_by_their_dimensions() -> None:
    square = labelled(DEPTH[:24, :24])
    faults = labelled(FAULTS[:24, :24])
    expected = find_closures(square, faults=faults, fault_rule="sealing")
    found = find_closures(square, faults=faults.transpose("x", "y"), fault_rule="sealing")
    assert (found.labels == expected.labels).all()
    with pytest.raises(UserError, match="other coordinates along y"):
        find_closures(square, faults=faults.sortby("y"), fault_rule="sealing")
    with pytest.raises(UserError, match="dimensions"):
        find_closures(square, faults=faults.rename(y="row"), fault_rule="sealing")


@pytest.mark.parametrize("key", ["_FillValue", "missing_value", "nodata", "nodatavals"])
def test_fill_values_scale_and_offset_in_the_attributes(key: str, tmp_path: Path) -> None:
    stored = np.where(HOLE, -999, DEPTH * 2 - 10).astype(np.int16)
    attrs = {key: (-999,) if key == "nodatavals" else -999, "scale_factor": 0.5, "add_offset": 5}
    given = labelled(stored, **attrs)
    assert_same(answers(given, tmp_path), answers(DEPTH, tmp_path))
    assert_same(answers(given.expand_dims("band"), tmp_path), answers(DEPTH, tmp_path))


def test_units_and_uneven_coordinates() -> None:
    depth = labelled(DEPTH, units="Meters below sea level")
    depth["x"].attrs["units"] = depth["y"].attrs["units"] = "m"
    geo = find_closures(depth).geo
    assert (geo.depth_unit, geo.xy_unit, geo.dx, geo.dy, geo.x0, geo.y0) == ("m", "m", 25, -50, 1000, 6000)
    uneven = depth.assign_coords(x=np.arange(30.0) ** 2)
    assert not find_closures(uneven).geo.located
    assert not find_closures(depth.drop_vars("x")).geo.located
    with pytest.raises(UserError, match="data set of several variables"):
        find_closures(depth.to_dataset(name="top"))
