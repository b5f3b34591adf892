"""Fault lines in a table of points: where one line ends and the next begins.

A line begins where the file says so: after a separator, where a name or the number of a part changes, where the numbers
of the points start again. Rows of one name, or of none, are split further where a ring is closed and more points
follow, and where a step is several times as long as all others and leads off the line's direction. Names never join
what is split: lines of one name stay lines of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from targets.surface.rasterize_faults import FaultLine

JUMP = 5.0  # times the next longest step: a step from one line to the next
DOUBTFUL_JUMP = 3.0  # likewise: a step that may be one
LONG_JUMP = 20.0  # likewise, in whatever direction
MAX_TURN = 45.0  # degrees between a step along a line and the next


@dataclass(frozen=True, eq=False)
class PointTable:
    """Points of fault lines in the order of a file.

    Attributes
    ----------
    points : (n, 3) float64
        x, y and z; z is NaN where there is none.
    blocks : (n,) int64
        Number of the block that separators enclose.
    names : Sequence[str] | None, default None
        Name of each point's fault.
    parts : tuple[(n,) int64, ...], default ()
        Numbers that change from line to line, the widest first.
    order : (n,) float64, default None
        Number of each point in its line.
    is_explicit : bool, default False
        The file itself parts all of its lines: rings and long steps part none.
    """

    points: NDArray[np.float64]
    blocks: NDArray[np.int64]
    names: Sequence[str] | None = None
    parts: tuple[NDArray[np.int64], ...] = ()
    order: NDArray[np.float64] | None = None
    is_explicit: bool = False


def split_points(table: PointTable) -> tuple[list[FaultLine], tuple[str, ...]]:
    """Split a table of points into lines.

    Parameters
    ----------
    table : PointTable
        At least one point.

    Returns
    -------
    lines : list[FaultLine]
        In the order of the table; single points are left out. Without names they are numbered from 0,
        those between separators by block.
    notes : tuple[str, ...]
        What had to be assumed.

    Examples
    --------
    >>> xyz = np.array([[0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 0], [50, 0, 0], [60, 0, 0.0]])
    >>> lines, _ = split_points(PointTable(xyz, np.zeros(6, np.int64), ["A"] * 6))
    >>> [(line.name, len(line.points), line.is_polygon) for line in lines]
    [('A', 4, True), ('A', 2, False)]
    """
    xy, xyz = table.points[:, :2], np.nan_to_num(table.points)  # a stick that stands upright is no ring
    codes = [table.blocks] + ([number_values(table.names)] if table.names is not None else [])
    starts = _changes(codes)
    if not table.is_explicit:
        starts = _after_rings(xyz, starts)
    for part in table.parts:
        starts = _split_open(xyz, starts, _changes([part]))
    if table.order is not None:
        again = np.flatnonzero(np.diff(table.order, prepend=-np.inf) <= 0)
        starts = _split_open(xyz, starts, again)
    notes: list[str] = []
    if not table.is_explicit and not table.parts and table.order is None:
        starts, jumps, doubtful = _after_jumps(xyz, starts)
        if jumps:
            notes.append(f"{_steps_text(jumps, table.names)}: far longer than all others, they part lines and are no "
                         "faults")  # fmt: skip
        if doubtful:
            notes.append(f"{_steps_text(doubtful, table.names)}: longer than all others, they are taken for parts of "
                         "lines; a column of parts, or a blank line, parts them")  # fmt: skip
    ends = np.append(starts[1:], len(xy))
    lines: list[FaultLine] = []
    single = 0
    for first, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if end - first > 1:
            number = int(table.blocks[first]) if table.is_explicit else len(lines)
            name = table.names[first] if table.names is not None else str(number)
            lines.append(FaultLine(name, table.points[first:end]))
        elif not (lines and np.array_equal(xy[first], lines[-1].points[-1, :2])):  # a ring's end may be written twice
            single += 1
    if single:
        notes.append(f"{single:,} single point{'s'[: single != 1]} left out")
    return lines, tuple(notes)


def number_values(values: Sequence[str]) -> NDArray[np.int64]:
    """Number distinct texts as they are met, (n,) int64."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)


