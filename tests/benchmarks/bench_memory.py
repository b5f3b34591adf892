#!/usr/bin/env python
"""How much memory does a prediction take? Peak of a process that predicts a memory-mapped map into memory-mapped files.

Each size has a process and a folder of its own, deleted after it. The network is one convolution, since this is about
the tiles: a real one adds the same to every size.
"""

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mtl.config import PatchConfig, PredictConfig, TrainConfig
from mtl.data.channels import INPUTS
from mtl.inference.predictor import Predictor
from mtl.registry import select_records
from mtl.tasks.heads import HEADS
from targets.common.cli import run
from targets.scene import Scene

LIMIT = 4.0  # GB


class Thin(torch.nn.Module):
    """One convolution of fault and depth for each head."""

    def __init__(self, heads: tuple[str, ...]) -> None:
        super().__init__()
        self.heads = torch.nn.ModuleDict({name: torch.nn.Conv2d(2, 1, 3, padding=1) for name in heads})

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {name: head(x) for name, head in self.heads.items()}


def mapped(path: Path, shape: tuple[int, int], kind: type) -> NDArray:
    """A new array in a file."""
    return np.lib.format.open_memmap(path, "w+", kind, shape)


def large_map(folder: Path, size: int) -> Scene:
    """A wavy surface of size x size cells in files of a folder, with a fault every 1000 columns, without a picture."""
    shape = (size, size)
    depth, fault = mapped(folder / "depth.npy", shape, np.float32), mapped(folder / "fault.npy", shape, np.bool_)
    inside = mapped(folder / "inside.npy", shape, np.bool_)
    across = np.sin(np.arange(size, dtype=np.float32) / 60)
    for top in range(0, size, 256):
        rows = np.arange(top, min(top + 256, size))
        depth[rows] = 2000 + 50 * np.sin(rows[:, None] / np.float32(45)) * across
        fault[rows, ::1000] = True
        inside[rows] = True
    del depth, fault, inside
    depth, fault, inside = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("depth", "fault", "inside"))
    return Scene("large", depth, inside, inside, fault)


def status(key: str) -> float:
    """GB of a line of this process's /proc/self/status; NaN on systems without one."""
    path = Path("/proc/self/status")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((int(line.split()[1]) / 2**20 for line in lines if line.startswith(key)), float("nan"))


def watch(own: list[float]) -> None:
    """Note how much memory that is not mapped from a file this process has, 20 times a second."""
    while True:
        own.append(status("RssAnon"))
        time.sleep(0.05)


def predict(size: int) -> None:
    """Predict one map and print what it took."""
    own: list[float] = []
    threading.Thread(target=watch, args=(own,), daemon=True).start()
    heads = select_records(HEADS, ["trap", "boundary", "crest", "dist"], "heads")
    config = TrainConfig(patches=PatchConfig(size=256), predict=PredictConfig(stride=192))
    with tempfile.TemporaryDirectory() as folder:
        scene = large_map(Path(folder), size)
        start = time.perf_counter()
        net = Thin(tuple(head.name for head in heads))
        predictor = Predictor((net,), None, select_records(INPUTS, ["fault", "depth"], "inputs"), heads, config)
        values = predictor(scene, buffer_folder=Path(folder) / "out")
        seconds = time.perf_counter() - start
        assert all(np.isfinite(planes[:, -1]).all() for planes in values.values())
        written = sum(path.stat().st_size for path in (Path(folder) / "out").iterdir()) / 2**30
    peak = status("VmHWM")  # not getrusage: that knows the parent's peak too
    print(f"{size:>7,}² cells   {written:5.2f} GB of outputs   peak {peak:.2f} GB resident (limit {LIMIT:g}): "
          f"{max(own):.2f} GB of its own, the rest pages of the map's files   {seconds:.0f} s")  # fmt: skip


def main(*, sizes: tuple[int, ...] = (2_000, 8_000), one: int = 0) -> None:
    """Print peak memory at several sizes; `--sizes 5000 20000` (11 GB of disk) stands in docs/experiments/speed.

    Parameters
    ----------
    sizes : sides of maps in cells.
    one : predict one map of this side in this process.
    """
    if one:
        predict(one)
        return
    for size in sizes:
        subprocess.run([sys.executable, __file__, "--one", str(size)], check=True)


if __name__ == "__main__":
    run(main)
