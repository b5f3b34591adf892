"""Grids on disk that are read and written window by window: GeoTIFF, zarr, .npy."""

import errno
import os
import shutil
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from targets.common.atomic_write import flush, rename
from targets.common.files.input_files import require_file
from targets.common.files.npy_files import map_npy
from targets.common.optional_import import import_optional
from targets.common.rasters.gdal import find_corner, open_band
from targets.common.rasters.zarr_files import MAX_BLOCK, open_zarr
from targets.errors import UserError

_writing = threading.Lock()


class Raster(Protocol):
    """(H, W) numbers of which windows ``[a:b, c:d]`` are read or written, such as arrays of NumPy and zarr."""

    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def dtype(self) -> np.dtype: ...
    def __getitem__(self, window: tuple[slice, slice]) -> NDArray: ...
    def __setitem__(self, window: tuple[slice, slice], values: NDArray) -> None: ...


@dataclass(frozen=True)
class ComputedDepth:
    """Depths that are computed from another raster window by window, and cannot be written: `__getitem__` says how.

    Attributes
    ----------
    raster : Raster
        (H, W) numbers that they are computed from.
    """

    raster: Raster

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.raster.shape

    @property
    def dtype(self) -> np.dtype:
        """float32."""
        return np.dtype(np.float32)

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray:
        raise NotImplementedError

    def __setitem__(self, window: tuple[slice, slice], values: NDArray) -> None:
        raise TypeError(f"{type(self).__name__} is read only")


@dataclass(frozen=True)
class GeoTiff:
    """The band of a GeoTIFF as a raster; values are read as `targets.common.rasters.gdal.Band` reads them.

    Attributes
    ----------
    path : Path
        The file; it is opened for each window, so that only its path travels to other processes.
    shape : tuple[int, int]
        Rows and columns.
    dtype : np.dtype
        The type of the values that are read.
    """

    path: Path
    shape: tuple[int, int]
    dtype: np.dtype

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray:
        rasterio = import_optional("rasterio", self.path)
        try:
            with open_band(self.path, MAX_BLOCK) as band:
                return band.read(self._rasterio_window(window))
        except rasterio.errors.RasterioError as error:
            raise UserError(self.path, f"damaged or cut off ({error})", "a whole GeoTIFF", "copy it again") from error

    def __setitem__(self, window: tuple[slice, slice], values: NDArray) -> None:
        rasterio = import_optional("rasterio", self.path)
        try:
            with _writing, _open_quietly(self.path, "r+") as file:
                file.write(values, 1, window=self._rasterio_window(window))
        except (TypeError, rasterio.errors.RasterioError) as error:  # TypeError: what was written before is cut off
            raise OSError(errno.EIO, f"a window cannot be written, perhaps the disk is full: {error}") from error

    def _rasterio_window(self, window: tuple[slice, slice]) -> Any:
        """The window in rasterio's terms, clipped to the raster."""
        rows, cols = (slice(*part.indices(size)[:2]) for part, size in zip(window, self.shape, strict=True))
        return import_optional("rasterio.windows", self.path).Window.from_slices(rows, cols)


