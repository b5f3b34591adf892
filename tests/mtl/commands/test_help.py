"""Help of the tools: every option of every tool says in a sentence what it does."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mtl.data.channels import INPUTS
from mtl.tasks.heads import HEADS
from targets.common.cli import make_parser, run

TOOLS = sorted(path.stem for path in (Path(__file__).parents[3] / "tools").glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("tool", TOOLS)
def test_every_option_has_a_help_text(tool):
    parser = make_parser(importlib.import_module(f"mtl.commands.{tool}").main)
    options = [action for action in parser._actions if not action.dest.startswith(("help", "config", "print"))]
    assert options, "the tool takes nothing"
    texts = {action.dest: (action.help or "").strip() for action in options}
    assert [name for name, text in texts.items() if not text] == []
    assert [name for name, text in texts.items() if text[0].islower() and "." not in text.split()[0]] == []
    assert [name for name, text in texts.items() if text[-1] not in ".)"] == []


def test_the_texts_stand_in_the_help_that_is_printed(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    main = importlib.import_module("mtl.commands.closures").main
    with pytest.raises(SystemExit):
        run(main, ["--help"])
    printed = capsys.readouterr().out
    assert "Correlation length of the error, in map units" in printed


def test_the_help_of_heads_and_inputs_lists_their_names():
    parser = make_parser(importlib.import_module("mtl.commands.train").main)
    texts = {action.dest: re.findall(r"\w+", action.help or "") for action in parser._actions}
    assert {*HEADS} <= {*texts["heads"]} and {*INPUTS} <= {*texts["inputs"]}


SLOW = ("torch", "lightning", "segmentation_models_pytorch", "sklearn", "skimage", "numba", "rasterio", "pandas")


def test_options_are_known_before_anything_slow_is_imported():
    # All commands in one process: what one imports, another would not show.
    names = [f"mtl.commands.{tool}" for tool in TOOLS if tool != "make_maps"]  # whose options are those of drawing
    source = (
        "import sys, importlib\nfrom targets.common.cli import make_parser\n"
        f"for name in {names}: make_parser(importlib.import_module(name).main)\n"
        f"print(*(name for name in {SLOW} if name in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
