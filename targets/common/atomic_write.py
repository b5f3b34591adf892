"""Output files: names that every system takes, and writing that never leaves a file half-written.

A file is written under a temporary name beside its place, flushed to the disk, and then renamed, which a file system
does in one step. The name is random: threads, processes, containers and machines that share a folder never meet in it.
"""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from targets.errors import UserError

HALF_WRITTEN = re.compile(r"\..+\.[0-9a-f]+\.part(\.[\w-]+)?")  # the temporary names, and SQLite's journals of them


def safe_file_name(text: str) -> str:
    """A file or folder name made of any text.

    Parameters
    ----------
    text : str
        Such as the name of a row of an ablation.

    Returns
    -------
    str
        Lower case, with letters, digits and ``_ . + -`` only.

    Examples
    --------
    >>> safe_file_name("Adam, 3e-4 / all heads")
    'adam_3e-4_all_heads'
    """
    return re.sub(r"[^\w.+-]+", "_", text).strip("_.").lower()


def remove_half_written(folder: Path) -> None:
    """Remove the temporary files of killed programs from a folder that no other program may be using."""
    for path in folder.glob(".*"):
        if HALF_WRITTEN.fullmatch(path.name):
            path.unlink(missing_ok=True)


def write_error(where: object, reason: object) -> UserError:
    """The error for a file or folder that the system, or a library, cannot write."""
    return UserError(where, f"cannot be written ({reason})", "a writable folder with free space")


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; it takes the name `path` only if the block succeeds.

    Parameters
    ----------
    path : str | Path
        The file to write; missing folders are made.

    Yields
    ------
    Path
        The temporary path. It keeps the suffix, because writers choose the format by it.

    Raises
    ------
    UserError
        The folder cannot be written to, or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(8)}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        flush(temporary)
        temporary.replace(path)
        with suppress(OSError):  # Windows opens no folder, and some network disks flush none
            flush(path.parent)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, lie on the disk."""
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
