"""Random crops of a real surface: flipped, upside down, smoothed and stretched, to make many maps of one."""

import cv2
import numpy as np
from scipy import ndimage

from targets.scene import Float, Scene

SIDE_SHARES = (0.35, 1.0)  # of a crop's sides in the largest that fits into the surface
MAX_SMOOTHING = 0.02  # of the map's longer side, σ of a Gaussian: land is rougher than the horizons that are mapped
TRIES = 8  # places of which the one with most surface is taken


def crop_surface(rng: np.random.Generator, surface: Scene, shape: tuple[int, int], rms_step: float) -> Float:
    """Take a random crop of a surface's depth, flipped, upside down or not, smoothed, and stretched to a given slope.

    Parameters
    ----------
    rng : np.random.Generator
        Decides everything.
    surface : Scene
        A real surface with a depth; its faults are ignored.
    shape : tuple[int, int]
        Rows and columns of the result.
    rms_step : float
        Root mean square of the depth steps from cell to cell, to which the crop is stretched.

    Returns
    -------
    (H, W) float32
        Depth of mean 0, in the unit of `rms_step`.
    """
    height, width = surface.shape
    scale = rng.uniform(*SIDE_SHARES) * min(height / shape[0], width / shape[1])
    rows, cols = max(8, int(scale * shape[0])), max(8, int(scale * shape[1]))
    corners = [(int(rng.integers(height - rows + 1)), int(rng.integers(width - cols + 1))) for _ in range(TRIES)]
    top, left = max(corners, key=lambda at: surface.map_valid[at[0] : at[0] + rows, at[1] : at[1] + cols].sum())
    depth = surface.depth[top : top + rows, left : left + cols]
    if rng.random() < 0.5:
        depth = depth[:, ::-1]
    depth = depth[:: int(rng.choice([-1, 1]))] * np.float32(rng.choice([-1, 1]))
    enlarged = cv2.resize(np.ascontiguousarray(depth), shape[::-1], interpolation=cv2.INTER_CUBIC)
    smooth = ndimage.gaussian_filter(enlarged, rng.uniform(0.2, 1) * MAX_SMOOTHING * max(shape), mode="nearest")
    step = np.sqrt(np.mean(np.square(np.diff(smooth, axis=0)[:, 1:]) + np.square(np.diff(smooth, axis=1)[1:])))
    return np.asarray((smooth - smooth.mean()) * (rms_step / max(float(step), 1e-12)), np.float32)
