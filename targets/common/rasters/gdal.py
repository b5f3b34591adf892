"""One band of a raster that GDAL reads: guards before it is decoded, undefined cells NaN, scale and offset applied."""

import logging
import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.common.files.input_files import require_file
from targets.common.optional_import import import_optional
from targets.common.rasters.side_files import NO_SIDE_FILES, Affine, SideFiles, read_side_files
from targets.errors import UserError
from targets.scene import GeoReference
from targets.units.names import parse_unit

MAX_SCALE = 1e12  # of scale and offset: a depth in nanometres
MAX_SHEAR = 1e-6  # of the area of a cell
MAX_GCP_ERROR = 0.01  # cells; ground control points of a plain grid are exact but for printing
# GDAL opens no other file: a mask, an overview or metadata beside a raster may lead anywhere, and to the network.
ALONE = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_PAM_ENABLED": "NO", "GDAL_MAX_DATASET_POOL_SIZE": "64"}


PICTURE = "give the grid of depths that it was drawn from, or save it as PNG to read it as a picture"


@dataclass(frozen=True, eq=False)
class Band:
    """The band of depths of an open raster.

    Attributes
    ----------
    dataset : rasterio.DatasetReader
        The open file.
    beside : SideFiles
        What the files beside it say.
    """

    dataset: Any
    beside: SideFiles = NO_SIDE_FILES

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.dataset.shape

    @property
    def scale(self) -> tuple[float, float]:
        """Factor and summand that turn what is stored into values."""
        own = (self.dataset.scales[0], self.dataset.offsets[0])
        return self.beside.scale if own == (1, 0) and self.beside.scale is not None else own

    @property
    def nodata(self) -> float | None:
        """A stored value that files beside the raster call undefined; what the raster itself calls so is masked."""
        return None if self._is_masked else self.beside.nodata

    @property
    def _is_masked(self) -> bool:
        """Whether the raster itself has a nodata value, a mask or transparency."""
        return self._has_alpha or "all_valid" not in (flag.name for flag in self.dataset.mask_flag_enums[0])

    @property
    def _has_alpha(self) -> bool:
        """Whether a second band holds transparency; GDAL takes one of bytes alone for a mask."""
        return self.dataset.count == 2

    @property
    def dtype(self) -> np.dtype:
        """The type of what `read` returns.

        float64 with a scale or an offset; a float type that holds every value if cells may be undefined; else the type
        in the file.
        """
        stored = np.dtype(self.dataset.dtypes[0])
        if self.scale != (1, 0):
            return np.dtype(np.float64)
        if stored.kind != "f" and (self._is_masked or self.nodata is not None):
            return np.dtype(np.float32 if np.can_cast(stored, np.float32) else np.float64)
        return stored

    @property
    def unit(self) -> str | None:
        """Unit of the values, if it is known."""
        return parse_unit(self.dataset.units[0] or self.beside.unit or "")

    def read(self, window: Any = None) -> NDArray:
        """Read the values.

        Parameters
        ----------
        window : rasterio.windows.Window, default None
            Rows and columns to read; None: all.

        Returns
        -------
        values : (H, W) of `dtype`
            Scale and offset are applied; NaN where a mask inside the file says so, or without one, at its nodata value.
        """
        stored = self.dataset.read(1, window=window, masked=self._is_masked)
        undefined = np.ma.getmaskarray(stored) if self._is_masked else None
        if undefined is not None and self._has_alpha:
            undefined = undefined | (self.dataset.read(2, window=window) == 0)
        if self.nodata is not None:
            undefined = np.isclose(stored, self.nodata, rtol=1e-7, atol=0)
        values = np.ma.getdata(stored)
        if self.scale != (1, 0):
            values = values.astype(np.float64) * self.scale[0] + self.scale[1]
        values = values.astype(self.dtype, copy=False)
        if undefined is not None:
            values[undefined] = np.nan
        return values


class _Silence:
    """Keeps the log of rasterio quiet while any thread reads."""

    def __init__(self) -> None:
        self.lock, self.readers, self.level = threading.Lock(), 0, logging.NOTSET

    def __enter__(self) -> None:
        logger = logging.getLogger("rasterio")
        with self.lock:
            if self.readers == 0:
                self.level = logger.level
                logger.setLevel(logging.CRITICAL)
            self.readers += 1

    def __exit__(self, *error: object) -> None:
        with self.lock:
            self.readers -= 1
            if self.readers == 0:
                logging.getLogger("rasterio").setLevel(self.level)


