"""Parallel work on many items: in this process, in several of this machine, or on the workers of a Dask cluster."""

import errno
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import active_children, get_context
from time import monotonic, sleep
from typing import TypeVar

from tqdm import tqdm

from targets.common.dask_cluster import LOCAL, LOCAL_SETTINGS, MAX_LOSSES, cluster_executor
from targets.common.process_lifetime import end_with_parent, postpone_interrupts, sigterm_as_interrupt
from targets.errors import UserError, lack_of_memory

Item = TypeVar("Item")
Result = TypeVar("Result")
Outcomes = Iterator[tuple[int, Result | UserError]]

IN_FLIGHT = 2  # items given out for each process: one at work, one that waits, so that none is idle
PAUSES = (1.0, 5.0)  # seconds before a file is tried again
GRACE = 10.0  # seconds in which a process that is asked to end may save what it has
MAX_JOBS = 1024  # processes
# Errors of network file systems that may be gone a moment later.
TRANSIENT = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY, errno.ECONNRESET, errno.EHOSTDOWN}


@dataclass(frozen=True)
class Workers:
    """Who works on many maps.

    Attributes
    ----------
    jobs : int, default 1
        Processes of this machine at work at a time; 1: only this one.
    scheduler : str | None, default None
        Local, for a Dask cluster of that many processes here, or the address of one that runs, such as tcp://host:8786,
        whose workers see the same folders under the same names; by default no Dask.
    """

    jobs: int = 1
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.jobs <= MAX_JOBS:
            raise UserError("--jobs", str(self.jobs), f"1 to {MAX_JOBS}")

    @property
    def is_serial(self) -> bool:
        """Whether this process does all the work."""
        return self.jobs == 1 and self.scheduler is None

    @property
    def is_local(self) -> bool:
        """Whether all the work is done on this machine."""
        return self.scheduler in (None, LOCAL)


THIS_PROCESS = Workers()


def map_unordered(
    work: Callable[[Item], Result], items: Sequence[Item], workers: Workers = THIS_PROCESS, progress_label: str = ""
) -> Outcomes[Result]:
    """Do the work on every item and give the outcomes as they are finished.

    A user's error stops no other item; any other exception ends all. An item whose process died or had too little
    memory is done again, with nothing beside it, and after `MAX_LOSSES` deaths counts as a user's error.

    Parameters
    ----------
    work : Callable[[Item], Result]
        Pickles, gives something small, and may be done again for an item: what it writes has fixed names.
    items : Sequence[Item]
        What to work on; they pickle.
    workers : Workers, default THIS_PROCESS
        Who works.
    progress_label : str, default ''
        What items are called on the progress bar; none: no bar.

    Yields
    ------
    tuple[int, Result | UserError]
        (place of the item, what its work gave or the user's error).

    Raises
    ------
    UserError
        There is no such cluster, or it was lost.

    Examples
    --------
    >>> dict(map_unordered(abs, [-1, 2]))
    {0: 1, 1: 2}
    """
    # A log file gets no moving bar, but a line twice a minute.
    pace = {} if sys.stderr.isatty() else {"delay": 30, "mininterval": 30}
    with tqdm(total=len(items), unit=f" {progress_label}", disable=not progress_label, leave=False, **pace) as bar:
        for outcome in _outcomes(partial(with_retries, work), items, workers):
            bar.update()
            yield outcome


def with_retries(work: Callable[[Item], Result], item: Item) -> Result | UserError:
    """Do the work on an item; what a file system refuses for a moment is tried again.

    Parameters
    ----------
    work : Callable[[Item], Result]
        As in `map_unordered`.
    item : Item
        What to work on.

    Returns
    -------
    Result | UserError
        What the work gives, or the user's error that it raised.
    """
    for pause in (*PAUSES, None):
        try:
            return work(item)
        except (UserError, OSError) as error:
            cause = error.__cause__ if isinstance(error, UserError) else error
            if pause is None or getattr(cause, "errno", None) not in TRANSIENT:
                if isinstance(error, UserError):
                    return error
                raise
            sleep(pause)
    raise AssertionError("the last try returns or raises")


