"""Sign of a grid's values: depths, positive down, or elevations, positive up."""

import numpy as np
from numpy.typing import NDArray


def holds_elevations(values: NDArray, elevation: bool | None) -> tuple[bool, tuple[str, ...]]:
    """Whether the values of a grid are elevations, and what had to be assumed to say so.

    Parameters
    ----------
    values : (H, W) of any number type
        Undefined cells NaN.
    elevation : bool | None
        What the user says; None: values that are all negative are elevations.

    Returns
    -------
    is_elevation : bool
    notes : tuple[str, ...]
        One sentence if it was guessed or is in doubt, else none.

    Examples
    --------
    >>> holds_elevations(np.array([[-1500.0, -1490.0]]), None)[0]
    True
    """
    known = values[np.isfinite(values)]
    if elevation is not None or known.size == 0 or known.min() >= 0:
        return bool(elevation), ()
    low, high = float(known.min()), float(known.max())
    if high <= 0:
        return True, (f"all values are negative ({low:g} to {high:g}): read as elevations, positive up; "
                      "--elevation confirms it, --no_elevation reads them as depths",)  # fmt: skip
    return False, (f"values on both sides of 0 ({low:g} to {high:g}) are read as depths, positive down; "
                   "--elevation reads them as positive up, --no_elevation confirms it",)  # fmt: skip
