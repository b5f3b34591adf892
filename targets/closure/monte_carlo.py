"""How sure is a closure? The map is perturbed many times with correlated noise, and the closures are found anew."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from targets.closure.find import Closures, find_closures
from targets.errors import UserError


@dataclass(frozen=True, eq=False)
class ClosureProbability:
    """What many equally likely depth maps say.

    Attributes
    ----------
    probability : (H, W) float32
        The share of realisations in which a cell lies in a closure.
    closures : Closures
        Those of the map as it is; the rows below are those of its outermost closures, in order of id.
    exists : (N,) float64
        The share of realisations in which the closure is there.
    area, height, volume : (N, 3) float64
        P90, P50 and P10 over the realisations in which it is there: the value that 90, 50 and 10 percent of them exceed
        (P90 is the low case); NaN where it never is.
    """

    probability: NDArray[np.float32]
    closures: Closures
    exists: NDArray[np.float64]
    area: NDArray[np.float64]
    height: NDArray[np.float64]
    volume: NDArray[np.float64]


def correlated_noise(shape: tuple[int, int], correlation: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """(H, W) Gaussian noise of mean 0 and standard deviation 1, with correlation exp(-(r / correlation)^2 / 2).

    `correlation` in cells; 0 = independent cells. Made by filtering white noise in the frequency domain on a larger
    grid, so that opposite edges are independent.
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
    """Find the closures of `realisations` perturbed maps: depth + std * correlated Gaussian noise.

    Parameters
    ----------
    depth, **options
        As for `find_closures`.
    std : ArrayLike
        Standard deviation of the depth error, a number or (H, W), in the unit of depth.
    correlation : float
        How far errors are alike, in cells: at this distance their correlation is exp(-1/2).
    realisations : int, default 100
        How many maps; seed : of the random numbers; the same seed gives the same answer.

    Notes
    -----
    A closure of the map is there in a realisation when its crest lies in a closure, or else when a closure overlaps it:
    the one with the largest overlap is taken.
    """
    std = np.asarray(std, np.float64)
    if not (std >= 0).all():
        raise UserError("std", "a negative or missing standard deviation", "0 or more, in the unit of depth")
    if not correlation >= 0:
        raise UserError("correlation", f"{correlation}", "0 or more cells")
    if realisations < 1:
        raise UserError("realisations", f"{realisations}", "at least 1")
    depth = np.asarray(depth)
    base = find_closures(depth, **options)
    roots = base.table[base.table["parent"] == 0]
    rng = np.random.default_rng(seed)
    count = np.zeros(depth.shape, np.int32)
    sizes = np.full((realisations, roots.size, 3), np.nan)
    for k in range(realisations):
        noisy = (depth + std * correlated_noise(depth.shape, correlation, rng)).astype(np.float32)
        found = find_closures(noisy, **options)
        count += found.labels > 0
        match = found.labels[roots["crest_row"], roots["crest_col"]]
        there = (base.labels > 0) & (found.labels > 0)
        pairs, overlap = np.unique(np.stack([base.labels[there], found.labels[there]]), axis=1, return_counts=True)
        order = np.argsort(overlap, kind="stable")
        largest = np.zeros(roots.size + 1, np.int32)
        largest[pairs[0, order]] = pairs[1, order]  # the last one written stays: the largest
        match = np.where(match > 0, match, largest[1:])
        rows = found.table[match[match > 0] - 1]
        sizes[k, match > 0] = np.stack([rows["area"], rows["height"], rows["volume"]], axis=1)
    exists = np.isfinite(sizes[:, :, 0]).mean(axis=0)
    cases = np.full((3, roots.size, 3), np.nan)
    some = exists > 0
    cases[:, some] = np.nanpercentile(sizes[:, some], [10, 50, 90], axis=0)
    area, height, volume = (cases[:, :, k].T for k in range(3))
    return ClosureProbability((count / realisations).astype(np.float32), base, exists, area, height, volume)
