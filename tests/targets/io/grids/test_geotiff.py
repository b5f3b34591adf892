"""GeoTIFF grids: types, overviews, classes, and one reading for windows and for the whole."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from targets.common.rasters.windowed import open_raster
from targets.io.grids.geotiff import write_class_raster
from targets.io.grids.registry import read_surface, write_grid
from targets.io.read_options import ReadOptions
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


@st.composite
def stored_bands(draw: st.DrawFn) -> tuple[NDArray, dict[str, Any], NDArray[np.bool_] | None, tuple[float, float]]:
    """Values as they are stored, what the header says, an internal mask, scale and offset."""
    dtype = np.dtype(draw(st.sampled_from(["uint8", "int16", "uint16", "int32", "float32", "float64"])))
    values = draw(arrays(dtype, (3, 4), elements=st.integers(0, 200).map(float if dtype.kind == "f" else int)))
    nodata = draw(st.sampled_from([None, 7, 0, 200]))
    mask = draw(st.none() | arrays(np.bool_, (3, 4)))
    scaling = draw(st.sampled_from([(1.0, 0.0), (0.25, 0.0), (1.0, -50.0), (-2.0, 100.0)]))
    return values, {"nodata": nodata, "dtype": dtype}, mask, scaling


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(stored_bands())
def test_windows_and_the_whole_read_the_same_values(
    tmp_path: Path, band: tuple[NDArray, dict[str, Any], NDArray[np.bool_] | None, tuple[float, float]]
) -> None:
    rasterio = pytest.importorskip("rasterio")
    stored, profile, mask, (scale, offset) = band
    path = tmp_path / "grid.tif"
    path.unlink(missing_ok=True)
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", driver="GTiff", height=3, width=4, count=1, **profile) as file,
    ):
        file.write(stored, 1)
        if mask is not None:
            file.write_mask(mask)
        file.scales, file.offsets = (scale,), (offset,)
    expected = stored.astype(np.float64) * scale + offset
    # As GDAL has it, a mask overrides the nodata value.
    if mask is not None:
        expected[~mask] = np.nan
    elif profile["nodata"] is not None:
        expected[stored == profile["nodata"]] = np.nan
    whole, _ = read_surface(path, ReadOptions(elevation=False, nodata="none"))
    np.testing.assert_array_equal(whole, expected)
    raster = open_raster(path)
    by_windows = np.block([[raster[0:2, 0:3], raster[0:2, 3:4]], [raster[2:3, 0:3], raster[2:3, 3:4]]])
    assert by_windows.dtype == raster.dtype
    np.testing.assert_array_equal(by_windows, expected)
