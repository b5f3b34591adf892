"""NumPy arrays as grids: .npz with an array 'depth' and its location, and plain .npy."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.grids.grid_format import MAX_CELLS, GridFormat, check_cell_count
from targets.io.grids.text_numbers import parse_depth_unit
from targets.io.read_options import ReadOptions
from targets.io.surface_file import Surface
from targets.scene import GeoReference

LOCATION = ("x0", "y0", "dx", "dy", "rotation")  # arrays of one number
TEXTS = ("units", "crs")  # arrays of one text
MAX_ITEM_SIZE = 2**14  # bytes of one element: a coordinate system in WKT takes four a letter


def _read_npz(path: Path, reading: ReadOptions) -> Surface:
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if "depth" not in names:
            raise UserError(
                path, f"holds {', '.join(names)}", "an array 'depth'", "name the (rows, cols) array 'depth'"
            )
        for name in {*names} & {"depth", *LOCATION, *TEXTS}:
            with archive.open(f"{name}.npy") as file:
                _check_header(path, file, MAX_CELLS if name == "depth" else 1)
    with np.load(path, allow_pickle=False) as data:
        location: dict[str, Any] = {key: float(data[key]) for key in LOCATION if key in names}
        texts = {key: str(data[key]) for key in TEXTS if key in names}
        unit = parse_depth_unit(texts.get("units", ""))
        geo = GeoReference(**location, crs=texts.get("crs") or None, depth_unit=unit)
        return Surface(data["depth"], geo, is_depth=True)


def _read_npy(path: Path, reading: ReadOptions) -> Surface:
    with path.open("rb") as file:
        _check_header(path, file, MAX_CELLS)
    return Surface(np.load(path, allow_pickle=False), GeoReference())


def _check_header(path: Path, file: Any, max_cells: int) -> None:
    """Check shape and type in an .npy header; the data are not touched."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(file)
    if version not in readers:
        raise UserError(path, f"an array of version {version}", "version 1 or 2: np.save of plain numbers")
    shape, _, dtype = readers[version](file)
    check_cell_count(path, *shape, max_cells=max_cells)
    if dtype.itemsize > MAX_ITEM_SIZE:  # a text of a gigabyte is one cell
        raise UserError(path, f"an array of {str(dtype)[:40]}", "numbers, or short texts")


def _holds_depth(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "depth.npy" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def _write_npz(values: NDArray, geo: GeoReference, path: Path) -> None:
    location = {key: getattr(geo, key) for key in LOCATION} if geo.located else {}
    arrays: dict[str, Any] = {"depth": values, "units": geo.depth_unit or "", "crs": geo.crs or "", **location}
    np.savez_compressed(path, **arrays)


NPZ = GridFormat(
    name="npz",
    recognise=lambda head: head[:4] == b"PK\x03\x04",
    read=_read_npz,
    write=_write_npz,
    suffixes=(".npz",),
    write_needs_location=False,
    holds_surface=_holds_depth,  # an .npz of other arrays is no grid
    is_damaged=lambda path: not zipfile.is_zipfile(path),
)
NPY = GridFormat(
    name="npy",
    recognise=lambda head: head[:6] == b"\x93NUMPY",
    read=_read_npy,
    suffixes=(".npy",),
    is_damaged=lambda path: False,
)
