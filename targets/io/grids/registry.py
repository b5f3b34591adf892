"""Registry of grid formats: a gridded surface is read by its content and written by its suffix."""

import gzip
import logging
import tempfile
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.common.atomic_write import atomic_write
from targets.common.files.format_records import collect_formats
from targets.common.files.input_files import require_file
from targets.common.optional_import import import_optional
from targets.common.rasters.side_files import read_crs_beside
from targets.errors import UserError
from targets.io import grids
from targets.io.grids.grid_format import HEAD_SIZE, GridFormat, normalise_orientation
from targets.io.grids.unknown_files import PAGE_SUFFIXES, describe_unknown_file, shows_pages
from targets.io.nulls import undefine_nulls
from targets.io.read_options import DEFAULT_READING, ReadOptions, complete_location
from targets.io.sign import holds_elevations
from targets.io.surface_file import Surface
from targets.scene import GeoReference
from targets.units.crs import understand_crs

log = logging.getLogger(__name__)
FORMATS = collect_formats(grids, GridFormat)  # of all modules of this folder and its subfolders
FORMAT_BY_SUFFIX = {suffix: fmt for fmt in FORMATS if fmt.write for suffix in fmt.suffixes}  # of written files

GZIP_MAGIC = b"\x1f\x8b"
MAX_UNPACKED = 2**30  # bytes of a gzipped grid: a point per cell of a 6,000 x 6,000 map in text


def read_surface(path: str | Path, reading: ReadOptions = DEFAULT_READING) -> tuple[NDArray[np.float32], GeoReference]:
    """Read the numbers of a gridded surface and where they lie.

    Parameters
    ----------
    path : str | Path
        The grid, perhaps gzipped; its format is recognised by its content, the suffix does not matter.
    reading : ReadOptions, default DEFAULT_READING
        What the file does not say itself. What had to be assumed is logged as a warning.

    Returns
    -------
    depth : (H, W) float32, positive down
        NaN where there is none; row 0 at the top, as seen from above.
    geo : GeoReference
        Location (``dx > 0``, ``dy < 0``) and what else the file says, such as the depth unit.

    Raises
    ------
    UserError
        The file is missing, damaged, of no known format, or too large.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/top.npz", depth=[[1500.0, 1510.0]], x0=0, y0=0, dx=50, dy=-50, units="m")
    ...     depth, geo = read_surface(f"{folder}/top.npz")
    >>> depth, geo.depth_unit
    (array([[1500., 1510.]], dtype=float32), 'm')
    """
    surface = load_surface(path, reading)
    for note in surface.notes:
        log.warning("%s: %s", path, note)
    return surface.values, surface.geo


def load_surface(path: str | Path, reading: ReadOptions = DEFAULT_READING) -> Surface:
    """Read a gridded surface with what was assumed to read it.

    Parameters
    ----------
    path : str | Path
        As of `read_surface`.
    reading : ReadOptions, default DEFAULT_READING
        Likewise.

    Returns
    -------
    surface : Surface
        Its values are depths, (H, W) float32, positive down, NaN where there is none; row 0 lies at the top, as seen
        from above.

    Raises
    ------
    UserError
        As `read_surface`.
    """
    path = Path(path)
    fmt = require_format(path)
    _import_libraries(fmt.read_needs, path)
    try:
        with _unpacked(path) as plain, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of keys and tags that a library does not use
            surface = fmt.read(plain, reading)
    except UserError as error:
        raise UserError(path, *error.args[1:]) from error
    except MemoryError as error:
        raise UserError(path, "does not fit into memory", "a smaller grid", "cut it into smaller maps") from error
    except Exception as error:  # whatever a reading library raises on a damaged file
        raise UserError(path, f"damaged, cut off or not a grid ({type(error).__name__}: {error})",
                        f"a whole {fmt.name} grid", "export or copy it again") from error  # fmt: skip
    _check_array(path, surface.values)
    values = np.ma.filled(surface.values.astype(float), np.nan) if np.ma.is_masked(surface.values) else surface.values
    values, nulls = undefine_nulls(np.asarray(values), reading.nodata, path)
    elevation = True if reading.elevation is None and surface.is_elevation else reading.elevation
    is_elevation, sign_notes = holds_elevations(nulls.low, nulls.high, elevation, surface.is_depth)
    location, crs_notes = _complete_by_side_file(path, surface.geo)
    try:
        location, geo_notes = complete_location(location, reading)
    except UserError as error:
        raise UserError(f"{error.where} and {path}", *error.args[1:]) from error
    values, geo = normalise_orientation(values, location)
    fault = None if surface.fault is None else normalise_orientation(surface.fault, surface.geo)[0]
    depth = np.ascontiguousarray(values, np.float32)
    notes = (*surface.notes, *nulls.notes, *sign_notes, *crs_notes, *geo_notes)
    return Surface(-depth if is_elevation else depth, geo, notes, fault, True, is_elevation, fmt.name)


