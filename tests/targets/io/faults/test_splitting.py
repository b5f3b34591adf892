"""Where one fault line ends and the next begins, and which lines are polygons."""

import time

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.faults.formats.tables import parse_table
from targets.io.faults.registry import read_fault_file
from targets.io.faults.splitting import close_rings
from targets.surface.rasterize_faults import FaultLine

RING = [(0, 0), (300, 0), (300, 60), (0, 60)]


def lines_of(text: str) -> list[tuple[str, int]]:
    return [(line.name, len(line.points)) for line in parse_table(text.split("\n"), "faults.txt").lines]


@pytest.mark.parametrize("shift", [0, 40])
@pytest.mark.parametrize("names", ["AA", "AB"])
def test_names_never_join_two_traces(shift, names):
    """Two traces of three points, 900 apart, with and without names of their own."""
    one = [(0, 0), (100, 5), (200, 15 + shift)]
    other = [(x + 250, y - 900) for x, y in one]
    rows = [f"{x} {y} 1500.5 {name}" for points, name in zip((one, other), names, strict=True) for x, y in points]
    assert lines_of("\n".join(rows)) == [(names[0], 3), (names[1], 3)]


def test_a_long_step_straight_on_is_the_fault_itself():
    """One trace, digitised closely at its ends only."""
    rows = [f"{x} {y} A" for x, y in [(0, 0), (10, 5), (110, 55), (120, 60), (130, 66)]]
    assert lines_of("x y name\n" + "\n".join(rows)) == [("A", 5)]


def test_what_a_jump_parts_is_said():
    text = "x,y,name\n0,0,A\n9,0,A\n18,0,A\n0,-400,A\n9,-400,A\n18,-400,A\n"
    (note,) = parse_table(text.split("\n"), "f").notes
    assert "A" in note and "400" in note


@pytest.mark.parametrize(("far", "count"), [((500, 500), 2), ((250, 300), 1)])
def test_two_short_traces_are_parted_and_a_doubtful_step_is_said(far, count):
    x, y = far
    text = f"x,y,name\n0,0,A\n100,0,A\n{x},{y},A\n{x + 100},{y},A"
    found = parse_table(text.split("\n"), "f")
    assert len(found.lines) == count and "1 step of A" in found.notes[0]
    assert ("part lines" in found.notes[0]) == (count == 2)


def test_rings_of_one_name_and_without_names_are_parted():
    closed = [*RING, RING[0]]
    far = [(x + 1000, y) for x, y in closed]
    for name in ("", " A"):
        rows = [f"{x} {y}{' 5.5' * bool(name)}{name}" for x, y in [*closed, *far]]
        found = parse_table(rows, "f").lines
        assert [line.is_polygon for line in found] == [True, True]


def test_an_attribute_that_changes_along_a_ring_does_not_cut_it():
    rows = [f"{x} {y} 1500 7 {1 if i < 3 else 2}" for i, (x, y) in enumerate([*RING, RING[0]])]
    (line,) = parse_table(rows, "f").lines
    assert line.is_polygon and len(line.points) == 5


@pytest.mark.parametrize("heading", ["part", "segment", "poly_id", "Stick", "SEG_ID"])
def test_parts_part_lines_of_one_name(heading):
    rows = [f"{x};{y};A;{part}" for part in (1, 2) for x, y in [(0, part), (50, part), (100, part)]]
    assert lines_of(f"x;y;name;{heading}\n" + "\n".join(rows)) == [("A", 3), ("A", 3)]


@pytest.mark.parametrize("heading", ["vertex_index", "Order", "point_no", "idx"])
def test_numbers_of_points_that_start_again_part_lines(heading):
    rows = [f"{x};{y};A;{i}" for y in (0, 30) for i, x in enumerate((0, 50, 100))]
    assert lines_of(f"x;y;name;{heading}\n" + "\n".join(rows)) == [("A", 3), ("A", 3)]


def test_points_that_are_not_sorted_by_fault_are_refused():
    rows = [f"{10 * i};{i};{'AB'[i % 2]}" for i in range(12)]
    with pytest.raises(UserError, match="alternate"):
        lines_of("x;y;fault\n" + "\n".join(rows))


def test_single_points_are_counted():
    found = parse_table(["x,y,fault", "0,0,A", "1,1,A", "5,5,B", "0,9,C", "1,9,C"], "f")
    assert [line.name for line in found.lines] == ["A", "C"] and found.notes == ("1 single point left out",)


@pytest.mark.parametrize(
    "rows",
    ["100,5,200,5,1500,5\n434123,5,6543210,5,1500,0", "461,500 200,100\n300,200 400,300",
     "1 461000 5932000 1500\n1 461100 5932000 1500"],
)  # fmt: skip
def test_numbers_with_two_readings_are_refused(rows):
    with pytest.raises(UserError):
        lines_of(rows)


def test_decimal_commas_keep_their_places():
    (line,) = parse_table(["100,5 -100,5 5", "200,25 -100,5 5,5"], "f.pol").lines
    assert line.points.tolist() == [[100.5, -100.5, 5], [200.25, -100.5, 5.5]]


@pytest.mark.parametrize("turn", range(4))
def test_a_ring_without_its_end_is_closed_and_said(tmp_path, turn):
    """Whatever point it starts at; a trace that bends by a right angle is none."""
    ring = RING[turn:] + RING[:turn]
    path = tmp_path / "f.txt"
    path.write_text("\n".join(f"{x} {y} 5" for x, y in ring))
    found = read_fault_file(path)
    closed = np.hypot(*np.subtract(ring[0], ring[-1])) <= 300
    assert found.lines[0].is_polygon == closed and any("closed" in note for note in found.notes) == closed
    bent = [FaultLine("A", np.array([(0, 0), (100, 0), (200, 0), (200, 100), (200, 200)], float))]
    assert close_rings(bent)[1] == 0


def test_upright_sticks_are_no_polygons():
    stick = FaultLine("A", np.array([[5, 5, 1000], [5, 5, 1100], [5, 5, 1200], [5, 5, 1300.0]]))
    wobbly = FaultLine("A", np.array([[5, 5, 1000], [5.5, 5, 1100], [5.2, 5.1, 1200], [5.4, 5, 1300.0]]))
    assert not stick.is_polygon and close_rings([stick, wobbly])[1] == 0


@pytest.mark.parametrize("rings", [1_000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_a_million_points_take_seconds(rings, tmp_path):
    angle = np.linspace(0, 2 * np.pi, 101)
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * 50
    ring[-1] = ring[0]
    with (tmp_path / "f.csv").open("w") as file:
        file.write("x,y,z,name\n")
        for i in range(rings):
            x, y = i % 100 * 200, i // 100 * 200
            file.writelines(f"{a + x:.2f},{b + y:.2f},1500.0,F{i}\n" for a, b in ring.tolist())
    start = time.process_time()
    assert len(read_fault_file(tmp_path / "f.csv").lines) == rings
    assert time.process_time() - start < 0.003 * rings
