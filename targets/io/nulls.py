"""Undefined values of grids: those that the user names, and those that nobody declared."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray


def undefine_nulls(values: NDArray, nodata: float | Literal["none"] | None) -> tuple[NDArray, tuple[str, ...]]:
    """Replace the undefined values of a grid by NaN.

    Parameters
    ----------
    values : (H, W) of any number type
        As the file holds them.
    nodata : float | Literal['none'] | None
        As of `targets.io.read_options.ReadOptions`.

    Returns
    -------
    values : (H, W)
        The same array if nothing is undefined.
    notes : tuple[str, ...]
        What was taken as undefined without a word from file or user.
    """
    if not isinstance(nodata, float):
        return values, ()
    undefined = values == nodata
    return (np.where(undefined, np.nan, values) if undefined.any() else values), ()
