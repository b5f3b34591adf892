"""One surface in every dialect of tables gives the same values at the same places."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targets.errors import UserError
from targets.io.grids.registry import detect_format, load_surface
from tests.targets.io.grids.points.dialects import (
    STRAIGHT,
    TURNED,
    WHOLE,
    Dialect,
    assert_is_known,
    read_dialect,
)

HEADINGS = [
    ("X", "Y", "Z"),
    ("x", "y", "depth"),
    ("Easting", "Northing", "Depth"),
    ("EASTING", "NORTHING", "TVDSS"),
    ("X (m)", "Y (m)", "Z (m)"),
    ("X[m]", "Y[m]", "Depth[m]"),
    ("X_UTME", "Y_UTMN", "Z_TVDSS"),
    ("UTM_X", "UTM_Y", "Z_depth"),
    ("x_coord", "y_coord", "z_coord"),
    ("X Coordinate", "Y Coordinate", "Depth TVDSS (m)"),
    ("POINT_X", "POINT_Y", "GRID_CODE"),
    ("CDP_X", "CDP_Y", "Depth_m"),
    ("Rechtswert", "Hochwert", "Tiefe"),
    ("E", "N", "Z"),
    ("Х", "У", "Глубина"),
    ("X", "Y", "Глубина (м)"),
    ("Восток", "Север", "Глубина, м"),
]
SEPARATORS = [" ", "   ", "\t", ",", ";", "|", ", ", "; "]
EXTRAS = {"id": "id", "text": "name", "line": "Inline", "trace": "Crossline", "attribute": "Amplitude", "empty": "note"}


def quoted(name: str, separator: str) -> str:
    return f'"{name}"' if separator.strip() and separator.strip() in name else name


@st.composite
def dialects(draw: st.DrawFn) -> Dialect:
    """Any combination that leaves no doubt about what the columns hold."""
    separator = draw(st.sampled_from(SEPARATORS))
    decimal = draw(st.sampled_from(".,"))
    names = dict(zip("xyz", draw(st.sampled_from(HEADINGS)), strict=True))
    if decimal == "," and separator == ", ":
        separator = ","
    extras = draw(st.lists(st.sampled_from(sorted(EXTRAS)), unique=True, max_size=4))
    if separator.isspace() and separator != "\t":
        extras = [extra for extra in extras if extra != "empty"]
    names |= {extra: EXTRAS[extra] for extra in extras}
    columns = tuple(draw(st.permutations(["x", "y", "z", *extras])))
    nulls = ["Undef", "NaN", "nan", "NULL", "*", "-", "1.#QNAN", "#N/A", "N/A", None]
    if not separator.isspace() or separator == "\t":
        nulls.append("")
    cyrillic = any(not name.isascii() for name in names.values())
    encodings = [
        "utf-8",
        "utf-8-sig",
        "utf-16",
        "utf-16-le",
        *(["cp1251", "cp866", "koi8-r"] if cyrillic else ["ascii", "cp1252"]),
    ]
    return Dialect(
        geo=draw(st.sampled_from([STRAIGHT, TURNED, WHOLE])),
        separator=separator,
        decimal=decimal,
        columns=columns,
        names=tuple(quoted(names[column], separator) for column in columns),
        trailing=draw(st.sampled_from(["", separator.strip() or " "])),
        before_names=draw(st.sampled_from(["", "", "# ", "! ", "//"])),
        preamble=draw(st.sampled_from(["", "", "# made by a program\n", "! a comment\n\n", "Top Reek\n"])),
        footer=draw(st.sampled_from(["", "", "EOD", "END", "EOB\n", "Total points: 105", "# end of file", "-----"])),
        null=draw(st.sampled_from(nulls)),
        encoding=draw(st.sampled_from(encodings)),
        newline=draw(st.sampled_from(["\n", "\r\n", "\r"])),
        order=draw(st.sampled_from(["rows", "columns", "back", "snake", "shuffled"])),
        indent=draw(st.sampled_from(["", "  "])) if separator != "|" else "",
        blank_lines=draw(st.booleans()),
        whole=draw(st.booleans()),
        floats=draw(st.booleans()),
    )


@given(dialects())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_table_with_headings_reads_the_same_in_any_dialect(dialect: Dialect) -> None:
    with tempfile.TemporaryDirectory() as folder:
        surface = read_dialect(Path(folder), dialect)
        assert detect_format(Path(folder) / "table") is not None
    assert_is_known(surface, dialect)
    assert surface.notes == () or "which is no point" in surface.notes[0] or "(GRID" in surface.notes[0]


ORDERS = [
    ("x", "y", "z"),
    ("id", "x", "y", "z"),
    ("line", "trace", "x", "y", "z"),
    ("x", "y", "line", "trace", "z"),
    ("x", "y", "z", "line", "trace"),
    ("x", "y", "z", "attribute"),
    ("x", "y", "z", "attribute", "attribute"),
    ("line", "trace", "x", "y", "z", "attribute"),
    ("id", "line", "trace", "x", "y", "z"),
    ("text", "x", "y", "z"),
    ("text", "line", "trace", "x", "y", "z", "text"),
]


@pytest.mark.parametrize("columns", ORDERS, ids=",".join)
@pytest.mark.parametrize("geo", [STRAIGHT, TURNED, WHOLE], ids=["straight", "turned", "whole"])
@pytest.mark.parametrize("order", ["rows", "columns", "snake", "shuffled"])
@pytest.mark.parametrize("whole", [False, True])
def test_without_headings_the_numbers_show_which_columns_are_meant(
    tmp_path: Path, columns: tuple[str, ...], geo, order: str, whole: bool
) -> None:
    if order == "shuffled" and "line" not in columns and len(columns) > 3:
        return  # only the steps from row to row would show it
    digits = 0 if geo is WHOLE else 2
    dialect = Dialect(geo, columns=columns, order=order, whole=whole, digits=digits, null="NaN")
    surface = read_dialect(tmp_path, dialect)
    assert_is_known(surface, dialect)
    assert bool(surface.notes) == (columns != ("x", "y", "z"))
    if "line" in columns:
        floats = read_dialect(tmp_path, replace(dialect, floats=True))
        np.testing.assert_array_equal(floats.values, surface.values)


def test_a_column_that_counts_the_rows_is_no_depth(tmp_path: Path) -> None:
    nodes = [(x, y) for y in range(0, 300, 50) for x in range(0, 300, 50)]
    table = tmp_path / "top.csv"
    table.write_text("".join(f"{x};{y};about 2000;{number}\n" for number, (x, y) in enumerate(nodes, 1)))
    with pytest.raises(UserError, match=r"column 4 only counts the rows; expected x, y and z"):
        load_surface(table)
