"""Folded surfaces: fold trains, domes and regional dip."""

from dataclasses import dataclass

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from targets.scene import Float
from targets.synthetic.options import Range, StructureMapOptions

# --- bent ------------------------------------------------------------------------------------------------------------


def folded_surface(
    rng: np.random.Generator, shape: tuple[int, int], cell: float, strike: float, options: StructureMapOptions
) -> Float:
    """(H, W) float32 metres about 0: regional dip across strike, folds of three wavelengths, domes and basins."""
    rows, cols = cell_axes(shape, cell)
    extent = max(shape) * cell
    surface = np.zeros(shape, np.float32)

    surface += regional_dip(rng, rows, cols, strike, options)

    steep = np.tan(np.radians(rng.uniform(*options.fold_slope)))
    length = extent * (1.0 if options.fold_size == (1.0, 1.0) else draw_log_uniform(rng, options.fold_size))
    trains = []
    for low, high, share in ((0.45, 0.8, 0.6), (0.18, 0.35, 0.6), (0.06, 0.12, 0.35)):
        wavelength = length * rng.uniform(low, high)
        # the root mean square slope of a wave of standard deviation h is 2 pi h / wavelength
        height = steep * share * np.exp(rng.normal(-0.3, 0.45)) * wavelength / (2 * np.pi)
        trains.append(FoldTrain(wavelength / cell, rng.uniform(1.2, 3.5), strike + rng.normal(0, 0.15), height))
    folds = fold_trains(rng, shape, trains)
    surface += folds if options.fold_unevenness == (0.0, 0.0) else folds * patches(rng, shape, rng.uniform(*options.fold_unevenness))

    for _ in range(rng.integers(options.domes[0], options.domes[1] + 1)):
        surface -= dome(rng, rows, cols, strike, steep, rng.uniform(0.12, 0.88, 2), length * rng.uniform(0.04, 0.15))
    if rng.random() < 0.65:  # maps are drawn where there is a high: most fields lie in the middle of theirs
        middle, radius = rng.uniform(0.35, 0.65, 2), extent * rng.uniform(0.12, 0.22)
        surface -= np.abs(dome(rng, rows, cols, strike, 1.6 * steep, middle, radius))
    return surface - surface.mean()


def regional_dip(rng: np.random.Generator, rows: Float, cols: Float, strike: float, options: StructureMapOptions) -> Float:
    """(H, W) float32 metres: a plane that dips about across strike, of rows (H, 1) and columns (1, W) in metres."""
    azimuth = strike + np.pi / 2 + rng.normal(0, 0.4) + np.pi * rng.integers(2)
    slope = np.tan(np.radians(rng.uniform(*options.regional_dip)))
    return np.float32(slope * np.cos(azimuth)) * cols + np.float32(slope * np.sin(azimuth)) * rows


def patches(rng: np.random.Generator, shape: tuple[int, int], spread: float) -> Float:
    """(H, W) float32 factors that vary slowly across the map; `spread` is that of their logarithm."""
    uneven = rng.normal(0, spread, (4, 4)).astype(np.float32)
    return np.exp(cv2.resize(uneven, shape[::-1], interpolation=cv2.INTER_CUBIC))


@dataclass(frozen=True)
class FoldTrain:
    """Random folds of one dominant wavelength.

    Attributes
    ----------
    wavelength : float
        Cells, across strike.
    ratio : float
        How many times longer the folds are along strike, at least 1.
    strike : float
        Radians from the column axis towards the row axis.
    height : float
        Metres, standard deviation.
    """

    wavelength: float
    ratio: float
    strike: float
    height: float


