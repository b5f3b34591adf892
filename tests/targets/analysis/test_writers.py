"""Files of an analysis: GIS files of a map with a location, plain ones without, and a row per closure."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from mtl.tasks.heads import HEADS
from targets.analysis.analyse import analyse
from targets.analysis.writers import write_analysis
from targets.scene import GeoReference
from tests.targets.analysis.maps import plain, ridge


def test_a_map_with_a_location_becomes_gis_files(tmp_path) -> None:
    geopandas, rasterio = pytest.importorskip("geopandas"), pytest.importorskip("rasterio")
    analysis = analyse(ridge())
    write_analysis(analysis, tmp_path)
    of_traps = set(HEADS) - {"salt", "empty"}  # of seismic images, and of the whole map
    assert {path.name for path in tmp_path.iterdir()} == {
        "closures.csv", "closures.gpkg", "closures.png", "labels.tif", "height.tif", "catchments.tif", "made_from.yaml",
        "training_targets"}  # fmt: skip
    targets = tmp_path / "training_targets"
    assert {path.name for path in targets.iterdir()} == {f"target_{head}.png" for head in of_traps}
    shapes = geopandas.read_file(tmp_path / "closures.gpkg", layer="closures")
    assert shapes.area.to_numpy() == pytest.approx(shapes["area_m2"].to_numpy()) and shapes.crs.to_epsg() == 23031
    with rasterio.open(tmp_path / "labels.tif") as labels:
        assert labels.crs.to_epsg() == 23031
        crests = geopandas.read_file(tmp_path / "closures.gpkg", layer="crests")
        there = [value[0] for value in labels.sample([(p.x, p.y) for p in crests.geometry])]
        assert there == crests["id"].tolist()
    with (tmp_path / "closures.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(analysis.table) and float(rows[0]["area_m2"]) == analysis.table["area"][0]
    trap = np.asarray(Image.open(targets / "target_trap.png"))
    assert ((trap == 255) == (analysis.closures.labels > 0)).all()
    crest = analysis.table[0]
    assert np.asarray(Image.open(targets / "target_crest.png"))[crest["crest_row"], crest["crest_col"]] == 255
    dist = np.asarray(Image.open(targets / "target_dist.png")).astype(float) / 100
    # Cells of 50 x 25 m: lengths are counted in square cells that are as large.
    assert dist[crest["crest_row"], crest["crest_col"] + 3] == pytest.approx(3 * 2**0.5, abs=0.01)
    depth, height = (np.asarray(Image.open(targets / f"target_{name}.png")) for name in ("depth", "height"))
    assert depth.max() == 65535 == depth[analysis.scene.depth == analysis.scene.depth.min()][0] and depth.min() == 0
    assert ((height > 0) <= (trap == 255)).all() and height[crest["crest_row"], crest["crest_col"]] == height.max()
    classes = np.asarray(Image.open(targets / "target_fused.png"))
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
