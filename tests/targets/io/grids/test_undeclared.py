"""Nulls that no file declares: each kind in each format gives the closures of the file that declares them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from targets.closure import find_closures
from targets.io.grid_map import load_grid
from targets.io.grids.grid_format import MAX_DEPTH
from targets.io.grids.registry import load_surface
from targets.io.read_options import ReadOptions

ROWS, COLS = np.mgrid[0:40, 0:50].astype(float)
# Two domes, 1,956 to 2,038 m, no value twice.
DEPTH = 2000 + 0.4 * ROWS - 60 * np.exp(-((ROWS - 12.3) ** 2 + (COLS - 15.1) ** 2) / 80) \
    - 45 * np.exp(-((ROWS - 26.6) ** 2 + (COLS - 36.2) ** 2) / 60) + 0.013 * COLS  # fmt: skip
PLACES = {"border": np.s_[:, :3], "inside": np.s_[25:27, 20:25], "one cell": np.s_[33, 9]}


def text(values: NDArray, digits: int = 3) -> list[list[str]]:
    return [[f"{value:.{digits}f}" if abs(value) < 1e7 else f"{value:.7E}" for value in row] for row in values]


def write_npz(values: NDArray, path: Path) -> None:
    np.savez(path.with_suffix(".npz"), depth=values, x0=1000.0, y0=5000.0, dx=50.0, dy=-50.0)


def write_npy(values: NDArray, path: Path) -> None:
    np.save(path.with_suffix(".npy"), values.astype(np.float32))


def write_int16(values: NDArray, path: Path) -> None:
    np.save(path.with_suffix(".npy"), np.rint(values).astype(np.int16))


def write_tif(values: NDArray, path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "height": values.shape[0], "width": values.shape[1],
               "transform": rasterio.Affine(50, 0, 975, 0, -50, 5025)}  # fmt: skip
    with rasterio.open(path.with_suffix(".tif"), "w", **profile) as file:
        file.write(values.astype(np.float32), 1)


def write_irap(values: NDArray, path: Path) -> None:
    rows, cols = values.shape
    x1, y0 = 1000 + 50 * (cols - 1), 5000 - 50 * (rows - 1)
    head = f"-996 {rows} 50.0 50.0\n1000.0 {x1}.0 {y0}.0 5000.0\n{cols} 0.0 1000.0 {y0}.0\n0 0 0 0 0 0 0\n"
    path.with_suffix(".irap").write_text(head + "\n".join(" ".join(row) for row in text(values[::-1])))


def write_xyz(values: NDArray, path: Path) -> None:
    cells = [
        f"{1000 + 50 * c} {5000 - 50 * r} {word}" for r, row in enumerate(text(values)) for c, word in enumerate(row)
    ]
    path.with_suffix(".xyz").write_text("\n".join(cells))


def write_zmap(values: NDArray, path: Path) -> None:
    rows, cols = values.shape
    limits = f"1000.0, {1000 + 50 * (cols - 1)}.0, {5000 - 50 * (rows - 1)}.0, 5000.0"
    head = f"@TOP HEADER, GRID, 5\n15, 0.1234500E+31, , 4, 1\n{rows}, {cols}, {limits}\n0.0, 0.0, 0.0\n@\n"
    columns = "\n".join("\n".join(" ".join(row[i : i + 5]) for i in range(0, rows, 5)) for row in text(values.T))
    path.with_suffix(".zmap").write_text(head + columns)


FORMATS: dict[str, Callable[[NDArray, Path], None]] = {
    "npz": write_npz, "npy": write_npy, "int16": write_int16, "tif": write_tif, "irap": write_irap,
    "xyz": write_xyz, "zmap": write_zmap,
}  # fmt: skip
NULLS = (-999.25, -999, -9999, -99999, 9999, 99999, 999999, -32768, 32767, 0, 1e20, 1e30, -3.4028235e38, 3.4e38, 5000)


def holds(name: str, null: float | None) -> bool:
    """Whether a format holds a null."""
    limits = np.iinfo(np.int16)
    return name != "int16" or null is None or (limits.min <= null <= limits.max and null == int(null))


@pytest.mark.parametrize(("name", "null"), [(name, null) for name in FORMATS for null in NULLS if holds(name, null)])
def test_undeclared_nulls_are_undefined_in_every_format(tmp_path: Path, name: str, null: float) -> None:
    for place, where in PLACES.items():
        if null == 5000 and place == "one cell":
            continue  # one value of no known code: kept, and reported
        undefined = np.zeros(DEPTH.shape, bool)
        undefined[where] = True
        FORMATS[name](np.where(undefined, null, DEPTH), tmp_path / f"{place}")
        (path,) = tmp_path.glob(f"{place}.*")
        surface = load_surface(path)
        np.testing.assert_array_equal(np.isnan(surface.values), undefined)
        digits = 0.51 if name == "int16" else 1e-3
        np.testing.assert_allclose(surface.values[~undefined], DEPTH[~undefined], atol=digits)
        noted = [note for note in surface.notes if "taken as undefined" in note and f"{undefined.sum()} cell" in note]
        assert noted or (abs(null) > MAX_DEPTH and name in ("irap", "zmap"))  # formats that declare what is as large
        if place == "border":
            named = load_surface(path, ReadOptions(nodata=float(null)))
            np.testing.assert_array_equal(named.values, surface.values)
            assert not [note for note in named.notes if "undefined" in note]
            if abs(null) <= MAX_DEPTH:
                kept = load_surface(path, ReadOptions(nodata="none"))
                assert np.isfinite(kept.values).all() and f"of exactly {null:g} look undefined" in kept.notes[0]


@pytest.mark.parametrize("place", PLACES)
def test_closures_are_those_of_the_file_that_declares_its_nulls(tmp_path: Path, place: str) -> None:
    undefined = np.zeros(DEPTH.shape, bool)
    undefined[PLACES[place]] = True
    write_npz(np.where(undefined, np.nan, DEPTH), tmp_path / "declared")
    scenes = [load_grid(tmp_path / "declared.npz", (), ReadOptions())]
    for name in ("npz", "irap", "zmap"):
        FORMATS[name](np.where(undefined, -9999, DEPTH), tmp_path / "undeclared")
        scenes.append(load_grid(next(tmp_path.glob(f"undeclared.{name}")), (), ReadOptions()))
    tables = [find_closures(scene.depth, valid=scene.map_valid, faults=scene.fault, min_height=1.0).table
              for scene in scenes]  # fmt: skip
    assert len(tables[0]) == 2
    for table in tables[1:]:
        for column in ("crest_row", "crest_col", "area", "parent"):
            np.testing.assert_array_equal(table[column], tables[0][column])
        np.testing.assert_allclose(table["spill_depth"], tables[0]["spill_depth"], atol=2e-3)


@pytest.mark.parametrize("name", FORMATS)
def test_a_surface_without_nulls_says_nothing(tmp_path: Path, name: str) -> None:
    FORMATS[name](DEPTH, tmp_path / "top")
    (path,) = tmp_path.glob("top.*")
    surface = load_surface(path)
    assert np.isfinite(surface.values).all() and surface.notes == () and not surface.is_elevation


@pytest.mark.parametrize(
    ("name", "null"),
    [(name, null) for name in FORMATS for null in (None, 0, 9999, -999.25, 1e30) if holds(name, null)],
)
def test_elevations_with_and_without_nulls(tmp_path: Path, name: str, null: float | None) -> None:
    undefined = np.zeros(DEPTH.shape, bool)
    undefined[PLACES["border"]] = null is not None
    FORMATS[name](np.where(undefined, null or 0, -DEPTH), tmp_path / "top")
    (path,) = tmp_path.glob("top.*")
    surface = load_surface(path)
    np.testing.assert_array_equal(np.isnan(surface.values), undefined)
    is_npz = name == "npz"  # it says that its array is a depth
    assert surface.is_elevation is not is_npz
    assert np.nanmin(surface.values * (-1 if is_npz else 1)) > 1900
    assert "all values are negative" in surface.notes[-1]
    for elevation in (True, False):
        said = load_surface(path, ReadOptions(elevation=elevation))
        assert said.is_elevation is elevation and not [note for note in said.notes if "negative" in note]
