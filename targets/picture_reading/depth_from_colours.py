"""Calibrate colour to depth from the picture itself, with a predicted depth as prior.

A colour has one depth wherever it is on the map. So the errors of a prior (a network's, say) average out over all
cells of one colour, and closures, which depend on the order of depths only, hardly notice an error that is the same for
a whole colour. The order of the colours along the palette (`targets.picture_reading.colour_order`) corrects the prior
where it is wrong for some of them.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from targets.picture_reading.colour_bins import (
    NEIGHBOUR_SIGMA,
    bin_colours,
    bin_means,
    local_covariances,
    neighbour_weights,
    outer_products,
)
from targets.picture_reading.colour_order import count_adjacency, monotone_depth, order_colours
from targets.picture_reading.contour_removal import detect_dark_lines, find_blurred_rim
from targets.picture_reading.denoise import denoise
from targets.picture_reading.overlay_boxes import find_paper_boxes
from targets.rendering.palettes import RGB
from targets.scene import Bool, Float
from targets.surface.fill import fill_holes

SHRINKAGE = 0.05  # of NEIGHBOUR_SIGMA², added to the variance of colours: a bin without neighbours has no slope

# A colour that shows no depth is known by the spread of the prior over its cells, which is wider than for most colours.
# So ink is left out, whatever its colour, and text, faults and symbols with it.
MAX_SPREAD = 2.2  # times the median spread
MAX_DEVIATION = 5.0  # median spreads between a cell's prior and the depth of its colour: ink in a colour of the map
MAX_MEDIAN_SPREAD = 0.6  # of the prior's standard deviation; above it, the colours show no depth
MIN_READ_SHARE = 0.1  # of the map's cells that must be read

# Which colours follow each other in the palette. Of two orders, the one nearer to the prior is taken.
COLOUR_SCALES = (np.inf, 20.0)  # grey levels; pairs of colours that far apart count half
MIN_BIN_SHARE, MIN_BIN_CELLS = 1e-4, 3  # of the cells; a bin with fewer has no place in the order
# Of the variance of the prior, how far off it the order may be: one that is farther is of some other palette. See
# docs/experiments/picture_reading.md.
MAX_ORDER_ERROR = 0.2

MEDIAN_WIDTH = 5  # cells, of the median filter on depths read from a scan's colours


@dataclass(frozen=True, eq=False)
class ColourDepth:
    """The depth that the colours of a picture show.

    Attributes
    ----------
    depth : (H, W) float32
        In the prior's unit, filled from the sides where there is ink or a legend.
    noisy : bool
        Whether noise of a scan was removed from the colours, what is left of it being in the depth.
    """

    depth: Float
    noisy: bool


def depth_from_colours(rgb: RGB, prior: Float, inside: Bool) -> ColourDepth | None:
    """Read the depth of a picture from its colours, calibrated by a prior.

    The calibration is a local linear regression of the prior on colour (Cleveland 1979, Robust locally weighted
    regression, J. Am. Stat. Assoc. 74, 829-836, without its iterations), over bins of colours.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    prior : (H, W) float32
        A rough depth in any unit, finite inside the map.
    inside : (H, W) bool
        The map.

    Returns
    -------
    ColourDepth or None
        None where the colours show no depth: a grey picture, say.
    """
    use = inside & ~detect_dark_lines(rgb) & ~find_blurred_rim(rgb, inside)
    if not use.any():
        return None
    denoised = denoise(rgb, use)
    colours, expected = (rgb if denoised is None else denoised)[use].astype(np.float64), prior[use].astype(np.float64)
    calibration = _calibrate(colours, expected)
    depth, spread = calibration.depth(colours), calibration.spread[calibration.bins]
    median_spread = float(np.median(spread))
    if median_spread > MAX_MEDIAN_SPREAD * expected.std():
        return None
    clear = (spread <= MAX_SPREAD * median_spread) & (np.abs(depth - expected) <= MAX_DEVIATION * median_spread)
    bins = np.full(inside.shape, -1)
    bins[use] = np.where(spread <= MAX_SPREAD * median_spread, calibration.bins, -1)
    ordered, error, frequent = _order_depths(bins, calibration, depth)
    if error < MAX_ORDER_ERROR * depth.var():
        known = np.isfinite(ordered)
        refitted = _calibrate(colours[known], ordered[known]).depth(colours[known])
        slope, level = np.polyfit(depth[known], refitted, 1)  # for colours without a place: parted from others by ink
        depth = level + max(slope, 0.0) * depth
        depth[known] = refitted
        clear &= known | frequent[calibration.bins]
    read = np.zeros(inside.shape, np.bool_)
    read[use] = clear
    read &= ~find_paper_boxes(rgb, inside)  # a colour bar in a box still shows which colours follow each other
    if read.sum() < MIN_READ_SHARE * inside.sum():
        return None
    filled = np.zeros(inside.shape, np.float32)
    filled[use] = depth
    filled = fill_holes(filled, read, inside)
    if denoised is None:
        return ColourDepth(filled, noisy=False)
    return ColourDepth(np.asarray(cv2.medianBlur(filled, MEDIAN_WIDTH), np.float32), noisy=True)


@dataclass(frozen=True, eq=False)
class _Calibration:
    """Depth as a function of colour: a straight line around each of n colour bins.

    Attributes
    ----------
    bins : (N,) int
        The bin of each colour that it was fitted to.
    centres : (n, 3) float64
        Mean colour of each bin.
    local_colour, local_depth, slope, spread : (n, 3), (n,), (n, 3), (n,) float64
        Mean colour and mean depth around each bin, depth per grey level, and standard deviation of the residual.
    """

    bins: NDArray[np.intp]
    centres: NDArray[np.float64]
    local_colour: NDArray[np.float64]
    local_depth: NDArray[np.float64]
    slope: NDArray[np.float64]
    spread: NDArray[np.float64]

    def depth(self, colours: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N,) float64 depth of the colours (N, 3) that it was fitted to."""
        offset = colours - self.local_colour[self.bins]
        return self.local_depth[self.bins] + (offset * self.slope[self.bins]).sum(axis=1)


