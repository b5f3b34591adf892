"""A worker does not outlive the process that started it; a tool that is stopped says so and leaves nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

from targets.common.process_lifetime import postpone_interrupts, sigterm_as_interrupt

START = """
import os, sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from targets.common.process_lifetime import end_with_parent
with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600).result()
"""


def alive(pid: int) -> bool:
    """Whether a process runs: one that ended, but that nobody has asked about, does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def test_a_worker_ends_when_its_parent_is_killed():
    with subprocess.Popen([sys.executable, "-c", START], stdout=subprocess.PIPE, text=True) as parent:
        worker = int(parent.stdout.readline())
        assert alive(worker)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    until = monotonic() + 30
    while alive(worker) and monotonic() < until:
        sleep(0.05)
    assert not alive(worker)


SLOW = """
import time
def wait():
    print("here", flush=True)
    time.sleep(60)
if {importing}:
    try:
        wait()
    except BaseException:  # as libraries do
        raise ImportError("half imported") from None
def tool(*, out: str):
    from targets.common.folder_lock import lock_folder
    with lock_folder(out):
        wait()
def command():
    from targets.common.cli import run
    run(tool, ["--out", "out"])
"""


@pytest.mark.parametrize("importing", [True, False])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_tool_that_is_stopped_says_so_in_one_line_and_leaves_nothing(number, importing, tmp_path):
    (tmp_path / "slow.py").write_text(SLOW.format(importing=importing), "utf-8")
    code = f"import sys; sys.path[:0] = ['.', {str(Path.cwd())!r}]\n"
    code += "from targets.common.process_lifetime import run_command\nrun_command('slow')"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, **pipes) as tool:
        assert tool.stdout.readline() == "here\n"
        assert (tmp_path / "out" / ".in_use").exists() != importing
        tool.send_signal(number)
        assert tool.communicate(timeout=30) == ("", "stopped\n") and tool.returncode == 128 + number
    assert not (tmp_path / "out").exists()


def test_every_tool_is_stopped_so():
    for door in (*Path("tools").glob("*.py"), Path("trapmtl/__main__.py")):
        text = door.read_text("utf-8")
        assert "run_command(" in text and "from mtl" not in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_must_not_be_interrupted_is_done_first_and_its_processes_never_hear_ctrl_c(number):
    code = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    done = []
    with pytest.raises(KeyboardInterrupt), sigterm_as_interrupt(), postpone_interrupts():
        os.kill(os.getpid(), number)
        done += [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout]
    assert done == ["True\n"] and signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
