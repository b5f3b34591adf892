"""Faults: every file format gives the same lines, and lines become the right cells."""

from pathlib import Path

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.faults.registry import read_fault_lines
from targets.scene import GeoReference
from targets.surface.rasterize_faults import FaultLine, is_fault_sticks, rasterize_faults

PIXELS = GeoReference(0.0, 0.0, 1.0, -1.0)  # x = column, y = -row
SQUARE = np.array([[2.0, -2.0], [6.0, -2.0], [6.0, -5.0], [2.0, -5.0], [2.0, -2.0]])

POL = """10 20 1500
11 21 1501
999.000000 999.000000 999.000000
30 40 1600
31 41 1601
32 42 1602
999.0 999.0 999.0
"""
ZMAP = """! exported
@FREE POINT , DATA, 80, 1
X (EASTING) , 1, 1, 1, 1, 20,, 1.0E+30,,, 4, 0
@
 10 20 1500 0
 11 21 1501 0
 30 40 1600 1
 31 41 1601 1
 32 42 1.0E+30 1
"""
CSV = """# picked
Fault, X, Y, Z, col
A, 10, 20, 1500, 1
A, 11, 21, 1501, 2
B, 30, 40, 1600, 3
B, 31, 41, 1601, 4
B, 32, 42, 1602, 5
"""


@pytest.mark.parametrize(("text", "names"), [(POL, ["0", "1"]), (ZMAP, ["0", "1"]), (CSV, ["A", "B"])])
def test_every_format_is_known_by_its_content(tmp_path: Path, text: str, names: list[str]) -> None:
    path = tmp_path / "faults.txt"
    path.write_text(text)
    first, second = read_fault_lines(path)
    assert [first.name, second.name] == names
    np.testing.assert_array_equal(first.points, [[10, 20, 1500], [11, 21, 1501]])
    np.testing.assert_array_equal(second.points[:, :2], [[30, 40], [31, 41], [32, 42]])
    assert not first.is_polygon


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no lines"),
        ("1 2 3\n", "no line of two points"),
        ("x,y,z,name\n", "no line of two points"),
        ("999 999 999\n", "no line of two points"),
        ("a b c\n1 2 3\n", "columns"),
        ("1 2 3\n4 5\n", "not a table of numbers"),
        ("1\n2\n", "not a table of coordinates"),
        ("@FREE POINT, DATA, 80, 1\n1 2 3 4\n", "not a Z-MAP file"),
        ("x,y,fault\n1,2,A\n1,,A\n", "missing in some rows"),
        ("x,y,fault\n1,2,A\none,2,A\n", "not numbers"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "faults.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=says) as caught:
        read_fault_lines(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_map_without_a_place() -> None:
    with pytest.raises(UserError, match=r"nowhere\.pol: cannot be read"):
        read_fault_lines("nowhere.pol")
    with pytest.raises(UserError, match="no location"):
        rasterize_faults([FaultLine("a", SQUARE)], GeoReference(), (4, 4))


def test_the_faults_of_reek(shared_data) -> None:
    rows = read_fault_lines(shared_data / "reek" / "faults.csv")
    zmap = read_fault_lines(shared_data / "reek" / "original" / "top_upper_reek_faultpoly.zmap")
    assert [line.name for line in rows] == [line.name for line in zmap] == list("0123456")
    assert all(line.is_polygon for line in rows)
    for a, b in zip(rows, zmap, strict=True):
        np.testing.assert_allclose(a.points, b.points, rtol=0, atol=0.26)  # the Z-MAP file was rounded to float32


def test_the_faults_of_drogon(shared_data) -> None:
    traces = read_fault_lines(shared_data / "drogon" / "topvolantis_fault_traces.csv")
    assert [line.name for line in traces] == ["F1", "F2", "F3", "F4", "F5", "F6"] and not is_fault_sticks(traces)
    for i, count in enumerate([32, 62, 18, 15, 11, 17], 1):
        sticks = read_fault_lines(shared_data / "drogon" / "original" / f"fault_F{i}.pol")
        assert len(sticks) >= count and is_fault_sticks(sticks)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"2 3 0\nnan 1 0\n", "missing in some rows"),
        (b"2 3 0\n1e300 1 0\n", "too large"),
        (b"@F HEADER, POINT, 1\n@\n1e30 1 0 1\n2 2 0 1\n", "too large"),
        (b"x,y,name\n1,2," + b"n" * 200_000 + b"\n", "no line of two points"),
        (b"\x1f\x8b\x08\x00x,y,name\n", "columns"),
    ],
)
def test_hostile_files_end_in_one_line(tmp_path, content, found):
    path = tmp_path / "faults.pol"
    path.write_bytes(content)
    with pytest.raises(UserError, match=found) as caught:
        read_fault_lines(path)
    assert str(caught.value).isprintable()
