"""How is a gridded surface read and written? The formats that interpretation programs export, known by content."""

import gzip
import importlib
import math
import re
import struct
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from targets.common.atomic_write import written_whole
from targets.errors import UserError
from targets.io.fault_files import ID_COLUMNS, SEPARATOR, read_faults
from targets.io.images import RGBA
from targets.io.scattered_points import grid_of_points
from targets.scene import FARTHEST, Geo, Scene
from targets.surface.fill import Fill, fault_voids, fill_holes
from targets.surface.outline import map_outline
from targets.surface.rasterize_faults import FaultLine, are_sticks, rasterise_faults, trace_of_sticks

# 16,384 squared: the largest grid that is read into memory as a whole. Refused by the header, before decoding.
MAX_CELLS = 2**28
MAX_UNPACKED = 2**30  # bytes of a gzipped grid: a point per cell of a 6,000 x 6,000 map in text
MAX_POINTS = 2**26  # in a table of points
HEAD = 2**16  # bytes that tell a format; GXF files start with comments of several pages
UNDEFINED = 1e6  # no depth in m, ft or ms is as large; programs write 9999900 or 1e30 for an undefined cell
IRAP_NULL = 9_999_000.0  # IRAP text writes 9999900 for an undefined node, sometimes rounded
UNITS = {"m": "m", "metre": "m", "metres": "m", "meter": "m", "meters": "m", "ft": "ft", "feet": "ft", "foot": "ft",
         "ms": "ms", "s": "s"}  # fmt: skip


def read_grid(
    path: str | Path, faults: Sequence[str | Path] = (), fill: Fill = "inpaint", elevation: bool = False
) -> Scene:
    """Read a gridded surface as a map without a picture.

    Inside the map is what `holes.map_outline` makes of the cells that have a value: closed gaps and gaps up to 6 cells
    wide are voids under faults. Fault cells are those of the `faults`; when none are given, the voids that
    `holes.fault_voids` takes for faults.
    Located grids of one place and size are horizons of one larger map: they share their `group`.

    Parameters
    ----------
    path : str | Path
        The grid, of any format that `read_surface` knows.
    faults : Sequence[str | Path], default ()
        Files of fault polygons or traces (`faults.read_faults`).
    fill : Fill, default 'inpaint'
        How voids are filled, see `holes.fill_holes`.
    elevation : bool, default False
        The values are positive up; the depth is their negative. Never guessed.

    Raises
    ------
    UserError
        A file is missing, damaged or of no known format, the grid is empty, or no fault lies on it.
    """
    values, geo = read_surface(path, elevation)
    known = np.isfinite(values)
    if not known.any():
        raise UserError(path, "the map is empty: no cell has a value", "some cells with a depth")
    inside = map_outline(known)
    depth = fill_holes(values, known, inside, fill)
    if not faults:
        fault = fault_voids(known, inside)
    else:
        lines = [line for file in faults for line in fault_lines(file, depth, geo)]
        fault = rasterise_faults(lines, geo, known.shape) > 0
        if not fault.any():
            raise UserError(faults[0], f"none of its lines lies on {Path(path).name}", "the grid's coordinates",
                            "check the coordinate system of both files")  # fmt: skip
    group = ""
    if geo.located:
        x, y = geo.xy(0, 0)
        group = f"x{float(x):.0f}_y{float(y):.0f}_{known.shape[0]}x{known.shape[1]}"
    return Scene(Path(path).stem, depth, known, inside, fault, geo=geo, group=group)


def fault_lines(path: str | Path, depth: NDArray[np.floating], geo: Geo) -> list[FaultLine]:
    """The polygons and traces of a fault file on a horizon; sticks become the trace where their plane cuts it.

    Parameters
    ----------
    path : str | Path
        A file for `faults.read_faults`; sticks of one fault fill a file.
    depth : (H, W) float
        The horizon, finite.
    geo : Geo
        Its location.

    Raises
    ------
    UserError
        As `faults.read_faults`.
    """
    lines = read_faults(path)
    if not are_sticks(lines) or not geo.located:
        return lines
    trace = trace_of_sticks(lines, depth, geo, Path(path).stem)
    return [] if trace is None else [trace]


