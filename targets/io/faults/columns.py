"""Columns of a table of fault points: which are x, y and z, and which tell its lines apart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.faults.splitting import PointTable, number_values
from targets.io.text_tables.headings import parse_heading

Role = Literal["x", "y", "z", "name", "part", "order", "other"]
# Headings without spaces and marks, in lower case. Names of an earlier rank win.
NAMES = (
    "fault faultname faults faultid nameoffault разлом разломы имяразлома названиеразлома сброс нарушение",
    "name names label title имя название наименование nom nombre",
    "polyname polygonname linename objectname object",
)
PARTS = (
    "polyid poly polygon polygonid part parts partid segment seg segm segid segmentid line lineid polyline polylineid "
    "stick sticks stickid stickno stickidx sticknr sticknumber ring ringid piece vertexpart subpart"
)
ORDERS = (
    "order vertex vertexid vertexindex vertexno node nodes nodeid nodeidx nodeno point pointid pointno pnt pntno seq "
    "sequence idx index rank nr no n num ptno vertexpartindex"
)
IDS = "id fid oid objectid gid ids ид номер"
MAX_DEPTH = 1e5  # of a depth in a table without headings: what is larger is a northing


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table.

    Attributes
    ----------
    words : Sequence[str]
        The cells as they stand in the file.
    numbers : (n,) float64, default None
        Their numbers; None if any is no number.
    heading : str, default ''
        Of the column.
    """

    words: Sequence[str]
    numbers: NDArray[np.float64] | None
    heading: str = ""

    @property
    def key(self) -> str:
        """The heading without marks and units."""
        bare = re.sub(r"[(\[{].*", "", self.heading.casefold())
        return re.sub(r"[\W_]+", "", bare)


def make_point_table(columns: Sequence[Column], blocks: NDArray[np.int64], where: object) -> PointTable:
    """Find out what the columns of a table of fault points hold.

    With headings, x, y and z are named by them, and so are the columns of names ("fault", "name", ...), of parts
    ("poly_id", "segment", "stick", ...) and of the order of points; other columns are attributes. Without headings the
    first numbers are x, y and perhaps z. A column behind them, or of texts, that stays the same over some rows tells
    lines apart; one that counts the rows starts a line where it starts again.

    Parameters
    ----------
    columns : Sequence[Column]
        At least two.
    blocks : (n,) int64
        As in `PointTable`.
    where : object
        What an error names.

    Returns
    -------
    table : PointTable

    Raises
    ------
    UserError
        x and y are not found.
    """
    has_headings = any(column.heading for column in columns)
    x, y, z = _headed_places(columns, where) if has_headings else _first_numbers(columns, where)
    points = np.full((len(blocks), 3), np.nan)
    for i, place in enumerate((x, y, z)):
        if place is not None:
            points[:, i] = columns[place].numbers
    rest = [column for i, column in enumerate(columns) if i not in (x, y, z)]
    has_words = any(_role(column) != "other" for column in rest)
    coded = [(column, number_values(column.words)) for column in rest]
    roles = [_confirmed_role(column, codes, blocks, has_words) for column, codes in coded]
    by_role = {role: [one for one, given in zip(coded, roles, strict=True) if given == role] for role in roles}
    named = sorted(by_role.get("name", []), key=lambda one: _rank(one[0]))
    parts = by_role.get("part", [])
    is_explicit = bool(blocks[-1] != blocks[0]) or bool(parts)
    keys = [*named, *parts]
    names = _tidy(keys[0][0].words) if keys else None
    if names is not None and named:
        _check_names(named[0][1], names, blocks, where)
    order = next((column.numbers for column, _ in by_role.get("order", [])), None)
    return PointTable(points, blocks, names, tuple(codes for _, codes in keys[1:]), order, is_explicit)


def find_z_unit(columns: Sequence[Column], where: object) -> str | None:
    """The unit of z that its heading names; None without one."""
    if not any(column.heading for column in columns):
        return None
    place = _headed_places(columns, where)[2]
    return None if place is None else parse_heading(columns[place].heading).unit


def _headed_places(columns: Sequence[Column], where: object) -> tuple[int, int, int | None]:
    """Places of x, y and z by their headings."""
    found: dict[str, list[tuple[int, int]]] = {"x": [], "y": [], "z": []}
    for i, column in enumerate(columns):
        heading = parse_heading(column.heading)
        if heading.role in found:
            found[heading.role].append((heading.rank, i))
    pairs = [(rank, i, j) for rank, i in found["x"] for other, j in found["y"] if rank == other]
    if not pairs:
        raise UserError(where, f"columns {', '.join(column.heading for column in columns)}",
                        "x, y, perhaps z, and one that names the fault: poly_id, fault, id or name")  # fmt: skip
    _, x, y = min(pairs)
    depths = [i for _, i in sorted(found["z"]) if columns[i].numbers is not None]
    for i in (x, y):
        if columns[i].numbers is None:
            word = next(word for word in columns[i].words if not _is_number(word))
            raise UserError(where, f"not numbers ({word[:40]!r})", "numbers in the columns x, y and z")
    return x, y, depths[0] if depths else None


