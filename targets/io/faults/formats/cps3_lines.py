"""CPS-3 lines: a head of FF words, then the points of each line behind a row that begins with "->"."""

import re
from pathlib import Path

from targets.io.faults.fault_format import FaultFile, FaultFormat, head_text, read_text
from targets.io.faults.formats.tables import parse_table

HEAD = re.compile(r"\s*F[FS][A-Z]{4}\b", re.IGNORECASE)


def _is_cps3(head: bytes) -> bool:
    first = head_text(head)
    return first.startswith("->") or re.match(r"FF(ASCI|ATTR)\b", first, re.IGNORECASE) is not None


def _read(path: Path) -> FaultFile:
    text, notes = read_text(path)
    return parse_table([line for line in text.split("\n") if not HEAD.match(line)], path, notes)


CPS3_LINES = FaultFormat("CPS-3 lines", _is_cps3, _read)
