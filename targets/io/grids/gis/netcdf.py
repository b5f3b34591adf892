"""netCDF grids, such as those of GMT: one variable of rows and columns, located by its coordinate variables.

Classic files are read by SciPy and netCDF-4 files by h5py: GDAL 3.10 finds no location in those of GMT, and turns some
of them over.
"""

import io
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.common.optional_import import import_optional
from targets.errors import UserError
from targets.io.grids.grid_format import GridFormat, check_cell_count
from targets.io.grids.text_numbers import NULL_FLOOR
from targets.io.read_options import ReadOptions
from targets.io.surface_file import Surface
from targets.scene import GeoReference
from targets.units.names import parse_unit

CLASSIC = (b"CDF\x01", b"CDF\x02")
HDF5 = b"\x89HDF\r\n\x1a\n"
DEPTH_NAMES = ("depth", "z", "elevation", "twt", "Band1")  # of variables, the likeliest first
X_NAMES = ("x", "lon", "longitude", "easting", "eastings", "xc")
DEPTHS = ("depth", "sea_floor_depth")  # the beginnings of standard names
ELEVATIONS = ("altitude", "height", "surface_altitude", "geopotential_height")
MAX_SCALE = 1e12
UNEVEN = 1e-3  # of a spacing, beside the rounding of the coordinates' own type
MAX_BLOCK = 2**29  # bytes of a block once it is unpacked
FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32"}


@dataclass(frozen=True, eq=False)
class Variable:
    """A variable of an open file.

    Attributes
    ----------
    dims : tuple[str, ...]
        Names of its dimensions.
    shape : tuple[int, ...]
        Their lengths.
    attributes : Mapping[str, Any]
        Texts and numbers.
    data : Any
        What is indexed to read it.
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    attributes: Mapping[str, Any]
    data: Any

    def text(self, key: str) -> str:
        """An attribute as text; "" without it."""
        value = self.attributes.get(key, "")
        value = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        return str(value).strip() if np.ndim(value) == 0 else ""

    def numbers(self, key: str) -> list[float]:
        """An attribute as numbers; none without it."""
        try:
            return [float(number) for number in np.atleast_1d(self.attributes[key])]
        except (KeyError, TypeError, ValueError):
            return []

    def read(self) -> NDArray:
        """All values, in an array of the machine's order of bytes."""
        values = np.asarray(self.data[()] if self.data.shape == () else self.data[:])
        return values.astype(values.dtype.newbyteorder("="), copy=False)


def _read(path: Path, reading: ReadOptions) -> Surface:
    with _open_variables(path) as variables:
        if "dimension" in variables and "x_range" in variables and "z" in variables:
            return _read_old_gmt(path, variables)
        name, notes = _choose(path, variables)
        variable = variables[name]
        long = [(dim, size) for dim, size in zip(variable.dims, variable.shape, strict=True) if size > 1]
        if len(long) != 2:
            raise UserError(path, f"a variable {name!r} of {len(long)} dimensions longer than 1", "rows and columns",
                            "export one horizon or one time")  # fmt: skip
        (row_dim, rows), (col_dim, cols) = long
        check_cell_count(path, rows, cols)
        values = _decode(path, variable).reshape(rows, cols)
        if _is_x(row_dim, variables) and not _is_x(col_dim, variables):
            values, row_dim, col_dim = values.T, col_dim, row_dim
        x, y = (_axis(path, variables.get(dim), size)
                for dim, size in zip((col_dim, row_dim), values.shape[::-1], strict=True))  # fmt: skip
        location: dict[str, Any] = {} if x is None or y is None else {"x0": x[0], "y0": y[0], "dx": x[1], "dy": y[1]}
        unit = parse_unit(variables[col_dim].text("units")) if col_dim in variables else None
        crs = _crs(variables.get(variable.text("grid_mapping")))
        geo = GeoReference(**location, crs=crs, depth_unit=parse_unit(variable.text("units")),
                           xy_unit=None if crs else unit)  # fmt: skip
        is_depth, is_elevation = _sign(name, variable)
        if is_elevation and reading.elevation is None:
            notes = (*notes, f"its variable {name!r} is said to be positive up: read as elevations; --no_elevation "
                     "reads it as depths")  # fmt: skip
        if not location:
            notes = (*notes, "no coordinates of its rows and columns: no location, and areas are in cells")
        return Surface(values, geo, notes, is_depth=is_depth, is_elevation=is_elevation)


def _choose(path: Path, variables: Mapping[str, Variable]) -> tuple[str, tuple[str, ...]]:
    """Name of the variable of depths, and a note if there was a choice."""
    found = [name for name, variable in variables.items()
             if sum(size > 1 for size in variable.shape) >= 2 and variable.data.dtype.kind in "iuf"
             and not name.endswith(("_bnds", "_bounds"))]  # fmt: skip
    if len(found) == 1:
        return found[0], ()
    known = [name for name in DEPTH_NAMES if name in found]
    if not known:
        names = ", ".join(found[:12]) or ", ".join(list(variables)[:12]) or "none"
        raise UserError(path, f"{len(found)} variables of rows and columns ({names})", "one, or one named z or depth",
                        "export the depth alone")  # fmt: skip
    others = ", ".join(name for name in found if name != known[0])
    return known[0], (f"its variable {known[0]!r} is taken for the depth, not {others}",)


