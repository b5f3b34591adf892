"""Every tool says what it understood of each map, once, and nothing with --quiet."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from mtl.commands import check_data, closures, evaluate, judge, make_maps, predict, train
from targets.common.cli import run
from targets.io.catalogue import find_maps, read_map
from targets.io.describe import MapDescription, describe_map, print_lines
from targets.io.grids.registry import write_grid
from targets.io.map_folder.writer import write_map_folder
from targets.io.read_options import ReadOptions
from targets.scene import GeoReference
from tests.conftest import TINY, dome_scene

SIZE = 64
GEO = GeoReference(0.0, 0.0, 50.0, -50.0)
LINE = "up.irap: IRAP/RMS ASCII, 64 x 64 cells of 50, depth 2000 to 2100, no faults"
NOTE = "up.irap: all values are negative (-2100 to -2000): read as elevations, positive up; --elevation confirms it"
LEFT_OUT = "paper.grd: not a grid of a known format: a PDF document"
TOOLS = {
    "closures": (closures.main, ["{maps}", "--out", "{out}"]),
    "predict": (predict.main, ["{maps}", "--out", "{out}"]),
    "check_data": (check_data.main, ["{maps}", "--out", "{out}"]),
    "make_maps": (make_maps.main, ["--grids", "{maps}", "--out", "{out}"]),
    "surfaces": (make_maps.main, ["--surfaces", "{maps}", "--count", "1", "--size", "48", "--out", "{out}"]),
    "evaluate": (evaluate.main, ["--data", "{maps}", "--out", "{out}"]),
}


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    """A folder with a grid of elevations and a file that is none."""
    folder = tmp_path / "maps"
    folder.mkdir()
    write_grid(-dome_scene(size=SIZE).depth, GEO, folder / "up.irap")
    (folder / "paper.grd").write_bytes(b"%PDF-1.7")
    return folder


def said(tool: str, maps: Path, out: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    main, typed = TOOLS[tool]
    capsys.readouterr()
    run(main, [word.format(maps=maps, out=out) for word in typed] + list(words))
    return capsys.readouterr().out


SLOW = ("predict", "evaluate", "check_data")


@pytest.mark.parametrize("tool", [pytest.param(t, marks=pytest.mark.slow) if t in SLOW else t for t in TOOLS])
def test_every_tool_prints_a_line_for_the_map_and_one_for_each_note(tool, maps, tmp_path, capsys):
    text = said(tool, maps, tmp_path / "out", capsys)
    assert text.count(LINE) == 1
    for part in (NOTE.partition(": ")[2], LEFT_OUT.partition(": ")[2]):
        assert text.count(part) == 1, text
    quiet = said(tool, maps, tmp_path / "quiet", capsys, "--quiet", *(["--resume"] if tool == "closures" else []))
    assert LINE not in quiet
    assert tool == "check_data" or not ("negative" in quiet or "PDF" in quiet)  # they are findings there


@pytest.mark.parametrize(("elevation", "depth"), [(True, "2000 to 2100"), (False, "-2100 to -2000")])
def test_what_the_user_says_needs_no_note(maps, elevation, depth):
    reading = ReadOptions(elevation=elevation, xy_unit="m", depth_unit="m")
    description = describe_map(read_map(find_maps([maps / "up.irap"], reading).sources[0], reading))
    assert f"depth {depth} m, no faults" in description.text and not description.notes


@pytest.mark.usefixtures("forked_workers")
@pytest.mark.slow
def test_lines_come_from_other_processes_and_from_a_resumed_run(maps, tmp_path, capsys):
    for k in range(3):
        write_grid(dome_scene(size=SIZE).depth + k, GEO, maps / f"d{k}.irap")
    words = [str(maps), "--out", str(tmp_path / "out"), "--jobs", "2"]
    run(closures.main, words)
    text = capsys.readouterr().out
    assert len(re.findall("IRAP/RMS ASCII, 64 x 64", text)) == 4 and text.count("all values are negative") == 1
    run(closures.main, [*words, "--resume"])
    again = capsys.readouterr().out
    finished = "4 of 4 maps are finished"
    assert sorted(again.splitlines()) == sorted([*text.splitlines(), finished])


@pytest.mark.slow
def test_check_data_has_findings_about_what_was_assumed(tmp_path, capsys):
    depth = dome_scene(size=SIZE).depth.copy()
    depth[:3, :5] = -9999
    for name in ("a", "b"):
        write_grid(depth, GEO, tmp_path / f"{name}.irap")
    (tmp_path / "c.asc").write_text("Dear reader")
    text = said("check_data", tmp_path, tmp_path / "out", capsys)
    found = [line for line in text.splitlines() if line.startswith("- ")]
    assert [line.split(":")[0] for line in found][:3] == ["- not read", "- assumed", "- units"]
    assert "15 cells of exactly -9999 are taken as undefined" in found[1] and "(2 maps: a, b)" in found[1]
    assert "the unit of map coordinates and depth is unknown (2 maps: a, b)" in found[2]


def test_a_line_cannot_steer_the_terminal(capsys):
    print_lines(MapDescription("a\x1b[31m.irap", "IRAP", "5 cells").lines, ReadOptions())
    assert capsys.readouterr().out == "a\N{REPLACEMENT CHARACTER}[31m.irap: IRAP, 5 cells\n"


@pytest.mark.slow
def test_training_says_it_once_and_judging_too(maps, tmp_path, capsys):
    tiny = [*TINY, "--heads", "trap", "--inputs", "depth", "--overfit", "1"]
    run(train.main, ["--data", str(maps), "--out", str(tmp_path / "run"), *tiny])
    text = capsys.readouterr().out
    assert text.count(LINE) == text.count(NOTE) == 1
    run(judge.main, [str(maps), "--out", str(tmp_path / "judged")])
    text = capsys.readouterr().out
    assert text.count(LINE) == text.count(NOTE) == 1


@pytest.mark.slow
def test_many_maps_of_a_set_are_summarised(tmp_path, capsys):
    for k in range(14):
        write_map_folder(dome_scene(f"m{k}", size=32), tmp_path / "maps" / f"m{k}")
    text = said("check_data", tmp_path / "maps", tmp_path / "out", capsys)
    assert "14 maps: map folder (14)\n" in text and "m3: map folder" not in text


def test_resumed_maps_follow_the_content_of_their_surfaces(tmp_path, capsys):
    surface = tmp_path / "surface.npy"
    rows, cols = np.mgrid[0:90, 0:80]
    np.save(surface, 2000 + rows + 20 * np.sin(cols / 7))
    typed = ["--surfaces", str(surface), "--count", "2", "--size", "48", "--out", str(tmp_path / "out"), "--resume"]
    for change, finished in ((False, 0), (False, 2), (True, 0)):
        if change:
            np.save(surface, 2000 + rows - 20 * np.sin(cols / 5))
            os.utime(surface, (1, 1))
        run(make_maps.main, typed)
        assert f"{finished} of 2 maps are finished" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["closures", "predict", "evaluate", "make_maps", "check_data"])
def test_maps_of_one_row_column_or_cell_stop_no_other(tool, tmp_path, capsys):
    dome = dome_scene(size=SIZE).depth
    (tmp_path / "maps").mkdir()
    for name, depth in {"a": dome[:1], "b": dome[:, :1], "c": dome[:1, :1], "good": dome}.items():
        np.save(tmp_path / "maps" / f"{name}.npy", depth)
    text = said(tool, tmp_path / "maps", tmp_path / "out", capsys)
    for size in ("1 x 64", "64 x 1", "1 x 1", "64 x 64"):
        assert text.count(f"npy, {size} cells") == 1
