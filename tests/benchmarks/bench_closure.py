"""How fast is find_closures beside its peers? Prints ns per cell and ratios.

Peers that are not installed are left out (`pip install 'trapmtl[bench]'`). They fill depressions, which is a part of
what find_closures does; each gets the same array, float32, with depth as elevation.
"""

import argparse
import contextlib
import importlib
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from targets.closure import find_closures


def smooth(size: int) -> NDArray[np.float32]:
    """White noise filtered with a Gaussian of 20 cells, standard deviation 50 m around 2000 m."""
    noise = np.random.default_rng(0).standard_normal((size, size), dtype=np.float32)
    return _scaled(ndimage.gaussian_filter(noise, 20, mode="wrap"))


def fractal(size: int) -> NDArray[np.float32]:
    """Noise with a power-law spectrum (power falls with the cube of the wave number), scaled alike."""
    spectrum = fft.rfft2(np.random.default_rng(1).standard_normal((size, size), dtype=np.float32))
    wave = np.hypot(fft.fftfreq(size)[:, None], fft.rfftfreq(size)[None]).astype(np.float32)
    wave[0, 0] = np.inf
    spectrum *= wave ** np.float32(-1.5)
    return _scaled(fft.irfft2(spectrum, s=(size, size)))


def _scaled(surface: NDArray) -> NDArray[np.float32]:
    return ((surface - surface.mean()) * (50 / surface.std()) + 2000).astype(np.float32)


def peers() -> dict[str, Callable[[NDArray], object]]:
    """Depression fillers that are installed."""
    found: dict[str, Callable[[NDArray], object]] = {}
    with contextlib.suppress(ImportError):
        richdem = importlib.import_module("richdem")
        found["py-richdem, fill"] = lambda z: richdem.FillDepressions(richdem.rdarray(z, no_data=-9999))
    with contextlib.suppress(ImportError):
        topotoolbox = importlib.import_module("topotoolbox")

        def fillsinks(z: NDArray) -> object:
            grid = topotoolbox.GridObject()
            grid.z, grid.cellsize = z, 1.0
            return grid.fillsinks()

        found["topotoolbox, fill"] = fillsinks
    with contextlib.suppress(ImportError):
        morphology = importlib.import_module("skimage.morphology")

        def reconstruct(z: NDArray) -> object:
            seed = np.full_like(z, z.max())
            seed[0], seed[-1], seed[:, 0], seed[:, -1] = z[0], z[-1], z[:, 0], z[:, -1]
            return morphology.reconstruction(seed, z, method="erosion", footprint=np.ones((3, 3)))

        found["scikit-image, reconstruction"] = reconstruct
    return found


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Nothing on the terminal, not even from compiled code."""
    keep, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        os.dup2(keep, 2)
        os.close(keep)
        os.close(nothing)


def best_of(repeats: int, work: Callable[[NDArray], object], surface: NDArray) -> float:
    """Best wall time per cell, ns; what peers print is swallowed."""
    times = []
    for _ in range(repeats):
        with silence():
            start = time.perf_counter()
            work(surface)
            times.append(time.perf_counter() - start)
    return min(times) / surface.size * 1e9


MEMORY = """
import sys
import numpy as np
from targets.closure import find_closures
surface = np.load(sys.argv[1])
find_closures(surface[:600, :600])
def peak():  # of this program; getrusage would count what its parent held when it was started
    status = open("/proc/self/status").read()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
before = peak()
find_closures(surface)
print((peak() - before) / surface.size)
"""


def peak_memory(surface: NDArray) -> float:
    """Bytes per cell at the highest, beside the surface and what was loaded before; in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "surface.npy", surface)
        command = [sys.executable, "-c", MEMORY, str(Path(folder) / "surface.npy")]
        return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=4000, help="cells a side")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--growth", action="store_true", help="find_closures alone at 1000, 2000, ... 16000 a side")
    arguments = parser.parse_args()
    find_closures(smooth(600))  # compiled before the clock starts
    sizes = [1000, 2000, 4000, 8000, 16000] if arguments.growth else [arguments.size]
    for size in sizes:
        for make in (smooth, fractal):
            surface = make(size)
            ours = best_of(arguments.repeats, find_closures, surface)
            copy = best_of(arguments.repeats, np.copy, surface)
            print(f"\n{make.__name__} {size} x {size} float32, best of {arguments.repeats}")
            print(f"  {'find_closures, everything':32}{ours:8.1f} ns/cell      peak {peak_memory(surface):.1f} B/cell")
            print(f"  {'copy (the limit)':32}{copy:8.1f} ns/cell  x{copy / ours:.2f}")
            for name, work in {} if arguments.growth else peers().items():
                theirs = best_of(1, work, surface)
                print(f"  {name:32}{theirs:8.1f} ns/cell  x{theirs / ours:.1f}", flush=True)


if __name__ == "__main__":
    main()
