"""Tests that need signals, pipes, links or limits of Linux and macOS are skipped on Windows, which has none of them."""

import inspect
import os
import re
from types import ModuleType

import pytest

NEEDS = r"mkfifo|symlink_to|SIGKILL|SIGUSR1|SIGTERM|os\.kill|full_disk|setpgrp|pthread_sigmask|/dev/|/proc/|LC_ALL"


def needs_posix(function: object, module: ModuleType) -> bool:
    """Whether a test, or a function of its module that it calls, names what Windows lacks."""
    helpers = [name for name, value in vars(module).items() if inspect.isroutine(value) or inspect.isclass(value)]
    own = [name for name in helpers if getattr(vars(module)[name], "__module__", None) == module.__name__]
    needing = [name for name in own if re.search(NEEDS, inspect.getsource(vars(module)[name]))]
    words = "|".join([NEEDS, *(rf"\b{name}\b" for name in needing)])
    return re.search(words, inspect.getsource(function)) is not None  # type: ignore[arg-type]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip them."""
    if os.name == "nt":
        for item in items:
            if isinstance(item, pytest.Function) and needs_posix(item.function, item.module):
                item.add_marker(pytest.mark.skip(reason="needs signals, pipes, links or limits that Windows lacks"))
