"""Selection of records by the names that a user types: known names only, each once."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

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
    some = f"some of {', '.join(known)}"
    if not names:
        raise UserError(option, "no name is given", some)
    for name in names:
        if name not in known:
            raise UserError(option, f"unknown name {name!r}", some, "check the spelling")
        if list(names).count(name) > 1:
            raise UserError(option, f"{name!r} is given twice", "each name once")
    return tuple(known[name] for name in names)
