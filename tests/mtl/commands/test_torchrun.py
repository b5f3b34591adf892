"""tools/train.py in two processes under torchrun equals one process with all patches, and reports an error once."""

import csv
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mtl.config import LoopConfig, OptimConfig, SplitConfig
from mtl.training.run import train
from targets.common.cli import Names
from tests.conftest import tiny_config

ROOT = Path(__file__).parents[3]
SETTINGS = """
heads: trap,dist
net: {encoder: timm-mobilenetv3_small_minimal_100, weights: none, decoder_channels: [16, 16, 8, 8, 8]}
patches: {size: 64, stride: 64}
split: {share: 0.5}
optim: {lr: 0.0002, schedule: constant}
loop: {batch: 2, panels_every: 10, accelerator: cpu}
"""


def two(folder, maps, *words):
    """A run of two processes, each with two of three patches at most."""
    (folder / "settings.yaml").write_text(SETTINGS)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "tools/train.py"]
    words = ["--config", folder / "settings.yaml", "--data", maps, "--out", folder / "two", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run([*launch, *map(str, words)], cwd=ROOT, env=environment, capture_output=True, text=True)


def read_metrics(folder):
    with (folder / "metrics.csv").open() as file:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]


@pytest.mark.slow
def test_two_processes_train_as_one_with_all_patches_resume_and_say_an_error_once(tmp_path, dome_maps):
    loop = LoopConfig(epochs=2, batch_size=4, panels_every=10, accelerator="cpu")
    config = tiny_config(
        heads=Names("trap,dist"),
        data=str(dome_maps),
        split=SplitConfig(val_fraction=0.5),
        optim=OptimConfig(lr=2e-4, schedule="constant"),
        loop=loop,
    )
    train(replace(config, net=replace(config.net, encoder="timm-mobilenetv3_small_minimal_100")), tmp_path / "one")
    for words in (["--loop.epochs", "1"], ["--loop.epochs", "2", "--resume"]):
        done = two(tmp_path, dome_maps, *words)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("2 processes") == done.stdout.count("run folder:") == 1
    found, expected = read_metrics(tmp_path / "two"), read_metrics(tmp_path / "one")
    assert [row.keys() for row in found] == [row.keys() for row in expected] and len(found) == 2
    for own, row in zip(found, expected, strict=True):
        for name in (
            "trap/train_loss",
            "dist/train_loss",
            "trap/val_loss",
            "dist/val_loss",
            "dist/mae",
            "trap/grad_norm",
        ):
            assert own[name] == pytest.approx(row[name], rel=1e-4), name
    names = [{path.name for path in (tmp_path / n).iterdir() if "events" not in path.name} for n in ("one", "two")]
    assert names[0] == names[1]
    failed = two(tmp_path, dome_maps)
    assert failed.returncode != 0
    assert len(re.findall("^error: .*already holds a run", failed.stderr, re.MULTILINE)) == 1
