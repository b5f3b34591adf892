"""Strips of rows of a grid, processed by threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import numba

Result = TypeVar("Result")

SMALL = 2**18  # cells (or rows of a table) below which starting a thread takes longer than the work


def threads_for(size: int) -> int:
    """How many threads a pass over `size` cells is worth."""
    return numba.config.NUMBA_NUM_THREADS if size >= SMALL else 1


def map_strips(size: int, length: int, work: Callable[[int, int], Result], strips_per_thread: int = 4) -> list[Result]:
    """Call ``work(first, last)`` for strips that cover 0..length-1, in threads if that pays off.

    The kernels release Python's lock, and a pool lives for one call only: nothing that a forked process could trip
    over.

    Parameters
    ----------
    size : int
        Cells of all strips together; below `SMALL` there is one strip and no thread.
    length : int
        What is cut into strips, mostly the rows of the grid.
    work : Callable
        A kernel on items first..last-1.
    strips_per_thread : int, default 4
        More than one, because some strips take longer than others.

    Returns
    -------
    list
        What the calls returned, in the order of strips.

    Examples
    --------
    >>> map_strips(100, 10, range)
    [range(0, 10)]
    """
    threads = threads_for(size)
    count = 1 if threads == 1 else min(length, strips_per_thread * threads)
    spans = list(pairwise(length * i // count for i in range(count + 1)))
    if threads == 1:
        return [work(first, last) for first, last in spans]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda span: work(*span), spans))