def _open_quietly(path: Path, mode: str, **profile: Any) -> Any:
    """Open a raster for writing without rasterio's warning of one without a location."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_optional("rasterio", path).open(path, mode, **profile)


@dataclass(frozen=True)
class NpyFile:
    """A .npy file as a raster; opened for each window, so that only its path travels to other processes."""

    path: Path
    shape: tuple[int, int]
    dtype: np.dtype

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray:
        return map_npy(self.path)[window]

    def __setitem__(self, window: tuple[slice, slice], values: NDArray) -> None:
        map_npy(self.path, "r+")[window] = values


def create_npy(path: Path, shape: tuple[int, ...], dtype: Any) -> NDArray:
    """Create an array of zeros on disk, mapped for reading and writing.

    Its room on the disk is taken at once: a mapped array for which there is none later ends the process.

    Raises
    ------
    OSError
        The disk is full.
    """
    array = np.lib.format.open_memmap(path, "w+", dtype, shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def save_npy(path: Path, array: NDArray) -> None:
    """Write a .npy file as `numpy.save` does, which overlooks that the disk is full at the end of an array.

    Raises
    ------
    OSError
        The disk is full.
    """
    np.save(path, array)
    require_size(path, array.nbytes)


def require_size(path: Path, size: int) -> None:
    """Raise OSError if a file that was written has fewer bytes."""
    if path.stat().st_size < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def open_raster(source: Any) -> Raster:
    """Open a path as a raster; what is a raster already is returned as it is.

    Parameters
    ----------
    source : str | Path | Raster | ArrayLike
        The path of a ``.tif``, ``.zarr`` or ``.npy``, or numbers (H, W).

    Returns
    -------
    raster : Raster
        Of real numbers, with at least one cell.

    Raises
    ------
    UserError
        It cannot be read, or is not a grid of real numbers.

    Examples
    --------
    >>> open_raster([[1.0, 2.0], [3.0, 4.0]])[0:1, 0:2]
    array([[1., 2.]])
    """
    if isinstance(source, str | Path):
        source = _open_path(Path(source))
    if not hasattr(source, "shape") or not hasattr(source, "dtype"):
        source = np.asarray(source)
    if len(source.shape) != 2 or 0 in source.shape:
        raise UserError("grid", f"shape {source.shape}", "(H, W) with at least one cell")
    if source.dtype.kind not in "biuf":
        raise UserError("grid", f"values of type {source.dtype}", "real numbers")
    return source


def _open_path(path: Path) -> Any:
    if not path.exists():
        raise UserError(path, "no such file", "a GeoTIFF, a zarr array or a .npy file")
    try:
        if path.suffix.lower() in (".tif", ".tiff"):
            with open_band(path, MAX_BLOCK) as band:
                return GeoTiff(path.absolute(), band.shape, band.dtype)
        if path.suffix == ".npy":
            require_file(path, "a .npy file", in_memory=False)
            array = map_npy(path)
            return NpyFile(path.absolute(), array.shape, array.dtype)
        if path.suffix == ".zarr":
            return open_zarr(path)
    except UserError:
        raise
    except Exception as error:  # zarr and rasterio raise many kinds
        raise UserError(path, f"cannot be read ({error})", "a GeoTIFF, a zarr array or a .npy file") from error
    raise UserError(path, f"suffix {path.suffix or 'missing'}", ".tif, .zarr or .npy")


def create_raster(path: Path, shape: tuple[int, int], dtype: Any, tile: int, like: Raster) -> Raster:
    """Create an empty raster on disk; one that is there already is replaced.

    Parameters
    ----------
    path : Path
        ``.tif`` or ``.zarr``.
    shape : tuple[int, int]
        Rows and columns.
    dtype : DTypeLike
        Type of its values.
    tile : int
        Side of the windows that will be written, in cells; each begins at a multiple of it.
    like : Raster
        Its location is taken over if both are GeoTIFFs; of one that changes another `raster`, that of the other.

    Raises
    ------
    UserError
        The suffix is another one, or the library for it is missing.
    """
    side = next((s for s in (1024, 512, 256) if tile % s == 0), min(tile, *shape))
    if path.suffix == ".zarr":
        zarr = import_optional("zarr", path, extra="tiles")
        chunks = min(side, shape[0]), min(side, shape[1])
        fast = zarr.codecs.ZstdCodec(level=1)  # half the time of the default; see docs/experiments/io.md
        return zarr.create_array(
            path.absolute(), shape=shape, dtype=dtype, chunks=chunks, compressors=fast, overwrite=True
        )
    if path.suffix != ".tif":
        raise UserError(path, f"suffix {path.suffix}", ".zarr or .tif")
    rasterio = import_optional("rasterio", path)
    location: dict[str, Any] = {}
    while not isinstance(like, GeoTiff) and hasattr(like, "raster"):
        like = like.raster
    if isinstance(like, GeoTiff):
        with open_band(like.path, MAX_BLOCK) as band:
            corner, crs, _ = find_corner(like.path, band)
        location = {"crs": crs} if corner is None else {"transform": rasterio.Affine(*corner), "crs": crs}
    profile = {"driver": "GTiff", "height": shape[0], "width": shape[1], "count": 1, "dtype": np.dtype(dtype),
               "tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "zlevel": 1,
               "bigtiff": "if_safer", "sparse_ok": True}  # fmt: skip
    with _open_quietly(path, "w", **profile, **location):
        pass
    return GeoTiff(path.absolute(), shape, np.dtype(dtype))


def move_raster(path: Path, target: Path) -> Raster:
    """Give a finished raster its final name once it lies on the disk; what had that name is removed."""
    for file in [path] if path.is_file() else path.rglob("*"):
        flush(file)
    if target.is_dir():
        shutil.rmtree(target)
    rename(path, target)
    return open_raster(target)
