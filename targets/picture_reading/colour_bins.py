"""Colours in classes of like ones: in whose company does each stand?"""

import numpy as np
from numpy.typing import NDArray

BIN_WIDTH = 8  # grey levels of red, green and blue that one class of colours spans
MAX_BINS = 1500  # at most; a photograph's colours are parted more coarsely, as time and memory grow with the square
NEIGHBOUR_SIGMA = 14.0  # grey levels; σ of the Gaussian by which classes are neighbours


def bin_colours(colours: NDArray[np.float64]) -> NDArray[np.intp]:
    """(N,) the class of every colour (N, 3): cubes of `STEP` grey levels, larger ones where there are too many."""
    step = BIN_WIDTH
    while True:
        cube = (colours // step).astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
        found, of = np.unique(cube, return_inverse=True)
        if len(found) <= MAX_BINS:
            return of
        step *= 2


def bin_means(values: NDArray[np.float64], of: NDArray[np.intp]) -> NDArray[np.float64]:
    """(n, k) the mean of each class of values (N, k)."""
    cells = np.bincount(of)
    return np.stack([np.bincount(of, plane) for plane in values.T], axis=1) / cells[:, None]


def neighbour_weights(centre: NDArray[np.float64], cells: NDArray[np.intp]) -> NDArray[np.float64]:
    """(n, n) how much each class counts among the neighbours of one, in all 1: by the distance of their mean colours
    (n, 3), and by how many cells (n,) they have."""
    weight = np.exp(-((centre[:, None] - centre[None]) ** 2).sum(axis=2) / (2 * NEIGHBOUR_SIGMA**2)) * cells
    return weight / weight.sum(axis=1, keepdims=True)


def local_covariances(
    weight: NDArray[np.float64], first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean colour (n, 3) and covariance (n, 3, 3) around each class, of the classes' means of colours (n, 3) and of
    their products (n, 9)."""
    middle = weight @ first
    return middle, (weight @ second).reshape(-1, 3, 3) - middle[:, :, None] * middle[:, None, :]


def outer_products(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 9) of each colour (N, 3) with itself."""
    return (colours[:, :, None] * colours[:, None, :]).reshape(-1, 9)
