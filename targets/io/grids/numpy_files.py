"""NumPy arrays as grids: .npz with an array 'depth' and its location, and plain .npy."""

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from targets.common.files.npy_files import read_npy
from targets.errors import UserError
from targets.io.grids.grid_format import MAX_CELLS, GridFormat, check_cell_count
from targets.io.read_options import ReadOptions
from targets.io.surface_file import Surface
from targets.scene import GeoReference
from targets.units.names import parse_unit

# Names of the array of depths, the likeliest first; arr_0 is what np.savez makes of an array without a name.
DEPTH_NAMES = ("depth", "z", "elevation", "twt", "data", "values", "arr_0")
LOCATION = ("x0", "y0", "dx", "dy", "rotation")  # arrays of one number
TEXTS = ("units", "crs", "xy_unit")  # arrays of one text
AXES = (("x", "y"), ("X", "Y"), ("easting", "northing"), ("lon", "lat"))  # arrays of coordinates of columns and rows
FIRST_NAME = 30 + 256  # bytes with the name of the first file of an archive
MAX_TEXT = 2**14  # bytes of a text: a coordinate system in WKT takes four a letter
POINTS = 30  # rows from which on an array of three columns is a table of points
UNEVEN = 1e-3  # of a spacing: float32 coordinates of a large map are rounded by about as much


def _read_npz(path: Path, reading: ReadOptions) -> Surface:
    """Read the arrays by their entries in the archive, so that what was checked is what is read."""
    with zipfile.ZipFile(path) as archive:
        entries: dict[str, zipfile.ZipInfo] = {}
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            if name in entries:
                raise UserError(path, f"two arrays {name!r}", "each name once", "save it again with np.savez")
            entries[name] = entry
        name, notes = _depth_name(path, archive, entries)
        values = _read_entry(path, archive, entries[name])
        keys = next((keys for keys in AXES if all(key in entries for key in keys)), None)
        location: dict[str, Any] = {
            key: float(_read_one(path, archive, entries[key])) for key in LOCATION if key in entries
        }
        texts = {key: str(_read_one(path, archive, entries[key])) for key in TEXTS if key in entries}
        if location:
            keys = None
        if values.ndim == 2 and keys:
            x, y = (_read_entry(path, archive, entries[key], max(values.size, sum(values.shape))) for key in keys)
            if x.shape == y.shape == values.shape:
                location = _locate_by_nodes(path, x, y)
            else:
                location = _locate_by_axes(path, x, y, values.shape)
    if any(key in entries for key in ("mask", "valid")):
        notes = (*notes, "its array of a mask is not used: write undefined cells as NaN")
    if location and (missing := [key for key in LOCATION[:4] if key not in location]):
        notes = (*notes, f"its {', '.join(location)} are given without {', '.join(missing)}: no location")
    if name == "elevation" and reading.elevation is None:
        notes = (*notes, "read as elevations, positive up; --no_elevation reads it as depths")
    geo = GeoReference(
        **location,
        crs=texts.get("crs") or None,
        depth_unit=parse_unit(texts.get("units", "")),
        xy_unit=parse_unit(texts.get("xy_unit", "degrees" if keys == ("lon", "lat") else "")),
    )
    return Surface(values, geo, notes, is_depth=name == "depth", is_elevation=name == "elevation")


def _depth_name(
    path: Path, archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]
) -> tuple[str, tuple[str, ...]]:
    """The name of the array of depths, and a note if it is not 'depth'."""
    if "depth" in entries:
        return "depth", ()
    found = [name for name in DEPTH_NAMES if name in entries]
    if not found:
        found = [name for name, entry in entries.items() if _is_surface(path, archive, entry)]
    if len(found) != 1 and found[:1] != ["z"]:
        raise UserError(path, f"holds {', '.join(list(entries)[:20])}", "an array 'depth'",
                        "name the (rows, cols) array 'depth'")  # fmt: skip
    return found[0], (f"its array {found[0]!r} is taken for the depth",)


