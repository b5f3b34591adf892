"""Fault polygons, traces and sticks from files.

Formats, known by their content: RMS/IRAP text (``.pol``: x y z, lines parted by 999 999 999), Z-MAP polygon files
(x y z id) and CSV with a header (columns x, y, perhaps z, and one that names the fault: poly_id, fault, id or name).
"""

import csv
import io
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.scene import MAX_COORDINATE
from targets.surface.rasterize_faults import FaultLine

ID_COLUMNS = ("poly_id", "fault", "id", "name")
LINE_SEPARATOR = 999.0  # RMS and IRAP write this in all columns between two lines
NULL_FLOOR = 1e29  # Z-MAP writes 1.0E+30 for an undefined number


def read_fault_lines(path: str | Path) -> list[FaultLine]:
    """Read a file of fault polygons, traces or sticks.

    Parameters
    ----------
    path : str | Path
        The file; its format is recognised by its content, the suffix does not matter.

    Returns
    -------
    lines : list[FaultLine]
        In the file's order, in map units; lines of one fault share its name.

    Raises
    ------
    UserError
        The file is missing, of no known format, or holds no line of two points or more.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "faults.csv"
    ...     _ = path.write_text("fault,x,y\\nF1,0,0\\nF1,100,50\\n")
    ...     [(line.name, line.points.tolist()) for line in read_fault_lines(path)]
    [('F1', [[0.0, 0.0], [100.0, 50.0]])]
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError as error:
        raise UserError(
            path, f"cannot be read ({error.strerror})", "a file of fault lines", "check the path"
        ) from error
    rows = [line.strip() for line in text.splitlines()]
    rows = [row for row in rows if row and row[0] not in "!#"]
    if not rows:
        raise UserError(path, "holds no lines", "fault polygons or traces")
    if rows[0].startswith("@"):
        points = _parse_zmap(path, rows)
    elif re.search("[A-Za-z]", rows[0]):
        points = _parse_csv(path, "\n".join(rows))
    else:
        points = _parse_separated(path, rows)
    if not all((np.abs(xyz[:, :2]) <= MAX_COORDINATE).all() for _, xyz in points):
        raise UserError(path, "x or y is missing in some rows, or too large", f"numbers up to {MAX_COORDINATE:g}")
    lines = [FaultLine(name, xyz) for name, xyz in points if len(xyz) > 1]
    if not lines:
        raise UserError(path, "holds no line of two points or more", "fault polygons or traces")
    return lines


def _parse_table(path: Path, rows: Sequence[str]) -> NDArray[np.float64]:
    """Text columns as (n, columns) float64."""
    try:
        table = np.array([[float(value) for value in row.replace(",", " ").split()] for row in rows])
    except ValueError as error:
        raise UserError(path, f"not a table of numbers ({error})", "columns x, y and perhaps z") from error
    if table.ndim != 2 or table.shape[1] < 2:
        raise UserError(path, "not a table of coordinates", "columns x, y and perhaps z")
    return table


def _parse_separated(path: Path, rows: Sequence[str]) -> list[tuple[str, NDArray[np.float64]]]:
    """Lines of x y z, parted by rows of `LINE_SEPARATOR`; they are named 0, 1, …"""
    table = _parse_table(path, rows)
    breaks = (table[:, :3] == LINE_SEPARATOR).all(axis=1)
    names = [str(number) for number in np.cumsum(breaks)]
    keep = np.flatnonzero(~breaks)
    return _split_by_name(table[keep, :3], [names[i] for i in keep])


def _parse_zmap(path: Path, rows: Sequence[str]) -> list[tuple[str, NDArray[np.float64]]]:
    """Lines of x y z id after the header, which ends with a lone @."""
    ends = [i for i, row in enumerate(rows[1:], 1) if row == "@"]
    if "POINT" not in rows[0].upper() or not ends or ends[0] + 1 == len(rows):
        raise UserError(path, "not a Z-MAP file of points", "a head '@... POINT' that ends with '@', then x y z id")
    table = _parse_table(path, rows[ends[0] + 1 :])
    if table.shape[1] < 4:
        raise UserError(path, f"{table.shape[1]} columns", "x y z id")
    xyz = np.where(np.abs(table[:, :3]) > NULL_FLOOR, np.nan, table[:, :3])
    return _split_by_name(xyz, [f"{value:g}" for value in table[:, 3]])


def _parse_csv(path: Path, text: str) -> list[tuple[str, NDArray[np.float64]]]:
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise UserError(path, f"cannot be read ({error})", "a table with commas between its columns") from error
    columns = {name.strip().lower(): name for name in reader.fieldnames or []}
    names = [columns[key] for key in ID_COLUMNS if key in columns]
    if not {"x", "y"} <= set(columns) or not names:
        raise UserError(path, f"columns {', '.join(columns)}", f"x, y, perhaps z, and one of {', '.join(ID_COLUMNS)}")
    wanted = [columns[key] for key in ("x", "y", "z") if key in columns]
    try:
        table = np.array([[float(row[key] or "nan") for key in wanted] for row in rows]).reshape(len(rows), len(wanted))
    except (TypeError, ValueError) as error:
        raise UserError(path, f"not numbers ({error})", "numbers in the columns x, y and z") from error
    return _split_by_name(table, [str(row[names[0]]) for row in rows])


def _split_by_name(table: NDArray[np.float64], names: Sequence[str]) -> list[tuple[str, NDArray[np.float64]]]:
    """Split a table of points into lines where the name changes."""
    starts = [i for i in range(len(names)) if i == 0 or names[i] != names[i - 1]]
    return [(names[first], table[first:end]) for first, end in pairwise([*starts, len(names)])]
