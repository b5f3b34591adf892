"""Records by name: those of a user's own file join the program's."""

import os
import sys

import pytest

from mtl.registry import load_plugin, select_records
from mtl.tasks.heads import HEADS
from targets.common.cli import PLUGINS, run
from targets.errors import UserError


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """Environment, import path, modules and heads of before."""
    monkeypatch.setenv(PLUGINS, "")
    monkeypatch.setattr(sys, "path", [*sys.path])
    heads = dict(HEADS)
    yield
    HEADS.clear()
    HEADS.update(heads)
    load_plugin.cache_clear()


def test_a_head_of_a_plugin_is_selected_by_its_name(tmp_path):
    file = tmp_path / "my_test_heads.py"
    file.write_text(
        "from dataclasses import replace\nfrom mtl.tasks.heads import HEADS\n"
        "HEADS['mine'] = replace(HEADS['trap'], name='mine')\n"
    )

    def work(*, heads: str = "trap") -> str:
        return select_records(HEADS, [heads], "--heads")[0].name

    assert run(work, ["--heads", "mine", "--plugin", str(file)]) == "mine"
    assert os.environ[PLUGINS] == str(file)  # so that processes started from here find it, too


def test_a_config_file_names_no_plugin(tmp_path, capsys):
    (tmp_path / "evil.py").write_text("raise SystemError('ran')")
    (tmp_path / "c.yaml").write_text(f"plugin: {tmp_path / 'evil.py'}\n")

    def work(*, heads: str = "trap") -> None:
        select_records(HEADS, [heads], "--heads")

    with pytest.raises(SystemExit, match="2"):
        run(work, ["--config", str(tmp_path / "c.yaml")])
    assert "plugin" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "text"), [("json.py", ""), ("my_broken_heads.py", "import no_such_module_at_all")])
def test_a_plugin_that_cannot_be_imported_is_one_line(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=name):
        load_plugin(str(tmp_path / name))


def test_a_plugin_that_is_no_python_file_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        run(lambda: None, ["--plugin", "nothing.txt"])
    assert "no Python file" in capsys.readouterr().err
