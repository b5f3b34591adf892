"""Ends of processes: a worker ends with its parent, even if that was killed, and the parent at SIGTERM."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from threading import Thread, current_thread, main_thread


def end_with_parent() -> None:
    """Watch the parent process and end when it is gone; the initializer of a pool's workers."""
    parent = parent_process()
    if parent is None:
        return
    os.setpgrp()  # Ctrl-C reaches the parent alone, which ends its workers

    def watch() -> None:
        parent.join()
        os._exit(1)  # at once: nobody waits for what the worker does

    Thread(target=watch, daemon=True).start()


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Turn SIGTERM into KeyboardInterrupt, so that the work ends its processes and removes its temporary files."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt(number)

    if current_thread() is not main_thread():  # which alone may listen
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
