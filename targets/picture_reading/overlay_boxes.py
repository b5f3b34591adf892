"""Boxes of paper over the picture of a map: legends, titles, scale bars."""

import numpy as np
from scipy import ndimage

from targets.common.rgb_planes import strongest
from targets.picture_reading.contour_removal import paper_colour
from targets.rendering.palettes import RGB, WHITE
from targets.scene import Bool

# A box is one part of the paper's colour, rectangular but for what is written in it; see
# docs/experiments/picture_reading.md for how often that finds one.
COLOUR_TOLERANCE = 30  # grey levels from the paper's colour
MIN_SIDE = 10  # pixels, of the shorter side
MIN_RECTANGULARITY = 0.9  # share of the rectangle around a box that it fills
MAX_AREA_SHARE = 0.25  # of the map
FRAME_WIDTH = 2  # pixels around a box
MIN_PAPER = 100  # pixels outside the map that show the paper's colour


def find_paper_boxes(rgb: RGB, inside: Bool) -> Bool:
    """Find the cells of the map under boxes of the paper's colour; paper is white where the map fills the picture.

    Boxes have a frame, or something else that parts them from the outside of the map.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    inside : (H, W) bool
        The map.

    Returns
    -------
    (H, W) bool
        Cells under a box or its frame.
    """
    paper = paper_colour(rgb, inside) if (~inside).sum() >= MIN_PAPER else np.array(WHITE)
    is_paper = strongest(np.abs(rgb.astype(np.int16) - paper.astype(np.int16))) <= COLOUR_TOLERANCE
    parts, count = ndimage.label(is_paper)
    area_inside = np.bincount(parts[inside], minlength=count + 1)
    area_inside[0] = 0
    places = ndimage.find_objects(parts)
    covered = np.zeros(inside.shape, np.bool_)
    for number in np.flatnonzero(area_inside >= MIN_SIDE**2):
        place = places[number - 1]
        part = parts[place] == number
        if min(part.shape) < MIN_SIDE or part.size > MAX_AREA_SHARE * inside.sum():
            continue
        if ndimage.binary_fill_holes(part).mean() < MIN_RECTANGULARITY:
            continue
        covered[tuple(slice(max(0, side.start - FRAME_WIDTH), side.stop + FRAME_WIDTH) for side in place)] = True
    return covered & inside
