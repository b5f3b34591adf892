"""How do polygons, points and lines reach a GIS? Layers with attributes, as GeoPackage with styles or as GeoJSON."""

import importlib
import json
import sqlite3
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from targets.common.atomic_write import cannot_write, written_whole
from targets.errors import UserError
from targets.io.images import RGBA
from targets.scene import Geo

Kind = Literal["MultiPolygon", "Point", "LineString"]


@dataclass(frozen=True)
class Look:
    """How a GIS draws a layer: colours as (red, green, blue, opacity), 0 to 255, sizes in mm.

    Attributes
    ----------
    marker : str, default ''
        Shape of a point, a name that QGIS knows (triangle, circle); "" for polygons and lines.
    arrow : bool, default False
        An arrow head at the end of every line.
    """

    line: RGBA
    fill: RGBA = (255, 255, 255, 0)
    width: float = 0.5
    marker: str = ""
    size: float = 3.0
    dash: Literal["solid", "dot", "dash"] = "solid"
    arrow: bool = False


@dataclass(frozen=True)
class Classes:
    """A look for each class of features: {value of the attribute `column`: look}."""

    column: str
    looks: dict[str, Look]


@dataclass(frozen=True, eq=False)
class Layer:
    """Features of one kind.

    Attributes
    ----------
    name : str
        The layer's, letters and underscores.
    kind : Kind
        MultiPolygon, Point or LineString.
    shapes : Sequence[Any]
        Per feature, in rows and columns (cell centres at whole numbers): a point (2,), a line (n, 2), or a list of
        polygons, each a list of rings (n, 2), the outer one first.
    table : (N,)
        Structured array, the attributes, one row per feature.
    look : Look | Classes
        How a GIS draws it, all features alike or by classes.
    """

    name: str
    kind: Kind
    shapes: Sequence[Any]
    table: NDArray[Any]
    look: Look | Classes

    def __post_init__(self) -> None:
        if len(self.shapes) != len(self.table):
            raise ValueError(f"layer {self.name}: {len(self.shapes)} shapes, {len(self.table)} rows of attributes")


def coordinates(shape: Any, kind: Kind, geo: Geo) -> Any:
    """The GeoJSON coordinates of a shape: map coordinates, or columns and rows when the map has no location."""
    if kind != "MultiPolygon":
        row, col = np.asarray(shape, float).T
        return np.stack(geo.xy(row, col), axis=-1).tolist()
    return [[_ring(ring, geo, outer=i == 0) for i, ring in enumerate(polygon)] for polygon in shape]


def _ring(ring: NDArray, geo: Geo, outer: bool) -> list[list[float]]:
    """RFC 7946: outer rings turn counter-clockwise, holes clockwise."""
    xy = np.stack(geo.xy(ring[:, 0], ring[:, 1]), axis=1)
    x, y = (xy - xy[0]).T  # large coordinates would swamp the area
    counterclockwise = float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()) > 0
    return (xy if counterclockwise == outer else xy[::-1]).tolist()


def write_geojson(layers: Sequence[Layer], geo: Geo, path: str | Path) -> None:
    """All layers in one file, in map coordinates with the CRS named; without a location in columns and rows.

    Every feature says its layer in the property ``layer``, if there are several.
    """
    features = [
        {
            "type": "Feature",
            "properties": ({"layer": layer.name} if len(layers) > 1 else {}) | _plain(layer.table, row),
            "geometry": {"type": layer.kind, "coordinates": coordinates(shape, layer.kind, geo)},
        }
        for layer in layers
        for shape, row in zip(layer.shapes, layer.table, strict=True)
    ]
    content: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    if geo.located and geo.crs:  # the pre-RFC 7946 member: without it readers take metres for degrees
        content["crs"] = {"type": "name", "properties": {"name": geo.crs}}
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(content, allow_nan=False))


def _plain(table: NDArray[Any], row: Any) -> dict[str, Any]:
    """A row as JSON can hold it; NaN becomes null."""
    values = {name: row[name].item() for name in table.dtype.names or ()}
    return {name: None if isinstance(value, float) and not np.isfinite(value) else value
            for name, value in values.items()}  # fmt: skip


