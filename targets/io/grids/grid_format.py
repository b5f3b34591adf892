"""Record of a grid format, and the limits that all readers share."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.read_options import ReadOptions
from targets.io.surface_file import Surface
from targets.scene import GeoReference

# 16,384 squared: the largest grid that is read into memory as a whole. Refused by the header, before decoding.
MAX_CELLS = 2**28
HEAD_SIZE = 2**16  # bytes by which a format is recognised; GXF files start with comments of several pages
MAX_DEPTH = 1e6  # no depth in m, ft or ms is as large; programs write 9999900 or 1e30 for an undefined cell


def _yes(path: Path) -> bool:
    return True


@dataclass(frozen=True)
class GridFormat:
    """One format of gridded surfaces: how its files are recognised, read and written.

    A new format is one such record in a file of its own in this folder: `targets.io.grids.registry` finds it there.

    Attributes
    ----------
    name : str
        The format's name, as errors spell it.
    recognise : Callable[[bytes], bool]
        Whether the first `HEAD_SIZE` bytes of a file, unpacked, are those of this format.
    read : Callable[[Path, ReadOptions], Surface]
        Reads a file: values (H, W), cells that the file declares undefined NaN or masked, their location, and what it
        had to assume. It leaves sign and undeclared nulls to the registry, and may raise anything on a damaged file.
    write : Callable[[NDArray, GeoReference, Path], None] | None, default None
        Writes such values; None: the format is only read.
    suffixes : tuple[str, ...], default ()
        Lower-case suffixes of its files; a written file has one of them, a file that is read may have any.
    read_needs, write_needs : tuple[str, ...], default ()
        Optional libraries that `read` and `write` import.
    write_needs_location : bool, default True
        Maps without a location cannot be written.
    writes_prj : bool, default False
        A GIS finds the coordinate system of such a file in a .prj beside it, which is written with it.
    holds_surface : Callable[[Path], bool]
        Whether a recognised file that merely lies in a folder holds a surface; default: always.
    catch_all : bool, default False
        It recognises files that other formats recognise better: it is tried after them.
    is_damaged : Callable[[Path], bool]
        Whether a file with one of the suffixes that is not recognised is a damaged grid; default: always. Not so for
        suffixes that other kinds of files have too.
    """

    name: str
    recognise: Callable[[bytes], bool]
    read: Callable[[Path, ReadOptions], Surface]
    write: Callable[[NDArray, GeoReference, Path], None] | None = None
    suffixes: tuple[str, ...] = ()
    read_needs: tuple[str, ...] = ()
    write_needs: tuple[str, ...] = ()
    write_needs_location: bool = True
    writes_prj: bool = False
    holds_surface: Callable[[Path], bool] = _yes
    catch_all: bool = False
    is_damaged: Callable[[Path], bool] = _yes


def read_text(path: Path) -> str:
    """Read a text grid; it may start with a byte-order mark.

    Raises
    ------
    UserError
        It holds zero bytes: it is no text, or the system lost a part of it.
    """
    content = path.read_bytes()
    if b"\0" in content:
        raise UserError(path, "zero bytes amid the text", "a text grid", "export or copy it again")
    return content.removeprefix(b"\xef\xbb\xbf").decode("latin-1")


def check_cell_count(path: Path, *shape: int, max_cells: int = MAX_CELLS) -> None:
    """Refuse a grid whose header claims no cells, or too many.

    Parameters
    ----------
    path : Path
        The file that an error names.
    *shape : int
        Rows and columns, or the number of points.
    max_cells : int
        The most cells that are read.

    Raises
    ------
    UserError
        A length is below 1, or their product above `max_cells`.
    """
    if any(length < 1 for length in shape) or math.prod(shape) > max_cells:
        raise UserError(path, f"claims {' x '.join(map(str, shape))} cells", f"1 to {max_cells:,}",
                        "cut it into smaller maps")  # fmt: skip


def refuse_rotation(path: Path, geo: GeoReference, name: str) -> None:
    """Refuse to write a rotated map in a format that has no rotation."""
    if abs(geo.rotation) > 1e-9:
        raise UserError(path, f"{name} cannot hold a map rotated by {geo.rotation:g} degrees", "an unrotated map",
                        "write .irap, .gri or .tif")  # fmt: skip


def normalise_orientation(values: NDArray, geo: GeoReference) -> tuple[NDArray, GeoReference]:
    """Flip rows and columns until ``dx > 0`` and ``dy < 0``; every cell keeps its coordinates.

    Parameters
    ----------
    values : (H, W)
        Of any type.
    geo : GeoReference
        Their location; without one nothing is flipped.

    Returns
    -------
    values : (H, W)
        A view, as seen from above: row 0 is the top of the picture.
    geo : GeoReference
        Its location.

    Examples
    --------
    >>> import numpy as np
    >>> values, geo = normalise_orientation(np.array([[1], [2]]), GeoReference(0.0, 0.0, 50.0, 50.0))
    >>> values.tolist(), geo.y0, geo.dy
    ([[2], [1]], 50.0, -50.0)
    """
    if not geo.located or geo.dx is None or geo.dy is None:
        return values, geo
    row, col = (values.shape[0] - 1 if geo.dy > 0 else 0), (values.shape[1] - 1 if geo.dx < 0 else 0)
    x0, y0 = geo.xy(row, col)
    values = values[:: -1 if geo.dy > 0 else 1, :: -1 if geo.dx < 0 else 1]
    return values, replace(geo, x0=float(x0), y0=float(y0), dx=abs(geo.dx), dy=-abs(geo.dy))
