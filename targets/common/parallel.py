"""Who does the same work on many maps? This process, several of this machine, or the workers of a Dask cluster."""

import errno
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import active_children, get_context
from time import monotonic, sleep
from typing import Any, TypeVar

from tqdm import tqdm

from targets.common.process_lifetime import end_with_parent, sigterm_as_interrupt
from targets.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")
Outcomes = Iterator[tuple[int, Result | UserError]]

LOSSES = 3  # processes that may die over an item before it is given up
AHEAD = 2  # items given out for each process: one at work, one that waits, so that none is idle
PAUSES = (1.0, 5.0)  # seconds before a file is tried again
GRACE = 10.0  # seconds in which a process that is asked to end may save what it has
# What a file system over a network says when it may answer a moment later.
PASSING = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY, errno.ECONNRESET, errno.EHOSTDOWN}
# Of a Dask cluster that is started here.
LOCAL = {
    "distributed.worker.daemon": False,  # daemons may not have children, and a run with loop.num_workers has
    "distributed.scheduler.allowed-failures": 0,  # `LOSSES` counts the deaths over an item, whoever works
    # For good, or a killed worker that takes longer than 15 s to come back (a busy machine) is never replaced.
    "distributed.deploy.lost-worker-timeout": "365 days",
}


@dataclass(frozen=True)
class Workers:
    """Who does the work on many maps.

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
        if self.jobs < 1:
            raise UserError("--jobs", str(self.jobs), "at least 1")

    @property
    def is_serial(self) -> bool:
        """Whether this process does all the work."""
        return self.jobs == 1 and self.scheduler is None

    @property
    def is_local(self) -> bool:
        """Whether all the work is done on this machine."""
        return self.scheduler in (None, "local")


THIS_PROCESS = Workers()


def map_unordered(work: Callable[[Item], Result], items: Sequence[Item], workers: Workers = THIS_PROCESS, progress_label: str = "") -> Outcomes[Result]:
    """Do the work on every item: (its place, what it gave or the user's mistake), as they are finished.

    A user's mistake stops no other item; any other exception ends all. An item whose process died or had too little
    memory is done again, with nothing beside it, and after `LOSSES` deaths counts as a mistake.

    Parameters
    ----------
    work : Callable[[Item], Result]
        Pickles, gives something small, and may be done anew for an item: what it writes has fixed names.
    told : str, default ''
        What items are called on a bar of progress; none: no bar.

    Raises
    ------
    UserError
        There is no such cluster, or it was lost.
    """
    # In a file nobody looks at a bar that moves: a line's worth twice a minute.
    calm = {} if sys.stderr.isatty() else {"delay": 30, "mininterval": 30}
    with tqdm(total=len(items), unit=f" {progress_label}", disable=not progress_label, leave=False, **calm) as bar:
        for outcome in _outcomes(partial(with_retries, work), items, workers):
            bar.update()
            yield outcome


def with_retries(work: Callable[[Item], Result], item: Item) -> Result | UserError:
    """What the work gives, or the user's mistake; what a file system refuses for a moment is tried again."""
    for pause in (*PAUSES, None):
        try:
            return work(item)
        except (UserError, OSError) as error:
            cause = error.__cause__ if isinstance(error, UserError) else error
            if pause is None or getattr(cause, "errno", None) not in PASSING:
                if isinstance(error, UserError):
                    return error
                raise
            sleep(pause)
    raise AssertionError("the last try returns or raises")


def _outcomes(work: Callable[[Item], Result | UserError], items: Sequence[Item], workers: Workers) -> Outcomes[Result]:
    if workers.is_serial:
        yield from ((number, work(item)) for number, item in enumerate(items))
        return
    fresh, again = iter(range(len(items))), list[int]()
    deaths: Counter[int] = Counter()
    flying: dict[Future[Result | UserError], int] = {}
    with sigterm_as_interrupt(), _processes(workers.jobs) if workers.scheduler is None else _cluster(workers) as hands:
        while True:
            # An item that a process died over flies alone: should another one die, nothing else is blamed for it.
            room = 1 if again or any(deaths[number] for number in flying.values()) else hands.room()
            while len(flying) < room:
                number = again.pop(0) if again else next(fresh, -1)
                if number < 0:
                    break
                flying[hands.submit(work, items[number])] = number
            if not flying:
                return
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                number = flying.pop(future)
                if future.cancelled():
                    raise _lost()
                error = future.exception()
                if error is None:
                    yield number, future.result()
                    continue
                if not isinstance(error, hands.deaths):
                    error.add_note(f"This happened at {_name(items[number])}.")
                    raise error
                deaths[number] += 1
                if deaths[number] < LOSSES:
                    again.append(number)
                else:
                    found = f"the process at work on it died {LOSSES} times ({type(error).__name__})"
                    mend = "it may need more memory: give it fewer --jobs, or a machine with more"
                    yield number, UserError(_name(items[number]), found, hint=mend)


@contextmanager
def piece_executor(workers: Workers) -> Iterator[Executor | None]:
    """Who works on the pieces of one map: the cluster's workers, or None: nobody but the threads of this process.

    A piece whose process died is done again, up to `LOSSES` times.

    Raises
    ------
    UserError
        There is no such cluster, it was lost, or a piece ended too many processes.
    """
    if workers.scheduler is None:
        if workers.jobs > 1:
            raise UserError("--jobs", f"{workers.jobs} for one map", hint="leave it away: all cores work on the map; or "
                            "add --scheduler local")  # fmt: skip
        yield None
        return
    with _client(workers, LOCAL | {"distributed.scheduler.allowed-failures": LOSSES}) as client:
        from distributed import KilledWorker

        try:
            yield client.get_executor(pure=False)
        except CancelledError as error:
            raise _lost() from error
        except KilledWorker as error:
            mend = "they may need more memory: give them smaller pieces, or a machine with more"
            raise UserError("--scheduler", f"processes of the cluster died ({error})", hint=mend) from error


def _lost() -> UserError:
    return UserError("--scheduler", "the connection to the Dask scheduler was lost",
                     hint="see what ended it, and start the same command again")  # fmt: skip


def _name(item: object) -> object:
    return getattr(item, "path", item)


@dataclass(frozen=True)
class WorkerPool:
    """Who works: `submit` gives out work, `room` is how much at a time, `deaths` is what a lost process looks like."""

    submit: Callable[..., Future]
    room: Callable[[], int]
    deaths: tuple[type[BaseException], ...]


@contextmanager
def _processes(jobs: int) -> Iterator[WorkerPool]:
    """Processes of this machine. When one is killed Python ends them all, and others take their place."""

    def new() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=end_with_parent)

    pool = new()

    def submit(work: Callable[..., Any], item: object) -> Future:
        nonlocal pool
        try:
            return pool.submit(work, item)
        except BrokenProcessPool:
            pool = new()
            return pool.submit(work, item)

    try:
        yield WorkerPool(submit, lambda: AHEAD * jobs, (BrokenProcessPool, MemoryError))
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


