"""Runs on drawn traps start from fitted rules, and are never below them on the maps that validate."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mtl.config import LoopConfig, OptimConfig
from mtl.inference.predictor import load_predictor
from mtl.models.checkpoint import read_checkpoint
from mtl.training.callbacks.validation_fits import ChangeAcceptance
from mtl.training.run import train
from mtl.training.trap_rules import ACCEPTED, CHANGED_IOU, RULES_IOU, MapComparison, accepts_changes, pooled_iou
from targets.common.cli import Names
from targets.errors import UserError
from targets.io.map_folder.writer import write_map_folder
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import compute_traps
from tests.conftest import dome_scene, tiny_config

DRAWN_BY = TrapCriteria(reading="contour", contour_interval=40.0)  # the last contour of a dome of 100 m is at 2080 m


@pytest.fixture(scope="module")
def drawn_domes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    for i in range(5):
        scene = dome_scene(f"d{i}", crest=(0.4 + 0.05 * i, 0.5))
        write_map_folder(scene.replace(traps=compute_traps(scene, DRAWN_BY).labels > 0), folder / scene.name)
    return folder


def config(folder, **fields):
    loop = LoopConfig(epochs=2, batch_size=2, logger="csv")
    base = tiny_config(heads=Names("trap,dist"), inputs=Names("depth"), data=str(folder), loop=loop)
    return replace(base, **fields)


def test_a_run_on_drawn_traps_is_never_below_its_rules_and_says_so(drawn_domes, tmp_path, capsys):
    hasty = replace(config(drawn_domes), optim=OptimConfig(lr=0.5, schedule="constant"))  # it learns rubbish
    metrics = train(hasty, tmp_path / "run", fits_rules=True)
    out = capsys.readouterr().out
    assert "the trap head starts from these rules" in out and "trap: the rules alone are taken" in out
    best, content = read_checkpoint(tmp_path / "run" / "best.ckpt")
    state = content["callbacks"][ChangeAcceptance.__name__]
    assert best.trap_base == "rules" and best.targets.traps != TrapCriteria()
    assert state[CHANGED_IOU] < state[RULES_IOU] == pytest.approx(metrics["trap/iou"]) and state[ACCEPTED] == 0
    assert content["epoch"] == 1  # of equal ones the last: what the other heads have learned is kept
    scene = dome_scene("new", crest=(0.45, 0.55))
    answer = load_predictor(tmp_path / "run" / "best.ckpt", "cpu")(scene)["trap"][0]
    assert np.array_equal(answer > 0.5, compute_traps(scene, best.targets.traps).labels > 0)


@pytest.mark.slow
def test_what_was_decided_holds_for_a_resumed_run(drawn_domes, tmp_path):
    short = config(drawn_domes, trap_base="rules", loop=LoopConfig(epochs=1, batch_size=2, logger="csv"))
    train(short, tmp_path / "run")  # rules are fitted, as the head starts from them
    train(replace(short, loop=replace(short.loop, epochs=2)), tmp_path / "run", resume=True)
    last, content = read_checkpoint(tmp_path / "run" / "last.ckpt")
    assert last.starts_from_rules and last.targets.traps != TrapCriteria() and content["epoch"] == 1
    content["state_dict"]["net.residuals.trap.accepted"].fill_(1)  # whatever was decided
    content["state_dict"]["net.residuals.trap.change.2.bias"].fill_(9)
    torch.save(content, tmp_path / "changed.ckpt")
    scene, answers = dome_scene("new"), {}
    for rules in (None, last.targets.traps, TrapCriteria()):
        answers[rules] = load_predictor(tmp_path / "changed.ckpt", "cpu", rules=rules)(scene)["trap"][0] > 0.5
    assert answers[None].all() and answers[last.targets.traps].all()
    assert np.array_equal(answers[TrapCriteria()], compute_traps(scene, TrapCriteria()).labels > 0)


@pytest.mark.parametrize("fields", [{"inputs": Names("fault")}, {"heads": Names("dist")}])
def test_what_cannot_start_from_rules_does_not_or_is_refused(drawn_domes, tmp_path, fields):
    with pytest.raises(UserError, match="trap_base"):
        train(config(drawn_domes, trap_base="rules", **fields), tmp_path / "run")


def comparison(group, rules, changed):
    return MapComparison(group, (rules, 100), (changed, 100))


def test_changes_are_accepted_if_no_few_groups_of_maps_make_all_the_gain():
    small_gains = [comparison(name, 90, 91) for name in "abc"]
    assert accepts_changes(small_gains) and accepts_changes(small_gains[:1])
    lucky = [comparison("a", 90, 99), comparison("b", 90, 89), comparison("b", 90, 90)]
    assert not accepts_changes(lucky) and pooled_iou([one.changed for one in lucky]) > 0.9
    scattered = [comparison(name, 90, changed) for name, changed in zip("abcde", (94, 87, 93, 89, 92), strict=True)]
    assert not accepts_changes(scattered)  # +1 on average, by ±1.3: without any one of them it is a gain
    assert accepts_changes([comparison(one.group, 90, one.changed[0] + 2) for one in scattered])
    assert not accepts_changes([comparison(name, 90, 90) for name in "ab"])  # a tie is no gain
    assert not accepts_changes([])
