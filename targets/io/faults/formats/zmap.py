"""Z-MAP files of faults, polygons and points: a head of fields between two lines that start with @, then the points."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.faults.columns import Column, make_point_table
from targets.io.faults.fault_format import FaultFile, FaultFormat, head_text, read_text
from targets.io.faults.splitting import close_rings, split_points

NULL_FLOOR = 1e29  # Z-MAP writes 1.0E+30 for an undefined number
KINDS = re.compile(r"POINT|FAULT|POLY|CONT|LINE|VERT|DATA", re.IGNORECASE)


@dataclass(frozen=True)
class _Field:
    """A field of a record: its heading, and the place of its letters."""

    heading: str
    line: int
    start: int
    end: int
    null: float | None


def _is_zmap(head: bytes) -> bool:
    return head_text(head).startswith("@")


def _read(path: Path) -> FaultFile:
    text, notes = read_text(path)
    lines = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("!")]
    ends = [i for i, line in enumerate(lines[1:], 1) if line.strip() == "@"]
    kinds = [field.strip() for field in lines[0].lstrip("@ ").split(",")]
    if not any(map(KINDS.search, kinds[:2])) or not ends or ends[0] + 1 == len(lines):
        raise UserError(path, "not a Z-MAP file of points", "a head '@... POINT', FAULT or POLYGON that ends with '@', "
                        "then x, y, z and the number of the line")  # fmt: skip
    fields = [field for line in lines[1 : ends[0]] if (field := _parse_field(line))]
    body = [line for line in lines[ends[0] + 1 :] if not line.lstrip().startswith("#")]
    cells = _cells(path, body, fields)
    headings = [field.heading for field in fields] if len(fields) == cells.shape[1] else [""] * cells.shape[1]
    for i, field in enumerate(fields[: cells.shape[1]]):
        if field.null is not None:
            cells[np.isclose(cells[:, i], field.null, rtol=1e-6), i] = np.nan if i > 1 else 1e30
    columns = [
        Column([f"{value:.15g}" for value in column.tolist()], column, _heading(headings[i]))
        for i, column in enumerate(cells.T)
    ]
    table = make_point_table(columns, np.zeros(len(cells), np.int64), path)
    blank = np.asarray((np.abs(table.points[:, :2]) > NULL_FLOOR).all(axis=1))
    if blank.any():  # parts two lines
        columns = [Column([word for word, out in zip(column.words, blank, strict=True) if not out],
                          cells[~blank, i], column.heading) for i, column in enumerate(columns)]  # fmt: skip
        table = make_point_table(columns, np.cumsum(blank, dtype=np.int64)[~blank], path)
    z = table.points[:, 2]
    z[np.abs(z) > NULL_FLOOR] = np.nan
    found, more = split_points(table)
    if any("POLY" in kind.upper() for kind in kinds[:2]):
        found, _ = close_rings(found, says_polygon=True)
    return FaultFile(found, table.names is not None, (*notes, *more))


def _parse_field(line: str) -> _Field | None:
    """NAME, number, type, line of the record, first and last letter, , null, ..."""
    words = [word.strip() for word in line.split(",")]
    try:
        line_number, start, end = (int(float(word)) for word in words[3:6])
    except (ValueError, OverflowError):
        return None
    try:
        null = float(words[7]) if len(words) > 7 and words[7] else None
    except ValueError:
        null = None
    return _Field(words[0], line_number, start, end, null)


def _heading(text: str) -> str:
    """The heading of a field in the words of other tables."""
    upper = text.upper().lstrip("@ ")
    for word, heading in (("SEG", "segment"), ("POLY", "polygon"), ("FAULT", "fault"), ("NORTH", "y"), ("EAST", "x")):
        if word in upper:
            return heading
    return {"X": "x", "Y": "y", "Z": "z"}.get(upper[:1], text) if re.match(r"[XYZ]\b", upper) else text


def _cells(path: Path, body: list[str], fields: list[_Field]) -> NDArray[np.float64]:
    """The numbers of all records, (n, fields): by white space, else by the letters that the head gives."""
    lines_of_record = max((field.line for field in fields), default=1)
    rows = [line.replace(",", " ").split() for line in body]
    widths = {len(row) for row in rows}
    try:
        if len(widths) == 1 and lines_of_record == 1 and min(widths) >= len(fields):
            return _as_table(path, np.array(rows, np.float64))
        count = len(fields)
        words = [word for row in rows for word in row]
        if count and len(words) % count == 0 and len(words) == count * (len(body) // lines_of_record):
            return _as_table(path, np.array(words, np.float64).reshape(-1, count))
        if fields and len(body) % lines_of_record == 0 and all(0 < field.start <= field.end for field in fields):
            texts = [[body[i + field.line - 1][field.start - 1 : field.end].strip() for field in fields]
                     for i in range(0, len(body), lines_of_record)]  # fmt: skip
            return _as_table(path, np.array([[float(word or "1e30") for word in row] for row in texts]))
        if count and len(words) % count == 0:
            return _as_table(path, np.array(words, np.float64).reshape(-1, count))
        return _as_table(path, np.array(rows, np.float64))
    except (ValueError, IndexError) as error:
        raise UserError(path, f"not a table of numbers ({error})", "x, y, z and the number of the line") from error


def _as_table(path: Path, cells: NDArray[np.float64]) -> NDArray[np.float64]:
    if cells.ndim != 2 or cells.shape[1] < 2:
        raise UserError(path, "not a table of coordinates", "x, y, z and the number of the line")
    return cells


ZMAP_LINES = FaultFormat("Z-MAP lines", _is_zmap, _read)
