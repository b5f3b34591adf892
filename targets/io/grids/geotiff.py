"""GeoTIFF grids of one band, by rasterio; written cloud-optimised, or as classes in colours."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.common.atomic_write import atomic_write
from targets.common.optional_import import import_optional
from targets.common.rasters.gdal import locate, open_band
from targets.errors import UserError
from targets.io.grids.grid_format import MAX_CELLS, GridFormat, check_cell_count
from targets.io.images import RGBA
from targets.io.qgis.styles import class_raster_qml
from targets.io.read_options import ReadOptions
from targets.io.surface_file import Surface
from targets.scene import GeoReference
from targets.units.crs import crs_for_library

MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")  # classic and BigTIFF, in both byte orders


def _read(path: Path, reading: ReadOptions) -> Surface:
    with open_band(path, MAX_CELLS) as band:
        check_cell_count(path, *band.shape)
        geo, notes = locate(path, band)
        return Surface(band.read(), geo, notes)


def _write(values: NDArray, geo: GeoReference, path: Path, colours: Mapping[int, RGBA] | None = None) -> None:
    """Write values, or classes in `colours` with 0 as nodata."""
    import rasterio

    a, b, c, d, e, f = geo.affine()
    corner = rasterio.Affine(a, b, c - (a + b) / 2, d, e, f - (d + e) / 2)
    if values.dtype == np.bool_:
        values = values.astype(np.uint8)
    elif values.dtype.kind == "f":
        values = values.astype(np.float32)
    crs = crs_for_library(geo.crs) if geo.crs else None
    continuous = values.dtype.kind == "f"  # labels and classes have no mean
    profile = {"driver": "COG", "height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": values.dtype,
               "transform": corner, "crs": crs, "compress": "deflate",
               "overview_resampling": "average" if continuous else "nearest"}  # fmt: skip
    nodata = np.nan if continuous else None if colours is None else 0
    with rasterio.MemoryFile() as memory:
        with memory.open(**profile, nodata=nodata) as dataset:
            dataset.write(values, 1)
            if geo.depth_unit:
                dataset.units = [geo.depth_unit]
            if colours is not None:
                dataset.write_colormap(1, colours)
        path.write_bytes(memory.getbuffer())  # GDAL is silent about a full disk


def write_class_raster(
    values: NDArray[np.uint8], geo: GeoReference, path: str | Path, classes: Mapping[str, RGBA]
) -> None:
    """Write classes as a GeoTIFF in colours, and a .qml of the same name, which QGIS loads with it.

    Parameters
    ----------
    values : (H, W) uint8
        0 = nothing, which is transparent, k = the k-th class.
    geo : GeoReference
        Their location.
    path : str | Path
        The GeoTIFF.
    classes : Mapping[str, RGBA]
        {name of a class: its colour}.

    Raises
    ------
    UserError
        rasterio is missing, the coordinate system is unknown, or a file cannot be written.
    """
    path = Path(path)
    import_optional("rasterio", path)
    with atomic_write(path) as temporary:
        try:
            _write(values, geo, temporary, dict(enumerate(classes.values(), start=1)))
        except UserError as error:
            raise UserError(path, *error.args[1:]) from error
    with atomic_write(path.with_suffix(".qml")) as temporary:
        temporary.write_text(class_raster_qml(classes), "utf-8")


GEOTIFF = GridFormat(
    name="GeoTIFF",
    recognise=lambda head: head[:4] in MAGIC,
    read=_read,
    write=_write,
    suffixes=(".tif", ".tiff"),
    read_needs=("rasterio",),
    write_needs=("rasterio",),
)
