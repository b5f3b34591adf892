"""Tables of scattered points (x, y, z) exported from a regular grid, with or without a header."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.fault_files import ID_COLUMNS, LINE_SEPARATOR
from targets.io.grids.grid_format import HEAD_SIZE, MAX_DEPTH, GridFormat, check_cell_count
from targets.io.grids.text_numbers import to_number
from targets.io.read_options import ReadOptions
from targets.io.scattered_points import grid_scattered_points
from targets.io.surface_file import Surface
from targets.scene import MAX_COORDINATE

MAX_POINTS = 2**26  # of a table
DEPTH_COLUMNS = ("z", "depth", "twt", "value")


def _is_table(head: bytes) -> bool:
    return b"\x00" not in head and _parse_header(head) is not None


def _read(path: Path, reading: ReadOptions) -> Surface:
    with path.open("rb") as file:
        header = _parse_header(file.read(HEAD_SIZE))
    if header is None:
        raise UserError(path, "no table of points", "columns x, y, z")
    skip, names, delimiter = header
    table = np.loadtxt(path, skiprows=skip, delimiter=delimiter, comments=("#", "!"), ndmin=2, encoding="latin-1")
    check_cell_count(path, len(table), max_cells=MAX_POINTS)
    x, y, z = table[:, _xyz_columns(path, table, names)].T
    defined = np.abs(z) < MAX_DEPTH
    if not (np.abs([x[defined], y[defined]]) <= MAX_COORDINATE).all():
        raise UserError(path, "x or y is missing in some rows, or too large", f"numbers up to {MAX_COORDINATE:g}")
    return Surface(*grid_scattered_points(x[defined], y[defined], z[defined]))


def _parse_header(head: bytes) -> tuple[int, dict[str, int], str | None] | None:
    """Lines before the numbers, {column name: position}, and the delimiter; None if it is no table of points.

    Headers look like "X Y Z", "x,y,depth", "# 1: X" (OpendTect) or "# Field: 1 x" (EarthVision).
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
        numbers = [to_number(word) for word in words]
        if None not in numbers:
            several = len(numbers) >= 3 and not all(number == LINE_SEPARATOR for number in numbers)
            rest = [line.split() for line in head.decode("latin-1").splitlines()[skip:]]
            has_separator = any(len(row) > 1 and all(to_number(word) == LINE_SEPARATOR for word in row) for row in rest)
            return (skip, names, delimiter) if several and not has_separator else None
        columns = [word.lower().strip('"') for word in words]
        # A column of identifiers makes it a table of fault lines.
        if names or not {"x", "y"} <= set(columns) or set(columns) & set(ID_COLUMNS):
            return None
        names = {name: i for i, name in enumerate(columns)}
    return None


def _xyz_columns(path: Path, table: NDArray, names: dict[str, int]) -> list[int]:
    """Which columns are x, y and z: by name, or the three that are not a grid's line numbers."""
    depths = [names[key] for key in DEPTH_COLUMNS if key in names]
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


XYZ = GridFormat(name="XYZ points", recognise=_is_table, read=_read, catch_all=True)
