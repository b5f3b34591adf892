"""OpendTect polygons and picks: blocks between lines of "!", with a name, whether they are closed, and the points."""

import re
from pathlib import Path

import numpy as np

from targets.errors import UserError
from targets.io.faults.fault_format import FaultFile, FaultFormat, head_text, read_text
from targets.io.faults.splitting import PointTable, close_rings, split_points
from targets.surface.rasterize_faults import FaultLine

SETTING = re.compile(r"([A-Za-z][\w .]*):\s*(.*)")


def _is_opendtect(head: bytes) -> bool:
    return re.match(r"dTect V", head_text(head)) is not None


def _read(path: Path) -> FaultFile:
    text, notes = read_text(path)
    lines: list[FaultLine] = []
    more: list[str] = []
    settings: dict[str, str] = {}
    for block in re.split(r"(?m)^!.*$", text):
        rows = [line.split() for line in block.split("\n") if line.strip()]
        points = [row[:3] for row in rows if len(row) >= 3 and _is_number(row[0])]
        if not points:
            settings |= {match[1].strip(): match[2].strip() for row in rows if (match := SETTING.match(" ".join(row)))}
            continue
        try:
            xyz = np.array(points, np.float64)
        except ValueError as error:
            raise UserError(path, f"not numbers ({error})", "x, y and z") from error
        name = settings.get("Ref", str(len(lines)))
        found, some = split_points(PointTable(xyz, np.zeros(len(xyz), np.int64), [name] * len(xyz), is_explicit=True))
        if settings.get("Connect", "").casefold() in ("close", "yes", "polygon"):
            found, _ = close_rings(found, says_polygon=True)
        lines += found
        more += some
    return FaultFile(lines, True, (*notes, *more))


def _is_number(word: str) -> bool:
    try:
        float(word)
        return True
    except ValueError:
        return False


OPENDTECT = FaultFormat("OpendTect picks", _is_opendtect, _read)
