"""GeoTIFF grids: types, overviews, classes, and one reading for windows and for the whole."""

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image
from rasterio.enums import ColorInterp

from targets.common.rasters.windowed import open_raster
from targets.io.grids.geotiff import write_class_raster
from targets.io.grids.registry import load_surface, read_surface, write_grid
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


@dataclass(frozen=True)
class Band:
    """Values as they are stored, what declares them undefined, and scale and offset."""

    stored: NDArray
    nodata: float | None
    mask: NDArray[np.bool_] | None
    is_alpha: bool  # the mask is a band of transparency
    scaling: tuple[float, float]
    beside: bool  # nodata and scaling stand in a .aux.xml

    def write(self, path: Path) -> None:
        import rasterio

        profile = {"height": 3, "width": 4, "count": 1 + self.is_alpha, "dtype": self.stored.dtype}
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            rasterio.open(path, "w", driver="GTiff", nodata=None if self.beside else self.nodata, **profile) as file,
        ):
            file.write(self.stored, 1)
            if self.is_alpha and self.mask is not None:
                file.write(self.mask.astype(self.stored.dtype), 2)
                file.colorinterp = (ColorInterp.gray, ColorInterp.alpha)
            elif self.mask is not None:
                file.write_mask(self.mask)
            if not self.beside:
                file.scales, file.offsets = (self.scaling[0],) * file.count, (self.scaling[1],) * file.count
        auxiliary = path.with_name(f"{path.name}.aux.xml")
        auxiliary.unlink(missing_ok=True)
        if self.beside:
            nodata = "" if self.nodata is None else f"<NoDataValue>{self.nodata!r}</NoDataValue>"
            scaling = f"<Scale>{self.scaling[0]}</Scale><Offset>{self.scaling[1]}</Offset>"
            auxiliary.write_text(f'<PAMDataset><PAMRasterBand band="1">{nodata}{scaling}</PAMRasterBand></PAMDataset>')

    def expected(self) -> NDArray[np.float64]:
        values = self.stored.astype(np.float64) * self.scaling[0] + self.scaling[1]
        if self.mask is not None:  # as GDAL has it, a mask overrides the nodata value; transparency adds to it
            values[~self.mask] = np.nan
        if self.nodata is not None and (self.mask is None or (self.is_alpha and not self.beside)):
            values[self.stored == self.nodata] = np.nan
        return values


@st.composite
def bands(draw: st.DrawFn) -> Band:
    dtype = np.dtype(draw(st.sampled_from(["uint8", "int16", "uint16", "int32", "float32", "float64"])))
    stored = draw(arrays(dtype, (3, 4), elements=st.integers(0, 200).map(float if dtype.kind == "f" else int)))
    nodata = draw(st.sampled_from([None, 7, 0, 200, *([np.nan, 7.5] if dtype.kind == "f" else [])]))
    mask = draw(st.none() | arrays(np.bool_, (3, 4)))
    scaling = draw(st.sampled_from([(1.0, 0.0), (0.25, 0.0), (1.0, -50.0), (-2.0, 100.0)]))
    return Band(stored, nodata, mask, mask is not None and draw(st.booleans()), scaling, draw(st.booleans()))


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(bands())
def test_windows_and_the_whole_read_the_same_values(tmp_path: Path, band: Band) -> None:
    path = tmp_path / "grid.tif"
    path.unlink(missing_ok=True)
    band.write(path)
    whole, _ = read_surface(path, ReadOptions(elevation=False, nodata="none"))
    np.testing.assert_array_equal(whole, band.expected())
    raster = open_raster(path)
    by_windows = np.block([[raster[0:2, 0:3], raster[0:2, 3:4]], [raster[2:3, 0:3], raster[2:3, 3:4]]])
    assert by_windows.dtype == raster.dtype
    np.testing.assert_array_equal(by_windows, band.expected())


def test_pages_behind_the_first_are_told(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.arange(6, dtype=np.float32).reshape(2, 3) + page) for page in (2000, 3000)]
    pages[0].save(tmp_path / "top.tif", save_all=True, append_images=pages[1:])
    surface = load_surface(tmp_path / "top.tif")
    assert surface.values.max() == 2005 and "it holds 2 pages, of which the first is read" in surface.notes
