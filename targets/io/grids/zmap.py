"""ZMAP+ text grids: a header between two lines that start with @, then columns from West to East, each from the top."""

import re
from pathlib import Path
from typing import Any

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
from targets.io.grids.text_numbers import (
    check_value_count,
    comment_lines,
    first_line,
    format_values,
    null_to_nan,
    parse_comments,
    parse_values,
    to_number,
)
from targets.io.read_options import ReadOptions
from targets.io.surface_file import Surface
from targets.scene import GeoReference

WIDTH = 20  # letters of a field that is written
NULL = "-99999.0000"
REMARK = re.compile(r"\s*(!|\+(?!\s*[\d.]))")  # RMS writes a remark with + behind the head
GDAL_MARK = re.compile(r"created by gdal|^@grid file\s*,", re.IGNORECASE | re.MULTILINE)
SQUARE = 1e-6  # relative difference of two spacings that are meant to be equal


def _is_zmap(head: bytes) -> bool:
    """@name, GRID, values per line; Z-MAP files of points and polygons have another word in the second place."""
    fields = [field.strip().upper() for field in first_line(head).split(",")]
    return fields[0].startswith("@") and "GRID" in fields[1:]


def _read(path: Path, reading: ReadOptions) -> Surface:
    """Read the grid; xtgeo 4.27 takes the null value 1E+30 for a depth, and GDAL 3.10 the limits for edges of cells."""
    lines = read_text(path).splitlines()
    comments = [line for line in lines if line.lstrip().startswith("!")]
    marked = re.compile(r"\s*[!+]|\s*$")  # most lines are neither
    lines = [line for line in lines if not (marked.match(line) and (not line.strip() or REMARK.match(line)))]
    body = next((i for i, line in enumerate(lines[1:], 2) if line.strip().startswith("@")), None)
    if body is None or body < 4:
        raise UserError(path, "a ZMAP+ head without an end", "@name, GRID, n; two lines of numbers; and a line @")
    width, null, null_text, decimals, column = [*_fields(lines[1]), "", "", "", "", ""][:5]
    numbers = [to_number(field) for field in _fields(lines[2])[:6]]
    if len(numbers) < 6 or None in numbers:
        raise UserError(path, f"{lines[2].strip()[:80]!r}", "rows, columns, xmin, xmax, ymin, ymax")
    rows, cols = int(numbers[0] or 0), int(numbers[1] or 0)
    limits = [float(number or 0) for number in numbers[2:]]
    check_cell_count(path, rows, cols)
    if min(rows, cols) < 2:
        raise UserError(path, f"{rows} x {cols} nodes", "two or more each way")
    text = "\n".join(lines[body:])
    values = _parse(text, lines[body:], rows * cols, (width, column), null_text)
    check_value_count(path, values, rows, cols)
    null_to_nan(values, to_number(null) if null else to_number(null_text))
    location, notes = _locate((rows, cols), limits, GDAL_MARK.search("\n".join([*comments, lines[0]])) is not None)
    if not re.search("[.,eEdD]", text) and (to_number(decimals) or 0) > 0:
        notes.append(f"values without a decimal point are taken as they stand; the head says {decimals} decimals")
    geo = GeoReference(**location, **parse_comments(comments))
    return Surface(values.reshape(cols, rows).T, geo, tuple(notes))


def _fields(line: str) -> list[str]:
    """The fields of a line of the head: between commas, or between white space where there is no comma."""
    return [field.strip() for field in (line.split(",") if "," in line else line.split())]


def _parse(text: str, lines: list[str], count: int, fields: tuple[str, str], null_text: str) -> NDArray[np.float64]:
    """The values, between white space or, where they fill their fields, by the width of these."""
    try:
        values = parse_values(text, null_text)
    except ValueError:
        values = np.empty(0)
    if values.size == count:
        return values
    width, start = (max(int(to_number(field) or 1), 1) for field in fields)
    if width < 2:
        return values
    cut = (line[i : i + width] for line in lines for i in range(start - 1, len(line.rstrip()), width))
    by_width = parse_values("\n".join(cut), null_text)
    return by_width if by_width.size == count or not values.size else values


def _locate(shape: tuple[int, int], limits: list[float], by_gdal: bool) -> tuple[dict[str, Any], list[str]]:
    """Fields of the location, and what was assumed: the limits are those of nodes, but GDAL writes those of cells.

    A spacing that is the same both ways in one of the readings alone tells them apart, too.
    """
    (rows, cols), (xmin, xmax, ymin, ymax) = shape, limits
    by_nodes = ((xmax - xmin) / (cols - 1), (ymax - ymin) / (rows - 1))
    by_cells = ((xmax - xmin) / cols, (ymax - ymin) / rows)
    nodes_square, cells_square = _is_square(by_nodes), _is_square(by_cells)
    notes = []
    edges = by_gdal
    if nodes_square != cells_square and cells_square != by_gdal:
        edges = cells_square
        (x, _), (other_x, other_y) = (by_cells, by_nodes) if edges else (by_nodes, by_cells)
        meaning = "edges of the cells" if edges else "nodes"
        notes.append(f"its limits are taken as {meaning}: so cells are {x:g} both ways, else {other_x:.9g} x "
                     f"{other_y:.9g}")  # fmt: skip
    elif by_gdal:
        notes.append(
            f"written by GDAL: its limits are taken as the edges of cells of {by_cells[0]:g} x {by_cells[1]:g}"
        )
    dx, dy = by_cells if edges else by_nodes
    shift = 0.5 if edges else 0.0
    return {"x0": xmin + shift * dx, "y0": ymax - shift * dy, "dx": dx, "dy": -dy}, notes


def _is_square(spacing: tuple[float, float]) -> bool:
    dx, dy = map(abs, spacing)
    return abs(dx - dy) <= SQUARE * max(dx, dy)


def _write(values: NDArray, geo: GeoReference, path: Path) -> None:
    """Write the limits of nodes, as the oil industry's programs read them."""
    refuse_rotation(path, geo, "ZMAP+")
    values, geo = normalise_orientation(values, geo)
    rows, cols = values.shape
    x0, y0, dx, dy = (float(number or 0) for number in (geo.x0, geo.y0, geo.dx, geo.dy))
    if min(rows, cols) < 2:
        raise UserError(path, f"a grid of {rows} x {cols} nodes", "two or more each way, for want of a spacing")
    per_line = min(rows, 5)
    limits = (x0, x0 + (cols - 1) * dx, y0 + (rows - 1) * dy, y0)
    head = [*comment_lines(geo), f"@GRID HEADER, GRID, {per_line}", f"{WIDTH}, {NULL}, , 4, 1",
            f"{rows}, {cols}, " + ", ".join(f"{limit:.15g}" for limit in limits), "0.0, 0.0, 0.0", "@"]  # fmt: skip
    with path.open("w", encoding="latin-1", errors="replace") as file:
        file.writelines(f"{line}\n" for line in (*head, *format_values(values.T, NULL, per_line, WIDTH)))


ZMAP = GridFormat(
    name="ZMAP+",
    recognise=_is_zmap,
    read=_read,
    write=_write,
    suffixes=(".zmap",),
    is_damaged=lambda path: False,  # fault polygons have this suffix too
)