def read_surface(path: str | Path, elevation: bool = False) -> tuple[NDArray[np.float32], Geo]:
    """Read the numbers of a gridded surface and where they lie.

    Parameters
    ----------
    path : str | Path
        The grid; its format is told by its content, the suffix does not matter.
    elevation : bool, default False
        The values are positive up; the depth is their negative. Never guessed.

    Returns
    -------
    depth : (H, W) float32, positive down, NaN where there is none; row 0 at the top, as seen from above.
    geo : location (``dx > 0``, ``dy < 0``) and what else the file tells.

    Raises
    ------
    UserError
        The file is missing, damaged, of no known format, or too large.
    """
    path = Path(path)
    name = format_of(path, strict=True)
    assert name is not None
    try:
        with _unpacked(path) as plain, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of keys and tags a library does not use
            values, geo = FORMATS[name][1](plain)
    except UserError as error:
        raise UserError(path, *error.args[1:]) from error
    except MemoryError as error:
        raise UserError(path, "does not fit into memory", "a smaller grid", "cut it into smaller maps") from error
    except Exception as error:  # whatever a reading library raises on a damaged file
        raise UserError(path, f"damaged, cut off or not a grid ({type(error).__name__}: {error})",
                        f"a whole {name} grid", "export or copy it again") from error  # fmt: skip
    if values.ndim != 2 or values.size == 0 or values.dtype.kind not in "biuf":
        raise UserError(path, f"an array of {values.dtype} of shape {values.shape}", "numbers in rows and columns")
    if np.isinf(values).any() or (np.abs(values[np.isfinite(values)]) > UNDEFINED).any():
        raise UserError(path, f"values beyond {UNDEFINED:g} or infinite", "depths, and NaN where there is none",
                        "export undefined cells as such")  # fmt: skip
    values, geo = seen_from_above(values, geo)
    return np.ascontiguousarray(-values if elevation else values, np.float32), geo


def seen_from_above(values: NDArray, geo: Geo) -> tuple[NDArray, Geo]:
    """Flip rows and columns until ``dx > 0`` and ``dy < 0``; every cell keeps its coordinates."""
    if not geo.located or geo.dx is None or geo.dy is None:
        return values, geo
    row, col = (values.shape[0] - 1 if geo.dy > 0 else 0), (values.shape[1] - 1 if geo.dx < 0 else 0)
    x0, y0 = geo.xy(row, col)
    values = values[:: -1 if geo.dy > 0 else 1, :: -1 if geo.dx < 0 else 1]
    return values, replace(geo, x0=float(x0), y0=float(y0), dx=abs(geo.dx), dy=-abs(geo.dy))


def format_of(path: str | Path, strict: bool = False) -> str | None:
    """The name of a grid file's format by its content, or None if it is no grid; `strict` raises instead.

    An .npz of other arrays is no grid either, but `strict` leaves it to the reader to say what is missing.

    Raises
    ------
    UserError
        The file cannot be read, or (`strict`) is of no known format.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(HEAD)
        if head[:2] == GZIP:
            with gzip.open(path) as file:
                head = file.read(HEAD)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(path, f"cannot be read ({error})", "a grid or picture", "check the path") from error
    name = next((name for name, (tells, _) in FORMATS.items() if tells(head)), None)
    if name == "npz" and not strict and not _holds_depth(Path(path)):
        return None
    if name is None and strict:
        raise UserError(
            path, "not a grid of a known format", f"one of {', '.join(FORMATS)}", "export it as one of these"
        )
    return name


GZIP = b"\x1f\x8b"
MAX_WORD = 2**14  # bytes of one element of an array: a coordinate system in WKT takes four a letter


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The file itself, or a temporary copy of what is gzipped in it."""
    with path.open("rb") as file:
        if file.read(2) != GZIP:
            yield path
            return
    with tempfile.TemporaryDirectory() as folder, gzip.open(path) as packed:
        plain = Path(folder) / "grid"
        with plain.open("wb") as out:
            while block := packed.read(2**20):
                out.write(block)
                if out.tell() > MAX_UNPACKED:
                    raise UserError(path, "unpacks to an unreasonable size", f"at most {MAX_UNPACKED:,} bytes")
        yield plain


