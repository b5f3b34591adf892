"""A progress bar on a terminal, a line per epoch where standard error is a file."""

import sys

from lightning.pytorch.callbacks import TQDMProgressBar

from mtl.training.callbacks.progress import EpochLogLines, progress_display
from mtl.training.run import fit
from targets.common.cli import Names
from tests.conftest import dome_scene, tiny_config


def test_a_terminal_gets_a_bar_and_a_file_does_not(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert isinstance(progress_display(40), TQDMProgressBar)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    assert isinstance(progress_display(40), EpochLogLines)


def test_a_log_file_gets_one_line_per_epoch(tmp_path, capsys):
    metrics = fit(tiny_config(heads=Names("trap")), tmp_path, [dome_scene("a")], [dome_scene("b")])
    written = capsys.readouterr().err
    lines = [line for line in written.splitlines() if line.startswith("epoch")]
    assert [line.split(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"] and "\r" not in written
    assert f"trap/iou {metrics['trap/iou']:.3f}" in lines[-1]