def _is_number(word: str) -> bool:
    try:
        float(word.replace(",", "."))
        return True
    except ValueError:
        return False


def _first_numbers(columns: Sequence[Column], where: object) -> tuple[int, int, int | None]:
    """Places of the first three columns of numbers; the third may count the lines in place of a depth."""
    places = [i for i, column in enumerate(columns) if column.numbers is not None]
    if len(places) < 2:
        raise UserError(where, "not a table of coordinates", "columns x, y and perhaps z")
    if len(places) == 2:
        return places[0], places[1], None
    first, z = columns[places[0]].numbers, columns[places[2]].numbers
    assert first is not None and z is not None
    if len(places) > 3 and _counts_lines(first):  # id x y z
        return places[1], places[2], places[3]
    size = np.abs(z[np.abs(z) < 1e29])
    if size.size and np.median(size) > MAX_DEPTH:
        raise UserError(where, f"{np.median(size):g} in the place of a depth: the columns are not x, y, z",
                        "x, y, perhaps z, and what names the line", "name the columns: x,y,z,name")  # fmt: skip
    has_other = any(len(set(columns[i].words)) > 1 for i in range(len(columns)) if i not in places[:3])
    return places[0], places[1], None if not has_other and _counts_lines(z) else places[2]


def _counts_lines(values: NDArray[np.float64]) -> bool:
    """Whether numbers count lines: 1 1 1 2 2 2 3 3."""
    steps = np.diff(values)
    runs = np.diff(np.flatnonzero(np.concatenate([[True], steps != 0, [True]])))
    is_count = bool(np.isin(steps, (0, 1)).all() and values[0] in (0, 1) and len(runs) > 1)
    return is_count and bool(runs.min() > 1)


def _role(column: Column) -> Role:
    """What the heading of a column says."""
    key = column.key
    if any(key in rank.split() for rank in NAMES):
        return "name"
    if key in PARTS.split():
        return "part"
    return "order" if key in ORDERS.split() else "other"


def _confirmed_role(column: Column, codes: NDArray[np.int64], blocks: NDArray[np.int64], has_words: bool) -> Role:
    """What a column is by its heading and its values; one of an unknown heading counts where no heading is known."""
    role, is_id = _role(column), column.key in IDS.split()
    inside = blocks[1:] == blocks[:-1]
    changes = int(((codes[1:] != codes[:-1]) & inside).sum())
    steps = np.diff(column.numbers)[inside] if _is_whole(column) and column.numbers is not None else np.empty(0)
    counts = bool(changes) and bool((steps == 1).sum() > 0.5 * len(steps) and (steps == 0).sum() < 0.1 * len(steps) + 1)
    stays = changes <= len(codes) // 2
    if role == "order":
        rises = bool(len(steps)) and (steps > 0).mean() > 0.5
        return "order" if rises else "part" if stays else "other"
    if counts:
        return "order" if role != "other" or is_id or not has_words else "other"
    if role == "other" and stays and (is_id or not has_words):
        return "name"
    return role


def _is_whole(column: Column) -> bool:
    return column.numbers is not None and bool((column.numbers == np.round(column.numbers)).all())


def _rank(column: Column) -> int:
    """Rank of a column of names; texts before numbers where no heading says it."""
    ranks = [rank for rank, words in enumerate(NAMES) if column.key in words.split()]
    return ranks[0] if ranks else len(NAMES) + _is_number(column.words[0])


def _check_names(codes: NDArray[np.int64], names: Sequence[str], blocks: NDArray[np.int64], where: object) -> None:
    """Refuse rows that are not sorted by their faults."""
    changes = int((codes[1:] != codes[:-1]).sum())
    if len(codes) > 3 and changes > 0.75 * (len(codes) - 1) and changes > 2 * len(set(names)):
        raise UserError(where, f"the faults alternate from row to row ({names[0]}, {names[1]}, …)",
                        "the points of a line one below the other", "sort the rows by fault")  # fmt: skip


def _tidy(words: Sequence[str]) -> list[str]:
    """Names without the decimals of whole numbers: 1.0 is 1."""
    tidy = {word: match[1] if (match := re.fullmatch(r"([+-]?\d+)\.0*", word)) else word for word in set(words)}
    return [tidy[word] for word in words]
