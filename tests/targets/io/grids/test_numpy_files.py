"""NumPy files as grids: arrays that are no map."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.grid_map import read_grid
from targets.io.grids.registry import read_surface, write_grid
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