_silence = _Silence()


@contextmanager
def open_band(path: Path, max_block: int, driver: str = "GTiff") -> Iterator[Band]:
    """Open the one band of real numbers that a raster file holds.

    Nothing but the file itself is opened by GDAL, and no driver but the given one is asked.

    Parameters
    ----------
    path : Path
        The file; its suffix does not matter.
    max_block : int
        Cells that one block may have at most: a block is decoded as a whole, however small the window.
    driver : str, default 'GTiff'
        GDAL's name of the format.

    Yields
    ------
    band : Band
        Open while the context lasts.

    Raises
    ------
    UserError
        rasterio is missing, this GDAL has no such driver, the file is none, or it holds a picture, several bands, too
        large blocks, complex numbers, or a scale that is no number.
    """
    require_file(path, "a raster", in_memory=False)
    if any("\ud800" <= letter <= "\udfff" for letter in str(path)):
        raise UserError(path, "its name is in another encoding than UTF-8", "a name that GDAL can open", "rename it")
    with _quiet_dataset(path, driver) as dataset:
        _check_band(path, dataset)
        for block in dataset.block_shapes[:1]:
            check_block_size(path, block, max_block)
        band = Band(dataset, read_side_files(path))
        for name, number in zip(("scale", "offset"), band.scale, strict=True):
            if not abs(number) <= MAX_SCALE or (name == "scale" and number == 0):  # NaN too
                raise UserError(path, f"{name} {number:g}", f"a number up to {MAX_SCALE:g} in size, and a scale not 0")
        yield band


@contextmanager
def _quiet_dataset(path: Path, driver: str) -> Iterator[Any]:
    """Open a raster; GDAL keeps to this file, and its warnings do not reach the user's screen."""
    rasterio = import_optional("rasterio", path)
    with _silence, rasterio.Env(**ALONE) as env:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a raster without a location
                dataset = rasterio.open(path.absolute(), driver=driver)
        except rasterio.errors.RasterioError as error:
            if driver in env.drivers():
                raise
            raise UserError(path, f"this needs GDAL's driver {driver}, which the installed rasterio lacks",
                            hint="convert the file to GeoTIFF, such as with gdal_translate") from error  # fmt: skip
        with dataset:
            yield dataset


def check_block_size(path: Path, block: tuple[int, ...], max_block: int) -> None:
    """Refuse blocks that do not fit into memory."""
    if math.prod(block) > max_block:
        found = " x ".join(map(str, block))
        raise UserError(path, f"blocks of {found} cells", f"at most {max_block:,}", "rewrite it in blocks of 512 x 512")


def _check_band(path: Path, dataset: Any) -> None:
    """Refuse pictures, several bands, and what is no real number."""
    colours = [colour.name for colour in dataset.colorinterp]
    if colours[0] == "palette":
        raise UserError(path, "numbers of a palette's colours: a picture, not depths", "one band of depths", PICTURE)
    if colours[:3] == ["red", "green", "blue"]:
        raise UserError(path, "red, green and blue: a picture, not depths", "one band of depths", PICTURE)
    if dataset.count != 1 and not (dataset.count == 2 and colours[1] == "alpha"):
        names = [name or f"band {k}" for k, name in enumerate(dataset.descriptions, 1)]
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        raise UserError(path, f"{dataset.count} bands ({shown})", "one band of depths",
                        "export the depth alone, such as with gdal_translate -b 1")  # fmt: skip
    if np.dtype(dataset.dtypes[0]).kind not in "iuf":
        raise UserError(path, f"values of type {dataset.dtypes[0]}", "real numbers")


def locate(path: Path, band: Band) -> tuple[GeoReference, tuple[str, ...]]:
    """Find where a raster lies, in which coordinate system, and in which unit its values are.

    Parameters
    ----------
    path : Path
        What an error names.
    band : Band
        Of the open raster.

    Returns
    -------
    geo : GeoReference
        Of the centres of its cells; without a location if neither the file nor those beside it say one.
    notes : tuple[str, ...]
        What was taken from files beside it.

    Raises
    ------
    UserError
        Rows and columns are not at right angles, or its control points are not those of a straight grid.
    """
    corner, crs, notes = find_corner(path, band)
    text = None if not crs else crs.to_string()
    geo = GeoReference(crs=text or None, depth_unit=band.unit)
    return (geo if corner is None else _of_corner(path, corner, geo)), notes


