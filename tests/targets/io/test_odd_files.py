"""A pipe, a folder, a loop or a sparse file in place of any input ends in one line at once, in every reader."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from targets.common.rasters.windowed import open_raster
from targets.common.settings_files import read_yaml
from targets.errors import UserError
from targets.io.faults.registry import read_fault_lines
from targets.io.grids.registry import FORMAT_BY_SUFFIX, load_surface, write_grid
from targets.io.images import is_picture_file, read_grey, read_mask, read_rgb
from targets.io.map_folder.sidecar import read_sidecar
from targets.io.tgs_salt import read_id_table
from targets.scene import GeoReference

READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "grid": ("top.gri", load_surface),
    "windows": ("top.tif", open_raster),
    "windows of an array": ("top.npy", open_raster),
    "picture": ("rgb.png", read_rgb),
    "colour TIFF": ("rgb.tif", lambda path: read_rgb(path) if is_picture_file(path) else load_surface(path)),
    "grey": ("depth_norm.png", read_grey),
    "mask": ("traps.png", read_mask),
    "faults": ("faults.csv", read_fault_lines),
    "polygons": ("faults.shp", read_fault_lines),
    "sidecar": ("map.yaml", read_sidecar),
    "settings": ("run.yaml", read_yaml),
    "table": ("train.csv", lambda path: read_id_table(path, "rle_mask")),
}


def pipe(path: Path) -> None:
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.symlink_to(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**33)


@pytest.mark.parametrize("make", [pipe, loop, device, sparse, Path.mkdir, lambda path: None])
@pytest.mark.parametrize("reader", READERS)
def test_no_reader_waits_or_fills_the_memory(tmp_path: Path, reader: str, make: Callable[[Path], None]) -> None:
    name, read = READERS[reader]
    make(tmp_path / name)
    started = time.monotonic()
    with pytest.raises(UserError) as caught:
        read(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name)) and time.monotonic() - started < 5


@pytest.mark.parametrize("suffix", FORMAT_BY_SUFFIX)
@pytest.mark.parametrize("damage", ["whole", "cut", "changed", "zeros"])
def test_libraries_say_nothing_beside_us(
    tmp_path: Path, suffix: str, damage: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    path, rng = tmp_path / f"top{suffix}", np.random.default_rng(0)
    write_grid(rng.normal(2000, 50, (30, 40)).astype(np.float32), GeoReference(0.0, 0.0, 10.0, -10.0), path)
    content = bytearray(path.read_bytes())
    if damage == "cut":
        del content[len(content) * 2 // 3 :]
    elif damage == "changed":
        for place in rng.integers(0, len(content), 40):
            content[place] = rng.integers(0, 256)
    elif damage == "zeros":
        content[len(content) // 3 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 3)
    path.write_bytes(bytes(content))
    capfd.readouterr()
    caplog.clear()
    with suppress(UserError):
        load_surface(path)
    assert capfd.readouterr() == ("", "")
    assert [record.name for record in caplog.records if not record.name.startswith("targets")] == []
