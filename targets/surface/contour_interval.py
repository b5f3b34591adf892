"""Contour intervals as cartographers choose them: 1, 2 or 5 times a power of ten."""

import numpy as np


def nice_interval(low: float, high: float, lines: float = 20) -> float:
    """The contour interval 1, 2 or 5 times a power of ten that puts about `lines` contours between two depths.

    "About" is within a factor of 1.6, the half step between 2 and 5. A flat map gets interval 1.
    """
    if not high > low:
        return 1.0
    wanted = np.log10((high - low) / lines)
    steps = np.log10([1, 2, 5, 10])
    return float(10 ** np.floor(wanted) * (1, 2, 5, 10)[int(np.argmin(np.abs(steps - wanted % 1)))])


def contour_count(shape: tuple[int, int]) -> float:
    """About how many contours a picture of (H, W) pixels can hold: 20, on small ones one per 10 pixels."""
    return float(np.clip(min(shape) / 10, 5, 20))