@contextmanager
def _cluster(workers: Workers) -> Iterator[WorkerPool]:
    """The workers of a Dask cluster, behind Python's own interface to such things."""
    with _client(workers, LOCAL) as client:
        from distributed import KilledWorker

        pool = client.get_executor(pure=False)
        yield WorkerPool(pool.submit, lambda: AHEAD * max(1, len(client.nthreads())), (KilledWorker, MemoryError))


@contextmanager
def _client(workers: Workers, local: Mapping[str, Any]) -> Iterator[Any]:
    """A client of the farm's Dask cluster; `local` are the settings of one that is started here."""
    try:
        import dask
        from distributed import Client
    except ImportError as error:
        mend = "pip install 'trapmtl[cluster]', or leave --scheduler away"
        raise UserError("--scheduler", "the package distributed is not installed", hint=mend) from error

    def client() -> AbstractContextManager[Any]:
        if workers.scheduler != "local":
            return Client(workers.scheduler)
        return Client(n_workers=workers.jobs, threads_per_worker=1, dashboard_address=None)

    with dask.config.set(local if workers.scheduler == "local" else {}):
        try:
            connected = client()
        except (OSError, ValueError) as error:
            found = f"{workers.scheduler}: no Dask scheduler answers ({error})"
            raise UserError("--scheduler", found, "local, or an address such as tcp://host:8786") from error
        with connected as cluster:
            if any(threads > 1 for threads in cluster.nthreads().values()):
                raise UserError(workers.scheduler, "a worker has several threads, which would share one network",
                                "workers of one thread each", "dask worker HOST:PORT --nthreads 1")  # fmt: skip
            yield cluster
