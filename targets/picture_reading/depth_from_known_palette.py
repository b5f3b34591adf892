"""What depth does a picture alone tell? Its colours are read back along the legend, as a person with no more would."""

import cv2
import numpy as np

from targets.picture_reading.contour_removal import detect_dark_lines
from targets.picture_reading.known_palettes import nearest_palette, project_onto_palette
from targets.rendering.map import RGB
from targets.rendering.palettes import PALETTES
from targets.scene import Bool, Float, Scene
from targets.surface.fill import fill_holes

OFF = 30.0  # grey levels from the nearest colour of the legend: faults, labels and paper are farther, colours nearer


def depth_from_known_palette(rgb: RGB, inside: Bool) -> tuple[Float, Bool]:
    """The depth that a picture's colours say, continued under faults, contours and labels from their sides.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        In one of the palettes of `targets.rendering.map`.
    inside : (H, W) bool
        The map.

    Returns
    -------
    depth : (H, W) float32, 0 = shallowest colour of the legend, 1 = deepest.
    read : (H, W) bool, where it was read; False everywhere when no pixel has a colour of a legend.
    """
    lines = detect_dark_lines(rgb)
    coloured = inside & ~lines
    # Half of the pixels at least have a colour of the legend: the rest may be ink.
    name = nearest_palette(rgb[coloured], 0.5)[0] if coloured.any() else next(iter(PALETTES))
    place, distance = project_onto_palette(rgb, name)
    strange = ((distance > OFF) & ~lines).astype(np.uint8)
    # One cell more: the soft edge of a fault is a mixture of its colour and the map's.
    read = coloured & (cv2.dilate(strange, np.ones((3, 3), np.uint8)) == 0)
    depth = np.asarray(1 - place, np.float32)
    return (fill_holes(depth, read, inside) if read.any() else depth), read


def scene_from_picture(scene: Scene) -> Scene:
    """A map with the depth that its picture tells, and nothing else that it knows: no faults, traps or contours."""
    assert scene.rgb is not None
    depth, read = depth_from_known_palette(scene.rgb, scene.map_valid)
    return Scene(scene.name, depth, read & scene.map_valid, scene.map_valid, np.zeros(scene.shape, bool), scene.rgb)