def _decode(path: Path, variable: Variable) -> NDArray:
    """Values with NaN where the file declares them undefined, scale and offset applied."""
    stored = variable.read()
    if stored.dtype.kind not in "iuf":
        raise UserError(path, f"values of type {stored.dtype}", "real numbers")
    scale, offset = ([*variable.numbers(key), usual][0] for key, usual in (("scale_factor", 1.0), ("add_offset", 0.0)))
    if not (0 < abs(scale) <= MAX_SCALE and abs(offset) <= MAX_SCALE):
        raise UserError(path, f"scale_factor {scale:g}, add_offset {offset:g}", f"numbers up to {MAX_SCALE:g} in size")
    undefined = np.isin(stored, np.array([*variable.numbers("_FillValue"), *variable.numbers("missing_value")]))
    if stored.dtype.kind == "f":
        undefined |= np.abs(stored) >= NULL_FLOOR
    limits = variable.numbers("valid_range") or [*(variable.numbers("valid_min") or [-np.inf]),
                                                 *(variable.numbers("valid_max") or [np.inf])]  # fmt: skip
    if len(limits) == 2:
        undefined |= (stored < limits[0]) | (stored > limits[1])
    if (scale, offset) == (1, 0) and not undefined.any():
        return stored
    values = stored.astype(np.float64) * scale + offset if (scale, offset) != (1, 0) else stored.astype(
        stored.dtype if stored.dtype.kind == "f" else np.float64)  # fmt: skip
    values[undefined] = np.nan
    return values


def _is_x(dim: str, variables: Mapping[str, Variable]) -> bool:
    """Whether a dimension runs along x."""
    axis = variables[dim].text("axis").upper() if dim in variables else ""
    return axis == "X" or (not axis and dim.lower() in X_NAMES)


def _axis(path: Path, variable: Variable | None, size: int) -> tuple[float, float] | None:
    """First coordinate and spacing; None without coordinates."""
    if variable is None or variable.shape != (size,):
        return None
    if variable.data.dtype.kind not in "iuf":
        raise UserError(path, "coordinates that are no numbers", "numbers")
    stored = variable.read()
    axis = stored.astype(np.float64)
    step = (axis[-1] - axis[0]) / (size - 1)
    rounding = 2 * float(np.finfo(stored.dtype).eps) * np.abs(axis).max() if stored.dtype.kind == "f" else 1.0
    if not np.abs(axis - (axis[0] + step * np.arange(size))).max() <= UNEVEN * abs(step) + rounding or step == 0:
        raise UserError(path, f"coordinates {variable.dims[0]} of uneven steps", "a regular grid",
                        "resample it, such as with gdalwarp or grdsample")  # fmt: skip
    return float(axis[0]), float(step)


def _crs(mapping: Variable | None) -> str | None:
    """The coordinate system of a grid mapping, in WKT or as a code."""
    if mapping is None:
        return None
    for key in ("crs_wkt", "spatial_ref", "epsg_code", "epsg"):
        if text := mapping.text(key):
            return f"EPSG:{text}" if text.isdecimal() else text
    return None


def _sign(name: str, variable: Variable) -> tuple[bool, bool]:
    """Whether the file says that its values are positive down, or positive up."""
    positive, standard = variable.text("positive").lower(), variable.text("standard_name").lower()
    is_depth = positive == "down" or (not positive and standard.startswith(DEPTHS))
    is_elevation = positive == "up" or (not positive and (standard in ELEVATIONS or name == "elevation"))
    return is_depth, is_elevation and not is_depth


def _read_old_gmt(path: Path, variables: Mapping[str, Variable]) -> Surface:
    """Read the one-dimensional form that GMT wrote before version 4.2: rows from the top down."""
    cols, rows = (int(number) for number in variables["dimension"].read()[:2])
    check_cell_count(path, rows, cols)
    values = _decode(path, variables["z"])
    if values.size != rows * cols:
        raise UserError(path, f"{values.size} values", f"{rows} x {cols}", "export or copy it again")
    (xmin, xmax), (ymin, ymax) = (variables[key].read()[:2].astype(float) for key in ("x_range", "y_range"))
    by_cells = (variables["z"].numbers("node_offset") or [0.0])[0] == 1
    if min(rows, cols) < 2 and not by_cells:
        raise UserError(path, f"{rows} x {cols} nodes", "two or more each way")
    dx, dy = (xmax - xmin) / (cols - (not by_cells)), (ymax - ymin) / (rows - (not by_cells))
    shift = 0.5 if by_cells else 0.0
    geo = GeoReference(float(xmin + shift * dx), float(ymax - shift * dy), float(dx), float(-dy))
    return Surface(values.reshape(rows, cols), geo)


