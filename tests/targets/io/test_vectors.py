"""Vector layers: what a GIS reads back, with the attributes, the reference system and the styles."""

import json
import sqlite3
from xml.etree import ElementTree

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.qgis.styles import CategorizedStyle, LayerStyle, vector_layer_qml
from targets.io.vectors import VectorLayer, write_geojson, write_geopackage
from targets.scene import GeoReference

GEO = GeoReference(1000.0, 2000.0, 50.0, -25.0, 30.0, "EPSG:23031")
SQUARE = np.array([[0, 0], [0, 4], [4, 4], [4, 0], [0, 0]]) - 0.5
HOLE = np.array([[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]) - 0.5


def layers() -> list[VectorLayer]:
    table = np.array([(1, 2.5, True)], [("id", "i4"), ("height", "f8"), ("leans", "?")])
    point = np.array([(7, np.nan)], [("id", "i4"), ("depth", "f8")])
    black = (0, 0, 0, 255)
    return [
        VectorLayer("traps", "MultiPolygon", [[[SQUARE, HOLE]]], table, LayerStyle(black, line_style="dot")),
        VectorLayer("crests", "Point", [(2, 3)], point, LayerStyle(black, marker="triangle")),
        VectorLayer("ways", "LineString", [np.array([[0, 0], [3, 3]])], point, LayerStyle(black, arrow_head=True)),
        VectorLayer("none", "MultiPolygon", [], table[:0], LayerStyle(black)),
    ]


def signed(ring) -> float:
    x, y = np.array(ring).T - np.array(ring[0])[:, None]
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()) / 2


@pytest.mark.parametrize(
    "geo", [GEO, GeoReference(), GeoReference(0.0, 0.0, 2.0, 3.0)], ids=["rotated", "pixels", "upside down"]
)
def test_geojson(geo, tmp_path) -> None:
    write_geojson(layers(), geo, tmp_path / "a.geojson")
    content = json.loads((tmp_path / "a.geojson").read_text())
    traps, crest, way = content["features"]
    (outer, hole), cell = traps["geometry"]["coordinates"][0], geo.cell_area
    assert signed(outer) == pytest.approx(16 * cell) and signed(hole) == pytest.approx(-cell)  # as RFC 7946 turns them
    assert traps["properties"] == {"layer": "traps", "id": 1, "height": 2.5, "leans": True}
    assert crest["properties"]["depth"] is None and way["geometry"]["type"] == "LineString"
    assert crest["geometry"]["coordinates"] == [float(v) for v in geo.xy(2, 3)]
    assert ("crs" in content) == bool(geo.crs)


def test_geopackage_keeps_everything(tmp_path) -> None:
    geopandas = pytest.importorskip("geopandas")
    path = tmp_path / "a.gpkg"
    write_geopackage(layers(), GEO, path)
    traps = geopandas.read_file(path, layer="traps")
    assert traps.crs.to_epsg() == 23031 and traps.area[0] == pytest.approx(15 * 1250)
    assert traps[["id", "height", "leans"]].values.tolist() == [[1, 2.5, True]]
    crest = geopandas.read_file(path, layer="crests").geometry[0]
    assert (crest.x, crest.y) == pytest.approx([float(v) for v in GEO.xy(2, 3)])
    empty = geopandas.read_file(path, layer="none")
    assert len(empty) == 0 and empty.crs == traps.crs and empty.dtypes["id"] == traps.dtypes["id"]


def test_every_layer_has_a_default_style_that_is_found_by_its_name(tmp_path) -> None:
    pytest.importorskip("geopandas")
    path = tmp_path / "a.gpkg"
    write_geopackage(layers(), GEO, path)
    base = sqlite3.connect(path)
    rows = base.execute(
        "SELECT f_table_name, f_geometry_column, styleQML FROM layer_styles "
        "WHERE f_table_schema = '' AND useAsDefault = 1"
    ).fetchall()
    columns = dict(base.execute("SELECT table_name, column_name FROM gpkg_geometry_columns").fetchall())
    base.close()
    assert {name: column for name, column, _ in rows} == columns and set(columns) == {"traps", "crests", "ways", "none"}
    kinds = {name: ElementTree.fromstring(style).find(".//symbol").get("type") for name, _, style in rows}  # type: ignore[union-attr]
    assert kinds == {"traps": "fill", "crests": "marker", "ways": "line", "none": "fill"}


def test_every_category_of_a_layer_has_its_own_style(tmp_path) -> None:
    kinds = np.array([("both", 3.0), ("exact only", 1.0)], [("kind", "U12"), ("area", "f8")])
    invisible = (0, 0, 0, 0)
    styles = {"both": LayerStyle(invisible, (0, 150, 0, 99)), "exact only": LayerStyle(invisible, (200, 0, 0, 99))}
    style = CategorizedStyle("kind", styles)
    layer = VectorLayer("disagreement", "MultiPolygon", [[[SQUARE]], [[SQUARE]]], kinds, style)
    renderer = ElementTree.fromstring(vector_layer_qml("MultiPolygon", style)).find("renderer-v2")
    assert renderer is not None and renderer.get("attr") == "kind"
    symbols = {symbol.get("name"): symbol for symbol in renderer.iter("symbol")}
    for category in renderer.iter("category"):
        colour = symbols[category.get("symbol")].find('.//Option[@name="color"]')
        expected = styles[str(category.get("value"))].fill_colour
        assert colour is not None and colour.get("value") == ",".join(map(str, expected))
    write_geojson([layer], GeoReference(), tmp_path / "a.geojson")
    content = json.loads((tmp_path / "a.geojson").read_text())
    assert [feature["properties"]["kind"] for feature in content["features"]] == ["both", "exact only"]
    geopandas = pytest.importorskip("geopandas")
    write_geopackage([layer], GEO, tmp_path / "a.gpkg")
    assert list(geopandas.read_file(tmp_path / "a.gpkg", layer="disagreement")["kind"]) == ["both", "exact only"]


def test_an_unknown_reference_system_and_a_missing_library_are_named(tmp_path, monkeypatch) -> None:
    pytest.importorskip("geopandas")
    with pytest.raises(UserError, match="crs 'EPSG:nonsense' is unknown"):
        write_geopackage(layers(), GeoReference(0.0, 0.0, 1.0, -1.0, crs="EPSG:nonsense"), tmp_path / "a.gpkg")
    assert not list(tmp_path.iterdir())
    monkeypatch.setitem(__import__("sys").modules, "geopandas", None)
    with pytest.raises(UserError, match=r"pip install 'trapmtl\[geo\]', or ask for GeoJSON"):
        write_geopackage(layers(), GEO, tmp_path / "a.gpkg")


def test_shapes_and_attributes_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="1 shapes, 0 rows"):
        VectorLayer("x", "Point", [(0, 0)], layers()[3].attributes, LayerStyle((0, 0, 0, 255)))


def test_names_in_a_geopackage_are_values(tmp_path) -> None:
    pytest.importorskip("geopandas")
    name = "a'); DROP TABLE layer_styles; --"
    table = np.array([("=1+1",)], [("name", "U40")])
    write_geopackage(
        [VectorLayer(name, "Point", [np.zeros(2)], table, LayerStyle((0, 0, 0, 255)))], GEO, tmp_path / "a.gpkg"
    )
    with sqlite3.connect(tmp_path / "a.gpkg") as database:
        assert database.execute("SELECT f_table_name FROM layer_styles").fetchall() == [(name,)]
