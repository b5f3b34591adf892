"""Columns of a table of points: x, y and z as the user names them, by their headings, or by evidence."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from targets.errors import UserError
from targets.io.grids.points import evidence
from targets.io.grids.points.evidence import Runs
from targets.io.text_tables.headings import Heading, Role
from targets.io.text_tables.layout import TableLayout

HINT = "name the columns by number from 1 or by heading: --columns x=1,y=2,z=3"
AXES = ("x", "y", "z")
MAX_UNNAMED = 12  # columns of a table without headings
MIN_ROWS = 5  # from which the columns of a table without headings are known


@dataclass(frozen=True)
class PointColumns:
    """Where a table of points has its coordinates and depths.

    Attributes
    ----------
    x, y, z : int
        Columns, from 0.
    notes : tuple[str, ...], default ()
        What was assumed.
    is_located : bool, default True
        False: x and y are line numbers, not coordinates.
    """

    x: int
    y: int
    z: int
    notes: tuple[str, ...] = ()
    is_located: bool = True


def find_columns(layout: TableLayout, runs: Runs, chosen: Sequence[str] | None = None) -> PointColumns:
    """Find x, y and z among the columns of a table.

    Parameters
    ----------
    layout : TableLayout
        Its headings say what the columns hold, in any order.
    runs : sequence of (n, width) float64
        Rows from several places of the table: the evidence where there are no headings.
    chosen : sequence of str | None, default None
        What the user says, such as ``("x=3", "y=4", "z=5")``.

    Returns
    -------
    columns : PointColumns

    Raises
    ------
    UserError
        They cannot be distinguished.
    """
    headings = layout.preamble.headings
    found = _chosen(chosen or (), headings, layout.width)
    if len(found) == len(AXES):
        return PointColumns(found["x"], found["y"], found["z"])
    numeric = [column for column in range(layout.width) if column not in layout.text_columns]
    if headings:
        return _by_headings(headings, numeric, runs, found)
    if found:
        raise UserError("--columns", f"only {', '.join(found)}, and the table has no headings", "x, y and z", HINT)
    if layout.preamble.misfit:
        raise UserError("table", f"the headings {layout.preamble.misfit!r} do not fit {layout.width} columns",
                        "one heading a column", HINT)  # fmt: skip
    filled = [column for column in numeric if any(np.isfinite(run[:, column]).any() for run in runs)]
    return _by_evidence(filled, runs, layout.width)


def _chosen(chosen: Sequence[str], headings: Sequence[Heading], width: int) -> dict[str, int]:
    """{axis: column} of words such as x=3 or z=Depth."""
    found = {}
    for word in chosen:
        axis, equals, name = (part.strip() for part in word.partition("="))
        if not equals or axis.lower() not in AXES:
            raise UserError("--columns", repr(word), "x, y and z with a column each, such as x=3,y=4,z=5")
        same = [i for i, heading in enumerate(headings) if heading.text.strip().casefold() == name.casefold()]
        if len(same) == 1:
            found[axis.lower()] = same[0]
        elif name.isdecimal() and 1 <= int(name) <= width:
            found[axis.lower()] = int(name) - 1
        else:
            known = f", or a heading: {_listed(headings)}" if headings else ""
            raise UserError("--columns", f"{word!r}: {len(same)} columns of this name" if same else f"no column {name}",
                            f"a number from 1 to {width}{known}")  # fmt: skip
    if len(set(found.values())) < len(found):
        raise UserError("--columns", "one column given twice", "three columns")
    return found


def _by_headings(
    headings: Sequence[Heading], numeric: Sequence[int], runs: Runs, found: dict[str, int]
) -> PointColumns:
    """Columns by their headings; a single one whose heading says nothing is the one that is missing."""
    if not found and all(headings[column].role == "other" for column in numeric):
        return _by_evidence(list(numeric), runs, len(headings))
    free = [column for column in numeric if column not in found.values()]
    if not {"x", "y"} & set(found) and (pair := _coordinate_pair(headings, free)):
        found = found | {"x": pair[0], "y": pair[1]}
    free = [column for column in free if column not in found.values()]
    notes: tuple[str, ...] = ()
    if "z" not in found:
        depth, notes = _depth_column(headings, free, {"x", "y"} <= set(found))
        found = found | ({} if depth is None else {"z": depth})
    if set(found) == {"z"}:
        lines = _of_role(headings, free, "line")
        unknown = [column for column in _of_role(headings, free, "other") if column != found["z"]]
        if len(unknown) == 2 and evidence.looks_like_grid(runs, *unknown):
            found = found | {"x": unknown[0], "y": unknown[1]}
            notes = (*notes, f"columns {_listed(headings, unknown)} are taken as x and y (--columns names others)")
        elif len(lines) >= 2 and not unknown:
            names = _listed(headings, lines[:2])
            notes = (*notes, f"no coordinates, only line numbers ({names}): no location, and areas are in cells")
            return PointColumns(lines[1], lines[0], found["z"], notes, is_located=False)
    if missing := [axis for axis in AXES if axis not in found]:
        raise UserError("table", f"no single column of {' and '.join(missing)} among {_listed(headings)}", "x, y and z",
                        HINT)  # fmt: skip
    return PointColumns(found["x"], found["y"], found["z"], notes)


def _depth_column(
    headings: Sequence[Heading], free: Sequence[int], has_places: bool
) -> tuple[int | None, tuple[str, ...]]:
    """The column of depths, and the note if another one could be meant."""
    depths, unknown = _of_role(headings, free, "z"), _of_role(headings, free, "other")
    if not depths:
        if not has_places or len(unknown) != 1:
            return None, ()
        return unknown[0], (
            f"column {headings[unknown[0]].text!r} is taken as the depth (--columns z=... names another)",
        )
    first = min(headings[column].rank for column in depths)
    best = [column for column in depths if headings[column].rank == first]
    if len(best) > 1:
        raise UserError("table", f"several columns of depths: {_listed(headings, best)}", "one", HINT)
    others = [column for column in depths if column != best[0]]
    if not others:
        return best[0], ()
    taken = f"column {headings[best[0]].text!r} is taken as the depth, not {_listed(headings, others)}"
    return best[0], (f"{taken} (--columns z=... names another)",)


def _coordinate_pair(headings: Sequence[Heading], free: Sequence[int]) -> tuple[int, int] | None:
    """The columns of x and y: of one kind where there are several."""
    xs, ys = _of_role(headings, free, "x"), _of_role(headings, free, "y")
    ys = ys or [i for i in free if headings[i].text.strip().casefold() == "n" and headings[i].role == "index"]
    if len(xs) == len(ys) == 1:
        return xs[0], ys[0]
    for rank in range(3):
        pair = [[i for i in columns if headings[i].rank == rank] for columns in (xs, ys)]
        if len(pair[0]) == len(pair[1]) == 1:
            return pair[0][0], pair[1][0]
    return None


def _by_evidence(columns: list[int], runs: Runs, width: int) -> PointColumns:
    """Columns of a table without headings, in one of the orders that programs write."""
    while len(columns) > 3 and evidence.counts_rows(runs, columns[0]):
        columns = columns[1:]
    if len(columns) < 3 or len(columns) > MAX_UNNAMED:
        raise UserError("table", f"{width} columns, {len(columns)} of them with numbers",
                        f"3 to {MAX_UNNAMED}: x, y, z, perhaps line numbers or attributes", HINT)  # fmt: skip
    a, b, c, *rest = columns
    if evidence.counts_rows(runs, c) and width > len(AXES):
        raise UserError("table", f"column {c + 1} only counts the rows", "x, y and z", HINT)
    if not rest:
        moved = () if (a, b, c) == (0, 1, 2) else (_note((a, b, c)),)
        return PointColumns(a, b, c, moved + _line_number_note(runs, a, b))
    if sum(map(len, runs)) < MIN_ROWS:
        raise UserError("table", f"{width} columns without headings in {sum(map(len, runs))} rows", "x, y, z", HINT)
    if len(rest) >= 2 and (matrix := evidence.map_affinely(runs, (a, b), (c, rest[0]))) is not None:
        lines = _which_are_lines(runs, (a, b), (c, rest[0]), abs(float(np.linalg.det(matrix))))
        if lines is not None:
            x, y = (c, rest[0]) if lines == (a, b) else (a, b)
            return PointColumns(x, y, rest[1], (_note((x, y, rest[1]), lines),))
    elif len(rest) >= 2 and evidence.map_affinely(runs, (a, b), (rest[0], rest[1])) is not None:
        return PointColumns(a, b, c, (_note((a, b, c), (rest[0], rest[1])),))
    elif evidence.looks_like_grid(runs, a, b) and _can_be_depth(runs, (a, b), c, rest):
        return PointColumns(a, b, c, (_note((a, b, c)),))
    raise UserError("table", f"{width} columns without headings, and their numbers do not show which are x, y and z",
                    "x, y, z, perhaps with line numbers or attributes", HINT)  # fmt: skip


def _which_are_lines(
    runs: Runs, first: tuple[int, int], second: tuple[int, int], ratio: float
) -> tuple[int, int] | None:
    """Of two pairs of columns that follow from each other, the line numbers: whole ones, or smaller steps."""
    whole = [pair for pair in (first, second) if evidence.is_whole(runs, *pair)]
    if len(whole) == 1:
        return whole[0]
    if 0.5 < ratio < 2:
        return None
    return first if ratio > 1 else second


def _can_be_depth(runs: Runs, xy: tuple[int, int], z: int, others: Sequence[int]) -> bool:
    """Whether z is neither a line number nor a filler while another column varies."""
    varied = [column for column in others if not evidence.is_constant(runs, column)]
    if evidence.is_constant(runs, z):
        return not varied
    return not evidence.follows(runs, z, *xy) or all(evidence.follows(runs, column, *xy) for column in varied)


def _line_number_note(runs: Runs, x: int, y: int) -> tuple[str, ...]:
    """A note where x and y may be the numbers of lines and traces."""
    steps = [np.diff(np.unique(np.concatenate([run[:, column] for run in runs]))) for column in (x, y)]
    if evidence.is_whole(runs, x, y) and all(len(step) and step.min() == 1 for step in steps):
        return ("x and y are whole and rise by 1: if they are line numbers, areas are in cells",)
    return ()


def _note(axes: tuple[int, int, int], lines: tuple[int, int] | None = None) -> str:
    numbers = f", columns {lines[0] + 1}, {lines[1] + 1} as numbers of lines" if lines else ""
    return f"columns {', '.join(str(axis + 1) for axis in axes)} are taken as x, y, z{numbers} (--columns names others)"


def _of_role(headings: Sequence[Heading], columns: Sequence[int], role: Role) -> list[int]:
    return [column for column in columns if headings[column].role == role]


def _listed(headings: Sequence[Heading], columns: Sequence[int] | None = None) -> str:
    """The texts of headings, of some columns or of all."""
    chosen = range(len(headings)) if columns is None else columns
    return ", ".join(headings[column].text.strip() or "(none)" for column in chosen)
