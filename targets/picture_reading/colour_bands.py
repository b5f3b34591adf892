"""Depth maps quantised to bands of one colour each: band levels, and a smooth surface through them."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label

from targets.scene import Bool, Float

HISTOGRAM_BINS, HISTOGRAM_SIGMA = 512, 2.0  # of a map's depths, and σ in bins of the smoothing of their frequency
PEAK_RADIUS = 6  # bins on either side of a peak without a higher place
MIN_PEAK_FREQUENCY = 0.0015  # of the cells, in the bin of a band's level
MIN_BANDS = 3
# Lowest place between two peaks over the lower one of them, the mean of all pairs weighted by the height of the lower
# one: peaks with less are bands. See docs/experiments/picture_reading.md.
MAX_VALLEY = 0.3
SMOOTHING_SIGMA, SMOOTHING_ROUNDS = 1.0, 20  # cells, and passes; see docs/experiments/picture_reading.md
# Cells; smaller parts of a band are no tops but remains of lines and letters. See docs/experiments/picture_reading.md.
MIN_TOP_AREA = 6


def band_levels(depth: Float, inside: Bool) -> NDArray[np.float64]:
    """Find the depth levels of a banded picture: the peaks of the histogram of depths read from it.

    Parameters
    ----------
    depth : (H, W) float32
        Depth read from the picture, in any unit.
    inside : (H, W) bool
        The map.

    Returns
    -------
    (n,) float64
        Levels, ascending; empty if the picture is not banded.

    Examples
    --------
    >>> depth = np.repeat(np.float32([[10, 20, 30, 40]]), 50, axis=0)
    >>> band_levels(depth, depth > 0).round().tolist()
    [10.0, 20.0, 30.0, 40.0]
    """
    values = depth[inside]
    if values.size == 0 or np.ptp(values) == 0:
        return np.array([])
    cells, edges = np.histogram(values, HISTOGRAM_BINS)
    frequency = ndimage.gaussian_filter1d(cells / values.size, HISTOGRAM_SIGMA)
    highest_near = ndimage.maximum_filter1d(frequency, 2 * PEAK_RADIUS + 1)
    peaks = np.flatnonzero((frequency >= MIN_PEAK_FREQUENCY) & (frequency == highest_near))
    if len(peaks) < MIN_BANDS:
        return np.array([])
    lower_peak = np.minimum(frequency[peaks[1:]], frequency[peaks[:-1]])
    valley = np.array([frequency[one:other].min() for one, other in pairwise(peaks)])
    if valley.sum() > MAX_VALLEY * lower_peak.sum():
        return np.array([])
    return (edges[peaks] + edges[peaks + 1]) / 2


def masked_gaussian(plane: Float, inside: Bool, sigma: float) -> Float:
    """Smooth the cells inside a map by a normalised Gaussian filter.

    Parameters
    ----------
    plane : (H, W) float32
        Values; those outside the map have no influence.
    inside : (H, W) bool
        The map.
    sigma : float
        Standard deviation in cells.

    Returns
    -------
    (H, W) float32
        NaN outside the map.
    """
    return _masked_gaussian_filter(inside, sigma)(plane)


def _masked_gaussian_filter(inside: Bool, sigma: float) -> Callable[[Float], Float]:
    """Make the filter of `masked_gaussian` for planes (H, W) of one map, which share the weight of its cells."""
    weight = np.maximum(ndimage.gaussian_filter(inside.astype(np.float32), sigma), 1e-6)

    def smooth(plane: Float) -> Float:
        total = ndimage.gaussian_filter(np.where(inside, plane, 0), sigma)
        return np.where(inside, total / weight, np.nan).astype(np.float32)

    return smooth


def dequantise(depth: Float, inside: Bool, levels: NDArray[np.float64]) -> Float:
    """Lay a smooth surface through the bands of a depth: smoothed many times, each cell kept within its band.

    Where two bands meet, the surface is half way between them, as the contour there is; within a band it shows which
    way is up. A top, a part of a band that no higher one touches, ends in a dome: its contour is closed, whatever its
    shape.

    Parameters
    ----------
    depth : (H, W) float32
        Depth read from a banded picture.
    inside : (H, W) bool
        The map.
    levels : (n,) float64
        Of `band_levels`, ascending.

    Returns
    -------
    (H, W) float32
        In the unit of `depth`, NaN outside the map.
    """
    between = (levels[1:] + levels[:-1]) / 2
    limits = np.concatenate([[2 * levels[0] - between[0]], between, [2 * levels[-1] - between[-1]]]).astype(np.float32)
    band = np.searchsorted(between, np.nan_to_num(depth))
    surface, smooth = depth, _masked_gaussian_filter(inside, SMOOTHING_SIGMA)
    for _ in range(SMOOTHING_ROUNDS):
        surface = np.clip(smooth(surface), limits[band], limits[band + 1])
    low, high = limits[band], limits[band + 1]
    return np.maximum(surface, low + (high - low) * _dome_shapes(np.where(inside, band, -1)))


def _dome_shapes(band: NDArray[np.intp]) -> Float:
    """(H, W) float32 of bands numbered upwards, -1 outside: up to 1 in the innermost cell of each top, else 0."""
    part = label(band, background=-1)
    numbers = np.arange(part.max() + 1)
    highest_touched = ndimage.maximum(ndimage.maximum_filter(band, 3), part, numbers)
    is_top = (highest_touched == ndimage.maximum(band, part, numbers)) & (np.bincount(part.ravel()) >= MIN_TOP_AREA)
    is_top[0] = False
    distance = ndimage.distance_transform_edt(is_top[part])
    share = distance / np.maximum(ndimage.maximum(distance, part, numbers), 1)[part]
    return (1 - (1 - share) ** 2).astype(np.float32)
