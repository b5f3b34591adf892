"""zarr arrays by windows: declared fill values, scales, groups, and blocks that would unpack to gigabytes."""

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from targets.common.rasters.windowed import open_raster
from targets.errors import UserError

zarr = pytest.importorskip("zarr")
VALUES = np.arange(30, dtype=np.float32).reshape(5, 6)
WHOLE = (slice(None), slice(None))


def compressors(version: int) -> dict[str, Any]:
    """Every compressor of a version of zarr that is read."""
    import numcodecs

    if version == 2:
        packed = ("Zstd", "Blosc", "GZip", "Zlib", "BZ2", "LZMA", "LZ4")
        return {"none": None} | {name.lower(): getattr(numcodecs, name)() for name in packed}
    return {"none": None, "zstd": zarr.codecs.ZstdCodec(), "blosc": zarr.codecs.BloscCodec(),
            "gzip": zarr.codecs.GzipCodec()}  # fmt: skip


def make(path: Path, values: np.ndarray = VALUES, version: int = 3, packing: Any = "auto", **more: Any) -> Any:
    return zarr.create_array(path, data=values, chunks=(2, 4), zarr_format=version, compressors=packing, **more)


@pytest.mark.parametrize(("version", "name"), [(v, name) for v in (2, 3) for name in compressors(v)])
def test_blocks_of_every_compressor_are_read(tmp_path: Path, version: int, name: str) -> None:
    make(tmp_path / "a.zarr", version=version, packing=compressors(version)[name])
    np.testing.assert_array_equal(open_raster(tmp_path / "a.zarr")[1:4, 2:6], VALUES[1:4, 2:6])


@pytest.mark.parametrize(("version", "name"), [(2, "gzip"), (3, "gzip"), (2, "zlib"), (2, "zstd"), (3, "zstd"),
                                               (2, "blosc"), (2, "lz4"), (2, "bz2"), (2, "lzma")])  # fmt: skip
def test_a_block_that_unpacks_to_more_than_its_cells_is_refused(tmp_path: Path, version: int, name: str) -> None:
    """A block of some kilobytes, of 8 MB of zeros; larger ones are refused likewise, without being unpacked."""
    make(tmp_path / "a.zarr", version=version, packing=compressors(version)[name])
    bomb = bytes(2**23)
    import numcodecs

    codec = {"gzip": numcodecs.GZip, "zlib": numcodecs.Zlib, "zstd": numcodecs.Zstd, "blosc": numcodecs.Blosc,
             "lz4": numcodecs.LZ4, "bz2": numcodecs.BZ2, "lzma": numcodecs.LZMA}[name]()  # fmt: skip
    block = next(file for file in sorted((tmp_path / "a.zarr").rglob("*")) if file.is_file() and "zarr" not in file.name
                 and not file.name.startswith("."))  # fmt: skip
    block.write_bytes(bytes(codec.encode(bomb)))
    raster = open_raster(tmp_path / "a.zarr")
    with pytest.raises(UserError, match=r"block .* unpacks to more than its cells take"):
        raster[WHOLE]


def test_members_of_a_gzip_block_count_together(tmp_path: Path) -> None:
    make(tmp_path / "a.zarr", packing=zarr.codecs.GzipCodec())
    (tmp_path / "a.zarr" / "c" / "0" / "0").write_bytes(gzip.compress(bytes(2**19)) * 8)
    with pytest.raises(UserError, match="unpacks to more"):
        open_raster(tmp_path / "a.zarr")[WHOLE]


def test_a_pipe_as_block_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "a.zarr")
    block = tmp_path / "a.zarr" / "c" / "0" / "0"
    block.unlink()
    os.mkfifo(block)
    with pytest.raises(UserError, match="no regular file"):
        open_raster(tmp_path / "a.zarr")[WHOLE]


@pytest.mark.parametrize("attributes", [{"_FillValue": 7.0}, {"missing_value": 7},
                                        {"_FillValue": 7, "scale_factor": 0.5, "add_offset": 100.0}])  # fmt: skip
@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_declared_fill_values_and_scales_are_applied(tmp_path: Path, attributes: dict[str, float], dtype: str) -> None:
    make(tmp_path / "a.zarr", VALUES.astype(dtype), attributes=attributes)
    raster = open_raster(tmp_path / "a.zarr")
    expected = VALUES * attributes.get("scale_factor", 1) + attributes.get("add_offset", 0)
    expected[1, 1] = np.nan
    np.testing.assert_array_equal(raster[WHOLE], expected)
    assert raster.dtype == raster[0:1, 0:1].dtype


def test_a_fill_value_of_blocks_that_were_never_written_is_undefined(tmp_path: Path) -> None:
    array = zarr.create_array(tmp_path / "a.zarr", shape=(4, 8), chunks=(2, 4), dtype="f4", fill_value=-9999.0)
    array[:2, :4] = 1500
    found = open_raster(tmp_path / "a.zarr")[WHOLE]
    assert (found[:2, :4] == 1500).all() and np.isnan(found[2:]).all() and np.isnan(found[:2, 4:]).all()
    labels = zarr.create_array(tmp_path / "b.zarr", shape=(4, 8), chunks=(2, 4), dtype="i4")  # 0: no closure
    labels[0, 0] = 3
    assert open_raster(tmp_path / "b.zarr")[WHOLE].sum() == 3


def test_the_array_of_a_group_is_found_by_its_shape_or_name(tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path / "a.zarr")
    group.create_array("x", data=np.arange(6.0))
    group.create_array("horizon", data=VALUES)
    np.testing.assert_array_equal(open_raster(tmp_path / "a.zarr")[WHOLE], VALUES)
    group.create_array("std", data=VALUES + 1)
    with pytest.raises(UserError, match=r"2 arrays of two dimensions \(horizon, std\)"):
        open_raster(tmp_path / "a.zarr")
    group.create_array("depth", data=VALUES + 2)
    np.testing.assert_array_equal(open_raster(tmp_path / "a.zarr")[WHOLE], VALUES + 2)


def test_what_cannot_be_bounded_is_refused(tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "a.zarr", data=VALUES, chunks=(1, 2), shards=(2, 4))
    with pytest.raises(UserError, match=r"blocks packed by sharding_indexed.*without shards"):
        open_raster(tmp_path / "a.zarr")
    make(tmp_path / "b.zarr")
    (tmp_path / "b.zarr" / "zarr.json").write_bytes(b"[" * (2**20 + 1))
    with pytest.raises(UserError, match=r"zarr.json of 1,048,577 bytes"):
        open_raster(tmp_path / "b.zarr")