def write_geopackage(layers: Sequence[Layer], geo: Geo, path: str | Path) -> None:
    """One GeoPackage with every layer, its CRS, and the table ``layer_styles`` that QGIS takes default styles from.

    Raises
    ------
    UserError
        A library is missing, the CRS is unknown, or the file cannot be written.
    """
    geopandas, shapely, pandas = (_import(name, path) for name in ("geopandas", "shapely", "pandas"))
    with written_whole(path) as temporary:
        for layer in layers:
            shapes = [
                shapely.geometry.shape({"type": layer.kind, "coordinates": coordinates(shape, layer.kind, geo)})
                for shape in layer.shapes
            ]
            frame = pandas.DataFrame({name: layer.table[name] for name in layer.table.dtype.names or ()})
            try:
                located = geopandas.GeoDataFrame(frame, geometry=shapes, crs=geo.crs)
            except Exception as error:  # pyproj's CRSError; pyproj comes with geopandas
                if type(error).__name__ != "CRSError":
                    raise
                raise UserError(
                    path, f"crs {geo.crs!r} is unknown", "such as EPSG:23031", "correct it in map.yaml"
                ) from error
            with warnings.catch_warnings(), _written(path):
                warnings.filterwarnings("ignore", message="'crs' was not provided")  # a map may have none
                located.to_file(temporary, layer=layer.name, driver="GPKG", engine="pyogrio",
                                geometry_type=layer.kind, layer_options={"GEOMETRY_NAME": "geom"})  # fmt: skip
        with _written(path):
            _write_styles(layers, temporary)


@contextmanager
def _written(path: str | Path) -> Iterator[None]:
    """Say of a full disk what every other file says of it: SQLite's and GDAL's errors are none of the system's."""
    try:
        yield
    except (RuntimeError, sqlite3.Error) as error:
        raise cannot_write(path, error) from error


def _import(name: str, path: str | Path) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(
            path,
            f"GeoPackage needs the library {name}",
            mend="pip install 'trapmtl[geo]', or ask for GeoJSON",
        ) from error


def _write_styles(layers: Sequence[Layer], path: Path) -> None:
    """The table that QGIS keeps styles in, as QGIS makes it (qgsogrprovidermetadata.cpp): one default per layer."""
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
                [(layer.name, layer.name, qml(layer)) for layer in layers],
            )
    finally:
        database.close()


def qml(layer: Layer) -> str:
    """The style of a layer in QGIS's own language."""
    if isinstance(layer.look, Classes):
        kind, attribute, looks = "categorizedSymbol", f" attr={quoteattr(layer.look.column)}", layer.look.looks
        listed = "".join(f'<category symbol="{i}" value={quoteattr(value)} label={quoteattr(value)} render="true"/>'
                         for i, value in enumerate(looks))  # fmt: skip
        categories = f"<categories>{listed}</categories>"
    else:
        kind, attribute, looks, categories = "singleSymbol", "", {"": layer.look}, ""
    symbols = "".join(_symbol_of(layer.kind, str(i), look) for i, look in enumerate(looks.values()))
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
        f'<qgis version="3.28" styleCategories="Symbology"><renderer-v2 type="{kind}"{attribute} symbollevels="0" '
        f'enableorderby="0" forceraster="0">{categories}<symbols>{symbols}</symbols></renderer-v2></qgis>'
    )


def _symbol_of(kind: Kind, name: str, look: Look) -> str:
    if kind == "Point":
        return _symbol("marker", name, _marker(look.marker, look.size, look))
    if kind == "LineString":
        symbols = _layer("SimpleLine", line_color=_rgba(look.line), line_width=look.width, line_width_unit="MM",
                         line_style=look.dash)  # fmt: skip
        if look.arrow:
            head = _symbol("marker", f"@{name}@1", _marker("filled_arrowhead", look.size, look))
            symbols += _layer("MarkerLine", head, placement="lastvertex", rotate=1)
        return _symbol("line", name, symbols)
    fill = "solid" if look.fill[3] else "no"
    return _symbol("fill", name, _layer("SimpleFill", color=_rgba(look.fill), style=fill,
                                        outline_color=_rgba(look.line), outline_width=look.width,
                                        outline_width_unit="MM", outline_style=look.dash))  # fmt: skip


def _symbol(kind: str, name: str, layers: str) -> str:
    return f'<symbol type="{kind}" name="{name}" alpha="1" clip_to_extent="1" force_rhr="0">{layers}</symbol>'


def _layer(kind: str, inner: str = "", /, **options: object) -> str:
    words = "".join(
        f'<Option type="QString" name="{key}" value={quoteattr(str(value))}/>' for key, value in options.items()
    )
    return f'<layer class="{kind}" enabled="1" locked="0" pass="0"><Option type="Map">{words}</Option>{inner}</layer>'


def _marker(shape: str, size: float, look: Look) -> str:
    fill = look.fill if look.marker else look.line
    return _layer("SimpleMarker", name=shape, size=size, size_unit="MM", color=_rgba(fill),
                  outline_color=_rgba(look.line), outline_width=look.width if look.marker else 0.2)  # fmt: skip


def _rgba(colour: RGBA) -> str:
    return ",".join(map(str, colour))
