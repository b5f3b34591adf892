"""A resumed run keeps its settings and its maps: no map that validated ever trains."""

import shutil
from dataclasses import is_dataclass, replace
from operator import attrgetter

import pytest
import torch

from mtl.config import LoopConfig, SplitConfig
from mtl.models.checkpoint import read_checkpoint
from mtl.training.resume import CHANGEABLE, is_changeable, read_resumable, setting_names
from mtl.training.run import fit, train
from targets.common.cli import Names
from targets.errors import UserError
from targets.io.map_folder.writer import write_map_folder
from tests.conftest import dome_scene, tiny_config

CONFIG = tiny_config(heads=Names("trap"), loop=LoopConfig(epochs=1, batch_size=4, logger="csv"))
SCENES = [dome_scene(f"d{i}", crest=(0.4 + 0.05 * i, 0.5)) for i in range(4)]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A finished run of one epoch that trained on three maps and validated on one."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    fit(CONFIG, folder, SCENES[:3], SCENES[3:])
    return folder


@pytest.fixture(scope="module")
def read(run_folder):
    """The checkpoint of that run, read once: to read it for each of a hundred settings takes half a minute."""
    return read_checkpoint(run_folder / "last.ckpt")


def changed(config, name):
    """The settings with another value of one of them."""
    section, _, rest = name.partition(".")
    value = getattr(config, section)
    if is_dataclass(value):
        return replace(config, **{section: changed(value, rest)})
    if isinstance(value, bool):
        return replace(config, **{section: not value})
    other = value + 1 if isinstance(value, int | float) else "another"
    return replace(config, **{section: other})


@pytest.mark.parametrize("name", list(setting_names(CONFIG)))
def test_a_changed_setting_is_refused_by_its_name_unless_it_is_harmless(run_folder, read, monkeypatch, name):
    monkeypatch.setattr("mtl.training.resume.read_checkpoint", lambda path: read)
    other = changed(CONFIG, name)
    assert attrgetter(name)(other) != attrgetter(name)(CONFIG)
    if is_changeable(name):
        read_resumable(run_folder / "last.ckpt", other, processes=1)
        return
    with pytest.raises(UserError, match=f"a checkpoint with {name} "):
        read_resumable(run_folder / "last.ckpt", other, processes=1)


def test_what_may_change_exists():
    names = list(setting_names(CONFIG))
    assert all(any(name == own or name.startswith(f"{own}.") for name in names) for own in CHANGEABLE)


def test_more_processes_may_share_the_same_step(run_folder):
    last = run_folder / "last.ckpt"
    halved = replace(CONFIG, loop=replace(CONFIG.loop, batch_size=2))
    read_resumable(last, halved, processes=2)
    for config, processes in ((CONFIG, 2), (halved, 1)):
        with pytest.raises(UserError, match=r"loop\.batch_size"):
            read_resumable(last, config, processes)


@pytest.mark.parametrize(
    ("training", "validation", "word"),
    [
        ([1, 2, 3], [0], "d3 is among them now"),  # it validated
        ([0, 1, 2, 3], [3], "d3 is among them now"),
        ([0, 1], [3], "d2 is not among them"),
        ([0, 1, 2], [3, 2], "validation maps: d2 is among"),
    ],
)
def test_other_maps_are_refused_before_anything_is_trained(run_folder, training, validation, word):
    before = (run_folder / "last.ckpt").read_bytes()
    more = replace(CONFIG, loop=replace(CONFIG.loop, epochs=2))
    with pytest.raises(UserError, match=word) as error:
        fit(more, run_folder, [SCENES[i] for i in training], [SCENES[i] for i in validation], resume=True)
    assert "\n" not in str(error.value) and "--init" in str(error.value)
    assert (run_folder / "last.ckpt").read_bytes() == before


def test_a_folder_to_which_maps_were_added_would_be_split_anew(tmp_path):
    maps = tmp_path / "maps"
    for scene in SCENES:
        write_map_folder(scene, maps / scene.name)
    config = replace(CONFIG, data=str(maps), split=SplitConfig(val_fraction=0.25))
    train(config, tmp_path / "run")
    maps.rename(tmp_path / "moved")  # the folder may have moved
    more = replace(config, data=str(tmp_path / "moved"), loop=replace(config.loop, epochs=2))
    train(more, tmp_path / "run", resume=True)
    write_map_folder(dome_scene("d9"), tmp_path / "moved" / "d9")
    with pytest.raises(UserError, match=r"other (training|validation) maps"):
        train(more, tmp_path / "run", resume=True)


def test_a_table_that_excel_saved_is_continued(tmp_path, run_folder):
    folder = shutil.copytree(run_folder, tmp_path / "run")
    table, before = folder / "metrics.csv", (folder / "last.ckpt").read_bytes()
    written = table.read_text("utf-8")
    more = replace(CONFIG, loop=replace(CONFIG.loop, epochs=2))
    table.write_text("loss\n0.5\n", "utf-8")
    with pytest.raises(UserError, match=r"metrics\.csv: row 1 does not say its epoch"):
        fit(more, folder, SCENES[:3], SCENES[3:], resume=True)
    table.write_text("sep=;\n" + written.replace(",", ";"), "utf-8-sig")
    fit(more, folder, SCENES[:3], SCENES[3:], resume=True)
    assert table.read_text("utf-8").startswith(written.rstrip("\n")) and (folder / "last.ckpt").read_bytes() != before


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ({"optimizer_states": None}, "without the state of the optimiser"),
        ({"optimizer_states": []}, "without the state of the optimiser"),
        ({"lr_schedulers": "none"}, "without the state of the optimiser"),
        ({"position": "here"}, "without the position"),
        ({"position": {"epoch": "one", "batches": 0}}, "without the position"),
        ({"position": {"epoch": 1, "batches": -1}}, "without the position"),
        ({"position": {"epoch": 2**70, "batches": 0}}, "without the position"),
        ({"random": "dice"}, "without the state of the random"),
        ({"callbacks": [1]}, "without the state of the callbacks"),
        ({"loops": None}, "without the state of the callbacks"),
        ({"maps": {"training": 3}}, "without the names of its maps"),
        ({"optimizer_states": [{"state": {}, "param_groups": [{"params": [0]}]}]}, "cannot be resumed"),
        ({"random": torch.zeros(3, dtype=torch.uint8)}, "cannot be resumed"),
        ({"loops": {"fit_loop": 3}}, "cannot be resumed"),
        ({"pytorch-lightning_version": [1]}, "cannot be resumed"),
        ({"callbacks": {"EpochMeans": 7}}, "cannot be resumed"),
    ],
)
def test_a_damaged_state_of_training_is_one_line(tmp_path, run_folder, damage, found):
    folder = shutil.copytree(run_folder, tmp_path / "run")
    content = torch.load(folder / "last.ckpt", weights_only=True) | damage
    torch.save(content, folder / "last.ckpt")
    more = replace(CONFIG, loop=replace(CONFIG.loop, epochs=2))
    with pytest.raises(UserError, match=found) as caught:
        fit(more, folder, SCENES[:3], SCENES[3:], resume=True)
    assert str(caught.value).startswith(str(folder / "last.ckpt")) and "\n" not in str(caught.value)
    assert "--init" in str(caught.value)
