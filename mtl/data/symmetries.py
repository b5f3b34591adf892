"""Symmetries of the square (the group D4): one encoding for augmentation and for test-time augmentation.

A symmetry is (turns, flip): so many quarter turns counterclockwise, then left and right exchanged if `flip`.
"""

from itertools import product
from typing import TypeVar

import numpy as np
from einops import rearrange
from torch import Tensor

from mtl.config import Symmetry

Array = TypeVar("Array", np.ndarray, Tensor)

SYMMETRIES: dict[Symmetry, tuple[tuple[int, bool], ...]] = {
    "none": ((0, False),),
    "mirror": ((0, False), (0, True)),
    "flips": tuple(product((0, 2), (False, True))),
    "d4": tuple(product(range(4), (False, True))),
}


def d4_transform(values: Array, turns: int, flip: bool) -> Array:
    """Apply a symmetry of the square to the last two axes.

    Parameters
    ----------
    values : (..., H, W) array or Tensor
        A view of it is returned where NumPy can give one.
    turns : int
        Quarter turns counterclockwise, 0 to 3.
    flip : bool
        Whether left and right are then exchanged.

    Examples
    --------
    >>> square = np.array([[1, 2], [3, 4]])
    >>> d4_transform(square, 1, False).tolist()
    [[2, 4], [1, 3]]
    >>> d4_transform(square, 0, True).tolist()
    [[2, 1], [4, 3]]
    """
    if turns % 2:
        values = rearrange(values, "... h w -> ... w h")
    upside_down, mirrored = turns in (1, 2), (turns in (2, 3)) != flip
    axes = tuple(axis for axis, wanted in ((-2, upside_down), (-1, mirrored)) if wanted)
    return values.flip(axes) if isinstance(values, Tensor) else np.flip(values, axes)


def invert_d4(values: Array, turns: int, flip: bool) -> Array:
    """Undo `d4_transform` with the same arguments.

    Examples
    --------
    >>> square = np.array([[1, 2], [3, 4]])
    >>> all((invert_d4(d4_transform(square, *s), *s) == square).all() for s in SYMMETRIES["d4"])
    True
    """
    return d4_transform(values, turns if flip else -turns % 4, flip)  # a reflection is its own inverse
