"""Depth from the colours of a picture alone, by a known palette as its legend."""

import cv2
import numpy as np

from targets.picture_reading.contour_removal import detect_dark_lines
from targets.picture_reading.known_palettes import nearest_palette, project_onto_palette
from targets.rendering.palettes import PALETTES, RGB
from targets.scene import Bool, Float, Scene
from targets.surface.fill import fill_holes

MAX_COLOUR_DISTANCE = 30.0  # grey levels from the palette: faults, labels and paper are farther, colours nearer
MIN_INK_FREE_SHARE = 0.5  # of the pixels, those that have a colour of the legend


def depth_from_known_palette(rgb: RGB, inside: Bool) -> tuple[Float, Bool]:
    """Read the depth of a picture along the palette that fits it best, filled under faults, contours and labels.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        In one of the palettes of `targets.rendering.palettes.PALETTES`.
    inside : (H, W) bool
        The map.

    Returns
    -------
    depth : (H, W) float32
        0 = shallowest colour of the legend, 1 = deepest.
    read : (H, W) bool
        Where it was read; False everywhere when no pixel has a colour of a legend.
    """
    lines = detect_dark_lines(rgb)
    candidates = inside & ~lines
    any_palette = next(iter(PALETTES))
    name = nearest_palette(rgb[candidates], MIN_INK_FREE_SHARE)[0] if candidates.any() else any_palette
    position, distance = project_onto_palette(rgb, name)
    foreign = ((distance > MAX_COLOUR_DISTANCE) & ~lines).astype(np.uint8)
    # One cell more: the soft edge of a fault is a mixture of its colour and the map's.
    read = candidates & (cv2.dilate(foreign, np.ones((3, 3), np.uint8)) == 0)
    depth = np.asarray(1 - position, np.float32)
    return (fill_holes(depth, read, inside) if read.any() else depth), read


def scene_from_picture(scene: Scene) -> Scene:
    """Replace the depth of a map by what its picture shows, and forget faults, traps and location.

    Parameters
    ----------
    scene : Scene
        A map with a picture.

    Returns
    -------
    Scene
        With a depth from 0 (shallowest colour) to 1 (deepest).
    """
    assert scene.rgb is not None
    depth, read = depth_from_known_palette(scene.rgb, scene.map_valid)
    return Scene(scene.name, depth, read & scene.map_valid, scene.map_valid, np.zeros(scene.shape, bool), scene.rgb)
