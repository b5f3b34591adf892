"""The band of a GeoTIFF: guards before it is decoded, nodata and mask as NaN, scale and offset applied."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.common.optional_import import import_optional
from targets.errors import UserError


@contextmanager
def open_geotiff(path: Path, max_block: int) -> Iterator[Any]:
    """Open a GeoTIFF of one band of real numbers for reading.

    Parameters
    ----------
    path : Path
        The file; its suffix does not matter.
    max_block : int
        Cells that one block may have at most: a block is decoded as a whole, however small the window.

    Yields
    ------
    dataset : rasterio.DatasetReader
        The open file.

    Raises
    ------
    UserError
        rasterio is missing, or the file has several bands, too large blocks or complex numbers.
    """
    rasterio = import_optional("rasterio", path)
    # No other driver: a VRT of this name would lead to other files.
    with rasterio.open(path, driver="GTiff") as dataset:
        if dataset.count != 1:
            raise UserError(path, f"{dataset.count} bands", "one band of depths", "export the depth alone")
        for block in dataset.block_shapes:
            check_block_size(path, block, max_block)
        if np.dtype(dataset.dtypes[0]).kind not in "iuf":
            raise UserError(path, f"values of type {dataset.dtypes[0]}", "real numbers")
        yield dataset


def check_block_size(path: Path, block: tuple[int, ...], max_block: int) -> None:
    """Refuse blocks that do not fit into memory."""
    if math.prod(block) > max_block:
        found = " x ".join(map(str, block))
        raise UserError(path, f"blocks of {found} cells", f"at most {max_block:,}", "rewrite it in blocks of 512 x 512")


def value_dtype(dataset: Any) -> np.dtype:
    """The type that the values of an open GeoTIFF have once nodata, mask, scale and offset are applied.

    Parameters
    ----------
    dataset : rasterio.DatasetReader
        From `open_geotiff`.

    Returns
    -------
    dtype : np.dtype
        float64 with a scale or an offset; a float type that holds every value if cells may be undefined; else the type
        in the file.
    """
    stored = np.dtype(dataset.dtypes[0])
    if _is_scaled(dataset):
        return np.dtype(np.float64)
    if stored.kind != "f" and _may_be_undefined(dataset):
        return np.dtype(np.float32 if np.can_cast(stored, np.float32) else np.float64)
    return stored


def read_band(dataset: Any, window: Any = None) -> NDArray:
    """Read the values of an open GeoTIFF.

    Parameters
    ----------
    dataset : rasterio.DatasetReader
        From `open_geotiff`.
    window : rasterio.windows.Window, default None
        Rows and columns to read; None: all.

    Returns
    -------
    values : (H, W) of `value_dtype`
        Scale and offset are applied; NaN where the mask of the file says so, or without a mask, at its nodata value.
    """
    undefined = _may_be_undefined(dataset)
    values = dataset.read(1, window=window, masked=undefined)
    if _is_scaled(dataset):
        values = values.astype(np.float64) * dataset.scales[0] + dataset.offsets[0]
    values = values.astype(value_dtype(dataset), copy=False)
    return values.filled(np.nan) if undefined else values


def _is_scaled(dataset: Any) -> bool:
    return dataset.scales[0] != 1 or dataset.offsets[0] != 0


def _may_be_undefined(dataset: Any) -> bool:
    """Whether the file has a nodata value or a mask."""
    return "all_valid" not in (flag.name for flag in dataset.mask_flag_enums[0])
