"""Rasters that GDAL reads: pictures and odd files are refused in one line, and no file beside them is opened."""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from targets.common.rasters.windowed import open_raster
from targets.errors import UserError
from targets.io.grids.registry import load_surface, read_surface
from targets.io.read_options import ReadOptions
from tests.targets.io.grids.dialects import DEPTH, GEO, corner, gdal

rasterio = pytest.importorskip("rasterio")
pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
READING = ReadOptions(elevation=False)


def make(path: Path, count: int = 1, dtype: str = "uint8", **profile: Any) -> None:
    head = {"driver": "GTiff", "height": 5, "width": 7, "count": count, "dtype": dtype, **profile}
    with rasterio.open(path, "w", **head) as file:
        for band in range(1, count + 1):
            file.write(np.arange(35).reshape(5, 7).astype(dtype), band)


def palette(path: Path) -> None:
    make(path)
    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, {0: (255, 0, 0, 255), 1: (0, 0, 255, 255)})


def named_bands(path: Path) -> None:
    make(path, 3, "float32")
    with rasterio.open(path, "r+") as file:
        file.descriptions = ("depth", "std", "thickness")


def scaled(scale: float, offset: float, path: Path) -> None:
    gdal(path)
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (scale,), (offset,)


def crooked_points(path: Path) -> None:
    from rasterio.control import GroundControlPoint

    make(path)
    points = [GroundControlPoint(0, 0, 0, 0), GroundControlPoint(0, 7, 700, 0), GroundControlPoint(5, 0, 0, -500),
              GroundControlPoint(5, 7, 720, -520)]  # fmt: skip
    with rasterio.open(path, "r+") as file:
        file.gcps = (points, rasterio.CRS.from_epsg(23031))


def points_on_a_line(path: Path) -> None:
    from rasterio.control import GroundControlPoint

    make(path)
    with rasterio.open(path, "r+") as file:
        file.gcps = ([GroundControlPoint(k, k, 10 * k, 10 * k) for k in range(4)], rasterio.CRS.from_epsg(23031))


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "palette": (palette, "palette's colours: a picture, not depths.*save it as PNG"),
    "colours": (lambda path: make(path, 3, photometric="RGB"), "red, green and blue: a picture, not depths"),
    "colours with alpha": (lambda path: make(path, 4, photometric="RGB", alpha="YES"), "a picture, not depths"),
    "several bands": (named_bands, r"3 bands \(depth, std, thickness\); expected one band.*gdal_translate"),
    "complex": (lambda path: make(path, dtype="complex64"), "values of type complex64"),
    "infinite scale": (lambda path: scaled(-np.inf, 0, path), "scale -inf; expected a number up to"),
    "huge scale": (lambda path: scaled(1e308, 0, path), r"scale 1e\+308"),
    "huge offset": (lambda path: scaled(1, 1e308, path), r"offset 1e\+308"),
    "no number as scale": (lambda path: scaled(np.nan, 0, path), "scale nan"),
    "sheared": (lambda path: make(path, transform=rasterio.Affine(50, 20, 0, 0, -50, 0)), "a sheared raster"),
    "crooked points": (crooked_points, "4 ground control points that a straight grid misses by .* cells.*gdalwarp"),
    "points on a line": (points_on_a_line, "4 ground control points on one line"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_grid_of_depths_is_refused(tmp_path: Path, case: str) -> None:
    write, message = REFUSED[case]
    write(tmp_path / "grid.tif")
    with pytest.raises(UserError, match=message):
        load_surface(tmp_path / "grid.tif")
    if case not in ("sheared", "crooked points", "points on a line"):  # --tile works in cells
        with pytest.raises(UserError, match=message):
            open_raster(tmp_path / "grid.tif")


def test_a_missing_driver_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "grid.img").write_bytes(b"EHFA_HEADER_TAG" + bytes(50))
    monkeypatch.setattr(rasterio.Env, "drivers", lambda env: {"GTiff": "GeoTIFF"})
    with pytest.raises(UserError, match="needs GDAL's driver HFA, which the installed rasterio lacks; convert"):
        load_surface(tmp_path / "grid.img")


