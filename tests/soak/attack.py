"""Attacks on a tool: hostile files and words of a command line, and what it must end in.

A tool is run in a process of its own, forked so that nothing is imported again, within bounds of time and memory. It
has to end with a result or with one line and exit code 2, and to leave nothing half-written and no process.
"""

import contextlib
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TypeVar

from targets.common.atomic_write import HALF_WRITTEN
from targets.common.process_lifetime import run_command

Item = TypeVar("Item")

SECONDS = 120  # of processor time for one command; the first of them compiles kernels
PATIENCE = 300.0  # seconds on the clock: for what sleeps or waits
MEMORY = 3 * 2**30  # bytes beyond those of the program at its start
MAX_LINE = 4000  # characters of an error that a user still reads
LEFT = re.compile(rf"\.in_use(_by)?|\.notes.*|\.voids.*|{HALF_WRITTEN.pattern}")
TERMINAL = "PYTHONIOENCODING"
BAD_WORDS = ("Traceback (most recent", "Exception ignored", "Segmentation fault", "core dumped")


@dataclass(frozen=True)
class Ended:
    """A command that has ended.

    Attributes
    ----------
    code : int
        Exit code, as a shell has it.
    out, err : str
        What it printed.
    left : str
        What it was ended for, or what runs on behind it; empty: nothing.
    """

    code: int
    out: str
    err: str
    left: str = ""


Check = Callable[[Path, Ended], str]


def nothing_more(folder: Path, ended: Ended) -> str:
    """No more than what holds for every attack."""
    return ""


def refused(folder: Path, ended: Ended) -> str:
    """The command has to end with code 2."""
    return "" if ended.code == 2 else f"exit {ended.code} where a refusal was due: {ended.out.strip()[-200:]}"


def answered(folder: Path, ended: Ended) -> str:
    """The command has to end with code 0."""
    return "" if ended.code == 0 else f"exit {ended.code} where an answer was due: {ended.err.strip()[-300:]}"


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes
    ----------
    name : str
        What is tried, in a few words.
    make : Callable[[Path], Sequence[object]]
        Writes files into an empty folder and gives the words of a command line, the tool first; it runs in that folder.
    check : Check
        (folder, how it ended) -> what is wrong beyond the general promise, or nothing.
    environment : Mapping[str, str]
        Variables of the environment; with others than the encoding of the terminal (`TERMINAL`) the tool is not forked
        but a process of its own.
    most : int
        Bytes that a file may have: to whoever writes a larger one the disk is full. 0: no limit.
    """

    name: str
    make: Callable[[Path], Sequence[object]]
    check: Check = nothing_more
    environment: Mapping[str, str] = field(default_factory=dict)
    most: int = 0


@dataclass
class Tally:
    """Count of attacks of one kind.

    Attributes
    ----------
    held : int
        Those that ended as promised.
    failures : list[str]
        What became of the others.
    """

    held: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Attacks in all."""
        return self.held + len(self.failures)

    def add(self, name: str, found: str) -> None:
        """Count one attack and print what failed."""
        if found:
            self.failures.append(f"{name}: {found}")
            print(f"  FAILED {name}: {found}", flush=True)
        else:
            self.held += 1


@dataclass(frozen=True)
class Budget:
    """How long a kind of attack goes on.

    Attributes
    ----------
    minutes : float
        No further attack begins after this; 0: all of them.
    count : int
        Attacks at most, where their number is open.
    seed : int
        Seed of what is drawn.
    """

    minutes: float
    count: int
    seed: int

    def within(self, items: Iterable[Item]) -> Iterator[Item]:
        """Give so many items, until the time is over."""
        end = time.monotonic() + 60 * self.minutes
        for number, item in enumerate(items):
            if number >= self.count or (self.minutes and time.monotonic() > end):
                return
            yield item


@dataclass(frozen=True)
class Kind:
    """One kind of attack: a row of the table.

    Attributes
    ----------
    name : str
        What `--kind` calls it.
    held : str
        What counts as held.
    run : Callable[[Budget], Tally]
        Tries the attacks.
    count : int
        How many attacks there are by default, where their number is open.
    """

    name: str
    held: str
    run: Callable[[Budget], Tally]
    count: int


def try_attacks(attacks: Callable[[Budget], Iterable[Attack]], budget: Budget) -> Tally:
    """Try attacks one after the other, each in a folder of its own."""
    tally = Tally()
    for attack in budget.within(attacks(budget)):
        folder = Path(tempfile.mkdtemp(prefix="soak_"))
        try:
            tally.add(attack.name, try_attack(attack, folder))
        finally:
            subprocess.run(["rm", "-rf", folder], check=False)  # Python's own gives up at folders that lie too deep
    return tally


def try_attack(attack: Attack, folder: Path) -> str:
    """Try one attack in an empty folder; gives what is wrong, or nothing."""
    words = attack.make(folder)
    made = {path for path in find_entries(folder) if LEFT.fullmatch(path.name)}
    ended = run_tool(words, folder, attack.environment, attack.most)
    return broken_promise(ended, folder, made) or attack.check(folder, ended)


