"""Resolution of a page: the width of its lines, and the size at which they are about three pixels wide."""

import cv2
import numpy as np
from skimage.morphology import skeletonize

from targets.common.rgb_planes import strongest
from targets.rendering.palettes import RGB

LINE_WIDTH = 2.5  # pixels that lines are brought to; contour removal takes away up to five with their soft edges
MAX_WIDTH = 3.0  # pixels; finer lines are left as they are
WIDEST_SHARE = 1 / 40  # of the picture's longer side, of a line
MIN_CONTRAST = 40  # grey levels between a line and both its sides
MAX_SPREAD = 2.0  # of the widths' quantiles of 0.6 and 0.2: lines have one width, dark bands of a map many
MIN_SPINE = 200  # pixels along lines, fewer say nothing
SPINE_LENGTH = 1.12  # mean length of a step along a line of any direction, pixels
USUAL_QUANTILE = 0.4  # of the widths: fat frames, letters and dark bands lie above it
MAX_REPLICATION = 16  # pixels of a square that an enlarged picture repeats
MIN_REPLICATED_SIDE = 200  # pixels that are left of such a picture; a coarser one shows the cells of a grid
SAMPLED_LINES = 200  # rows, and columns, that are looked at first
MAX_SIDE = 6000  # pixels; larger pictures are reduced in any case
MAX_BLUR = 3.0  # grey levels that halving a picture may take away where it holds no finer detail
MIN_BLURRED_SIDE = 500  # pixels that are left after halving


def reduction_of(rgb: RGB) -> float:
    """How many pixels of a picture go into one of the size at which its lines are about three pixels wide.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.

    Returns
    -------
    float
        1 and more; 1 for most pictures that were made for a screen.

    Examples
    --------
    >>> page = np.full((200, 200, 3), 255, np.uint8)
    >>> page[40:101, 40:101] = 0
    >>> reduction_of(page.repeat(4, 0).repeat(4, 1)), reduction_of(page)
    (4.0, 1.0)
    """
    factor = float(_replication(rgb))
    small = rgb[:: int(factor), :: int(factor)]
    while max(small.shape[:2]) > MAX_SIDE or _is_blurred(small):
        factor, small = 2 * factor, _halved(small)
    width = line_width(small)
    return factor * (1.0 if width <= MAX_WIDTH else width / LINE_WIDTH)


def reduced(rgb: RGB, factor: float) -> RGB:
    """The picture with one pixel for `factor` pixels, their mean."""
    if factor <= 1:
        return rgb
    size = tuple(max(1, round(side / factor)) for side in (rgb.shape[1], rgb.shape[0]))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def line_width(rgb: RGB) -> float:
    """Usual width in pixels of the dark lines of a picture; 0 where it has hardly any."""
    grey = strongest(rgb)
    widest = 2 * int(np.clip(max(grey.shape) * WIDEST_SHARE, 4, 30)) + 1
    closed = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (widest, widest)))
    dark = cv2.subtract(closed, grey)
    line = dark > np.maximum(MIN_CONTRAST, closed // 2)
    spine = skeletonize(line)
    if spine.sum() < MIN_SPINE:
        return 0.0
    # Ink over its darkest value, along the spine: the width that a line would have if it had no soft edges.
    window = (2 * widest + 1,) * 2
    ink = cv2.boxFilter(
        dark.astype(np.float32) * cv2.dilate(line.astype(np.uint8), np.ones((3, 3), np.uint8)), -1, window
    )
    peak = cv2.boxFilter(dark.astype(np.float32) * spine, -1, window)
    widths = (ink / np.maximum(peak, 1e-6))[spine] / SPINE_LENGTH
    fine, usual, broad = np.quantile(widths, (0.2, USUAL_QUANTILE, 0.6))
    return float(usual) if broad < MAX_SPREAD * fine else 0.0


def _replication(rgb: RGB) -> int:
    """Side of the squares of one colour that an enlarged picture consists of."""
    height, width = rgb.shape[:2]
    some_rows, some_cols = rgb[:: max(1, height // SAMPLED_LINES)], rgb[:, :: max(1, width // SAMPLED_LINES)]
    steps = np.concatenate([
        np.flatnonzero((some_cols[1:] != some_cols[:-1]).any(axis=(1, 2))) + 1,
        np.flatnonzero((some_rows[:, 1:] != some_rows[:, :-1]).any(axis=(0, 2))) + 1, [height, width],
    ])  # fmt: skip
    side = int(np.gcd.reduce(steps))
    if len(steps) <= 4 or not 1 < side <= min(MAX_REPLICATION, max(height, width) / MIN_REPLICATED_SIDE):
        return 1
    small = rgb[::side, ::side]
    return side if all((rgb[k::side, m::side] == small).all() for k in range(side) for m in range(side)) else 1


def _halved(rgb: RGB) -> RGB:
    return np.asarray(cv2.resize(rgb, (rgb.shape[1] // 2, rgb.shape[0] // 2), interpolation=cv2.INTER_AREA), np.uint8)


def _is_blurred(rgb: RGB) -> bool:
    """Whether a picture of half the size holds the same detail."""
    if max(rgb.shape[:2]) < 2 * MIN_BLURRED_SIDE:
        return False
    back = cv2.resize(_halved(rgb), (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_CUBIC)
    return float(np.quantile(cv2.absdiff(rgb, back), 0.999)) <= MAX_BLUR
