"""Settings of earlier versions: read from files and checkpoints, refused on the command line by their new name."""

import json
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

import pytest
import yaml
from docstring_parser import DocstringStyle, parse

from mtl.ablation.options import Ablation
from mtl.config import VERSION, TrainConfig
from mtl.migration import (
    ABLATION_CHANGES,
    CHANGES,
    EARLIER_ABLATIONS,
    EARLIER_SETTINGS,
    upgrade_ablation,
    upgrade_settings,
)
from targets.common.cli import checked_record, read_record, run
from targets.errors import UserError

CONFIGS = Path(__file__).parents[2] / "configs"


def dotted_names(record: type, prefix: str = "") -> list[str]:
    """The dotted names of all settings of a record."""
    hints = get_type_hints(record)
    return [
        name
        for item in fields(record)
        for name in (
            dotted_names(hints[item.name], f"{prefix}{item.name}.")
            if is_dataclass(hints[item.name])
            else [prefix + item.name]
        )
    ]


def test_every_new_name_is_a_setting_and_no_old_one_is():
    known = dotted_names(TrainConfig)
    for change in CHANGES:
        assert (not change.new or change.new in known) and change.old not in known, change
        assert 1 < change.version <= VERSION
        assert not change.new or change.old.rpartition(".")[0] == change.new.rpartition(".")[0], "another section"
    assert len({change.old for change in CHANGES}) == len(CHANGES)
    known = [item.name for item in fields(Ablation)]
    for change in ABLATION_CHANGES:
        assert change.new in known and change.old not in known, change


def test_nested_and_dotted_names_are_renamed_and_keep_their_order_and_values():
    nested = {"shown": ["rgb"], "patches": {"longest": 256, "size": 64}, "optim": {"weights": {"weights": 1.0}}}
    before = json.dumps(nested)
    assert json.dumps(upgrade_settings(nested)) == json.dumps(
        {"input_sets": ["rgb"], "patches": {"max_side": 256, "size": 64}, "optim": {"loss_weights": {"weights": 1.0}}}
    )
    assert json.dumps(nested) == before
    assert upgrade_settings({"loop.batch": 2, "heads": "trap"}) == {"loop.batch_size": 2, "heads": "trap"}


@pytest.mark.parametrize(("old", "new"), [(True, "d4"), (False, "none")])
def test_a_value_that_means_something_else_today_is_converted(old, new):
    assert upgrade_settings({"augment": {"d4": old}}) == {"augment": {"symmetry": new}}


def test_a_setting_that_is_gone_is_left_out():
    assert upgrade_settings({"loop": {"devices": 1, "epochs": 2}}) == {"loop": {"epochs": 2}}


def test_todays_settings_stay_as_they_are():
    today = TrainConfig().as_dict()
    assert today["version"] == VERSION
    assert upgrade_settings(today) == {name: value for name, value in today.items() if name != "version"}
    assert checked_record(TrainConfig, upgrade_settings(json.loads(json.dumps(today)))) == TrainConfig()


def test_old_names_in_a_file_of_todays_version_are_not_known():
    assert upgrade_settings({"version": VERSION, "shown": []}) == {"shown": []}


@pytest.mark.parametrize("version", [VERSION + 1, 0, "2", True, None])
def test_an_unknown_version_is_refused(version):
    with pytest.raises(UserError, match=r"a\.yaml.*version.*version 1 to"):
        upgrade_settings({"version": version}, "a.yaml")


def test_old_and_new_name_together_are_refused():
    with pytest.raises(UserError, match=r"patches\.longest beside patches\.max_side"):
        upgrade_settings({"patches": {"longest": 1, "max_side": 2}})


def test_rows_and_conditions_of_an_ablation_are_upgraded():
    old = {"name": "a", "tests": {"t": "x"}, "rows": {"r": {"optim.weights": {}}}, "conditions": {"c": {"shown": []}}}
    assert upgrade_ablation(old) == {
        "name": "a",
        "test_sets": {"t": "x"},
        "rows": {"r": {"optim.loss_weights": {}}},
        "conditions": {"c": {"input_sets": []}},
    }
    assert upgrade_ablation({"version": 2, "rows": {"r": {"shown": []}}}) == {"rows": {"r": {"shown": []}}}


def test_an_old_ablation_file_is_read(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("name: a\ntests: {t: x}\nanswers: [fusion]\nrows: {one: {optim.clip: 1.0e-3}}\n")
    read = read_record(Ablation, ["--config", str(file)], "tools/ablate.py", EARLIER_ABLATIONS)
    assert read.rows == {"one": {"optim.grad_clip_norm": 1e-3}}
    assert (read.test_sets, read.outputs) == ({"t": "x"}, ("fusion",))


def test_an_old_config_file_is_read_and_its_errors_name_the_file(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("patches: {longest: 96}\noptim: {lr: 1e-3, clip: 2.0}\n")
    read = read_record(TrainConfig, ["--config", str(file)], "tools/train.py", EARLIER_SETTINGS)
    assert (read.patches.max_side, read.optim.lr, read.optim.grad_clip_norm) == (96, 1e-3, 2.0)
    file.write_text("patches: {longest: wide}\n")
    with pytest.raises(UserError, match=r"a\.yaml.*patches\.max_side"):
        read_record(TrainConfig, ["--config", str(file)], "tools/train.py", EARLIER_SETTINGS)


def test_an_old_option_is_refused_by_its_new_name(capsys):
    with pytest.raises(UserError, match=r"--patches\.longest.*--patches\.max_side"):
        read_record(TrainConfig, ["--patches.longest=96"], "tools/train.py", EARLIER_SETTINGS)

    def main(config: TrainConfig) -> None:
        """Train."""

    with pytest.raises(SystemExit):
        run(main, ["--split.share", "0.5"], earlier=EARLIER_SETTINGS)
    assert "--split.val_fraction" in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_shipped_files_use_todays_names(path):
    content = yaml.safe_load(path.read_text())
    upgrade = upgrade_ablation if "rows" in content else upgrade_settings
    assert upgrade(content) == content


def test_every_setting_has_a_help_text():
    def missing(record: type, prefix: str = "") -> list[str]:
        listed = parse(record.__doc__ or "", DocstringStyle.NUMPYDOC).params
        described = {name.strip() for item in listed if item.description for name in item.arg_name.split(",")}
        hints = get_type_hints(record)
        inner = [name for f in fields(record) if is_dataclass(t := hints[f.name]) for name in missing(t, f.name + ".")]
        return [prefix + f.name for f in fields(record) if f.name not in described] + inner

    assert missing(TrainConfig) == []
    assert not re.search(
        r"\b(anew|told|looks?)\b", " ".join(str(record.__doc__) for record in get_type_hints(TrainConfig).values())
    )