def fold_trains(rng: np.random.Generator, shape: tuple[int, int], trains: list[FoldTrain]) -> Float:
    """(H, W) float32 metres: the sum of some fold trains, a Gaussian random field."""
    rows, cols = padded_fft_shape(shape, 0.4 * max(shape))
    spectrum = np.zeros((rows, cols // 2 + 1), np.complex64)
    for train in trains:
        last = 2.2 / train.wavelength  # no wave is shorter than this: the others would draw numbers for nothing
        low = np.r_[0 : int(min(last, 0.5) * rows) + 1, -int(min(last, 0.49) * rows) : 0]
        ky = scipy.fft.fftfreq(rows)[low, None]
        kx = scipy.fft.rfftfreq(cols)[None, : int(min(last, 0.5) * cols) + 1]
        cos, sin = np.cos(train.strike), np.sin(train.strike)
        k = np.hypot(ky * cos - kx * sin, train.ratio * (kx * cos + ky * sin)) * train.wavelength
        amplitude = np.exp(-0.5 * ((k - 1) / 0.35) ** 2)
        spectrum[low, : kx.size] += train.height * random_spectrum(rng, amplitude)
    return scipy.fft.irfft2(spectrum, (rows, cols), norm="forward")[: shape[0], : shape[1]]


def random_spectrum(rng: np.random.Generator, amplitude: NDArray) -> NDArray[np.complex64]:
    """Half a spectrum of random waves that `irfft2(..., norm="forward")` turns into a field of unit variance."""
    noise = rng.standard_normal((2, *amplitude.shape), dtype=np.float32)
    # two normal numbers for every wave, and half of the waves are not in the half: the variance is 4 sum(amplitude^2)
    amplitude = amplitude / np.sqrt(4 * np.sum(np.square(amplitude)))
    return (amplitude * (noise[0] + 1j * noise[1])).astype(np.complex64)


def padded_fft_shape(shape: tuple[int, int], pad: float) -> tuple[int, int]:
    """Rows and (even) columns of a transform so much wider than the map that its period does not show."""
    return scipy.fft.next_fast_len(int(shape[0] + pad)), 2 * scipy.fft.next_fast_len(int(shape[1] + pad) // 2 + 1)


def dome(
    rng: np.random.Generator, rows: Float, cols: Float, strike: float, steep: float, middle: NDArray, radius: float
) -> Float:
    """(H, W) float32 metres: one dome (positive, up), or sometimes a basin (negative), elongated along strike.

    Parameters
    ----------
    rows, cols : (H, 1)
        And (1, W) metres.
    steep : float
        Typical slope of its flanks.
    middle : (2,)
        Where it lies, as shares of height and width.
    radius : float
        Metres across strike.
    """
    y, x = middle[0] * float(rows[-1, 0]), middle[1] * float(cols[0, -1])
    angle, ratio = strike + rng.normal(0, 0.3), rng.uniform(1.0, 2.2)
    along = (cols - np.float32(x)) * np.float32(np.cos(angle)) + (rows - np.float32(y)) * np.float32(np.sin(angle))
    across = (rows - np.float32(y)) * np.float32(np.cos(angle)) - (cols - np.float32(x)) * np.float32(np.sin(angle))
    up = -0.6 if rng.random() < 0.25 else 1.0
    shape = np.exp(-0.5 * ((along / np.float32(radius * ratio)) ** 2 + (across / np.float32(radius)) ** 2))
    return np.float32(up * steep * radius * rng.uniform(0.8, 1.8)) * shape


def draw_log_uniform(rng: np.random.Generator, bounds: Range) -> float:
    """A number whose order of magnitude is evenly drawn; from (0, 0) it is 0."""
    low, high = np.log(np.maximum(bounds, 1e-9))
    return float(np.exp(rng.uniform(low, high))) if bounds[1] > 0 else 0.0


def cell_axes(shape: tuple[int, int], cell: float) -> tuple[Float, Float]:
    """(H, 1) and (1, W) float32 metres of the rows and columns."""
    rows, cols = (np.arange(count, dtype=np.float32) * np.float32(cell) for count in shape)
    return rows[:, None], cols[None, :]
