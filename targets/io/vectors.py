"""Vector layers for a GIS: polygons, points and lines with attributes, as GeoPackage with styles or as GeoJSON."""

import json
import sqlite3
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.common.atomic_write import atomic_write, write_error
from targets.common.optional_import import import_optional
from targets.io.qgis.styles import CategorizedStyle, GeometryType, LayerStyle, vector_layer_qml
from targets.scene import GeoReference
from targets.units.crs import crs_for_library

VERSION = "1.2"  # of GeoPackage: programs of today's long-term releases warn of the newer ones that GDAL would write


@dataclass(frozen=True, eq=False)
class VectorLayer:
    """Features of one geometry type, with attributes and a style.

    Attributes
    ----------
    name : str
        Name of the layer, letters and underscores.
    geometry_type : GeometryType
        MultiPolygon, Point or LineString.
    geometries : Sequence[Any]
        Per feature, in rows and columns (cell centres at whole numbers): a point (2,), a line (n, 2), or a list of
        polygons, each a list of rings (n, 2), the outer one first.
    attributes : (N,)
        Structured array, one row per feature.
    style : LayerStyle | CategorizedStyle
        How a GIS draws it, all features alike or by category.
    depths : Sequence[Any] | None, default None
        Depth of each feature in the unit of the map, positive down: a number, or for a line one a point (n,). It is
        written as the third coordinate. None, or a depth that is not finite: in files of a GIS the layer has two.
    """

    name: str
    geometry_type: GeometryType
    geometries: Sequence[Any]
    attributes: NDArray[Any]
    style: LayerStyle | CategorizedStyle
    depths: Sequence[Any] | None = None

    def __post_init__(self) -> None:
        shapes, rows = len(self.geometries), len(self.attributes)
        if shapes != rows or (self.depths is not None and shapes != len(self.depths)):
            raise ValueError(f"layer {self.name}: {shapes} shapes, {rows} rows of attributes, depths {self.depths}")

    @property
    def has_depths(self) -> bool:
        """Whether the depth of every feature is known."""
        return self.depths is not None and all(np.isfinite(depth).all() for depth in self.depths)

    def coordinates(self, geo: GeoReference, some: bool = False) -> list[Any]:
        """The GeoJSON coordinates of all features, see `geojson_coordinates`; some : depths of some features alone."""
        depths: Sequence[Any] = [None] * len(self.geometries)
        if self.depths is not None and (some or self.has_depths):
            depths = [depth if np.isfinite(depth).all() else None for depth in self.depths]
        return [geojson_coordinates(geometry, self.geometry_type, geo, depth)
                for geometry, depth in zip(self.geometries, depths, strict=True)]  # fmt: skip


def geojson_coordinates(geometry: Any, geometry_type: GeometryType, geo: GeoReference, depth: Any = None) -> Any:
    """The GeoJSON coordinates of a geometry: map coordinates, or columns and rows when the map has no location.

    Parameters
    ----------
    geometry : Any
        In rows and columns, as in `VectorLayer.geometries`.
    geometry_type : GeometryType
        MultiPolygon, Point or LineString.
    geo : GeoReference
        The map's location.
    depth : Any, default None
        Third coordinate: a number, or one a point (n,) of a line; None: there is none.

    Returns
    -------
    coordinates : list
        Lists of x, y and perhaps depth, nested as GeoJSON (RFC 7946) asks for; outer rings turn counter-clockwise,
        holes clockwise.

    Examples
    --------
    >>> geojson_coordinates((2, 3), "Point", GeoReference(1000.0, 2000.0, 50.0, -25.0))
    [1150.0, 1950.0]
    """
    if geometry_type != "MultiPolygon":
        row, col = np.asarray(geometry, float).T
        return _with_depth(np.stack(geo.xy(row, col), axis=-1), depth).tolist()
    return [[_with_depth(_turned_ring(ring, geo, outer=i == 0), depth).tolist() for i, ring in enumerate(polygon)]
            for polygon in geometry]  # fmt: skip


def _with_depth(xy: NDArray[np.float64], depth: Any) -> NDArray[np.float64]:
    """Points (..., 2) with a third coordinate, where there is one."""
    if depth is None:
        return xy
    return np.concatenate([xy, np.broadcast_to(np.asarray(depth, np.float64), xy.shape[:-1])[..., None]], axis=-1)


def _turned_ring(ring: NDArray, geo: GeoReference, outer: bool) -> NDArray[np.float64]:
    """RFC 7946: outer rings turn counter-clockwise, holes clockwise."""
    xy = np.stack(geo.xy(ring[:, 0], ring[:, 1]), axis=1)
    x, y = (xy - xy[0]).T  # large coordinates would swamp the area
    counterclockwise = float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()) > 0
    return xy if counterclockwise == outer else xy[::-1]


