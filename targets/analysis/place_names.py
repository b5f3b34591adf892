"""Names of closures: those of the wells or places that lie in them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.lib import recfunctions
from numpy.typing import NDArray

from targets.analysis.analyse import Analysis
from targets.closure import find_nesting
from targets.io.text_tables.named_points import NamedPoints, read_named_points
from targets.scene import Scene

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
    parent = closures.table["parent"]
    innermost, on_map = _labels_at(points, analysis.scene, find_nesting(closures).innermost)
    names: list[list[str]] = [[] for _ in parent]
    for name, key in zip(points.names, innermost.tolist(), strict=True):
        while key:
            names[key - 1] += [name] if name not in names[key - 1] else []
            key = int(parent[key - 1])
    joined = np.array([JOINED.join(own) for own in names], dtype=np.str_)
    table = recfunctions.append_fields(analysis.table, "name", joined, usemask=False)
    order = ["id", "name", *(name for name in analysis.table.dtype.names or () if name != "id")]
    table = recfunctions.repack_fields(table[order])
    return replace(analysis, table=table), _summarise(path, innermost, on_map, "closure")


def name_labels(scene: Scene, labels: NDArray[np.integer], path: Path, what: str) -> tuple[list[str], str]:
    """Find the names of the points that lie in labelled cells.

    Parameters
    ----------
    scene : Scene
        A map.
    labels : (H, W) int
        0 = none.
    path : Path
        A table of named points.
    what : str
        One of what is labelled, in words.

    Returns
    -------
    names : list[str]
        Of the labels 1, 2, ...: the names of all points in each, with commas between them.
    sentence : str
        How many points lie in none.

    Raises
    ------
    UserError
        The table cannot be read.
    """
    points = read_named_points(path)
    found, on_map = _labels_at(points, scene, labels)
    names: list[dict[str, None]] = [{} for _ in range(int(labels.max(initial=0)))]
    for name, label in zip(points.names, found.tolist(), strict=True):
        if label:
            names[label - 1][name] = None
    return [JOINED.join(own) for own in names], _summarise(path, found, on_map, what)


def _labels_at(
    points: NamedPoints, scene: Scene, labels: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The label at each point, 0 = none, and whether it lies on the map."""
    row, col = (np.rint(place).astype(np.int64) for place in scene.geo.rowcol(points.x, points.y))
    height, width = scene.shape
    on_map = (row >= 0) & (row < height) & (col >= 0) & (col < width)
    found = np.zeros(len(points.names), np.int64)
    found[on_map] = labels[row[on_map], col[on_map]]
    return found, on_map


def _summarise(path: Path, found: NDArray[np.int64], on_map: NDArray[np.bool_], what: str) -> str:
    """How many points lie in none."""
    none, off = int((found == 0).sum()), int((~on_map).sum())
    sentence = f"{len(found) - none} of {len(found)} points of {path.name} lie in a {what}"
    if none:
        sentence += f", {none} in none"
    if off:
        sentence += f" ({'all of them' if off == none else off} off the map)"
    return sentence
