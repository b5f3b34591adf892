"""Dask cluster as an executor: connect to one or start one, and repeat the work that it loses."""

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, ParamSpec, TypeVar

from targets.common.process_lifetime import postpone_interrupts
from targets.errors import UserError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

LOCAL = "local"  # as a scheduler: a cluster of this machine, for as long as the work lasts
MAX_LOSSES = 3  # times that one piece of work may be lost before it is given up
MAX_WAITING = 10_000  # threads that wait for answers, made as they are needed: one for each piece on its way
# Of a cluster that is started here.
LOCAL_SETTINGS = {
    "distributed.worker.daemon": False,  # daemons may not have children, and a run with loop.workers has
    "distributed.scheduler.allowed-failures": 0,  # the one who asks counts deaths over an item, whoever works
    # For good, or a killed worker that takes longer than 15 s to come back (a busy machine) is never replaced.
    "distributed.deploy.lost-worker-timeout": "365 days",
    # What is lost, and what is at work when a run is ended, the one who asks says in one line.
    "distributed.nanny.pre-spawn-environ.DASK_LOGGING__DISTRIBUTED": "critical",
}


class ClusterExecutor(Executor):
    """The workers of a Dask cluster as an executor that repeats lost work.

    Dask's own executor reads the state of a task after it has received the result; where a worker dies in between, it
    takes the result for an error and fails with "not enough values to unpack". Here a result is a result; a task that
    has none and did not fail itself was lost, and is submitted again.

    Parameters
    ----------
    client : distributed.Client
        Connected to the cluster.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._threads = ThreadPoolExecutor(MAX_WAITING, thread_name_prefix="dask-answers")

    def submit(
        self, function: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Future[Result]:
        """Call the function on a worker; lost work is submitted again, up to `MAX_LOSSES` times in all."""
        return self._threads.submit(self._answer, function, args, kwargs)

    def _answer(self, function: Callable[..., Result], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result:
        """The result of a call, or the exception that the call raised or that ended its workers."""
        reason: Exception | None = None
        for _ in range(MAX_LOSSES):
            try:
                task = self._client.submit(function, *args, pure=False, **kwargs)
            except Exception as error:
                raise connection_lost() from error
            try:
                return task.result()
            except Exception as error:
                if task.status == "error":
                    raise
                reason = error
            if self._client.status != "running":
                raise connection_lost() from reason
        hint = "see the cluster's log; start the same command again"
        raise UserError(
            "--scheduler", f"the cluster lost a piece of work {MAX_LOSSES} times ({reason})", hint=hint
        ) from reason

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads that wait for answers; the client must be closed first, or they wait for their tasks."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)


@contextmanager
def cluster_executor(scheduler: str, jobs: int, settings: Mapping[str, Any]) -> Iterator[tuple[ClusterExecutor, Any]]:
    """Connect to a Dask cluster, or start one.

    Parameters
    ----------
    scheduler : str
        `LOCAL`, or the address of one that runs, such as tcp://host:8786.
    jobs : int
        Workers of a local cluster.
    settings : Mapping[str, Any]
        Dask's settings for a local cluster; one that runs has its own.

    Yields
    ------
    executor : ClusterExecutor
    client : distributed.Client

    Raises
    ------
    UserError
        The package is missing, no scheduler answers, or a worker has several threads.
    """
    try:
        with postpone_interrupts():  # libraries do not bear an exception amid their import
            import dask
            from distributed import Client
            from distributed.gc import disable_gc_diagnosis
    except ImportError as error:
        hint = "pip install 'trapmtl[cluster]', or leave --scheduler away"
        raise UserError("--scheduler", "the package distributed is not installed", hint=hint) from error

    def connect() -> Any:
        if scheduler != LOCAL:
            return Client(scheduler)
        client = Client(n_workers=jobs, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL)
        disable_gc_diagnosis()  # amid it Ctrl-C would be lost
        return client

    with dask.config.set(settings if scheduler == LOCAL else {}), ExitStack() as at_the_end:
        try:
            with postpone_interrupts():  # what is half started cannot be closed
                client = connect()
                executor = ClusterExecutor(client)
                at_the_end.callback(_close, client, executor)
        except (OSError, ValueError) as error:
            found = f"{scheduler}: no Dask scheduler answers ({error})"
            raise UserError("--scheduler", found, "local, or an address such as tcp://host:8786") from error
        if any(threads > 1 for threads in client.nthreads().values()):
            raise UserError(
                scheduler,
                "a worker has several threads, which would share one network",
                "workers of one thread each",
                "dask worker HOST:PORT --nthreads 1",
            )
        yield executor, client


def _close(client: Any, executor: ClusterExecutor) -> None:
    """Close a client, and with it the cluster that it started, whatever signals arrive meanwhile."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # of work that is dropped
    with postpone_interrupts():
        client.close()
        executor.shutdown(cancel_futures=True)


def connection_lost() -> UserError:
    """The error for a scheduler that is gone."""
    hint = "see what ended it, and start the same command again"
    return UserError("--scheduler", "the connection to the Dask scheduler was lost", hint=hint)
