"""Selection of records by the names that a user types: known names only, each once; records of a user's own files."""

import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from targets.common.cli import PLUGINS
from targets.errors import UserError

Record = TypeVar("Record")


def select_records(known: Mapping[str, Record], names: Sequence[str], option: str) -> tuple[Record, ...]:
    """The records of these names, in this order.

    Parameters
    ----------
    known : Mapping[str, Record]
        All records by name.
    names : Sequence[str]
        Names to select.
    option : str
        The setting that names them, for error messages.

    Raises
    ------
    UserError
        No name, an unknown name or a repeated one; the message lists the known names.

    Examples
    --------
    >>> select_records({"a": 1, "b": 2}, ["b", "a"], "--letters")
    (2, 1)
    """
    for file in filter(None, os.environ.get(PLUGINS, "").split(os.pathsep)):
        load_plugin(file)
    some = f"some of {', '.join(known)}"
    if not names:
        raise UserError(option, "no name is given", some)
    for name in names:
        if name not in known:
            raise UserError(
                option, f"unknown name {name!r}", some, "check the spelling; --plugin FILE.py adds records of your own"
            )
        if list(names).count(name) > 1:
            raise UserError(option, f"{name!r} is given twice", "each name once")
    return tuple(known[name] for name in names)


@cache
def load_plugin(file: str) -> None:
    """Import a user's file, once in a process: it adds records to HEADS, INPUTS, LOSSES and so on.

    It stays importable under its name, so that worker processes find its functions.

    Parameters
    ----------
    file : str
        Of `--plugin`, such as /home/me/my_heads.py.

    Raises
    ------
    UserError
        Another module has this name, or the file cannot be imported.
    """
    path = Path(file)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    spec = find_spec(path.stem)
    if spec is None or spec.origin is None or Path(spec.origin).resolve() != path.resolve():
        raise UserError(path, f"another module is called {path.stem}", "a name of its own", "rename the file")
    try:
        import_module(path.stem)
    except Exception as error:
        raise UserError(path, f"{type(error).__name__}: {error}", "a file that Python can import") from error
