"""Closures as vector layers: polygons, crests, spill points and migration paths with their attributes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.lib import recfunctions
from numpy.typing import NDArray

from targets.analysis.analyse import Analysis
from targets.closure import Closures, contour_closures, polygonize_closures
from targets.io.outline_files import DEFAULT_OUTLINES, OutlineOptions
from targets.io.qgis.styles import LayerStyle, label_of
from targets.io.vectors import VectorLayer
from targets.scene import Scene
from targets.surface.polygonize import Ring
from targets.surface.simplify_outlines import Polygons, simplify_polygons

MAX_NUMBERED = 40  # closures, and faults; more numbers than that hide the map


def make_vector_layers(analysis: Analysis, outlines: OutlineOptions = DEFAULT_OUTLINES) -> list[VectorLayer]:
    """Make the vector layers of an analysis.

    Parameters
    ----------
    analysis : Analysis
        Of a map.
    outlines : OutlineOptions, default DEFAULT_OUTLINES
        How closures are outlined.

    Returns
    -------
    list[VectorLayer]
        closures, nested_closures (polygons), migration_paths (lines), crests and spill_points (points), in rows and
        columns. The names of attributes say their units, as in tables. The depths of polygons are those of their
        outlines, those of lines and points are those of the surface.

    Raises
    ------
    UserError
        The outlines cannot be simplified.
    """
    table, polygons = analysis.table, outline_closures(analysis.closures, analysis.scene, outlines)
    is_outermost = table["parent"] == 0
    outermost, nested = table[is_outermost], table[~is_outermost]
    named = ["id", *(name for name in table.dtype.names or () if name == "name")]
    crest = [*named, "crest_depth", "height", "area", "volume"]
    spill = [*named, "spill_depth", "spills_into"]
    layers = [
        VectorLayer(
            "closures",
            "MultiPolygon",
            [polygons[key] for key in outermost["id"]],
            _columns(outermost, [name for name in table.dtype.names or () if name != "parent"]),
            LayerStyle((0, 0, 0, 255), (255, 255, 255, 90), 0.6),
            outermost["contour_depth"],
        ),
        VectorLayer(
            "nested_closures",
            "MultiPolygon",
            [polygons[key] for key in nested["id"]],
            _columns(nested, [*crest, "parent", "crest_x", "crest_y", *spill[len(named) :]]),
            LayerStyle((0, 0, 0, 255), line_width=0.3, line_style="dot"),
            nested["contour_depth"],
        ),
        _migration_layer(analysis),
        VectorLayer(
            "crests",
            "Point",
            _points(outermost, "crest"),
            _columns(outermost, crest),
            LayerStyle((0, 0, 0, 255), (255, 255, 0, 255), 0.3, "triangle", 4.0, label=label_of(crest)),
            outermost["crest_depth"],
        ),
        VectorLayer(
            "spill_points",
            "Point",
            _points(outermost, "spill"),
            _columns(outermost, spill),
            LayerStyle((0, 0, 0, 255), (255, 255, 255, 255), 0.4, "circle", 2.6),
            outermost["spill_depth"],
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
        [analysis.scene.depth[path[:, 0], path[:, 1]] for path in paths],
    )


def outline_closures(
    closures: Closures, scene: Scene, outlines: OutlineOptions = DEFAULT_OUTLINES, nested: bool = True
) -> dict[int, Polygons]:
    """Outline closures as asked.

    Parameters
    ----------
    closures : Closures
        Of a map.
    scene : Scene
        The map.
    outlines : OutlineOptions, default DEFAULT_OUTLINES
        Smooth or along cells, and how much they are simplified.
    nested : bool, default True
        Nested closures too.

    Returns
    -------
    dict[int, Polygons]
        {id: polygons, each a list of rings, the outer one first}.

    Raises
    ------
    UserError
        The outlines cannot be simplified.
    """
    trace = contour_closures if outlines.outlines == "smooth" else polygonize_closures
    found = trace(closures, nested)
    simple = simplify_polygons(list(found.values()), outlines.simplify, cell_of_map(scene))
    return dict(zip(found, simple, strict=True))


def cell_of_map(scene: Scene) -> tuple[float, float]:
    """Height and width of a cell in map units; in metres on a map in degrees, 1 without a spacing."""
    geo = scene.geo
    if geo.is_geographic and geo.located:
        dx, dy = geo.ground_spacing(scene.shape)
        return dy, dx
    return abs(geo.dy or 1.0), abs(geo.dx or 1.0)


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
