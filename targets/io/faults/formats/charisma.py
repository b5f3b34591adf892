"""Charisma fault sticks, as Petrel writes them: rows of survey lines, x, y, z, a flag, fault and stick."""

import re
from pathlib import Path

import numpy as np

from targets.errors import UserError
from targets.io.faults.fault_format import FaultFile, FaultFormat, head_text, read_text
from targets.io.faults.splitting import PointTable, split_points

ROW = re.compile(r"\s*(INLINE|XLINE|CROSSLINE|TRACE|RANDOM)\s*-", re.IGNORECASE)
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z")
FLAGS = ("6", "7", "8")  # first, inner and last point of a stick
FIRST, LAST = "6", "8"


def _is_charisma(head: bytes) -> bool:
    return ROW.match(head_text(head)) is not None


def _read(path: Path) -> FaultFile:
    text, notes = read_text(path)
    points: list[list[float]] = []
    labels: list[tuple[str, str]] = []
    sticks: list[int] = []
    stick = 0
    ended = True
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip()[0] in "!#":
            continue
        point, flag, label = _parse_row(line, path, number)
        stick += ended or flag == FIRST or label != labels[-1]
        ended = flag == LAST
        points.append(point)
        labels.append(label)
        sticks.append(stick)
    if not points:
        raise UserError(path, "holds no points", "fault sticks")
    numbers: dict[str, set[str]] = {}
    counts: dict[str, set[int]] = {}
    for (name, last), place in zip(labels, sticks, strict=True):
        numbers.setdefault(name, set()).add(last)
        counts.setdefault(name, set()).add(place)
    # A last number that is the same on all sticks of a fault is no number of a stick.
    names = [f"{name} {last}".strip() if len(numbers[name]) == 1 < len(counts[name]) else name for name, last in labels]
    table = PointTable(np.array(points), np.zeros(len(points), np.int64), names, (np.array(sticks),), is_explicit=True)
    lines, more = split_points(table)
    return FaultFile(lines, True, (*notes, *more))


def _parse_row(line: str, path: Path, number: int) -> tuple[list[float], str, tuple[str, str]]:
    """Coordinates, flag, and fault with stick of a row: INLINE- 2043 XLINE- 511 x y z 7 Fault 1 3."""
    words = line.split()
    numbers = [i for i, word in enumerate(words) if NUMBER.match(word)]
    flags = [i for i in numbers if words[i] in FLAGS and len([j for j in numbers if j < i]) >= 5]
    places = [i for i in numbers if not flags or i < flags[0]]
    if len(places) < 3 or not flags:
        raise UserError(path, f"line {number}: {line.strip()[:60]!r}", "INLINE-, line, trace, x, y, z, a flag from 6 "
                        "to 8, the fault and the stick")  # fmt: skip
    rest = words[flags[0] + 1 :]
    label = rest.pop() if len(rest) > 1 and NUMBER.match(rest[-1]) else ""
    return [float(words[i]) for i in places[-3:]], words[flags[0]], (" ".join(rest) or "fault", label)


CHARISMA = FaultFormat("Charisma fault sticks", _is_charisma, _read)
