"""Small valid files that attacks start from."""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.grids.registry import write_grid
from targets.io.map_folder.writer import write_map_folder
from targets.scene import GeoReference
from tests.conftest import dome_scene

GEO = GeoReference(461000.0, 5926000.0, 50.0, -50.0, depth_unit="m", crs="EPSG:23031")
GRID_SUFFIXES = (".tif", ".gri", ".irap", ".zmap", ".cps3", ".grd", ".asc", ".npz")
FAULTS = "x,y,z,name\n461200,5925800,2000,F1\n461900,5925300,2000,F1\n"
# A network of a few weights that trains for a moment.
TINY_RUN = (
    "--heads", "trap", "--inputs", "depth", "--net.encoder_weights", "none", "--net.decoder_channels", "[8,8,8,8,8]",
    "--loop.batch_size", "2", "--loop.panels_every", "9", "--patches.size", "32", "--patches.stride", "32",
    "--predict.stride", "32", "--reading.quiet",
)  # fmt: skip


@cache
def dome_depth(size: int = 40) -> NDArray[np.float32]:
    """(size, size) float32: a dome that closes."""
    return dome_scene("map", size).depth


def write_depth(depth: NDArray, path: Path) -> Path:
    """Write a grid, as an archive where its own format does not hold it; gives the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with np.errstate(all="ignore"):
            write_grid(depth, GEO, path)
    except UserError:
        path = path.with_suffix(".npz")
        np.savez(path, depth=depth, x0=GEO.x0, y0=GEO.y0, dx=GEO.dx, dy=GEO.dy)
    return path


def write_points(depth: NDArray, path: Path) -> Path:
    """Write a table of points, undefined ones too."""
    rows, cols = np.indices(depth.shape)
    x, y = GEO.xy(rows.ravel(), cols.ravel())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{a:.2f} {b:.2f} {c!r}\n" for a, b, c in zip(x, y, depth.ravel().tolist(), strict=True)))
    return path


def write_maps(folder: Path, count: int = 2, size: int = 40) -> Path:
    """Write map folders to train on and to predict."""
    for i in range(count):
        scene = dome_scene(f"dome{i}", size, crest=(0.4 + 0.05 * i, 0.5))
        write_map_folder(scene, folder / scene.name)
    return folder
