"""How does one real surface become many maps? Cut anywhere, turned, upside down, smoothed, tilted and stretched."""

import cv2
import numpy as np
from scipy import ndimage

from targets.scene import Float, Scene

SIDES = (0.35, 1.0)  # of a cut, as shares of the surface's shorter side
SMOOTHEST = 0.02  # of the map's longer side, standard deviation: land is rougher than the horizons that are mapped
TRIES = 8  # places of which the one with most surface is taken


def crop_surface(rng: np.random.Generator, surface: Scene, shape: tuple[int, int], rms_step: float) -> Float:
    """One look at a surface's depth, about 0.

    Parameters
    ----------
    surface : Scene
        A real one with a depth; its faults are not looked at.
    shape : tuple[int, int]
        Rows and columns of the result.
    steep : float
        Root mean square of its steps from cell to cell, which it is stretched to.

    Returns
    -------
    (H, W) float32, in the unit of `steep`.
    """
    height, width = surface.shape
    scale = rng.uniform(*SIDES) * min(height / shape[0], width / shape[1])
    rows, cols = max(8, int(scale * shape[0])), max(8, int(scale * shape[1]))
    places = [(int(rng.integers(height - rows + 1)), int(rng.integers(width - cols + 1))) for _ in range(TRIES)]
    top, left = max(places, key=lambda at: surface.map_valid[at[0] : at[0] + rows, at[1] : at[1] + cols].sum())
    depth = surface.depth[top : top + rows, left : left + cols]
    if rng.random() < 0.5:
        depth = depth[:, ::-1]
    depth = depth[:: int(rng.choice([-1, 1]))] * np.float32(rng.choice([-1, 1]))
    enlarged = cv2.resize(np.ascontiguousarray(depth), shape[::-1], interpolation=cv2.INTER_CUBIC)
    smooth = ndimage.gaussian_filter(enlarged, rng.uniform(0.2, 1) * SMOOTHEST * max(shape), mode="nearest")
    step = np.sqrt(np.mean(np.square(np.diff(smooth, axis=0)[:, 1:]) + np.square(np.diff(smooth, axis=1)[1:])))
    return np.asarray((smooth - smooth.mean()) * (rms_step / max(float(step), 1e-12)), np.float32)
