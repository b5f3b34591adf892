"""Contour intervals as cartographers choose them: 1, 2 or 5 times a power of ten."""

import numpy as np


def nice_interval(low: float, high: float, lines: float = 20) -> float:
    """Choose the contour interval that puts about `lines` contours between two depths.

    Parameters
    ----------
    low : float
        Shallowest depth, any unit.
    high : float
        Deepest depth.
    lines : float, default 20
        Wanted number of contours; the actual one is within a factor of 1.6, the half step between 2 and 5.

    Returns
    -------
    float
        1, 2 or 5 times a power of ten, in the unit of the depths; 1 for a flat map.

    Examples
    --------
    >>> nice_interval(1500, 1950), nice_interval(0.0, 1.0)
    (20.0, 0.05)
    """
    if not high > low:
        return 1.0
    wanted = np.log10((high - low) / lines)
    steps = np.log10([1, 2, 5, 10])
    return float(10 ** np.floor(wanted) * (1, 2, 5, 10)[int(np.argmin(np.abs(steps - wanted % 1)))])


def suggest_contour_count(shape: tuple[int, int]) -> float:
    """Suggest how many contours a picture can hold.

    Parameters
    ----------
    shape : tuple[int, int]
        Rows and columns, pixels.

    Returns
    -------
    float
        One per 10 pixels of the shorter side, within 5 to 20.
    """
    return float(np.clip(min(shape) / 10, 5, 20))
