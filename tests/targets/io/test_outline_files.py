"""Outlines in every format: our own readers and independent libraries read the same polygons back."""

from pathlib import Path

import numpy as np
import pytest

from targets.io.faults.registry import read_fault_file
from targets.io.outline_files import write_outlines
from targets.io.qgis.styles import LayerStyle
from targets.io.vectors import VectorLayer
from targets.scene import GeoReference

geopandas = pytest.importorskip("geopandas")
GEO = GeoReference(461000.0, 5932000.0, 50.0, -25.0, 30.0, "EPSG:23031")
SQUARE = np.array([[0, 0], [0, 4], [4, 4], [4, 0], [0, 0]]) - 0.5
HOLE = np.array([[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]) - 0.5
STYLE = LayerStyle((0, 0, 0, 255))
AREA = 50 * 25.0


def layers() -> list[VectorLayer]:
    table = np.array(
        [(7, 1500.0, 1600.5, "Свод", True), (9, 1490.0, 1580.0, "B", False)],
        [("id", "i4"), ("crest_depth_m", "f8"), ("spill_depth_m", "f8"), ("crest_name", "U9"), ("leans", "?")],
    )
    points = np.array([(7, 1500.0), (9, np.nan)], [("id", "i4"), ("crest_depth_m", "f8")])
    polygons = [[[SQUARE, HOLE]], [[SQUARE + 10], [SQUARE + 20]]]
    return [
        VectorLayer("closures", "MultiPolygon", polygons, table, STYLE, table["spill_depth_m"]),
        VectorLayer(
            "paths", "LineString", [np.array([[0, 0], [3, 3], [5, 3]])] * 2, points, STYLE, [[9.0, 11, 12.5]] * 2
        ),
        VectorLayer("crests", "Point", [(2, 3), (12, 13)], points, STYLE),
        VectorLayer("none", "MultiPolygon", [], table[:0], STYLE),
    ]


def rings() -> list[np.ndarray]:
    return [np.stack(GEO.xy(*ring.T), axis=1) for ring in (SQUARE, HOLE, SQUARE + 10, SQUARE + 20)]


def check_lines(path: Path, names: list[str], has_z: bool = True) -> None:
    found = read_fault_file(path)
    assert [line.name for line in found.lines] == names and all(line.is_polygon for line in found.lines)
    for line, ring in zip(found.lines, rings(), strict=True):
        assert {tuple(point) for point in line.points[:, :2].round(3)} == {tuple(point) for point in ring.round(3)}
    if has_z:
        assert [line.points[0, 2] for line in found.lines] == [1600.5, 1600.5, 1580.0, 1580.0]


def test_shapefile(tmp_path):
    files = write_outlines(layers(), GEO, tmp_path / "closures", "shp")
    assert [file.name for file in files] == ["closures.shp", "paths.shp", "crests.shp", "none.shp"]
    frame = geopandas.read_file(tmp_path / "closures.shp")
    assert frame.crs.to_epsg() == 23031 and frame.area.tolist() == pytest.approx([15 * AREA, 32 * AREA])
    assert list(frame.columns) == ["id", "crest_dept", "spill_dept", "crest_name", "leans", "geometry"]
    assert frame["crest_name"].tolist() == ["Свод", "B"] and frame["leans"].tolist() == [1, 0]
    assert len(geopandas.read_file(tmp_path / "none.shp")) == 0
    found = read_fault_file(tmp_path / "closures.shp")
    assert len(found.lines) == 3 and found.crs == "EPSG:23031" and "hole" in found.notes[0]


def test_geoparquet_and_the_third_coordinate(tmp_path):
    pytest.importorskip("pyarrow")
    files = write_outlines(layers(), GEO, tmp_path / "closures", "parquet")
    assert [file.name for file in files] == ["closures.parquet", "paths.parquet", "crests.parquet", "none.parquet"]
    frame = geopandas.read_parquet(files[0])
    assert frame.crs.to_epsg() == 23031 and frame.area.tolist() == pytest.approx([15 * AREA, 32 * AREA])
    assert frame["crest_name"].tolist() == ["Свод", "B"] and frame["id"].tolist() == [7, 9]
    write_outlines(layers(), GEO, tmp_path / "closures", "shp")
    write_outlines(layers(), GEO, tmp_path / "closures", "gpkg")
    for frames in (
        [geopandas.read_parquet(file) for file in files[:3]],
        [geopandas.read_file(tmp_path / f"{name}.shp") for name in ("closures", "paths", "crests")],
        [geopandas.read_file(tmp_path / "closures.gpkg", layer=name) for name in ("closures", "paths", "crests")],
    ):
        outlines, paths, crests = (frame.geometry for frame in frames)
        assert outlines.has_z.all() and paths.has_z.all()
        depths = outlines.get_coordinates(include_z=True)["z"].groupby(level=0).unique()
        assert [depth.tolist() for depth in depths] == [[1600.5], [1580.0]]
        assert paths.iloc[0].coords[2][2] == 12.5
        assert not crests.has_z.any()  # the layer says no depths


@pytest.mark.parametrize("vectors", ["gpkg", "geojson"])
def test_one_file_for_all_layers(tmp_path, vectors):
    (file,) = write_outlines(layers(), GEO, tmp_path / "closures", vectors)
    assert file.name == f"closures.{vectors}"
    frame = geopandas.read_file(file, **({"layer": "closures"} if vectors == "gpkg" else {}))
    assert frame.geometry.iloc[:2].area.tolist() == pytest.approx([15 * AREA, 32 * AREA])


def test_pol(tmp_path):
    xtgeo = pytest.importorskip("xtgeo")
    assert [file.name for file in write_outlines(layers(), GEO, tmp_path / "closures", "pol")] == [
        "closures.pol", "paths.pol", "none.pol",
    ]  # fmt: skip
    check_lines(tmp_path / "closures.pol", ["0", "1", "2", "3"])
    frame = xtgeo.polygons_from_file(tmp_path / "closures.pol", fformat="xyz").get_dataframe()
    assert frame["POLY_ID"].nunique() == 4 and len(frame) == 20
    first = frame[frame["POLY_ID"] == 0]
    assert {(round(x, 3), round(y, 3)) for x, y in zip(first["X_UTME"], first["Y_UTMN"], strict=True)} == {
        tuple(point) for point in rings()[0].round(3).tolist()
    }


def test_cps3_lines(tmp_path):
    write_outlines(layers(), GEO, tmp_path / "closures", "cps3")
    check_lines(tmp_path / "closures.cps", ["7", "7", "9", "9"])
    text = (tmp_path / "closures.cps").read_text().splitlines()
    assert text[0].startswith("FFASCI") and text[1].startswith("FFATTR") and text.count("->7") == 2


def test_csv(tmp_path):
    pandas = pytest.importorskip("pandas")
    files = write_outlines(layers(), GEO, tmp_path / "closures", "csv")
    assert files[2].name == "crests_points.csv"
    check_lines(tmp_path / "closures_points.csv", ["7", "7", "9", "9"])
    frame = pandas.read_csv(tmp_path / "closures_points.csv")
    assert list(frame.columns) == ["x", "y", "z", "id", "part", "point"]
    assert frame.groupby(["id", "part"]).size().tolist() == [5, 5, 5, 5]
    assert pandas.read_csv(files[2])["id"].tolist() == [7, 9]


def test_a_map_without_a_location_gets_geojson(tmp_path):
    for vectors in ("pol", "shp", "csv"):
        (file,) = write_outlines(layers(), GeoReference(), tmp_path / "closures", vectors)
        assert file.name == "closures.geojson"
