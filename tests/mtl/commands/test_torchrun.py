"""tools/train.py in two processes, as torchrun starts them, equals one process with all patches; errors come once."""

import csv
import os
import re
import socket
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path

import pytest

from mtl.commands.train import command
from mtl.config import LoopConfig, OptimConfig, SplitConfig
from mtl.training.run import train
from targets.common.cli import Names
from tests.conftest import SMALL_ENCODER, tiny_config

ROOT = Path(__file__).parents[3]
SETTINGS = f"""
heads: trap,dist
net: {{arch: unet, encoder: {SMALL_ENCODER}, weights: none, decoder_channels: [16, 16, 8, 8, 8]}}
patches: {{size: 64, stride: 64}}
split: {{share: 0.17}}
optim: {{lr: 0.0002, schedule: constant}}
loop: {{batch: 2, logger: csv, accelerator: cpu}}
"""  # one map validates, fewer than there are processes; each of these has three of five patches at most
COMPARED = ("trap/train_loss", "dist/train_loss", "trap/val_loss", "dist/val_loss", "dist/mae", "trap/grad_norm")


def work(rank: int, port: int, words: list[str], said: Path) -> None:
    """Train as process `rank` of two; what it says is added to a file of its own."""
    os.environ |= {"TORCHELASTIC_RUN_ID": "forked", "RANK": str(rank), "LOCAL_RANK": str(rank), "GROUP_RANK": "0",
                   "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1",
                   "MASTER_PORT": str(port)}  # fmt: skip
    with said.open("w") as sys.stdout, said.open("a") as sys.stderr:
        command(words)


def two(folder: Path, words: list[str]) -> tuple[int | None, list[str]]:
    """Two processes forked from this one, which takes no import of torch; exit code of the first, what each says.

    As a launcher does, the second is ended when the first has failed.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = [folder / f"said_{rank}.txt" for rank in range(2)]
    both = [get_context("fork").Process(target=work, args=(rank, port, words, said[rank])) for rank in range(2)]
    for process in both:
        process.start()
    both[0].join(300)
    if both[0].exitcode != 0:
        both[1].kill()
    both[1].join(300)
    return both[0].exitcode, [path.read_text() for path in said]


def read_metrics(folder: Path) -> list[dict[str, float]]:
    with (folder / "metrics.csv").open() as file:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="forks processes that have imported torch")
def test_two_processes_train_as_one_with_all_patches_resume_and_say_an_error_once(tmp_path, dome_maps):
    config = tiny_config(
        heads=Names("trap,dist"),
        data=str(dome_maps),
        split=SplitConfig(val_fraction=0.17),
        optim=OptimConfig(lr=2e-4, schedule="constant"),
        loop=LoopConfig(epochs=2, batch_size=4, accelerator="cpu", logger="csv"),
    )
    train(config, tmp_path / "one")
    (tmp_path / "settings.yaml").write_text(SETTINGS)
    typed = ["--config", str(tmp_path / "settings.yaml"), "--data", str(dome_maps), "--out", str(tmp_path / "two")]

    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "tools/train.py"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launch, *typed, "--loop.epochs", "1"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("2 processes") == done.stdout.count("run folder:") == 1

    code, said = two(tmp_path, [*typed, "--loop.epochs", "2", "--resume"])
    assert code == 0, said
    assert "2 processes" in said[0] and "run folder:" in said[0] and "run folder:" not in said[1]
    found, expected = read_metrics(tmp_path / "two"), read_metrics(tmp_path / "one")
    assert [row.keys() for row in found] == [row.keys() for row in expected] and len(found) == 2
    for own, row in zip(found, expected, strict=True):
        for name in COMPARED:
            assert own[name] == pytest.approx(row[name], rel=1e-4), name
    names = [{path.name for path in (tmp_path / folder).iterdir()} for folder in ("one", "two")]
    assert names[0] == names[1]

    code, said = two(tmp_path, typed)
    assert code == 2 and len(re.findall("^error: .*already holds a run", said[0], re.MULTILINE)) == 1
    assert "error" not in said[1]
