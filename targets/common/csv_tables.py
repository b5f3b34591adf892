"""CSV tables that are safe in a spreadsheet: no text is taken for a formula, and all are read back as they were."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from targets.common.atomic_write import atomic_write

# What a spreadsheet runs when a cell starts with it: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = re.compile(r"'*[=+\-@\t\n]")


def csv_text(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Format a table as CSV.

    A text that a spreadsheet would take for a formula gets an apostrophe in front, which spreadsheets take for "this is
    text"; numbers, and texts that are numbers, stay as they are.

    Parameters
    ----------
    names : Sequence[str]
        Header.
    rows : Iterable[Sequence[Any]]
        Texts and numbers.

    Returns
    -------
    str
        Lines ending in a newline.

    Examples
    --------
    >>> print(csv_text(["map", "depth"], [["=1+1", -5.5], ["a,b", "-3"]]), end="")
    map,depth
    '=1+1,-5.5
    "a,b",-3
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in (names, *rows):
        writer.writerow([_guarded(cell) for cell in row])
    return text.getvalue()


def write_csv(path: str | Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table as `csv_text` formats it.

    Parameters
    ----------
    path : str | Path
        The file.
    names : Sequence[str]
        Header.
    rows : Iterable[Sequence[Any]]
        Texts and numbers.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    with atomic_write(path) as temporary:
        temporary.write_text(csv_text(names, rows), "utf-8", newline="")


def read_csv(path: str | Path) -> Iterator[dict[str, str]]:
    """Read a table that `write_csv` wrote.

    Parameters
    ----------
    path : str | Path
        The file.

    Yields
    ------
    dict[str, str]
        {name: cell} of a row; a cell that its row lacks is missing.

    Raises
    ------
    OSError
        The file is missing.
    UnicodeDecodeError
        The file is damaged.
    csv.Error
        Likewise.
    """
    with Path(path).open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            yield {_bare(name): _bare(cell) for name, cell in row.items() if name is not None and cell is not None}


def _guarded(cell: Any) -> Any:
    """A cell that no spreadsheet runs."""
    if not isinstance(cell, str):
        return cell
    cell = cell.replace("\r", "\n")  # Python's csv puts no quotes around a lone carriage return, and it ends the row
    return f"'{cell}" if FORMULA.match(cell) and not _is_number(cell) else cell


def _bare(cell: str) -> str:
    """A cell without the apostrophe of `_guarded`."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def _is_number(text: str) -> bool:
    """Whether a text with a sign in front is a number."""
    return re.fullmatch(r"[+-](\d+\.?\d*(e[+-]?\d+)?|inf|nan)", text, re.IGNORECASE) is not None
