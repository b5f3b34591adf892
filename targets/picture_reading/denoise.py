"""Noise of a scanned or compressed picture of a map: estimated from its colours, removed by a bilateral filter."""

import cv2
import numpy as np
from numpy.typing import NDArray

from targets.picture_reading.colour_bins import (
    bin_colours,
    bin_means,
    local_covariances,
    neighbour_weights,
    outer_products,
)
from targets.rendering.palettes import RGB
from targets.scene import Bool

MIN_NOISE = 1.5  # grey levels, below which a picture is as it was drawn; see docs/experiments/picture_reading.md
# Pixels of the shorter side: structures of a smaller map are a few pixels wide, and vanish with the noise; see
# docs/experiments/picture_reading.md.
MIN_SIDE = 160
MAX_SAMPLE = 40_000  # pixels that the noise is estimated from: enough, and quick
FILTER_WIDTH, SPATIAL_SIGMA = 7, 3.0  # pixels, of the bilateral filter
RANGE_FACTORS = (4.0, 3.0)  # multiples of the noise, σ of the filter's range in each pass


def estimate_noise(colours: NDArray[np.float64]) -> float:
    """Estimate the noise of a map's colours, palette and shading set aside.

    A palette is a line in the space of colours, and a sheet where shading darkens it. So the direction in which like
    colours differ least leads across it, and along that direction there is nothing but noise.

    Parameters
    ----------
    colours : (N, 3) float64
        Red, green and blue, 0 to 255; N > 0.

    Returns
    -------
    float
        Standard deviation in grey levels.

    Examples
    --------
    >>> estimate_noise(np.full((50, 3), 7.0))
    0.0
    """
    bins = bin_colours(colours)
    centres = bin_means(colours, bins)
    weights = neighbour_weights(centres, np.bincount(bins))
    _, covariance = local_covariances(weights, centres, bin_means(outer_products(colours), bins))
    smallest = np.linalg.eigvalsh(covariance)[:, 0]
    return float(np.sqrt(max(np.median(smallest[bins]), 0.0)))


def denoise(rgb: RGB, use: Bool) -> RGB | None:
    """Remove the noise of a picture, and keep its edges.

    The bilateral filter (Tomasi and Manduchi 1998, Bilateral filtering for gray and color images, ICCV, 839-846), its
    range a few times the noise.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    use : (H, W) bool
        The pixels that are map and not ink; at least one.

    Returns
    -------
    (H, W, 3) uint8 or None
        None where there is next to no noise, or the map is small.
    """
    if min(use.shape) < MIN_SIDE:
        return None
    colours = rgb[use]
    noise = estimate_noise(colours[:: -(-len(colours) // MAX_SAMPLE)].astype(np.float64))
    if noise < MIN_NOISE:
        return None
    for factor in RANGE_FACTORS:
        rgb = np.asarray(cv2.bilateralFilter(rgb, FILTER_WIDTH, factor * noise, SPATIAL_SIGMA), np.uint8)
    return rgb
