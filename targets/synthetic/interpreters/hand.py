"""Hand of an interpreter: outlines that are smooth and stray a little, polygons by eye, and mistakes."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.draw import ellipse, polygon2mask
from skimage.measure import find_contours, regionprops

from targets.scene import Bool, Float
from targets.synthetic.interpreters.habits import Labels

Hand = Callable[[Labels, Float, np.random.Generator], Bool]  # (traps, depth, chance) -> what is drawn, all (H, W)

SMOOTHING = 1.0  # cells, σ: corners that a pen rounds
STRAYING = 0.4  # cells, standard deviation along rows and along columns: docs/experiments/interpreters.md
STRAYING_LENGTH = 8.0  # cells, σ: over which a line strays to one side
MARGIN = 8  # cells around a trap in which its drawn outline lies

CORNER_SPACING = 9.0  # cells of outline between two corners of a polygon, but
CORNERS = (8, 20)  # fewest and most of them
CORNER_MISS = (2.0, 4.0)  # cells: how far corners of one polygon lie from the outline at most

MISSED, INVENTED = 0.1, 0.05  # shares of a map's traps
KEPT_AT_WELL = (0.6, 0.9)  # of the way from the crest to the far side of the largest trap
INVENTED_AREA = 120.0  # cells, where there is no trap to compare with
INVENTED_SHAPE = (0.5, 1.0)  # short over long axis


def draw_outlines(labels: Labels, depth: Float, rng: np.random.Generator) -> Bool:
    """Draw every trap with an unsteady hand: the outline is smoothed, and strays by about a cell.

    Parameters
    ----------
    labels : (H, W) int32
        0 = no trap; a number for each trap.
    depth : (H, W) float32
        Not needed.
    rng : np.random.Generator
        Decides where the line strays.

    Returns
    -------
    (H, W) bool
        Traps are black areas of their own: between two of them lies at least one cell.
    """
    at = np.indices(labels.shape).astype(np.float64)
    at += STRAYING * np.stack([_smooth_noise(rng, labels.shape) for _ in range(2)])
    drawn = np.zeros_like(labels)
    for region in regionprops(labels):
        top, left, bottom, right = region.bbox
        rows = slice(max(top - MARGIN, 0), bottom + MARGIN)
        cols = slice(max(left - MARGIN, 0), right + MARGIN)
        trap = np.pad(labels[rows, cols] == region.label, 1, mode="edge")  # the map's border is no outline
        distance = ndimage.distance_transform_edt(trap) - ndimage.distance_transform_edt(~trap)
        smooth = ndimage.gaussian_filter(distance, SMOOTHING, mode="nearest")
        places = at[:, rows, cols] - np.array([rows.start - 1, cols.start - 1])[:, None, None]
        inside = ndimage.map_coordinates(smooth, places, order=1, mode="nearest") > 0
        drawn[rows, cols][inside & (drawn[rows, cols] == 0)] = region.label
    return _part_neighbours(drawn)


def draw_polygons(labels: Labels, depth: Float, rng: np.random.Generator) -> Bool:
    """Draw every trap by eye as a polygon of 8 to 20 corners that lie within 2 to 4 cells of its outline.

    Parameters
    ----------
    labels, depth, rng
        As in `draw_outlines`; holes in traps are not drawn.

    Returns
    -------
    (H, W) bool
    """
    drawn = np.zeros_like(labels)
    for region in regionprops(labels):
        outline = max(find_contours(np.pad(region.image, 1).astype(np.float64), 0.5), key=len) - 1 + region.bbox[:2]
        length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(outline, axis=0).T))])
        count = int(np.clip(round(length[-1] / CORNER_SPACING), *CORNERS))
        along = (np.arange(count) + rng.uniform(-0.3, 0.3, count) + rng.random()) * length[-1] / count
        corners = np.stack([np.interp(along % length[-1], length, axis) for axis in outline.T], axis=1)
        angle, reach = rng.uniform(0, 2 * np.pi, count), rng.uniform(*CORNER_MISS) * np.sqrt(rng.random(count))
        corners += np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=1)
        drawn[polygon2mask(labels.shape, corners) & (drawn == 0)] = region.label
    return _part_neighbours(drawn)


def draw_with_mistakes(labels: Labels, depth: Float, rng: np.random.Generator) -> Bool:
    """Draw as `draw_outlines`, miss traps, invent others, and end the largest trap at a well.

    Parameters
    ----------
    labels, rng
        As in `draw_outlines`.
    depth : (H, W) float32
        Its shallowest cell in the largest trap is the crest, from which the well is seen.

    Returns
    -------
    (H, W) bool
    """
    traps = labels.copy()
    numbers, areas = np.unique(labels[labels > 0], return_counts=True)
    if numbers.size:
        largest = numbers[areas.argmax()]
        traps[_beyond_well(labels == largest, depth, rng)] = 0
        traps[np.isin(labels, numbers[(rng.random(numbers.size) < MISSED) & (numbers != largest)])] = 0
    for _ in range(rng.binomial(max(numbers.size, 1), INVENTED)):
        _invent_trap(traps, float(np.median(areas)) if areas.size else INVENTED_AREA, rng)
    return draw_outlines(traps, depth, rng)


def _beyond_well(trap: Bool, depth: Float, rng: np.random.Generator) -> Bool:
    """The part of a trap beyond a well: of the straight line through it across the way to the crest."""
    rows, cols = np.nonzero(trap)
    crest = depth[rows, cols].argmin()
    angle = rng.uniform(0, 2 * np.pi)
    away = (rows - rows[crest]) * np.cos(angle) + (cols - cols[crest]) * np.sin(angle)
    is_beyond = away > rng.uniform(*KEPT_AT_WELL) * away.max()
    beyond = np.zeros_like(trap)
    beyond[rows[is_beyond], cols[is_beyond]] = True
    return beyond


def _invent_trap(traps: Labels, area: float, rng: np.random.Generator) -> None:
    """Add an elliptic trap where none is; where there is no room, nothing is added."""
    short = np.sqrt(area / np.pi * rng.uniform(*INVENTED_SHAPE))
    long = area / np.pi / short
    free = ndimage.distance_transform_edt(np.pad(traps == 0, 1))[1:-1, 1:-1] > long + 2
    places = np.argwhere(free)
    if len(places):
        row, col = places[rng.integers(len(places))]
        traps[ellipse(row, col, short, long, traps.shape, rng.uniform(0, np.pi))] = traps.max() + 1


def _smooth_noise(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """(H, W) noise of mean 0 and variance 1, alike over `STRAYING_LENGTH`."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), STRAYING_LENGTH, mode="wrap")
    return np.asarray(noise * (2 * np.sqrt(np.pi) * STRAYING_LENGTH))


def _part_neighbours(labels: Labels) -> Bool:
    """The cells of traps but those that touch a trap of a lower number: each stays one of its own."""
    lowest = ndimage.minimum_filter(np.where(labels > 0, labels, np.iinfo(np.int32).max), 3)
    return (labels > 0) & (lowest >= labels)
