"""Grids on disk that are read and written window by window: GeoTIFF, zarr, .npy."""

import importlib
import math
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError

MAX_BLOCK = 2**26  # cells
_writing = threading.Lock()


class Raster(Protocol):
    """(H, W) numbers of which windows ``[a:b, c:d]`` are read, or written; arrays of numpy and zarr are rasters."""

    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def dtype(self) -> np.dtype: ...
    def __getitem__(self, window: tuple[slice, slice]) -> NDArray: ...
    def __setitem__(self, window: tuple[slice, slice], values: NDArray) -> None: ...


@dataclass(frozen=True)
class GeoTiff:
    """The band of a GeoTIFF as a raster. Depths with a nodata value are read as floats, NaN where there is none."""

    path: Path
    shape: tuple[int, int]
    dtype: np.dtype

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray:
        rasterio = _import("rasterio", self.path)
        try:
            with rasterio.open(self.path, driver="GTiff") as file:
                values = file.read(1, window=self._inside(window), masked=True)
                if file.scales[0] != 1 or file.offsets[0] != 0:
                    values = values.astype(np.float64) * file.scales[0] + file.offsets[0]
        except rasterio.errors.RasterioError as error:
            raise UserError(self.path, f"damaged or cut off ({error})", "a whole GeoTIFF", "copy it again") from error
        values = values.astype(self.dtype)
        return values.filled(np.nan) if self.dtype.kind == "f" else values.data

    def __setitem__(self, window: tuple[slice, slice], values: NDArray) -> None:
        rasterio = _import("rasterio", self.path)
        with _writing, rasterio.open(self.path, "r+") as file:
            file.write(values, 1, window=self._inside(window))

    def _inside(self, window: tuple[slice, slice]) -> Any:
        rows, cols = (slice(*part.indices(size)[:2]) for part, size in zip(window, self.shape, strict=True))
        return _import("rasterio.windows", self.path).Window.from_slices(rows, cols)


@dataclass(frozen=True)
class NpyFile:
    """A .npy file as a raster; it is opened for each window, so that other processes are told its path alone."""

    path: Path
    shape: tuple[int, int]
    dtype: np.dtype

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray:
        return np.load(self.path, mmap_mode="r")[window]

    def __setitem__(self, window: tuple[slice, slice], values: NDArray) -> None:
        np.load(self.path, mmap_mode="r+")[window] = values


@dataclass(frozen=True, eq=False)
class Negated:
    """Elevations as depths."""

    raster: Raster

    @property
    def shape(self) -> tuple[int, int]:
        return self.raster.shape

    @property
    def dtype(self) -> np.dtype:
        return self[:1, :1].dtype

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray:
        values = np.asarray(self.raster[window])
        kind = values.dtype
        if kind.kind in "ui":  # the least whole number of a type has no opposite in it
            kind = np.dtype(np.float32 if np.can_cast(kind, np.float32) else np.float64)
        return -values.astype(kind)

    def __setitem__(self, window: tuple[slice, slice], values: NDArray) -> None:
        self.raster[window] = -values


@dataclass(frozen=True)
class Zarr:
    """A zarr array on disk as a raster that is read."""

    path: Path
    array: Any

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype:
        """Of its numbers."""
        return self.array.dtype

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray:
        try:
            return np.asarray(self.array[window])
        except Exception as error:  # each codec has its own words for damage
            raise UserError(self.path, f"damaged ({error})", "a whole zarr array", "copy it again") from error


def raster_of(source: Any) -> Raster:
    """A path as a raster, or a raster as it is.

    Raises
    ------
    UserError
        It cannot be read, or is not a grid.
    """
    if isinstance(source, str | Path):
        source = _opened(Path(source))
    if not hasattr(source, "shape") or not hasattr(source, "dtype"):
        source = np.asarray(source)
    if len(source.shape) != 2 or 0 in source.shape:
        raise UserError("grid", f"shape {source.shape}", "(H, W) with at least one cell")
    if source.dtype.kind not in "biuf":
        raise UserError("grid", f"values of type {source.dtype}", "real numbers")
    return source


