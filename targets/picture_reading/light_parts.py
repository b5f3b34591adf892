"""Light parts of a map that are no paper: lines (triangulations, nets, white contours) and levels drawn in white."""

import cv2
import numpy as np

from targets.common.rgb_planes import strongest, weakest
from targets.rendering.palettes import RGB
from targets.scene import Bool

BAND_WIDTH = 9  # pixels, of the median filter that shows the colours behind lines
MIN_CONTRAST = 12  # grey levels by which a line is lighter than these in each of red, green and blue
MIN_LENGTH, MAX_GAP, MIN_VOTES = 50, 5, 40  # pixels of a straight line, of a gap in it, and on it
REACH = 2  # pixels around a straight line that belong to it
MIN_WHITE, MIN_CURVE = 225, 60  # grey level of the darkest channel of a white contour, and its length in pixels
MIN_LEVEL, MIN_LEVEL_CELLS = 245, 100  # grey level of the darkest channel of a white level, and its least area
TINT, FAINT_TINT = 0.5, 0.2  # share of the colour around a white level in it, and where that is hardly darker itself
MIN_STEP = 40.0  # grey levels between a white level and the colour around it
RIM, MAX_INK = 8, 60  # pixels around it in which its neighbour shows, and grey level of ink there
MAX_SHARE = 0.15  # of the map: more is a texture, no lines
MIN_STRAIGHT = 0.3  # of the light lines that must be straight: the light rims of bands are not


def detect_light_lines(rgb: RGB, inside: Bool) -> Bool:
    """Detect thin lines that are lighter than both their sides, and straight or white.

    Light strips alone are no lines: the rim between two colours, blurred, may be lighter than both. A line is straight
    over `MIN_LENGTH` pixels, or white and long.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    inside : (H, W) bool
        The map.

    Returns
    -------
    (H, W) bool
        Pixels of lines inside the map.

    Examples
    --------
    >>> page = np.full((80, 80, 3), 90, np.uint8)
    >>> page[np.arange(80), np.arange(80)] = 180
    >>> detect_light_lines(page, np.ones((80, 80), bool)).sum() > 70
    np.True_
    """
    darkest = weakest(rgb)
    lighter = weakest(cv2.subtract(rgb, cv2.medianBlur(np.ascontiguousarray(rgb), BAND_WIDTH))) >= MIN_CONTRAST
    light = (lighter & inside).astype(np.uint8)
    lines = np.zeros(inside.shape, np.uint8)
    found = cv2.HoughLinesP(light, 1, np.pi / 360, MIN_VOTES, minLineLength=MIN_LENGTH, maxLineGap=MAX_GAP)
    for col0, row0, col1, row1 in found.reshape(-1, 4).tolist() if found is not None else ():
        cv2.line(lines, (col0, row0), (col1, row1), 1, 2 * REACH - 1)
    straight = (lines > 0) & (light > 0)
    if straight.sum() < MIN_STRAIGHT * light.sum():
        straight[:] = False
    count, parts, stats, _ = cv2.connectedComponentsWithStats(light & (darkest >= MIN_WHITE), connectivity=8)
    extent = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    is_curve = (extent >= MIN_CURVE) & (np.arange(count) > 0)
    found_lines = straight | is_curve[parts]
    return found_lines if found_lines.sum() <= MAX_SHARE * inside.sum() else np.zeros(inside.shape, np.bool_)


def paint_over_light_lines(rgb: RGB, inside: Bool) -> tuple[RGB, float]:
    """Paint over the light lines of a map from their sides.

    Returns
    -------
    rgb : (H, W, 3) uint8
        The picture itself where there are none.
    share : float
        Of the map that was painted over.
    """
    lines = detect_light_lines(rgb, inside)
    if not lines.any():
        return rgb, 0.0
    broad = cv2.dilate(lines.astype(np.uint8), np.ones((3, 3), np.uint8))
    painted = np.asarray(cv2.inpaint(rgb, broad, 3, cv2.INPAINT_TELEA), np.uint8)
    return painted, float(lines.sum() / max(inside.sum(), 1))


def tint_white_levels(rgb: RGB, inside: Bool) -> RGB:
    """Mix the colour around white parts of a map into them: white is what networks take for paper.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    inside : (H, W) bool
        The map, its white tops among it.

    Returns
    -------
    (H, W, 3) uint8
        The picture itself where there are none.

    Examples
    --------
    >>> page = np.full((40, 40, 3), (200, 40, 0), np.uint8)
    >>> page[10:30, 10:30] = 255
    >>> tint_white_levels(page, np.ones((40, 40), bool))[20, 20].tolist()
    [227, 147, 127]
    """
    white = (weakest(rgb) >= MIN_LEVEL) & inside
    count, parts, stats, _ = cv2.connectedComponentsWithStats(white.astype(np.uint8), connectivity=4)
    tinted = rgb
    for part in range(1, count):
        left, top, width, height, cells = (int(value) for value in stats[part])
        if cells < MIN_LEVEL_CELLS:
            continue
        box = np.s_[max(0, top - RIM) : top + height + RIM, max(0, left - RIM) : left + width + RIM]
        own = (parts[box] == part).astype(np.uint8)
        ring = (cv2.dilate(own, np.ones((2 * RIM + 1,) * 2, np.uint8)) > own) & inside[box]
        colours = rgb[box][ring]
        colours = colours[weakest(colours[None])[0] < MIN_LEVEL]
        colours = colours[strongest(colours[None])[0] > MAX_INK]
        if len(colours) == 0:
            continue
        tinted = tinted.copy() if tinted is rgb else tinted
        beside = np.median(colours, axis=0)
        share = TINT if TINT * np.linalg.norm(255 - beside) >= MIN_STEP else FAINT_TINT
        tinted[box][own > 0] = (share * beside + (1 - share) * 255).astype(np.uint8)
    return tinted
