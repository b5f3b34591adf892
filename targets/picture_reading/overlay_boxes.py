"""Where do boxes of paper lie over the picture of a map: a legend, a title, a scale?"""

import numpy as np
from scipy import ndimage

from targets.common.rgb_planes import strongest
from targets.picture_reading.contour_removal import paper_colour
from targets.rendering.palettes import RGB, WHITE
from targets.scene import Bool

# A box is one part of the paper's colour, rectangular but for what is written in it. Such were found on 125 of 174
# pictures of real maps (report styles) with a legend, a title or a scale bar, some of which lie beside the map or have
# no box, and on none of 242 others.
TOLERANCE = 30  # grey levels from the paper's colour
SIDE = 10  # pixels, the shorter side at least
FULL = 0.9  # of the rectangle around it
MOST = 0.25  # of the map
FRAME = 2  # pixels around it
MARGIN = 100  # pixels outside the map that show the paper's colour


def find_paper_boxes(rgb: RGB, inside: Bool) -> Bool:
    """(H, W) cells of the map under boxes of the colour around it, white where nothing is around it.

    Boxes have a frame, or something else that parts them from the outside of the map.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    inside : (H, W) bool
        The map.
    """
    paper = paper_colour(rgb, inside) if (~inside).sum() >= MARGIN else np.array(WHITE)
    parts, count = ndimage.label(strongest(np.abs(rgb.astype(np.int16) - paper.astype(np.int16))) <= TOLERANCE)
    within = np.bincount(parts[inside], minlength=count + 1)
    within[0] = 0
    places = ndimage.find_objects(parts)
    covered = np.zeros(inside.shape, np.bool_)
    for number in np.flatnonzero(within >= SIDE**2):
        place = places[number - 1]
        part = parts[place] == number
        if min(part.shape) < SIDE or part.size > MOST * inside.sum():
            continue
        if ndimage.binary_fill_holes(part).mean() < FULL:
            continue
        covered[tuple(slice(max(0, side.start - FRAME), side.stop + FRAME) for side in place)] = True
    return covered & inside
