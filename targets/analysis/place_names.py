"""Names of closures: those of the wells or places that lie in them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.lib import recfunctions

from targets.analysis.analyse import Analysis
from targets.closure import find_nesting
from targets.io.text_tables.named_points import read_named_points

JOINED = ", "  # between the names of one closure


def name_closures(analysis: Analysis, path: Path) -> tuple[Analysis, str]:
    """Give closures the names of the points that lie in them, nested closures too.

    Parameters
    ----------
    analysis : Analysis
        Of a map.
    path : Path
        A table of named points, as `targets.io.text_tables.named_points.read_named_points` reads it.

    Returns
    -------
    analysis : Analysis
        Its table has a column ``name`` behind the id: the names of all points in a closure, with commas between them.
    sentence : str
        How many points lie in no closure.

    Raises
    ------
    UserError
        The table cannot be read.
    """
    points, closures = read_named_points(path), analysis.closures
    scene, parent = analysis.scene, closures.table["parent"]
    row, col = (np.rint(place).astype(np.int64) for place in scene.geo.rowcol(points.x, points.y))
    height, width = scene.shape
    on_map = (row >= 0) & (row < height) & (col >= 0) & (col < width)
    innermost = np.zeros(len(points.names), np.int64)
    innermost[on_map] = find_nesting(closures).innermost[row[on_map], col[on_map]]
    names: list[list[str]] = [[] for _ in parent]
    for name, key in zip(points.names, innermost.tolist(), strict=True):
        while key:
            names[key - 1] += [name] if name not in names[key - 1] else []
            key = int(parent[key - 1])
    joined = np.array([JOINED.join(own) for own in names], dtype=np.str_)
    table = recfunctions.append_fields(analysis.table, "name", joined, usemask=False)
    order = ["id", "name", *(name for name in analysis.table.dtype.names or () if name != "id")]
    table = recfunctions.repack_fields(table[order])
    none, off = int((innermost == 0).sum()), int((~on_map).sum())
    sentence = f"{len(points.names) - none} of {len(points.names)} points of {path.name} lie in a closure"
    if none:
        sentence += f", {none} in none"
    if off:
        sentence += f" ({'all of them' if off == none else off} off the map)"
    return replace(analysis, table=table), sentence
