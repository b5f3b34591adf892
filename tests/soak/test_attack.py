"""Short form of the attacks: a broken promise is noticed, and a few attacks of each kind hold."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from targets.errors import UserError
from tests.soak.__main__ import KINDS, select, show
from tests.soak.attack import Budget, Ended, Tally, broken_promise, wait_for_session
from tests.soak.kinds.numbers import COMMANDS, numeric_options

ERROR = "error: top.irap: is empty\n"


@pytest.mark.parametrize(
    ("ended", "found"),
    [
        (Ended(0, "done\n", ""), ""),
        (Ended(2, "", ERROR), ""),
        (Ended(2, "", "a note\n" + ERROR), ""),
        (Ended(2, "", ""), "without a line"),
        (Ended(2, "", ERROR + "and more\n"), "without a line"),
        (Ended(2, "", "error: \x1b[2J\n"), "nobody can read"),
        (Ended(2, "", f"error: {'x' * 5000}\n"), "nobody can read"),
        (Ended(1, "", "Traceback (most recent call last):\n  x\nValueError: y\n"), "ValueError: y"),
        (Ended(0, "", "Exception ignored in: <x>\n"), "Exception ignored"),
        (Ended(139, "", ""), "exit 139"),
        (Ended(0, "", "", "waits"), "waits"),
    ],
)
def test_a_broken_promise_is_noticed(tmp_path, ended, found):
    said = broken_promise(ended, tmp_path)
    assert found in said and bool(said) == bool(found)


@pytest.mark.parametrize("name", [".in_use", ".in_use_by", ".top.0123456789abcdef.part.tif", ".notes_x", ".voids_x"])
def test_what_is_left_half_written_is_noticed(tmp_path, name):
    (tmp_path / "out" / "map").mkdir(parents=True)
    assert broken_promise(Ended(0, "", ""), tmp_path) == ""
    (tmp_path / "out" / "map" / name).touch()
    assert broken_promise(Ended(0, "", ""), tmp_path) == f"left behind: out/map/{name}"


def test_processes_that_run_on_are_noticed_and_ended():
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
    leader = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    leader.wait()
    assert wait_for_session(leader.pid, 0.1) == "1 processes run on"
    assert wait_for_session(leader.pid, 5.0) == ""


def test_kinds_are_chosen_by_how_they_begin_and_counted_in_a_table():
    assert [kind.name for kind in select("signals")] == ["signals"] and select(None) == [*KINDS]
    assert len({kind.name for kind in KINDS}) == len(KINDS) > 30
    with pytest.raises(UserError, match="--kind: nothing; expected damaged picture"):
        select("nothing")
    assert show({"a": Tally(2, ["b"])}).splitlines()[-1] == "| a | 3 | 2 | 1 |"
    assert list(Budget(0, 2, 0).within(range(9))) == [0, 1]


def test_numeric_options_are_found_in_every_tool():
    expected = {"contour_interval", "depth_std", "seed", "jobs", "reading.nodata", "tile"}
    assert expected <= {*numeric_options("closures")}
    assert all(numeric_options(tool) for tool in COMMANDS)


@pytest.mark.long
def test_a_few_attacks_of_some_kinds_hold():
    for kind in ("files", "degenerate"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.soak", "--kind", kind, "--count", "1"], capture_output=True, text=True,
            cwd=Path(__file__).parents[2], env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert done.returncode == 0 and "| 1 | 1 | 0 |" in done.stdout, done.stdout