def _calibrate(colours: NDArray[np.float64], depth: NDArray[np.float64]) -> _Calibration:
    """Fit a straight line of depth over colour around each bin, by the cells of all bins near it."""
    bins = bin_colours(colours)
    cells = np.bincount(bins)
    centres, (first, second) = bin_means(colours, bins), bin_means(np.stack([depth, depth**2], axis=1), bins).T
    weights = neighbour_weights(centres, cells)
    local_colour, variance = local_covariances(weights, centres, outer_products(centres))
    local_depth = weights @ first
    covariance = weights @ (centres * first[:, None]) - local_colour * local_depth[:, None]
    slope = np.linalg.solve(variance + SHRINKAGE * NEIGHBOUR_SIGMA**2 * np.eye(3), covariance[..., None])[..., 0]
    residual = weights @ second - local_depth**2 - (slope * covariance).sum(axis=1)
    return _Calibration(bins, centres, local_colour, local_depth, slope, np.sqrt(np.maximum(residual, 0)))


def _order_depths(
    bins: NDArray[np.intp], calibration: _Calibration, depth: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, Bool]:
    """Depth (N,) in the better of two palette orders, its mean square error, and the bins (n,) with enough cells."""
    size = len(calibration.centres)
    adjacency, cells = count_adjacency(bins, size), np.bincount(bins[bins >= 0], minlength=size)
    frequent = cells >= max(MIN_BIN_CELLS, MIN_BIN_SHARE * cells.sum())
    orders = []
    for scale in COLOUR_SCALES:
        placed, position = order_colours(adjacency, cells, frequent, calibration.centres, scale)
        orders.append(monotone_depth(placed, position, calibration.bins, depth))
    ordered, error = min(orders, key=lambda order: order[1])
    return ordered, error, frequent