def find_corner(path: Path, band: Band) -> tuple[Affine | None, Any, tuple[str, ...]]:
    """The transform of a raster from its own tags, control points, or the files beside it.

    Parameters
    ----------
    path, band
        As of `locate`.

    Returns
    -------
    corner : tuple of 6 floats | None
        GDAL's transform, which counts from the corner of the first cell.
    crs : rasterio.crs.CRS | None
        Coordinate system.
    notes : tuple[str, ...]
        As of `locate`.
    """
    dataset, notes = band.dataset, list(band.beside.notes)
    if pages := len(dataset.subdatasets):
        notes.append(f"it holds {pages} pages, of which the first is read")
    corner, crs = _affine(dataset.transform), dataset.crs
    points, points_crs = dataset.gcps
    if corner is None and points:
        corner, crs = _fit_control_points(path, points), points_crs
        notes.append(f"its location is fitted to {len(points)} ground control points, which it meets")
    if corner is None and band.beside.affine is not None:
        corner = band.beside.affine
        notes.append(f"its location is that of {band.beside.affine_file}")
    elif corner is not None and band.beside.affine is not None and not _same_place(corner, band.beside.affine, dataset):
        notes.append(f"{band.beside.affine_file} says another location than the file itself, whose own is taken")
    if corner is None and dataset.rpcs is not None:
        raise UserError(path, "a location in rational polynomials (RPC)", "a grid in map coordinates",
                        "rectify it, such as with gdalwarp -rpc")  # fmt: skip
    return corner, crs, tuple(notes)


def _affine(transform: Any) -> Affine | None:
    return None if transform.is_identity else tuple(transform)[:6]


def _of_corner(path: Path, corner: Affine, geo: GeoReference) -> GeoReference:
    """A location by GDAL's transform, which counts from the corner of the first cell; a map counts from its centre."""
    a, b, c, d, e, f = corner
    # A raster that is not turned but counts from the East has steps below 0.
    determinant, dx = a * e - b * d, (a if d == 0 else math.hypot(a, d))
    if not abs(a * b + d * e) <= MAX_SHEAR * abs(determinant) or dx == 0:
        raise UserError(path, "a sheared raster", "rows and columns at right angles", "resample it")
    return replace(geo, x0=c + (a + b) / 2, y0=f + (d + e) / 2, dx=dx, dy=determinant / dx,
                   rotation=math.degrees(math.atan2(d, a)) if d else 0.0)  # fmt: skip


def _fit_control_points(path: Path, points: Any) -> Affine:
    """The transform that ground control points agree with."""
    design = np.array([[point.col, point.row, 1.0] for point in points])
    known = np.array([[point.x, point.y] for point in points])
    if len(points) < 3 or np.linalg.matrix_rank(design) < 3:
        raise UserError(path, f"{len(points)} ground control points on one line", "three or more that span the map",
                        "rectify it, such as with gdalwarp")  # fmt: skip
    centre = known.mean(axis=0)
    fit = np.linalg.lstsq(design, known - centre, rcond=None)[0]
    (a, d), (b, e), (c, f) = fit[0], fit[1], fit[2] + centre
    error = np.abs(design @ fit + centre - known).max() / max(math.hypot(a, d), 1e-300)
    if not error <= MAX_GCP_ERROR:
        raise UserError(path, f"{len(points)} ground control points that a straight grid misses by {error:.2g} cells",
                        "a rectified grid", "rectify it, such as with gdalwarp")  # fmt: skip
    return float(a), float(b), float(c), float(d), float(e), float(f)


def _same_place(one: Affine, other: Affine, dataset: Any) -> bool:
    """Whether two transforms put all corners of a raster within a tenth of a cell of each other."""
    step = math.hypot(one[0], one[3])
    corners = [(0, 0), (dataset.width, 0), (0, dataset.height)]
    return all(
        math.hypot((one[0] - other[0]) * col + (one[1] - other[1]) * row + one[2] - other[2],
                   (one[3] - other[3]) * col + (one[4] - other[4]) * row + one[5] - other[5]) <= 0.1 * step
        for col, row in corners
    )  # fmt: skip
