"""Statistics of like colours: bins of the colour cube, and means and covariances over neighbouring bins."""

import numpy as np
from numpy.typing import NDArray

BIN_WIDTH = 8  # grey levels of red, green and blue that one bin spans
MAX_BINS = 1500  # time and memory grow with the square; the bins of a photograph become larger
NEIGHBOUR_SIGMA = 14.0  # grey levels, of the Gaussian weight between the mean colours of two bins


def bin_colours(colours: NDArray[np.float64]) -> NDArray[np.intp]:
    """Sort colours into cubes of `BIN_WIDTH` grey levels, larger ones where there are more than `MAX_BINS`.

    Parameters
    ----------
    colours : (N, 3) float64
        Red, green and blue, 0 to 255.

    Returns
    -------
    (N,) int
        The bin of every colour, numbered from 0 without gaps.

    Examples
    --------
    >>> bin_colours(np.array([[0, 0, 0], [7, 7, 7], [8, 0, 0]], float)).tolist()
    [0, 0, 1]
    """
    width = BIN_WIDTH
    while True:
        cube = (colours // width).astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
        found, bins = np.unique(cube, return_inverse=True)
        if len(found) <= MAX_BINS:
            return bins
        width *= 2


def bin_means(values: NDArray[np.float64], bins: NDArray[np.intp]) -> NDArray[np.float64]:
    """Average values (N, k) over each bin, (n, k), of the bin of each (N,).

    Examples
    --------
    >>> bin_means(np.array([[1.0], [3.0], [8.0]]), np.array([0, 0, 1])).tolist()
    [[2.0], [8.0]]
    """
    cells = np.bincount(bins)
    return np.stack([np.bincount(bins, plane) for plane in values.T], axis=1) / cells[:, None]


def neighbour_weights(centres: NDArray[np.float64], cells: NDArray[np.intp]) -> NDArray[np.float64]:
    """Weigh bins by how near their colours are and how many cells they have.

    Parameters
    ----------
    centres : (n, 3) float64
        Mean colour of each bin.
    cells : (n,) int
        Cells of each bin.

    Returns
    -------
    (n, n) float64
        Row i holds the weights of all bins around bin i; each row sums to 1.
    """
    weight = np.exp(-((centres[:, None] - centres[None]) ** 2).sum(axis=2) / (2 * NEIGHBOUR_SIGMA**2)) * cells
    return weight / weight.sum(axis=1, keepdims=True)


def local_covariances(
    weights: NDArray[np.float64], colours: NDArray[np.float64], colour_products: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute mean colour and covariance around each bin.

    Parameters
    ----------
    weights : (n, n) float64
        Of `neighbour_weights`.
    colours : (n, 3) float64
        Mean colour of each bin.
    colour_products : (n, 9) float64
        Mean of `outer_products` over each bin.

    Returns
    -------
    mean : (n, 3) float64
        Mean colour of the neighbours of each bin.
    covariance : (n, 3, 3) float64
        Covariance of their colours.
    """
    mean = weights @ colours
    return mean, (weights @ colour_products).reshape(-1, 3, 3) - mean[:, :, None] * mean[:, None, :]


def outer_products(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply each colour (N, 3) with itself: (N, 9)."""
    return (colours[:, :, None] * colours[:, None, :]).reshape(-1, 9)
