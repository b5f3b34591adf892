"""Grids read by windows: no file leads elsewhere, and no block is larger than memory."""

from pathlib import Path

import numpy as np
import pytest

from targets.common.rasters.windowed import open_raster
from targets.errors import UserError

VRT = """<VRTDataset rasterXSize="8" rasterYSize="8"><VRTRasterBand dataType="Float32" band="1"><SimpleSource>
<SourceFilename>{path}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"""


def test_a_file_that_points_to_another_is_refused(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    with rasterio.open(tmp_path / "secret.tif", "w", driver="GTiff", width=8, height=8, count=1, dtype="float32"):
        pass
    (tmp_path / "a.tif").write_text(VRT.format(path=tmp_path / "secret.tif"))
    assert rasterio.open(tmp_path / "a.tif").read().shape == (1, 8, 8)  # it would lead there
    with pytest.raises(UserError, match="cannot be read"):
        open_raster(tmp_path / "a.tif")


def test_a_block_beyond_memory_is_refused(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    head = {"driver": "GTiff", "width": 8, "height": 8, "count": 1, "dtype": "float32", "compress": "deflate"}
    with rasterio.open(tmp_path / "a.tif", "w", **head, tiled=True, blockxsize=65536, blockysize=65536, sparse_ok=True):
        pass
    with pytest.raises(UserError, match="blocks of 65536 x 65536 cells"):
        open_raster(tmp_path / "a.tif")


def test_what_is_no_number_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([["a", "b"]]))
    with pytest.raises(UserError, match="values of type"):
        open_raster(tmp_path / "a.npy")
