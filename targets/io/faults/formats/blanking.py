"""Surfer blanking files: before the points of each polygon a row with their number, a flag and perhaps a name."""

from pathlib import Path

import numpy as np

from targets.errors import UserError
from targets.io.faults.fault_format import FaultFile, FaultFormat, head_text, read_text
from targets.io.faults.splitting import PointTable, split_points
from targets.io.text_tables.dialect import Dialect, sniff_dialect
from targets.io.text_tables.encoding import detect_encoding


def _is_blanking(head: bytes) -> bool:
    """Two whole numbers, 3 1, and so many rows of two or three numbers behind them."""
    if not head_text(head)[:1].isdigit():
        return False
    encoding = detect_encoding(head)
    lines = [line for line in head.decode(encoding or "utf-8", "ignore").splitlines() if line.strip()]
    dialect = sniff_dialect(lines[:200], 2)
    if dialect is None or (first := _parse_head(lines[0], dialect)) is None:
        return False
    body = [dialect.split(line) for line in lines[1 : 1 + first[0]]]
    after = lines[1 + first[0] : 2 + first[0]]
    coordinates = [word for row in body for word in row[:2]]
    return (len(body) > 1 and all(2 <= len(row) <= 3 for row in body) and any("." in word for word in coordinates)
            and (not after or _parse_head(after[0], dialect) is not None))  # fmt: skip


def _parse_head(line: str, dialect: Dialect) -> tuple[int, str] | None:
    """Number of points, and name."""
    words = dialect.split(line)
    if len(words) < 2 or not words[0].isdecimal() or words[1] not in ("0", "1") or int(words[0]) < 1:
        return None
    return int(words[0]), " ".join(words[2:3])


def _read(path: Path) -> FaultFile:
    text, notes = read_text(path)
    lines = [line for line in text.split("\n") if line.strip()]
    dialect = sniff_dialect(lines[:200], 2)
    assert dialect is not None  # it was recognised
    points, names, blocks = [], [], []
    place = block = 0
    named = False
    while place < len(lines):
        head = _parse_head(lines[place], dialect)
        rows = [] if head is None else [dialect.split(line) for line in lines[place + 1 : place + 1 + head[0]]]
        numbers = [[dialect.to_number(word) for word in [*row, "nan"][:3]] for row in rows]
        if head is None or len(rows) != head[0] or any(None in row or len(row) < 3 for row in numbers):
            raise UserError(path, f"row {place + 1}: {lines[place][:60]!r}", "the number of points and 0 or 1, and "
                            "then so many points")  # fmt: skip
        points += numbers
        names += [head[1] or str(block)] * head[0]
        blocks += [block] * head[0]
        named |= bool(head[1])
        place, block = place + 1 + head[0], block + 1
    table = PointTable(np.array(points, np.float64), np.array(blocks, np.int64), names, is_explicit=True)
    found, more = split_points(table)
    return FaultFile(found, named, (*notes, *more))


BLANKING = FaultFormat("Surfer blanking file", _is_blanking, _read)