def broken_promise(ended: Ended, folder: Path, made: Collection[Path] = ()) -> str:
    """What holds for every command, whatever it is given: what is wrong, or nothing.

    Parameters
    ----------
    made : Collection[Path]
        What the attack itself put where a tool has its half-written files and locks.
    """
    said = ended.out + ended.err
    if ended.left:
        return ended.left
    for word in BAD_WORDS:
        if word in said:
            place = said.index(word)
            return f"exit {ended.code}, {' | '.join(said[place:].strip().splitlines()[-3:])[:500]}"
    if ended.code not in (0, 2):
        return f"exit {ended.code}: {said.strip()[-300:]}"
    errors = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    if ended.code == 2 and not (errors and ended.err.rstrip().splitlines()[-1] == errors[-1]):
        return f"exit 2 without a line that says why: {ended.err.strip()[-300:]!r}"
    if any(len(line) > MAX_LINE or not line.isprintable() for line in errors):
        return f"an error that nobody can read: {errors[0][:100]!r}"
    found = {path for path in find_entries(folder) if LEFT.fullmatch(path.name)}.difference(made)
    left = sorted(str(path.relative_to(folder)) for path in found)
    return f"left behind: {', '.join(left[:3])}" if left else ""


def find_entries(folder: Path, levels: int = 5) -> Iterator[Path]:
    """Everything in a folder and some levels below it; links are not followed."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            yield path
            if levels and path.is_dir() and not path.is_symlink():
                yield from find_entries(path, levels - 1)


def run_tool(
    words: Sequence[object], folder: Path, environment: Mapping[str, str] | None = None, most: int = 0
) -> Ended:
    """Run a tool in a folder, in a process forked from this one, within `SECONDS`, `PATIENCE` and `MEMORY`.

    Parameters
    ----------
    words : Sequence[object]
        Of its command line: its name first.
    most : int
        As `Attack.most`.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        import_module(f"mtl.commands.{words[0]}")  # once, and not in every child
        sys.stdout.flush()
        sys.stderr.flush()
        process = os.fork()
        if process == 0:
            _become_tool([str(word) for word in words], folder, (out.fileno(), err.fileno()), environment or {}, most)
        code, left = _wait(process)
        out.seek(0), err.seek(0)
        return Ended(code, *(file.read().decode("utf-8", "replace") for file in (out, err)), left)


def _become_tool(
    words: list[str], folder: Path, outputs: tuple[int, int], environment: Mapping[str, str], most: int
) -> None:
    """The child's life: it is the tool, and ends as its process would."""
    code = 1
    try:
        os.setsid()  # all of its processes are found by this, and Ctrl-C to the soak does not reach them
        os.chdir(folder)
        for number, output in zip((1, 2), outputs, strict=True):
            os.dup2(output, number)
        encoding = environment.get(TERMINAL, "utf-8")
        sys.stdout = os.fdopen(1, "w", encoding=encoding)
        sys.stderr = os.fdopen(2, "w", encoding=encoding, errors="backslashreplace")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
        resource.setrlimit(resource.RLIMIT_DATA, (data_size() + MEMORY,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if most:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        if environment.keys() - {TERMINAL}:  # which counts when Python starts
            tool = Path(__file__).parents[2] / "tools" / f"{words[0]}.py"
            os.execve(sys.executable, [sys.executable, str(tool), *words[1:]], {**os.environ, **environment})
        os.environ["PYTHONUTF8"] = "1"  # in another locale the tool would start this program again
        sys.argv = [f"{words[0]}.py", *words[1:]]
        run_command(f"mtl.commands.{words[0]}")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _wait(process: int) -> tuple[int, str]:
    """The exit code of a process, and what it had to be ended for or what it left running."""
    until, left = time.monotonic() + PATIENCE, ""
    while not (ended := os.waitpid(process, os.WNOHANG))[0]:
        if time.monotonic() > until:
            left = f"waits for more than {PATIENCE:g} s"
            os.kill(process, signal.SIGKILL)
            ended = os.waitpid(process, 0)
            break
        time.sleep(0.01)
    code = os.waitstatus_to_exitcode(ended[1])
    if code == -signal.SIGXCPU:
        left = f"takes more than {SECONDS} s of processor time"
    running = wait_for_session(process)
    return 128 - code if code < 0 else code, left or running


def wait_for_session(leader: int, seconds: float = 5.0) -> str:
    """Give the processes that another one started a moment to end; then end them. Gives what still ran, or nothing."""
    until = time.monotonic() + seconds
    while (running := _processes_of(leader)) and time.monotonic() < until:
        time.sleep(0.05)
    for number in running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    return f"{len(running)} processes run on" if running else ""


def _processes_of(session: int) -> list[int]:
    """The living processes of a session."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, own = entry.read_text().rpartition(")")[2].split()[:4]
            if int(own) == session and state not in "ZX":
                found.append(int(entry.parent.name))
    return found


def data_size() -> int:
    """Bytes of memory that this process has taken for data."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0
