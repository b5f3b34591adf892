"""How steep is a surface in each cell? Differences between neighbouring cells of the map, none across its border."""

import numpy as np

from targets.scene import Bool, Float


def gradient_magnitude(surface: Float, inside: Bool) -> Float:
    """(H, W) float32 length of the gradient of `surface`, in its unit per cell; 0 outside.

    Central differences; one-sided where one neighbour lies outside, and 0 along an axis where both do.
    """
    return np.where(inside, np.hypot(_along(surface, inside), _along(surface.T, inside.T).T), np.float32(0))


def _along(surface: Float, inside: Bool) -> Float:
    """The mean of the differences to the one or two neighbours inside, down the rows."""
    pairs = inside[1:] & inside[:-1]
    steps = np.where(pairs, np.diff(surface, axis=0), 0)
    total = np.pad(steps, ((1, 0), (0, 0))) + np.pad(steps, ((0, 1), (0, 0)))
    count = np.pad(pairs, ((1, 0), (0, 0))).astype(np.float32) + np.pad(pairs, ((0, 1), (0, 0)))
    return (total / np.maximum(count, 1)).astype(np.float32)
