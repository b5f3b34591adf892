"""A folder for one program at a time: another process is refused, a dead one is not in the way."""

import errno
import os
import signal
import subprocess
import sys

import pytest

from targets.common import folder_lock
from targets.common.folder_lock import HOLDER, LOCK, lock_folder
from targets.errors import UserError

HOLD = """
import sys, time
from targets.common.folder_lock import lock_folder
with lock_folder(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that works in tmp_path / "run"."""
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "run"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_folder_in_use_is_refused_and_the_other_is_named(tmp_path, holder):
    with pytest.raises(UserError, match=f"in use by process {holder.pid} on"), lock_folder(tmp_path / "run"):
        pass
    assert (tmp_path / "run" / LOCK).exists()  # still the other's


def test_a_second_lock_of_this_process_is_refused_and_its_end_does_not_free_the_first(tmp_path):
    with lock_folder(tmp_path / "run"):
        for _ in range(2):
            with pytest.raises(UserError, match=f"in use by process {os.getpid()} on"), lock_folder(tmp_path / "run"):
                pass
        again = subprocess.run(
            [sys.executable, "-c", HOLD, tmp_path / "run"], capture_output=True, text=True, timeout=60
        )
        assert again.returncode == 1 and f"in use by process {os.getpid()} on" in again.stderr
        assert (tmp_path / "run" / LOCK).exists() and (tmp_path / "run" / HOLDER).exists()
    with lock_folder(tmp_path / "run"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_that_its_holder_removes_meanwhile_is_not_taken_for_the_lock(tmp_path, monkeypatch):
    """The file is removed, as its last holder does, between opening and locking: the lock is tried again."""
    acquire, calls = folder_lock.FileLock.acquire, []

    def removed_once(self, *args, **options):
        got = acquire(self, *args, **options)
        calls.append(self)
        if len(calls) == 1:
            (tmp_path / LOCK).unlink()
        return got

    monkeypatch.setattr(folder_lock.FileLock, "acquire", removed_once)
    with lock_folder(tmp_path):
        assert len(calls) == 2 and (tmp_path / LOCK).exists()
        with pytest.raises(UserError, match="in use"), lock_folder(tmp_path):
            pass


def test_a_disk_without_locks_is_used_without_one(tmp_path, monkeypatch):
    def no_locks(self, *args, **options):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(folder_lock.FileLock, "acquire", no_locks)
    with lock_folder(tmp_path / "run"), lock_folder(tmp_path / "run"):
        (tmp_path / "run" / "result").write_text("x")
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["result"]


def test_a_killed_process_holds_nothing(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with lock_folder(tmp_path / "run"):
        assert (tmp_path / "run" / LOCK).exists()


def test_half_written_files_go_and_nothing_else(tmp_path):
    half = tmp_path / ".last.123.part.ckpt"
    kept = [tmp_path / name for name in ("last.ckpt", "a.part.ckpt", ".hidden.png", "notes.12.part")]
    for path in (half, *kept):
        path.write_text("x")
    with lock_folder(tmp_path):
        assert not half.exists()
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_an_empty_folder_is_not_left_behind(tmp_path):
    with pytest.raises(KeyError), lock_folder(tmp_path / "a"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot be written"), lock_folder(tmp_path / "file" / "run"):
        pass


def test_a_full_disk_is_a_users_error_and_a_missing_file_is_not(tmp_path):
    full = open("/dev/full", "w")  # noqa: PTH123, SIM115
    with pytest.raises(UserError, match="No space left"), lock_folder(tmp_path):
        full.write("x")
        full.flush()
    with pytest.raises(FileNotFoundError), lock_folder(tmp_path):
        (tmp_path / "missing").read_text()


@pytest.mark.parametrize("name", [LOCK, HOLDER])
def test_a_lock_that_is_a_pipe_or_a_link_is_neither_waited_for_nor_followed(tmp_path, name):
    (tmp_path / "precious").write_text("kept")
    for make in (os.mkfifo, lambda path: path.symlink_to(tmp_path / "precious")):
        make(tmp_path / name)
        with pytest.raises(UserError, match=f"{name}: is no file"), lock_folder(tmp_path):
            pass
        (tmp_path / name).unlink()
    assert (tmp_path / "precious").read_text() == "kept"
