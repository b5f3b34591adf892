"""Work shared out: the same outcomes whoever does it, a killed worker costs nothing, an error names its item."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from time import sleep

import pytest

import targets.common.parallel
from targets.common.dask_cluster import LOCAL_SETTINGS
from targets.common.parallel import Workers, map_unordered, with_retries
from targets.errors import UserError
from tests.targets.common.test_process_lifetime import alive

TWO = Workers(jobs=2)


@pytest.fixture(scope="module")
def cluster():
    """The workers of a Dask cluster, started once because that takes seconds."""
    dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")
    with (
        dask.config.set(LOCAL_SETTINGS),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as started,
    ):
        yield Workers(scheduler=started.scheduler_address)


@pytest.fixture(params=["processes", "cluster"])
def workers(request):
    """All workers outside this process."""
    return TWO if request.param == "processes" else request.getfixturevalue("cluster")


def write_square(folder: Path, number: int) -> int:
    if number == 3:
        raise UserError("map 3", "is corrupt")
    (folder / f"{number}.txt").write_text(str(number**2))
    return number**2


def write_square_unless_killed(folder: Path, often: int, number: int) -> int:
    """Number 1 kills its own process before it is done, `often` times."""
    killed = folder.parent / "killed.txt"
    if number == 1 and (not killed.exists() or killed.stat().st_size < often):
        with killed.open("a") as file:
            file.write(".")
        os.kill(os.getpid(), signal.SIGKILL)
    sleep(0.3)  # so that others are at work when it dies
    return write_square(folder, number)


def by_number(outcomes):
    return {number: str(outcome) if isinstance(outcome, UserError) else outcome for number, outcome in outcomes}


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def folders(tmp_path):
    """Folders for the files of one process, and of several."""
    serial, shared = tmp_path / "alone", tmp_path / "shared"
    serial.mkdir(), shared.mkdir()
    return serial, shared


def test_all_workers_give_the_same_and_errors_name_their_item(workers, folders):
    serial, shared = folders
    expected = by_number(map_unordered(partial(write_square, serial), range(9)))
    assert expected[3] == "map 3: is corrupt" and expected[8] == 64 and len(expected) == 9
    assert by_number(map_unordered(partial(write_square, shared), range(9), workers)) == expected
    assert files(shared) == files(serial)


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(workers, folders):
    serial, shared = folders
    expected = by_number(map_unordered(partial(write_square, serial), range(6)))
    assert by_number(map_unordered(partial(write_square_unless_killed, shared, 1), range(6), workers)) == expected
    assert files(shared) == files(serial)
    assert (shared.parent / "killed.txt").stat().st_size == 1


@pytest.mark.slow
def test_an_item_that_always_kills_its_process_is_reported_and_blames_no_other(workers, folders, monkeypatch):
    monkeypatch.setattr(targets.common.parallel, "MAX_LOSSES", 2)
    serial, shared = folders
    expected = by_number(map_unordered(partial(write_square, serial), range(6)))
    found = by_number(map_unordered(partial(write_square_unless_killed, shared, 99), range(6), workers))
    assert "1: the process at work on it died 2 times" in found[1]
    assert {**found, 1: 1} == expected
    assert (shared.parent / "killed.txt").stat().st_size == 2


def bug(number: int) -> int:
    return 1 // (number - 2)


@pytest.mark.slow
def test_a_bug_ends_all_and_says_where(workers):
    with pytest.raises(ZeroDivisionError) as raised:
        list(map_unordered(bug, range(5), workers))
    assert raised.value.__notes__ == ["This happened at 2."]


def test_little_is_given_out_at_a_time(monkeypatch):
    """Of very many items only as many are on their way as there are hands for."""
    flying, most = [], []

    class Pool:
        def __init__(self, jobs, mp_context, initializer):
            pass

        def submit(self, work, item):
            flying.append(targets.common.parallel.Future())
            most.append(len(flying))
            given = flying[-1]
            if len(flying) == 4:  # all are done at once
                for future in flying:
                    future.set_result(0)
                flying.clear()
            return given

        def shutdown(self, cancel_futures):
            pass

    monkeypatch.setattr(targets.common.parallel, "ProcessPoolExecutor", Pool)
    assert len(list(map_unordered(bug, range(1000), TWO))) == len(most) == 1000
    assert max(most) == 4


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_file_system_that_hesitates_is_asked_again(monkeypatch, wrapped):
    monkeypatch.setattr(targets.common.parallel, "PAUSES", (0, 0))
    left = [OSError(targets.common.parallel.errno.EIO, "later"), OSError(targets.common.parallel.errno.ESTALE, "stale")]

    def read(item):
        if left:
            error = left.pop()
            if not wrapped:
                raise error
            raise UserError("a.png", "cannot be read") from error
        return item

    assert with_retries(read, 5) == 5


def test_a_file_that_is_not_there_is_asked_for_once():
    asked = []

    def read(item):
        asked.append(item)
        raise UserError("a.png", "no such file") from FileNotFoundError(2, "no such file")

    assert str(with_retries(read, 1)) == "a.png: no such file" and asked == [1]


LONG = """
import os, sys, time
from targets.common.cli import run
from targets.common.parallel import Workers, map_unordered

def work(number):
    print(os.getpid(), flush=True)
    time.sleep(600)

def main():
    list(map_unordered(work, range(9), Workers(2, SCHEDULER)))

if __name__ == "__main__":
    run(main)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("number", "send"), [(signal.SIGINT, os.killpg), (signal.SIGTERM, os.kill)])
@pytest.mark.parametrize("scheduler", [None, pytest.param("local", marks=pytest.mark.soak)])
def test_a_run_that_is_stopped_ends_with_one_line_and_leaves_no_process(scheduler, number, send, tmp_path):
    """Ctrl-C in a terminal reaches the whole group of processes, Slurm's SIGTERM the one that it started."""
    (tmp_path / "long.py").write_text(LONG.replace("SCHEDULER", repr(scheduler)))
    words = [sys.executable, tmp_path / "long.py"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                          env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}) as parent:  # fmt: skip
        workers = [int(parent.stdout.readline()) for _ in range(2)]
        groups = {os.getpgid(worker) for worker in workers}
        send(parent.pid, number)
        try:
            _, errors = parent.communicate(timeout=60)
        finally:
            parent.kill()
    assert parent.returncode == 128 + number and errors == "stopped\n"
    assert len(set(workers)) == 2 and not any(map(alive, workers))
    if scheduler is None:
        assert parent.pid not in groups  # a worker that heard of it twice would not save its run


def test_nothing_of_dask_is_imported_without_a_scheduler():
    code = (
        "import sys; from targets.common.parallel import *; "
        "list(map_unordered(abs, [1, 2], Workers())); print('dask' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_no_cluster_is_one_line():
    pytest.importorskip("distributed")
    with pytest.raises(UserError, match="no Dask scheduler answers"):
        list(map_unordered(abs, [1], Workers(scheduler="nowhere")))
    for jobs in (0, 10**12):
        with pytest.raises(UserError, match=f"--jobs: {jobs}"):
            Workers(jobs=jobs)


def take_all_memory(number: int) -> int:
    if number == 1:
        raise MemoryError("Unable to allocate 9 GiB")
    return number


def test_a_map_that_takes_too_much_memory_stops_no_other():
    found = by_number(map_unordered(take_all_memory, range(3)))
    assert found[0] == 0 and found[2] == 2 and "1: there is not enough memory (Unable to allocate 9 GiB)" in found[1]
