"""CPS-3 text grids: FS lines, perhaps a line "->name", then columns from West to East, each from the top down."""

import re
from pathlib import Path

from targets.errors import UserError
from targets.io.grids.grid_format import GridFormat, check_cell_count
from targets.io.grids.text_numbers import check_value_count, first_line, null_to_nan, parse_numbers, to_number
from targets.io.read_options import ReadOptions
from targets.io.surface_file import Surface
from targets.scene import GeoReference

DEFAULT_NULL = 1e30  # where FSASCI gives none


def _is_cps3(head: bytes) -> bool:
    return re.match(r"FS(ASCI|ATTR|LIMI|NROW|XINC)\b", first_line(head), re.IGNORECASE) is not None


def _read(path: Path, reading: ReadOptions) -> Surface:
    lines = path.read_text("latin-1").splitlines()
    header, body = _read_header(lines)
    if missing := {"FSLIMI", "FSNROW", "FSXINC"} - set(header):
        raise UserError(path, f"a CPS-3 grid without {', '.join(sorted(missing))}", "FSASCI, FSLIMI, FSNROW and FSXINC")
    (xmin, xmax, ymin, ymax), (xinc, yinc) = header["FSLIMI"][:4], header["FSXINC"][:2]
    rows, cols = map(int, header["FSNROW"][:2])
    if not (_nearly_equal(xmax - xmin, (cols - 1) * xinc) and _nearly_equal(ymax - ymin, (rows - 1) * yinc)):
        raise UserError(path, f"FSNROW {rows} {cols} and FSXINC {xinc:g} {yinc:g} contradict FSLIMI "
                        f"{xmin:g} {xmax:g} {ymin:g} {ymax:g}", "xmax - xmin = (columns - 1) * xinc, and so along y",
                        "export it again, unrotated")  # fmt: skip
    check_cell_count(path, rows, cols)
    values = parse_numbers("\n".join(lines[body:]))
    check_value_count(path, values, rows, cols)
    # The other numbers of FSASCI are switches, 0 and 1.
    nulls = [number for number in header.get("FSASCI", []) if abs(number) > 1] or [DEFAULT_NULL]
    null_to_nan(values, nulls[-1])
    return Surface(values.reshape(cols, rows).T, GeoReference(xmin, ymax, xinc, -yinc))


def _read_header(lines: list[str]) -> tuple[dict[str, list[float]], int]:
    """{FS word: its numbers}, and the first line of the body."""
    header: dict[str, list[float]] = {}
    body = 0
    for body, line in enumerate(lines):  # noqa: B007
        words = line.replace(",", " ").split()
        if words and words[0][:2].upper() == "FS":
            header[words[0].upper()] = [number for word in words[1:] if (number := to_number(word)) is not None]
        elif words and not line.lstrip().startswith(("!", "->")):
            break
    return header, body


def _nearly_equal(span: float, steps: float) -> bool:
    """Equal to 1 %: the files round limits and increments."""
    return abs(span - steps) <= 0.01 * max(abs(span), abs(steps), 1e-9)


CPS3 = GridFormat(name="CPS-3", recognise=_is_cps3, read=_read, suffixes=(".cps3",))
