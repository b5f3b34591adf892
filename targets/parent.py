"""How a worker ends with the process that started it, even if that was killed and could not say so."""

import os
from multiprocessing import parent_process
from threading import Thread


def end_with_parent() -> None:
    """Watch over the process that started this one, and end when it is gone; the initializer of a pool's workers."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)  # at once: nobody waits for what the worker does

    Thread(target=watch, daemon=True).start()
