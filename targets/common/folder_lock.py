"""Lock of an output folder: one program at a time, released by the system however that program ends."""

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from targets.common.atomic_write import remove_half_written, write_error
from targets.errors import UserError

LOCK = ".in_use"  # in the folder, while a program works in it
HOLDER = ".in_use_by"  # beside it: who that is; Windows lets nobody read the locked file itself
NO_LOCKS = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK}  # of disks without locks, such as Google Drive
DISK_ERRORS = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE
}  # fmt: skip


@contextmanager
def lock_folder(folder: str | Path) -> Iterator[None]:
    """Keep a folder to this block of this process; the folder is made if it is missing, and removed if it stays empty.

    Half-written files of a program that was killed here are removed. Where the disk knows no locks, none is held.

    Parameters
    ----------
    folder : str | Path
        The output folder.

    Raises
    ------
    UserError
        Another program, or this one, works in the folder already; it cannot be written to; or, from the block, the
        disk is full.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, lock_folder(folder):
    ...     with lock_folder(folder):
    ...         pass
    Traceback (most recent call last):
        ...
    targets.errors.UserError: ...: is in use by process ...
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _acquire(folder)
    except OSError as error:
        raise write_error(folder, error) from error
    try:
        remove_half_written(folder)
        yield
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        raise write_error(error.filename or folder, error.strerror) from error
    finally:
        # Before the lock is released, or it could be another program's by now.
        for name in (HOLDER, LOCK):
            _remove(folder / name)
        if lock is not None:
            lock.release()
        if os.name == "nt":  # which removes no open file, and so none of another program's either
            _remove(folder / LOCK)
        with suppress(OSError):
            folder.rmdir()


def _acquire(folder: Path) -> BaseFileLock | None:
    """The acquired lock; None on a disk without locks."""
    lock = FileLock(folder / LOCK, thread_local=False)
    for file in (folder / LOCK, folder / HOLDER):
        with suppress(FileNotFoundError):
            # Opening a pipe would wait for ever, and a link would lead to another file.
            if not stat.S_ISREG(file.lstat().st_mode):
                raise UserError(file, "is no file", "the lock of this folder", "remove it, or name another --out")
    while True:
        # A file that its holder removes while this process opens it locks nothing. This handle keeps the number of the
        # opened file from being given to another one, so that the check below is right.
        with (folder / LOCK).open("ab") as handle:
            try:
                lock.acquire(timeout=0)
            except Timeout as error:
                raise _in_use(folder) from error
            except OSError as error:
                if error.errno in NO_LOCKS:
                    return None
                raise
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle.fileno()), (folder / LOCK).stat()):
                    (folder / HOLDER).write_text(f"process {os.getpid()} on {socket.gethostname()}\n", "utf-8")
                    return lock
        lock.release()


def _in_use(folder: Path) -> UserError:
    """The error for a folder that is locked, with its holder's name."""
    holder = ""
    with suppress(OSError):
        holder = (folder / HOLDER).read_text("utf-8", errors="replace")[:200].strip()
    return UserError(
        folder,
        f"is in use by {holder or 'another process'}",
        "a folder of its own for each run",
        "wait, or name another --out",
    )


def _remove(file: Path) -> None:
    """Remove a file; what cannot be removed is left."""
    with suppress(OSError):
        file.unlink(missing_ok=True)