def _is_surface(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is an array of numbers in rows and columns."""
    try:
        with archive.open(entry) as file:
            shape, dtype = _read_header(path, file)
    except (UserError, ValueError):
        return False
    return len(shape) == 2 and min(shape) > 1 and dtype.kind in "iuf"


def _read_entry(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, max_cells: int = MAX_CELLS) -> NDArray:
    with archive.open(entry) as file:
        _check_header(path, file, max_cells)
    with archive.open(entry) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _read_one(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Any:
    """The number or text of an entry that holds one, whatever its axes."""
    with archive.open(entry) as file:
        shape, _ = _read_header(path, file)
    if math.prod(shape) != 1:
        name = entry.filename.removesuffix(".npy")
        raise UserError(
            path, f"{name} has {' x '.join(map(str, shape))} cells", "one value", f"save {name} as one number or text"
        )
    return _read_entry(path, archive, entry, 1).item()


def _locate_by_axes(path: Path, x: NDArray, y: NDArray, shape: tuple[int, int]) -> dict[str, float]:
    """Fields of the location by the coordinates of columns (W,) and rows (H,)."""
    steps = []
    for name, axis, size in (("x", x, shape[1]), ("y", y, shape[0])):
        if axis.shape != (size,) or size < 2 or axis.dtype.kind not in "iuf":
            raise UserError(path, f"an array {name!r} of {axis.dtype} of shape {axis.shape}", f"({size},) numbers",
                            "leave it out, or write x0, y0, dx and dy")  # fmt: skip
        step = (float(axis[-1]) - float(axis[0])) / (size - 1)
        if not np.abs(np.diff(axis.astype(float)) - step).max() <= UNEVEN * abs(step):  # NaN too
            raise UserError(path, f"an array {name!r} of uneven steps", "a regular grid", "resample it")
        steps.append(step)
    return {"x0": float(x[0]), "y0": float(y[0]), "dx": steps[0], "dy": steps[1]}


def _locate_by_nodes(path: Path, x: NDArray, y: NDArray) -> dict[str, float]:
    """Fields of the location by the coordinates of all nodes (H, W), which may be rotated."""
    if min(x.shape) < 2 or x.dtype.kind not in "iuf" or y.dtype.kind not in "iuf":
        raise UserError(path, f"coordinates of {x.dtype} and {y.dtype} of shape {x.shape}", "two rows and columns",
                        "leave them out, or write x0, y0, dx and dy")  # fmt: skip
    nodes = x.astype(float) + 1j * y.astype(float)
    rows, cols = (size - 1 for size in nodes.shape)
    col_step, row_step = (nodes[0, -1] - nodes[0, 0]) / cols, (nodes[-1, 0] - nodes[0, 0]) / rows
    even = nodes[0, 0] + np.arange(cols + 1) * col_step + np.arange(rows + 1)[:, None] * row_step
    dx = abs(col_step)
    across = row_step * np.conj(col_step) / (dx or 1.0)  # imaginary where rows run at right angles to columns
    allowed = UNEVEN * min(dx, abs(row_step))
    if not np.abs(nodes - even).max() <= allowed or not abs(across.real) * rows <= allowed:  # NaN too
        raise UserError(path, "coordinates of uneven steps", "a regular grid", "resample it")
    return {"x0": float(nodes[0, 0].real), "y0": float(nodes[0, 0].imag), "dx": float(dx), "dy": float(across.imag),
            "rotation": float(np.degrees(np.angle(col_step)))}  # fmt: skip


def _read_npy(path: Path, reading: ReadOptions) -> Surface:
    with path.open("rb") as file:
        _check_header(path, file, MAX_CELLS)
        file.seek(0)
        shape, _ = _read_header(path, file)
    if shape[1:] == (3,) and shape[0] >= POINTS:
        raise UserError(path, f"{shape[0]:,} rows of three numbers, a table of points", "depths in rows and columns",
                        "save the table as text: numpy.savetxt")  # fmt: skip
    with path.open("rb") as file:
        return Surface(read_npy(file), GeoReference())


def _read_header(path: Path, file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type in an .npy header; the data are not touched."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(file)
    if version not in readers:
        raise UserError(path, f"an array of version {version}", "version 1 or 2: np.save of plain numbers")
    shape, _, dtype = readers[version](file)
    return shape, dtype


def _check_header(path: Path, file: IO[bytes], max_cells: int) -> None:
    """Refuse an array by its header: of too many cells, of objects or records, or of texts that are no names."""
    shape, dtype = _read_header(path, file)
    check_cell_count(path, *shape, max_cells=max_cells)
    if dtype.kind not in "iuf" and not (dtype.kind == "U" and max_cells == 1 and dtype.itemsize <= MAX_TEXT):
        kind = "objects" if dtype.hasobject else str(dtype)[:40]
        raise UserError(path, f"an array of {kind}", "numbers, or short texts", "save it as an array of numbers")


def _holds_depth(path: Path) -> bool:
    """Whether an archive in a folder is a grid: an array has a name that only depths have."""
    try:
        with zipfile.ZipFile(path) as archive:
            return bool({"depth.npy", "z.npy", "elevation.npy", "twt.npy"} & set(archive.namelist()))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def _write_npz(values: NDArray, geo: GeoReference, path: Path) -> None:
    location = {key: getattr(geo, key) for key in LOCATION} if geo.located else {}
    arrays: dict[str, Any] = {"depth": values, "units": geo.depth_unit or "", "crs": geo.crs or "", **location}
    if geo.xy_unit and not geo.crs:
        arrays["xy_unit"] = geo.xy_unit
    np.savez_compressed(path, **arrays)


NPZ = GridFormat(
    name="npz",
    recognise=lambda head: head[:4] == b"PK\x03\x04" and b".npy" in head[:FIRST_NAME],
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
