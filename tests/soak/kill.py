"""Kill a training run at random moments, go on with it, and compare what it leaves with a run that nothing disturbed.

python -m tests.soak.kill --times 20

Two of five kills are aimed at the moment in which a checkpoint is being written, one is a SIGTERM, which the run may
answer. Runs are real processes, forked from this one so that nothing is imported anew.
"""

import contextlib
import csv
import os
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import torch

from mtl.config import LoopConfig, OptimConfig, TrainConfig
from mtl.models.checkpoint import POSITION_KEY, read_checkpoint
from mtl.training.run import fit
from targets.common.atomic_write import HALF_WRITTEN
from targets.common.cli import Names, run
from targets.common.folder_lock import lock_folder
from targets.scene import Scene
from tests.conftest import dome_scene, tiny_config

MAPS = [dome_scene(f"d{i}", crest=(0.4 + 0.05 * i, 0.5)) for i in range(4)]
ANY, WRITING, ASKED = "SIGKILL at any moment", "SIGKILL while a checkpoint is written", "SIGTERM"
ORDER = (WRITING, ASKED, ANY, WRITING, ANY)
MOST_WRITES = 4  # checkpoints that a run begins before it is stopped; the whole run writes about 15
PATIENCE = 300.0  # seconds for the answer to a signal


def config_of(workers: int) -> TrainConfig:
    """A run of seconds with all that has a state: dropout, a schedule by steps, a moving average of the weights."""
    loop = LoopConfig(epochs=3, batch_size=1, panels_every=10, save_minutes=0, num_workers=workers)
    config = tiny_config(heads=Names("trap,dist"), loop=loop, optim=OptimConfig(balance="dwa", ema_decay=0.9))
    return replace(config, net=replace(config.net, block="bottleneck", dropout=0.2))


def work(config: TrainConfig, maps: Sequence[Scene], out: Path) -> None:
    """What a run's process does: begin, or go on."""
    torch.set_num_threads(1)
    log = (out.parent / "log.txt").open("a")
    os.dup2(log.fileno(), sys.stdout.fileno())
    os.dup2(log.fileno(), sys.stderr.fileno())
    with lock_folder(out):
        fit(config, out, maps[:-1], maps[-1:], resume=(out / "last.ckpt").exists())


def started(config: TrainConfig, out: Path) -> BaseProcess:
    """A run in a process of its own."""
    out.parent.mkdir(parents=True, exist_ok=True)
    process = get_context("fork").Process(target=work, args=(config, MAPS, out))
    process.start()
    return process


def stop(process: BaseProcess, out: Path, how: str, writes: int, seconds: float) -> bool:
    """Wait until a run has begun so many checkpoints, and so many seconds more; then stop it. False if it ended before.

    One that is to be killed while it writes is killed as long as the last of them lies half-written in its folder.
    """

    def wait_while(half_written: bool) -> None:
        while process.is_alive() and bool(list(out.glob(".*.part.ckpt"))) == half_written:
            sleep(0.0005)

    for _ in range(writes):
        wait_while(True)  # what the run before left
        wait_while(False)
    if how != WRITING:
        process.join(seconds)
    if not process.is_alive():
        return False
    assert process.pid is not None
    os.kill(process.pid, signal.SIGTERM if how == ASKED else signal.SIGKILL)
    process.join(PATIENCE)
    assert process.exitcode is not None, f"it goes on, {PATIENCE} s after {how}"
    return process.exitcode != 0


def check_left(out: Path, process: BaseProcess, how: str) -> str:
    """Look at what a stopped run left: every checkpoint loads, the table can be read; tells where it goes on.

    Raises
    ------
    AssertionError : something is damaged, or a SIGTERM was not answered.
    """
    for path in out.glob("[!.]*.ckpt"):
        read_checkpoint(path)
    if (out / "metrics.csv").exists():
        with (out / "metrics.csv").open() as file:
            assert all(None not in row and None not in row.values() for row in csv.DictReader(file))
    if how == ASKED:  # before the first step it ends as any program does
        assert process.exitcode in (143, -signal.SIGTERM), process.exitcode
    if not (out / "last.ckpt").exists():
        return "the beginning"
    at = read_checkpoint(out / "last.ckpt")[1][POSITION_KEY]
    return f"epoch {at['epoch'] + 1}, batch {at['batches'] + 1}"


