"""Reading of .npy files by several threads at once.

NumPy reads the head of a file with Python's parser, which counts its depth for all threads together: Python 3.11 raises
SystemError where another thread parses in between (https://github.com/python/cpython/issues/106905).
"""

from pathlib import Path
from threading import Lock
from typing import IO, Literal

import numpy as np
from numpy.typing import NDArray

_parser = Lock()


def map_npy(path: Path, mode: Literal["r", "r+"] = "r") -> NDArray:
    """Map the array of a file into memory.

    Parameters
    ----------
    path : Path
        A .npy file.
    mode : {'r', 'r+'}, default 'r'
        For reading, or for reading and writing.

    Returns
    -------
    np.memmap
        Of the file's own shape and dtype.

    Raises
    ------
    ValueError, OSError
        As `np.load`.
    """
    with _parser:
        return np.load(path, mmap_mode=mode)


def read_npy(file: Path | IO[bytes]) -> NDArray:
    """Read the array of a file, or the next one of an open file that `np.save` wrote.

    Parameters
    ----------
    file : Path | IO[bytes]
        A .npy file, or a file of several arrays that is open for reading.

    Returns
    -------
    np.ndarray

    Raises
    ------
    ValueError, OSError
        As `np.load`.

    Examples
    --------
    >>> from tempfile import TemporaryFile
    >>> with TemporaryFile() as file:
    ...     for array in (np.arange(3), np.ones((2, 2))):
    ...         np.save(file, array)
    ...     _ = file.seek(0)
    ...     read_npy(file).shape, read_npy(file).shape
    ((3,), (2, 2))
    """
    if isinstance(file, Path):
        return np.array(map_npy(file))
    with _parser:
        return np.load(file, allow_pickle=False)
