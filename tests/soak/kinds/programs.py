"""Long forms that stand in files of their own: damaged files, kernels, settings in combination, killed trainings."""

import re
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.soak.attack import Budget, Kind, Tally
from tests.soak.fuzz import fuzz
from tests.soak.kill import soak
from tests.soak.readers import READERS

SUMMARY = re.compile(r"(\d+) (ok|refused|faults)")
KERNELS = re.compile(r"(\d+) maps with bounds checked, (\d+) failures")


def damaged(reader: str, budget: Budget) -> Tally:
    """Damaged files, by one reader."""
    counted, tally = fuzz(READERS[reader], budget.count, budget.minutes, budget.seed), Tally()
    tally.held = counted.results + counted.refused
    for fault, times in counted.faults.items():
        for _ in range(times):
            tally.add(reader, fault)
    return tally


def kernels(budget: Budget) -> Tally:
    """Special values in every kernel, with its bounds checked, in a process of its own."""
    return _count([sys.executable, "-m", "tests.soak.closures", str(budget.count), str(budget.seed)])


def combinations(budget: Budget) -> Tally:
    """Every pair of settings, in a process of its own."""
    return _count(
        [sys.executable, "-m", "tests.soak.combinations", "--seed", str(budget.seed), "--rows", str(budget.count)]
    )


def _count(command: list[str]) -> Tally:
    """Run a soak of its own and count by its last line."""
    tally = Tally()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="", flush=True)
    last = (done.stdout.strip().splitlines() or [""])[-1]
    if found := KERNELS.match(last):
        failures = int(found[2])
        tally.held = int(found[1]) - failures
    else:
        counts = {what: int(number) for number, what in SUMMARY.findall(last)}
        failures = counts.get("faults", 0)
        tally.held = counts.get("ok", 0) + counts.get("refused", 0)
    for _ in range(failures or int(done.returncode > 0)):
        tally.add(command[2], f"see above; exit {done.returncode}")
    return tally


def killed(budget: Budget) -> Tally:
    """Trainings that are stopped and resumed, compared bit for bit."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        try:
            tally.held = sum(soak(Path(folder), budget.count, budget.seed).values())
        except AssertionError as error:
            tally.add("training", str(error)[:500])
    return tally


DAMAGED = [
    Kind(f"damaged {name}", "a result or one line, within 2 GiB and 10 s", partial(damaged, name), 10_000)
    for name in READERS
]
KERNEL = Kind("special values in kernels", "memory and tiles agree, no array is left", kernels, 3000)
COMBINED = Kind("settings in combination", "what is let through trains, resumes, predicts", combinations, 0)
KILLED = Kind("killed trainings", "bit for bit the undisturbed run", killed, 20)
