"""How loops are compiled: numba, kept on disk between runs where the disk allows it."""

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """`numba.njit` with a cache on disk; without one where no folder for it can be written."""
    if function is None:
        return lambda function: compiled(function, **options)
    try:
        return numba.njit(function, cache=True, **options)
    except RuntimeError:  # numba found no writable folder: compile anew in every run
        return numba.njit(function, **options)
