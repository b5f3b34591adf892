"""Undeclared nulls: every kind that programs write is found, and no real surface loses a cell."""

import numpy as np
import pytest
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.nulls import KEPT, SAMPLE, find_nulls, summarise_values, undefine_nulls

ROWS, COLS = np.mgrid[0:60, 0:50].astype(float)
DOME = 1940.0 + 0.05 * (ROWS - 31.3) ** 2 + 0.031 * (COLS - 24.7) ** 2  # 1940 to 2005 m, no value twice
PLACES = {"border": np.s_[:, :4], "inside": np.s_[20:26, 12:19], "one cell": np.s_[44, 33]}

SURFACES = {
    "depths": DOME,
    "two sides of a fault": np.where(COLS < 20, DOME, DOME + 70),
    "400 to 3400 m": 400 + 3000 * (DOME - DOME.min()) / np.ptp(DOME),
    "2000 to 8000 m": 2000 + 6000 * (DOME - DOME.min()) / np.ptp(DOME),
    "elevations": -DOME,
    "feet": DOME / 0.3048,
    "two-way time": DOME * 0.9,
    "whole metres": np.rint(DOME),
    "centimetres": np.round(DOME, 2),
}
CODES = (-999.25, -999, -9999, -99999, 9999, 99999, 999999, -32768, 32767, 0)
BEYOND = (1e20, 1e30, 1.0e31, 9999900, -1e30, -3.4028235e38, 3.4e38, 1.70141e38, -2147483648, np.inf, -np.inf)


def with_null(surface: NDArray, null: float, place: str) -> tuple[NDArray, NDArray]:
    """The surface with a null in some cells, and where they are."""
    cells = np.zeros(surface.shape, bool)
    cells[PLACES[place]] = True
    return np.where(cells, null, surface), cells


def assert_undefined(values: NDArray, cells: NDArray, note: str) -> None:
    defined, nulls = undefine_nulls(values, None)
    np.testing.assert_array_equal(np.isnan(defined), cells)
    np.testing.assert_array_equal(defined[~cells], values[~cells])
    assert len(nulls.notes) == 1 and note in nulls.notes[0]
    assert (nulls.low, nulls.high) == (values[~cells].min(), values[~cells].max())


def is_amid(null: float, surface: NDArray) -> bool:
    """Whether a null lies amid the values, and so may be one of them."""
    return bool(surface.min() < null < surface.max())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("name", "null"), [(name, null) for name in SURFACES for null in CODES if not is_amid(null, SURFACES[name])]
)
def test_codes_of_undefined_cells_are_found(name: str, null: float, place: str) -> None:
    values, cells = with_null(SURFACES[name], null, place)
    assert_undefined(values.astype(np.float32), cells, f"{cells.sum()} cell")
    assert_undefined(values, cells, f"exactly {null:g} ")


@pytest.mark.parametrize("null", BEYOND)
@pytest.mark.parametrize("name", SURFACES)
def test_what_no_depth_can_be_is_undefined(name: str, null: float) -> None:
    values, cells = with_null(SURFACES[name], null, "inside")
    with np.errstate(over="ignore"):
        assert_undefined(values.astype(np.float32), cells, "42 cells beyond 1e+06")
    assert_undefined(values, cells, "42 cells beyond 1e+06")


def holds(dtype: type, null: int) -> bool:
    """Whether a type of numbers holds a null."""
    return not np.issubdtype(dtype, np.integer) or np.iinfo(dtype).min <= null <= np.iinfo(dtype).max


@pytest.mark.parametrize(
    ("null", "dtype"),
    [
        (null, dtype)
        for dtype in (np.int16, np.int32, np.uint16, np.float32, np.float64)
        for null in (-9999, -32768, 32767, 0, 65535, 9999)
        if holds(dtype, null)
    ],
)
def test_nulls_in_grids_of_whole_numbers(null: int, dtype: type) -> None:
    values, cells = with_null(np.rint(DOME), null, "border")
    assert_undefined(values.astype(dtype), cells, f"exactly {null} ")


@pytest.mark.parametrize("null", [-(2**31), 2**31 - 1, -(2**63)])
def test_the_ends_of_whole_numbers_are_undefined(null: int) -> None:
    values, cells = with_null(np.rint(DOME), 0, "border")
    whole = values.astype(np.int32 if abs(null) <= 2**31 else np.int64)
    whole[cells] = null
    assert_undefined(whole, cells, "beyond 1e+06")


@pytest.mark.parametrize("factor", [0.3048, 1 / 0.3048, 0.1, 0.001, 10.0])
@pytest.mark.parametrize("null", [-9999, -32768, -999.25, 9999])
def test_nulls_that_were_scaled_with_the_depths(null: float, factor: float) -> None:
    values, cells = with_null(DOME, null, "one cell")
    assert_undefined((values * factor).astype(np.float32), cells, "1 cell of exactly")


