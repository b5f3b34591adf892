"""CPS-3 text grids: FS lines, perhaps a line "->name", then columns from West to East, each from the top down."""

import re
from pathlib import Path

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

DEFAULT_NULL = 1e30  # where FSASCI gives none
REMARK = ("!", "#", "->")


def _is_cps3(head: bytes) -> bool:
    return re.match(r"FS(ASCI|ATTR|LIMI|NROW|XINC|YINC|TYPE)\b", first_line(head), re.IGNORECASE) is not None


def _read(path: Path, reading: ReadOptions) -> Surface:
    lines = read_text(path).splitlines()
    header, body = _read_header(lines)
    if missing := {"FSLIMI", "FSNROW"} - set(header):
        raise UserError(path, f"a CPS-3 grid without {', '.join(sorted(missing))}", "FSASCI, FSLIMI, FSNROW and FSXINC")
    if len(header["FSLIMI"]) < 4 or len(header["FSNROW"]) < 2:
        raise UserError(path, "too few numbers behind FSLIMI or FSNROW", "xmin xmax ymin ymax, and rows and columns")
    xmin, xmax, ymin, ymax = header["FSLIMI"][:4]
    rows, cols = map(int, header["FSNROW"][:2])
    notes = []
    if len(header.get("FSXINC", [])) >= 2:
        xinc, yinc = header["FSXINC"][:2]
    else:
        check_cell_count(path, rows, cols)
        if min(rows, cols) < 2:
            raise UserError(path, f"{rows} x {cols} nodes without FSXINC", "a spacing, or two nodes or more each way")
        xinc, yinc = (xmax - xmin) / (cols - 1), (ymax - ymin) / (rows - 1)
        notes.append(f"FSXINC is missing: its limits are taken as nodes, {xinc:.9g} x {yinc:.9g} apart")
    if not (_nearly_equal(xmax - xmin, (cols - 1) * xinc) and _nearly_equal(ymax - ymin, (rows - 1) * yinc)):
        raise UserError(path, f"FSNROW {rows} {cols} and FSXINC {xinc:g} {yinc:g} contradict FSLIMI "
                        f"{xmin:g} {xmax:g} {ymin:g} {ymax:g}", "xmax - xmin = (columns - 1) * xinc, and so along y",
                        "export it again, unrotated")  # fmt: skip
    check_cell_count(path, rows, cols)
    # Remarks stand between the values, too.
    values = parse_values("\n".join(line for line in lines[body:] if not line.lstrip().startswith(REMARK)))
    check_value_count(path, values, rows, cols)
    # The other numbers of FSASCI are switches, 0 and 1.
    nulls = [number for number in header.get("FSASCI", []) if abs(number) > 1] or [DEFAULT_NULL]
    null_to_nan(values, nulls[-1])
    geo = GeoReference(xmin, ymax, xinc, -yinc, **parse_comments(line for line in lines[:body] if line[:1] in "!#"))
    return Surface(values.reshape(cols, rows).T, geo, tuple(notes))


def _read_header(lines: list[str]) -> tuple[dict[str, list[float]], int]:
    """{FS word: its numbers}, and the first line of the body."""
    header: dict[str, list[float]] = {}
    body = 0
    for body, line in enumerate(lines):  # noqa: B007
        words = line.replace(",", " ").split()
        if words and words[0][:2].upper() == "FS":
            header[words[0].upper()] = [number for word in words[1:] if (number := to_number(word)) is not None]
        elif words and not line.lstrip().startswith(REMARK):
            break
    return header, body


def _nearly_equal(span: float, steps: float) -> bool:
    """Equal to 1 %: the files round limits and increments."""
    return abs(span - steps) <= 0.01 * max(abs(span), abs(steps), 1e-9)


def _write(values: NDArray, geo: GeoReference, path: Path) -> None:
    refuse_rotation(path, geo, "CPS-3")
    values, geo = normalise_orientation(values, geo)
    rows, cols = values.shape
    x0, y0, dx, dy = (float(number or 0) for number in (geo.x0, geo.y0, geo.dx, geo.dy))
    defined = values[values == values]
    low, high = (float(defined.min()), float(defined.max())) if defined.size else (0.0, 0.0)
    limits = (x0, x0 + (cols - 1) * dx, y0 + (rows - 1) * dy, y0, low, high)
    head = [*comment_lines(geo), "FSASCI 0 1 COMPUTED 0 1E+30 0", "FSATTR 0 0",
            "FSLIMI " + " ".join(f"{limit:.15g}" for limit in limits), f"FSNROW {rows} {cols}",
            f"FSXINC {dx:.15g} {-dy:.15g}", "->grid"]  # fmt: skip
    with path.open("w", encoding="latin-1", errors="replace") as file:
        file.writelines(f"{line}\n" for line in (*head, *format_values(values.T, "1E+30", 5)))


CPS3 = GridFormat(name="CPS-3", recognise=_is_cps3, read=_read, write=_write, suffixes=(".cps3",))
