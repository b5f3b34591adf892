"""Rows of a text table as arrays: blocks of lines by pandas, and line by line where a block is irregular."""

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.text_tables.dialect import COMMENTS, NULL_WORDS, Dialect, is_comment
from targets.io.text_tables.layout import LINE_END, LINE_SEPARATOR, TableLayout

BLOCK = 2**25  # characters that are parsed at once
SAMPLE_PLACES, SAMPLE_BYTES = 8, 2**15  # of the file, beside its beginning, from which rows are sampled
MAX_FOOTER = 50  # lines
MAX_LINE = 2**16  # characters; without a limit a file without line ends would be read as a whole
END_MARKS = frozenset(("eod", "eob", "eof", "end", "$", "@", "\x1a", "done", "конец"))
QUOTED = re.compile(r'"[^"\n]*"')
NULL_SPELLINGS = sorted({case(word) for word in NULL_WORDS for case in (str, str.upper, str.title)} | {"NaN"})


def read_columns(
    path: Path, layout: TableLayout, columns: Sequence[int]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Read some columns of a table.

    Parameters
    ----------
    path : Path
        The file, unpacked.
    layout : TableLayout
        As found at its beginning.
    columns : sequence of int
        Columns of numbers, from 0.

    Returns
    -------
    table : (n, columns) float64
        NaN where the file has nothing or a word for nothing; rows of 999 at its end are left out.
    notes : tuple[str, ...]
        What lines at its end were left out.

    Raises
    ------
    UserError
        A line is no row of the table: it names the line.
    """
    reader = _LineReader(path, layout, columns)
    parts, line = [], layout.first_row + 1
    for block in _blocks(path, layout):
        part = None if reader.footer else _parse_block(block, layout, columns)
        parts.append(reader.parse(block, line) if part is None else part)
        line += block.count("\n")
    table = np.concatenate(parts) if parts else np.empty((0, len(columns)))
    last = len(table)
    while last and (table[last - 1] == LINE_SEPARATOR).all():
        last -= 1
    return table[:last], reader.end()


def sample_runs(path: Path, layout: TableLayout) -> list[NDArray[np.float64]]:
    """Rows from several places of a table, (n, width) each, as evidence of what its columns hold."""
    if layout.is_whole:
        return [layout.sample]
    runs = [layout.sample]
    size = path.stat().st_size
    with path.open("rb") as file:
        for place in np.linspace(0, size, SAMPLE_PLACES + 2)[1:-1]:
            file.seek(int(place) // 4 * 4)  # the start of a character in UTF-16 and 32
            codec = {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}.get(
                layout.encoding, layout.encoding
            )
            lines = LINE_END.split(file.read(SAMPLE_BYTES).decode(codec, "replace"))[1:-1]
            rows = [layout.dialect.split(text) for text in lines if text.strip() and not is_comment(text)]
            cells = [[layout.dialect.to_number(word) for word in row] for row in rows if len(row) == layout.width]
            run = np.array([[np.nan if cell is None else cell for cell in row] for row in cells])
            if run.size:
                runs.append(run)
    return runs


def _blocks(path: Path, layout: TableLayout) -> Iterator[str]:
    """Whole lines of the file, after its preamble, in pieces."""
    with path.open(encoding=layout.encoding, errors="replace", newline=None) as file:
        for _ in range(layout.first_row):
            file.readline()
        while block := file.read(BLOCK):
            block += file.readline(MAX_LINE)
            if "\0" in block or (len(block) >= BLOCK + MAX_LINE and block[-1] != "\n"):
                raise UserError(path, "something that is no text behind the first lines", "lines of numbers")
            yield block


def _parse_block(block: str, layout: TableLayout, columns: Sequence[int]) -> NDArray[np.float64] | None:
    """The columns of a block in which every line is a row of numbers; None if one is not."""
    import pandas as pd  # half a second: tools that read no table start without it

    dialect = layout.dialect
    if any(mark in block for mark in COMMENTS) and any(map(is_comment, block.split("\n"))):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            frame = pd.read_csv(
                io.StringIO(block),
                sep=r"\s+" if dialect.separator is None else dialect.separator,
                header=None,
                names=range(layout.width),
                usecols=list(columns),
                index_col=False,
                decimal=dialect.decimal,
                thousands=dialect.thousands or None,
                na_values=NULL_SPELLINGS,
                keep_default_na=False,
                skipinitialspace=True,
                low_memory=False,
                engine="c",
            )
        except ValueError:  # pandas' errors of parsing are such
            return None
    if any(kind.kind not in "if" for kind in frame.dtypes) or not _is_regular(block, len(frame), layout):
        return None
    return frame[list(columns)].to_numpy(np.float64)


def _is_regular(block: str, rows: int, layout: TableLayout) -> bool:
    """Whether rows have as many columns as the first ones, on the whole: a missing column cannot hide."""
    if '"' in block:
        block = QUOTED.sub("q", block)
    if layout.dialect.separator is not None:
        return block.count(layout.dialect.separator) == rows * (layout.width - 1)
    filled = np.frombuffer(block.encode("utf-8"), np.uint8) > ord(" ")
    return bool(np.count_nonzero(filled[1:] & ~filled[:-1]) + int(filled[0]) == rows * layout.width)


class _LineReader:
    """Rows of irregular blocks, line by line, with the lines at the end that are none."""

    def __init__(self, path: Path, layout: TableLayout, columns: Sequence[int]) -> None:
        self.path, self.layout, self.columns = path, layout, columns
        self.footer: list[tuple[int, str]] = []  # lines that may be the end of the table

    def parse(self, block: str, first_line: int) -> NDArray[np.float64]:
        """The rows (n, columns) of a block whose first line has this number in the file."""
        rows = []
        for number, line in enumerate(block.split("\n"), first_line):
            if (
                not line.strip()
                or is_comment(line)
                or (line.lstrip()[:1] == ";" and self.layout.dialect.separator != ";")
            ):
                continue
            row = self._row(line)
            if row is None:
                self.footer.append((number, line))
                if len(self.footer) > MAX_FOOTER:
                    self._refuse()
            elif self.footer:
                self._refuse()
            else:
                rows.append(row)
        return np.array(rows).reshape(len(rows), len(self.columns))

    def end(self) -> tuple[str, ...]:
        """The note about lines at the end that were left out."""
        if not self.footer:
            return ()
        dialect = self.layout.dialect
        words = [dialect.split(line) for _, line in self.footer]
        if not all(_is_footer(row, dialect) for row in words):
            self._refuse()
        unusual = [line.strip() for (_, line), row in zip(self.footer, words, strict=True)
                   if " ".join(row).casefold() not in END_MARKS]  # fmt: skip
        return (f"the table ends with {unusual[0][:60]!r}, which is no point",) if unusual else ()

    def _row(self, line: str) -> list[float] | None:
        """Numbers of the columns, or None if the line is no row."""
        layout = self.layout
        words = layout.dialect.split(line)
        missing = layout.width - len(words)
        if missing > 0 and layout.dialect.separator is not None and len(words) > 1:
            words += [""] * missing  # programs leave out what is empty at the end of a row
        elif missing > 0 or (missing < 0 and all(map(layout.dialect.is_number, words[layout.width :]))):
            return None
        cells = [layout.dialect.to_number(words[column]) for column in self.columns]
        return None if None in cells else [cell for cell in cells if cell is not None]

    def _refuse(self) -> None:
        number, line = self.footer[0]
        words = self.layout.dialect.split(line)
        said = f"line {number} ({line.strip()[:80]!r}) is no row of the table"
        if len(words) != self.layout.width:
            said += f": it holds {len(words)} columns, the lines before {self.layout.width}; damaged or cut off"
        raise UserError(self.path, said, f"numbers in columns {', '.join(str(c + 1) for c in self.columns)}",
                        "correct the line, or export the table again")  # fmt: skip


def _is_footer(words: Sequence[str], dialect: Dialect) -> bool:
    """Whether a line is a remark, not a damaged row."""
    text = "".join(words)
    if set(text) <= set("-=_*$@~.\x1a"):
        return True
    return any(map(str.isalpha, text)) and sum(map(dialect.is_number, words)) < 3
