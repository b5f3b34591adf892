"""The command line of tools/fit_rules.py, and --rules of the other tools."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mtl.commands import check_data, closures, fit_rules, train
from mtl.config import TrainConfig
from mtl.training.trap_rules import with_fitted_rules
from targets.common.cli import run
from targets.io.map_folder.writer import write_map_folder
from targets.rules import load_rules
from targets.truth.criteria import GroundTruthOptions, TrapCriteria
from targets.truth.traps import compute_traps
from tests.conftest import dome_scene


@pytest.fixture
def drawn(tmp_path) -> Path:
    """Two domes, drawn to their floor."""
    for i in range(2):
        scene = dome_scene(f"dome{i}", crest=(0.4 + 0.1 * i, 0.5))
        traps = compute_traps(scene, TrapCriteria()).labels > 0
        write_map_folder(scene.replace(traps=traps), tmp_path / "maps" / scene.name)
    return tmp_path / "maps"


def test_it_writes_rules_and_pictures_and_says_them(drawn, tmp_path, capsys):
    run(fit_rules.main, [str(drawn), "--out", str(tmp_path / "rules.yaml"), "--pictures", "1", "--quiet"])
    said = capsys.readouterr().out
    assert "Traps end at their spill points" in said and "0 of 2 maps tell what faults do" in said
    assert load_rules(tmp_path / "rules.yaml") == TrapCriteria()
    assert len(list((tmp_path / "rules_worst_maps").glob("*.png"))) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--out", "rules.png"], "NAME.yaml"), (["--interpreter", "nobody"], "no map.yaml names any")],
)
def test_what_cannot_be_done_is_one_line(drawn, words, said, capsys):
    with pytest.raises(SystemExit):
        run(fit_rules.main, [str(drawn), *words])
    assert said in capsys.readouterr().err


def test_every_interpreter_gets_a_file(drawn, tmp_path, capsys):
    for name, who in (("dome0", "A. Nna"), ("dome1", "ben")):
        with (drawn / name / "map.yaml").open("a") as file:
            file.write(f"interpreter: {who}\n")
    run(fit_rules.main, [str(drawn), "--out", str(tmp_path / "rules.yaml"), "--pictures", "0", "--quiet"])
    said = capsys.readouterr().out
    assert "A. Nna: Traps end at their spill points" in said and "on 1 map, " in said
    assert load_rules(tmp_path / "rules_A_Nna.yaml") == load_rules(tmp_path / "rules_ben.yaml") == TrapCriteria()


def test_contours_that_miss_a_map_are_said(drawn, tmp_path, capsys):
    (tmp_path / "rules.yaml").write_text("reading: contour\ncontour_interval: 5000.0\n", "utf-8")
    closures.command([str(drawn / "dome0"), "--rules", str(tmp_path / "rules.yaml"), "--out", str(tmp_path / "one")])
    assert "no contour of 5000 lies between its depths" in capsys.readouterr().out


def test_maps_without_drawn_traps_are_one_line(dome_maps, capsys):
    with pytest.raises(SystemExit):
        run(fit_rules.main, [str(dome_maps)])
    assert "none of 6 map(s) has a depth and drawn traps" in capsys.readouterr().err


def test_closures_take_the_rules_and_typed_options_win(drawn, tmp_path, capsys):
    (tmp_path / "rules.yaml").write_text("reading: contour\ncontour_interval: 25.0\nedge: closed\n", "utf-8")
    words = [str(drawn / "dome0"), "--rules", str(tmp_path / "rules.yaml")]
    closures.command([*words, "--edge", "open", "--out", str(tmp_path / "one"), "--quiet"])
    assert "last closed contour;" in capsys.readouterr().out.replace(", closed edge", "!")


def test_check_compares_with_the_fitted_rules_those_of_a_file_or_the_defaults(drawn, tmp_path, capsys):
    (tmp_path / "rules.yaml").write_text("min_area: 4000\n", "utf-8")
    for words, expected in (
        ([], "median 1.00"),
        (["--rules", str(tmp_path / "rules.yaml")], "median 0.00"),
        (["--rules", str(tmp_path / "rules.yaml"), "--rules.min_area", "10"], "median 1.00"),
    ):
        check_data.command([str(drawn), *words, "--out", str(tmp_path / "check"), "--quiet"])
        said = capsys.readouterr().out
        assert expected in said and ("Traps end at" in said) == (words == [])


def test_a_run_takes_the_rules_of_its_training_maps(capsys):
    scene = dome_scene()
    rules = TrapCriteria(min_relief=0.5)
    config = with_fitted_rules(TrainConfig(), [scene.replace(traps=compute_traps(scene, rules).labels > 0)])
    assert "rules of the drawn traps: Traps end at their spill points" in capsys.readouterr().out
    assert config == replace(TrainConfig(), trap_base="rules")  # one dome tells nothing else
    corner = np.zeros(scene.shape, bool)
    corner[:12, :12] = True
    assert with_fitted_rules(TrainConfig(), [scene.replace(traps=corner & scene.map_valid)]) == TrainConfig()
    assert "explain too little" in capsys.readouterr().out
    assert with_fitted_rules(TrainConfig(), [scene]) == TrainConfig()  # nothing is drawn
    assert capsys.readouterr().out == ""
    by_hand = replace(TrainConfig(), targets=GroundTruthOptions(rules))
    assert with_fitted_rules(by_hand, [scene.replace(traps=scene.map_valid)]) is by_hand


def test_train_takes_the_rules_of_a_file(tmp_path, monkeypatch):
    (tmp_path / "rules.yaml").write_text("reading: contour\nmin_area: 90\n", "utf-8")
    given = {}
    monkeypatch.setattr("mtl.training.run.train", lambda config, folder, resume, fits_rules: given.update(
        config=config, fits=fits_rules) or {})  # fmt: skip
    words = ["--loop.logger", "csv", "--out", str(tmp_path / "run")]
    train.command([*words, "--rules", str(tmp_path / "rules.yaml"), "--targets.traps.min_area", "70"])
    assert given["config"].targets.traps == TrapCriteria("contour", min_area=70) and not given["fits"]
    train.command(words)
    assert given["config"].targets.traps == TrapCriteria() and given["fits"]
