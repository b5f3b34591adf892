"""Compilation of the kernels by numba, kept on disk under a name that changes with the sources."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba
from numba.core import config as numba_config

SOURCES = Path(__file__).parents[1]  # targets/closure: the kernels that call each other
PREFIX = "numba-"


def compiled(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile a kernel by `numba.njit`, with a cache on disk wherever a folder for it can be written.

    numba itself notices only changes of the file in which a kernel stands. Kernels call each other across files, so
    the folder of the cache carries a hash of the sources of the whole package.

    Parameters
    ----------
    function : Callable, default None
        The kernel; None when the decorator is called with options.
    **options
        As `numba.njit` takes them, e.g. ``nogil=True``.
    """
    if function is None:
        return lambda function: compiled(function, **options)
    folder = cache_folder()
    if folder is None:
        return numba.njit(function, **options)
    before = numba_config.CACHE_DIR
    numba_config.CACHE_DIR = str(folder)  # numba reads it while it decorates
    try:
        return numba.njit(function, cache=True, **options)
    except RuntimeError:  # the folder has become read-only: compile in every run
        return numba.njit(function, **options)
    finally:
        numba_config.CACHE_DIR = before


@lru_cache(maxsize=1)
def cache_folder() -> Path | None:
    """The first writable folder for compiled kernels of these sources; None when there is none.

    ``NUMBA_CACHE_DIR`` comes first, then ``__pycache__`` beside the sources, then the user's cache folder, for
    installations that are read-only. Folders of other sources beside the chosen one in ``__pycache__`` are removed.
    """
    name = PREFIX + hash_of_sources(SOURCES)
    for parent in _parents():
        folder = parent / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            continue
        if parent.name == "__pycache__":
            remove_others(folder)
        return folder
    return None


def _parents() -> Iterator[Path]:
    """Folders in which the cache may lie, the preferred one first."""
    if numba_config.CACHE_DIR:
        yield Path(numba_config.CACHE_DIR)
    yield SOURCES / "__pycache__"
    if cache := os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME"):
        yield Path(cache) / "trapmtl"
    try:
        yield Path.home() / ".cache" / "trapmtl"
    except RuntimeError:  # a user without a home folder
        return


def hash_of_sources(folder: Path) -> str:
    """A hash of the names and contents of all Python files under a folder."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def remove_others(folder: Path) -> None:
    """Remove the caches of other sources beside a cache; a process that still uses one makes it again."""
    for other in folder.parent.glob(f"{PREFIX}*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
