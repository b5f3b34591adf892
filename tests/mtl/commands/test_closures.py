"""tools/closures.py as it is typed: files per map, options, and mistakes in one line."""

import csv
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from mtl.commands.closures import main as main
from targets.closure import find_closures
from targets.closure.tiles import tasks
from targets.io.map_folder.writer import write_map_folder
from tests.conftest import dome_scene
from tests.mtl.commands.conftest import contents

TOOL = Path(__file__).parents[3] / "tools" / "closures.py"


@pytest.fixture
def maps(tmp_path) -> Path:
    """A map folder, a grid without a location and one that is damaged."""
    folder = tmp_path / "maps"
    write_map_folder(dome_scene(), folder / "dome")
    np.savez(folder / "flat.npz", depth=dome_scene().depth)
    (folder / "hurt.npz").write_bytes((folder / "flat.npz").read_bytes()[:-400])
    return folder


def table(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_one_bad_map_does_not_stop_the_others(call, maps, tmp_path):
    (maps / "nan.npz").write_bytes(b"")
    np.savez(maps / "nan.npz", depth=np.full((9, 9), np.nan))
    out = tmp_path / "out"
    code, said, error = call(maps / "nan.npz", maps / "dome", maps / "flat.npz", "--out", out)
    assert code == 2 and error.count("\n") == 1 and "nan.npz" in error and "empty" in error
    assert (
        said.count("look at") == 2
        and (out / "dome" / "closures.gpkg").exists()
        and (out / "flat" / "closures.npz").exists()
    )
    (row,) = table(out / "flat" / "closures.csv")
    assert (row["crest_row"], row["crest_col"], row["crest_depth"]) == ("32", "32", "2000")
    assert (row["spill_depth"], row["spills_into"], row["touches_fault"]) == ("2100", "0", "False")


@pytest.mark.usefixtures("forked_workers")
def test_two_jobs_write_the_same_files_and_a_stopped_run_goes_on(call, maps, tmp_path):
    """The same bytes from one process and from two, the same mistake, and from a run that was stopped half-way."""
    alone, shared, stopped = (tmp_path / name for name in ("alone", "shared", "stopped"))
    code, said, error = call(maps, "--out", alone)
    assert code == 2 and "hurt.npz" in error and said.count("look at") == 2
    other = call(maps, "--out", shared, "--jobs", 2)
    assert (other[0], sorted(other[1].replace("shared", "alone").splitlines())) == (2, sorted(said.splitlines()))
    assert other[2] == error and contents(shared) == contents(alone)
    assert call(maps / "dome", "--out", stopped)[0] == 0
    (stopped / "dome" / ".closures.1.part.png").touch()
    (stopped / "flat").mkdir()
    (stopped / "flat" / ".closures.1.part.png").touch()  # what a killed process leaves
    before = (stopped / "dome" / "closures.png").stat().st_mtime_ns
    code, said, again = call(maps, "--out", stopped, "--resume")
    assert code == 2 and "1 of 3 maps are finished" in said and again == error
    assert (stopped / "dome" / "closures.png").stat().st_mtime_ns == before
    (stopped / "dome" / ".closures.1.part.png").unlink()  # of a map that was not done again
    assert contents(stopped) == contents(alone)


def test_options_with_hyphens_reach_the_analysis(call, maps, tmp_path):
    words = [maps / "flat.npz", "--out", tmp_path / "o", "--contour-interval", 30, "--contour-base", 5]
    code, _, error = call(*words, "--connectivity", 4, "--min-area", 5, "--min-height", 2, "--edge", "closed")
    assert code == 0, error
    (row, *_) = table(tmp_path / "o" / "flat" / "closures.csv")
    assert row["contour_depth"] == "2075"
    assert "flat: 0 closures" in call(*words, "--min-height", 101)[1]


def test_uncertainty_and_formats(call, maps, tmp_path):
    words = [maps / "dome", "--out", tmp_path, "--depth-std", 2, "--correlation", 200, "--realisations", 4]
    code, _, error = call(*words, "--grids", "irap", "--vectors", "geojson", "--contour-interval", "auto")
    assert code == 0, error
    names = {path.name for path in (tmp_path / "dome").iterdir()}
    assert {"labels.irap", "probability.irap", "probability.png", "closures.geojson"} <= names
    (row, *_) = [row for row in table(tmp_path / "dome" / "closures.csv") if row["parent"] == "0"]
    assert float(row["probability"]) == 1 and float(row["area_p90"]) <= float(row["area_p10"])


def test_elevation_turns_the_map_over(call, tmp_path):
    np.savez(tmp_path / "hill.npz", depth=-dome_scene().depth)
    code, said, error = call(tmp_path / "hill.npz", "--out", tmp_path / "o", "--elevation")
    assert code == 0 and "hill: 1 closure on" in said, error
    assert "hill: 0 closures" in call(tmp_path / "hill.npz", "--out", tmp_path / "o")[1]


def test_real_grids_with_their_faults(call, tmp_path, shared_data):
    geopandas = pytest.importorskip("geopandas")
    original = shared_data / "reek" / "topreek.npz"
    code, said, error = call(original, "--out", tmp_path, "--faults", "sealing", "--contour-interval", "auto")
    assert code == 0 and "topreek" in said, error
    shapes = geopandas.read_file(tmp_path / "topreek" / "closures.gpkg", layer="closures")
    assert len(shapes) > 1 and shapes.is_valid.all() and shapes["touches_fault"].any()
    assert shapes.area.to_numpy() == pytest.approx(shapes["area"].to_numpy(), rel=1e-6)


@pytest.mark.parametrize(
    "words, part",
    [
        (["none.gri", "--out", "o"], "none.gri"),
        (["--out", "o"], "required: maps"),
        (["flat.npz"], "required: out"),
        (["flat.npz", "--out", "o", "--faults", "open"], "--faults: expected one of"),
        (["flat.npz", "--out", "o", "--contour-interval", "0"], "--contour-interval: 0"),
        (["flat.npz", "--out", "o", "--connectivity", "6"], "--connectivity"),
        (["flat.npz", "--out", "o", "--depth-std", "3"], "--correlation: missing"),
        (["flat.npz", "--out", "o", "--min-aera", "3"], "--min"),
        (["hurt.npz", "--out", "o"], "hurt.npz"),
    ],
)
def test_mistakes_are_one_line(call, words, part, maps, monkeypatch):
    monkeypatch.chdir(maps)
    code, _, error = call(*words)
    assert code == 2 and part in error and error.count("\n") == 1, error


def test_the_tool_can_be_started_by_its_name():
    assert os.access(TOOL, os.X_OK) and TOOL.read_text().startswith("#!/usr/bin/env python\n")


def test_rules_of_single_faults_take_names_from_the_fault_file(call, maps, tmp_path):
    (maps / "flat.csv").write_text("fault,x,y\nWest,450,-100\nWest,450,-1500\nEast,2000,-100\nEast,2000,-1500\n")
    np.savez(maps / "flat.npz", depth=dome_scene().depth, x0=0.0, y0=0.0, dx=50.0, dy=-50.0)
    words = [maps / "flat.npz", "--out", tmp_path / "o", "--grids", "npz", "--vectors", "geojson", "--fault-rules"]
    code, said, error = call(*words, "West=sealing,East=leaking")
    assert code == 0 and "faults transparent, fault West sealing, fault East leaking" in said, error
    (row,) = table(tmp_path / "o" / "flat" / "closures.csv")
    assert float(row["spill_depth"]) < 2100  # East cuts the dome
    code, _, error = call(*words, "south=sealing")
    assert code == 2 and error.count("\n") == 1 and "faults: West, East" in error


def test_elevations_give_the_closures_of_depths(call, maps, tmp_path):
    np.savez(maps / "up.npz", depth=-dome_scene().depth)
    assert call(maps / "up.npz", "--out", tmp_path / "up", "--elevation")[0] == 0
    assert call(maps / "flat.npz", "--out", tmp_path / "down")[0] == 0
    assert table(tmp_path / "up" / "up" / "closures.csv") == table(tmp_path / "down" / "flat" / "closures.csv")
    code, said, _ = call(maps / "up.npz", "--out", tmp_path / "o")  # taken for depths, as is said: a dome is a basin
    assert code == 0 and "up: 0 closures" in said


def test_a_grid_by_tiles(call, tmp_path):
    depth = np.random.default_rng(0).integers(0, 40, (60, 50)).astype(np.float32)
    np.save(tmp_path / "top.npy", depth)
    np.save(tmp_path / "turned.npy", -depth)
    words = ["--out", tmp_path / "out", "--tile", 16, "--min-area", 2, "--min-height", 1]
    code, said, error = call(tmp_path / "top.npy", *words)
    assert code == 0, error
    expected = find_closures(depth, min_area=2, min_height=1)
    outer = int((expected.table["parent"] == 0).sum())
    assert f"top: {outer} closures, {expected.table.size - outer} inside them" in said
    assert (np.load(tmp_path / "out" / "top" / "table.npy") == expected.table).all()
    assert call(tmp_path / "turned.npy", *words, "--elevation")[0] == 0
    assert (np.load(tmp_path / "out" / "turned" / "table.npy") == expected.table).all()
    assert call(tmp_path / "top.npy", "--out", tmp_path / "relief", "--tile", 16)[0] == 0
    expected = find_closures(depth, min_area=40, min_height=0.01 * 39)  # 1 % of the relief
    assert (np.load(tmp_path / "relief" / "top" / "table.npy") == expected.table).all()
    for extra in (["--depth-std", 2, "--correlation", 9], ["--faults", "sealing"], ["--contour-interval", "auto"]):
        code, _, error = call(tmp_path / "top.npy", *words, *extra)
        assert code == 2 and "--tile" in error and error.count("\n") == 1
    code, _, error = call(tmp_path / "top.npy", *words, "--jobs", 2)
    assert code == 2 and "--scheduler local" in error and error.count("\n") == 1


def test_a_cluster_finds_the_closures_of_a_grid_by_tiles(call, tmp_path):
    distributed, zarr = pytest.importorskip("distributed"), pytest.importorskip("zarr")
    depth = np.random.default_rng(0).integers(0, 40, (60, 50)).astype(np.float32)
    np.save(tmp_path / "top.npy", depth)
    words = [tmp_path / "top.npy", "--out", tmp_path, "--tile", 16, "--min-area", 1, "--min-height", 0]
    with distributed.LocalCluster(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as own:
        code, _, error = call(*words, "--scheduler", own.scheduler_address)
    assert code == 0, error
    expected = find_closures(depth, min_area=1)
    assert (np.load(tmp_path / "top" / "table.npy") == expected.table).all()
    assert (zarr.open_array(tmp_path / "top" / "labels.zarr")[:] == expected.labels).all()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_grid_by_tiles_that_is_stopped_leaves_nothing(call, tmp_path, monkeypatch, number, code):
    measured, before = [], signal.getsignal(signal.SIGTERM)

    def measure(*args):
        measured.append(args)
        if len(measured) == 3:
            os.kill(os.getpid(), number)
        return find(*args)

    find = tasks.total_tile
    monkeypatch.setattr(tasks, "total_tile", measure)
    np.save(tmp_path / "top.npy", np.random.default_rng(0).integers(0, 40, (60, 50)).astype(np.float32))
    found = call(tmp_path / "top.npy", "--out", tmp_path / "out", "--tile", 8)
    assert found == (code, "", "stopped\n")
    assert list((tmp_path / "out" / "top").iterdir()) == [] and 3 <= len(measured) < 56
    assert signal.getsignal(signal.SIGTERM) == before
