"""How does a map look without its contours? Drawn without them, or painted over in a picture that has them."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from targets.planes import strongest
from targets.render import DEFAULT, RGB, render
from targets.scene import Bool, Scene

WIDEST = 5  # pixels, of a contour with its soft edges
DARKER = 0.06  # share of the brightness beside it that a line takes away


def plain_picture(scene: Scene) -> RGB:
    """(H, W, 3) uint8: the map's picture with its contours painted over; a map without one is drawn without them."""
    if scene.rgb is None:
        return render(scene, replace(DEFAULT, contour_width=0))
    return without_contours(scene.rgb, scene.fault)


def without_contours(rgb: RGB, fault: Bool) -> RGB:
    """Paint over the thin dark lines of a picture from their sides, except on faults.

    Fast marching: Telea 2004, An image inpainting technique based on the fast marching method, J. Graphics Tools 9.
    """
    lines = thin_dark(rgb) & ~fault
    return np.asarray(cv2.inpaint(rgb, lines.astype(np.uint8), 3, cv2.INPAINT_TELEA), np.uint8)


def thin_dark(rgb: RGB) -> NDArray[np.bool_]:
    """(H, W) pixels of lines up to `WIDEST` wide that are darker than both their sides."""
    brightness = strongest(rgb)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (WIDEST, WIDEST))
    without = cv2.morphologyEx(brightness, cv2.MORPH_CLOSE, disc)
    return np.asarray((without.astype(np.float32) - brightness) > DARKER * without)
