"""How noisy are the colours of a scanned or compressed picture of a map, and what are they without the noise?"""

import cv2
import numpy as np
from numpy.typing import NDArray

from targets.picture_reading.colour_bins import bin_colours, local_covariances, bin_means, neighbour_weights, outer_products
from targets.rendering.map import RGB
from targets.scene import Bool

# Grey levels of noise, below which a picture is as it was drawn. 174 of 178 drawn pictures of real maps in report
# styles had less, and 116 of 122 that were compressed, or noisy by a grey level and more, had more.
MIN_NOISE = 1.5

# Pixels of the shorter side: structures of a smaller map are a few pixels wide, and go with the noise. Trap IoU of 80
# generated maps of 128 pixels fell from 0.693 to 0.687, of 100 of 96 pixels from 0.725 to 0.704; of 75 of 256 and 448
# pixels it rose, from 0.711 to 0.739 and from 0.803 to 0.818.
MIN_SIDE = 160

SAMPLE = 40_000  # pixels at most, whose colours tell the noise

ACROSS, CELLS = 7, 3.0  # pixels, width and σ of the bilateral filter
TIMES = (4.0, 3.0)  # the noise, σ of its range in each pass


def estimate_noise(colours: NDArray[np.float64]) -> float:
    """σ in grey levels of what is not palette in the colours (N, 3) of a map, N > 0.

    A palette is a line in the space of colours, a sheet where shading darkens it. So the direction in which like
    colours differ least leads across it, and along it there is nothing but noise.
    """
    of = bin_colours(colours)
    centre = bin_means(colours, of)
    _, covariance = local_covariances(neighbour_weights(centre, np.bincount(of)), centre, bin_means(outer_products(colours), of))
    least = np.linalg.eigvalsh(covariance)[:, 0]
    return float(np.sqrt(max(np.median(least[of]), 0.0)))


def denoise(rgb: RGB, use: Bool) -> RGB | None:
    """A picture (H, W, 3) with less noise, edges kept; None where it has next to none, or the map is small.

    The bilateral filter (Tomasi and Manduchi 1998, Bilateral filtering for gray and color images, ICCV, 839-846), its
    range a few times the noise.

    Parameters
    ----------
    use : (H, W) bool
        The pixels that are map and not ink; at least one.
    """
    if min(use.shape) < MIN_SIDE:
        return None
    colours = rgb[use]
    noise = estimate_noise(colours[:: -(-len(colours) // SAMPLE)].astype(np.float64))
    if noise < MIN_NOISE:
        return None
    for times in TIMES:
        rgb = np.asarray(cv2.bilateralFilter(rgb, ACROSS, times * noise, CELLS), np.uint8)
    return rgb