@pytest.mark.parametrize("null", [-1.0, 5000.0, -12345.0, 1e5, 12.5])
def test_any_value_repeated_far_outside_the_rest(null: float) -> None:
    values, cells = with_null(DOME, null, "inside")
    assert_undefined(values, cells, f"42 cells of exactly {null:g} are taken as undefined; --nodata none keeps them")


@pytest.mark.parametrize("nulls", [(-9999, 9999), (0, 9999), (-999, -999.25), (0, -9999, -99999), (0, 1e30, -999.25)])
@pytest.mark.parametrize("name", ["depths", "400 to 3400 m", "whole metres"])
def test_several_nulls_in_one_grid(name: str, nulls: tuple[float, ...]) -> None:
    values = SURFACES[name].copy()
    cells = np.zeros(values.shape, bool)
    for place, null in enumerate(nulls):
        cells[5 * place : 5 * place + 4, 3:9] = True
        values[5 * place : 5 * place + 4, 3:9] = null
    defined, found = undefine_nulls(values, None)
    np.testing.assert_array_equal(np.isnan(defined), cells)
    assert len(found.notes) == len(nulls)


def test_a_code_amid_the_values() -> None:
    surface = -500 - 0.5 * (DOME - 1900)[:, :, None].repeat(8, 2).reshape(60, -1) * np.linspace(1, 40, 400)
    values = surface.copy()
    values[:10, :30] = -999.25
    defined, _ = undefine_nulls(values, None)
    assert np.isnan(defined[:10, :30]).all() and np.isfinite(defined[10:]).all()
    plateau = np.round(surface)
    plateau[:10, :30] = -999
    assert undefine_nulls(plateau, None)[0] is plateau  # amid whole numbers it is one of them


def reef() -> NDArray:
    """A pinnacle 300 m high on a plain, a few cells wide."""
    return DOME - 300 * np.exp(-((ROWS - 20) ** 2 + (COLS - 30) ** 2) / 6)


rng = np.random.default_rng(0)
REAL = {
    "mask": (DOME < 1960).astype(float),
    "mask of bytes": np.where(DOME < 1960, 255, 0).astype(np.uint8),
    "mask of booleans": DOME < 1960,
    "labels": np.floor((DOME - 1940) / 9),
    "labels of classes": np.select([DOME < 1950, DOME < 1970], [100.0, 200.0], 0.0),
    "whole metres with a plateau": np.maximum(np.rint(DOME), 1955),
    "clipped above": np.maximum(DOME, 1955.5),
    "clipped below": np.minimum(DOME, 1990),
    "clipped at a code": np.maximum(DOME - 1000, 999),
    "reef": reef(),
    "reef with a flat top": np.maximum(reef(), 1700),
    "island at sea level": np.maximum(1960 - DOME, 0),
    "island in whole metres": np.maximum(np.rint(1960 - DOME), 0),
    "land and sea": np.rint(1960 - DOME),
    "thickness": np.maximum(DOME - 1950, 0),
    "normalised": (DOME - DOME.min()) / np.ptp(DOME),
    "noise": rng.normal(2000, 10, (60, 50)),
    "constant": np.full((20, 20), 1500.0),
    "all zero": np.zeros((20, 20)),
    "one cell": np.array([[0.0]]),
    "tiny": np.array([[1500.0, 1510.0], [1520.0, 0.0]]),
    "tiny bytes": np.array([[0, 200]], np.uint8),
    "terraces": 1500 + 50 * np.floor(DOME / 20),
    "horst": np.where((COLS > 20) & (COLS < 30), 1900.0, DOME),
    "ramp": COLS * 100,
    "one row": DOME[:1],
    "empty": np.full((3, 3), np.nan),
}


@pytest.mark.parametrize("name", REAL)
def test_real_surfaces_keep_every_cell(name: str) -> None:
    values = REAL[name]
    assert undefine_nulls(values, None)[0] is values


@pytest.mark.parametrize("name", ["depths", "whole metres", "elevations", "400 to 3400 m", "centimetres"])
def test_surfaces_without_nulls_say_nothing(name: str) -> None:
    assert undefine_nulls(SURFACES[name], None)[1].notes == ()


def test_an_isolated_extreme_is_kept_and_reported() -> None:
    values, _ = with_null(DOME, 1234.5, "one cell")
    defined, nulls = undefine_nulls(values, None)
    assert defined is values
    (note,) = nulls.notes
    assert "1 cell of 1234.5 lies far from the rest" in note and "kept; --nodata V" in note


def test_zeros_beside_a_surface_of_few_whole_numbers_are_reported() -> None:
    values, _ = with_null(np.rint(DOME / np.ptp(DOME) * 6) + 40, 0, "border")
    defined, nulls = undefine_nulls(values, None)
    assert defined is values and len(nulls.notes) == 1 and "of 0 lie far from the rest" in nulls.notes[0]


