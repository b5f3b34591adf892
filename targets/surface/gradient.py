"""Gradient of a surface: differences of neighbouring cells of the map, none across its border."""

import numpy as np

from targets.scene import Bool, Float


def gradient_magnitude(surface: Float, inside: Bool) -> Float:
    """Compute the length of the gradient.

    Central differences; one-sided where one neighbour lies outside, and 0 along an axis where both do.

    Parameters
    ----------
    surface : (H, W) float32
        Any unit.
    inside : (H, W) bool
        Cells of the map.

    Returns
    -------
    (H, W) float32
        In units of the surface per cell; 0 outside.

    Examples
    --------
    >>> rows, cols = np.indices((4, 4), np.float32)
    >>> np.unique(gradient_magnitude(3 * rows + 4 * cols, np.ones((4, 4), bool))).tolist()
    [5.0]
    """
    return np.where(inside, np.hypot(_along(surface, inside), _along(surface.T, inside.T).T), np.float32(0))


def central_differences(surface: Float) -> tuple[Float, Float]:
    """Differences per cell down the rows and along the columns; 0 along an axis of one cell.

    Parameters
    ----------
    surface : (H, W) float32
        Any unit.

    Returns
    -------
    down, right : (H, W) float32

    Examples
    --------
    >>> [part.tolist() for part in central_differences(np.array([[1.0, 3.0, 5.0]]))]
    [[[0.0, 0.0, 0.0]], [[2.0, 2.0, 2.0]]]
    """
    parts = (np.gradient(surface, axis=n) if surface.shape[n] > 1 else np.zeros_like(surface) for n in (0, 1))
    down, right = parts
    return down, right


def _along(surface: Float, inside: Bool) -> Float:
    """The mean of the differences to the one or two neighbours inside, down the rows."""
    pairs = inside[1:] & inside[:-1]
    steps = np.where(pairs, np.diff(surface, axis=0), 0)
    total = np.pad(steps, ((1, 0), (0, 0))) + np.pad(steps, ((0, 1), (0, 0)))
    count = np.pad(pairs, ((1, 0), (0, 0))).astype(np.float32) + np.pad(pairs, ((0, 1), (0, 0)))
    return (total / np.maximum(count, 1)).astype(np.float32)
