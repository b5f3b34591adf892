"""Small tables of words and numbers under one line of headings, such as wells, contacts and charges."""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from targets.common.files.input_files import require_file
from targets.errors import UserError
from targets.io.text_tables.dialect import GROUPS, Dialect, is_comment, may_be_thousands
from targets.io.text_tables.encoding import decode_text
from targets.io.text_tables.layout import LINE_END

MAX_BYTES = 2**24
SEPARATORS = ";\t|,"


@dataclass(frozen=True)
class SmallTable:
    """A table as texts.

    Attributes
    ----------
    headings : tuple[str, ...]
        Of the columns.
    rows : tuple[tuple[int, tuple[str, ...]], ...]
        Number of a line in the file, and its words, one for each heading; "" where a row ends early.
    dialect : Dialect
        How its columns are parted and its numbers written.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    dialect: Dialect

    def plain(self, word: str) -> str:
        """A word with the marks of its numbers in plain notation, such as 1640.5..1660 for 1640,5..1660.

        Examples
        --------
        >>> SmallTable((), (), Dialect(";", ",")).plain("crest+20,5")
        'crest+20.5'
        """
        if self.dialect.thousands:
            word = re.sub(rf"(?<=\d){GROUPS[self.dialect.thousands]}(?=\d{{3}})", "", word)
        return word.replace(",", ".")


def read_small_table(path: str | Path, what: str, expected: str) -> SmallTable:
    """Read a table in any usual encoding and dialect, whose first line that is no comment names the columns.

    Parameters
    ----------
    path : str | Path
        The file.
    what : str
        The table in words, such as "a table of contacts", for errors.
    expected : str
        Columns that it needs, for errors.

    Returns
    -------
    SmallTable

    Raises
    ------
    UserError
        The file is missing, too large or no text, has no row, a row has more columns than there are headings, or its
        commas may mark decimals or thousands.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "wells.csv").write_text("Well;X\\n31/2-A;1000,5\\n", "utf-16")
    ...     table = read_small_table(Path(folder, "wells.csv"), "a table of wells", "a column name")
    >>> table.headings, table.rows, table.dialect.decimal
    (('Well', 'X'), ((2, ('31/2-A', '1000,5')),), ',')
    """
    path = require_file(path, what)
    if (size := path.stat().st_size) > MAX_BYTES:
        raise UserError(path, f"{size / 2**20:.0f} MiB", f"{what} of at most {MAX_BYTES // 2**20} MiB")
    text = decode_text(path.read_bytes())
    if text is None or not text.strip():
        raise UserError(path, "is no text" if text is None else "no text, so no columns of numbers", expected)
    numbered = [(number, line) for number, line in enumerate(LINE_END.split(text), 1) if line.strip()]
    lines = [(number, line) for number, line in numbered if not is_comment(line)]
    if lines and (head := _heading_in_comment(numbered, lines[0])):
        lines.insert(0, head)
    if len(lines) < 2:
        raise UserError(path, "0 rows, so no columns of numbers", f"a line of headings and rows: {expected}")
    dialect = _find_dialect([line for _, line in lines])
    headings = tuple(word.strip('"') for word in _words(dialect, lines[0][1]))
    rows = []
    for number, line in lines[1:]:
        words = _words(dialect, line)
        if len(words) > len(headings):
            raise UserError(path, f"line {number} holds {len(words)} columns", f"{len(headings)}, as the headings",
                            "decimal commas need semicolons, and names with commas quotes")  # fmt: skip
        rows.append((number, (*words, *[""] * (len(headings) - len(words)))))
    numbers = [word for _, words in rows for word in words if dialect.is_number(word)]
    if may_be_thousands(dialect, numbers):
        doubtful = next(word for word in numbers if "," in word)
        raise UserError(path, f"{doubtful}, which may be {doubtful.replace(',', '.')} or {doubtful.replace(',', '')}",
                        "numbers that can be read in one way", "leave out what parts thousands")  # fmt: skip
    return SmallTable(headings, tuple(rows), dialect)


def _heading_in_comment(numbered: list[tuple[int, str]], first: tuple[int, str]) -> tuple[int, str] | None:
    """The comment right ahead of the first row where that row holds numbers, and so is no heading."""
    ahead = next((one for one, other in pairwise(numbered) if other == first), None)
    words = re.split(r"[;\t|,\s]+", first[1].strip())
    if ahead is None or not any(Dialect(None).is_number(word) for word in words):
        return None
    return ahead[0], ahead[1].lstrip("#!/%@> \t")


def _words(dialect: Dialect, line: str) -> list[str]:
    """The columns of a line; separators at its end are none."""
    words = dialect.split(line.strip(" \ufeff"))
    while len(words) > 1 and not words[-1]:
        words.pop()
    return words


def _find_dialect(lines: list[str]) -> Dialect:
    """The separator that headings and rows share, and the marks under which most words are numbers."""
    head, rows = lines[0], lines[1:]
    shared = [mark for mark in SEPARATORS if mark in head and sum(mark in row for row in rows) * 2 >= len(rows)]
    separator = max(shared, key=head.count) if shared else None
    plain = [Dialect(separator), Dialect(separator, ",")]
    grouped = [Dialect(separator, decimal, mark) for decimal in ".," for mark in GROUPS
               if mark != decimal and (separator, mark) not in ((None, " "), (",", ","))]  # fmt: skip

    def count_numbers(dialect: Dialect) -> int:
        return sum(dialect.is_number(word) for row in rows for word in _words(dialect, row))

    return max([*plain, *grouped], key=count_numbers)  # the first of the best ones
