"""Trainings in several processes of which one is killed: the others end, and the run goes on where it was saved."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from random import Random

from tests.soak.attack import BAD_WORDS, LEFT, Budget, Kind, Tally, find_entries, wait_for_session
from tests.soak.kinds.samples import TINY_RUN, write_maps
from tests.soak.kinds.signals import ROOT

PROCESSES = 2
PATIENCE = 120.0  # seconds in which the others have to end
LAUNCH = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(PROCESSES), "--redirects", "3")
WORDS = ("--data", "maps", "--out", "out", *TINY_RUN, "--loop.epochs", "3", "--loop.save_minutes", "0",
         "--loop.batch_size", "1", "--loop.accelerator", "cpu")  # fmt: skip


def start(folder: Path, *more: str) -> "subprocess.Popen[bytes]":
    """Start a training under torchrun; what each process prints goes to files of its own."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    words = [sys.executable, *LAUNCH, "--log-dir", "logs", str(ROOT / "tools" / "train.py"), *WORDS, *more]
    return subprocess.Popen(
        words, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def said(folder: Path) -> str:
    """What the processes printed, as far as it is not output that was due."""
    return "\n".join(path.read_text("utf-8", "replace") for path in sorted(folder.glob("logs/**/stderr.log")))


def ranks(launcher: int) -> list[int]:
    """The processes that train."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == launcher and b"train.py" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return sorted(found)


@cache
def undisturbed() -> tuple[float, str]:
    """Seconds of a training that nothing disturbs, and its table."""
    with tempfile.TemporaryDirectory() as place:
        folder, began = Path(place), time.monotonic()
        write_maps(folder / "maps", 6)
        process = start(folder)
        assert process.wait() == 0, said(folder)
        return time.monotonic() - began, (folder / "out" / "metrics.csv").read_text()


def try_kill(moment: float, random: Random, folder: Path) -> str:
    """Kill one process at a fraction of the time that an undisturbed training took; gives what is wrong, or nothing."""
    seconds, expected = undisturbed()
    write_maps(folder / "maps", 6)
    process = start(folder)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(moment * seconds)
    if below := ranks(process.pid):
        os.kill(random.choice(below), signal.SIGKILL)
    try:
        code = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        wait_for_session(process.pid)
        return f"goes on {PATIENCE:g} s after one of {PROCESSES} processes was killed"
    if running := wait_for_session(process.pid):
        return running
    printed = said(folder)
    for word in BAD_WORDS:
        if word in printed:
            return f"exit {code}: {' | '.join(printed[printed.index(word) :].splitlines()[-3:])[-400:]}"
    if code:
        process = start(folder, *(["--resume"] if (folder / "out" / "last.ckpt").exists() else []))
        if process.wait():
            return f"does not go on: {said(folder)[-400:]}"
    if left := [path.name for path in find_entries(folder / "out") if LEFT.fullmatch(path.name)]:
        return f"left behind: {left}"
    return "" if (folder / "out" / "metrics.csv").read_text() == expected else "another table than undisturbed"


def kills(budget: Budget) -> Tally:
    """Moments at random."""
    random, tally = Random(budget.seed), Tally()
    for _ in budget.within(range(budget.count)):
        moment = random.uniform(0.1, 1)
        with tempfile.TemporaryDirectory(prefix="soak_", ignore_cleanup_errors=True) as folder:
            tally.add(
                f"a process of {PROCESSES} killed after {100 * moment:.0f} %", try_kill(moment, random, Path(folder))
            )
    return tally


KIND = Kind("several processes", "the others end within two minutes, the run goes on as if undisturbed", kills, 20)
