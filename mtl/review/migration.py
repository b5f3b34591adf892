"""Migration on the review page: where what rises from a cell ends up, what it fills, and the best points to charge."""

from typing import Any

from targets.analysis.analyse import Analysis
from targets.closure import find_best_charge_points, trace_migration
from targets.units.columns import format_number

MAX_POINTS = 50  # to charge; more are no choice


def describe_migration(analysis: Analysis, row: int, col: int) -> dict[str, Any]:
    """Describe the way of what rises from a cell, in plain types.

    Parameters
    ----------
    analysis : Analysis
        Of the map.
    row, col : int
        The cell.

    Returns
    -------
    dict[str, Any]
        paths, lists of (row, column); chain, ids of the outermost closures that fill; lines, what happens in words.

    Raises
    ------
    UserError
        The cell lies off the map.
    """
    way = trace_migration(analysis.closures, row, col)
    lines = []
    if not way.fills:
        lines.append("Leaves the map before it reaches a closure.")
    for number, key in enumerate(way.fills):
        where = "Fills" if number == 0 else "then" if key != way.fills[-1] else "then all of"
        lines.append(f"{where} {describe_closure(analysis, key)}.")
    for key, onward in zip(way.chain, (*way.chain[1:], 0), strict=True):
        record = analysis.closures.table[key - 1]
        depth = analysis.scene.geo.units.format_depth(float(record["spill_depth"]))
        if onward:
            goal = f"into {describe_closure(analysis, onward)}"
        elif record["spills_into"] > 0:
            goal = f"back into closure {record['spills_into']}"
        else:
            goal = "out of the map"
        lines.append(f"Closure {key} spills at {depth} {goal}.")
    return {"paths": [path.tolist() for path in way.paths], "chain": list(way.chain), "lines": lines}


def describe_charge_points(analysis: Analysis, count: int) -> dict[str, Any]:
    """Describe the best points to charge, in plain types.

    Parameters
    ----------
    analysis : Analysis
        Of the map.
    count : int
        Number of points, at most `MAX_POINTS` of which are given.

    Returns
    -------
    dict[str, Any]
        points, lists of row and column; chain, ids of all outermost closures that they fill; lines, a line a point.
    """
    volumes, units = analysis.table["volume"], analysis.scene.geo.units
    points = find_best_charge_points(analysis.closures, min(count, MAX_POINTS), volumes)
    lines = []
    for point in points:
        volume = units.format_volume(point.added) or f"{format_number(point.added)} depth units x area"
        onward = ", ".join(map(str, point.chain[1:]))
        lines.append(f"Closure {point.id}{f', and by it {onward}' if onward else ''}: {volume}.")
    if len(points) < count <= MAX_POINTS:
        lines.append("More points fill nothing more." if points else "The map has no closure.")
    return {
        "points": [[point.row, point.col] for point in points],
        "chain": [key for point in points for key in point.chain],
        "lines": lines,
    }


def describe_closure(analysis: Analysis, key: int) -> str:
    """A closure for people: its number, area and height."""
    record, units = analysis.table[key - 1], analysis.scene.geo.units
    area, height = units.format_area(float(record["area"])), units.format_depth(float(record["height"]))
    return f"closure {key} ({area}, {height} high)"
