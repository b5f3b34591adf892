"""ZMAP+ text grids: a header between two lines that start with @, then columns from West to East, each from the top."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.grids.grid_format import GridFormat, check_cell_count
from targets.io.grids.text_numbers import check_value_count, first_line, null_to_nan, parse_numbers, to_number
from targets.io.grids.xtgeo_writer import write_with_xtgeo
from targets.io.read_options import ReadOptions
from targets.io.surface_file import Surface
from targets.scene import GeoReference


def _is_zmap(head: bytes) -> bool:
    """@name, GRID, values per line; Z-MAP files of points and polygons have another word in the second place."""
    fields = [field.strip().upper() for field in first_line(head).split(",")]
    return fields[0].startswith("@") and "GRID" in fields[1:2]


def _read(path: Path, reading: ReadOptions) -> Surface:
    """Read the grid; xtgeo 4.27 takes the null value 1E+30 for a depth."""
    lines = [line for line in path.read_text("latin-1").splitlines() if line.strip() and not line.startswith("!")]
    body = next((i for i, line in enumerate(lines[1:], 2) if line.strip().startswith("@")), None)
    if body is None or body < 4:
        raise UserError(path, "a ZMAP+ head without an end", "@name, GRID, n; two lines of numbers; and a line @")
    width, null, null_text = [*lines[1].split(","), "", ""][:3]
    size = [float(field) for field in lines[2].split(",")[:6]]
    rows, cols, (xmin, xmax, ymin, ymax) = int(size[0]), int(size[1]), size[2:]
    check_cell_count(path, rows, cols)
    if min(rows, cols) < 2:
        raise UserError(path, f"{rows} x {cols} nodes", "two or more each way")
    try:
        values = parse_numbers("\n".join(lines[body:]))
    except ValueError:
        values = np.empty(0)
    if values.size != rows * cols:
        values = _parse_fixed_width(lines[body:], max(int(width), 2))
    check_value_count(path, values, rows, cols)
    null_to_nan(values, to_number(null) if null.strip() else to_number(null_text))
    geo = GeoReference(xmin, ymax, (xmax - xmin) / (cols - 1), -(ymax - ymin) / (rows - 1))
    return Surface(values.reshape(cols, rows).T, geo)


def _parse_fixed_width(lines: list[str], width: int) -> NDArray[np.float64]:
    """The numbers of lines in which fields of full width stand without a space between them."""
    fields = (line[i : i + width] for line in lines for i in range(0, len(line.rstrip()), width))
    return parse_numbers("\n".join(fields))


def _write(values: NDArray, geo: GeoReference, path: Path) -> None:
    if abs(geo.rotation) > 1e-9:
        raise UserError(path, f"ZMAP+ cannot hold a map rotated by {geo.rotation:g} degrees", "an unrotated map",
                        "write .irap, .gri or .tif")  # fmt: skip
    write_with_xtgeo(values, geo, path, "zmap_ascii")


ZMAP = GridFormat(
    name="ZMAP+",
    recognise=_is_zmap,
    read=_read,
    write=_write,
    suffixes=(".zmap",),
    write_needs=("xtgeo",),
    is_damaged=lambda path: False,  # fault polygons have this suffix too
)
