"""Ends of processes: a worker ends with its parent, even if that was killed, and the parent at Ctrl-C and SIGTERM."""

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing import parent_process, resource_tracker
from threading import Thread, current_thread, main_thread
from typing import Any

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
NO_READER = 128 + 13  # exit code of a program that SIGPIPE ends, which Windows does not know
CAN_BLOCK = hasattr(signal, "pthread_sigmask")  # not on Windows


def end_with_parent() -> None:
    """Watch the parent process and end when it is gone; the initializer of a pool's workers."""
    parent = parent_process()
    if parent is None:
        return
    # Ctrl-C reaches the parent alone, which ends its workers.
    if hasattr(os, "setpgrp"):
        os.setpgrp()
    else:  # Windows sends it to every process of the console
        signal.signal(signal.SIGINT, signal.SIG_IGN)

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


@contextmanager
def postpone_interrupts() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block is done; what it starts never hears Ctrl-C.

    A terminal sends Ctrl-C to all processes of a program. Those that work are ended by the one that started them; they
    and threads of this process inherit that SIGINT is blocked, from their first moment on.
    """
    if current_thread() is not main_thread():  # which alone may listen
        yield
        return
    received: list[int] = []
    before = {number: signal.signal(number, lambda number, _: received.append(number)) for number in STOP_SIGNALS}
    if CAN_BLOCK:
        resource_tracker.ensure_running()  # of multiprocessing, which at its start would unblock the signal again
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        if CAN_BLOCK:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:
            signal.raise_signal(received[0])


@contextmanager
def end_without_reader() -> Iterator[None]:
    """End quietly, as programs do, where nobody reads what is printed any more (`| head`).

    Raises
    ------
    SystemExit
        With the exit code of SIGPIPE in a shell, 141.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError as error:
        if not _drop_unread():  # a pipe to another process
            raise
        raise SystemExit(NO_READER) from error
    finally:
        _drop_unread()


def _drop_unread() -> bool:
    """Let what nobody reads go nowhere, or Python complains of it at its end; whether there is such."""
    found = False
    for stream in (sys.stdout, sys.stderr):
        # What cannot be asked (a stream that is no file, or a file on Windows) is read.
        with suppress(AttributeError, OSError, ValueError):
            listener = select.poll()
            listener.register(stream.fileno(), 0)  # errors are reported without being asked for
            if listener.poll(0):
                found = True
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
    return found


def use_utf_8() -> None:
    """Start the program again in Python's UTF-8 mode where the locale has another encoding.

    Names of files keep their letters then, and libraries that take UTF-8 alone (GDAL, SQLite) find them. What is
    printed keeps the encoding of the terminal.
    """
    if sys.getfilesystemencoding() == "utf-8" or os.environ.get("PYTHONUTF8") == "1":  # always so on Windows and macOS
        return
    os.environ.setdefault("PYTHONIOENCODING", f"{sys.stdout.encoding}:replace")
    os.environ["PYTHONUTF8"] = "1"
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


@contextmanager
def importing() -> Iterator[None]:
    """Import what a command works with, which takes seconds: meanwhile Ctrl-C and SIGTERM end the process at once.

    Libraries do not bear an exception amid their import, and nothing is open yet. Commands import late what only the
    work needs, so that `--help` and a mistyped option answer at once.
    """
    if current_thread() is not main_thread():  # which alone may listen
        yield
        return
    before = _heeded_signals()
    for number in before:
        signal.signal(number, _end_at_once)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _heeded_signals() -> dict[signal.Signals, Any]:
    """{stop signal: its handler} of those that are not ignored, as some shells have it."""
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    return {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}


def _end_at_once(number: int, frame: object) -> None:
    os.write(2, b"stopped\n")
    os._exit(128 + number)


def run_command(module: str) -> None:
    """Import a command and run it with the words of the command line.

    Imports take seconds, and libraries do not bear an exception amid theirs: until they are done, and nothing is open
    yet, Ctrl-C and SIGTERM end the process at once, in one line. Likewise when all is done and libraries close what
    they have opened.

    Parameters
    ----------
    module : str
        Such as mtl.commands.predict; its function `command` is run.
    """
    use_utf_8()

    with importing():
        command = import_module(module).command
    try:
        command()
    finally:
        for number in _heeded_signals():
            signal.signal(number, lambda number, _: os._exit(128 + number))
