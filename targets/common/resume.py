"""Which maps of a folder of results are finished? A line for each, so that a run that was stopped can go on."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from targets.common.atomic_write import write_error
from targets.common.parallel import THIS_PROCESS, Workers, map_unordered
from targets.errors import UserError

JOURNAL = "finished.jsonl"


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
    there: Callable[[Any, Any], bool] = lambda item, gave: True,
    progress_label: str = "",
) -> Iterator[tuple[int, Any]]:
    """`farm.each` over maps, with out/finished.jsonl: a line for each that is finished, with what its work gave.

    Parameters
    ----------
    work : Callable[[Any], Any]
        Gives what JSON holds.
    items : Sequence[Any]
        Items that are read from files (`FromFiles`), or numbers of maps to be made.
    settings : object
        Records and values that the results depend on, told by `repr`.
    resume : bool
        Do not repeat what is finished with these settings, unless a file of the map was written since; its line says
        what it gave. Maps that failed are tried again.
    there : Callable[[Any, Any], bool], default lambda item, gave: True
        Whether the files of a finished map (item, what its work gave) are still there.

    Yields
    ------
    (place of the map, what its work gave or gives, or the user's mistake).

    Raises
    ------
    UserError
        The journal cannot be written.
    """
    path, todo = out / JOURNAL, []
    lines = _lines(path) if resume else {}
    marks = [resume_key(item, settings) for item in items]
    for number, (item, mark) in enumerate(zip(items, marks, strict=True)):
        if mark in lines and there(item, gave := _given(path, lines[mark])):
            yield number, gave
        else:
            todo.append(number)
    if resume:
        print(f"{len(items) - len(todo)} of {len(items)} maps are finished", flush=True)
    else:
        path.unlink(missing_ok=True)
    for place, outcome in map_unordered(work, [items[number] for number in todo], workers, progress_label):
        number = todo[place]
        if not isinstance(outcome, UserError):
            _append(path, {"mark": marks[number], "gave": outcome})
        yield number, outcome


def _append(path: Path, line: object) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as journal:
            # The end of the line comes with the next one, which so ends a line that was cut off too.
            journal.write(b"\n" * (journal.tell() > 0) + json.dumps(line, default=np.generic.item).encode())
    except OSError as error:
        raise write_error(path, error) from error


def resume_key(item: Any, settings: object) -> str:
    """What tells a finished map: which it is, when its files were written, and the settings."""
    states = [file_state(file) for file in (item.input_files if isinstance(item, HasInputFiles) else ())]
    return sha256(repr((item, states, settings)).encode()).hexdigest()[:32]


def file_state(file: Path) -> tuple[int, int] | None:
    """What changes when a file is written: its bytes and its time; None where there is none."""
    return (file.stat().st_size, file.stat().st_mtime_ns) if file.exists() else None


def _lines(path: Path) -> dict[str, int]:
    """{mark: where its line begins}: what maps gave stays in the file, since there may be very many."""
    found, place = dict[str, int](), 0
    if path.exists():
        with path.open("rb") as journal:
            for line in journal:
                with suppress(ValueError, KeyError, TypeError):  # a line that was cut off when the run was
                    found[json.loads(line)["mark"]] = place
                place += len(line)
    return found


def _given(path: Path, place: int) -> Any:
    with path.open("rb") as journal:
        journal.seek(place)
        return json.loads(journal.readline())["gave"]
