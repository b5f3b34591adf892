"""IRAP/RMS grids, binary and ASCII.

The binary format is a chain of Fortran records of big-endian numbers, three of header and then rows from the bottom up;
the ASCII format is 19 numbers of header and the same rows. Both are rotated about their lower left node.
"""

import struct
from functools import partial
from pathlib import Path

import numpy as np

from targets.errors import UserError
from targets.io.grids.grid_format import GridFormat, check_cell_count
from targets.io.grids.text_numbers import NULL_FLOOR, check_value_count, first_line, parse_numbers
from targets.io.grids.xtgeo_writer import write_with_xtgeo
from targets.io.read_options import ReadOptions
from targets.io.surface_file import Surface
from targets.scene import GeoReference

HEADER_SIZE = 100  # bytes of the binary header
ASCII_NULL = 9_999_000.0  # the text writes 9999900 for an undefined node, sometimes rounded


def _is_binary(head: bytes) -> bool:
    """A Fortran record of 32 bytes that starts with the number -996, big-endian."""
    return head[:8] == b"\x00\x00\x00\x20\xff\xff\xfc\x1c"


def _is_ascii(head: bytes) -> bool:
    return first_line(head).split()[:1] == ["-996"]


def _read_binary(path: Path, reading: ReadOptions) -> Surface:
    """Read the binary format; xtgeo 4.27 follows negative record lengths backwards, in a circle without end."""
    content = path.read_bytes()
    rows, x0, _, y0, _, dx, dy = struct.unpack_from(">i6f", content, 8)
    cols, rotation = struct.unpack_from(">if", content, 44)
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
    return Surface(values.reshape(rows, cols), GeoReference(x0, y0, dx, dy, rotation))


def _read_ascii(path: Path, reading: ReadOptions) -> Surface:
    """Read the ASCII format; xtgeo makes up the end of a file that is cut off."""
    numbers = parse_numbers(path.read_text("latin-1"))
    rows, cols = int(numbers[1]), int(numbers[8])
    values = numbers[19:]
    check_value_count(path, values, rows, cols)
    values[values >= ASCII_NULL] = np.nan
    geo = GeoReference(x0=numbers[4], y0=numbers[6], dx=numbers[2], dy=numbers[3], rotation=numbers[9])
    return Surface(values.reshape(rows, cols), geo)


IRAP_BINARY = GridFormat(
    name="IRAP/RMS binary",
    recognise=_is_binary,
    read=_read_binary,
    write=partial(write_with_xtgeo, file_format="irap_binary"),
    suffixes=(".gri",),
    write_needs=("xtgeo",),
)
IRAP_ASCII = GridFormat(
    name="IRAP/RMS ASCII",
    recognise=_is_ascii,
    read=_read_ascii,
    write=partial(write_with_xtgeo, file_format="irap_ascii"),
    suffixes=(".irap",),
    write_needs=("xtgeo",),
)
