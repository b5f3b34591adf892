"""Fault lines in GeoJSON, Shapefile and GeoPackage, with their names, encodings and coordinate systems."""

import json

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.faults.on_horizon import read_faults_on_horizon
from targets.io.faults.registry import read_fault_file
from targets.scene import GeoReference
from tests.targets.io.faults.dialects import FAULTS, fault_names

geopandas = pytest.importorskip("geopandas")
shapely = pytest.importorskip("shapely")
UTM = "EPSG:23031"


def frame(kind: str, crs: str | None = UTM, dims: int = 3):
    """The known faults; polygons where they are, or all as lines."""
    shapes = [
        shapely.Polygon(line.points[:, :dims]) if line.is_polygon and kind == "polygon" else
        shapely.LineString(line.points[:, :dims]) for line in FAULTS
    ]  # fmt: skip
    return geopandas.GeoDataFrame({"throw": range(len(FAULTS)), "Name": fault_names()}, geometry=shapes, crs=crs)


def check(path, dims: int = 3) -> None:
    found = read_fault_file(path)
    by_name = sorted(found.lines, key=lambda line: (line.name, line.points[0, 0]))
    known = sorted(FAULTS, key=lambda line: (line.name, line.points[0, 0]))
    assert [line.name for line in by_name] == [line.name for line in known]
    for line, other in zip(by_name, known, strict=True):
        assert line.is_polygon == other.is_polygon
        assert {tuple(point) for point in line.points[:, :dims].round(3)} == {
            tuple(point) for point in other.points[:, :dims].round(3)
        }


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("kind", ["polygon", "line"])
@pytest.mark.parametrize("suffix", ["geojson", "gpkg"])
def test_polygons_and_lines(tmp_path, suffix, kind, dims):
    path = tmp_path / f"faults.{suffix}"
    frame(kind, dims=dims).to_file(path, engine="pyogrio")
    check(path, dims)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_geometries_as_text(tmp_path, separator):
    table = frame("polygon")
    path = tmp_path / "faults.csv"
    rows = [
        separator.join([f'"{shape.wkt}"', name, "1"]) for shape, name in zip(table.geometry, table["Name"], strict=True)
    ]
    path.write_text("\n".join([separator.join(["WKT", "Name", "throw"]), *rows]))
    check(path)


@pytest.mark.parametrize("encoding", ["UTF-8", "CP1251", "CP866"])
@pytest.mark.parametrize("keeps", ["cpg", "no cpg", "shp alone"])
def test_shapefile(tmp_path, encoding, keeps):
    path = tmp_path / "Faults.shp"
    frame("line").to_file(path, engine="pyogrio", encoding=encoding)
    dbf = path.with_suffix(".dbf")
    data = bytearray(dbf.read_bytes())
    if keeps != "cpg":
        path.with_suffix(".cpg").unlink(missing_ok=True)
        data[29] = 0  # the code page
        dbf.write_bytes(data)
    if keeps == "shp alone":
        for suffix in (".dbf", ".shx", ".prj"):
            path.with_suffix(suffix).unlink()
        found = read_fault_file(path)
        assert len(found.lines) == 4 and not found.is_named and "no .dbf" in found.notes[0]
        assert sorted(file.suffix for file in tmp_path.iterdir()) == [".shp"], "nothing is written beside it"
        return
    check(path)
    notes = read_fault_file(path).notes
    assert any("no .cpg" in note for note in notes) == (keeps == "no cpg")


def test_collections_holes_and_features_without_a_name(tmp_path):
    ring = [[0, 0], [9, 0], [9, 9], [0, 9], [0, 0]]
    hole = [[3, 3], [3, 6], [6, 6], [6, 3], [3, 3]]
    shapes = [
        {"type": "Polygon", "coordinates": [ring, hole]},
        {"type": "MultiLineString", "coordinates": [[[0, 0], [5, 5]], [[20, 20], [25, 25]]]},
        {"type": "GeometryCollection", "geometries": [{"type": "LineString", "coordinates": [[1, 1], [2, 2], [3, 1]]}]},
    ]
    features = [{"type": "Feature", "properties": {"fault": name}, "geometry": shape}
                for name, shape in zip(("A", None, "C"), shapes, strict=True)]  # fmt: skip
    features.append({"type": "Feature", "properties": {}, "geometry": None})
    path = tmp_path / "f.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    found = read_fault_file(path)
    assert [line.name for line in found.lines] == ["A", "unnamed 2", "unnamed 2", "C"]
    assert [line.is_polygon for line in found.lines] == [True, False, False, False]
    assert found.notes == ("1 hole in its polygons is filled",)


def test_a_layer_of_points_is_a_table(tmp_path):
    points = [shapely.Point(*point) for line in FAULTS for point in line.points]
    names = [line.name for line in FAULTS for _ in line.points]
    order = [i for line in FAULTS for i in range(len(line.points))]
    path = tmp_path / "f.gpkg"
    geopandas.GeoDataFrame({"name": names, "vertex_ind": order}, geometry=points, crs=UTM).to_file(path)
    check(path)


def test_the_layer_of_faults_is_chosen(tmp_path):
    path = tmp_path / "field.gpkg"
    frame("line").to_file(path, layer="Faults 2024", engine="pyogrio")
    frame("polygon").iloc[:1].to_file(path, layer="licence", engine="pyogrio")
    check(path)
    assert "Faults 2024 of 2" in read_fault_file(path).notes[0]


def test_another_coordinate_system_is_converted(tmp_path):
    geo = GeoReference(458000.0, 5938000.0, 25.0, -25.0, crs=UTM)
    depth = np.full((300, 200), 1500.0)
    for number, crs in enumerate((UTM, "EPSG:32631", "EPSG:4326")):
        path = tmp_path / f"f{number}.geojson"
        frame("line").to_crs(crs).to_file(path, engine="pyogrio")
        faults = read_faults_on_horizon(path, depth, geo)
        assert np.abs(faults.lines[0].points[:, :2] - FAULTS[0].points[:, :2]).max() < 0.5
        assert any("converted" in note for note in faults.notes) == (crs != UTM)


@pytest.mark.parametrize(
    "data",
    [b'{"type": "FeatureCollection", "features": []}', b'{"type": "FeatureCollection", "features": [',
     b'{"type": "Feature"}',
     b'{"type": "Point", "coordinates": [1, 2]}', b"SQLite format 3\x00" + bytes(200), b"\x00\x00\x27\x0a" + bytes(120),
     b'{"type": "Feature", "geometry": {"type": "LineString", "coordinates": [[1, 2], ["a", 3]]}}'],
)  # fmt: skip
def test_damaged_files_end_in_one_line(tmp_path, data):
    path = tmp_path / "f.geojson"
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"f\.geojson"):
        read_fault_file(path)