def write_grid(values: NDArray, geo: GeoReference, path: str | Path) -> None:
    """Write a grid of depths, labels or anything else; `read_surface` reads it back at the same place.

    Parameters
    ----------
    values : (H, W)
        Of any number type, NaN = undefined; as seen from above (``dx > 0``, ``dy < 0``) or not.
    geo : GeoReference
        Their location.
    path : str | Path
        The suffix chooses the format: ``.tif`` cloud-optimised GeoTIFF (keeps float32 and whole numbers, CRS; has
        overviews, so that a GIS shows a large one at once), ``.npz``, ``.gri`` IRAP binary (float32; coordinates too,
        so they are rounded to 0.5 m at 6,000 km), ``.irap`` IRAP ASCII; and without a rotation ``.zmap`` ZMAP+,
        ``.cps3`` CPS-3, ``.grd`` Surfer 6 (text) and ``.asc`` Esri ASCII, with float32 as the others. The last two get
        a ``.prj`` beside them that names the coordinate system, as a GIS expects it.

    Raises
    ------
    UserError
        The suffix is unknown, a library is missing, the map has no location (except ``.npz``), or a rotation
        that the format has not, or the file cannot be written.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_grid(np.eye(2), GeoReference(0.0, 0.0, 50.0, -50.0), f"{folder}/top.npz")
    ...     read_surface(f"{folder}/top.npz")[0].tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    path = Path(path)
    fmt = FORMAT_BY_SUFFIX.get(path.suffix.lower())
    if fmt is None or fmt.write is None:
        raise UserError(path, f"unknown suffix {path.suffix!r}", f"one of {', '.join(FORMAT_BY_SUFFIX)}")
    if not geo.located and fmt.write_needs_location:
        raise UserError(path, "the map has no location", "x0, y0, dx and dy", "write .npz or .png, or give a location")
    _import_libraries(fmt.write_needs, path)
    with atomic_write(path) as temporary:
        try:
            fmt.write(values, geo, temporary)
        except UserError as error:
            raise UserError(path, *error.args[1:]) from error
    if fmt.writes_prj:
        _write_prj(geo, path.with_suffix(".prj"))


def _complete_by_side_file(path: Path, geo: GeoReference) -> tuple[GeoReference, tuple[str, ...]]:
    """The coordinate system of a .prj or .aux.xml beside a located grid that names none itself."""
    found = read_crs_beside(path) if geo.located and geo.crs is None else None
    if found is None:
        return geo, ()
    crs, name = found
    try:
        return replace(geo, crs=crs), (f"its coordinate system is that of {name} beside it",)
    except UserError:  # it is no text of a system, or contradicts the units of the grid
        return geo, (f"{name} beside it is not understood: left out (--crs)",)


def _write_prj(geo: GeoReference, path: Path) -> None:
    """Name the coordinate system beside a grid, in Esri's words; a .prj of an earlier grid there would be wrong."""
    system = understand_crs(geo.crs) if geo.crs else None
    if system is None:
        path.unlink(missing_ok=True)
        return
    import pyproj

    try:
        text = pyproj.CRS.from_user_input(system.text).to_wkt(pyproj.enums.WktVersion.WKT1_ESRI)
    except pyproj.exceptions.CRSError:  # Esri has no words for it
        text = pyproj.CRS.from_user_input(system.text).to_wkt()
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def detect_format(path: str | Path) -> GridFormat | None:
    """Recognise a grid file's format by its content.

    Parameters
    ----------
    path : str | Path
        Any file, perhaps gzipped.

    Returns
    -------
    format : GridFormat | None
        None if the file is no grid, such as an ``.npz`` of other arrays.

    Raises
    ------
    UserError
        The file cannot be read.
    """
    fmt = _recognise(path)
    return fmt if fmt is not None and fmt.holds_surface(Path(path)) else None


def require_format(path: str | Path) -> GridFormat:
    """Recognise a grid file's format by its content, or raise.

    Parameters
    ----------
    path : str | Path
        A file that the user calls a grid, perhaps gzipped.

    Returns
    -------
    format : GridFormat
        An ``.npz`` of other arrays passes: its reader says what is missing.

    Raises
    ------
    UserError
        The file cannot be read, or is of no known format.
    """
    fmt = _recognise(path)
    if fmt is None:
        look = describe_unknown_file(Path(path), _read_head(path))
        if shows_pages(Path(path), look):
            kind = (
                "picture that can be read" if Path(path).suffix.lower() in PAGE_SUFFIXES else "grid of a known format"
            )
            raise UserError(path, f"not a {kind}: {look}", "a grid, or a PNG",
                            "save the page with the map as PNG, at 150 dots per inch")  # fmt: skip
        names = ", ".join(fmt.name for fmt in FORMATS)
        raise UserError(path, f"not a grid of a known format: {look}", f"one of {names}", "export it as one of these")
    return fmt


def is_grid_file(path: Path) -> bool:
    """Whether a file is a grid, or one that was damaged: cut off, empty, or overwritten."""
    try:
        if detect_format(path) is not None:
            return True
    except UserError:
        return True
    return any(path.suffix.lower() in fmt.suffixes and fmt.is_damaged(path) for fmt in FORMATS)


def _recognise(path: str | Path) -> GridFormat | None:
    head = _read_head(path)
    return next((fmt for fmt in FORMATS if fmt.recognise(head)), None)


def _read_head(path: str | Path) -> bytes:
    """The first bytes of a file, unpacked."""
    require_file(path, "a grid or picture")
    try:
        with Path(path).open("rb") as file:
            head = file.read(HEAD_SIZE)
        if head[:2] == GZIP_MAGIC:
            with gzip.open(path) as file:
                head = file.read(HEAD_SIZE)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(path, f"cannot be read ({error})", "a grid or picture", "check the path") from error
    return head


def _import_libraries(names: Sequence[str], path: Path) -> None:
    for name in names:
        import_optional(name, path)


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The file itself, or a temporary copy of what is gzipped in it."""
    with path.open("rb") as file:
        if file.read(2) != GZIP_MAGIC:
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


def _check_array(path: Path, values: NDArray) -> None:
    if values.ndim != 2 or values.size == 0 or values.dtype.kind not in "biuf":
        raise UserError(path, f"an array of {values.dtype} of shape {values.shape}", "numbers in rows and columns")
