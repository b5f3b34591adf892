"""Resumable work on many maps: a journal in the output folder holds a line for each map that is finished."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from targets.common.atomic_write import write_error
from targets.common.files.input_files import require_file
from targets.common.parallel import THIS_PROCESS, Workers, map_unordered
from targets.errors import UserError

JOURNAL = "finished.jsonl"  # in the output folder


@runtime_checkable
class HasInputFiles(Protocol):
    """An item that is read from files."""

    @property
    def input_files(self) -> tuple[Path, ...]:
        """All files that the item is read from."""
        ...


def map_resumable(
    work: Callable[[Any], Any],
    items: Sequence[Any],
    out: Path,
    settings: object,
    resume: bool,
    workers: Workers = THIS_PROCESS,
    is_complete: Callable[[Any, Any], bool] = lambda item, result: True,
    progress_label: str = "",
) -> Iterator[tuple[int, Any]]:
    """Do the work on every item as `map_unordered` does, except for those that the journal of the folder holds.

    Parameters
    ----------
    work : Callable[[Any], Any]
        Gives what JSON holds.
    items : Sequence[Any]
        Items that are read from files (`HasInputFiles`), or numbers of maps to be made.
    out : Path
        The output folder; the journal is written there.
    settings : object
        Records and values that the results depend on; their `repr` counts.
    resume : bool
        Do not repeat what is finished with these settings, unless a file of the map was written since. Maps that failed
        are tried again. False: start a new journal.
    workers : Workers, default THIS_PROCESS
        Who works.
    is_complete : Callable[[Any, Any], bool], default lambda item, result: True
        Whether the files of a finished map (item, result) still exist.
    progress_label : str, default ''
        What items are called on the progress bar; none: no bar.

    Yields
    ------
    tuple[int, Any]
        (place of the item, its result, from the journal or now, or the user's error).

    Raises
    ------
    UserError
        The journal cannot be written.
    """
    journal, todo = out / JOURNAL, []
    if journal.exists():
        require_file(journal, "the journal of an earlier command", in_memory=False)
    finished = _read_journal(journal) if resume else {}
    keys = [resume_key(item, settings) for item in items]
    for number, (item, key) in enumerate(zip(items, keys, strict=True)):
        if key in finished and is_complete(item, result := _read_result(journal, finished[key])):
            yield number, result
        else:
            todo.append(number)
    if resume:
        print(f"{len(items) - len(todo)} of {len(items)} maps are finished", flush=True)
    else:
        journal.unlink(missing_ok=True)
    for place, outcome in map_unordered(work, [items[number] for number in todo], workers, progress_label):
        number = todo[place]
        if not isinstance(outcome, UserError):
            _append(journal, {"key": keys[number], "result": outcome})
        yield number, outcome


def resume_key(item: Any, settings: object) -> str:
    """Identify a finished map: which it is, when its files were written, and the settings.

    Parameters
    ----------
    item : Any
        Of `map_resumable`.
    settings : object
        Likewise.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    states = [file_state(file) for file in (item.input_files if isinstance(item, HasInputFiles) else ())]
    return sha256(repr((item, states, settings)).encode()).hexdigest()[:32]


def file_state(file: Path) -> tuple[int, int] | None:
    """Give what changes when a file is written.

    Parameters
    ----------
    file : Path
        It may be missing.

    Returns
    -------
    tuple[int, int] | None
        Its size in bytes and its time of modification in nanoseconds; None where there is none.
    """
    return (file.stat().st_size, file.stat().st_mtime_ns) if file.exists() else None


def _append(journal: Path, line: object) -> None:
    """Add a line to a journal."""
    try:
        journal.parent.mkdir(parents=True, exist_ok=True)
        with journal.open("ab") as file:
            # The end of the line comes with the next one, which so ends a line that was cut off too.
            file.write(b"\n" * (file.tell() > 0) + json.dumps(line, default=np.generic.item).encode())
    except OSError as error:
        raise write_error(journal, error) from error


def _read_journal(journal: Path) -> dict[str, int]:
    """{key: where its line begins}: results stay in the file, since there may be very many."""
    found, offset = dict[str, int](), 0
    if journal.exists():
        with journal.open("rb") as file:
            for line in file:
                if line.startswith(b"{") and line.rstrip().endswith(b"}"):  # others were cut off
                    with suppress(ValueError, KeyError, TypeError, RecursionError):
                        found[json.loads(line)["key"]] = offset
                offset += len(line)
    return found


def _read_result(journal: Path, offset: int) -> Any:
    """The result in the line that begins at a byte of the journal."""
    with journal.open("rb") as file:
        file.seek(offset)
        return json.loads(file.readline())["result"]
