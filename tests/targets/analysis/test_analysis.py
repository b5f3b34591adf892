"""The exact analysis of a map with two domes whose answer is known, and of one without any closure."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from mtl.tasks.heads import HEADS
from targets.analysis.analyse import analyse
from targets.analysis.figures import write_closure_figure
from targets.analysis.layers import make_vector_layers, polygonize_closures
from targets.analysis.options import ClosureOptions, DepthError
from targets.analysis.writers import write_analysis
from targets.closure import cells_of
from targets.errors import UserError
from targets.io.fault_names import NamedFaults
from targets.rendering.figures import make_map_figure, map_title
from targets.scene import GeoReference, Scene

GEO = GeoReference(1000.0, 9000.0, 50.0, -25.0, 20.0, "EPSG:23031", "m")


def ridge(geo: GeoReference = GEO) -> Scene:
    """Two conical domes on a slope that rises to the right: the left one spills into the right one."""
    rows, cols = np.mgrid[:60, :90].astype(np.float32)
    depth = 2100 - cols * 0.1
    for row, col in [(30, 22), (28, 65)]:
        depth = np.minimum(depth, 2030 - 0.1 * col + 4 * np.hypot(rows - row, cols - col))
    inside = np.ones(depth.shape, bool)
    return Scene("ridge", depth.astype(np.float32), inside, inside, ~inside, geo=geo)


def twins() -> Scene:
    """A wide dome with two summits: one closure with two inside it."""
    rows, cols = np.mgrid[:40, :60].astype(np.float32)
    summits = [np.hypot(rows - 20, cols - col) for col in (22, 36)]
    depth = np.minimum(2060, 2000 + 4 * np.minimum(*summits)).astype(np.float32)
    inside = np.ones(depth.shape, bool)
    return Scene("twins", depth, inside, inside, ~inside)


def plain(geo: GeoReference = GEO) -> Scene:
    """A slope: no closure."""
    depth = np.add.outer(np.arange(30.0), np.arange(40.0)).astype(np.float32) + 1000
    inside = np.ones(depth.shape, bool)
    return Scene("plain", depth, inside, inside, ~inside, geo=geo)


def test_polygons_have_the_area_of_their_cells_and_the_left_dome_spills_into_the_right() -> None:
    analysis = analyse(ridge())
    outer = analysis.table[analysis.table["parent"] == 0]
    assert len(outer) == 2
    left, right = sorted(outer, key=lambda row: row["crest_col"])
    assert (left["crest_row"], left["crest_col"]) == (30, 22) and left["spills_into"] == right["id"]
    polygons = make_vector_layers(analysis)[0]
    assert polygons.name == "closures" and polygons.attributes["id"].tolist() == outer["id"].tolist()
    for shape, row in zip(polygons.geometries, outer, strict=True):
        cells = sum(abs(_area(ring)) * (1 if i == 0 else -1) for rings in shape for i, ring in enumerate(rings))
        assert cells * 1250 == row["area"] == (analysis.closures.labels == row["id"]).sum() * 1250
    catchment = (analysis.catchments == left["id"]).sum() * 1250
    assert left["catchment"] == catchment > left["area"]


def _area(ring) -> float:
    row, col = ring.T
    return float((col[:-1] * row[1:] - col[1:] * row[:-1]).sum()) / 2


def test_paths_lead_from_the_spill_point_to_the_next_closure() -> None:
    analysis = analyse(ridge())
    paths = next(layer for layer in make_vector_layers(analysis) if layer.name == "migration_paths")
    left = next(row for row in analysis.table if row["crest_col"] == 22 and row["parent"] == 0)
    path, row = next((p, r) for p, r in zip(paths.geometries, paths.attributes, strict=True) if r["id"] == left["id"])
    assert tuple(path[0]) == (left["spill_row"], left["spill_col"])
    assert analysis.closures.labels[tuple(path[-1])] == left["spills_into"] == row["spills_into"]
    x, y = GEO.xy(path[:, 0], path[:, 1])
    assert row["length"] == pytest.approx(np.hypot(np.diff(x), np.diff(y)).sum())


def test_closures_inside_a_closure_have_their_own_polygons() -> None:
    analysis = analyse(twins(), ClosureOptions(min_area=10, min_height=1))
    nested = analysis.table[analysis.table["parent"] > 0]
    assert len(nested) >= 1 and (analysis.table["parent"] == 0).sum() == 1
    polygons = polygonize_closures(analysis.closures)
    for row in analysis.table:
        cells = np.argwhere(cells_of(analysis.closures, row["id"]))
        assert sum(_area(ring) for rings in polygons[row["id"]] for ring in rings) == len(cells) == row["area"]
        corners = polygons[row["id"]][0][0]
        assert (corners.min(0) >= cells.min(0) - 0.5).all() and (corners.max(0) <= cells.max(0) + 0.5).all()
    assert np.isnan(nested["catchment"]).all()


def test_contours_are_those_asked_for_those_of_the_map_or_sensible_ones() -> None:
    scene = ridge(GeoReference(0.0, 0.0, 10.0, -10.0, contour_interval=7.0, contour_base=3.0))
    assert analyse(scene).closures.grid.interval == 0
    auto, own = analyse(scene, ClosureOptions("auto")), analyse(scene, ClosureOptions(25.0))
    assert (auto.closures.grid.interval, auto.closures.grid.base) == (7, 3)
    assert (own.closures.grid.interval, own.closures.grid.base) == (25, 3)
    assert own.scene.geo.contour_interval == 25 and "every 25" in map_title(own.scene)
    assert ((own.table["contour_depth"] - 3) % 25 == 0).all()
    sensible = analyse(ridge(), ClosureOptions("auto", contour_base=1.0)).closures.grid
    assert sensible.interval == 10 and sensible.base == 1  # 76 m of relief, about 6 contours on a small map


def test_small_and_low_closures_are_dropped() -> None:
    count = [
        len(analyse(ridge(), ClosureOptions(min_area=a, min_height=h)).table) for a, h in [(0, 0), (1e6, 0), (0, 1e6)]
    ]
    assert count[0] >= 2 and count[1:] == [0, 0]


def test_an_error_of_the_depth_gives_probabilities_and_percentiles(tmp_path) -> None:
    error = DepthError(5.0, 250.0, realisations=8)
    analysis = analyse(ridge(), error=error)
    assert analysis.probability is not None
    outer = analysis.table[analysis.table["parent"] == 0]
    assert (outer["probability"] == 1).all()  # 5 m beside 60 m of closure
    assert (outer["area_p90"] <= outer["area_p50"]).all() and (outer["area_p50"] <= outer["area_p10"]).all()
    assert (outer["area_p90"] > 0.3 * outer["area"]).all() and (outer["area_p10"] < 3 * outer["area"]).all()
    again = analyse(ridge(), error=error).table  # the same seed
    assert again.tobytes() == analysis.table.tobytes()
    write_analysis(analysis, tmp_path, "npz", "geojson")
    assert (tmp_path / "probability.png").stat().st_size > 5000
    with np.load(tmp_path / "closures.npz") as grids:
        assert grids["probability"].max() == 1 and grids["x0"] == 1000
    with pytest.raises(UserError, match="--correlation: missing"):
        analyse(ridge(), error=DepthError(5.0))
    with pytest.raises(UserError, match="without --depth-std"):
        analyse(ridge(), error=DepthError(correlation=5.0))


def test_correlation_is_in_map_units(monkeypatch) -> None:
    seen = []

    def spy(depth, std, correlation, *rest, **rules):
        seen.append(correlation)
        raise UserError("x", "enough")

    monkeypatch.setattr("targets.analysis.analyse.closure_probability", spy)
    for geo in (GEO, GeoReference()):
        with pytest.raises(UserError, match="enough"):
            analyse(ridge(geo), error=DepthError(1.0, 500.0))
    assert seen == [pytest.approx(500 / np.sqrt(1250)), 500]


def test_a_map_with_a_location_becomes_gis_files(tmp_path) -> None:
    geopandas, rasterio = pytest.importorskip("geopandas"), pytest.importorskip("rasterio")
    analysis = analyse(ridge())
    write_analysis(analysis, tmp_path)
    of_traps = set(HEADS) - {"salt", "empty"}  # of seismic images, and of the whole map
    assert {path.name for path in tmp_path.iterdir()} == {
        "closures.csv", "closures.gpkg", "closures.png", "labels.tif", "height.tif", "catchments.tif",
        *(f"target_{head}.png" for head in of_traps)}  # fmt: skip
    shapes = geopandas.read_file(tmp_path / "closures.gpkg", layer="closures")
    assert shapes.area.to_numpy() == pytest.approx(shapes["area"].to_numpy()) and shapes.crs.to_epsg() == 23031
    with rasterio.open(tmp_path / "labels.tif") as labels:
        assert labels.crs.to_epsg() == 23031
        crests = geopandas.read_file(tmp_path / "closures.gpkg", layer="crests")
        there = [value[0] for value in labels.sample([(p.x, p.y) for p in crests.geometry])]
        assert there == crests["id"].tolist()
    with (tmp_path / "closures.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(analysis.table) and float(rows[0]["area"]) == analysis.table["area"][0]
    trap = np.asarray(Image.open(tmp_path / "target_trap.png"))
    assert ((trap == 255) == (analysis.closures.labels > 0)).all()
    crest = analysis.table[0]
    assert np.asarray(Image.open(tmp_path / "target_crest.png"))[crest["crest_row"], crest["crest_col"]] == 255
    dist = np.asarray(Image.open(tmp_path / "target_dist.png")).astype(float) / 100
    assert dist[crest["crest_row"], crest["crest_col"] + 3] == 3
    depth, height = (np.asarray(Image.open(tmp_path / f"target_{name}.png")) for name in ("depth", "height"))
    assert depth.max() == 65535 == depth[analysis.scene.depth == analysis.scene.depth.min()][0] and depth.min() == 0
    assert ((height > 0) <= (trap == 255)).all() and height[crest["crest_row"], crest["crest_col"]] == height.max()
    classes = np.asarray(Image.open(tmp_path / "target_fused.png"))
    assert ((classes[..., 0] == 0) == (trap == 255)).all() and (classes.sum(-1) == 255).all()


@pytest.mark.parametrize("make", [ridge, plain])
def test_a_map_without_a_location_needs_no_gis_library(make, tmp_path, monkeypatch) -> None:
    for name in ("geopandas", "rasterio", "shapely"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    analysis = analyse(make(GeoReference()))
    write_analysis(analysis, tmp_path)
    content = json.loads((tmp_path / "closures.geojson").read_text())
    count = (analysis.table["parent"] == 0).sum()
    assert (
        sum(f["properties"]["layer"] == "crests" for f in content["features"]) == count == (2 if make is ridge else 0)
    )
    with np.load(tmp_path / "closures.npz") as grids:
        assert (grids["labels"] == analysis.closures.labels).all() and "x0" not in grids
    assert (tmp_path / "closures.csv").read_text().count("\n") == 1 + len(analysis.table)


def test_the_picture_keeps_proportions_and_says_where_north_is() -> None:
    _, axis = make_map_figure(ridge().replace(geo=GeoReference(0.0, 0.0, 50.0, -25.0)))
    assert axis.get_aspect() == 0.5
    words = [text.get_text() for text in axis.texts]
    assert "N" in words and any("km" in word or " m" in word for word in words)
    arrow = next(text for text in axis.texts if text.get_text() == "N")
    assert arrow.xy[1] < arrow.get_position()[1] and arrow.xy[0] == pytest.approx(arrow.get_position()[0])  # up
    _, plain_axis = make_map_figure(ridge(GeoReference()))
    words = [text.get_text() for text in plain_axis.texts]
    assert "N" not in words and any("cells" in word for word in words)


def test_a_picture_alone_is_refused() -> None:
    scene = ridge()
    with pytest.raises(UserError, match="a picture without a depth"):
        analyse(scene.replace(depth_valid=np.zeros(scene.shape, bool)))


@pytest.mark.parametrize("name", ["$x^{$", "a$\\frac{$", "\x1b[2J", "x" * 20_000, "a\nb", "{0}%s"])
def test_a_fault_of_any_name_is_drawn(name, tmp_path) -> None:
    scene = ridge()
    cells = np.zeros(scene.shape, np.int32)
    cells[3:6, 4] = 1
    analysis = analyse(scene.replace(fault=cells > 0), faults=NamedFaults(cells, (name,)))
    write_closure_figure(analysis, make_vector_layers(analysis), tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").size[0] < 2000


def test_a_map_of_any_name_is_drawn(tmp_path) -> None:
    figure, _ = make_map_figure(ridge().replace(name="a$\\frac{$"))
    figure.savefig(tmp_path / "a.png")
