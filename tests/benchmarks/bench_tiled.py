"""How fast, and in how much memory, is find_closures_tiled beside find_closures? Prints ns per cell and ratios.

Both go from file to file: a zarr array of float32 depths is read, labels, heights and the table are written. Each runs
in a process of its own. CPU time counts, since it stays the same beside other work; peak memory is the highest resident
set, pages of mapped files included.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numba
import numpy as np
import zarr
from numpy.typing import NDArray

from targets.closure import TileOptions, find_closures, find_closures_tiled
from targets.common.rasters.windowed import create_raster, open_raster

COARSEST = 16384  # cells between the random numbers of the first octave


@numba.njit(nogil=True)
def _random(octave: int, row: int, col: int) -> np.float32:
    """A number from -1 to 1 that belongs to a place (splitmix64)."""
    x = np.uint64(octave) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(row) * np.uint64(0xBF58476D1CE4E5B9)
    x += np.uint64(col) * np.uint64(0x94D049BB133111EB)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.float32((x ^ (x >> np.uint64(31))) >> np.uint64(40)) / np.float32(2**23) - np.float32(1)


@numba.njit(nogil=True)
def _line(octave: int, period: int, row: int, first: int, line: NDArray) -> None:
    for c in range(line.size):
        col = (first + c) // period
        t = np.float32((first + c) % period) / np.float32(period)
        a, b = _random(octave, row, col), _random(octave, row, col + 1)
        line[c] = a + t * (b - a)


@numba.njit(nogil=True)
def surface(top: int, left: int, rows: int, cols: int, finest: int) -> NDArray:
    """A window of an endless surface: octaves of noise from 16384 cells down to `finest`, amplitude as the root of the
    wavelength, which is a power spectrum that falls with the cube of the wave number; metres around 2000."""
    out = np.full((rows, cols), np.float32(2000))
    above, below = np.empty(cols, np.float32), np.empty(cols, np.float32)
    octave, period = 0, COARSEST
    while period >= finest:
        scale, at = np.float32(np.sqrt(period)), -1
        for r in range(rows):
            row = (top + r) // period
            if row != at:
                _line(octave, period, row, left, above)
                _line(octave, period, row + 1, left, below)
                at = row
            t = np.float32((top + r) % period) / np.float32(period)
            line = out[r]
            for c in range(cols):
                line[c] += scale * (above[c] + t * (below[c] - above[c]))
        octave, period = octave + 1, period // 2
    return out


def write_surface(path: Path, size: int, finest: int, tile: int = 2048) -> None:
    array = zarr.create_array(path, shape=(size, size), dtype="float32", chunks=(512, 512), compressors=None)
    for row in range(0, size, tile):
        for col in range(0, size, tile):
            rows, cols = min(tile, size - row), min(tile, size - col)
            array[row : row + rows, col : col + cols] = surface(row, col, rows, cols, finest)


def in_memory(source: Path, out: Path) -> int:
    raster = open_raster(source)
    found = find_closures(raster[:, :])
    for name, values in (("labels", found.labels), ("height", found.height)):
        create_raster(out / f"{name}.zarr", values.shape, values.dtype, 1024, raster)[:, :] = values
    np.save(out / "table.npy", found.table)
    return found.table.size


def work(kind: str, source: Path, out: Path, tile: int) -> None:
    """What a process of its own does; prints its figures."""
    small = surface(0, 0, 300, 300, 4)
    find_closures(small)  # compiled before the clock starts
    find_closures_tiled(small, out / "small", tiles=TileOptions(side=100))
    wall, cpu = time.perf_counter(), time.process_time()
    if kind == "memory":
        rows = in_memory(source, out)
    else:
        rows = find_closures_tiled(source, out, tiles=TileOptions(side=tile)).table.size
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 2**20
    print(json.dumps({"cpu": cpu, "wall": wall, "rows": rows, "peak": peak}))


def measured(kind: str, source: Path, tile: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=source.parent) as out:
        command = [sys.executable, __file__, "--work", kind, str(source), out, str(tile)]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(said.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=40000, help="cells a side, of the tiled run")
    parser.add_argument("--fits", type=int, default=8000, help="cells a side, of both")
    parser.add_argument("--tile", type=int, default=4096)
    parser.add_argument("--finest", type=int, default=16, help="the least wavelength, cells; 1 = rough in every cell")
    parser.add_argument("--folder", type=Path, help="where the surfaces go, and stay")
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        kind, source, out, tile = arguments.work
        work(kind, Path(source), Path(out), int(tile))
        return
    with tempfile.TemporaryDirectory() as own:
        folder = arguments.folder or Path(own)
        base = 0.0
        for kind, size in (("memory", arguments.fits), ("tiled", arguments.fits), ("tiled", arguments.size)):
            source = folder / f"surface_{size}_{arguments.finest}.zarr"
            if not source.exists():
                start = time.process_time()
                write_surface(source, size, arguments.finest)
                print(f"  surface {size} made in {(time.process_time() - start) / size**2 * 1e9:.1f} ns/cell of CPU")
            found = measured(kind, source, arguments.tile)
            cell = found["cpu"] / size**2 * 1e9
            base = base or cell
            print(
                f"{kind:7} {size:6} x {size:<6} {cell:7.1f} ns/cell of CPU, x{cell / base:.2f}   wall "
                f"{found['wall']:6.1f} s   peak {found['peak']:5.2f} GiB   {found['rows']} closures",
                flush=True,
            )


if __name__ == "__main__":
    main()
