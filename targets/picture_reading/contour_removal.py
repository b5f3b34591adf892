"""Contour removal: a map's picture without its contours, inpainted, or drawn without them."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from targets.common.rgb_planes import strongest
from targets.rendering.map import render
from targets.rendering.palettes import RGB
from targets.rendering.style import DEFAULT_STYLE
from targets.scene import Bool, Scene

MAX_LINE_WIDTH = 5  # pixels, of a contour with its soft edges
MIN_CONTRAST = 0.06  # share of the neighbouring brightness that a line takes away
RIM_WIDTH = 4  # pixels from a map's outline, as far as a scan's blur may mix its colours with the paper's
# Median share of paper in the pixels of a ring along the outline, above which the ring is blurred; see
# docs/experiments/picture_reading.md.
MAX_PAPER_SHARE = 0.03


def picture_without_contours(scene: Scene) -> RGB:
    """Remove the contours of a map's picture; a map without a picture is drawn without contours.

    Parameters
    ----------
    scene : Scene
        The map; lines on its faults are kept.

    Returns
    -------
    (H, W, 3) uint8
        The picture.
    """
    if scene.rgb is None:
        return render(scene, replace(DEFAULT_STYLE, contour_width=0))
    return remove_contours(scene.rgb, scene.fault)


def remove_contours(rgb: RGB, fault: Bool) -> RGB:
    """Inpaint the thin dark lines of a picture from their sides, except on faults.

    Fast marching: Telea 2004, An image inpainting technique based on the fast marching method, J. Graphics Tools 9.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    fault : (H, W) bool
        Fault cells.

    Returns
    -------
    (H, W, 3) uint8
        The picture without contours.
    """
    lines = detect_dark_lines(rgb) & ~fault
    return np.asarray(cv2.inpaint(rgb, lines.astype(np.uint8), 3, cv2.INPAINT_TELEA), np.uint8)


def detect_dark_lines(rgb: RGB) -> Bool:
    """Detect lines up to `MAX_LINE_WIDTH` pixels wide that are darker than both their sides (black top-hat).

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.

    Returns
    -------
    (H, W) bool
        Pixels of lines.

    Examples
    --------
    >>> page = np.full((9, 9, 3), 200, np.uint8)
    >>> page[:, 4] = 0
    >>> detect_dark_lines(page).sum(axis=0).tolist()
    [0, 0, 0, 0, 9, 0, 0, 0, 0]
    """
    brightness = strongest(rgb)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (MAX_LINE_WIDTH, MAX_LINE_WIDTH))
    closed = cv2.morphologyEx(brightness, cv2.MORPH_CLOSE, disc)
    return np.asarray((closed.astype(np.float32) - brightness) > MIN_CONTRAST * closed)


def paper_colour(rgb: RGB, inside: Bool) -> NDArray[np.float32]:
    """(3,) float32 median colour around a map that does not fill its picture."""
    return np.asarray(np.median(rgb[~inside].astype(np.float32), axis=0), np.float32)


def find_blurred_rim(rgb: RGB, inside: Bool) -> Bool:
    """Find the cells along a map's outline whose colours are mixed with the paper's, as blur and JPEG leave them.

    Each ring of one pixel's width is compared with the colours `RIM_WIDTH` pixels further in. Read as they are, such
    cells form a wall or a ditch along the outline.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    inside : (H, W) bool
        The map.

    Returns
    -------
    (H, W) bool
        Mixed cells; none where the map fills its picture.
    """
    mixed = np.zeros(inside.shape, np.bool_)
    if inside.all():
        return mixed
    distance = distance_transform_edt(inside)
    interior = distance >= RIM_WIDTH + 1
    if not interior.any():
        return mixed
    paper = paper_colour(rgb, inside)
    rim = inside & ~interior
    rows, cols = distance_transform_edt(~interior, return_distances=False, return_indices=True)
    unmixed = rgb[rows[rim], cols[rim]].astype(np.float32)
    towards_paper = paper - unmixed
    share = ((rgb[rim] - unmixed) * towards_paper).sum(axis=1) / np.maximum((towards_paper**2).sum(axis=1), 1)
    ring = np.floor(distance[rim])
    blurred = [one for one in range(1, RIM_WIDTH + 1) if np.median(share[ring == one]) > MAX_PAPER_SHARE]
    mixed[rim] = np.isin(ring, blurred)
    return mixed
