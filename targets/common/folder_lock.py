"""How a folder is kept to one program at a time, and what a program that died half-way left in it is removed."""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from targets.common.atomic_write import write_error, remove_half_written
from targets.errors import UserError

LOCK = ".in_use"  # in a folder that a program works in: who it is
NO_LOCKS = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK}  # of disks without locks, such as Google Drive
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE}


@contextmanager
def lock_folder(folder: str | Path) -> Iterator[None]:
    """Keep a folder to this process while the block runs; it is made if it is missing, and removed if it stays empty.

    The lock is the system's (fcntl), so it ends with the process, however that ends. Half-written files of a program
    that was killed here are removed. Where the disk knows no locks, none is held.

    Raises
    ------
    UserError
        Another program works in the folder; it cannot be written to; or, from the block, the disk is full.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = _locked(folder)
    except OSError as error:
        raise write_error(folder, error) from error
    try:
        remove_half_written(folder)
        yield
    except OSError as error:
        if error.errno not in DISK:
            raise
        raise write_error(error.filename or folder, error.strerror) from error
    finally:
        with suppress(OSError):
            (folder / LOCK).unlink(missing_ok=True)
        file.close()
        with suppress(OSError):
            folder.rmdir()


def _locked(folder: Path) -> IO[str]:
    """The open file whose lock is held."""
    while True:
        file = (folder / LOCK).open("a+")
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                file.seek(0)
                holder = file.read(200).strip() or "another process"
                file.close()
                raise UserError(
                    folder, f"is in use by {holder}", "a folder of its own for each run", "wait, or name another --out"
                ) from error
        with suppress(OSError):
            if os.fstat(file.fileno()).st_ino == (folder / LOCK).stat().st_ino:
                file.truncate(0)
                file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
                file.flush()
                return file
        file.close()  # whoever held it has just removed it
