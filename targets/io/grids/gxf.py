"""GXF text grids: keywords that begin with #, each with its values on the lines behind it; the grid is the last."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.grids.grid_format import GridFormat, check_cell_count, read_text
from targets.io.grids.text_numbers import check_value_count, null_to_nan, parse_values, to_number
from targets.io.read_options import ReadOptions
from targets.io.surface_file import Surface
from targets.scene import GeoReference
from targets.units.crs import understand_crs
from targets.units.names import parse_unit

REQUIRED = ("POIN", "ROWS", "GRID")  # four letters tell a keyword
# Where the first value lies and how the next ones run, by #SENSE; of its two directions the first is that of a row.
SENSES = {
    1: ("lower", "left", "along x"), -1: ("lower", "left", "along y"),
    2: ("upper", "left", "along y"), -2: ("upper", "left", "along x"),
    3: ("upper", "right", "along x"), -3: ("upper", "right", "along y"),
    4: ("lower", "right", "along y"), -4: ("lower", "right", "along x"),
}  # fmt: skip


def _is_gxf(head: bytes) -> bool:
    return b"\x00" not in head and re.search(rb"^#(POIN|ROWS|GRID)[A-Z_]*\s*$", head, re.MULTILINE) is not None


def _read(path: Path, reading: ReadOptions) -> Surface:
    """Read the grid; xtgeo 4.27 knows one #SENSE of eight, and GDAL 3.10 no #ROTATION and four of them."""
    header, body = _split(read_text(path))
    if missing := [key for key in REQUIRED if key not in header]:
        raise UserError(path, f"a GXF grid without #{', #'.join(missing)}", "#POINTS, #ROWS and #GRID")
    if _number(path, header, "GTYP", 0) > 0:
        raise UserError(path, "a compressed GXF grid (#GTYPE)", "numbers as text", "export it uncompressed")
    points, rows = int(_number(path, header, "POIN")), int(_number(path, header, "ROWS"))
    check_cell_count(path, rows, points)
    sense = int(_number(path, header, "SENS", 1))
    if sense not in SENSES:
        raise UserError(path, f"#SENSE {sense}", "1 to 4 or -1 to -4", "export it again")
    dummy = (header.get("DUMM") or [""])[0].replace('"', " ").split()[:1]
    values = parse_values(body, dummy[0] if dummy and to_number(dummy[0]) is None else "")
    check_value_count(path, values, rows, points)
    null_to_nan(values, to_number(dummy[0]) if dummy else None)
    scale, offset, *_ = [*_numbers(path, header, "TRAN", "1 0"), 0.0]
    if (scale, offset) != (1, 0):
        values = values * scale + offset
    separations = _number(path, header, "PTSE", 1.0), _number(path, header, "RWSE", 1.0)
    grid, (dx, dy) = _arrange(values.reshape(rows, points), separations, sense)
    notes = () if abs(sense) == 1 else (f"#SENSE {sense}: #XORIGIN and #YORIGIN are taken as the lower left node, as "
                                        "the format says; some programs write the first value's",)  # fmt: skip
    geo = GeoReference(_number(path, header, "XORI", 0.0), _number(path, header, "YORI", 0.0), dx, dy,
                       _number(path, header, "ROTA", 0.0), **_units(header))  # fmt: skip
    return Surface(grid, geo, notes)


def _split(text: str) -> tuple[dict[str, list[str]], str]:
    """{four letters of a keyword: the lines behind it}, comments under "", and the text of the grid."""
    header: dict[str, list[str]] = {"": []}
    key, position = "", 0
    for line in text.splitlines(keepends=True):
        position += len(line)
        if match := re.match(r"#(#?[A-Za-z_]+)\s*$", line):
            key = match[1].upper()[:4]
            header[key] = []
            if key == "GRID":
                return header, text[position:]
        elif line.lstrip().startswith("!"):
            header[""].append(line.rstrip())
        elif line.strip():
            header[key].append(line.strip())
    return header, ""


def _numbers(path: Path, header: dict[str, list[str]], key: str, default: str | None = None) -> list[float]:
    """The numbers behind a keyword; words behind them, such as a unit, are left out."""
    words = (header.get(key) or [default or ""])[0].replace('"', " ").split()
    found = [number for word in words if (number := to_number(word)) is not None]
    if not found:
        raise UserError(path, f"#{key} {' '.join(words)[:40]!r}", "a number")
    return found


def _number(path: Path, header: dict[str, list[str]], key: str, default: float | None = None) -> float:
    return _numbers(path, header, key, None if default is None else repr(default))[0]


def _arrange(
    stored: NDArray[np.float64], separations: tuple[float, float], sense: int
) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Rows from the bottom up and columns from the left, and their spacing (dx, dy)."""
    side, corner, direction = SENSES[sense]
    grid, (dx, dy) = stored, separations
    if direction == "along y":
        grid, (dy, dx) = stored.T, separations
    grid = grid[::-1] if side == "upper" else grid
    return (grid[:, ::-1] if corner == "right" else grid), (dx, dy)


def _units(header: dict[str, list[str]]) -> dict[str, Any]:
    """Coordinate system and units: of keywords, or of the comments of OpenWorks."""
    comments = "\n".join(header[""])
    crs = _read_crs(header, comments)
    transform = (header.get("TRAN") or [""])[0].split()
    unit = _read_depth_unit(comments) or (parse_unit(" ".join(transform[2:]).strip('"')) if transform[2:] else None)
    length = (header.get("UNIT") or [""])[0].split(",")[0].strip(' "')
    return {"crs": crs, "depth_unit": unit, "xy_unit": None if crs else parse_unit(length)}


def _read_crs(header: dict[str, list[str]], comments: str) -> str | None:
    """The name under #MAP_PROJECTION (GXF revision 3), if PROJ has it, or the EPSG code in comments of OpenWorks."""
    if projection := header.get("MAP_"):
        name = projection[0].strip(' "')
        system = understand_crs(name)
        return name if system is None else system.text
    code = re.search(r"^! *Export cartographic reference.*?epsg code *: *(\d+)", comments, re.MULTILINE | re.DOTALL)
    return f"EPSG:{code[1]}" if code else None


def _read_depth_unit(comments: str) -> str | None:
    """The unit in comments of OpenWorks, one each for depths and times; GXF itself has no word for it."""
    domain = re.search(r"^! *dataDomain *= *(\w+)", comments, re.MULTILINE)
    if domain is None:
        return None
    measure = "depth measure" if domain[1].upper().startswith("TVD") else "seismic time"
    unit = re.search(rf"^! *default {measure} unit: *(.+)", comments, re.MULTILINE)
    return None if unit is None else parse_unit(unit[1])


GXF = GridFormat(name="GXF", recognise=_is_gxf, read=_read, suffixes=(".gxf",))