def _check_size(path: Path, *shape: int, most: int = MAX_CELLS) -> None:
    if any(length < 1 for length in shape) or math.prod(shape) > most:
        raise UserError(path, f"claims {' x '.join(map(str, shape))} cells", f"1 to {most:,}",
                        "cut it into smaller maps")  # fmt: skip


def _holds_depth(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "depth.npy" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


NPZ_NUMBERS, NPZ_TEXTS = ("x0", "y0", "dx", "dy", "rotation"), ("units", "crs")


def _read_npz(path: Path) -> tuple[NDArray, Geo]:
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if "depth" not in names:
            raise UserError(
                path, f"holds {', '.join(names)}", "an array 'depth'", "name the (rows, cols) array 'depth'"
            )
        for name in {*names} & {"depth", *NPZ_NUMBERS, *NPZ_TEXTS}:
            with archive.open(f"{name}.npy") as file:
                _check_npy_size(path, file, MAX_CELLS if name == "depth" else 1)
    with np.load(path, allow_pickle=False) as data:
        told: dict[str, Any] = {key: float(data[key]) for key in NPZ_NUMBERS if key in names}
        texts = {key: str(data[key]) for key in NPZ_TEXTS if key in names}
        geo = Geo(**told, crs=texts.get("crs") or None, depth_unit=_unit(texts.get("units", "")))
        return data["depth"], geo


def _read_npy(path: Path) -> tuple[NDArray, Geo]:
    with path.open("rb") as file:
        _check_npy_size(path, file)
    return np.load(path, allow_pickle=False), Geo()


def _check_npy_size(path: Path, file: Any, most: int = MAX_CELLS) -> None:
    """Read shape and type from an .npy head; the data are not touched."""
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(file)
    if version not in read:
        raise UserError(path, f"an array of version {version}", "version 1 or 2: np.save of plain numbers")
    shape, _, kind = read[version](file)
    _check_size(path, *shape, most=most)
    if kind.itemsize > MAX_WORD:  # a text of a gigabyte is one cell
        raise UserError(path, f"an array of {str(kind)[:40]}", "numbers, or short texts")


def _unit(text: str) -> str | None:
    """The depth unit in words such as "m TVDSS"."""
    words = text.lower().split()
    return UNITS.get(words[0]) if words else None


def _read_irap_binary(path: Path) -> tuple[NDArray, Geo]:
    """IRAP binary: Fortran records of big-endian numbers, the head in three, then rows from the bottom up.

    (xtgeo 4.27 follows the lengths of records backwards too, for ever.)
    """
    content = path.read_bytes()
    rows, x0, _, y0, _, dx, dy = struct.unpack_from(">i6f", content, 8)
    cols, rotation = struct.unpack_from(">if", content, 44)
    _check_size(path, rows, cols)
    if 4 * rows * cols > len(content):
        raise UserError(path, f"cut off: {len(content)} bytes", f"{rows} x {cols} values of 4", "copy it again")
    values = np.empty(rows * cols, np.float32)
    at, filled = IRAP_HEAD, 0
    while filled < values.size:
        (length,) = struct.unpack_from(">i", content, at)
        if not 0 < length <= 4 * (values.size - filled) or length % 4:
            raise UserError(path, f"a record of {length} bytes", f"1 to {4 * (values.size - filled)}", "copy it again")
        values[filled : filled + length // 4] = np.frombuffer(content, ">f4", length // 4, at + 4)
        at, filled = at + length + 8, filled + length // 4
    if at != len(content):
        raise UserError(path, f"{len(content) - at} bytes behind the last value", "none", "export or copy it again")
    values[~(values < BINARY_NULL)] = np.nan
    return values.reshape(rows, cols), Geo(x0, y0, dx, dy, rotation)


IRAP_HEAD = 100  # bytes
BINARY_NULL = 1e29  # IRAP binary writes 1e30 for an undefined node


def _import(name: str, path: str | Path) -> Any:
    """An optional library, or an error that says what to install."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(path, f"this format needs the library {name}", mend="pip install 'trapmtl[geo]'") from error


def _read_gxf(path: Path) -> tuple[NDArray, Geo]:
    """GXF text, by xtgeo, which passes over what the file says of its coordinate system and its unit.

    The coordinate system is the name under #MAP_PROJECTION (GXF revision 3), where it is an EPSG one, or the EPSG code
    in the comments of OpenWorks. GXF has no word for the unit of the values; OpenWorks says it in its comments, one
    each for depths and times.
    """
    surface = _import("xtgeo", path).surface_from_file(path, fformat="gxf")
    values = np.ma.filled(surface.values.astype(np.float32), np.nan).T
    geo = Geo(surface.xori, surface.yori, surface.xinc, surface.yinc * surface.yflip, surface.rotation)
    with path.open("rb") as file:
        head = file.read(HEAD).decode("latin-1").split("\n#GRID")[0]
    crs = unit = None
    if projection := re.search(r'^#MAP_PROJECTION\s*\n\s*"?([^"\n]+)', head, re.MULTILINE):
        crs = _epsg(projection[1].strip(), path)
    elif code := re.search(r"^! *Export cartographic reference.*?epsg code *: *(\d+)", head, re.MULTILINE | re.DOTALL):
        crs = f"EPSG:{code[1]}"
    if domain := re.search(r"^! *dataDomain *= *(\w+)", head, re.MULTILINE):
        measure = "depth measure" if domain[1].upper().startswith("TVD") else "seismic time"
        if told := re.search(rf"^! *default {measure} unit: *(.+)", head, re.MULTILINE):
            unit = _unit(told[1])
    return values, replace(geo, crs=crs, depth_unit=unit)


def _epsg(name: str, path: Path) -> str | None:
    """The code of a coordinate system by its name in the EPSG register; None if it has none."""
    pyproj = _import("pyproj", path)
    try:
        code = pyproj.CRS.from_user_input(name).to_epsg()
    except pyproj.exceptions.CRSError:
        return None
    return None if code is None else f"EPSG:{code}"


def _read_cps3(path: Path) -> tuple[NDArray, Geo]:
    """CPS-3 text: FS lines, perhaps a line '->name', then columns from West to East, each from the top down."""
    lines = path.read_text("latin-1").splitlines()
    told: dict[str, list[float]] = {}
    body = 0
    for body, line in enumerate(lines):  # noqa: B007
        words = line.replace(",", " ").split()
        if words and words[0][:2].upper() == "FS":
            told[words[0].upper()] = [number for word in words[1:] if (number := _number(word)) is not None]
        elif words and not line.lstrip().startswith(("!", "->")):
            break
    if missing := {"FSLIMI", "FSNROW", "FSXINC"} - set(told):
        raise UserError(path, f"a CPS-3 grid without {', '.join(sorted(missing))}", "FSASCI, FSLIMI, FSNROW and FSXINC")
    (xmin, xmax, ymin, ymax), (xinc, yinc) = told["FSLIMI"][:4], told["FSXINC"][:2]
    rows, cols = map(int, told["FSNROW"][:2])
    if not (_close(xmax - xmin, (cols - 1) * xinc) and _close(ymax - ymin, (rows - 1) * yinc)):
        raise UserError(path, f"FSNROW {rows} {cols} and FSXINC {xinc:g} {yinc:g} contradict FSLIMI "
                        f"{xmin:g} {xmax:g} {ymin:g} {ymax:g}", "xmax - xmin = (columns - 1) * xinc, and so along y",
                        "export it again, unrotated")  # fmt: skip
    _check_size(path, rows, cols)
    values = _counted(path, _floats("\n".join(lines[body:])), rows, cols)
    nulls = [number for number in told.get("FSASCI", []) if abs(number) > 1] or [1e30]
    values[(np.abs(values) >= 1e29) | np.isclose(values, nulls[-1], rtol=1e-6, atol=0)] = np.nan
    return values.reshape(cols, rows).T, Geo(xmin, ymax, xinc, -yinc)


def _read_irap_ascii(path: Path) -> tuple[NDArray, Geo]:
    """IRAP text: 19 numbers, then rows from the bottom up. (xtgeo makes up the end of a file that is cut off.)"""
    numbers = _floats(path.read_text("latin-1"))
    rows, cols = int(numbers[1]), int(numbers[8])
    values = _counted(path, numbers[19:], rows, cols)
    values[values >= IRAP_NULL] = np.nan
    geo = Geo(x0=numbers[4], y0=numbers[6], dx=numbers[2], dy=numbers[3], rotation=numbers[9])
    return values.reshape(rows, cols), geo


def _read_zmap(path: Path) -> tuple[NDArray, Geo]:
    """ZMAP+ text: columns from West to East, each from the top down. (xtgeo 4.27 takes the null 1E+30 for a depth.)"""
    lines = [line for line in path.read_text("latin-1").splitlines() if line.strip() and not line.startswith("!")]
    body = next((i for i, line in enumerate(lines[1:], 2) if line.strip().startswith("@")), None)
    if body is None or body < 4:
        raise UserError(path, "a ZMAP+ head without an end", "@name, GRID, n; two lines of numbers; and a line @")
    width, null, null_text = [*lines[1].split(","), "", ""][:3]
    size = [float(field) for field in lines[2].split(",")[:6]]
    rows, cols, (xmin, xmax, ymin, ymax) = int(size[0]), int(size[1]), size[2:]
    _check_size(path, rows, cols)
    if min(rows, cols) < 2:
        raise UserError(path, f"{rows} x {cols} nodes", "two or more each way")
    try:
        values = _floats("\n".join(lines[body:]))
    except ValueError:
        values = np.empty(0)
    if values.size != rows * cols:  # fields of full width stand without a space between them
        n = max(int(width), 2)
        fields = (line[i : i + n] for line in lines[body:] for i in range(0, len(line.rstrip()), n))
        values = _floats("\n".join(fields))
    values = _counted(path, values, rows, cols)
    undefined = _number(null) if null.strip() else _number(null_text)
    values[(np.abs(values) >= 1e29) | np.isclose(values, np.nan if undefined is None else undefined, 1e-6, 0)] = np.nan
    return values.reshape(cols, rows).T, Geo(xmin, ymax, (xmax - xmin) / (cols - 1), -(ymax - ymin) / (rows - 1))


def _floats(text: str) -> NDArray[np.float64]:
    """The numbers of a text with white space between them; a list of its words would take ten times the memory.

    Raises
    ------
    ValueError
        Something else is among them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # NumPy's word for it
        try:
            return np.fromstring(text, np.float64, sep=" ")
        except DeprecationWarning as error:
            raise ValueError("something that is no number") from error


def _counted(path: Path, values: NDArray, rows: int, cols: int) -> NDArray:
    """The values of a grid, if they are as many as its head says."""
    if values.size != rows * cols:
        raise UserError(path, f"{values.size} values", f"{rows} x {cols} = {rows * cols}", "export or copy it again")
    return values


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _close(span: float, steps: float) -> bool:
    """Equal to 1 %: the files round limits and increments."""
    return abs(span - steps) <= 0.01 * max(abs(span), abs(steps), 1e-9)


def _read_points(path: Path) -> tuple[NDArray, Geo]:
    with path.open("rb") as file:
        head = _points_head(file.read(HEAD))
    if head is None:
        raise UserError(path, "no table of points", "columns x, y, z")
    skip, names, delimiter = head
    table = np.loadtxt(path, skiprows=skip, delimiter=delimiter, comments=("#", "!"), ndmin=2, encoding="latin-1")
    _check_size(path, len(table), most=MAX_POINTS)
    x, y, z = table[:, _xyz_columns(path, table, names)].T
    defined = np.abs(z) < UNDEFINED
    if not (np.abs([x[defined], y[defined]]) <= FARTHEST).all():
        raise UserError(path, "x or y is missing in some rows, or too large", f"numbers up to {FARTHEST:g}")
    return grid_of_points(x[defined], y[defined], z[defined])


def _points_head(head: bytes) -> tuple[int, dict[str, int], str | None] | None:
    """Lines before the numbers, the columns that a head names, and the delimiter; None if it is no table of points.

    Heads look like "X Y Z", "x,y,depth", "# 1: X" (OpendTect) or "# Field: 1 x" (EarthVision).
    """
    names: dict[str, int] = {}
    for skip, line in enumerate(head.decode("latin-1").splitlines()):
        text = line.strip()
        if match := re.match(r"[#!]\s*(?:field:?\s*)?(\d{1,3})\s*:?\s+([a-z_]+)", text, re.IGNORECASE):
            names[match[2].lower()] = int(match[1]) - 1
        if not text or text[0] in "#!":
            continue
        delimiter = "," if "," in text else None
        words = [word.strip() for word in text.split(delimiter)]
        numbers = [_number(word) for word in words]
        if None not in numbers:
            several = len(numbers) >= 3 and not all(number == SEPARATOR for number in numbers)
            rest = [line.split() for line in head.decode("latin-1").splitlines()[skip:]]
            parted = any(len(row) > 1 and all(_number(word) == SEPARATOR for word in row) for row in rest)
            return (skip, names, delimiter) if several and not parted else None
        columns = [word.lower().strip('"') for word in words]
        if names or not {"x", "y"} <= set(columns) or set(columns) & set(ID_COLUMNS):
            return None
        names = {name: i for i, name in enumerate(columns)}
    return None


def _xyz_columns(path: Path, table: NDArray, names: dict[str, int]) -> list[int]:
    """Which columns are x, y and z: by name, or the three that are not a grid's line numbers."""
    depths = [names[key] for key in ("z", "depth", "twt", "value") if key in names]
    if "x" in names and "y" in names and depths:
        return [names["x"], names["y"], depths[0]]
    columns = list(range(table.shape[1]))
    if len(columns) == 5:
        whole = [i for i in columns if (table[:, i] == np.round(table[:, i])).all()]
        columns = [i for i in columns if i not in whole]
    if len(columns) != 3:
        raise UserError(path, f"{table.shape[1]} columns", "x, y, z, perhaps with two columns of line numbers",
                        "name the columns in a first line, such as X Y Z")  # fmt: skip
    return columns


def _read_geotiff(path: Path) -> tuple[NDArray, Geo]:
    rasterio = _import("rasterio", path)
    with rasterio.open(path, driver="GTiff") as source:
        if source.count != 1:
            raise UserError(path, f"{source.count} bands", "one band of depths", "export the depth alone")
        _check_size(path, source.height, source.width)
        for block in source.block_shapes:  # is decoded as a whole, however small the grid
            _check_size(path, *block)
        if np.dtype(source.dtypes[0]).kind not in "iuf":
            raise UserError(path, f"values of type {source.dtypes[0]}", "real numbers")
        values = source.read(1, masked=True).astype(np.float32).filled(np.nan)
        if (scale := source.scales[0]) != 1 or source.offsets[0]:
            values = values.astype(np.float64) * scale + source.offsets[0]
        place, crs, unit = source.transform, source.crs, source.units[0]
    geo = Geo(crs=crs.to_string() if crs else None, depth_unit=_unit(unit or ""))
    if place.is_identity:
        return values, geo
    dx = float(np.hypot(place.a, place.d))
    if abs(place.a * place.b + place.d * place.e) > 1e-6 * abs(place.determinant):
        raise UserError(path, "a sheared raster", "rows and columns at right angles", "resample it")
    # A GeoTIFF counts from the corner of its first cell, a map from its centre.
    x0, y0 = place.c + (place.a + place.b) / 2, place.f + (place.d + place.e) / 2
    return values, replace(geo, x0=x0, y0=y0, dx=dx, dy=place.determinant / dx,
                           rotation=float(np.degrees(np.arctan2(place.d, place.a))))  # fmt: skip


def write_grid(values: NDArray, geo: Geo, path: str | Path) -> None:
    """Write a grid of depths, labels or anything else; `read_surface` gives it back at the same place.

    Parameters
    ----------
    values : (H, W)
        Of any number type, NaN = undefined; as seen from above (``dx > 0``, ``dy < 0``) or not.
    geo : Geo
        Its location.
    path : str | Path
        The suffix tells the format: ``.tif`` cloud-optimised GeoTIFF (keeps float32 and whole numbers, CRS; has
        overviews, so that a GIS shows a large one at once), ``.npz``, ``.gri`` IRAP binary (float32; coordinates too,
        so they are rounded to 0.5 m at 6,000 km), ``.irap`` IRAP ASCII, ``.zmap`` ZMAP+ (unrotated grids only: the
        format has no rotation).

    Raises
    ------
    UserError
        The suffix is unknown, the map has no location (except ``.npz``), ZMAP+ of a rotated map, or the file cannot be
        written.
    """
    path = Path(path)
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise UserError(path, f"unknown suffix {path.suffix!r}", f"one of {', '.join(WRITERS)}")
    if not geo.located and writer is not _write_npz:
        raise UserError(path, "the map has no location", "x0, y0, dx and dy", "write .npz or .png, or give a location")
    with written_whole(path) as temporary:
        try:
            writer(values, geo, temporary)
        except UserError as error:
            raise UserError(path, *error.args[1:]) from error


def _write_npz(values: NDArray, geo: Geo, path: Path) -> None:
    place = {key: getattr(geo, key) for key in ("x0", "y0", "dx", "dy", "rotation")} if geo.located else {}
    arrays: dict[str, Any] = {"depth": values, "units": geo.depth_unit or "", "crs": geo.crs or "", **place}
    np.savez_compressed(path, **arrays)


def write_classes(values: NDArray[np.uint8], geo: Geo, path: str | Path, classes: Mapping[str, RGBA]) -> None:
    """Write (H, W) classes as a GeoTIFF in colours, and beside it a .qml with their names, which QGIS takes by itself.

    Parameters
    ----------
    values : NDArray[np.uint8]
        0 = nothing, which is transparent, k = the k-th class.
    classes : Mapping[str, RGBA]
        Names and colours.

    Raises
    ------
    UserError
        As `write_grid`.
    """
    path = Path(path)
    with written_whole(path) as temporary:
        _write_geotiff(values, geo, temporary, dict(enumerate(classes.values(), start=1)))
    entries = "".join(
        f'<paletteEntry value="{value}" label={quoteattr(name)} '
        f'color="#{bytes(colour[:3]).hex()}" alpha="{colour[3]}"/>'
        for value, (name, colour) in enumerate(classes.items(), start=1)
    )
    with written_whole(path.with_suffix(".qml")) as temporary:
        temporary.write_text(
            "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
            '<qgis version="3.28" styleCategories="Symbology"><pipe><rasterrenderer type="paletted" band="1" '
            f'opacity="1" alphaBand="-1"><colorPalette>{entries}</colorPalette></rasterrenderer></pipe></qgis>'
        )


def _write_geotiff(values: NDArray, geo: Geo, path: Path, colours: Mapping[int, RGBA] | None = None) -> None:
    rasterio = _import("rasterio", path)
    a, b, c, d, e, f = geo.affine()
    place = rasterio.Affine(a, b, c - (a + b) / 2, d, e, f - (d + e) / 2)  # of the corner
    if values.dtype == np.bool_:
        values = values.astype(np.uint8)
    elif values.dtype.kind == "f":
        values = values.astype(np.float32)
    try:
        crs = rasterio.CRS.from_user_input(geo.crs) if geo.crs else None
    except rasterio.errors.CRSError as error:
        raise UserError(path, f"crs {geo.crs!r} is unknown", "such as EPSG:23031", "correct it in map.yaml") from error
    numbers = values.dtype.kind == "f"  # labels and classes have no mean
    head = {"driver": "COG", "height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": values.dtype,
            "transform": place, "crs": crs, "compress": "deflate",
            "overview_resampling": "average" if numbers else "nearest"}  # fmt: skip
    nodata = np.nan if numbers else None if colours is None else 0
    with rasterio.MemoryFile() as memory:
        with memory.open(**head, nodata=nodata) as target:
            target.write(values, 1)
            if geo.depth_unit:
                target.units = [geo.depth_unit]
            if colours is not None:
                target.write_colormap(1, colours)
        path.write_bytes(memory.getbuffer())  # GDAL does not tell of a full disk


def _xtgeo_writer(form: str) -> Callable[[NDArray, Geo, Path], None]:
    def write(values: NDArray, geo: Geo, path: Path) -> None:
        if form == "zmap_ascii" and abs(geo.rotation) > 1e-9:
            raise UserError(path, f"ZMAP+ cannot hold a map rotated by {geo.rotation:g} degrees", "an unrotated map",
                            "write .irap, .gri or .tif")  # fmt: skip
        xtgeo = _import("xtgeo", path)
        # These formats count from the lower left corner, as all their readers expect.
        upwards, place = seen_from_above(values, geo)
        low, (x0, y0) = upwards[::-1], place.xy(values.shape[0] - 1, 0)
        surface = xtgeo.RegularSurface(
            ncol=low.shape[1], nrow=low.shape[0], xori=float(x0), yori=float(y0), xinc=place.dx,
            yinc=-float(place.dy or 0), rotation=place.rotation,
            values=np.ma.masked_invalid(low.T.astype(np.float64)))  # fmt: skip
        surface.to_file(path, fformat=form)

    return write


WRITERS: dict[str, Callable[[NDArray, Geo, Path], None]] = {
    ".tif": _write_geotiff,
    ".tiff": _write_geotiff,
    ".npz": _write_npz,
    ".gri": _xtgeo_writer("irap_binary"),
    ".irap": _xtgeo_writer("irap_ascii"),
    ".zmap": _xtgeo_writer("zmap_ascii"),
}


def _first(head: bytes) -> str:
    """The first line of a text file that is no comment; "" if the file is binary."""
    if b"\x00" in head:
        return ""
    lines = (line.strip() for line in head.decode("latin-1").splitlines())
    return next((line for line in lines if line and line[0] not in "!#"), "")


def _tells_irap_binary(head: bytes) -> bool:
    """A Fortran record of 32 bytes that starts with the number -996, big-endian."""
    return head[:8] == b"\x00\x00\x00\x20\xff\xff\xfc\x1c"


def _tells_zmap(head: bytes) -> bool:
    """@name, GRID, values per line (Z-MAP files of points and polygons say otherwise)."""
    fields = [field.strip().upper() for field in _first(head).split(",")]
    return fields[0].startswith("@") and "GRID" in fields[1:2]


def _tells_cps3(head: bytes) -> bool:
    return re.match(r"FS(ASCI|ATTR|LIMI|NROW|XINC)\b", _first(head), re.IGNORECASE) is not None


def _tells_gxf(head: bytes) -> bool:
    return b"\x00" not in head and re.search(rb"^#(POINTS|ROWS|GRID)\s*$", head, re.MULTILINE) is not None


def _tells_points(head: bytes) -> bool:
    return b"\x00" not in head and _points_head(head) is not None


# Asked in this order: a table of points is the least particular.
FORMATS: dict[str, tuple[Callable[[bytes], bool], Callable[[Path], tuple[NDArray, Geo]]]] = {
    "npz": (lambda head: head[:4] == b"PK\x03\x04", _read_npz),
    "npy": (lambda head: head[:6] == b"\x93NUMPY", _read_npy),
    "GeoTIFF": (lambda head: head[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"), _read_geotiff),
    "IRAP/RMS binary": (_tells_irap_binary, _read_irap_binary),
    "IRAP/RMS ASCII": (lambda head: _first(head).split()[:1] == ["-996"], _read_irap_ascii),
    "ZMAP+": (_tells_zmap, _read_zmap),
    "CPS-3": (_tells_cps3, _read_cps3),
    "GXF": (_tells_gxf, _read_gxf),
    "XYZ points": (_tells_points, _read_points),
}