def _changes(codes: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Places where any of some columns changes, the first place included."""
    changed = np.zeros(len(codes[0]), bool)
    changed[0] = True
    for code in codes:
        changed[1:] |= code[1:] != code[:-1]
    return np.flatnonzero(changed)


def _split_open(xyz: NDArray[np.float64], starts: NDArray[np.int64], more: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add starts, but none within a ring: an attribute may change along it."""
    ends = np.append(starts[1:], len(xyz))
    is_ring = (xyz[starts] == xyz[ends - 1]).all(axis=1) & (ends - starts > 3)
    run = np.searchsorted(starts, more, side="right") - 1
    return np.union1d(starts, more[~is_ring[run]])


def _after_rings(xyz: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add the places behind closed rings within runs."""
    ends = np.append(starts[1:], len(xyz))
    firsts = np.repeat(xyz[starts], ends - starts, axis=0)
    again = (xyz == firsts).all(axis=1)
    again[starts] = False
    again[ends - 1] = False
    runs = np.unique(np.searchsorted(starts, np.flatnonzero(again), side="right") - 1)
    found = [starts]
    for run in runs.tolist():
        first, end = int(starts[run]), int(ends[run])
        points = list(map(tuple, xyz[first:end].tolist()))
        begin, new = 0, []
        for i, point in enumerate(points):
            if i - begin >= 3 and point == points[begin]:
                while i + 1 < len(points) and points[i + 1] == point:
                    i += 1
                if i + 1 < len(points) and i + 1 not in new:
                    new.append(i + 1)
                begin = i + 1 if i + 1 < len(points) else begin
        found.append(first + np.array(new, np.int64))
    return np.unique(np.concatenate(found))


def _after_jumps(
    xyz: NDArray[np.float64], starts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], list[tuple[int, float]], list[tuple[int, float]]]:
    """Add the places behind steps from one line to the next; (place, length) of these steps, and of doubtful ones."""
    xy = xyz[:, :2]
    ends = np.append(starts[1:], len(xy))
    steps = np.append(np.hypot(*np.diff(xy, axis=0).T), 0.0)
    steps[ends - 1] = 0.0
    longest = np.maximum.reduceat(steps, starts)
    shortest = np.minimum.reduceat(np.where(steps > 0, steps, np.inf), starts)
    is_ring = (xy[starts] == xy[ends - 1]).all(axis=1)
    found: list[tuple[int, float]] = []
    doubtful: list[tuple[int, float]] = []
    for run in np.flatnonzero((ends - starts >= 4) & ~is_ring & (longest >= DOUBTFUL_JUMP * shortest)).tolist():
        first, end = int(starts[run]), int(ends[run])
        if _comes_back(xyz[first:end]):
            continue  # a thin ring without its end
        places, is_jump = _jumps(xy[first:end], steps[first : end - 1])
        for at, jumps in zip((first + places).tolist(), is_jump.tolist(), strict=True):
            (found if jumps else doubtful).append((at, float(steps[at - 1])))
    return np.union1d(starts, np.array([at for at, _ in found], np.int64)), found, doubtful


def _steps_text(steps: Sequence[tuple[int, float]], names: Sequence[str] | None) -> str:
    """Steps by number, names of their lines and length."""
    of = sorted({names[at] for at, _ in steps}) if names is not None else []
    text = f" of {', '.join(of[:3])}{' and others' if len(of) > 3 else ''}" if of else ""
    return f"{len(steps)} step{'s'[: len(steps) != 1]}{text} up to {max(step for _, step in steps):,.5g} long"


def _jumps(xy: NDArray[np.float64], steps: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Places in one run behind a step far longer than the others, and whether it leads to another line.

    That is so if it is many times as long, or turns off from the step before or behind it.
    """
    none = np.empty(0, np.int64), np.empty(0, bool)
    rising = np.sort(steps[steps > 0])
    ratios = rising[1:] / rising[:-1]
    half = len(ratios) // 2  # jumps are fewer than steps along lines
    if not len(ratios[half:]) or (ratio := float(ratios[half:].max())) < DOUBTFUL_JUMP:
        return none
    threshold = rising[half + int(ratios[half:].argmax()) + 1]
    places = np.flatnonzero(steps >= threshold) + 1
    if np.diff([0, *places, len(xy)]).min() < 2:
        return none
    before, jump, after = (xy[at] - xy[at - 1] for at in (places - 1, places, np.minimum(places + 1, len(xy) - 1)))
    turned = (_angle(before, jump) > MAX_TURN) | (_angle(jump, after) > MAX_TURN)
    return places, (turned & (ratio >= JUMP)) | (ratio >= LONG_JUMP)


def _angle(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Degrees between vectors, (n,)."""
    cross = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
    return np.degrees(np.abs(np.arctan2(cross, (one * other).sum(axis=1))))


def close_rings(lines: Sequence[FaultLine], says_polygon: bool = False) -> tuple[list[FaultLine], int]:
    """Repeat the first point of rings that lack it.

    Parameters
    ----------
    lines : Sequence[FaultLine]
        Of one file.
    says_polygon : bool, default False
        The file says that its lines are polygons; else a line of four points or more is one where the step from its
        end back to its start is no longer than its longest step: a trace does not come back.

    Returns
    -------
    lines : list[FaultLine]
    count : int
        Lines that were closed.
    """
    closed, count = [], 0
    for line in lines:
        if not line.is_polygon and _comes_back(np.nan_to_num(line.points), says_polygon):
            line = FaultLine(line.name, np.concatenate([line.points, line.points[:1]]))
            count += 1
        closed.append(line)
    return closed, count


def _comes_back(xyz: NDArray[np.float64], says_polygon: bool = False) -> bool:
    if len(xyz) < (3 if says_polygon else 4) or not np.ptp(xyz[:, :2], axis=0).all():
        return False
    if says_polygon:
        return True
    gap = float(np.linalg.norm(xyz[0] - xyz[-1]))  # in space: a stick does not come back
    longest = float(np.linalg.norm(np.diff(xyz, axis=0), axis=1).max())
    return 0 < gap <= 1.001 * longest and not _closing_step_crosses(xyz[:, :2])


def _closing_step_crosses(xy: NDArray[np.float64]) -> bool:
    """Whether the step from the end back to the start crosses the line: two lines one below the other are no ring."""
    start, end = xy[1:-2], xy[2:-1]  # the first and the last step share a point with it
    last, first = xy[-1], xy[0]

    def side(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.sign((b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1])
                       - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0]))  # fmt: skip

    apart = (side(last, first, start) * side(last, first, end) < 0) & (
        side(start, end, last) * side(start, end, first) < 0
    )
    return bool(apart.any())
