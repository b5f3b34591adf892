"""Probability of closure: closures of many maps, perturbed with correlated noise (Monte Carlo simulation)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from targets.closure.find import Closures, find_closures
from targets.errors import UserError


@dataclass(frozen=True, eq=False)
class ClosureProbability:
    """Closures of many equally likely depth maps.

    Attributes
    ----------
    probability : (H, W) float32
        The share of realisations in which a cell lies in a closure.
    closures : Closures
        Those of the map as it is; the rows below are those of its outermost closures, in order of id.
    exists : (N,) float64
        The share of realisations in which the closure exists.
    area, height, volume : (N, 3) float64
        P90, P50 and P10 over the realisations in which it exists, in cells and the unit of depth: the value that 90,
        50 and 10 percent of them exceed (P90 is the low case); NaN where it never exists.
    """

    probability: NDArray[np.float32]
    closures: Closures
    exists: NDArray[np.float64]
    area: NDArray[np.float64]
    height: NDArray[np.float64]
    volume: NDArray[np.float64]


def correlated_noise(shape: tuple[int, int], correlation: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Gaussian noise of mean 0 and standard deviation 1, with correlation ``exp(-(r / correlation)**2 / 2)``.

    White noise is filtered in the frequency domain on a larger grid, so that opposite edges are independent.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    correlation : float
        Correlation length in cells; 0 = independent cells.
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    (H, W) float64
        The noise.
    """
    size = [fft.next_fast_len(n + int(np.ceil(6 * correlation))) for n in shape]
    white = fft.rfft2(rng.standard_normal(size))
    square = np.add.outer(fft.fftfreq(size[0]) ** 2, fft.rfftfreq(size[1]) ** 2)
    filter_ = np.exp(-((np.pi * correlation) ** 2) * square)  # a Gaussian of sigma = correlation / sqrt(2) cells
    whole = np.exp(-((np.pi * correlation) ** 2) * np.add.outer(fft.fftfreq(size[0]) ** 2, fft.fftfreq(size[1]) ** 2))
    noise = fft.irfft2(white * filter_, s=size) / np.sqrt(np.mean(whole**2))
    return noise[: shape[0], : shape[1]]


def closure_probability(
    depth: ArrayLike,
    std: ArrayLike,
    correlation: float,
    realisations: int = 100,
    seed: int = 0,
    **options: Any,
) -> ClosureProbability:
    """Find the closures of many perturbed maps: depth + std * correlated Gaussian noise.

    A closure of the map exists in a realisation when its crest lies in a closure, or else when a closure overlaps it:
    the one with the largest overlap is taken.

    Parameters
    ----------
    depth : (H, W) float or integer, positive down
        The map.
    std : float or (H, W)
        Standard deviation of the depth error, in the unit of depth.
    correlation : float
        Correlation length of the error, in cells: at this distance the correlation is exp(-1/2).
    realisations : int, default 100
        How many maps are tried.
    seed : int, default 0
        Seed of the random numbers; the same seed gives the same answer.
    **options
        Further arguments of `find_closures`.

    Returns
    -------
    ClosureProbability
        Probability of closure per cell and per closure, and the spread of areas, heights and volumes.

    Raises
    ------
    UserError
        A number is out of range, or `find_closures` refuses the map or an option.

    Examples
    --------
    Without an error every realisation is the map itself:

    >>> sure = closure_probability([[9, 9, 9, 9], [9, 3, 5, 7], [9, 9, 9, 9]], std=0, correlation=2, realisations=3)
    >>> sure.probability[1].tolist(), sure.exists.tolist(), sure.area.tolist()
    ([0.0, 1.0, 1.0, 0.0], [1.0], [[2.0, 2.0, 2.0]])
    """
    std = np.asarray(std, np.float64)
    if not (std >= 0).all():
        raise UserError("std", "a negative or missing standard deviation", "0 or more, in the unit of depth")
    if not correlation >= 0:
        raise UserError("correlation", f"{correlation}", "0 or more cells")
    if realisations < 1:
        raise UserError("realisations", f"{realisations}", "at least 1")
    depth = np.asarray(depth)
    best_guess = find_closures(depth, **options)
    roots = best_guess.table[best_guess.table["parent"] == 0]
    rng = np.random.default_rng(seed)
    count = np.zeros(depth.shape, np.int32)
    sizes = np.full((realisations, roots.size, 3), np.nan)
    for k in range(realisations):
        noisy = (depth + std * correlated_noise(depth.shape, correlation, rng)).astype(np.float32)
        found = find_closures(noisy, **options)
        count += found.labels > 0
        match = _matching_closures(best_guess, roots, found)
        rows = found.table[match[match > 0] - 1]
        sizes[k, match > 0] = np.stack([rows["area"], rows["height"], rows["volume"]], axis=1)
    exists = np.isfinite(sizes[:, :, 0]).mean(axis=0)
    cases = np.full((3, roots.size, 3), np.nan)
    some = exists > 0
    cases[:, some] = np.nanpercentile(sizes[:, some], [10, 50, 90], axis=0)
    area, height, volume = (cases[:, :, k].T for k in range(3))
    return ClosureProbability((count / realisations).astype(np.float32), best_guess, exists, area, height, volume)


def _matching_closures(best_guess: Closures, roots: NDArray[Any], found: Closures) -> NDArray[np.int32]:
    """For each outermost closure of the map, the id of the same closure in a realisation, 0 = it does not exist."""
    at_crest = found.labels[roots["crest_row"], roots["crest_col"]]
    both = (best_guess.labels > 0) & (found.labels > 0)
    pairs, overlap = np.unique(np.stack([best_guess.labels[both], found.labels[both]]), axis=1, return_counts=True)
    order = np.argsort(overlap, kind="stable")
    largest = np.zeros(roots.size + 1, np.int32)
    largest[pairs[0, order]] = pairs[1, order]  # the last one written stays: the largest
    return np.where(at_crest > 0, at_crest, largest[1:])
