"""Dialect of a table: what parts its columns, and how its numbers are written."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

NULLS = """
    undef undefined null nan none na n/a #n/a #na <na> nodata no_data void nil - -- --- * ** ? . нет н/д н.д.
    1.#qnan -1.#qnan 1.#ind -1.#ind 1.#inf -1.#inf 1.#snan #value! #ref! #div/0! #num!
    inf -inf +inf infinity -infinity
"""
NULL_WORDS = frozenset(NULLS.split())
COMMENTS = ("#", "!", "//", "%", "@", ">")
GROUPS = {",": r",", ".": r"\.", " ": r"[ \xa0\u202f\u2009]", "'": r"['’]"}  # what parts thousands
MAX_SNIFFED = 200  # lines
LONGEST_WORD = 100  # letters of a word that is looked at


@dataclass(frozen=True)
class Dialect:
    """How the rows of a table are written.

    Attributes
    ----------
    separator : str | None
        Character between two columns; None: white space.
    decimal : str, default '.'
        Mark before the decimals: a point or a comma.
    thousands : str, default ''
        Mark between groups of three digits; "": there are none.

    Examples
    --------
    >>> dialect = Dialect(";", ",")
    >>> [dialect.to_number(word) for word in dialect.split("1000,5; Undef;Top")]
    [1000.5, nan, None]
    """

    separator: str | None
    decimal: str = "."
    thousands: str = ""

    @cached_property
    def _number(self) -> re.Pattern[str]:
        digits = r"\d+"
        if self.thousands:
            digits = rf"(?:\d{{1,3}}(?:{GROUPS[self.thousands]}\d{{3}})+|\d+)"
        mark = re.escape(self.decimal)
        point = rf"{mark}\d*" if self.decimal == "." else rf"{mark}\d+"
        return re.compile(rf"[+-]?(?:{digits}(?:{point})?|{mark}\d+)(?:[eEdD][+-]?\d{{1,3}})?\Z")

    def split(self, line: str) -> list[str]:
        """The columns of a row, without quotes and spaces around them."""
        if self.separator is None:
            if '"' not in line:
                return line.split()
            return [quoted or word for quoted, word in QUOTED_WORD.findall(line)]
        if '"' not in line:
            return [word.strip() for word in line.split(self.separator)]
        try:
            return [word.strip() for word in next(csv.reader([line], delimiter=self.separator, skipinitialspace=True))]
        except (csv.Error, StopIteration):
            return [word.strip(' "') for word in line.split(self.separator)]

    def to_number(self, word: str) -> float | None:
        """The number of a word; NaN for an empty one or one that says there is none; None for any other text."""
        if self._number.match(word):
            if self.thousands:
                word = re.sub(GROUPS[self.thousands], "", word)
            word = word.replace(self.decimal, ".")
            return float(word.upper().replace("D", "E") if "D" in word or "d" in word else word)  # 1.5D+03 is Fortran
        return float("nan") if not word or word.casefold() in NULL_WORDS else None

    def is_number(self, word: str) -> bool:
        """Whether a word is a number."""
        return self._number.match(word) is not None


QUOTED_WORD = re.compile(r'"([^"]*)"(?=\s|\Z)|(\S+)')
GLUED_NUMBERS = re.compile(
    r"(?!\d{1,4}\.\d\d?\.\d{1,4}\Z)[+-]?\d[\d.,;|'’\s]*[.,;|'’\s][\d.,;|'’\s+-]*\Z"
)  # but no date
PLAIN = (
    Dialect(";"), Dialect(";", ","), Dialect("\t"), Dialect("\t", ","), Dialect("|"), Dialect("|", ","), Dialect(","),
    Dialect(None), Dialect(",", ","), Dialect(None, ","),
)  # fmt: skip
GROUPED = tuple(
    Dialect(separator, decimal, thousands)
    for separator in (";", "\t", "|", ",", None)
    for decimal in ".,"
    for thousands in ",. '"
    if thousands != decimal and not (separator is None and thousands == " ") and separator != thousands
)

SPACED_THOUSANDS = tuple(d for d in GROUPED if d.separator == "\t" and d.thousands == " ")
SPACE_IN_NUMBER = re.compile(rf"\d{GROUPS[' ']}\d{{3}}(?!\d)")


def sniff_dialect(lines: Sequence[str], least: int = 3) -> Dialect | None:
    """Find the dialect in which most lines hold three numbers or more.

    Parameters
    ----------
    lines : Sequence[str]
        The beginning of a text, headings and comments among them.
    least : int, default 3
        Numbers, or nulls, in a row at least; two of them are numbers.

    Returns
    -------
    dialect : Dialect | None
        None if the text is no table of numbers.

    Examples
    --------
    >>> sniff_dialect(["x;y;z", "1,5;2,5;3,5", "2,5;2,5;4"]).decimal, sniff_dialect(["Dear reader,", "1 2 3 4 5"])
    (',', None)
    """
    rows = [line for line in lines if line.strip() and not is_comment(line) and any(map(str.isdigit, line))]
    rows = rows[-MAX_SNIFFED:]
    if not rows:
        return None
    for dialects in (PLAIN, GROUPED):
        scores = [_count_rows(dialect, rows, least) for dialect in dialects]
        best = max(scores)
        if best[0] >= max(2, len(rows) // 2):
            found = dialects[scores.index(best)]
            return _with_grouped_thousands(found, rows, least) if found.separator is None else found
    return None


def _with_grouped_thousands(found: Dialect, rows: Sequence[str], least: int) -> Dialect:
    """White space parts columns, unless tabs do and the spaces part thousands in all rows (461 000,00).

    Examples
    --------
    >>> sniff_dialect(["461 000,5\\t5 926 000,0\\t2 000,0", "461 050,5\\t5 926 000,0\\t999,0"])
    Dialect(separator='\\t', decimal=',', thousands=' ')
    """
    for dialect in SPACED_THOUSANDS:
        if _count_rows(dialect, rows, least)[0] == len(rows) and any(map(SPACE_IN_NUMBER.search, rows)):
            return dialect
    return found


def _count_rows(dialect: Dialect, rows: Sequence[str], least: int) -> tuple[int, int]:
    """How many rows hold at least as many numbers, and how many of these as many columns as most do."""
    if dialect.separator is not None and not any(dialect.separator in row for row in rows):
        return 0, 0
    counts = []
    for row in rows:
        words = dialect.split(row)
        others = [word for word in words if not dialect.is_number(word)]
        numbers, nulls = len(words) - len(others), sum(not word or word.casefold() in NULL_WORDS for word in others)
        if numbers >= 2 and numbers + nulls >= least and not any(map(_is_glued, others)):
            counts.append(len(words))
    return len(counts), Counter(counts).most_common(1)[0][1] if counts else 0


def _is_glued(word: str) -> bool:
    """Whether a word is several numbers, parted by what another dialect parts columns with."""
    return len(word) < LONGEST_WORD and GLUED_NUMBERS.match(word) is not None


def may_be_thousands(dialect: Dialect, words: Sequence[str]) -> bool:
    """Whether all decimal commas of the words may as well part thousands, as in 461,500."""
    marked = [word for word in words if dialect.decimal == "," and "," in word]
    return (
        bool(marked)
        and not dialect.thousands
        and all(re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", word) for word in marked)
    )


def is_comment(line: str) -> bool:
    """Whether a line is a comment."""
    return line.lstrip().startswith(COMMENTS)
