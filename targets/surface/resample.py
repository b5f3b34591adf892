"""Resampling: maps to fewer cells, so that a whole structure fits into a network's window, and planes to more."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from targets.scene import Float, Scene
from targets.surface.fill import fill_holes

MIN_FAULT_SHARE = 0.25  # of a coarse cell; a lower one closes every relay ramp, a higher one loses thin faults


def downsample(scene: Scene, max_side: int) -> Scene:
    """Reduce a map to at most `max_side` cells along its longer side.

    Depth and picture are averaged over the area of a coarse cell. A coarse cell is inside (or measured, trap, salt) if
    at least half of it is, and on a fault if a quarter of it is.

    Parameters
    ----------
    scene : Scene
        The map.
    max_side : int
        Cells; 0: never.

    Returns
    -------
    Scene
        With the location of the coarse cells; the map itself if it is small enough.

    Examples
    --------
    >>> inside = np.ones((40, 60), bool)
    >>> scene = Scene("map", np.zeros((40, 60), np.float32), inside, inside, ~inside)
    >>> downsample(scene, 30).shape, downsample(scene, 100) is scene
    ((20, 30), True)
    """
    height, width = scene.shape
    if not max_side or max(height, width) <= max_side:
        return scene
    size = (max(1, round(width * max_side / max(scene.shape))), max(1, round(height * max_side / max(scene.shape))))

    def mean(values: NDArray) -> NDArray:
        return cv2.resize(values.astype(np.float32), size, interpolation=cv2.INTER_AREA)

    inside = mean(scene.map_valid) >= 0.5
    geo, rows, cols = scene.geo, height / size[1], width / size[0]
    if geo.x0 is not None and geo.y0 is not None and geo.dx is not None and geo.dy is not None:
        x, y = geo.xy((rows - 1) / 2, (cols - 1) / 2)  # the centre of the first coarse cell
        geo = replace(geo, x0=float(x), y0=float(y), dx=geo.dx * cols, dy=geo.dy * rows)
    return Scene(
        name=scene.name,
        depth=mean(scene.depth),
        depth_valid=(mean(scene.depth_valid) >= 0.5) & inside,
        map_valid=inside,
        fault=mean(scene.fault) >= MIN_FAULT_SHARE,
        rgb=None if scene.rgb is None else cv2.resize(scene.rgb, size, interpolation=cv2.INTER_AREA),
        traps=None if scene.traps is None else mean(scene.traps) >= 0.5,
        salt=None if scene.salt is None else mean(scene.salt) >= 0.5,
        true_depth=None if scene.true_depth is None else mean(scene.true_depth),
        image_depth=scene.image_depth,
        geo=geo,
        group=scene.group,
        coarsening=scene.coarsening * max(scene.shape) / max(inside.shape),
        provenance=scene.provenance,
    )


def upsample(plane: Float, shape: tuple[int, int]) -> Float:
    """Interpolate a plane to more cells, linearly between the centres of its cells.

    Parameters
    ----------
    plane : (h, w) float32
        NaN takes the nearest value.
    shape : tuple[int, int]
        Rows and columns (H, W) of the result.

    Returns
    -------
    (H, W) float32

    Examples
    --------
    >>> upsample(np.array([[0, 4]], np.float32), (1, 4)).tolist()
    [[0.0, 1.0, 3.0, 4.0]]
    """
    finite = np.isfinite(plane)
    whole = fill_holes(np.nan_to_num(plane), finite, finite)
    return cv2.resize(whole, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
