"""The salt track as a user types it: make images, train, predict, evaluate and check, with the tools of every track."""

import csv
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pytest

from mtl.commands.check_data import main as check_data
from mtl.commands.evaluate import main as evaluate
from mtl.commands.make_salt import main as make_salt
from mtl.commands.predict import main as predict
from mtl.commands.train import main as train
from mtl.inference.predictor import load_predictor
from targets.common.cli import run
from targets.common.resume import JOURNAL
from targets.io.catalogue import list_maps, read_map
from targets.io.tgs_salt import IMAGE_SIDE, decode_rle, read_id_table
from tests.conftest import TINY

SALT = [
    *TINY,
    *("--loop.batch_size", "4"),
    *("--heads", "salt,empty,boundary,dist", "--inputs", "salt_depth_abs,ramp,true_depth"),
    *("--patches.size", "128", "--patches.small_map_mode", "reflect", "--split.val_fraction", "0.25"),
]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Eight training and three test images."""
    folder = tmp_path_factory.mktemp("salt") / "images"
    run(make_salt, ["--out", str(folder), "--count", "8", "--test", "3", "--seed", "4"])
    return folder


@pytest.fixture(scope="module")
def run_folder(images, tmp_path_factory):
    """A finished run of the heads of salt, with what it said in said.txt."""
    out = tmp_path_factory.mktemp("salt_run") / "run"
    with redirect_stdout(StringIO()) as said:
        run(train, ["--data", str(images), "--out", str(out), *SALT])
    (out / "said.txt").write_text(said.getvalue())
    return out


def test_the_figures_stand_beside_what_no_answer_would_get(run_folder, images, tmp_path, capsys):
    run(evaluate, ["--checkpoint", str(run_folder / "best.ckpt"), "--data", str(images), "--out", str(tmp_path)])
    with (tmp_path / "metrics.csv").open() as file:
        rows = {row["map"]: row for row in csv.DictReader(file)}
    scenes = [read_map(source) for source in list_maps([images])]
    without = np.mean([not scene.salt.any() for scene in scenes])
    assert float(rows["pooled"]["salt/predict_nothing"]) == pytest.approx(without)
    assert 0 <= float(rows["pooled"]["salt/tgs"]) <= 1 and float(rows["pooled"]["empty/accuracy"]) <= 1
    assert "predict_nothing" in capsys.readouterr().out


def test_training_tells_the_floor_too(run_folder):
    said = (run_folder / "said.txt").read_text()
    assert "salt/tgs " in said and "salt/predict_nothing " in said and "empty/always_the_same " in said


def test_a_submission_round_trips_through_the_reader(run_folder, images, tmp_path, capsys):
    words = [str(images / "test"), "--checkpoint", str(run_folder / "best.ckpt"), "--out", str(tmp_path)]
    predictor = load_predictor(run_folder / "best.ckpt")
    cut = float(np.median(predictor(read_map(list_maps([images / "test"])[0]))["salt"]))
    run(predict, [*words, "--threshold", str(cut)])
    assert "submission.csv" in capsys.readouterr().out and not (tmp_path / "report.html").exists()
    scenes = [read_map(source) for source in list_maps([images / "test"])]
    rows = read_id_table(tmp_path / "submission.csv", "rle_mask")
    assert list(rows) == [scene.name for scene in scenes]
    for scene in scenes:
        answer = predictor(scene)["salt"][0]
        assert answer.shape == (IMAGE_SIDE, IMAGE_SIDE)
        np.testing.assert_array_equal(decode_rle(rows[scene.name], (IMAGE_SIDE, IMAGE_SIDE)), answer > cut)
        assert (tmp_path / scene.name / "overlay.png").exists() and (tmp_path / scene.name / "salt.png").exists()


def test_thousands_of_images_need_no_folders(run_folder, images, tmp_path):
    words = [str(images / "test"), "--checkpoint", str(run_folder / "best.ckpt"), "--out", str(tmp_path / "p")]
    run(predict, [*words, "--no_folders"])
    assert {path.name for path in (tmp_path / "p").iterdir()} == {"submission.csv", JOURNAL}


def test_a_set_of_images_is_checked(images, tmp_path, capsys):
    run(check_data, [str(images), "--out", str(tmp_path)])
    said = capsys.readouterr().out
    assert "101 × 101 (8)" in said and "salt" in said and (tmp_path / "check.html").exists()
