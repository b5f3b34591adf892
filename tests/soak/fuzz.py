"""Fuzzing of every reader with damaged and hostile files: `python -m tests.soak.fuzz --reader irap --count 10000`.

Each file ends in a result or in a UserError of one readable line, within `SECONDS` of processor time and `MEMORY` bytes
beyond what the program has at its start; anything else is a fault, also the end of the process. Readers run in a
process of their own, because libraries in C may end it.
"""

import contextlib
import multiprocessing
import os
import resource
import shutil
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from mtl.registry import select_records
from targets.common.cli import Names, run
from targets.errors import UserError
from tests.soak.mutate import CHANGES, Step, mutated
from tests.soak.readers import READERS, Reader

SECONDS = 10.0  # of processor time for one file
PATIENCE = 120.0  # seconds on the clock: for what sleeps or waits
MEMORY = 2**31  # bytes
ALL = Names(READERS)
REFUSED = "UserError"
MAX_LINE = 4000  # characters of an error that a user still reads
Files = dict[str, bytes]


@dataclass
class Tally:
    """Count of what became of the damaged files.

    Attributes
    ----------
    results, refused : int
        Files that were read, and that ended in a UserError.
    faults : Counter[str]
        {fault: how often}.
    smallest : dict[str, Files]
        {fault: the smallest sample that caused it}.
    slowest : float
        Seconds of processor time that one file took at most.
    peak_memory : int
        Bytes of memory that one file took at most.
    """

    results: int = 0
    refused: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    smallest: dict[str, Files] = field(default_factory=dict)
    slowest: float = 0.0
    peak_memory: int = 0

    def add(self, files: Files, outcome: str, seconds: float, memory: int) -> None:
        """Count one sample and what became of it."""
        self.slowest, self.peak_memory = max(self.slowest, seconds), max(self.peak_memory, memory)
        self.results += outcome == ""
        self.refused += outcome == REFUSED
        if outcome not in ("", REFUSED):
            self.faults[outcome] += 1
            smallest = self.smallest.get(outcome, files)
            self.smallest[outcome] = min(smallest, files, key=lambda f: sum(map(len, f.values())))

    @property
    def total(self) -> int:
        """Files in all."""
        return self.results + self.refused + self.faults.total()


class Child:
    """A process that reads samples one after the other; a new one is started when it ends."""

    def __init__(self, reader: Reader, folder: Path) -> None:
        self.reader, self.folder = reader, folder
        self.process: multiprocessing.process.BaseProcess | None = None

    def read(self, case: str, files: Files) -> tuple[str, float, int]:
        """The outcome of one sample: "" for a result, `REFUSED`, or the fault; seconds and bytes it took."""
        if self.process is None:
            context = multiprocessing.get_context("fork")
            self.pipe, theirs = context.Pipe()
            self.process = context.Process(
                target=_work, args=(self.reader, self.folder, theirs, self.pipe), daemon=True
            )
            self.process.start()
            theirs.close()
        try:
            self.pipe.send((case, files))
            if self.pipe.poll(PATIENCE):
                return self.pipe.recv()
            self.process.kill()
            self.process.join()
            found = f"waits for more than {PATIENCE:g} s"
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self.process.join()
            code = self.process.exitcode or 0
            found = f"over {SECONDS:g} s" if code == -signal.SIGPROF else f"the process ended with code {code}"
        self.pipe.close()
        self.process = None
        return found, SECONDS, 0

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.pipe.close()