def _outcomes(work: Callable[[Item], Result | UserError], items: Sequence[Item], workers: Workers) -> Outcomes[Result]:
    if workers.is_serial:
        for number, item in enumerate(items):
            try:
                outcome = work(item)
            except MemoryError as shortage:
                outcome = lack_of_memory(shortage, _name(item))
            yield number, outcome
        return
    first_time, again = iter(range(len(items))), list[int]()
    deaths: Counter[int] = Counter()
    in_flight: dict[Future[Result | UserError], int] = {}
    with sigterm_as_interrupt(), _worker_pool(workers) as pool:
        while True:
            # An item that a process died over flies alone: should another one die, nothing else is blamed for it.
            room = 1 if again or any(deaths[number] for number in in_flight.values()) else pool.room()
            while len(in_flight) < room:
                number = again.pop(0) if again else next(first_time, -1)
                if number < 0:
                    break
                in_flight[pool.submit(work, items[number])] = number
            if not in_flight:
                return
            for future in wait(in_flight, return_when=FIRST_COMPLETED).done:
                number = in_flight.pop(future)
                error = future.exception()
                if error is None:
                    yield number, future.result()
                    continue
                if not isinstance(error, pool.deaths):
                    if not isinstance(error, UserError):  # of the cluster itself: work returns its own
                        error.add_note(f"This happened at {_name(items[number])}.")
                    raise error
                deaths[number] += 1
                if deaths[number] < MAX_LOSSES:
                    again.append(number)
                else:
                    found = f"the process at work on it died {MAX_LOSSES} times ({type(error).__name__})"
                    hint = "it may need more memory: give it fewer --jobs, or a machine with more"
                    yield number, UserError(_name(items[number]), found, hint=hint)


def _name(item: object) -> object:
    """What an item is called in messages."""
    return getattr(item, "path", item)


@contextmanager
def piece_executor(workers: Workers) -> Iterator[Executor | None]:
    """Give the executor for the pieces of one map.

    Parameters
    ----------
    workers : Workers
        Of several processes only a cluster's.

    Yields
    ------
    Executor | None
        The cluster's workers; None: nobody but the threads of this process. A piece whose process died, or that the
        cluster lost, is done again, up to `MAX_LOSSES` times.

    Raises
    ------
    UserError
        There is no such cluster, it was lost, or a piece ended too many processes.
    """
    if workers.scheduler is None:
        if workers.jobs > 1:
            hint = "leave it away: all cores work on the map; or add --scheduler local"
            raise UserError("--jobs", f"{workers.jobs} for one map", hint=hint)
        yield None
        return
    settings = LOCAL_SETTINGS | {"distributed.scheduler.allowed-failures": MAX_LOSSES}
    with cluster_executor(workers.scheduler, workers.jobs, settings) as (executor, _):
        from distributed import KilledWorker

        try:
            yield executor
        except KilledWorker as error:
            hint = "they may need more memory: give them smaller pieces, or a machine with more"
            raise UserError("--scheduler", f"processes of the cluster died ({error})", hint=hint) from error


@dataclass(frozen=True)
class WorkerPool:
    """Processes that work.

    Attributes
    ----------
    submit : Callable[..., Future]
        Gives out work.
    room : Callable[[], int]
        How many items may be in flight.
    deaths : tuple[type[BaseException], ...]
        The exceptions of a lost process.
    """

    submit: Callable[..., Future]
    room: Callable[[], int]
    deaths: tuple[type[BaseException], ...]


@contextmanager
def _worker_pool(workers: Workers) -> Iterator[WorkerPool]:
    """Processes of this machine, or of a Dask cluster."""
    if workers.scheduler is None:
        with _processes(workers.jobs) as pool:
            yield pool
        return
    with cluster_executor(workers.scheduler, workers.jobs, LOCAL_SETTINGS) as (executor, client):
        from distributed import KilledWorker

        def room() -> int:
            return IN_FLIGHT * max(1, len(client.nthreads()))

        yield WorkerPool(executor.submit, room, (KilledWorker, MemoryError))


@contextmanager
def _processes(jobs: int) -> Iterator[WorkerPool]:
    """Processes of this machine. When one is killed Python ends them all, and others take their place."""

    def new() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=end_with_parent)

    pool = new()

    def submit(work: Callable[[Item], Result], item: Item) -> Future[Result]:
        nonlocal pool
        with postpone_interrupts():  # which starts the processes
            try:
                return pool.submit(work, item)
            except BrokenProcessPool:
                pool = new()
                return pool.submit(work, item)

    try:
        yield WorkerPool(submit, lambda: IN_FLIGHT * jobs, (BrokenProcessPool, MemoryError))
    except BaseException:  # the pool would wait until they have done all that was given out
        _end_children()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _end_children() -> None:
    """End the processes that this one started; a run that is trained takes the time to save itself."""
    children, until = active_children(), monotonic() + GRACE
    for child in children:
        child.terminate()
    for child in children:
        child.join(max(0.0, until - monotonic()))
        child.kill()
