"""The command lines a user types, on tiny maps: train, resume, predict, evaluate, and one line for every mistake."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml

import mtl.models.safetensors_io
from mtl.commands.evaluate import main as evaluate
from mtl.commands.export import main as export
from mtl.commands.predict import main as predict
from mtl.commands.train import command
from mtl.commands.train import main as train
from targets.common.cli import run
from targets.common.resume import JOURNAL
from targets.io.grids.registry import write_grid
from targets.io.map_folder.writer import write_map_folder
from tests.conftest import TINY, dome_scene
from tests.mtl.commands.conftest import contents


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory, dome_maps):
    """A finished run of all four heads."""
    out = tmp_path_factory.mktemp("runs") / "run"
    run(train, ["--data", str(dome_maps), "--out", str(out), *TINY])
    return out


@pytest.mark.parametrize(
    ("heads", "inputs"),
    [("trap,boundary,dist", "rgb,fault,depth"), ("trap", "rgb"), ("dist", "depth"), ("crest,boundary", "fault,depth")],
)
def test_any_subset_of_heads_and_inputs_trains(tmp_path, dome_maps, heads, inputs, capsys):
    words = ["--heads", heads, "--inputs", inputs, "--data", str(dome_maps), "--out", str(tmp_path / "r"), *TINY]
    run(train, words)
    assert "6 maps" not in capsys.readouterr().err
    content = torch.load(tmp_path / "r" / "best.ckpt", weights_only=True)
    assert content["trapmtl"]["heads"] == heads.split(",") and content["trapmtl"]["inputs"] == inputs.split(",")


def test_the_tool_runs_as_typed(tmp_path, dome_maps):
    tool = Path(__file__).parents[3] / "tools" / "train.py"
    words = [sys.executable, str(tool), "--heads", "trap", "--data", str(dome_maps), "--out", "r", *TINY]
    done = subprocess.run(
        words, cwd=tmp_path, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "1 steps" not in done.stdout.split("patches;")[0] and "run folder: r" in done.stdout
    assert "Warning" not in done.stderr and "Tip" not in done.stderr


@pytest.mark.parametrize("resume", ["--resume", "--resume=true"])
def test_resume_takes_the_settings_of_the_run(resume, run_folder, tmp_path, dome_maps):
    copy = tmp_path / "copy"
    shutil.copytree(run_folder, copy)
    command([resume, "--out", str(copy), "--loop.epochs", "2"])
    with (copy / "metrics.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1"]
    before, after = (yaml.safe_load((folder / "config.yaml").read_text()) for folder in (run_folder, copy))
    assert before["loop"].pop("epochs") == 1 and after["loop"].pop("epochs") == 2
    assert before == after


def test_no_checkpoint_means_the_packages_model(run_folder, dome_maps, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(mtl.models.safetensors_io, "BUNDLED_MODEL", tmp_path / "default.safetensors")
    words = [str(dome_maps / "dome0"), "--out", str(tmp_path / "p")]
    with pytest.raises(SystemExit):
        run(predict, words)
    assert "without a trained model" in capsys.readouterr().err
    run(export, ["--checkpoint", str(run_folder / "best.ckpt"), "--out", str(tmp_path / "default.safetensors")])
    assert "MB" in capsys.readouterr().out
    run(predict, words)
    assert (tmp_path / "p" / "dome0" / "traps.gpkg").exists()


def test_prediction_folder_holds_every_head_polygons_table_and_overlay(run_folder, dome_maps, tmp_path, capsys):
    run(predict, [str(dome_maps / "dome0"), "--checkpoint", str(run_folder / "best.ckpt"), "--out", str(tmp_path)])
    folder = tmp_path / "dome0"
    names = {path.name for path in folder.iterdir()}
    assert names >= {f"{head}.{kind}" for head in ("trap", "boundary", "crest", "dist") for kind in ("png", "tif")}
    assert names >= {"overlay.png", "traps.gpkg", "closures.csv", "exact.csv", "disagreement.png", "disagreement.tif"}
    assert not [name for name in names if name.startswith(".")]  # no temporary files
    assert cv2.imread(str(folder / "trap.png"), cv2.IMREAD_UNCHANGED).shape == (64, 64, 4)
    said = capsys.readouterr().out
    assert str(folder / "overlay.png") in said and str(tmp_path / "report.html") in said


def test_several_looks_leave_their_spread_beside_each_head(run_folder, dome_maps, tmp_path):
    checkpoints = f"{run_folder / 'best.ckpt'},{run_folder / 'last.ckpt'}"
    words = ["--checkpoint", checkpoints, "--tta", "mirror"]
    run(predict, [*(str(dome_maps / f"dome{i}") for i in (0, 1)), *words, "--out", str(tmp_path)])
    assert {f"{h}_std.{kind}" for h in ("trap", "dist") for kind in ("png", "tif")} <= {
        path.name for path in (tmp_path / "dome1").iterdir()
    }
    with (tmp_path / "relative_std.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert "standard deviation" in (tmp_path / "report.html").read_text()
    assert [row["map"] for row in rows] == ["dome0", "dome1"] and float(rows[0]["dist_std"]) > 0
    run(evaluate, [*words, "--data", str(dome_maps / "dome0"), "--out", str(tmp_path)])
    assert "trap/iou" in (tmp_path / "metrics.csv").read_text()


def test_ten_mixed_maps_are_predicted_by_one_command_and_the_corrupt_one_is_reported_at_the_end(
    run_folder, dome_maps, tmp_path, capsys
):
    """PNG scenes in folders and flat, and grids of four formats."""
    pytest.importorskip("xtgeo")
    maps, out = tmp_path / "maps", tmp_path / "out"
    for name in ("dome0", "dome1", "dome2"):
        shutil.copytree(dome_maps / name, maps / name)
    for number in (3, 4):
        for file in (dome_maps / f"dome{number}").iterdir():
            shutil.copy(file, maps / f"{number}_x_{file.stem}_north{file.suffix}")
    for name, size in (("top.gri", 40), ("top.irap", 64), ("base.zmap", 70), ("base.tif", 64)):
        scene = dome_scene(size=size)
        write_grid(np.where(scene.map_valid, scene.depth, np.nan), scene.geo, maps / name)
    corrupt = maps / "corrupt.gri"
    corrupt.write_bytes((maps / "top.gri").read_bytes()[:3000])
    words = [str(maps), "--checkpoint", str(run_folder / "best.ckpt"), "--out", str(out)]
    with pytest.raises(SystemExit) as stop:
        run(predict, words)
    said = capsys.readouterr()
    assert stop.value.code == 2 and said.err.count("\n") == 1 and str(corrupt) in said.err
    predicted = {"dome0", "dome1", "dome2", "3_north", "4_north", "maps_top", "maps_top_2", "maps_base", "maps_base_2"}
    assert {path.name for path in out.iterdir()} == predicted | {"report.html", JOURNAL}
    assert said.out.count("look at") == len(predicted) == 9
    report = (out / "report.html").read_text()
    assert "1 of 10 maps could not be predicted" in report and "corrupt.gri" in report
    assert all(f"{name}/overlay.png" in report and (out / name / "overlay.png").exists() for name in predicted)


@pytest.mark.long
def test_two_jobs_and_a_run_that_was_stopped_leave_the_same_files(run_folder, dome_maps, tmp_path, capsys):
    maps, (alone, shared, stopped) = tmp_path / "maps", (tmp_path / name for name in ("alone", "shared", "stopped"))
    for name in ("dome0", "dome1", "dome2"):
        shutil.copytree(dome_maps / name, maps / name)
    broken(maps, "sizes")
    words = [str(maps), "--checkpoint", f"{run_folder / 'best.ckpt'},{run_folder / 'last.ckpt'}", "--out"]

    def told(*words: str) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit):
            run(predict, list(words))
        return capsys.readouterr().err

    mistake = told(*words, str(alone))
    assert "dome0" in mistake and mistake.count("\n") == 1
    assert told(*words, str(shared), "--jobs", "2") == mistake
    assert contents(shared) == contents(alone)
    run(predict, [str(maps / "dome2"), *words[1:], str(stopped)])
    before = (stopped / "dome2" / "overlay.png").stat().st_mtime_ns
    assert told(*words, str(stopped), "--resume") == mistake
    assert (stopped / "dome2" / "overlay.png").stat().st_mtime_ns == before
    assert contents(stopped) == contents(alone)


@pytest.mark.usefixtures("forked_workers")
def test_evaluation_tables_agree_with_each_other(run_folder, dome_maps, tmp_path, capsys):
    run(evaluate, ["--checkpoint", str(run_folder / "best.ckpt"), "--data", str(dome_maps), "--out", str(tmp_path),
                   "--quiet"])  # fmt: skip
    with (tmp_path / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["map"] for row in rows] == [f"dome{i}" for i in range(6)] + ["pooled"]
    for name in (
        "trap/iou",
        "trap/fp_area",
        "boundary/boundary_f1",
        "crest/hit_rate",
        "dist/mae",
        "instances/pq",
        "mask_components/ap50",
    ):
        assert name in rows[0]
    text = (tmp_path / "metrics.md").read_text()
    assert "## trap" in text and "| **pooled** |" in text
    sizes = (tmp_path / "sizes.md").read_text()
    assert "trap by size" in sizes and "| 1/2 to 1 | 6 |" in sizes  # domes 45 cells wide under tiles of 64
    assert capsys.readouterr().out.startswith(text + "\n" + sizes)
    run(evaluate, ["--checkpoint", str(run_folder / "best.ckpt"), "--data", str(dome_maps), "--out", str(tmp_path),
                   "--tile", "32"])  # fmt: skip
    assert "| 1 to 2 | 6 |" in (tmp_path / "sizes.md").read_text()
    alone = contents(tmp_path)
    run(evaluate, ["--checkpoint", str(run_folder / "best.ckpt"), "--data", str(dome_maps), "--out", str(tmp_path),
                   "--tile", "32", "--jobs", "2"])  # fmt: skip
    assert contents(tmp_path) == alone


def broken(folder: Path, how: str) -> None:
    """Damage the first map of a data set."""
    first = folder / "dome0"
    if how == "sizes":
        cv2.imwrite(str(first / "fault_mask.png"), np.full((50, 50), 255, np.uint8))
    elif how == "inverted":
        cv2.imwrite(str(first / "fault_mask.png"), np.zeros((64, 64), np.uint8))
    elif how == "empty":
        cv2.imwrite(str(first / "map_mask.png"), np.zeros((64, 64), np.uint8))
    elif how == "missing":
        (first / "fault_mask.png").unlink()
    elif how == "nan":
        (first / "depth_norm.png").unlink()
        np.save(first / "depth.npy", np.full((64, 64), np.nan, np.float32))


@pytest.mark.parametrize(
    ("how", "word"),
    [("sizes", "50"), ("inverted", "invert"), ("empty", "empty"), ("missing", "fault_mask"), ("nan", "NaN")],
)
def test_bad_maps_are_one_line_and_exit_code_2(tmp_path, dome_maps, how, word, capsys):
    maps = tmp_path / "maps"
    shutil.copytree(dome_maps, maps)
    broken(maps, how)
    with pytest.raises(SystemExit) as stop:
        run(train, ["--data", str(maps), "--out", str(tmp_path / "r"), *TINY])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and "dome0" in error and word.lower() in error.lower()
    assert error.count("\n") == 1 and "Traceback" not in error
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["--heads", "trap,crust"], "boundary"),
        (["--inputs", "rgb,dpth"], "depth"),
        (["--data", "no/such/folder"], "no/such/folder"),
        (["--patches.size", "100"], "multiple of 32"),
        (["--loop.epoch", "3"], "loop.epoch"),
        (["--net.encoder", "resnet5000"], "resnet5000"),
    ],
)
def test_bad_options_are_one_line_and_exit_code_2(tmp_path, dome_maps, words, word, capsys):
    with pytest.raises(SystemExit) as stop:
        run(train, ["--data", str(dome_maps), "--out", str(tmp_path / "r"), *TINY, *words])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and word in error and error.count("\n") == 1


def test_a_checkpoint_of_other_heads_cannot_be_resumed(run_folder, dome_maps, capsys):
    words = ["--data", str(dome_maps), "--out", str(run_folder), *TINY, "--heads", "trap", "--resume"]
    with pytest.raises(SystemExit) as stop:
        run(train, words)
    error = capsys.readouterr().err
    assert stop.value.code == 2 and "trap,boundary,crest,dist" in error and error.count("\n") == 1


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_a_file_that_is_no_checkpoint_is_named(tmp_path, dome_maps, content, capsys):
    path = tmp_path / "x.ckpt"
    if content is None:
        torch.save({"weights": torch.zeros(3)}, path)
    else:
        path.write_bytes(content)
    for words in ([str(path)], [str(tmp_path / "absent.ckpt")]):
        with pytest.raises(SystemExit) as stop:
            run(predict, [str(dome_maps), "--checkpoint", *words, "--out", str(tmp_path / "out")])
        error = capsys.readouterr().err
        assert stop.value.code == 2 and words[0] in error and error.count("\n") == 1


def test_a_network_fed_with_depth_refuses_a_picture_alone(run_folder, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "map.png"), dome_scene().rgb)
    with pytest.raises(SystemExit):
        run(predict, [str(tmp_path / "map.png"), "--checkpoint", str(run_folder / "best.ckpt"), "--out", str(tmp_path)])
    assert "--inputs rgb" in capsys.readouterr().err


def test_a_picture_alone_is_predicted_by_a_network_of_pictures(tmp_path, dome_maps):
    run(train, ["--data", str(dome_maps), "--out", str(tmp_path / "r"), *TINY, "--inputs", "rgb"])
    cv2.imwrite(str(tmp_path / "map.png"), dome_scene().rgb)
    run(predict, [str(tmp_path / "map.png"), "--checkpoint", str(tmp_path / "r" / "best.ckpt"), "--out", str(tmp_path)])
    assert (tmp_path / "map" / "overlay.png").exists() and not (tmp_path / "map" / "trap.tif").exists()


def test_drawn_traps_are_what_a_network_learns(tmp_path, run_folder):
    drawn = np.zeros((64, 64), bool)
    drawn[40:60, 40:60] = True
    write_map_folder(dome_scene().replace(traps=drawn), tmp_path / "maps" / "a")
    run(
        evaluate,
        ["--checkpoint", str(run_folder / "best.ckpt"), "--data", str(tmp_path / "maps"), "--out", str(tmp_path)],
    )
    with (tmp_path / "metrics.csv").open() as file:
        row = next(csv.DictReader(file))
    assert float(row["trap/fn_area"]) + float(row["trap/recall"]) == pytest.approx(1)


@pytest.mark.slow
def test_reek_is_predicted_from_its_grid_and_fault_polygons(run_folder, shared_data, tmp_path):
    grid = shared_data / "reek" / "original" / "topreek_rota.gri"
    run(predict, [str(grid), "--checkpoint", str(run_folder / "best.ckpt"), "--out", str(tmp_path)])
    folder = tmp_path / "topreek_rota"
    assert {"overlay.png", "trap.tif", "traps.gpkg"} <= {path.name for path in folder.iterdir()}
