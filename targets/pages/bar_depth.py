"""Depths of a map through its colour bar: each pixel by its colour, lines and letters filled from their sides."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from targets.errors import UserError
from targets.pages.colour_bar import ColourBar
from targets.pages.text import TextBox
from targets.picture_reading.colour_bands import dequantise
from targets.picture_reading.contour_removal import detect_dark_lines
from targets.rendering.palettes import RGB
from targets.scene import Bool, Float
from targets.surface.fill import fill_holes

MIN_DISTANCE, MAX_DISTANCE = 14.0, 40.0  # grey levels from the bar's colours: farther pixels are ink
NOISE_FACTOR = 4.0  # times the median distance: as far as a pixel of the map may be
MAX_MEDIAN_DISTANCE = 25.0  # grey levels; a map that is farther is in other colours
MIN_READ_SHARE = 0.3  # of the map
# Two places of the bar that far apart, of which one is hardly nearer, are decided between by the cells around.
FAR_APART, HARDLY_NEARER = 0.08, 6.0  # share of the bar, and grey levels
MAX_TWOFOLD_SHARE = 0.5  # of the map; more is a palette that repeats itself
MAX_SPIKE = 0.03  # of the bar's range, off the median around a cell: what is left of lines
SPIKE_WIDTH, SOFT_EDGE = 5, 1  # pixels, of that median, and of the soft edge of lines
MIN_LETTERS = 0.75  # score of a text whose box is taken for letters on the map
MAX_COLOURS = 60_000  # of a picture that are looked up one by one; those of JPEG are rounded to `ROUNDING` levels
ROUNDING = 4
CHUNK = 20_000  # colours compared with the bar at once
MAX_PLACES = 256  # of the bar, compared with each colour


@dataclass(frozen=True, eq=False)
class BarDepth:
    """Depths read through a colour bar.

    Attributes
    ----------
    depth : (H, W) float32
        Positive down, in the bar's unit; NaN outside the map, filled from the sides under ink.
    read : (H, W) bool
        Where a pixel's own colour was read.
    share : float
        Of the map that was read, 0 to 1.
    distance : float
        Median distance of the map's colours from the bar's, grey levels: 0 is a perfect fit.
    """

    depth: Float
    read: Bool
    share: float
    distance: float


def depth_from_bar(picture: RGB, bar: ColourBar, mask: Bool, texts: Sequence[TextBox] = ()) -> BarDepth:
    """Read the depth of a map through its colour bar.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        The page.
    bar : ColourBar
        Its colour bar, whose numbers grow in a known direction.
    mask : (H, W) bool
        The map; at least one pixel.
    texts : Sequence[TextBox], default ()
        Texts of the page: the pixels under those on the map are filled from their sides.

    Returns
    -------
    BarDepth

    Raises
    ------
    UserError
        The scale gives no depths, its direction is unknown, or the map has other colours.
    """
    if bar.problem:
        raise UserError("colour bar", bar.problem, "numbers on a linear scale", "give the depths with --depth_range")
    if bar.grows is None:
        raise UserError("colour bar", bar.reason, "a depth or an elevation", "say which colour is high with --high")
    value, other, distance = _look_up(picture, bar, mask)
    median = float(np.median(distance[mask]))
    if median > MAX_MEDIAN_DISTANCE:
        raise UserError("colour bar", f"the map's colours are {median:.0f} grey levels from the bar's",
                        "a map in the colours of its bar", "shading or transparency changes them")  # fmt: skip
    clear = distance <= float(np.clip(NOISE_FACTOR * median, MIN_DISTANCE, MAX_DISTANCE))
    ink = ~clear | detect_dark_lines(picture)
    ink = cv2.dilate(ink.astype(np.uint8), np.ones((2 * SOFT_EDGE + 1,) * 2, np.uint8)) > 0
    read = mask & ~ink & ~_letters(texts, mask.shape)
    if (share := float(read[mask].mean())) < MIN_READ_SHARE:
        raise UserError("colour bar", f"{share:.0%} of the map's pixels have a colour of the bar",
                        f"at least {MIN_READ_SHARE:.0%}")  # fmt: skip
    value = _choose_place(value, other, read, mask)
    span = float(np.ptp(bar.values if bar.edges is None else bar.edges))
    read &= ~_spikes(fill_holes(value, read, mask), MAX_SPIKE * span)
    depth = bar.sign * fill_holes(value, read, mask)
    if bar.edges is not None:
        depth = _through_bands(depth, mask, np.sort(bar.sign * bar.edges))
    return BarDepth(np.where(mask, depth, np.nan).astype(np.float32), read, share, median)


def _look_up(picture: RGB, bar: ColourBar, mask: Bool) -> tuple[Float, Float, Float]:
    """Number (H, W) of each pixel, that of another place of the bar hardly farther or NaN, and distance in colour."""
    pixels = picture[mask].astype(np.int64)
    packed = (pixels[:, 0] << 16) | (pixels[:, 1] << 8) | pixels[:, 2]
    unique, inverse = np.unique(packed, return_inverse=True)
    if len(unique) > MAX_COLOURS:
        packed = ((pixels // ROUNDING * ROUNDING + ROUNDING // 2) @ np.array([1 << 16, 1 << 8, 1])).astype(np.int64)
        unique, inverse = np.unique(packed, return_inverse=True)
    colours = np.stack([unique >> 16, (unique >> 8) & 255, unique & 255], axis=1).astype(np.float32)
    parts = [_along_bar(colours[n : n + CHUNK], bar) for n in range(0, len(colours), CHUNK)]
    planes = []
    for values in (np.concatenate(part) for part in zip(*parts, strict=True)):
        plane = np.full(mask.shape, np.nan, np.float32)
        plane[mask] = values[inverse]
        planes.append(plane)
    return planes[0], planes[1], np.nan_to_num(planes[2], nan=np.inf)


def _along_bar(colours: NDArray[np.float32], bar: ColourBar) -> tuple[NDArray, NDArray, NDArray]:
    """Number of each colour (n, 3), that of another place hardly farther or NaN, and distance in grey levels."""
    places = np.linspace(0, len(bar.colours) - 1, min(len(bar.colours), MAX_PLACES)).round().astype(int)
    own, values = bar.colours[places].astype(np.float32), bar.values[places]
    if bar.edges is not None:
        distance = _distances(colours, own)
        value = np.broadcast_to(values, distance.shape)
    else:
        start, along = own[:-1], np.diff(own, axis=0)
        length = np.maximum((along**2).sum(axis=1), 1e-9)
        share = np.clip((colours @ along.T - (start * along).sum(axis=1)) / length, 0, 1)
        squared = (
            ((colours**2).sum(axis=1)[:, None] - 2 * colours @ start.T + (start**2).sum(axis=1))
            - 2 * share * (colours @ along.T - (start * along).sum(axis=1))
            + share**2 * length
        )
        distance = np.sqrt(np.maximum(squared, 0))
        value = values[:-1] + share * np.diff(values)
    rows = np.arange(len(colours))
    nearest = distance.argmin(axis=1)
    best, least = value[rows, nearest], distance[rows, nearest]
    far = np.abs(value - best[:, None]) > FAR_APART * np.ptp(bar.values)
    rest = np.where(far, distance, np.inf)
    second = rest.argmin(axis=1)
    is_near = rest[rows, second] <= least + HARDLY_NEARER
    return best, np.where(is_near, value[rows, second], np.nan), least


def _distances(colours: NDArray[np.float32], own: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, m) grey levels between colours (n, 3) and (m, 3)."""
    squared = (colours**2).sum(axis=1)[:, None] - 2 * colours @ own.T + (own**2).sum(axis=1)
    return np.sqrt(np.maximum(squared, 0))


