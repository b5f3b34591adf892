"""A picture in bands of one colour each tells depths in steps: which, and what smooth surface lies behind them?"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label

from targets.scene import Bool, Float

BINS, BLUR = 512, 2.0  # of a map's depths, and σ in bins of the curve of how often each is met
BESIDE = 6  # bins on either side without a higher place on the curve: a peak
LEAST = 0.0015  # of the cells, in a bin: a band
BANDS = 3  # at least
# Lowest place between two peaks over the lower one of them, the mean of all pairs by the height of the lower one: peaks
# with less are bands. 112 of 126 pictures of real maps in bands (report styles) had less, and none of 290 others.
VALLEY = 0.3

# Cells, σ of each smoothing, and how often. On 8 generated maps in bands 1 and 20 gave trap IoU 0.555 to 0.620 (a
# perfect guess of the depth: 0.576 to 0.666), 1.5 and 10 as much and fewer crests; by 3 at once it was 0.596 (0.642).
SIGMA, ROUNDS = 1.0, 20

# Cells; smaller parts of a band are no tops but what is left of lines and letters. Of 126 pictures of real maps in
# bands domes on tops took trap IoU from 0.706 to 0.716, and found 15 in place of 13 % of the crests; 6 to 40 are alike.
TOP = 6


def band_levels(depth: Float, inside: Bool) -> NDArray[np.float64]:
    """The depths of the bands, ascending, of a depth (H, W) read from a picture; none if it is in no bands."""
    values = depth[inside]
    if values.size == 0 or np.ptp(values) == 0:
        return np.array([])
    cells, edges = np.histogram(values, BINS)
    often = ndimage.gaussian_filter1d(cells / values.size, BLUR)
    peaks = np.flatnonzero((often >= LEAST) & (often == ndimage.maximum_filter1d(often, 2 * BESIDE + 1)))
    if len(peaks) < BANDS:
        return np.array([])
    lower = np.minimum(often[peaks[1:]], often[peaks[:-1]])
    between = np.array([often[one:other].min() for one, other in pairwise(peaks)])
    if between.sum() > VALLEY * lower.sum():
        return np.array([])
    return (edges[peaks] + edges[peaks + 1]) / 2


def masked_gaussian(plane: Float, inside: Bool, sigma: float) -> Float:
    """A Gaussian mean over the cells inside the map, σ in cells; NaN outside."""
    return _smoothing(inside, sigma)(plane)


def _smoothing(inside: Bool, sigma: float) -> Callable[[Float], Float]:
    """What `smoothed` does to planes (H, W) of one map: the weight of its cells is the same for all of them."""
    weight = np.maximum(ndimage.gaussian_filter(inside.astype(np.float32), sigma), 1e-6)

    def smooth(plane: Float) -> Float:
        total = ndimage.gaussian_filter(np.where(inside, plane, 0), sigma)
        return np.where(inside, total / weight, np.nan).astype(np.float32)

    return smooth


def dequantise(depth: Float, inside: Bool, levels: NDArray[np.float64]) -> Float:
    """A smooth surface (H, W) through the bands of a depth, NaN outside the map: smoothed again and again, every cell
    staying within half a step of its band's level.

    Where two bands meet it is half way between them, as the contour there is; within a band it says which way is up.
    A top, a part of a band that no higher one touches, ends in a dome: its contour is closed, whatever its shape.
    """
    middle = (levels[1:] + levels[:-1]) / 2
    ends = np.concatenate([[2 * levels[0] - middle[0]], middle, [2 * levels[-1] - middle[-1]]]).astype(np.float32)
    band = np.searchsorted(middle, np.nan_to_num(depth))
    surface, smooth = depth, _smoothing(inside, SIGMA)
    for _ in range(ROUNDS):
        surface = np.clip(smooth(surface), ends[band], ends[band + 1])
    low, high = ends[band], ends[band + 1]
    return np.maximum(surface, low + (high - low) * _domes(np.where(inside, band, -1)))


def _domes(band: NDArray[np.intp]) -> Float:
    """(H, W) of bands numbered upwards, -1 outside: 0, and over each top up to 1 in its innermost cell."""
    part = label(band, background=-1)
    numbers = np.arange(part.max() + 1)
    beside = ndimage.maximum(ndimage.maximum_filter(band, 3), part, numbers)
    top = (beside == ndimage.maximum(band, part, numbers)) & (np.bincount(part.ravel()) >= TOP)
    top[0] = False
    within = ndimage.distance_transform_edt(top[part])
    share = within / np.maximum(ndimage.maximum(within, part, numbers), 1)[part]
    return (1 - (1 - share) ** 2).astype(np.float32)