def _opened(path: Path) -> Any:
    if not path.exists():
        raise UserError(path, "no such file", "a GeoTIFF, a zarr array or a .npy file")
    try:
        if path.suffix in (".tif", ".tiff"):
            return _geotiff(path)
        if path.suffix == ".npy":
            array = np.load(path, mmap_mode="r")
            return NpyFile(path.absolute(), array.shape, array.dtype)
        if path.suffix == ".zarr":
            return _zarr(path)
    except UserError:
        raise
    except Exception as error:  # zarr and rasterio raise many kinds
        raise UserError(path, f"cannot be read ({error})", "a GeoTIFF, a zarr array or a .npy file") from error
    raise UserError(path, f"suffix {path.suffix or 'missing'}", ".tif, .zarr or .npy")


def _zarr(path: Path) -> Zarr:
    array = _import("zarr", path).open_array(path.absolute(), mode="r")
    _check_block(path, array.chunks)
    return Zarr(path, array)


def _check_block(path: Path, block: tuple[int, ...]) -> None:
    """Refuse blocks that do not fit into memory: each is decoded as a whole, however small the window."""
    if math.prod(block) > MAX_BLOCK:
        found = " x ".join(map(str, block))
        raise UserError(
            path, f"blocks of {found} cells", f"at most {MAX_BLOCK:,}", "write it anew in blocks of 512 x 512"
        )


def _geotiff(path: Path) -> GeoTiff:
    rasterio = _import("rasterio", path)
    with rasterio.open(path, driver="GTiff") as file:  # no other: a VRT of this name would be led to other files
        if file.count != 1:
            raise UserError(path, f"{file.count} bands", "one band", "export the depth alone")
        _check_block(path, file.block_shapes[0])
        kind = np.dtype(file.dtypes[0])
        if file.scales[0] != 1 or file.offsets[0] != 0:
            kind = np.dtype(np.float64)
        elif file.nodata is not None and kind.kind != "f":
            kind = np.dtype(np.float32 if np.can_cast(kind, np.float32) else np.float64)
        return GeoTiff(path.absolute(), file.shape, kind)


def create_raster(path: Path, shape: tuple[int, int], kind: Any, tile: int, like: Raster) -> Raster:
    """An empty raster on disk, .tif or .zarr, to be written in windows that begin at multiples of `tile`.

    A GeoTIFF takes its location from `like`, if that is one. A raster that is there already is replaced.
    """
    side = next((s for s in (1024, 512, 256) if tile % s == 0), min(tile, *shape))
    if path.suffix == ".zarr":
        zarr = _import("zarr", path)
        chunks = min(side, shape[0]), min(side, shape[1])
        fast = zarr.codecs.ZstdCodec(level=1)  # half the time of the default for the same size, within 1 %
        return zarr.create_array(
            path.absolute(), shape=shape, dtype=kind, chunks=chunks, compressors=fast, overwrite=True
        )
    if path.suffix != ".tif":
        raise UserError(path, f"suffix {path.suffix}", ".zarr or .tif")
    rasterio = _import("rasterio", path)
    place: dict[str, Any] = {}
    like = like.raster if isinstance(like, Negated) else like
    if isinstance(like, GeoTiff):
        with rasterio.open(like.path) as file:
            place = {"transform": file.transform, "crs": file.crs}
    head = {"driver": "GTiff", "height": shape[0], "width": shape[1], "count": 1, "dtype": np.dtype(kind),
            "tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "zlevel": 1,
            "bigtiff": "if_safer", "sparse_ok": True}  # fmt: skip
    with rasterio.open(path, "w", **head, **place):
        pass
    return GeoTiff(path.absolute(), shape, np.dtype(kind))


def moved(raster: Raster, path: Path, target: Path) -> Raster:
    """Give a finished raster its name; what had that name is removed."""
    if target.is_dir():
        shutil.rmtree(target)
    path.replace(target)
    return raster_of(target)


def _import(name: str, path: Path) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        extra = "tiles" if name == "zarr" else "geo"
        name = name.partition(".")[0]
        raise UserError(path, f"the package {name} is not installed", hint=f"pip install 'trapmtl[{extra}]'") from error
