"""NumPy files as grids: arrays that are no map."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.grid_map import read_grid
from targets.io.grids.registry import load_surface, read_surface, write_grid
from targets.io.read_options import ReadOptions
from targets.scene import GeoReference
from tests.targets.io.grids.samples import GEO


def npy_bomb(path: Path) -> None:
    """An .npz whose array claims 10^12 cells."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": (10**6, 10**6)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("depth.npy", head.getvalue() + bytes(100))


def test_arrays_that_are_no_map_are_named(tmp_path: Path) -> None:
    path = tmp_path / "grid.npz"
    cases = [
        ({"a": np.zeros((2, 2)), "b": np.zeros((2, 2))}, "holds a, b; expected an array 'depth'"),
        ({"depth": np.zeros(4)}, "shape (4,)"),
        ({"depth": np.full((2, 2), np.inf)}, "the map is empty"),
        ({"depth": np.full((2, 2), 1e30)}, "the map is empty"),
        ({"depth": np.array([[None, {}]])}, "an array of objects"),
        ({"depth": np.array([["a", "b"]])}, "array of <U1"),
        ({"depth": np.eye(4, dtype=bool)}, "array of bool"),  # a mask, whose two values would be two depths
    ]
    for arrays, says in cases:
        np.savez(path, **arrays)
        with pytest.raises(UserError) as caught:
            read_grid(path)
        assert says in str(caught.value)
    npy_bomb(path)
    with pytest.raises(UserError, match="claims 1000000 x 1000000 cells"):
        read_surface(path)
    write_grid(np.full((3, 3), np.nan), GEO, path)
    with pytest.raises(UserError, match="the map is empty"):
        read_grid(path)


@pytest.mark.parametrize("rotation", [0.0, 30.0, -110.0])
@pytest.mark.parametrize("names", ["x y", "X Y", "easting northing"])
def test_coordinates_of_all_nodes_give_the_location(tmp_path: Path, rotation: float, names: str) -> None:
    geo = GeoReference(462000.0, 5932000.0, 25.0, -20.0, rotation)
    rows, cols = np.indices((5, 7))
    x, y = geo.xy(rows, cols)
    depth = 2000.0 + np.hypot(rows - 2.0, cols - 3.0)
    np.savez(tmp_path / "top.npz", depth=depth, **dict(zip(names.split(), (x, y), strict=True)))
    surface = load_surface(tmp_path / "top.npz", ReadOptions())
    rows, cols = np.indices(surface.values.shape)
    found = {(round(east, 3), round(north, 3)): value for east, north, value in zip(
        *(axis.ravel() for axis in surface.geo.xy(rows, cols)), surface.values.ravel(), strict=True)}  # fmt: skip
    for east, north, value in zip(x.ravel(), y.ravel(), depth.ravel(), strict=True):
        assert found[round(float(east), 3), round(float(north), 3)] == np.float32(value)


def test_coordinates_of_nodes_off_a_grid_are_refused(tmp_path: Path) -> None:
    x, y = np.meshgrid(np.arange(7) * 25.0, np.arange(5) * 25.0)
    for skewed in (x + 0.1 * y, x + (x == 50.0), np.where(x == 50, np.nan, x)):
        np.savez(tmp_path / "top.npz", depth=np.hypot(x, y), x=skewed, y=y)
        with pytest.raises(UserError, match="coordinates of uneven steps"):
            read_surface(tmp_path / "top.npz")


def test_a_table_of_points_is_no_grid(tmp_path: Path) -> None:
    np.save(tmp_path / "top.npy", np.arange(120.0).reshape(40, 3))
    with pytest.raises(UserError, match="40 rows of three numbers, a table of points"):
        read_surface(tmp_path / "top.npy")


def test_an_array_of_elevations_is_turned_over_with_a_line(tmp_path: Path) -> None:
    np.savez(tmp_path / "top.npz", elevation=np.arange(-212.0, -200.0).reshape(3, 4))
    said = load_surface(tmp_path / "top.npz", ReadOptions())
    assert said.values.max() == 212 and "read as elevations, positive up" in " ".join(said.notes)
    kept = load_surface(tmp_path / "top.npz", ReadOptions(elevation=False))
    assert kept.values.max() == -201 and "elevations" not in " ".join(kept.notes)


def test_a_location_is_one_number_each_and_whole(tmp_path: Path) -> None:
    path, depth = tmp_path / "top.npz", np.full((3, 4), 2000.0)
    np.savez(path, depth=depth, x0=[[5.0]], y0=[9.0], dx=50.0, dy=-50.0, crs=["EPSG:23031"])
    surface = load_surface(path)
    assert (surface.geo.x0, surface.geo.crs, surface.notes) == (5.0, "EPSG:23031", ())
    np.savez(path, depth=depth, x0=5.0, y0=9.0, dx=[50.0, 60.0], dy=-50.0)
    with pytest.raises(UserError, match=r"dx has 2 cells; expected one value"):
        load_surface(path)
    np.savez(path, depth=depth, x0=5.0, y0=9.0)
    assert "its x0, y0 are given without dx, dy: no location" in load_surface(path).notes