def write_geojson(layers: Sequence[VectorLayer], geo: GeoReference, path: str | Path) -> None:
    """Write all layers into one GeoJSON file.

    Several layers are distinguished by the property ``layer`` of every feature.

    Parameters
    ----------
    layers : Sequence[VectorLayer]
        At least one.
    geo : GeoReference
        The map's location: coordinates are map coordinates, the CRS is named; without a location they are columns and
        rows.
    path : str | Path
        The file.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    features = [
        {
            "type": "Feature",
            "properties": ({"layer": layer.name} if len(layers) > 1 else {}) | _json_values(row),
            "geometry": {"type": layer.geometry_type, "coordinates": coordinates},
        }
        for layer in layers
        for coordinates, row in zip(layer.coordinates(geo), layer.attributes, strict=True)
    ]
    content: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    if geo.located and geo.crs:  # the pre-RFC 7946 member: without it readers take metres for degrees
        content["crs"] = {"type": "name", "properties": {"name": crs_for_library(geo.crs)}}
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, allow_nan=False), "utf-8")


def _json_values(row: Any) -> dict[str, Any]:
    """A row of a structured array as JSON can hold it; NaN becomes null."""
    values = {name: row[name].item() for name in row.dtype.names or ()}
    return {name: None if isinstance(value, float) and not np.isfinite(value) else value
            for name, value in values.items()}  # fmt: skip


def write_geopackage(layers: Sequence[VectorLayer], geo: GeoReference, path: str | Path) -> None:
    """Write all layers into one GeoPackage, with its CRS and the table of styles that QGIS loads by default.

    Parameters
    ----------
    layers : Sequence[VectorLayer]
        At least one.
    geo : GeoReference
        The map's location; without one, coordinates are columns and rows.
    path : str | Path
        The file.

    Raises
    ------
    UserError
        A library is missing, the CRS is unknown, or the file cannot be written.
    """
    with atomic_write(path) as temporary:
        for layer in layers:
            located = make_geodataframe(layer, geo, path)
            with warnings.catch_warnings(), write_as_error(path):
                warnings.filterwarnings("ignore", message="'crs' was not provided")  # a map may have none
                located.to_file(temporary, layer=layer.name, driver="GPKG", engine="pyogrio",
                                geometry_type=ogr_type(layer), layer_options={"GEOMETRY_NAME": "geom"},
                                dataset_options=None if temporary.exists() else {"VERSION": VERSION})  # fmt: skip
        with write_as_error(path):
            _write_styles(layers, temporary)


def make_geodataframe(layer: VectorLayer, geo: GeoReference, path: str | Path) -> Any:
    """Make a `geopandas.GeoDataFrame` of a layer.

    Parameters
    ----------
    layer : VectorLayer
        The layer.
    geo : GeoReference
        The map's location.
    path : str | Path
        The file that needs it, for errors.

    Raises
    ------
    UserError
        A library is missing, or the CRS is unknown.
    """
    libraries = ("geopandas", "shapely", "pandas")
    geopandas, shapely, pandas = (import_optional(name, path, otherwise="ask for GeoJSON") for name in libraries)
    shapes = [shapely.geometry.shape({"type": layer.geometry_type, "coordinates": coordinates})
              for coordinates in layer.coordinates(geo)]  # fmt: skip
    frame = pandas.DataFrame({name: layer.attributes[name] for name in layer.attributes.dtype.names or ()})
    return geopandas.GeoDataFrame(frame, geometry=shapes, crs=crs_for_library(geo.crs) if geo.crs else None)


def ogr_type(layer: VectorLayer) -> str:
    """GDAL's name of a layer's geometry type, with its third coordinate."""
    return f"{layer.geometry_type} Z" if layer.has_depths else layer.geometry_type


@contextmanager
def write_as_error(path: str | Path) -> Iterator[None]:
    """Report a full disk as for every other file: SQLite and GDAL raise errors of their own, no OSError."""
    try:
        yield
    except (RuntimeError, sqlite3.Error) as error:
        raise write_error(path, error) from error


def _write_styles(layers: Sequence[VectorLayer], path: Path) -> None:
    """Write the table of styles as QGIS does (qgsogrprovidermetadata.cpp): one default style a layer."""
    database = sqlite3.connect(path)
    try:
        with database:
            database.execute(
                "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), "
                "f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), "
                "styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), "
                "update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))"
            )
            database.execute(
                "INSERT INTO gpkg_contents (table_name, data_type, identifier) "
                "VALUES ('layer_styles', 'attributes', 'layer_styles')"
            )
            database.executemany(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
                "styleName, styleQML, styleSLD, useAsDefault, description, owner) "
                "VALUES ('', '', ?, 'geom', ?, ?, '', 1, '', '')",
                [(layer.name, layer.name, vector_layer_qml(layer.geometry_type, layer.style)) for layer in layers],
            )
    finally:
        database.close()
