"""IRAP/RMS grids, binary and ASCII.

The binary format is a chain of Fortran records of big-endian numbers, three of header and then rows from the bottom up;
the ASCII format is 19 numbers of header and the same rows. Both are rotated about their lower left node.
"""

import struct
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.grids.grid_format import GridFormat, check_cell_count, normalise_orientation, read_text
from targets.io.grids.text_numbers import NULL_FLOOR, check_value_count, first_line, parse_values
from targets.io.read_options import ReadOptions
from targets.io.surface_file import Surface
from targets.scene import GeoReference

HEADER_SIZE = 100  # bytes of the binary header
HEADER_NUMBERS = 19  # of the text
MAX_MISFIT = 0.01  # of spans and spacings: limits are rounded
ASCII_NULL = 9_999_000.0  # the text writes 9999900 for an undefined node, sometimes rounded


def _is_binary(head: bytes) -> bool:
    """A Fortran record of 32 bytes that starts with the number -996, big-endian."""
    return head[:8] == b"\x00\x00\x00\x20\xff\xff\xfc\x1c"


def _is_ascii(head: bytes) -> bool:
    return first_line(head).split()[:1] == ["-996"]


def _read_binary(path: Path, reading: ReadOptions) -> Surface:
    """Read the binary format; xtgeo 4.27 follows negative record lengths backwards, in a circle without end."""
    content = path.read_bytes()
    rows, *limits, dx, dy = struct.unpack_from(">i6f", content, 8)
    cols, *turn = struct.unpack_from(">i3f", content, 44)
    check_cell_count(path, rows, cols)
    if 4 * rows * cols > len(content):
        raise UserError(path, f"cut off: {len(content)} bytes", f"{rows} x {cols} values of 4", "copy it again")
    values = np.empty(rows * cols, np.float32)
    position, filled = HEADER_SIZE, 0
    while filled < values.size:
        (length,) = struct.unpack_from(">i", content, position)
        if not 0 < length <= 4 * (values.size - filled) or length % 4:
            raise UserError(path, f"a record of {length} bytes", f"1 to {4 * (values.size - filled)}", "copy it again")
        values[filled : filled + length // 4] = np.frombuffer(content, ">f4", length // 4, position + 4)
        position, filled = position + length + 8, filled + length // 4
    if position != len(content):
        extra = len(content) - position
        raise UserError(path, f"{extra} bytes behind the last value", "none", "export or copy it again")
    values[~(values < NULL_FLOOR)] = np.nan
    geo, notes = _locate((rows, cols), limits, (dx, dy), turn)
    return Surface(values.reshape(rows, cols), geo, notes)


def _read_ascii(path: Path, reading: ReadOptions) -> Surface:
    """Read the ASCII format; xtgeo makes up the end of a file that is cut off."""
    text = read_text(path)
    if "!" in text or "#" in text:
        text = "\n".join(line for line in text.splitlines() if line.lstrip()[:1] not in ("!", "#"))
    numbers = parse_values(text)
    if numbers.size < HEADER_NUMBERS or not np.isfinite(numbers[[1, 8]]).all():
        raise UserError(path, f"a head of {numbers.size} numbers", f"{HEADER_NUMBERS} numbers, then the values")
    rows, cols = int(numbers[1]), int(numbers[8])
    values = numbers[HEADER_NUMBERS:]
    check_value_count(path, values, rows, cols)
    check_cell_count(path, rows, cols)
    values[values >= ASCII_NULL] = np.nan
    geo, notes = _locate((rows, cols), numbers[4:8].tolist(), numbers[2:4].tolist(), numbers[9:12].tolist())
    return Surface(values.reshape(rows, cols), geo, notes)


def _locate(
    shape: tuple[int, int], limits: Sequence[float], spacing: Sequence[float], turn: Sequence[float]
) -> tuple[GeoReference, tuple[str, ...]]:
    """The location, and what was assumed.

    Parameters
    ----------
    shape : tuple[int, int]
        Rows and columns.
    limits : Sequence[float]
        Xmin, xmax, ymin, ymax of the nodes before they are rotated.
    spacing : Sequence[float]
        Of columns and rows.
    turn : Sequence[float]
        Rotation in degrees, and the point that it turns about.
    """
    (rows, cols), (xmin, xmax, ymin, ymax), (dx, dy) = shape, limits, spacing
    rotation, x_turn, y_turn = turn
    geo = GeoReference(xmin, ymin, dx, dy, rotation)
    notes = []
    for axis, span, steps in (("x", xmax - xmin, (cols - 1) * dx), ("y", ymax - ymin, (rows - 1) * dy)):
        if abs(abs(span) - abs(steps)) > MAX_MISFIT * max(abs(span), abs(steps)):
            notes.append(f"its limits along {axis} are {span:g} apart, its steps {steps:g}; the steps are taken")
    offset = (xmin - x_turn, ymin - y_turn)
    # Programs that turn about the first node leave the point away, or write it.
    if rotation % 360 and (x_turn or y_turn) and max(map(abs, offset)) > MAX_MISFIT * max(abs(dx), abs(dy)):
        x0, y0 = GeoReference(x_turn, y_turn, 1.0, 1.0, rotation).xy(offset[1], offset[0])
        geo = replace(geo, x0=float(x0), y0=float(y0))
        notes.append(f"it is turned about ({x_turn:.9g}, {y_turn:.9g}), as the file says, not about its first node")
    return geo, tuple(notes)


def _write(values: NDArray, geo: GeoReference, path: Path, file_format: Literal["irap_binary", "irap_ascii"]) -> None:
    """Write by xtgeo; undefined cells (NaN) get the format's own null value."""
    import xtgeo

    values, geo = normalise_orientation(values, geo)
    # These formats count from the lower left corner, as all their readers expect.
    upwards, (x0, y0) = values[::-1], geo.xy(values.shape[0] - 1, 0)
    surface = xtgeo.RegularSurface(
        ncol=upwards.shape[1],
        nrow=upwards.shape[0],
        xori=float(x0),
        yori=float(y0),
        xinc=geo.dx,
        yinc=-float(geo.dy or 0),
        rotation=geo.rotation,
        values=np.ma.masked_invalid(upwards.T.astype(np.float64)),
    )
    surface.to_file(path, fformat=file_format)


IRAP_BINARY = GridFormat(
    name="IRAP/RMS binary",
    recognise=_is_binary,
    read=_read_binary,
    write=partial(_write, file_format="irap_binary"),
    suffixes=(".gri",),
    write_needs=("xtgeo",),
)
IRAP_ASCII = GridFormat(
    name="IRAP/RMS ASCII",
    recognise=_is_ascii,
    read=_read_ascii,
    write=partial(_write, file_format="irap_ascii"),
    suffixes=(".irap",),
    write_needs=("xtgeo",),
)
