"""zarr arrays on disk as rasters that are read: one array of a file, blocks bounded before they are unpacked."""

import bz2
import gzip
import lzma
import math
import stat
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from targets.common.optional_import import import_optional
from targets.errors import UserError

METADATA = ("zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")
MAX_METADATA = 2**20  # bytes of one of these
MAX_BLOCK = 2**26  # cells of one block: it is decoded as a whole for each window, by every thread
BUFFER = 2**20
DEPTH_NAMES = ("depth", "z", "twt", "elevation", "data", "values")  # of arrays of a group, the likeliest first
# Codecs that change no sizes, and filters that change numbers one by one.
PLAIN_CODECS = ("bytes", "endian", "transpose", "crc32c", "crc32", "adler32", "shuffle", "numcodecs.shuffle", "delta",
                "fixedscaleoffset", "astype", "quantize", "bitround")  # fmt: skip


@dataclass(frozen=True)
class ZarrArray:
    """A zarr array on disk as a raster that is read.

    Attributes
    ----------
    path : Path
        The folder that a user would call the file.
    array : zarr.Array
        The array in it.
    undefined : tuple[float, ...]
        Stored values that stand for undefined cells.
    scale : tuple[float, float]
        Factor and summand that turn what is stored into values.
    """

    path: Path
    array: Any
    undefined: tuple[float, ...] = ()
    scale: tuple[float, float] = (1.0, 0.0)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype:
        """The type of its values: of floats where cells may be undefined or values are scaled."""
        stored = np.dtype(self.array.dtype)
        if self.scale != (1, 0):
            return np.dtype(np.float64)
        if self.undefined and stored.kind != "f":
            return np.dtype(np.float32 if np.can_cast(stored, np.float32) else np.float64)
        return stored

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray:
        try:
            self._check_blocks(window)
            stored = np.asarray(self.array[window])
        except UserError:
            raise
        except Exception as error:  # each codec raises its own errors
            raise UserError(self.path, f"damaged ({error})", "a whole zarr array", "copy it again") from error
        if not self.undefined and self.scale == (1, 0):
            return stored
        values = stored * self.scale[0] + self.scale[1] if self.scale != (1, 0) else stored
        values = values.astype(self.dtype)
        if self.undefined:
            values[np.isin(stored, np.array(self.undefined).astype(stored.dtype))] = np.nan
        return values

    def _check_blocks(self, window: tuple[slice, slice]) -> None:
        """Refuse blocks of a window that would unpack to more than their cells take."""
        limit = math.prod(self.array.chunks) * np.dtype(self.array.dtype).itemsize
        measure = _size_measure(self.path, self.array.metadata)
        folder = self.path / self.array.path
        spans = [range(part.indices(size)[0] // step, -(-part.indices(size)[1] // step))
                 for part, size, step in zip(window, self.shape, self.array.chunks, strict=True)]  # fmt: skip
        for place in product(*spans):
            block = folder / self.array.metadata.encode_chunk_key(place)
            try:
                status = block.stat()
            except FileNotFoundError:  # filled with the array's fill value
                continue
            if not stat.S_ISREG(status.st_mode):
                raise UserError(self.path, f"block {block.name} is no regular file", "a whole zarr array")
            if status.st_size <= 2 * limit + BUFFER:
                with block.open("rb") as file:
                    size = measure(file, limit)
            else:
                size = status.st_size
            if size > limit + BUFFER:
                raise UserError(self.path, f"block {block.name} unpacks to more than its cells take",
                                f"at most {limit:,} bytes", "copy or export it again")  # fmt: skip


def open_zarr(path: Path) -> ZarrArray:
    """Open the array of depths that a zarr file holds.

    Parameters
    ----------
    path : Path
        A folder: an array of two dimensions, or a group with one such array, or with one of a depth's name.

    Returns
    -------
    array : ZarrArray
        Undefined cells are those that the attributes ``_FillValue`` and ``missing_value`` or a fill value other than 0
        name.

    Raises
    ------
    UserError
        zarr is missing, or there is no such array, or its blocks are too large or packed in another way.
    """
    zarr = import_optional("zarr", path, extra="tiles")
    _check_metadata(path)
    stored = zarr.open(path.absolute(), mode="r")
    if not hasattr(stored, "chunks"):
        stored = _array_of_group(path, stored)
    if math.prod(stored.chunks) > MAX_BLOCK:
        found = " x ".join(map(str, stored.chunks))
        raise UserError(path, f"blocks of {found} cells", f"at most {MAX_BLOCK:,}", "rewrite it in blocks of 512 x 512")
    _size_measure(path, stored.metadata)
    attributes = dict(stored.attrs)
    named = [attributes.get(key) for key in ("_FillValue", "missing_value")]
    fill = stored.metadata.fill_value  # 0 where nobody chose one
    undefined = [float(value) for value in (*named, fill or None) if value is not None and _is_number(value)]
    scale = tuple(float(attributes.get(key, usual)) for key, usual in (("scale_factor", 1.0), ("add_offset", 0.0)))
    if not all(abs(number) <= 1e12 for number in scale):
        raise UserError(path, f"scale_factor and add_offset {scale}", "numbers up to 1e12 in size")
    return ZarrArray(path, stored, tuple(filter(math.isfinite, dict.fromkeys(undefined))), (scale[0], scale[1]))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)