@contextmanager
def _open_variables(path: Path) -> Iterator[dict[str, Variable]]:
    """{name: variable} of a file; none of them leads to another file."""
    with path.open("rb") as file:
        is_classic = file.read(4) in CLASSIC
    if is_classic:
        from scipy.io import netcdf_file

        # From memory: SciPy asks for as many bytes as a damaged file claims, before it looks how many there are.
        with netcdf_file(io.BytesIO(path.read_bytes()), "r", mmap=False, maskandscale=False) as content:
            yield {name: _classic_variable(variable) for name, variable in content.variables.items()}
        return
    h5py = import_optional("h5py", path)
    with h5py.File(path, "r") as content:
        data = {name: data for name in content if (data := _hdf5_data(h5py, content, name)) is not None}
        dims = _hdf5_dims(content, data)
        yield {name: Variable(dims[name], one.shape, _hdf5_attributes(one), _BoundedData(path, one))
               for name, one in data.items()}  # fmt: skip


def _classic_variable(variable: Any) -> Variable:
    return Variable(tuple(variable.dimensions), variable.shape, variable._attributes, variable.data)


def _hdf5_data(h5py: Any, content: Any, name: str) -> Any:
    """A data set of the root group; None for groups, and for what leads to other files, which is not followed."""
    if not isinstance(content.get(name, getlink=True), h5py.HardLink):
        return None
    data = content[name]
    if not isinstance(data, h5py.Dataset) or data.shape is None or data.external or data.is_virtual:
        return None
    return data


def _hdf5_dims(content: Any, data: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Names of the dimensions of each data set.

    By the lists of references that dimensions keep: those that data sets keep of their dimensions are of variable
    length, and h5py 3.16 ends the process where they are damaged.
    """
    dims = {name: [f"dimension {k}" for k in range(len(one.shape))] for name, one in data.items()}
    for name, one in data.items():
        if "REFERENCE_LIST" not in one.attrs:
            continue
        for reference, axis in one.attrs["REFERENCE_LIST"]:
            user = content[reference].name.lstrip("/")
            if user in dims and 0 <= axis < len(dims[user]):
                dims[user][axis] = name
        if len(one.shape) == 1:
            dims[name] = [name]
    return {name: tuple(names) for name, names in dims.items()}


def _hdf5_attributes(data: Any) -> dict[str, Any]:
    return {key: data.attrs[key] for key in data.attrs if key not in ("DIMENSION_LIST", "REFERENCE_LIST")}


class _BoundedData:
    """A data set of HDF5 whose blocks are checked before they are unpacked."""

    def __init__(self, path: Path, data: Any) -> None:
        self.path, self.data, self.shape, self.dtype = path, data, data.shape, data.dtype

    def __getitem__(self, window: Any) -> NDArray:
        if self.data.chunks is not None:
            self._check_blocks()
        return self.data[window]

    def _check_blocks(self) -> None:
        properties = self.data.id.get_create_plist()
        filters = [properties.get_filter(k)[0] for k in range(properties.get_nfilters())]
        if unknown := [number for number in filters if number not in FILTERS]:
            raise UserError(self.path, f"blocks packed by HDF5 filter {unknown[0]}",
                            f"by {', '.join(FILTERS.values())}", "convert it, such as with nccopy -d1")  # fmt: skip
        size = int(np.prod(self.data.chunks, dtype=np.int64)) * self.dtype.itemsize
        if size > MAX_BLOCK:
            raise UserError(self.path, f"blocks of {size:,} bytes", f"at most {MAX_BLOCK:,}", "rewrite it")
        for k in range(self.data.id.get_num_chunks() if 1 in filters else 0):
            block = self.data.id.get_chunk_info(k)
            unpacked = block.size
            if unpacked <= size + 2**16:
                packed = self.data.id.read_direct_chunk(block.chunk_offset)[1]
                unpacked = len(zlib.decompressobj().decompress(packed, size + 2**16)) if packed else 0
            if unpacked >= size + 2**16:
                raise UserError(self.path, "a block that unpacks to more than its cells take", f"{size:,} bytes",
                                "export or copy it again")  # fmt: skip


def _is_netcdf(head: bytes) -> bool:
    return head[:4] in CLASSIC or head[:8] == HDF5


def _holds_surface(path: Path) -> bool:
    """Whether a file that lies in a folder is netCDF by its name: HDF5 holds anything else, too."""
    return path.suffix.lower() in (".nc", ".nc4", ".cdf", ".grd")


NETCDF = GridFormat(
    name="netCDF",
    recognise=_is_netcdf,
    read=_read,
    suffixes=(".nc", ".nc4", ".cdf"),
    holds_surface=_holds_surface,
)
