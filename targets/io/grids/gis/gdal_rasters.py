"""Rasters of a GIS by GDAL: ERDAS Imagine (.img), and VRT files that name rasters of their own folder alone."""

import re
import shutil
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from targets.common.files.input_files import require_file
from targets.common.rasters.gdal import locate, open_band
from targets.errors import UserError
from targets.io.grids.geotiff import MAGIC
from targets.io.grids.grid_format import MAX_CELLS, GridFormat, check_cell_count
from targets.io.read_options import ReadOptions
from targets.io.surface_file import Surface

MAX_VRT = 2**20  # bytes
MAX_SOURCES = 256
# Elements of a VRT that put parts of rasters side by side; others compute, warp, or open what they name.
VRT_ELEMENTS = frozenset(
    ("VRTDataset", "SRS", "GeoTransform", "GCPList", "GCP", "Metadata", "MDI", "VRTRasterBand", "NoDataValue",
     "ColorInterp", "Description", "UnitType", "Offset", "Scale", "Histograms", "HistItem", "HistMin", "HistMax",
     "BucketCount", "IncludeOutOfRange", "Approximate", "HistCounts", "SimpleSource", "ComplexSource", "SourceFilename",
     "SourceBand", "SourceProperties", "SrcRect", "DstRect", "NODATA", "UseMaskBand", "BlockXSize", "BlockYSize",
     "OverviewList")
)  # fmt: skip


def _read(path: Path, reading: ReadOptions, driver: str) -> Surface:
    with open_band(path, MAX_CELLS, driver) as band:
        check_cell_count(path, *band.shape)
        geo, notes = locate(path, band)
        return Surface(band.read(), geo, notes)


def _read_hfa(path: Path, reading: ReadOptions) -> Surface:
    """Read a file that holds its values itself: a spill file of another name is not followed."""
    content = path.read_bytes()
    if b"ExternalRasterDMS" in content:
        raise UserError(path, "values in another file (.ige)", "a raster in one file", "convert it to GeoTIFF")
    return _read(path, reading, "HFA")


def _read_vrt(path: Path, reading: ReadOptions) -> Surface:
    """Read by GDAL from a folder of its own, in which nothing lies but the file and the GeoTIFFs that it names."""
    names = _sources(path)
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "grid.vrt"
        alone.write_bytes(path.read_bytes())
        for name in names:
            source = require_file(path.parent / name, "a raster beside the VRT", in_memory=False)
            with source.open("rb") as file:
                if file.read(4) not in MAGIC:
                    raise UserError(path, f"the source {name!r} is no GeoTIFF", "GeoTIFFs of the same folder")
            try:
                (Path(folder) / name).symlink_to(source.absolute())
            except OSError:  # Windows asks for a right to link
                shutil.copyfile(source, Path(folder) / name)
        return _read(alone, reading, "VRT")


def _sources(path: Path) -> list[str]:
    """Names of the rasters that a VRT puts together, each of its own folder."""
    text = path.read_bytes()
    if len(text) > MAX_VRT or b"<!" in text.replace(b"<!--", b""):  # entities multiply, and lead to other files
        raise UserError(path, "a VRT that is large or declares entities", f"at most {MAX_VRT:,} bytes")
    hint = "make a GeoTIFF of it, such as with gdal_translate"
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise UserError(path, f"damaged XML ({error})", "a whole VRT", hint) from error
    if unknown := sorted({element.tag for element in root.iter()} - VRT_ELEMENTS):
        raise UserError(path, f"a VRT with {unknown[0]}, which may lead anywhere", "plain sources", hint)
    if root.get("subClass") or any(band.get("subClass") for band in root.iter("VRTRasterBand")):
        raise UserError(path, "a VRT that computes its values", "plain sources", hint)
    names = []
    for element in root.iter("SourceFilename"):
        name = (element.text or "").strip()
        if element.get("relativeToVRT") != "1" or not re.fullmatch(r"[\w][\w .()+-]*", name):
            raise UserError(path, f"a VRT that leads to {name[:80]!r}", "files of its own folder", hint)
        names.append(name)
    names = list(dict.fromkeys(names))
    if not 1 <= len(names) <= MAX_SOURCES:
        raise UserError(path, f"a VRT of {len(names)} sources", f"1 to {MAX_SOURCES}", hint)
    return names


HFA = GridFormat(
    name="ERDAS Imagine",
    recognise=lambda head: head[:15] == b"EHFA_HEADER_TAG",
    read=_read_hfa,
    suffixes=(".img",),
    read_needs=("rasterio",),
    is_damaged=lambda path: False,  # other kinds of files have this suffix
)
VRT = GridFormat(
    name="VRT",
    recognise=lambda head: head.lstrip().startswith(b"<VRTDataset"),
    read=_read_vrt,
    suffixes=(".vrt",),
    read_needs=("rasterio",),
)
