"""Grids against independent libraries: GDAL and xtgeo read what is written, and the same as we read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from targets.io.grids.registry import FORMAT_BY_SUFFIX, FORMATS, load_surface, read_surface, write_grid
from targets.io.read_options import ReadOptions
from targets.scene import GeoReference
from tests.targets.io.grids.dialects import DEPTH, DIALECTS, GEO, Dialect
from tests.targets.io.grids.samples import assert_places

READING = ReadOptions(elevation=False)
TABLES = ("OpendTect horizon", "OpenWorks IJXYZ")  # tables of points


def by_gdal(path: Path, driver: str) -> tuple[NDArray, GeoReference, str | None]:
    rasterio = pytest.importorskip("rasterio")
    # GDAL takes the limits of ZMAP+ for edges of cells otherwise.
    with rasterio.Env(ZMAP_PIXEL_IS_POINT=True) as env:
        if driver not in env.drivers():
            pytest.skip(f"this GDAL has no driver {driver}")
        with rasterio.open(path, driver=driver) as file:
            values, t = file.read(1, masked=True).astype(np.float64).filled(np.nan), file.transform
            dx, turn = float(np.hypot(t.a, t.d)), float(np.degrees(np.arctan2(t.d, t.a)))
            x0, y0 = t.c + (t.a + t.b) / 2, t.f + (t.d + t.e) / 2
            geo = GeoReference(x0, y0, dx, t.determinant / dx, turn)
            return np.where(np.abs(values) > 1e29, np.nan, values), geo, file.crs.to_string() if file.crs else None


def by_xtgeo(path: Path, name: str) -> tuple[NDArray, GeoReference, None]:
    xtgeo = pytest.importorskip("xtgeo")
    surface = xtgeo.surface_from_file(path, fformat=name)
    values = np.ma.filled(surface.values.astype(np.float64), np.nan).T
    return values[::-1], _from_below(surface), None


def _from_below(surface: object) -> GeoReference:
    """The location of an xtgeo surface, counted from its upper left node."""
    low = GeoReference(surface.xori, surface.yori, surface.xinc, surface.yinc, surface.rotation)
    x0, y0 = low.xy(surface.nrow - 1, 0)
    return GeoReference(float(x0), float(y0), surface.xinc, -surface.yinc, surface.rotation)


# By the suffix of a written file: who else reads it. Nobody else reads CPS-3.
READERS = {
    ".tif": [("gdal", "GTiff")],
    ".tiff": [("gdal", "GTiff")],
    ".asc": [("gdal", "AAIGrid")],
    ".grd": [("gdal", "GSAG")],
    ".zmap": [("gdal", "ZMap"), ("xtgeo", "zmap_ascii")],
    ".gri": [("xtgeo", "irap_binary")],
    ".irap": [("xtgeo", "irap_ascii")],
}


WRITTEN = [(suffix, *reader, rotation) for suffix, readers in READERS.items() for reader in readers
           for rotation in (0.0, 30.0) if not (rotation and suffix in (".asc", ".grd", ".zmap"))]  # fmt: skip


@pytest.mark.parametrize(("suffix", "library", "name", "rotation"), WRITTEN)
@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_what_is_written_is_read_by_others(
    tmp_path: Path, suffix: str, library: str, name: str, rotation: float, dtype: str
) -> None:
    geo = replace(GEO, rotation=rotation, crs="EPSG:23031")
    depth = np.nan_to_num(DEPTH, nan=7).astype(dtype) if dtype == "int32" else DEPTH.astype(np.float32)
    path = tmp_path / f"grid{suffix}"
    write_grid(depth, geo, path)
    values, place, crs = by_gdal(path, name) if library == "gdal" else by_xtgeo(path, name)
    np.testing.assert_allclose(values, depth, rtol=0, atol=1e-4)
    assert_places(place, geo, depth.shape, atol=1e-3)
    if suffix in (".tif", ".asc"):
        assert crs == "EPSG:23031"


@pytest.mark.parametrize("suffix", FORMAT_BY_SUFFIX)
def test_units_and_coordinate_system_are_kept(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"grid{suffix}"
    write_grid(DEPTH.astype(np.float32), replace(GEO, crs="EPSG:23031", depth_unit="ft"), path)
    depth, geo = read_surface(path, READING)
    np.testing.assert_array_equal(depth, DEPTH.astype(np.float32))
    has_crs = suffix not in (".gri", ".irap")
    assert (geo.crs is None) is not has_crs and geo.xy_unit == ("m" if has_crs else None)
    assert geo.depth_unit == ("ft" if suffix in (".tif", ".tiff", ".npz", ".zmap", ".cps3") else None)


def test_a_prj_of_another_grid_does_not_stay(tmp_path: Path) -> None:
    write_grid(DEPTH, replace(GEO, crs="EPSG:23031"), tmp_path / "grid.asc")
    assert "ED_1950_UTM_Zone_31N" in (tmp_path / "grid.prj").read_text()
    write_grid(DEPTH, GEO, tmp_path / "grid.asc")
    assert not (tmp_path / "grid.prj").exists() and read_surface(tmp_path / "grid.asc", READING)[1].crs is None


@pytest.mark.parametrize("text", ["EPSG:23031", "/tmp/pipe", "+init=/tmp/pipe:1", "", "\0\0"])
@pytest.mark.parametrize("kind", ["prj", "aux.xml"])
def test_the_coordinate_system_beside_a_grid_is_no_file(tmp_path: Path, text: str, kind: str) -> None:
    path = tmp_path / "grid.asc"
    write_grid(DEPTH, GEO, path)
    if kind == "prj":
        path.with_suffix(".prj").write_text(text)
    else:
        path.with_name("grid.asc.aux.xml").write_text(f"<PAMDataset><SRS dataAxis='1,2'>{text}</SRS></PAMDataset>")
    surface = load_surface(path, READING)
    assert surface.geo.crs == ("EPSG:23031" if text == "EPSG:23031" else None)
    says = {"EPSG:23031": "its coordinate system is that of", "/tmp/pipe": "is not understood: left out"}
    assert says.get(text.removeprefix("+init=").removesuffix(":1"), "") in "; ".join(surface.notes)


# Dialects that GDAL or xtgeo reads rightly, and the name of the format there.
AGREES = {
    ("GXF", "sense 1"): ("gdal", "GXF"),
    ("GXF", "short keys"): ("gdal", "GXF"),
    ("GXF", "turned"): ("xtgeo", "gxf"),
    ("ZMAP+", "fields of full width"): ("gdal", "ZMap"),
    ("ZMAP+", "RMS"): ("xtgeo", "zmap_ascii"),
    ("IRAP/RMS ASCII", "plain"): ("xtgeo", "irap_ascii"),
    ("IRAP/RMS ASCII", "turned by 30.0"): ("xtgeo", "irap_ascii"),
    ("Surfer 6 text", "Surfer"): ("gdal", "GSAG"),
    ("Surfer 6 binary", "Surfer"): ("gdal", "GSBG"),
    ("Surfer 7", "Surfer"): ("gdal", "GS7BG"),
    ("Esri ASCII", "corner"): ("gdal", "AAIGrid"),
    ("Esri ASCII", "centre"): ("gdal", "AAIGrid"),
    ("Esri ASCII", "cells that are no squares"): ("gdal", "AAIGrid"),
    ("netCDF", "netCDF-4"): ("gdal", "netCDF"),
    ("netCDF", "lon and lat"): ("gdal", "netCDF"),
    ("ERDAS Imagine", "GDAL"): ("gdal", "HFA"),
    ("VRT", "two parts"): ("gdal", "VRT"),
    ("GeoTIFF", "float32, mask"): ("gdal", "GTiff"),
    ("GeoTIFF", "turned"): ("gdal", "GTiff"),
    ("GeoTIFF", "world file"): ("gdal", "GTiff"),
    ("GeoTIFF", "auxiliary file"): ("gdal", "GTiff"),
}


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
@pytest.mark.parametrize("dialect", [d for d in DIALECTS if (d.format, d.name) in AGREES],
                         ids=lambda dialect: f"{dialect.format}: {dialect.name}")  # fmt: skip
def test_others_read_the_same(tmp_path: Path, dialect: Dialect) -> None:
    path = tmp_path / f"grid{dialect.suffix}"
    dialect.write(path)
    surface = load_surface(path, READING)
    library, name = AGREES[dialect.format, dialect.name]
    values, geo, _ = by_gdal(path, name) if library == "gdal" else by_xtgeo(path, name)
    np.testing.assert_allclose(values, surface.values, rtol=0, atol=1e-4)
    assert_places(geo, surface.geo, values.shape, atol=1e-3)


@pytest.mark.parametrize("sense", [-2, 3, -4])
def test_gdal_orders_the_values_of_gxf_alike(tmp_path: Path, sense: int) -> None:
    """It takes the origin for the first value, and refuses the other senses."""
    (dialect,) = (d for d in DIALECTS if d.name == f"sense {sense}")
    dialect.write(tmp_path / "grid.gxf")
    np.testing.assert_array_equal(by_gdal(tmp_path / "grid.gxf", "GXF")[0], np.where(np.isnan(DEPTH), np.nan, DEPTH))


def test_every_independent_reader_is_asked() -> None:
    assert {(d.format, d.name) for d in DIALECTS} >= set(AGREES)
    assert {*READERS, ".cps3", ".npz"} == set(FORMAT_BY_SUFFIX)


def test_the_table_of_formats_is_true() -> None:
    """The table in docs/reference/grids.md: a row per format, its suffixes, whether written, who reads it here."""
    text = (Path(__file__).parents[4] / "docs" / "reference" / "grids.md").read_text(encoding="utf-8")
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    rows = {row[0]: row for row in cells if len(row) == 7 and row[0] not in ("format", "---")}
    formats = {fmt.name: fmt for fmt in FORMATS if not fmt.name.endswith("points") and fmt.name not in TABLES}
    assert set(rows) == set(formats)
    libraries = {"gdal": "GDAL", "xtgeo": "xtgeo"}
    for name, fmt in formats.items():
        _, suffixes, _, written, readers, _, _ = rows[name]
        assert written == ("yes" if fmt.write else "no"), name
        assert all(f"`{suffix}`" in suffixes for suffix in fmt.suffixes), name
        asked = {libraries[library] for (of, _), (library, _) in AGREES.items() if of == name}
        asked |= {libraries[library] for suffix in fmt.suffixes for library, _ in READERS.get(suffix, [])}
        assert set(readers.replace("none", "").replace("NumPy", "").split(", ")) - {""} == asked, name