def test_the_user_names_the_null() -> None:
    values, cells = with_null(DOME, -9999, "inside")
    values[0, 0] = 1960.5
    defined, nulls = undefine_nulls(values, 1960.5)
    assert np.isnan(defined[0, 0]) and np.isnan(defined).sum() == 1
    assert nulls.notes == ("42 cells of exactly -9999 look undefined and are kept, since --nodata is 1960.5",)
    assert undefine_nulls(values, -9999)[1].notes == ()
    np.testing.assert_array_equal(np.isnan(undefine_nulls(values.astype(np.float32), -9999)[0]), cells)
    rounded = np.where(cells, np.float32(-999.1), DOME).astype(np.float32)
    np.testing.assert_array_equal(np.isnan(undefine_nulls(rounded, -999.1)[0]), cells)
    huge = np.where(cells, 3.4028235e38, DOME)
    defined, nulls = undefine_nulls(huge, 3.4e38)  # as text rounds it
    np.testing.assert_array_equal(np.isnan(defined), cells)
    assert nulls.notes == ()


def test_nothing_is_undefined_if_the_user_says_so() -> None:
    values, _ = with_null(DOME, -9999, "inside")
    kept, nulls = undefine_nulls(values, "none")
    assert kept is values and "are kept, since --nodata is none" in nulls.notes[0]
    assert undefine_nulls(np.array([[np.inf, 1.0]]), "none")[0].tolist()[0][1] == 1
    with pytest.raises(UserError, match=r"^top: 1 cell beyond 1e\+06 in size, such as 1e\+30; expected depths"):
        undefine_nulls(np.array([[1e30, 1.0]]), "none", "top")


@pytest.mark.parametrize("nodata", [None, "none", -9999.0])
def test_a_grid_of_northings_is_no_map_without_depths(nodata) -> None:
    with pytest.raises(UserError, match=r"^top: all values are beyond 1e\+06 in size, such as 5.926e\+06; .*--columns"):
        undefine_nulls(np.array([[5926000.0, np.nan], [5925950.0, np.inf]])[:, :1], nodata, "top")
    assert np.isnan(undefine_nulls(np.array([[np.inf, np.nan]]), None)[0]).all()


@pytest.mark.parametrize("name", [*SURFACES, *REAL])
def test_parts_merge_into_the_summary_of_the_whole(name: str) -> None:
    values = (SURFACES | REAL)[name]
    values = np.where(rng.random(values.shape) < 0.1, rng.choice([-9999, 1e30, 0, np.nan]), values)
    merged = summarise_values(values[:0])
    for piece in np.array_split(values.ravel(), 7):
        merged = merged.merge(summarise_values(piece))
    whole = summarise_values(values)
    assert vars(merged) == vars(whole)
    assert repr(find_nulls(merged, None)) == repr(find_nulls(whole, None))


@pytest.mark.parametrize("kind", ["smooth", "whole", "null", "huge"])
def test_a_large_grid_is_summarised_as_a_small_one(kind: str) -> None:
    values = rng.normal(2000, 50, 5 * SAMPLE).astype(np.float32)
    values[::11] = np.nan
    if kind == "whole":
        values = np.rint(values)
    if kind in ("null", "huge"):
        values[: 2 * SAMPLE] = -9999 if kind == "null" else 1e30
    summary = summarise_values(values)
    usual = values[np.abs(values) <= 1e6]
    distinct, counts = np.unique(usual, return_counts=True)
    expected = list(zip(distinct.astype(float).tolist(), counts.tolist(), strict=True))
    assert list(summary.low.items()) == expected[:KEPT] and list(summary.high.items()) == expected[-KEPT:]
    assert summary.count == usual.size and summary.beyond_count == np.isfinite(values).sum() - usual.size


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32])
@pytest.mark.parametrize(("null", "top"), [(9999, 9970), (0, -60), (-999, -1030), (0, -200)])
def test_a_code_that_whole_numbers_may_hold_is_kept_and_reported(null: int, top: int, dtype: type) -> None:
    """Whole metres on both sides of a code: whether it is a depth cannot be known, so a line says that it stays."""
    rows, cols = np.indices((60, 60))
    depth = np.round(top + 0.12 * ((rows - 30) ** 2 + (cols - 30) ** 2) + 3 * np.sin(cols / 5)).astype(dtype)
    assert not undefine_nulls(depth, None)[1].notes  # the code is a depth among others
    depth[5:12, 10:30] = null
    kept, nulls = undefine_nulls(depth, None)
    np.testing.assert_array_equal(kept, depth)
    assert len(nulls.notes) == 1 and f"of exactly {null}, which programs write for undefined" in nulls.notes[0]
    assert not undefine_nulls(depth, "none")[1].notes
    assert np.isnan(undefine_nulls(depth, float(null))[0]).sum() >= 140


def test_zeros_on_both_sides_of_sea_level_are_kept_and_reported() -> None:
    rows, cols = np.indices((60, 60))
    depth = (20 * np.sin(cols / 7) + 15 * np.cos(rows / 9) + 0.01 * cols).astype(np.float32)
    assert not undefine_nulls(depth, None)[1].notes
    depth[5:12, 10:30] = 0
    (note,) = undefine_nulls(depth, None)[1].notes
    assert note.startswith("140 cells of exactly 0") and note.endswith("--nodata 0 leaves them out")
