"""Tables of points of fault lines: with or without headings, in any dialect, parted by separators, names or parts."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.faults.columns import Column, find_z_unit, make_point_table
from targets.io.faults.fault_format import FaultFile, FaultFormat, read_text
from targets.io.faults.splitting import split_points
from targets.io.text_tables.dialect import NULL_WORDS, Dialect, is_comment, may_be_thousands, sniff_dialect
from targets.io.text_tables.preamble import read_preamble
from targets.surface.rasterize_faults import FaultLine

NULL_FLOOR = 1e29  # programs write 1e30 for an undefined number
# What stands in all columns of a row between two lines: 999 of RMS and IRAP, and what other programs write.
SEPARATORS = (999.0, 9999.0, 99999.0, 999999.0, 9999999.0, 999.25, 9999.25)
UNDEFINED = (-999.0, -9999.0, -99999.0, -999.25, 99999.0, 999999.0, 9999999.0)  # of a z; 999 m is a depth
BREAKS = (">", "->")  # begin a line between two fault lines, in GMT and CPS-3
MARKS = frozenset(["end", "eod", "eof", "stop"])  # alone on a line
GMT_OPTION = re.compile(r"-[A-KM-Z]\S*\s*|-L(?=\S)")  # behind the > of GMT; -L is followed by a label
SNIFFED_ROWS = 200
DIGITS = frozenset("0123456789+-.")  # begin a number


@dataclass
class _Blocks:
    """Rows of a text, and the blocks between separators that they lie in.

    Attributes
    ----------
    rows : list[list[str]]
        The words of the rows.
    block : list[int]
        Number of the block of each row.
    titles : dict[int, str]
        {block: its title}.
    preamble : list[str]
        Lines before the first row.
    footers : list[str]
        Lines behind the last row.
    """

    rows: list[list[str]] = field(default_factory=list)
    block: list[int] = field(default_factory=list)
    titles: dict[int, str] = field(default_factory=dict)
    preamble: list[str] = field(default_factory=list)
    footers: list[str] = field(default_factory=list)


def read_table(path: Path) -> FaultFile:
    """Read a table of points of fault lines.

    Parameters
    ----------
    path : Path
        A text file.

    Returns
    -------
    file : FaultFile

    Raises
    ------
    UserError
        It is no text, or no table in which x and y are found.
    """
    text, notes = read_text(path)
    return parse_table(text.split("\n"), path, notes)


def parse_table(lines: Sequence[str], where: object, notes: tuple[str, ...] = ()) -> FaultFile:
    """Make fault lines of the lines of a text.

    Parameters
    ----------
    lines : Sequence[str]
        Headings and comments among them.
    where : object
        What an error names.
    notes : tuple[str, ...], default ()
        What was assumed before.

    Returns
    -------
    file : FaultFile

    Raises
    ------
    UserError
        x and y are not found.

    Examples
    --------
    >>> file = parse_table(["Fault;X;Y", "F1;0,5;0", "F1;9;1", "F2;0;5", "F2;9;6,5"], "faults.csv")
    >>> [(line.name, line.points[0, :2].tolist()) for line in file.lines]
    [('F1', [0.5, 0.0]), ('F2', [0.0, 5.0])]
    """
    dialect = _find_dialect(lines, where)
    blocks = _find_blocks(lines, dialect)
    rows = _split_rows(blocks, dialect, where)
    if not rows:
        raise UserError(where, "holds no line of two points or more", "fault polygons or traces")
    width = len(rows[0])
    preamble = read_preamble(blocks.preamble, dialect, width)
    headings = [heading.text.strip(" \"'") for heading in preamble.headings] or _plain_headings(blocks, dialect, width)
    if preamble.misfit:
        raise UserError(where, f"columns {preamble.misfit[:200]!r}, but rows of {width}", "a heading for each column")
    columns = [
        Column(words, _numbers(words, dialect), headings[i] if headings else "")
        for i, words in enumerate(map(list, zip(*rows, strict=True)))
    ]
    block = np.array(blocks.block, np.int64)
    table = make_point_table(columns, block, where)
    points = table.points
    breaks = _separator_rows(points)
    if breaks.any() and not breaks.all():
        separated = block + np.cumsum(breaks)  # so that they are numbered as they stand
        columns = [Column([word for word, out in zip(column.words, breaks, strict=True) if not out],
                          None if column.numbers is None else column.numbers[~breaks], column.heading)
                   for column in columns]  # fmt: skip
        table = make_point_table(columns, separated[~breaks], where)
    elif breaks.all():
        raise UserError(where, "holds no line of two points or more", "fault polygons or traces")
    z = table.points[:, 2]
    z[(np.abs(z) > NULL_FLOOR) | np.isin(z, UNDEFINED)] = np.nan
    found, more = split_points(table)
    is_named = table.names is not None
    if not is_named and blocks.titles and not breaks.any():
        found = [FaultLine(blocks.titles.get(int(line.name), line.name), line.points) for line in found]
        is_named = True
    if footers := blocks.footers:
        more = (
            f"{len(footers)} line{'s'[: len(footers) != 1]} behind the points left out ({footers[0][:40]!r})",
            *more,
        )
    return FaultFile(found, is_named, (*notes, *more), z_unit=find_z_unit(columns, where))


def _find_dialect(lines: Sequence[str], where: object) -> Dialect:
    body = [line for line in lines if line.strip() and not line.lstrip().startswith(BREAKS)]
    if not any(not is_comment(line) for line in body):
        raise UserError(where, "holds no lines", "fault polygons or traces")
    sample = [line for line in body if any(map(str.isdigit, line))][: 2 * SNIFFED_ROWS]
    if not sample:
        raise UserError(where, "holds no line of two points or more", "fault polygons or traces")
    dialect = sniff_dialect(sample * 2 if len(sample) < 4 else sample, 2)  # of a few rows, all but one may be wrong
    if dialect is None:
        raise UserError(where, "not a table of coordinates: hardly a row of two numbers", "columns x, y and perhaps z")
    words = [word for line in sample[-SNIFFED_ROWS:] for word in dialect.split(line)]
    if may_be_thousands(dialect, words):
        raise UserError(where, "commas that may mark decimals or thousands, such as 461,500",
                        "numbers with one reading", "write decimal points")  # fmt: skip
    return dialect


def _find_blocks(lines: Sequence[str], dialect: Dialect) -> _Blocks:
    """Sort the lines of a text into rows, separators and what stands before them."""
    found, block, pending, title = _Blocks(), 0, False, ""
    blank_parted = 0
    separator = dialect.separator
    for line in lines:
        text = line.strip()
        if not text:
            pending = pending or bool(found.rows)
            blank_parted += bool(found.rows)
            continue
        if not (text[0].isdigit() or text[0] == "-"):
            if text.startswith(">"):
                pending, title = True, GMT_OPTION.sub("", text[1:].strip()).strip('"') or title
                continue
            if is_comment(text):
                if not found.rows:
                    found.preamble.append(text)
                elif not _is_row(dialect.split(text.lstrip("#!%/@ ")), dialect):  # no point that was left out
                    pending = True
                continue
            if text.casefold() in MARKS or _is_blank(dialect.split(text)):
                pending = True
                continue
        elif text.startswith("->"):
            pending, title = True, text[2:].strip().strip('"') or title
            continue
        elif _is_blank([text]):
            pending = True
            continue
        is_plain = '"' not in text and (separator is None or " " not in text)
        words = line.split(separator) if is_plain else dialect.split(line)
        if not found.rows and not _is_row(words, dialect):
            found.preamble.append(text)
        elif found.rows and _is_title(words, len(found.rows[0]), pending):
            pending, title = True, text.strip('"')
        else:
            if pending and found.rows:
                block += 1
            if title:
                found.titles[block] = title
            pending, title = False, ""
            found.rows.append(words)
            found.block.append(block)
    if block == len(found.rows) - 1 > 1 and blank_parted >= block:  # a blank line behind every row parts nothing
        found.block = [0] * len(found.rows)
    if title and found.rows:
        found.footers.append(title)
    if found.titles and 0 not in found.titles and found.preamble and not is_comment(found.preamble[-1]):
        found.titles[0] = found.preamble.pop().strip('"')
    return found


def _is_blank(words: Sequence[str]) -> bool:
    """Whether a row holds nothing but lines of marks, and what programs write for nothing."""
    return all(not word.strip("-=_*~ ") or word.casefold() in NULL_WORDS for word in words)


def _is_row(words: Sequence[str], dialect: Dialect) -> bool:
    return len(words) >= 2 and sum(map(dialect.is_number, words)) >= 2


def _is_title(words: Sequence[str], width: int, is_first: bool) -> bool:
    """Whether a line between rows of a width, or right behind a separator, is the name of the line that follows."""
    if len(words) == width and (words[0][:1] in DIGITS or (width > 2 and words[1][:1] in DIGITS)):
        return False
    numbers = sum(word[:1] in DIGITS for word in words)
    return len(words) == 1 or numbers == 0 or (numbers == 1 and (is_first or len(words) != width))


def _split_rows(blocks: _Blocks, dialect: Dialect, where: object) -> list[list[str]]:
    """Rows of one width; the lines behind them that are none become footers."""
    rows = blocks.rows
    widths = Counter(map(len, rows))
    usual = widths.most_common(1)[0][0] if rows else 0
    while rows and (numbers := sum(map(dialect.is_number, rows[-1]))) < 2 and (not numbers or len(rows[-1]) != usual):
        blocks.footers.insert(0, " ".join(rows.pop()))
        blocks.block.pop()
    widths = Counter(map(len, rows))
    return _same_width(rows, widths, dialect, where) if len(widths) > 1 else rows


def _same_width(rows: list[list[str]], widths: Counter[int], dialect: Dialect, where: object) -> list[list[str]]:
    """Rows whose names of several words, or empty last columns, make them differ in width."""
    if dialect.separator is not None:
        width = max(widths)
        empty = [row[widths.most_common(1)[0][0] :] for row in rows]
        if not any(any(rest) for rest in empty):
            width = widths.most_common(1)[0][0]
            if all(len(row) >= width for row in rows):
                return [row[:width] for row in rows]
    else:
        lead = min(next((i for i, word in enumerate(row) if not dialect.is_number(word)), len(row)) for row in rows)
        if lead >= 2 and all(len(row) > lead and not dialect.is_number(row[lead]) for row in rows):
            return [[*row[:lead], " ".join(row[lead:])] for row in rows]
    usual = widths.most_common(1)[0][0]
    odd = next(i for i, row in enumerate(rows) if len(row) != usual)
    raise UserError(where, f"not a table of numbers (row {odd + 1} has {len(rows[odd])} columns, most have {usual}: "
                    f"{' '.join(rows[odd])[:60]!r})", "columns x, y and perhaps z")  # fmt: skip


def _plain_headings(blocks: _Blocks, dialect: Dialect, width: int) -> list[str]:
    """A line of as many words as there are columns right above the rows, none of them known."""
    if not blocks.preamble or is_comment(blocks.preamble[-1]):
        return []
    words = dialect.split(blocks.preamble[-1])
    return words if len(words) == width and not any(map(dialect.is_number, words)) else []


def _numbers(words: list[str], dialect: Dialect) -> NDArray[np.float64] | None:
    """The numbers of a column; None if any word is no number, NaN where there is none."""
    marked = dialect.decimal == ","
    if not dialect.thousands and not (marked and any("." in word for word in words)):
        try:
            return np.array([float(word.replace(",", ".")) for word in words] if marked else list(map(float, words)))
        except ValueError:
            pass
    cells = [dialect.to_number(word.strip()) for word in words]
    if None in cells:
        return None
    return np.array(cells, np.float64)


def _separator_rows(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Rows that hold one and the same mark in all of x, y and z, (n,) bool."""
    x = points[:, 0]
    mark = np.isin(np.abs(x), SEPARATORS) | (np.abs(x) > NULL_FLOOR)
    with np.errstate(invalid="ignore"):
        z = points[:, 2]
        return mark & (x == points[:, 1]) & ((z == x) | np.isnan(z) | (np.abs(z) > NULL_FLOOR) | (z == 0))


TABLE = FaultFormat("table of points", lambda head: True, read_table, catch_all=True)
