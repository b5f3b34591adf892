"""Folded surfaces: fold trains, domes and basins, regional dip."""

from dataclasses import dataclass

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from targets.scene import Float
from targets.synthetic.options import StructureMapOptions
from targets.synthetic.random_fields import cell_axes, draw_log_uniform, padded_fft_shape, random_spectrum


def make_folded_surface(
    rng: np.random.Generator, shape: tuple[int, int], cell: float, strike: float, options: StructureMapOptions
) -> Float:
    """Make a folded surface: regional dip across strike, folds of three wavelengths, domes and basins.

    Parameters
    ----------
    rng : np.random.Generator
        Decides everything.
    shape : tuple[int, int]
        Rows and columns.
    cell : float
        Spacing of cells, in metres.
    strike : float
        Regional strike in radians, from the column axis towards the row axis.
    options : StructureMapOptions
        Sizes, slopes and numbers.

    Returns
    -------
    (H, W) float32
        Metres about 0, positive down.
    """
    rows, cols = cell_axes(shape, cell)
    extent = max(shape) * cell
    surface = np.zeros(shape, np.float32)

    surface += dipping_plane(rng, rows, cols, strike, options)

    slope = np.tan(np.radians(rng.uniform(*options.fold_slope)))
    length = extent * (1.0 if options.fold_size == (1.0, 1.0) else draw_log_uniform(rng, options.fold_size))
    trains = []
    for low, high, share in ((0.45, 0.8, 0.6), (0.18, 0.35, 0.6), (0.06, 0.12, 0.35)):
        wavelength = length * rng.uniform(low, high)
        # The root mean square slope of a wave of standard deviation h is 2 pi h / wavelength.
        height = slope * share * np.exp(rng.normal(-0.3, 0.45)) * wavelength / (2 * np.pi)
        trains.append(FoldTrain(wavelength / cell, rng.uniform(1.2, 3.5), strike + rng.normal(0, 0.15), height))
    folds = sum_fold_trains(rng, shape, trains)
    if options.fold_unevenness != (0.0, 0.0):
        folds = folds * amplitude_factors(rng, shape, rng.uniform(*options.fold_unevenness))
    surface += folds

    for _ in range(rng.integers(options.domes[0], options.domes[1] + 1)):
        centre, radius = rng.uniform(0.12, 0.88, 2), length * rng.uniform(0.04, 0.15)
        surface -= random_dome(rng, rows, cols, strike, slope, centre, radius)
    if rng.random() < 0.65:  # maps are made where there is a high: most fields lie in the middle of theirs
        centre, radius = rng.uniform(0.35, 0.65, 2), extent * rng.uniform(0.12, 0.22)
        surface -= np.abs(random_dome(rng, rows, cols, strike, 1.6 * slope, centre, radius))
    return surface - surface.mean()


def dipping_plane(
    rng: np.random.Generator, rows: Float, cols: Float, strike: float, options: StructureMapOptions
) -> Float:
    """Make the regional dip: a plane that dips about across strike.

    Parameters
    ----------
    rng : np.random.Generator
        Decides direction and dip.
    rows, cols : (H, 1), (1, W) float32
        Coordinates of the cells, in metres.
    strike : float
        Regional strike, in radians.
    options : StructureMapOptions
        The range of the dip.

    Returns
    -------
    (H, W) float32
        Metres, positive down.
    """
    azimuth = strike + np.pi / 2 + rng.normal(0, 0.4) + np.pi * rng.integers(2)
    slope = np.tan(np.radians(rng.uniform(*options.regional_dip)))
    return np.float32(slope * np.cos(azimuth)) * cols + np.float32(slope * np.sin(azimuth)) * rows


def amplitude_factors(rng: np.random.Generator, shape: tuple[int, int], log_std: float) -> Float:
    """Draw factors (H, W) float32 that vary slowly across a map; `log_std` is the std of their logarithm."""
    uneven = rng.normal(0, log_std, (4, 4)).astype(np.float32)
    return np.exp(cv2.resize(uneven, shape[::-1], interpolation=cv2.INTER_CUBIC))


@dataclass(frozen=True)
class FoldTrain:
    """Random folds of one dominant wavelength.

    Attributes
    ----------
    wavelength : float
        Across strike, in cells.
    aspect_ratio : float
        How many times longer the folds are along strike, at least 1.
    strike : float
        Radians from the column axis towards the row axis.
    height : float
        Standard deviation, in metres.
    """

    wavelength: float
    aspect_ratio: float
    strike: float
    height: float


def sum_fold_trains(rng: np.random.Generator, shape: tuple[int, int], trains: list[FoldTrain]) -> Float:
    """Sum some fold trains to one Gaussian random field: (H, W) float32, metres."""
    rows, cols = padded_fft_shape(shape, 0.4 * max(shape))
    spectrum = np.zeros((rows, cols // 2 + 1), np.complex64)
    for train in trains:
        last = 2.2 / train.wavelength  # no wave of the train is shorter: numbers drawn for others would be wasted
        low = np.r_[0 : int(min(last, 0.5) * rows) + 1, -int(min(last, 0.49) * rows) : 0]
        ky = scipy.fft.fftfreq(rows)[low, None]
        kx = scipy.fft.rfftfreq(cols)[None, : int(min(last, 0.5) * cols) + 1]
        cos, sin = np.cos(train.strike), np.sin(train.strike)
        k = np.hypot(ky * cos - kx * sin, train.aspect_ratio * (kx * cos + ky * sin)) * train.wavelength
        amplitude = np.exp(-0.5 * ((k - 1) / 0.35) ** 2)
        spectrum[low, : kx.size] += train.height * random_spectrum(rng, amplitude)
    return scipy.fft.irfft2(spectrum, (rows, cols), norm="forward")[: shape[0], : shape[1]]


def random_dome(
    rng: np.random.Generator, rows: Float, cols: Float, strike: float, slope: float, centre: NDArray, radius: float
) -> Float:
    """Draw one dome, or sometimes a basin, elongated along strike.

    Parameters
    ----------
    rng : np.random.Generator
        Decides height, direction and elongation.
    rows, cols : (H, 1), (1, W) float32
        Coordinates of the cells, in metres.
    strike : float
        Regional strike, in radians.
    slope : float
        Typical slope of the flanks, in metres per metre.
    centre : (2,) float64
        Where it lies, as shares of the map's height and width.
    radius : float
        Metres across strike.

    Returns
    -------
    (H, W) float32
        Metres, positive up: a basin is negative.
    """
    y, x = centre[0] * float(rows[-1, 0]), centre[1] * float(cols[0, -1])
    angle, aspect_ratio = strike + rng.normal(0, 0.3), rng.uniform(1.0, 2.2)
    along = (cols - np.float32(x)) * np.float32(np.cos(angle)) + (rows - np.float32(y)) * np.float32(np.sin(angle))
    across = (rows - np.float32(y)) * np.float32(np.cos(angle)) - (cols - np.float32(x)) * np.float32(np.sin(angle))
    sign = -0.6 if rng.random() < 0.25 else 1.0
    shape = np.exp(-0.5 * ((along / np.float32(radius * aspect_ratio)) ** 2 + (across / np.float32(radius)) ** 2))
    return np.float32(sign * slope * radius * rng.uniform(0.8, 1.8)) * shape
