"""Closures as vector layers: polygons, crests, spill points and migration paths with their attributes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.lib import recfunctions
from numpy.typing import NDArray

from targets.analysis.analyse import Analysis
from targets.closure import Closures, polygonize_nested
from targets.io.qgis.styles import LayerStyle
from targets.io.vectors import VectorLayer
from targets.surface.polygonize import Ring, polygonize_labels

MAX_NUMBERED = 40  # closures, and faults; more numbers than that hide the map


def make_vector_layers(analysis: Analysis) -> list[VectorLayer]:
    """Make the vector layers of an analysis.

    Parameters
    ----------
    analysis : Analysis
        Of a map.

    Returns
    -------
    list[VectorLayer]
        closures, nested_closures (polygons), migration_paths (lines), crests and spill_points (points), in rows and
        columns. The names of attributes say their units, as in tables.
    """
    table, polygons = analysis.table, polygonize_closures(analysis.closures)
    is_outermost = table["parent"] == 0
    outermost, nested = table[is_outermost], table[~is_outermost]
    crest = ["id", "crest_depth", "height", "area", "volume"]
    spill = ["id", "spill_depth", "spills_into"]
    layers = [
        VectorLayer(
            "closures",
            "MultiPolygon",
            [polygons[key] for key in outermost["id"]],
            _columns(outermost, [name for name in table.dtype.names or () if name != "parent"]),
            LayerStyle((0, 0, 0, 255), (255, 255, 255, 90), 0.6),
        ),
        VectorLayer(
            "nested_closures",
            "MultiPolygon",
            [polygons[key] for key in nested["id"]],
            _columns(nested, ["id", "parent", *crest[1:], "crest_x", "crest_y", *spill[1:]]),
            LayerStyle((0, 0, 0, 255), line_width=0.3, line_style="dot"),
        ),
        _migration_layer(analysis),
        VectorLayer(
            "crests",
            "Point",
            _points(outermost, "crest"),
            _columns(outermost, crest),
            LayerStyle((0, 0, 0, 255), (255, 255, 0, 255), 0.3, "triangle", 4.0),
        ),
        VectorLayer(
            "spill_points",
            "Point",
            _points(outermost, "spill"),
            _columns(outermost, spill),
            LayerStyle((0, 0, 0, 255), (255, 255, 255, 255), 0.4, "circle", 2.6),
        ),
    ]
    units = analysis.scene.geo.units
    return [replace(layer, attributes=units.named_columns(layer.attributes)) for layer in layers]


def _migration_layer(analysis: Analysis) -> VectorLayer:
    """Migration paths of more than one cell, with their lengths."""
    is_line = np.array([len(path) > 1 for path in analysis.migration_paths], bool)
    paths = [path for path in analysis.migration_paths if len(path) > 1]
    lengths = [analysis.scene.geo.path_length(path[:, 0], path[:, 1]) for path in paths]
    return VectorLayer(
        "migration_paths",
        "LineString",
        paths,
        _columns(analysis.table[is_line], ["id", "spills_into"], length=lengths),
        LayerStyle((200, 0, 200, 255), line_width=0.5, marker_size=2.5, arrow_head=True),
    )


def polygonize_closures(closures: Closures, nested: bool = True) -> dict[int, list[list[Ring]]]:
    """Outline the cells of closures exactly.

    Parameters
    ----------
    closures : Closures
        Of a map.
    nested : bool, default True
        Nested closures too.

    Returns
    -------
    dict[int, list[list[Ring]]]
        {id: polygons, each a list of rings, the outer one first}.
    """
    outermost = closures.table["id"][closures.table["parent"] == 0]
    found: dict[int, list[list[Ring]]] = {int(key): [] for key in outermost}
    for polygon in polygonize_labels(closures.labels):
        found[polygon.label].append(polygon.rings)
    return found | polygonize_nested(closures) if nested else found


def _columns(table: NDArray[Any], names: list[str], **more: list[float]) -> NDArray[Any]:
    """Some columns of a table, and more columns of numbers."""
    plain = recfunctions.repack_fields(table[names])
    wider = np.zeros(len(plain), plain.dtype.descr + [(name, "f8") for name in more])
    for name in names:
        wider[name] = plain[name]
    for name, values in more.items():
        wider[name] = values
    return wider


def _points(table: NDArray[Any], which: str) -> list[NDArray]:
    """(row, column) of the crest or the spill point of every closure."""
    return list(np.stack([table[f"{which}_row"], table[f"{which}_col"]], axis=1))


def flatten_rings(shapes: Sequence[list[list[Ring]]]) -> list[Ring]:
    """Collect the rings of all polygons of some closures.

    Parameters
    ----------
    shapes : Sequence[list[list[Ring]]]
        Polygons of each closure, as `polygonize_closures` gives them.

    Returns
    -------
    list[Ring]
    """
    return [ring for polygons in shapes for polygon in polygons for ring in polygon]
