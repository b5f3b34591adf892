"""Input files as they really are: regular files of their claimed size, and folders without endless links."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from targets.common.memory import require_memory
from targets.errors import UserError

LARGE = 2**26  # bytes; smaller files claim nothing that hurts
MIN_HELD = 1 / 64  # of a large file's size must be data; the rest of a sparse file are zeros that nobody wrote
MAX_FOLDERS = 32  # in each other
KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def require_file(path: str | Path, expected: str = "a file", in_memory: bool = True) -> Path:
    """Refuse what is no regular file, before it is opened: opening a pipe would wait for ever.

    Parameters
    ----------
    path : str | Path
        The file, or a link to it.
    expected : str, default 'a file'
        What should be there.
    in_memory : bool, default True
        The file is read as a whole: it must fit into memory.

    Returns
    -------
    path : Path

    Raises
    ------
    UserError
        There is no such file, it is a folder, a pipe or a device, its links lead nowhere, or it claims more bytes than
        it holds or than fit into memory.

    Examples
    --------
    >>> require_file(os.devnull, "a grid")
    Traceback (most recent call last):
        ...
    targets.errors.UserError: ...: is a device; expected a grid; name a file
    """
    path = Path(path)
    try:
        status = path.stat()
    except FileNotFoundError as error:
        found = "a link to nothing" if path.is_symlink() else "no such file"
        raise UserError(path, found, expected, "check the path") from error
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle; names with a zero byte
        reason = getattr(error, "strerror", None) or error
        raise UserError(path, f"cannot be read ({reason})", expected, "check the path") from error
    if stat.S_ISDIR(status.st_mode):
        raise UserError(path, "is a folder", expected, "name a file")
    if not stat.S_ISREG(status.st_mode):
        raise UserError(path, f"is {KINDS.get(stat.S_IFMT(status.st_mode), 'no file')}", expected, "name a file")
    if status.st_size >= LARGE:
        if (held := _held_bytes(path, status)) < status.st_size * MIN_HELD:
            raise UserError(path, f"claims {_size(status.st_size)}, but holds {_size(held)}", expected,
                            "copy it again: it was cut off, or never written")  # fmt: skip
        if in_memory:
            require_memory(status.st_size, path, "cut it into smaller maps")
    return path


def is_file(path: Path) -> bool:
    """Whether a path is a regular file, or leads to one; never an error."""
    try:
        return path.is_file()
    except (OSError, RuntimeError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether a path is a folder, or leads to one; never an error."""
    try:
        return path.is_dir()
    except (OSError, RuntimeError, ValueError):
        return False


def visible_entries(folder: Path) -> list[Path]:
    """Regular files and folders of a folder by name; hidden ones, pipes, devices and dead links are left out.

    Raises
    ------
    UserError
        The folder cannot be read.
    """
    try:
        entries = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise UserError(folder, f"cannot be read ({error.strerror})", "a folder", "check its permissions") from error
    # By name: paths themselves have another order on Windows, which ignores case.
    return sorted((path for path in entries if is_file(path) or is_folder(path)), key=lambda path: path.name)


def walk_folders(folder: Path) -> Iterator[Path]:
    """A folder and all folders in it, depth first, each once whatever links lead to it.

    Hidden folders are left out, and those more than `MAX_FOLDERS` deep.
    """
    seen: set[tuple[int, int] | Path] = set()
    waiting = [(folder, 0)]
    while waiting:
        place, depth = waiting.pop()
        status = place.stat()
        key = (status.st_dev, status.st_ino) if status.st_ino else place.resolve()  # some disks number nothing
        if key in seen:
            continue
        seen.add(key)
        yield place
        if depth < MAX_FOLDERS:
            inner = [entry for entry in visible_entries(place) if is_folder(entry)]
            waiting += [(entry, depth + 1) for entry in reversed(inner)]


def _held_bytes(path: Path, status: os.stat_result) -> int:
    """Bytes of a file that were written; its size where the system does not say."""
    blocks = getattr(status, "st_blocks", None)
    if blocks is None or blocks * 512 >= status.st_size * MIN_HELD:
        return status.st_size
    held, place = 0, 0  # some network disks count no blocks, so the holes themselves are looked at
    with path.open("rb") as file:
        while place < status.st_size and held < status.st_size * MIN_HELD:
            try:
                begin = os.lseek(file.fileno(), place, os.SEEK_DATA)
                place = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
            except (OSError, AttributeError):  # nothing but a hole is left
                break
            held += place - begin
    return held


def _size(size: int) -> str:
    """Bytes in words.

    Examples
    --------
    >>> _size(4096), _size(9 * 2**30)
    ('4 kB', '9.0 GB')
    """
    for factor, unit in ((2**30, "GB"), (2**20, "MB")):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size // 1024} kB"