def _check_metadata(folder: Path) -> None:
    for name in METADATA:
        file = folder / name
        if file.exists() and (not file.is_file() or file.stat().st_size > MAX_METADATA):
            raise UserError(folder, f"{name} of {file.stat().st_size:,} bytes", f"a file of at most {MAX_METADATA:,}")


def _array_of_group(path: Path, group: Any) -> Any:
    """The one array of two dimensions, or the one with a depth's name."""
    for folder in path.iterdir():
        if folder.is_dir():
            _check_metadata(folder)
    arrays = {name: array for name, array in group.arrays() if array.ndim == 2}
    known = [name for name in DEPTH_NAMES if name in arrays]
    if not known and len(arrays) != 1:
        names = ", ".join(sorted(arrays)) or "none"
        raise UserError(path, f"a group with {len(arrays)} arrays of two dimensions ({names})", "one, or one 'depth'",
                        "give the array's own folder")  # fmt: skip
    return arrays[known[0] if known else next(iter(arrays))]


def _size_measure(path: Path, metadata: Any) -> Callable[[IO[bytes], int], int]:
    """A function that measures to how many bytes the block in a file unpacks; it stops where a limit is passed."""
    codecs = [*(getattr(metadata, "filters", None) or ()), getattr(metadata, "compressor", None)]
    codecs = list(getattr(metadata, "codecs", codecs))
    names = [_codec_name(codec) for codec in codecs if codec is not None]
    packing = [name for name in names if name not in PLAIN_CODECS]
    if not packing:
        return lambda file, limit: file.seek(0, 2)
    if len(packing) > 1 or packing[0] not in MEASURES:
        raise UserError(path, f"blocks packed by {' and '.join(packing)}", f"by one of {', '.join(MEASURES)}",
                        "rewrite it with another compressor, without shards")  # fmt: skip
    return MEASURES[packing[0]]


def _codec_name(codec: Any) -> str:
    name = getattr(codec, "codec_id", None) or codec.to_dict()["name"]
    return str(name).removeprefix("numcodecs.")


def _measure_stream(open_stream: Callable[[IO[bytes]], Any]) -> Callable[[IO[bytes], int], int]:
    def measure(file: IO[bytes], limit: int) -> int:
        size = 0
        with open_stream(file) as stream:
            while size <= limit + BUFFER and (part := stream.read(BUFFER)):
                size += len(part)
        return size

    return measure


def _measure_zlib(file: IO[bytes], limit: int) -> int:
    unpacker, size, waiting = zlib.decompressobj(), 0, file.read(BUFFER)
    while waiting and size <= limit + BUFFER:
        size += len(unpacker.decompress(waiting, BUFFER))
        waiting = unpacker.unconsumed_tail or file.read(BUFFER)
    return size


def _measure_zstd(file: IO[bytes], limit: int) -> int:
    """The content size in the head of the frame; a frame without it could be of any size."""
    head = file.read(18).ljust(18, b"\0")
    if head[:4] != b"\x28\xb5\x2f\xfd":
        return 0  # damaged: the codec says so
    flag, is_single = head[4] >> 6, bool(head[4] & 0x20)
    start = 5 + (not is_single) + (0, 1, 2, 4)[head[4] & 3]
    if flag == 0 and not is_single:
        return limit + 2 * BUFFER
    width = (1, 2, 4, 8)[flag]
    return int.from_bytes(head[start : start + width], "little") + (256 if flag == 1 else 0)


def _measure_blosc(file: IO[bytes], limit: int) -> int:
    return struct.unpack("<I", file.read(8).ljust(8, b"\0")[4:])[0]


def _measure_lz4(file: IO[bytes], limit: int) -> int:
    return struct.unpack("<I", file.read(4).ljust(4, b"\0"))[0]


MEASURES: dict[str, Callable[[IO[bytes], int], int]] = {
    "zstd": _measure_zstd,
    "blosc": _measure_blosc,
    "lz4": _measure_lz4,
    "gzip": _measure_stream(lambda file: gzip.GzipFile(fileobj=file)),
    "zlib": _measure_zlib,
    "bz2": _measure_stream(bz2.BZ2File),
    "lzma": _measure_stream(lzma.LZMAFile),
}
