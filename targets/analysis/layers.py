"""Closures as vector layers and attribute tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import recfunctions
from numpy.typing import NDArray
from scipy import ndimage

from targets.analysis.closures_of_map import Analysis
from targets.closure import (
    Closures,
)
from targets.common.csv_tables import write_csv
from targets.io.vectors import Layer, Look
from targets.scene import GeoReference
from targets.surface.polygonize import Ring, polygonize_labels

NUMBERED = 40  # closures, and faults; more numbers than that hide the map


def write_table(table: NDArray[Any], path: Path) -> None:
    """One row per closure; what is unknown is empty."""
    write_csv(path, table.dtype.names or (), ([_word(value) for value in row] for row in table.tolist()))


def _word(value: Any) -> Any:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.10g}"
    return value


def vector_layers(analysis: Analysis) -> list[Layer]:
    """closures, nested_closures (polygons), crests, spill_points (points) and migration_paths (lines)."""
    table, closures, geo = analysis.table, analysis.closures, analysis.scene.geo
    outer = table["parent"] == 0
    polygons = closure_polygons(closures)
    rows = table[outer]
    way = np.array([len(path) > 1 for path in analysis.paths], bool)
    paths = [path for path, far in zip(analysis.paths, way, strict=True) if far]
    names = [name for name in table.dtype.names or () if name != "parent"]
    travelled = _columns(table[way], ["id", "spills_into"], length=[_length(path, geo) for path in paths])
    crest = ["id", "crest_depth", "height", "area", "volume"]
    spill = ["id", "spill_depth", "spills_into"]
    return [
        Layer("closures", "MultiPolygon", [polygons[k] for k in rows["id"]], _columns(rows, names),
              Look((0, 0, 0, 255), (255, 255, 255, 90), 0.6)),
        Layer("nested_closures", "MultiPolygon", [polygons[k] for k in table["id"][~outer]],
              _columns(table[~outer], ["id", "parent", *crest[1:], "crest_x", "crest_y", *spill[1:]]),
              Look((0, 0, 0, 255), width=0.3, dash="dot")),
        Layer("migration_paths", "LineString", paths, travelled,
              Look((200, 0, 200, 255), width=0.5, size=2.5, arrow=True)),
        Layer("crests", "Point", _points(rows, "crest"), _columns(rows, crest),
              Look((0, 0, 0, 255), (255, 255, 0, 255), 0.3, "triangle", 4.0)),
        Layer("spill_points", "Point", _points(rows, "spill"), _columns(rows, spill),
              Look((0, 0, 0, 255), (255, 255, 255, 255), 0.4, "circle", 2.6)),
    ]  # fmt: skip


def closure_polygons(closures: Closures, nested: bool = True) -> dict[int, list[list[Ring]]]:
    """{id: polygons} of every closure, nested ones too or not: exact outlines of their cells."""
    outermost = closures.table["parent"] == 0
    found: dict[int, list[list[Ring]]] = {int(key): [] for key in closures.table["id"][outermost | nested]}
    for polygon in polygonize_labels(closures.labels):
        found[polygon.label].append(polygon.rings)
    boxes = ndimage.find_objects(closures.labels)
    for row in closures.table[~outermost & nested]:
        outer = row
        while outer["parent"]:
            outer = closures.table[outer["parent"] - 1]
        box = boxes[outer["id"] - 1]
        corner = np.array([box[0].start, box[1].start])
        cells = _nested_cells(closures, row, int(outer["id"]), box)
        for polygon in polygonize_labels(cells.astype(np.int8)):
            found[int(row["id"])].append([ring + corner for ring in polygon.rings])
    return found


def _nested_cells(closures: Closures, row: Any, outer: int, box: tuple[slice, slice]) -> NDArray[np.bool_]:
    """The cells of a nested closure within the box of its outermost one (`targets.closure.cells_of`, on less)."""
    depth, level = closures.grid.depth[box], row["contour_depth"]
    inside = (closures.labels[box] == outer) & ((depth < level) if closures.grid.interval == 0 else (depth <= level))
    pieces, _ = ndimage.label(inside, ndimage.generate_binary_structure(2, 2 if closures.grid.eight else 1))
    return pieces == pieces[row["crest_row"] - box[0].start, row["crest_col"] - box[1].start]


def _columns(table: NDArray[Any], names: list[str], **more: list[float]) -> NDArray[Any]:
    """Some columns of a table, and further ones of numbers."""
    plain = recfunctions.repack_fields(table[names])
    wider = np.zeros(len(plain), plain.dtype.descr + [(name, "f8") for name in more])
    for name in names:
        wider[name] = plain[name]
    for name, values in more.items():
        wider[name] = values
    return wider


def _points(table: NDArray[Any], which: str) -> list[NDArray]:
    return list(np.stack([table[f"{which}_row"], table[f"{which}_col"]], axis=1))


def _length(path: NDArray[np.int32], geo: GeoReference) -> float:
    """In map units; in cells without a location."""
    x, y = geo.xy(path[:, 0], path[:, 1])
    return float(np.hypot(np.diff(x), np.diff(y)).sum())


def _rings(shapes: Sequence[list[list[Ring]]]) -> list[Ring]:
    return [ring for polygons in shapes for polygon in polygons for ring in polygon]
