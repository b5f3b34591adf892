"""Esri grids: lines of a word and a number, then rows from the top down, as text or in a .flt beside the lines."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.common.files.input_files import require_file
from targets.errors import UserError
from targets.io.grids.grid_format import (
    GridFormat,
    check_cell_count,
    normalise_orientation,
    read_text,
    refuse_rotation,
)
from targets.io.grids.text_numbers import (
    check_value_count,
    first_line,
    format_values,
    null_to_nan,
    parse_values,
    to_number,
)
from targets.io.read_options import ReadOptions
from targets.io.surface_file import Surface
from targets.scene import GeoReference

HEAD = re.compile(r"\s*([A-Za-z_]+)\s+(\S+)[^\S\n]*(?:\n|\Z)")
DEFAULT_NODATA = -9999.0  # where the file says none, as Esri has it
SQUARE = 1e-6  # relative difference of spacings that the one field for both can hold
NULL = "-99999"


def _is_esri(head: bytes) -> bool:
    words = first_line(head).lower().split()
    return words[:1] in (["ncols"], ["nrows"]) and re.search(rb"cellsize|dx", head[:2000], re.IGNORECASE) is not None


def _read(path: Path, reading: ReadOptions) -> Surface:
    text = read_text(path).replace("\r\n", "\n").replace("\r", "\n")
    fields: dict[str, str] = {}
    position = 0
    while match := HEAD.match(text, position):
        fields[match[1].lower()], position = match[2].replace(",", "."), match.end()
    numbers = {key: to_number(word) for key, word in fields.items()}
    spacing = (numbers.get("dx", numbers.get("cellsize")), numbers.get("dy", numbers.get("cellsize")))
    rows, cols = numbers.get("nrows"), numbers.get("ncols")
    if rows is None or cols is None or None in spacing:
        raise UserError(path, f"a head of {', '.join(fields)}", "ncols, nrows, xllcorner, yllcorner, cellsize")
    check_cell_count(path, int(rows), int(cols))
    if not text[position:].strip():
        values = _read_floats(path, int(rows) * int(cols), fields.get("byteorder", ""))
    else:
        values = parse_values(text[position:], fields.get("nodata_value", ""))
    check_value_count(path, values, int(rows), int(cols))
    dx, dy = float(spacing[0] or 0), float(spacing[1] or 0)
    x0, y0 = _first_node(path, numbers, "x", dx), _first_node(path, numbers, "y", dy)
    null = numbers.get("nodata_value", None if "nodata_value" in fields else DEFAULT_NODATA)
    null_to_nan(values, null)
    # The rows are stored from the top down, the origin is that of the lowest.
    geo = GeoReference(x0, y0 + (int(rows) - 1) * dy, dx, -dy)
    return Surface(values.reshape(int(rows), int(cols)), geo)


def _read_floats(path: Path, count: int, byte_order: str) -> NDArray[np.float64]:
    """The values of a float grid, whose lines stand in a .hdr and whose values in a .flt of the same name."""
    floats = next((path.with_suffix(suffix) for suffix in (".flt", ".FLT") if path.with_suffix(suffix).exists()), None)
    if floats is None or not byte_order:
        raise UserError(path, "a head without values", "rows of numbers, or a .flt of the same name beside it")
    require_file(floats, "the values of a float grid")
    if floats.stat().st_size != 4 * count:
        raise UserError(path, f"{floats.name} holds {floats.stat().st_size:,} bytes", f"{4 * count:,}: 4 a cell")
    return np.fromfile(floats, ">f4" if byte_order.upper().startswith("M") else "<f4").astype(np.float64)


def _first_node(path: Path, numbers: dict[str, float | None], axis: str, spacing: float) -> float:
    """Centre of the lower left cell along an axis: given itself, or by its corner."""
    centre, corner = numbers.get(f"{axis}llcenter", numbers.get(f"{axis}llcentre")), numbers.get(f"{axis}llcorner")
    if centre is None and corner is None:
        raise UserError(path, f"neither {axis}llcorner nor {axis}llcenter", "one of them")
    return centre if centre is not None else float(corner or 0) + spacing / 2


def _write(values: NDArray, geo: GeoReference, path: Path) -> None:
    """Write corners of cells, which every reader knows; dx and dy where they differ, which GDAL and QGIS know."""
    refuse_rotation(path, geo, "Esri ASCII")
    values, geo = normalise_orientation(values, geo)
    x0, y0, dx, dy = (abs(number or 0) if key in "de" else float(number or 0)
                      for key, number in zip("xyde", (geo.x0, geo.y0, geo.dx, geo.dy), strict=True))  # fmt: skip
    low = y0 - (values.shape[0] - 1) * dy
    is_square = abs(dx - dy) <= SQUARE * max(dx, dy)
    size = [f"cellsize {dx:.15g}"] if is_square else [f"dx {dx:.15g}", f"dy {dy:.15g}"]
    head = [f"ncols {values.shape[1]}", f"nrows {values.shape[0]}", f"xllcorner {x0 - dx / 2:.15g}",
            f"yllcorner {low - dy / 2:.15g}", *size, f"NODATA_value {NULL}"]  # fmt: skip
    with path.open("w", encoding="ascii") as file:
        file.writelines(f"{line}\n" for line in (*head, *format_values(values, NULL, max(values.shape[1], 1))))


ESRI_ASCII = GridFormat(
    name="Esri ASCII",
    recognise=_is_esri,
    read=_read,
    write=_write,
    suffixes=(".asc",),
    writes_prj=True,
    is_damaged=lambda path: False,  # other kinds of files have this suffix
)
