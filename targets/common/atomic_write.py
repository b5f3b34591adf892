"""How files are written: under a temporary name first, then renamed, so that nothing is ever half-written."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from targets.errors import UserError

HALF_WRITTEN = re.compile(r"\..+\.\d+\.part(\.[\w-]+)?")  # the temporary names, and SQLite's journals of them


def remove_half_written(folder: Path) -> None:
    """Remove what programs that were killed left half-written in a folder, which no other program may be using."""
    for path in folder.glob(".*"):
        if HALF_WRITTEN.fullmatch(path.name):
            path.unlink(missing_ok=True)


def write_error(where: object, reason: object) -> UserError:
    """What is told of a file or folder that the system, or a library, does not let be written."""
    return UserError(where, f"cannot be written ({reason})", "a writable folder with free space")


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; it takes the name `path` only if the block succeeds.

    The temporary name keeps the suffix, because writers choose the format by it. Missing folders are made.

    Raises
    ------
    UserError
        The folder cannot be written to, or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)