def _work(reader: Reader, folder: Path, pipe: Connection, parents: Connection) -> None:
    """The child's life; it ends with its parent's."""
    parents.close()  # or the pipe would never end
    os.environ["GDAL_PAM_ENABLED"] = "NO"
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)  # GDAL and jsonargparse print
    resource.setrlimit(resource.RLIMIT_DATA, (_memory("VmData") + MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(EOFError):
        while True:
            _read_one(reader, folder, pipe)


def _read_one(reader: Reader, folder: Path, pipe: Connection) -> None:
    """One sample, as the other end of the pipe sends it."""
    case, files = pipe.recv()
    shutil.rmtree(folder, ignore_errors=True)
    here = folder / case
    for name, content in files.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes(content)
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    before, start = _memory("VmRSS"), time.process_time()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    found = outcome(lambda: reader.read(here))
    signal.setitimer(signal.ITIMER_PROF, 0)
    pipe.send((found, time.process_time() - start, max(_memory("VmHWM") - before, 0)))


def outcome(read: Callable[[], object]) -> str:
    """The outcome of a reading: "" for a result, `REFUSED`, or the fault."""
    try:
        read()
    except UserError as error:
        return _user_error_outcome(error)
    except BaseException as error:  # also what would end the process
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/tests/" not in frame.filename]
        own = [
            frame for frame in frames if "site-packages" not in frame.filename and "/lib/python" not in frame.filename
        ]
        where = ", ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in (own[-1:] + frames[-1:]))
        return f"{type(error).__name__} at {where}: {str(error)[:80]!r}"
    return ""


def _user_error_outcome(error: UserError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            return f"MemoryError behind: {str(error.args[1])[:80]}"
        cause = cause.__cause__ or cause.__context__
    text = str(error)
    if len(text) > MAX_LINE or not text.isprintable():
        return f"an error of too many or unprintable characters: {error.args[1][:20]!r}"
    return REFUSED


def _memory(name: str) -> int:
    """Bytes of this process, by the words of /proc/PID/status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0


@contextlib.contextmanager
def samples_and_child(reader: Reader) -> Iterator[tuple[dict[str, Files], Child]]:
    """The valid samples of a reader {case: {file: content}}, and a process that reads."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made"
        reader.make(made)
        cases = {
            case.name: {str(p.relative_to(case)): p.read_bytes() for p in sorted(case.rglob("*")) if p.is_file()}
            for case in sorted(made.iterdir())
        }
        child = Child(reader, Path(folder) / "read")
        try:
            yield cases, child
        finally:
            child.close()


def fuzz(reader: Reader, count: int, minutes: float = 0.0, seed: int = 0) -> Tally:
    """Let a reader read damaged samples.

    Parameters
    ----------
    reader : Reader
        The reader.
    count : int
        The number of samples.
    minutes : float, default 0.0
        No more samples after this; 0: all.
    seed : int, default 0
        Another one damages differently.

    Returns
    -------
    tally : Tally

    Raises
    ------
    AssertionError
        A valid sample is refused.
    """
    tally, end = Tally(), time.monotonic() + 60 * minutes
    with samples_and_child(reader) as (cases, child):
        for case, files in cases.items():
            found, _, _ = child.read(case, files)
            if found:
                raise AssertionError(f"the valid sample {case} ends in {found}")

        for number in range(count):
            if minutes and time.monotonic() > end:
                break
            case, files = damage(cases, *draw_damage(Random(f"{seed} {number}")))
            tally.add(files, *child.read(case, files))
    return tally


def draw_damage(random: Random) -> tuple[int, list[Step], int]:
    """Draw which file is damaged, by which steps and where: as Hypothesis does in the tests, but faster."""
    kinds = list(CHANGES)
    steps = [
        Step(random.choice(kinds), random.randrange(2**16), random.randrange(2 ** random.choice((4, 12))),
             random.randrange(2**10))
        for _ in range(random.randint(1, 4))
    ]  # fmt: skip
    return random.randrange(2**10), steps, random.randrange(8)


def damage(cases: dict[str, Files], which: int, steps: list[Step], inside: int) -> tuple[str, Files]:
    """A case, and its files of which one is damaged."""
    case = list(cases)[which % len(cases)]
    names = [name for name in cases[case] if not Path(name).name.startswith("kept")]
    name = names[which // len(cases) % len(names)]
    return case, cases[case] | {name: mutated(cases[case][name], steps, inside)}


def main(
    *, reader: Names = ALL, count: int = 10000, minutes: float = 0.0, seed: int = 0, keep: str | None = None
) -> None:
    """Read damaged files and print the outcomes, a line for each reader.

    Parameters
    ----------
    reader : Names
        Names of the readers, with commas between them; all by default.
    count : int, default 10000
        Damaged files for each reader.
    minutes : float, default 0.0
        Minutes for each reader at most; 0 means no limit.
    seed : int, default 0
        Seed of the damage; another one damages differently.
    keep : str | None, default None
        Folder in which the smallest file of every fault is kept; by default none is.
    """
    chosen = select_records(READERS, reader, "--reader")
    print("| reader | files | read | refused | faults | slowest, s | most, MB |", "|---|" + "---:|" * 6, sep="\n")
    faults = 0
    for name, own in zip(reader, chosen, strict=True):
        tally = fuzz(own, count, minutes, seed)
        faults += tally.faults.total()
        print(f"| {name} | {tally.total} | {tally.results} | {tally.refused} | {tally.faults.total()} "
              f"| {tally.slowest:.1f} | {tally.peak_memory / 1e6:.0f} |", flush=True)  # fmt: skip
        for number, (fault, times) in enumerate(tally.faults.most_common()):
            print(f"  {times} x {fault}", flush=True)
            for file, content in tally.smallest[fault].items() if keep else ():
                path = Path(str(keep)) / name / str(number) / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    if faults:
        raise SystemExit(1)


if __name__ == "__main__":
    run(main)
