"""How does a map look without its contours? Drawn without them, or painted over in a picture that has them."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from targets.common.rgb_planes import strongest
from targets.rendering.map import RGB, render
from targets.rendering.style import DEFAULT_STYLE
from targets.scene import Bool, Scene

WIDEST = 5  # pixels, of a contour with its soft edges
DARKER = 0.06  # share of the brightness beside it that a line takes away

RIM = 4  # pixels from a map's outline, as far as a scan's blur may mix its colours with the paper's
# Share of paper in half of the pixels of a ring around the map: more, and it is mixed. In the outermost ring it was
# -0.01 to 0.04 on 60 and 0.07 to 0.33 on 36 of 96 pictures of real maps with paper beside them, in report styles.
MIXED = 0.03


def picture_without_contours(scene: Scene) -> RGB:
    """(H, W, 3) uint8: the map's picture with its contours painted over; a map without one is drawn without them."""
    if scene.rgb is None:
        return render(scene, replace(DEFAULT_STYLE, contour_width=0))
    return remove_contours(scene.rgb, scene.fault)


def remove_contours(rgb: RGB, fault: Bool) -> RGB:
    """Paint over the thin dark lines of a picture from their sides, except on faults.

    Fast marching: Telea 2004, An image inpainting technique based on the fast marching method, J. Graphics Tools 9.
    """
    lines = detect_dark_lines(rgb) & ~fault
    return np.asarray(cv2.inpaint(rgb, lines.astype(np.uint8), 3, cv2.INPAINT_TELEA), np.uint8)


def detect_dark_lines(rgb: RGB) -> NDArray[np.bool_]:
    """(H, W) pixels of lines up to `WIDEST` wide that are darker than both their sides."""
    brightness = strongest(rgb)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (WIDEST, WIDEST))
    without = cv2.morphologyEx(brightness, cv2.MORPH_CLOSE, disc)
    return np.asarray((without.astype(np.float32) - brightness) > DARKER * without)


def paper_colour(rgb: RGB, inside: Bool) -> NDArray[np.float32]:
    """(3,) the median colour around a map that does not fill its picture."""
    return np.asarray(np.median(rgb[~inside].astype(np.float32), axis=0), np.float32)


def find_blurred_rim(rgb: RGB, inside: Bool) -> Bool:
    """(H, W) cells along a map's outline in whose colours the paper beside it shows, as blur and JPEG leave them.

    Each ring of one pixel's width is compared with the colours `RIM` pixels further in. Read as they are, such cells
    are a wall or a ditch along the outline.
    """
    mixed = np.zeros(inside.shape, np.bool_)
    if inside.all():
        return mixed
    off = distance_transform_edt(inside)
    deep = off >= RIM + 1
    if not deep.any():
        return mixed
    paper = paper_colour(rgb, inside)
    rim = inside & ~deep
    rows, cols = distance_transform_edt(~deep, return_distances=False, return_indices=True)
    within = rgb[rows[rim], cols[rim]].astype(np.float32)
    towards = paper - within
    share = ((rgb[rim] - within) * towards).sum(axis=1) / np.maximum((towards**2).sum(axis=1), 1)
    ring = np.floor(off[rim])
    mixed[rim] = np.isin(ring, [one for one in range(1, RIM + 1) if np.median(share[ring == one]) > MIXED])
    return mixed
