"""Signals at random moments of every tool, and workers that are killed; then the same command again, and equality.

Tools are real processes here, so that their imports and their ends are hit as well. The moment is drawn from the time
that an undisturbed command took.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import yaml

from targets.common.resume import JOURNAL
from tests.mtl.commands.conftest import contents
from tests.soak.attack import BAD_WORDS, LEFT, Budget, Kind, Tally, find_entries, wait_for_session
from tests.soak.kinds.samples import TINY_RUN, write_maps

ROOT = Path(__file__).parents[3]
INTERRUPT, TERMINATE, KILL, WORKER = "Ctrl-C", "SIGTERM", "SIGKILL", "SIGKILL of a worker"
CODES = {INTERRUPT: 128 + signal.SIGINT, TERMINATE: 128 + signal.SIGTERM, KILL: -signal.SIGKILL}
PATIENCE = 120.0  # seconds for the answer to a signal
QUIET = ("stopped", "")  # what a tool may say of it, but for a run that trains
TRAINS = re.compile(r"SIG(INT|TERM): the run is about to stop|saved in epoch .*|stopped while epoch .*")
TRAIN = ("train.py", "--data", "maps", "--out", "out", *TINY_RUN, "--loop.epochs", "3", "--loop.save_minutes", "0")
PREDICT = ("predict.py", "maps", "--out", "out", "--tta", "none", "--backend", "torch")
ABLATION = {
    "name": "small", "rows": {"one": {}, "two": {"optim.lr": 0.001}}, "conditions": {"depth": {"inputs": "depth"}},
    "seeds": 1,
    "outputs": ["trap"], "test_sets": {"own": "maps"},
}  # fmt: skip


@dataclass(frozen=True)
class Command:
    """A command that is stopped.

    Attributes
    ----------
    words : tuple[str, ...]
        From the tool on; what lies in the folder: maps/, big.npy.
    resume : tuple[str, ...]
        Added where it goes on.
    workers : bool
        Whether it has processes that may be killed.
    ignored : str
        Pattern of results that differ from run to run.
    settings : str
        A file settings.yaml that lies in the folder.
    """

    words: tuple[str, ...]
    resume: tuple[str, ...] = ()
    workers: bool = False
    ignored: str = r"events\.out.*"
    settings: str = ""


TWO, DASK = ("--jobs", "2"), ("--jobs", "2", "--scheduler", "local")
CLOSURES, TILE = ("closures.py", "maps", "--out", "out"), ("closures.py", "big.npy", "--out", "out", "--tile", "32")
BASE = yaml.safe_dump({"heads": "trap", "inputs": "depth", "data": "maps", "net": {"encoder_weights": "none",
    "decoder_channels": [8, 8, 8, 8, 8]}, "patches": {"size": 32, "stride": 32}, "loop": {"epochs": 1}})  # fmt: skip
COMMANDS = {
    "closures": Command(CLOSURES, ("--resume",)),
    "closures, two processes": Command((*CLOSURES, *TWO), ("--resume",), True),
    "closures, Dask": Command((*CLOSURES, *DASK), ("--resume",), True),
    "closures --tile": Command(TILE),
    "closures --tile, Dask": Command((*TILE, *DASK), (), True),
    "predict": Command(PREDICT, ("--resume",)),
    "predict, two processes": Command((*PREDICT, *TWO), ("--resume",), True),
    "predict, Dask": Command((*PREDICT, *DASK), ("--resume",), True),
    "make_maps": Command(("make_maps.py", "--out", "out", "--count", "6", "--size", "64", *TWO), ("--resume",), True),
    "make_salt": Command(("make_salt.py", "--out", "out", "--count", "20", "--test", "4")),
    "check_data": Command(("check_data.py", "maps", "--out", "out", *TWO), (), True),
    "evaluate": Command(("evaluate.py", "--data", "maps", "--out", "out", "--tta", "none", "--backend", "torch")),
    "export": Command(("export.py", "--out", "out/model.safetensors")),
    "train": Command(TRAIN, ("--resume",), ignored=r"events\.out.*|.*\.ckpt|hparams\.yaml"),
    "ablate, two processes": Command(("ablate.py", "--config", "settings.yaml", "--base", "base.yaml", "--out",
    "out", *TWO),
                                     (), True, ".*", yaml.safe_dump(ABLATION)),
    "ablate, Dask": Command(("ablate.py", "--config", "settings.yaml", "--base", "base.yaml", "--out", "out", *DASK),
                            (), True, ".*", yaml.safe_dump(ABLATION)),
}  # fmt: skip


def prepare(command: Command, folder: Path) -> None:
    """Write what a command reads."""
    write_maps(folder / "maps", 4)
    rows, cols = np.mgrid[:160, :150]
    waves = 2000 + 20 * np.sin(cols / 9) * np.cos(rows / 11) + np.random.default_rng(0).normal(0, 1, rows.shape)
    np.save(folder / "big.npy", waves.astype(np.float32))
    (folder / "base.yaml").write_text(BASE, "utf-8")
    (folder / "settings.yaml").write_text(command.settings, "utf-8")


def start(words: Sequence[str], folder: Path, log: Path) -> "subprocess.Popen[bytes]":
    """Start a tool in a session of its own; what it prints goes to a file."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "tools" / words[0]), *words[1:]], cwd=folder, env=environment, stderr=file,
            stdout=subprocess.DEVNULL, start_new_session=True, preexec_fn=hear_interrupts,
        )  # fmt: skip


