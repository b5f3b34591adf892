"""Ends of processes: a worker ends with its parent, even if that was killed, and the parent at Ctrl-C and SIGTERM."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
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


def run_command(module: str) -> None:
    """Import a command and run it with the words of the command line.

    Imports take seconds, and libraries do not bear an exception amid theirs: until they are done, and nothing is open
    yet, Ctrl-C and SIGTERM end the process at once, in one line.

    Parameters
    ----------
    module : str
        Such as mtl.commands.predict; its function `command` is run.
    """

    def stop(number: int, frame: object) -> None:
        os.write(2, b"stopped\n")
        os._exit(128 + number)

    defaults = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.getsignal(number) for number in defaults}
    caught = [number for number, default in defaults.items() if before[number] is default]  # some shells ignore SIGINT
    for number in caught:
        signal.signal(number, stop)
    command = import_module(module).command
    for number in caught:
        signal.signal(number, before[number])
    command()
