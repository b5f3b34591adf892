"""How is a gridded surface read and written? The formats that interpretation programs export, known by content."""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.faults import rasterise_faults, read_faults
from targets.holes import Fill, fill_holes, map_outline
from targets.scene import Geo, Scene

# 16,384 squared: the largest grid that the closure engine is measured on. Refused by the header, before decoding.
MAX_CELLS = 2**28
UNDEFINED = 1e9  # no depth is as large; what formats write for an undefined cell and readers miss (1e30) is larger
UNITS = {"m": "m", "metre": "m", "metres": "m", "meter": "m", "meters": "m", "ft": "ft", "feet": "ft", "foot": "ft",
         "ms": "ms", "s": "s"}  # fmt: skip


def read_grid(
    path: str | Path, faults: Sequence[str | Path] = (), fill: Fill = "inpaint", elevation: bool = False
) -> Scene:
    """Read a gridded surface as a map without a picture.

    Inside the map is what `holes.map_outline` makes of the cells that have a value: closed gaps and gaps up to 6 cells
    wide are voids under faults. Fault cells are those of the `faults`, and the voids when none are given.
    Located grids of one place and size are horizons of one larger map: they share their `group`.

    Parameters
    ----------
    path : the grid, of any format that `read_surface` knows.
    faults : files of fault polygons or traces (`faults.read_faults`).
    fill : how voids are filled, see `holes.fill_holes`.
    elevation : the values are positive up; the depth is their negative. Never guessed.

    Raises
    ------
    UserError : a file is missing, damaged or of no known format, the grid is empty, or no fault lies on it.
    """
    values, geo = read_surface(path, elevation)
    known = np.isfinite(values)
    if not known.any():
        raise UserError(path, "the map is empty: no cell has a value", "some cells with a depth")
    inside = map_outline(known)
    fault = inside & ~known
    if faults:
        lines = [line for file in faults for line in read_faults(file)]
        fault = rasterise_faults(lines, geo, known.shape) > 0
        if not fault.any():
            raise UserError(faults[0], f"none of its lines lies on {Path(path).name}", "the grid's coordinates",
                            "check the coordinate system of both files")  # fmt: skip
    group = ""
    if geo.located:
        x, y = geo.xy(0, 0)
        group = f"x{float(x):.0f}_y{float(y):.0f}_{known.shape[0]}x{known.shape[1]}"
    return Scene(Path(path).stem, fill_holes(values, known, inside, fill), known, inside, fault, geo=geo, group=group)


def read_surface(path: str | Path, elevation: bool = False) -> tuple[NDArray[np.float32], Geo]:
    """Read the numbers of a gridded surface and where they lie.

    Parameters
    ----------
    path : the grid; its format is told by its content, the suffix does not matter.
    elevation : the values are positive up; the depth is their negative. Never guessed.

    Returns
    -------
    depth : (H, W) float32, positive down, NaN where there is none; row 0 at the top, as seen from above.
    geo : location (``dx > 0``, ``dy < 0``) and what else the file tells.

    Raises
    ------
    UserError : the file is missing, damaged, of no known format, or too large.
    """
    path = Path(path)
    name = format_of(path, strict=True)
    assert name is not None
    reader = FORMATS[name][1]
    try:
        values, geo = reader(path)
    except UserError:
        raise
    except Exception as error:  # whatever a reading library raises on a damaged file
        raise UserError(path, f"damaged or cut off ({type(error).__name__}: {error})", "a whole grid",
                        "export or copy it again") from error  # fmt: skip
    if values.ndim != 2 or values.size == 0:
        raise UserError(path, f"an array of shape {values.shape}", "rows and columns")
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

    Raises
    ------
    UserError : the file cannot be read, or (`strict`) is of no known format.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise UserError(path, f"cannot be read ({error.strerror})", "a grid or picture", "check the path") from error
    name = next((name for name, (tells, _) in FORMATS.items() if tells(head)), None)
    if name is None and strict:
        raise UserError(
            path, "not a grid of a known format", f"one of {', '.join(FORMATS)}", "export it as one of these"
        )
    return name


def _check_size(path: Path, *shape: int) -> None:
    if int(np.prod(shape, dtype=object)) > MAX_CELLS:
        raise UserError(path, f"claims {' x '.join(map(str, shape))} cells", f"at most {MAX_CELLS:,}",
                        "cut it into smaller maps")  # fmt: skip


def _read_npz(path: Path) -> tuple[NDArray, Geo]:
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if "depth" not in names:
            raise UserError(
                path, f"holds {', '.join(names)}", "an array 'depth'", "name the (rows, cols) array 'depth'"
            )
        with archive.open("depth.npy") as file:
            _check_npy_size(path, file)
    with np.load(path, allow_pickle=False) as data:
        told: dict[str, Any] = {key: float(data[key]) for key in ("x0", "y0", "dx", "dy", "rotation") if key in names}
        texts = {key: str(data[key]) for key in ("units", "crs") if key in names}
        geo = Geo(**told, crs=texts.get("crs") or None, depth_unit=_unit(texts.get("units", "")))
        return data["depth"], geo


def _read_npy(path: Path) -> tuple[NDArray, Geo]:
    with path.open("rb") as file:
        _check_npy_size(path, file)
    values = np.load(path, allow_pickle=False)
    if not (np.issubdtype(values.dtype, np.floating) or np.issubdtype(values.dtype, np.integer)):
        raise UserError(path, f"numbers of type {values.dtype}", "depths as float32")
    return values.astype(np.float32), Geo()


def _check_npy_size(path: Path, file: Any) -> None:
    """Read the shape from an .npy head; the data are not touched."""
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(file)
    if version in read:
        _check_size(path, *read[version](file)[0])


def _unit(text: str) -> str | None:
    """The depth unit in words such as "m TVDSS"."""
    words = text.lower().split()
    return UNITS.get(words[0]) if words else None


def _xtgeo(form: str) -> Callable[[Path], tuple[NDArray, Geo]]:
    """A reader that leaves the format to xtgeo."""

    def read(path: Path) -> tuple[NDArray, Geo]:
        xtgeo = import_xtgeo(path)
        surface = xtgeo.surface_from_file(path, fformat=form)
        return from_xtgeo(surface)

    return read


def import_xtgeo(path: str | Path) -> Any:
    """The xtgeo library, or an error that says what to install."""
    try:
        import xtgeo
    except ImportError as error:
        raise UserError(path, "reading it needs xtgeo", mend="pip install 'trapmtl[geo]'") from error
    return xtgeo


def from_xtgeo(surface: Any) -> tuple[NDArray, Geo]:
    """Values (rows, cols) with NaN, and location, of an xtgeo RegularSurface; its rows run along y."""
    values = np.ma.filled(surface.values.astype(np.float32), np.nan).T
    geo = Geo(surface.xori, surface.yori, surface.xinc, surface.yinc * surface.yflip, surface.rotation)
    return values, geo


def _tells_irap_binary(head: bytes) -> bool:
    """A Fortran record of 32 bytes that starts with the number -996, big-endian."""
    return head[:8] == b"\x00\x00\x00\x20\xff\xff\xfc\x1c"


FORMATS: dict[str, tuple[Callable[[bytes], bool], Callable[[Path], tuple[NDArray, Geo]]]] = {
    "npz": (lambda head: head[:4] == b"PK\x03\x04", _read_npz),
    "npy": (lambda head: head[:6] == b"\x93NUMPY", _read_npy),
    "IRAP/RMS binary": (_tells_irap_binary, _xtgeo("irap_binary")),
}