def hear_interrupts() -> None:
    """Ctrl-C ends what is started, as in a terminal; shells let background jobs ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def results(command: Command, folder: Path) -> dict[str, bytes]:
    """The files that a command leaves, but for those that differ from run to run."""
    if not (folder / "out").is_dir():
        return {}
    found = contents(folder / "out")
    return {
        n: b for n, b in found.items() if not re.fullmatch(command.ignored, Path(n).name) and not n.endswith(JOURNAL)
    }


@cache
def undisturbed(name: str) -> tuple[float, dict[str, bytes]]:
    """Seconds of a command that nothing disturbs, and its files."""
    command = COMMANDS[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(command, folder)
        began = time.monotonic()
        process = start(command.words, folder, folder / "log")
        assert process.wait() == 0, (folder / "log").read_text()
        return time.monotonic() - began, results(command, folder)


def children(leader: int) -> list[int]:
    """The working processes below a tool: those that multiprocessing started to work."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and b"spawn_main" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:  # it has ended
            continue
    return sorted(found)


def send(process: "subprocess.Popen[bytes]", how: str, random: Random) -> None:
    """Send a signal: Ctrl-C to all processes of the terminal, the others to one."""
    if how == INTERRUPT:
        os.killpg(process.pid, signal.SIGINT)
    elif how == WORKER:
        if below := children(process.pid):
            os.kill(random.choice(below), signal.SIGKILL)
    else:
        process.send_signal(signal.SIGTERM if how == TERMINATE else signal.SIGKILL)


def try_signal(name: str, how: str, moment: float, random: Random, folder: Path) -> str:
    """Disturb a command once and go on; gives what is wrong, or nothing.

    Parameters
    ----------
    moment : float
        Fraction of the time that the undisturbed command took.
    """
    command, (seconds, expected) = COMMANDS[name], undisturbed(name)
    prepare(command, folder)
    log = folder / "log"
    process = start(command.words, folder, log)
    try:
        process.wait(moment * seconds)
    except subprocess.TimeoutExpired:
        send(process, how, random)
    try:
        code = process.wait(PATIENCE if how != WORKER else PATIENCE + 5 * seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        wait_for_session(process.pid)
        return f"goes on {PATIENCE:g} s after {how}: {log.read_text('utf-8', 'replace')[-300:]}"
    if running := wait_for_session(process.pid, 20.0):
        return running
    said = log.read_text("utf-8", "replace")
    if found := _wrong_end(how, code, said):
        return found
    left = [str(path.relative_to(folder)) for path in find_entries(folder / "out") if LEFT.fullmatch(path.name)]
    if left and how != KILL:
        return f"left behind: {left[:3]}"
    if code:
        began = (folder / "out").exists() and (
            command.words[0] != "train.py" or (folder / "out" / "last.ckpt").exists()
        )
        process = start((*command.words, *(command.resume if began else ())), folder, log)
        if process.wait():
            return f"does not go on: {log.read_text('utf-8', 'replace')[-400:]}"
        wait_for_session(process.pid, 20.0)
        left = [path.name for path in find_entries(folder / "out") if LEFT.fullmatch(path.name)]
        if left:
            return f"left behind by the run that went on: {left[:3]}"
    found = results(command, folder)
    differ = sorted(n for n in found.keys() | expected.keys() if found.get(n) != expected.get(n))
    return f"differs from a run that nothing disturbed: {', '.join(differ[:4])}" if differ else ""


def _wrong_end(how: str, code: int, said: str) -> str:
    """What is wrong with an exit code and what was printed, or nothing."""
    for word in BAD_WORDS:
        if word in said:
            return f"exit {code}: {' | '.join(said[said.index(word) :].splitlines()[-3:])[-400:]}"
    allowed = {0} if how == WORKER else {0, CODES[how]}
    if code not in allowed:
        return f"exit {code} after {how}: {said[-300:]}"
    if code > 0:
        lines = [line for line in said.replace("\r", "\n").splitlines() if line.strip() and not is_progress(line)]
        strange = [line for line in lines if line not in QUIET and not TRAINS.match(line)]
        if strange or lines.count("stopped") > 1:
            return f"more than one line: {lines[-4:]}"
    return ""


def is_progress(line: str) -> bool:
    """Whether a line is a progress bar's or tells of an epoch."""
    return "it/s" in line or "%|" in line or line.startswith("epoch ")


def signals(budget: Budget) -> Tally:
    """Commands, signals and moments at random."""
    random, tally = Random(budget.seed), Tally()
    cases = ((name, how) for _ in range(budget.count) for name in COMMANDS for how in ways(COMMANDS[name]))
    for name, how in budget.within(cases):
        moment = random.uniform(0, 1.05)
        with tempfile.TemporaryDirectory(prefix="soak_", ignore_cleanup_errors=True) as folder:
            found = try_signal(name, how, moment, random, Path(folder))
        tally.add(f"{name}: {how} after {100 * moment:.0f} %", found)
    return tally


def ways(command: Command) -> Iterator[str]:
    """The signals that a command is sent."""
    yield from (INTERRUPT, TERMINATE, KILL)
    if command.workers:
        yield WORKER


KIND = Kind(
    "signals",
    "one line, exit 130 or 143, no process or lock left; gone on with, the files of an undisturbed run",
    signals,
    300,
)
