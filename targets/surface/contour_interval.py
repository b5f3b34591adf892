"""Contour intervals as cartographers choose them: 1, 2 or 5 times a power of ten."""

import numpy as np

FEWEST = 3  # contours of a map on which closures are found by contours


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


def warn_of_few_contours(low: float, high: float, interval: float, base: float = 0.0) -> str:
    """Say that hardly any contour of an interval passes through a map, as of one in another unit.

    Parameters
    ----------
    low : float
        Shallowest depth, any unit.
    high : float
        Deepest depth.
    interval : float
        Depth step of the contours, above 0.
    base : float, default 0.0
        A depth that one of them passes through.

    Returns
    -------
    str
        A sentence without a full stop; "" where there are `FEWEST` or more.

    Examples
    --------
    >>> warn_of_few_contours(2003, 2011, 20.0)
    'no contour of 20 lies between its depths 2003 and 2011, so that no closure ends at one'
    >>> warn_of_few_contours(1500, 1950, 20.0)
    ''
    """
    count = int(np.ceil((high - base) / interval) - np.ceil((low - base) / interval))
    if count >= FEWEST:
        return ""
    few = ("no contour", "only 1 contour", "only 2 contours")[count]
    so = "few closures end at any" if count else "no closure ends at one"
    lies = "lie" if count == 2 else "lies"
    return f"{few} of {interval:g} {lies} between its depths {low:.6g} and {high:.6g}, so that {so}"


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