def _choose_place(value: Float, other: Float, read: Bool, mask: Bool) -> Float:
    """Numbers (H, W), of two places of the bar that with the number nearer to those of the cells around."""
    twofold = read & np.isfinite(other)
    if not twofold.any():
        return np.nan_to_num(value)
    if twofold.sum() > MAX_TWOFOLD_SHARE * read.sum():
        raise UserError("colour bar", "most colours stand at two places of the bar", "a palette without repetition",
                        "give the depths with --depth_range")  # fmt: skip
    around = fill_holes(np.nan_to_num(value), read & ~twofold, mask)
    nearer = twofold & (np.abs(other - around) < np.abs(value - around))
    return np.where(nearer, other, np.nan_to_num(value)).astype(np.float32)


def _spikes(value: Float, limit: float) -> Bool:
    """(H, W) bool: cells that differ from the median around them by more than `limit`."""
    return np.asarray(np.abs(value - cv2.medianBlur(value, SPIKE_WIDTH)) > limit, np.bool_)


def _letters(texts: Sequence[TextBox], shape: tuple[int, ...]) -> Bool:
    """(H, W) bool: pixels under texts."""
    under = np.zeros(shape, np.bool_)
    for text in texts:
        if text.score >= MIN_LETTERS:
            row0, col0, row1, col1 = text.box
            under[max(0, row0 - 1) : row1 + 1, max(0, col0 - 1) : col1 + 1] = True
    return under


def _through_bands(depth: Float, mask: Bool, edges: NDArray[np.float64]) -> Float:
    """A surface (H, W) through bands: at their edges as the contours there, between them by the distance to both."""
    band = np.where(mask, np.clip(np.searchsorted(edges, depth) - 1, 0, len(edges) - 2), -1)
    surface = depth.copy()
    for number, place in enumerate(ndimage.find_objects(band + 1)):
        if place is None:
            continue
        around = tuple(slice(max(0, side.start - 1), side.stop + 1) for side in place)
        near = band[around]
        own, upper, lower = near == number, (near >= 0) & (near < number), near > number
        if upper.any() and lower.any():
            to_upper, to_lower = (ndimage.distance_transform_edt(~side)[own] for side in (upper, lower))
            share = to_upper / np.maximum(to_upper + to_lower, 1)
            surface[around][own] = edges[number] + share * (edges[number + 1] - edges[number])
    middles = (edges[1:] + edges[:-1]) / 2
    return -dequantise((-surface).astype(np.float32), mask, np.sort(-middles))