def differences(one: Any, two: Any, where: str = "") -> list[str]:
    """Where two checkpoints differ in a single bit; of paths only the names count."""
    if type(one) is not type(two):
        return [f"{where}: {one} {two}"]
    if isinstance(one, torch.Tensor):
        return [] if torch.equal(one.nan_to_num(1e9), two.nan_to_num(1e9)) and one.dtype == two.dtype else [where]
    if isinstance(one, dict):
        one, two = ({Path(k).name if isinstance(k, str) else k: v for k, v in d.items()} for d in (one, two))
        if one.keys() != two.keys():
            return [f"{where}: {sorted(map(str, one.keys() ^ two.keys()))}"]
        return [found for key in one for found in differences(one[key], two[key], f"{where}/{key}")]
    if isinstance(one, list | tuple):
        if len(one) != len(two):
            return [where]
        return [found for i in range(len(one)) for found in differences(one[i], two[i], f"{where}/{i}")]
    if isinstance(one, str):
        one, two = Path(one).name, Path(two).name
    return [] if one == two else [f"{where}: {one} {two}"]


def compare(whole: Path, parts: Path) -> list[str]:
    """All differences of two finished run folders."""
    found = []
    for name in ("last.ckpt", "best.ckpt"):
        one, two = (torch.load(folder / name, weights_only=True) for folder in (whole, parts))
        found += [f"{name}{place}" for place in differences(one, two)]
    if (whole / "metrics.csv").read_bytes() != (parts / "metrics.csv").read_bytes():
        found.append("metrics.csv")
    return found + [f"{path.name} is left" for path in parts.iterdir() if HALF_WRITTEN.fullmatch(path.name)]


def soak(folder: Path, times: int, seed: int = 0, workers: Sequence[int] = (0, 1)) -> Counter:
    """Stop runs so many times; {how: times}.

    Parameters
    ----------
    workers : processes that load patches, of one run after the other.

    Raises
    ------
    AssertionError : a run that was gone on with differs from the undisturbed one.
    """
    rng, stops, runs = random.Random(seed), Counter(), 0
    whole: dict[int, tuple[Path, float]] = {}
    while sum(stops.values()) < times:
        number = workers[runs % len(workers)]
        config, out = config_of(number), folder / f"run_{runs}" / "run"
        if number not in whole:
            began, whole[number] = monotonic(), (folder / f"whole_{number}" / "run", 0.0)
            process = started(config, whole[number][0])
            process.join()
            assert process.exitcode == 0, (folder / f"whole_{number}" / "log.txt").read_text()
            whole[number] = whole[number][0], monotonic() - began
        process = started(config, out)
        while sum(stops.values()) < times:
            count = sum(stops.values())
            how = ORDER[count % len(ORDER)]
            writes, seconds = rng.randint(how == WRITING, MOST_WRITES), rng.uniform(0, whole[number][1] / 10)
            if not stop(process, out, how, writes, seconds):
                break
            stops[how] += 1
            print(f"{count + 1}: {how}; goes on at {check_left(out, process, how)}", flush=True)
            process = started(config, out)
        process.join()
        assert process.exitcode == 0, (out.parent / "log.txt").read_text()
        found = compare(whole[number][0], out)
        assert not found, found
        runs += 1
        print(f"run {runs} is finished, and bit for bit that which nothing disturbed", flush=True)
    return stops


def main(*, times: int = 20, seed: int = 0, out: str | None = None) -> None:
    """Stop training runs at random moments and compare what they reach with undisturbed ones.

    Parameters
    ----------
    times : stops in all.
    seed : of the moments.
    out : folder of the runs, kept; by default a temporary one.
    """
    kept = contextlib.nullcontext(out) if out else tempfile.TemporaryDirectory()
    with kept as folder:
        for how, count in soak(Path(folder), times, seed).items():
            print(f"| {how} | {count} |")


if __name__ == "__main__":
    run(main)
