"""Surfer grids: 6 as text (DSAA) and binary (DSBB), 7 (DSRB); limits are those of nodes, rows run from the bottom."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.grids.grid_format import (
    GridFormat,
    check_cell_count,
    normalise_orientation,
    read_text,
    refuse_rotation,
)
from targets.io.grids.text_numbers import check_value_count, format_values, parse_values
from targets.io.read_options import ReadOptions
from targets.io.surface_file import Surface
from targets.scene import GeoReference

BLANK = 1.70141e38  # and above
WRITTEN_BLANK = "1.70141E+38"


def _read_text(path: Path, reading: ReadOptions) -> Surface:
    content = read_text(path).lstrip()
    numbers = parse_values(content[4:])
    if numbers.size < 8 or not np.isfinite(numbers[:2]).all():
        raise UserError(path, f"a Surfer grid of {numbers.size} numbers", "columns, rows, six limits, and the values")
    cols, rows = int(numbers[0]), int(numbers[1])
    check_cell_count(path, rows, cols)
    values = numbers[8:]
    check_value_count(path, values, rows, cols)
    return _surface(path, values.reshape(rows, cols), numbers[2:6])


def _read_binary(path: Path, reading: ReadOptions) -> Surface:
    content = path.read_bytes()
    cols, rows = struct.unpack_from("<2h", content, 4)
    check_cell_count(path, rows, cols)
    limits = struct.unpack_from("<4d", content, 8)
    values = _values(path, content, 56, (rows, cols), "<f4")
    return _surface(path, values, np.array(limits))


def _read_surfer7(path: Path, reading: ReadOptions) -> Surface:
    """Read sections, each of a tag, its length and its bytes."""
    content = path.read_bytes()
    sections: dict[bytes, tuple[int, int]] = {}
    position = 0
    while position + 8 <= len(content):
        tag, length = struct.unpack_from("<4si", content, position)
        if length < 0 or tag in sections:
            raise UserError(path, f"a section {tag!r} of {length} bytes", "each section once", "export it again")
        sections[tag] = (position + 8, length)
        position += 8 + length
    if missing := {b"GRID", b"DATA"} - set(sections):
        raise UserError(path, f"no section {', '.join(map(repr, sorted(missing)))}", "a whole Surfer 7 grid")
    at = sections[b"GRID"][0]
    rows, cols = struct.unpack_from("<2i", content, at)
    x0, y0, dx, dy, _, _, rotation, blank = struct.unpack_from("<8d", content, at + 8)
    check_cell_count(path, rows, cols)
    if rotation:
        raise UserError(path, f"a rotation of {rotation:g}", "0: Surfer itself does not use it", "export it unrotated")
    values = _values(path, content, sections[b"DATA"][0], (rows, cols), "<f8")
    undefined = (values >= blank) if blank > 0 else (values == blank)
    notes = ("its fault traces (section FLTI) are not read; give them as a fault file",) if b"FLTI" in sections else ()
    values = np.where(undefined | (values >= BLANK), np.nan, values)
    return Surface(values, GeoReference(x0, y0, dx, dy), notes)


def _values(path: Path, content: bytes, start: int, shape: tuple[int, int], dtype: str) -> NDArray:
    count = shape[0] * shape[1]
    if start + np.dtype(dtype).itemsize * count > len(content):
        raise UserError(path, f"cut off: {len(content)} bytes", f"{shape[0]} x {shape[1]} values", "copy it again")
    return np.frombuffer(content, dtype, count, start).reshape(shape)


def _surface(path: Path, values: NDArray, limits: NDArray[np.float64]) -> Surface:
    """Values with row 0 at the bottom, between the limits xmin, xmax, ymin, ymax of nodes."""
    rows, cols = values.shape
    xmin, xmax, ymin, ymax = map(float, limits)
    if min(rows, cols) < 2:
        raise UserError(path, f"{rows} x {cols} nodes", "two or more each way, for want of a spacing")
    geo = GeoReference(xmin, ymin, (xmax - xmin) / (cols - 1), (ymax - ymin) / (rows - 1))
    return Surface(np.where(values >= BLANK * (1 - 1e-5), np.nan, values), geo)


def _write(values: NDArray, geo: GeoReference, path: Path) -> None:
    """Write Surfer 6 as text, which more programs read than the binary one."""
    refuse_rotation(path, geo, "Surfer")
    values, geo = normalise_orientation(values, geo)
    rows, cols = values.shape
    if min(rows, cols) < 2:
        raise UserError(path, f"a grid of {rows} x {cols} nodes", "two or more each way, for want of a spacing")
    x0, y0, dx, dy = (float(number or 0) for number in (geo.x0, geo.y0, geo.dx, geo.dy))
    defined = values[values == values]
    low, high = (float(defined.min()), float(defined.max())) if defined.size else (0.0, 0.0)
    head = ["DSAA", f"{cols} {rows}", f"{x0:.15g} {x0 + (cols - 1) * dx:.15g}",
            f"{y0 + (rows - 1) * dy:.15g} {y0:.15g}", f"{low:.9g} {high:.9g}"]  # fmt: skip
    with path.open("w", encoding="ascii") as file:
        file.writelines(f"{line}\n" for line in (*head, *format_values(values[::-1], WRITTEN_BLANK, 10)))


SURFER6_TEXT = GridFormat(
    name="Surfer 6 text",
    recognise=lambda head: head.lstrip()[:4] == b"DSAA" and b"\x00" not in head,
    read=_read_text,
    write=_write,
    suffixes=(".grd",),
    writes_prj=True,
    is_damaged=lambda path: False,  # other kinds of files have this suffix
)
SURFER6_BINARY = GridFormat(name="Surfer 6 binary", recognise=lambda head: head[:4] == b"DSBB", read=_read_binary)
SURFER7 = GridFormat(name="Surfer 7", recognise=lambda head: head[:4] == b"DSRB", read=_read_surfer7)
