"""Layout of a text table: encoding, dialect, preamble, and a sample of its rows."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from targets.io.text_tables.dialect import Dialect, is_comment, may_be_thousands, sniff_dialect
from targets.io.text_tables.encoding import decode_head, detect_encoding
from targets.io.text_tables.preamble import Preamble, read_preamble

LINE_END = re.compile(r"\r\n|\r|\n")
LINE_SEPARATOR = 999.0  # RMS and IRAP write this in all columns between two lines
SAMPLE_ROWS = 1000
MIN_POINTS = 4  # before a row of 999 at the end of a table; fewer points are a line


@dataclass(frozen=True, eq=False)
class TableLayout:
    """How a text table is written, and what its first rows hold.

    Attributes
    ----------
    encoding : str
        A codec of Python.
    dialect : Dialect
        Separator and decimal mark.
    first_row : int
        Number of lines before the first row.
    width : int
        Number of columns.
    preamble : Preamble
        Headings, nulls and units.
    sample : (n, width) float64
        The first rows; NaN where there is no number.
    text_columns : frozenset[int]
        Columns that hold texts.
    is_whole : bool
        Whether the sample holds all rows.
    parts_lines : bool
        Whether rows of 999 stand between other rows: the table holds lines.
    doubtful_comma : bool
        Whether its commas may mark decimals or thousands.
    """

    encoding: str
    dialect: Dialect
    first_row: int
    width: int
    preamble: Preamble
    sample: NDArray[np.float64]
    text_columns: frozenset[int]
    is_whole: bool
    parts_lines: bool
    doubtful_comma: bool


@lru_cache(maxsize=16)
def find_layout(head: bytes, is_whole: bool) -> TableLayout | None:
    """Find the layout of a table from its beginning.

    Parameters
    ----------
    head : bytes
        The first bytes of the file, unpacked.
    is_whole : bool
        Whether these are all.

    Returns
    -------
    layout : TableLayout | None
        None if it is no text with rows of three numbers or more.

    Examples
    --------
    >>> layout = find_layout(b"x;y;depth\\n0;0;1500,5\\n50;0;1501,5\\n", True)
    >>> layout.first_row, layout.width, layout.sample[:, 2].tolist()
    (1, 3, [1500.5, 1501.5])
    """
    encoding = detect_encoding(head)
    if encoding is None:
        return None
    lines = LINE_END.split(decode_head(head, encoding))
    if not is_whole:
        lines = lines[:-1]
    dialect = sniff_dialect(lines)
    if dialect is None:
        return None
    rows = []  # (line, words, numbers) of rows with two numbers and a third one, or a null
    for i, line in enumerate(lines):
        if line.strip() and not is_comment(line):
            words = dialect.split(line)
            cells = [dialect.to_number(word) for word in words]
            numbers = len([cell for cell in cells if cell is not None and cell == cell])
            if numbers >= 2 and len(cells) - cells.count(None) >= 3:
                rows.append((i, words, cells))
                if len(rows) > SAMPLE_ROWS:
                    break
    is_whole = is_whole and len(rows) <= SAMPLE_ROWS
    width = Counter(len(words) for _, words, _ in rows).most_common(1)[0][0]
    rows = [row for row in rows if len(row[1]) == width]
    sample = np.array([[np.nan if cell is None else cell for cell in cells] for _, _, cells in rows])
    texts = frozenset(column for column in range(width) if any(cells[column] is None for _, _, cells in rows))
    first_row = rows[0][0]
    breaks = (sample == LINE_SEPARATOR).sum(axis=1) == np.minimum(np.isfinite(sample).sum(axis=1), 3)
    ends = np.flatnonzero(~breaks)
    return TableLayout(
        encoding,
        dialect,
        first_row,
        width,
        read_preamble(lines[:first_row], dialect, width, _count_empty(rows, width)),
        sample[~breaks],
        texts,
        is_whole,
        bool(breaks[: ends[-1]].any() or (breaks.any() and len(ends) < MIN_POINTS)) if len(ends) else True,
        may_be_thousands(dialect, [word for _, words, _ in rows for word in words]),
    )


def _count_empty(rows: list[tuple[int, list[str], list[float | None]]], width: int) -> int:
    """How many columns at the end of the rows are empty."""
    filled = [column for column in range(width) if any(words[column] for _, words, _ in rows)]
    return width - 1 - filled[-1]
