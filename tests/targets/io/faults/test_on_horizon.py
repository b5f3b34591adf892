"""Fault sticks on a horizon: their traces, by fault, whatever the sign of z, in the formats that hold sticks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.catalogue import list_maps, read_map
from targets.io.faults.on_horizon import read_faults_on_horizon
from targets.io.faults.registry import read_fault_file
from targets.io.read_options import ReadOptions
from targets.scene import GeoReference

GEO = GeoReference(0.0, 0.0, 10.0, -10.0)
DEPTH = np.full((60, 80), 1050.0)
# Two planes that dip 45 degrees to the East, at 1,000 m at x = 200 and 500; they cut the horizon at x = 250 and 550.
FAULTS = {
    name: [[(x + s, -100.0 - 100 * k, 1000.0 + s) for s in (0, 40, 100)] for k in range(4)]
    for name, x in (("F 1", 200.0), ("F2", 500.0))
}


def blocks(sign: float, names: tuple[str, ...] = ("F 1",)) -> str:
    sticks = ["\n".join(f"{x} {y} {sign * z}" for x, y, z in stick) for name in names for stick in FAULTS[name]]
    return "\n999.0 999.0 999.0\n".join(sticks) + "\n"


def charisma(sign: float, numbered: bool = True, crosslines: bool = True) -> str:
    rows = []
    for name, sticks in FAULTS.items():
        for number, stick in enumerate(sticks, 1):
            for i, (x, y, z) in enumerate(stick):
                flag = 6 if i == 0 else 8 if i == len(stick) - 1 else 7
                line = f"INLINE-{2000 + number:6d}" + ("  XLINE-  511" if crosslines else "   511")
                rows.append(f"{line} {x:12.2f}{y:12.2f}{sign * z:12.3f}  {flag}  {name}" + f"   {number}" * numbered)
    return "\n".join(rows)


def table(sign: float) -> str:
    rows = [f"{x};{y};{sign * z};{name};{number}" for name, sticks in FAULTS.items()
            for number, stick in enumerate(sticks, 1) for x, y, z in stick]  # fmt: skip
    return "X;Y;Z;Fault;Stick\n" + "\n".join(rows)


def check_trace(line, x: float) -> None:
    np.testing.assert_allclose(line.points, [[x, -100 - 100 * k, 1050] for k in range(4)], atol=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("is_elevation", [False, True])
@pytest.mark.parametrize(
    "write", [charisma, table, lambda sign: charisma(sign, False), lambda sign: charisma(sign, True, False)]
)
def test_faults_of_one_file_have_a_trace_each(tmp_path: Path, write, sign: int, is_elevation: bool) -> None:
    path = tmp_path / "sticks.txt"
    path.write_text(write(sign))
    assert [line.name for line in read_fault_file(path).lines] == ["F 1"] * 4 + ["F2"] * 4
    faults = read_faults_on_horizon(path, DEPTH, GEO, is_elevation)
    assert [line.name for line in faults.lines] == ["F 1", "F2"]
    check_trace(faults.lines[0], 250), check_trace(faults.lines[1], 550)
    assert any("unlike the grid" in note for note in faults.notes) == ((sign < 0) != is_elevation)


@pytest.mark.parametrize("sign", [1, -1])
def test_sticks_without_names_are_one_fault(tmp_path: Path, sign: int) -> None:
    path = tmp_path / "F7.pol"
    path.write_text(blocks(sign))
    (line,) = read_faults_on_horizon(path, DEPTH, GEO, sign < 0).lines
    assert line.name == "F7"
    check_trace(line, 250)


def test_sticks_that_do_not_meet_the_horizon_are_named(tmp_path: Path) -> None:
    path = tmp_path / "sticks.txt"
    path.write_text(table(1).replace(";F2", ";deep").replace(";10", ";20", 0))
    found = read_faults_on_horizon(path, DEPTH + 2000, GEO)
    assert found.lines == [] and found.notes == ("the sticks of F 1, deep do not meet the horizon",)


@pytest.mark.parametrize(
    ("grid_sign", "stick_sign", "elevation", "is_said"),
    [(1, 1, None, False), (1, -1, None, True), (-1, -1, None, False), (-1, 1, None, True), (-1, -1, True, False)],
)
def test_sticks_follow_the_sign_of_their_grid(tmp_path: Path, grid_sign, stick_sign, elevation, is_said) -> None:
    row, col = np.indices(DEPTH.shape).reshape(2, -1)
    points = np.column_stack([10 * col, -10 * row, grid_sign * (DEPTH.ravel() + row / 100)])
    np.savetxt(tmp_path / "top.xyz", points, fmt="%.2f")
    (tmp_path / "top_faults.csv").write_text(table(stick_sign))
    (source,) = list_maps([tmp_path / "top.xyz"])
    scene = read_map(source, ReadOptions(elevation=elevation))
    assert scene.fault[10:40, 25].all() and scene.fault[10:40, 55].all() and scene.depth.min() > 0
    assert scene.provenance is not None and scene.provenance.fault_files == (("top_faults.csv", 2),)
    assert any("unlike the grid" in note for note in scene.provenance.notes) == is_said


def test_sticks_whose_heading_names_another_unit_than_the_horizon_are_converted(tmp_path: Path) -> None:
    path = tmp_path / "sticks.csv"
    path.write_text(table(1 / 0.3048).replace(";Z;", ";Z (ft);"))
    found = read_faults_on_horizon(path, DEPTH, replace(GEO, depth_unit="m"))
    check_trace(found.lines[0], 250), check_trace(found.lines[1], 550)
    assert "z of the sticks is converted from ft to m" in found.notes
    found = read_faults_on_horizon(path, DEPTH / 0.3048, GEO)
    assert len(found.lines) == 2 and any("unit unknown" in note for note in found.notes)
    with pytest.raises(UserError, match="sticks in ft on a horizon in ms"):
        read_faults_on_horizon(path, DEPTH, replace(GEO, depth_unit="ms"))
    path.write_text(table(1.0).replace(";Z;", ";Z (m);"))
    found = read_faults_on_horizon(path, DEPTH / 0.3048, replace(GEO, depth_unit="ft"))
    for line in found.lines:
        np.testing.assert_allclose(line.points[:, 2], 1050 / 0.3048)


def test_a_map_that_no_sticks_meet_is_refused_for_their_z(tmp_path: Path) -> None:
    np.savez(tmp_path / "top.npz", depth=DEPTH, x0=0.0, y0=0.0, dx=10.0, dy=-10.0)
    (tmp_path / "top_faults.csv").write_text(table(1 / 0.3048).replace(";Z;", ";Z (ft);"))
    (source,) = list_maps([tmp_path / "top.npz"])
    with pytest.raises(UserError, match=r"no plane of its sticks meets top\.npz.*--depth_unit m"):
        read_map(source)
    assert read_map(source, ReadOptions(depth_unit="m")).fault[10:40, 25].all()
