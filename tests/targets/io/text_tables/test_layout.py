"""Layouts of tables: encodings, dialects and headings that are found by content."""

import time

import pytest

from targets.io.text_tables.dialect import Dialect, sniff_dialect
from targets.io.text_tables.encoding import detect_encoding
from targets.io.text_tables.headings import parse_heading
from targets.io.text_tables.layout import find_layout

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1251", "cp866", "koi8-r"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_headings_are_read_in_any_encoding(encoding: str) -> None:
    text = "Восток;Север;Глубина\n" + "1;2;3\n" * 9
    head = text.encode(encoding)
    layout = find_layout(head, True)
    assert layout is not None
    assert [(h.text, h.role) for h in layout.preamble.headings] == [("Восток", "x"), ("Север", "y"), ("Глубина", "z")]
    assert layout.sample.tolist() == [[1, 2, 3]] * 9


def test_western_letters_are_no_cyrillic_ones() -> None:
    assert detect_encoding("Rechtswert;Hochwert;Höhe\n1;2;3\n".encode("cp1252")) == "cp1252"


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01\x02" * 9, b"PK\x03\x04" + bytes(9), b"\xff\xff\xff\xff", b"\n" * 50]
)
def test_what_is_no_text_has_no_layout(content: bytes) -> None:
    assert find_layout(content, True) is None


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("1000.5 5000.2 2000", Dialect(None)),
        ("1000,5 5000,2 2000", Dialect(None, ",")),
        ("1000, 5000, 2000", Dialect(",")),
        ("1000,5000,2000", Dialect(",")),
        ("1000,5;5000,25;2000", Dialect(";", ",")),
        ("1000.5;5000;2000", Dialect(";")),
        ("1000\t5000\t2000", Dialect("\t")),
        ("1000,5\t5000\t2000", Dialect("\t", ",")),
        ("| 1 | 2 | 3 |", Dialect("|")),
        ('"1000,5","5000,2","2000"', Dialect(",", ",")),
        ("461.500;5.932.000;2.000,5", Dialect(";", ",", ".")),
        ("461 500,25;5 932 000,5;2 000,1", Dialect(";", ",", " ")),
        ("461,500 5,932,000 2,000", Dialect(None, ".", ",")),
        ("461 500,25\t5 932 000,5\t999,1", Dialect("\t", ",", " ")),
        ("461\xa0500\t\t5\xa0932\xa0000\t\t2\xa0000", Dialect("\t", ".", " ")),
        ("17 461500 5932000\t2000", Dialect(None)),
        ("2020-05-12 1000 5000 2000", Dialect(None)),
        ("12.05.2020;1000,5;5000;2000", Dialect(";", ",")),
        ("1.0D+03 5.0d+3 2.0E3", Dialect(None)),
        ("1000 5000", None),
        ("a b c", None),
    ],
)
def test_the_dialect_shows_in_the_rows(row: str, expected: Dialect | None) -> None:
    assert sniff_dialect(["x y z", *[row] * 5]) == expected


ROLES = {
    "x": "X|x_coord|X Coordinate|X-coord|UTM_X|X_UTME|CDP_X|POINT_X|MapX|XCOORD|Easting|UTM Easting (m)|East|E|"
    "Rechtswert|lon|Longitude|Долгота|Восток|Координата X|Х|X, м|X East",
    "y": "Y|Y_UTMN|Northing|lat|Latitude|Hochwert|Север|У|Широта",
    "z": "Z|z_tvdss|Depth|depth_m|Depth (ft)|TVDSS [m]|TVD|Z value|Elevation|Height (m)|TWT (ms)|Two way time|Time|"
    "Глубина|Глубина, м|Абс. отметка|Время, мс|GRID_CODE|value|VALUES|Sub-sea depth|Depth subsea (m)",
    "line": "Inline|crossline|IX|JY|IL|XL|Inline number|row|col|i|j|Trace no|Line Name",
    "index": "id|FID|№|№ п/п|Unnamed: 0|no|",
    "name": "POLY_ID|Fault|Well|Name|Скважина|Разлом",
    "path": "MD",
    "other": "Amplitude|Thickness|Depth error|crest_x|crest_depth|area_m2|Seg|Top_Reek",
}


@pytest.mark.parametrize("role", ROLES)
def test_headings_of_all_programs(role: str) -> None:
    assert {text: parse_heading(text).role for text in ROLES[role].split("|")} == dict.fromkeys(
        ROLES[role].split("|"), role
    )


@pytest.mark.parametrize(
    ("text", "unit"),
    [("Z (ft)", "ft"), ("Depth [m]", "m"), ("depth_ft", "ft"), ("TWT(ms)", "ms"), ("Глубина, м", "m"), ("X", None),
     ("lon", "degrees"), ("Depth", None)],
)  # fmt: skip
def test_units_in_headings(text: str, unit: str | None) -> None:
    assert parse_heading(text).unit == unit


@pytest.mark.parametrize(
    "line",
    ["1." * 30_000, "1,1;" * 15_000, "unit " * 12_000, "(" * 60_000, "null " * 12_000, "9" * 60_000, "x" * 60_000],
)
@pytest.mark.parametrize("mark", ["", "# "])
def test_long_lines_take_no_long_time(line: str, mark: str) -> None:
    start = time.perf_counter()
    find_layout(f"{mark}{line}\n1 2 3\n4 5 6\n{line}\n".encode(), True)
    assert time.perf_counter() - start < 5


def test_headings_are_not_moved_by_a_separator_behind_the_rows() -> None:
    for head, row in (("A,X,Y,Z", "7,1,2,3,"), ("A,X,Y,Z,", "7,1,2,3,"), ("A,X,Y,Z,note", "7,1,2,3,")):
        layout = find_layout("\n".join([head, *[row] * 5]).encode(), True)
        assert layout is not None and [h.text for h in layout.preamble.headings[:4]] == ["A", "X", "Y", "Z"]
    layout = find_layout("\n".join(["A X Y Z", *["r1 7 1 2 3"] * 5]).encode(), True)  # of R
    assert layout is not None and [h.text for h in layout.preamble.headings] == ["", "A", "X", "Y", "Z"]
