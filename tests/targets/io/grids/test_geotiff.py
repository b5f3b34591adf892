"""GeoTIFF grids: types, overviews, classes, and one reading for windows and for the whole."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from targets.io.grids.geotiff import write_class_raster
from targets.io.grids.registry import read_surface, write_grid
from tests.targets.io.grids.samples import GEO


def test_labels_stay_whole_numbers_in_a_geotiff(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    labels = np.arange(12, dtype=np.int32).reshape(3, 4)
    write_grid(labels, GEO, tmp_path / "labels.tif")
    with rasterio.open(tmp_path / "labels.tif") as source:
        assert source.dtypes == ("int32",)
        # The corner of the first cell lies half a cell up and left of its centre.
        assert (source.transform.c, source.transform.f) == (950.0, 2075.0)
    write_grid(labels > 5, GEO, tmp_path / "mask.tif")
    np.testing.assert_array_equal(read_surface(tmp_path / "mask.tif")[0], labels > 5)


def test_a_large_geotiff_is_cloud_optimised_and_its_overview_invents_no_labels(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    labels = np.repeat(np.repeat(np.array([[1, 9], [9, 1]], np.int32), 301, axis=0), 301, axis=1)
    depth = labels.astype(np.float32)
    depth[0, 0] = np.nan
    for name, values, small in (("labels", labels, {1, 9}), ("depth", depth, None)):
        write_grid(values, GEO, tmp_path / f"{name}.tif")
        with rasterio.open(tmp_path / f"{name}.tif") as source:
            assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" and source.overviews(1) == [2]
            np.testing.assert_array_equal(source.read(1), values)
            half = source.read(1, out_shape=(301, 301))
            assert np.isfinite(half).all() and (small is None or set(np.unique(half)) == small)


def test_classes_have_their_colours_and_names(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    classes = {"both": (10, 200, 30, 255), "one & only": (9, 9, 9, 255)}
    write_class_raster(np.eye(5, dtype=np.uint8), GEO, tmp_path / "classes.tif", classes)
    with rasterio.open(tmp_path / "classes.tif") as source:
        assert [source.colormap(1)[value] for value in (1, 2)] == list(classes.values()) and source.nodata == 0
        np.testing.assert_array_equal(source.read(1), np.eye(5))
    entries = ElementTree.parse(tmp_path / "classes.qml").iter("paletteEntry")
    assert [(e.get("value"), e.get("label"), e.get("color")) for e in entries] == [
        ("1", "both", "#0ac81e"), ("2", "one & only", "#090909")]  # fmt: skip