def lead_away(path: Path, target: str) -> None:
    """A mask, overviews and metadata beside a raster that name another file, which would be opened."""
    xml = ('<VRTDataset rasterXSize="7" rasterYSize="5"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
           f"<SourceFilename>{target}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>")  # fmt: skip
    for suffix in (".msk", ".ovr", ".msk.ovr"):
        path.with_name(path.name + suffix).write_text(xml)
    path.with_name(path.name + ".aux.xml").write_text(
        f'<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{target}</MDI></Metadata>'
        f"<SRS>{target}</SRS></PAMDataset>"
    )


@pytest.mark.parametrize("driver", ["GTiff", "HFA"])
def test_no_file_beside_a_raster_is_followed(tmp_path: Path, driver: str) -> None:
    path = tmp_path / ("grid.tif" if driver == "GTiff" else "grid.img")
    gdal(path, driver=driver)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # opening it would wait for ever
    lead_away(path, str(pipe))
    for suffix in (".tfw", ".prj"):
        os.mkfifo(path.with_suffix(suffix))
    np.testing.assert_array_equal(load_surface(path, READING).values, DEPTH.astype(np.float32))
    if driver == "GTiff":
        np.testing.assert_array_equal(open_raster(path)[0:5, 0:7], DEPTH.astype(np.float32))


def test_metadata_inside_a_raster_is_not_followed(tmp_path: Path) -> None:
    path, pipe = tmp_path / "grid.tif", tmp_path / "pipe"
    gdal(path)
    os.mkfifo(pipe)
    with rasterio.open(path, "r+") as file:
        file.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(pipe))
    np.testing.assert_array_equal(load_surface(path, READING).values, DEPTH.astype(np.float32))


@pytest.mark.parametrize("text", ["<PAMDataset", "<!DOCTYPE a [<!ENTITY b 'c'>]><PAMDataset>&b;</PAMDataset>",
                                  '<PAMDataset><GeoTransform>1,2,x</GeoTransform></PAMDataset>'])  # fmt: skip
def test_metadata_that_are_not_understood_are_left_out(tmp_path: Path, text: str) -> None:
    path = tmp_path / "grid.tif"
    gdal(path)
    (tmp_path / "grid.tif.aux.xml").write_text(text)
    surface = load_surface(path, READING)
    np.testing.assert_array_equal(surface.values, DEPTH.astype(np.float32))
    assert surface.notes == ("grid.tif.aux.xml is not understood: left out",)


def test_a_location_that_contradicts_the_raster_is_reported(tmp_path: Path) -> None:
    gdal(tmp_path / "grid.tif")
    (tmp_path / "grid.tfw").write_text("50\n0\n0\n-25\n5000\n9000\n")
    surface = load_surface(tmp_path / "grid.tif", READING)
    assert surface.geo.x0 == 1000 and surface.notes == (
        "grid.tfw says another location than the file itself, whose own is taken",)  # fmt: skip


@pytest.mark.parametrize("point", [False, True])
def test_a_point_or_an_area_lies_where_gdal_says(tmp_path: Path, point: bool) -> None:
    gdal(tmp_path / "grid.tif")
    with rasterio.open(tmp_path / "grid.tif", "r+") as file:
        file.update_tags(AREA_OR_POINT="Point" if point else "Area")
        file.transform = corner(GEO)
    _, geo = read_surface(tmp_path / "grid.tif", READING)
    assert (geo.x0, geo.y0) == (GEO.x0, GEO.y0)


def test_warnings_of_gdal_stay_inside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    make(tmp_path / "grid.tif", dtype="float32")
    content = bytearray((tmp_path / "grid.tif").read_bytes())
    content[8 + 2 : 8 + 4] = b"\xf0\xf0"  # an unknown tag
    (tmp_path / "odd.tif").write_bytes(content)
    recwarn.clear()
    with caplog.at_level(logging.DEBUG, "rasterio"):
        for name in ("grid.tif", "odd.tif"):
            with suppress(UserError):
                open_raster(tmp_path / name)[0:2, 0:2]
    assert not recwarn.list and not [record for record in caplog.records if record.levelno >= logging.WARNING]
