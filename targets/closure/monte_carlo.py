"""Probability of closure: closures of many maps, perturbed with correlated noise (Monte Carlo simulation)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, sparse

from targets.closure.arguments import map_cells
from targets.closure.arrays import check_depth, check_faults, check_mask, laid_on, plain_array
from targets.closure.find import Closures, find_closures
from targets.closure.properties import above_outline
from targets.closure.strips import threads_for
from targets.common.memory import require_memory
from targets.errors import UserError

MAX_REALISATIONS = 100_000  # a share is then known to 0.0016 or better
MAX_DEPTH = 1e30  # realisations are float32
MAX_RELIEFS = 100  # of the map: a deviation beyond is one in another unit
NOISE_BYTES = 48  # per cell of the larger grid on which noise is filtered


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
        50 and 10 percent of them exceed (P90 is the low case); NaN where it never exists. Heights and volumes are
        those above the outline, as of `targets.closure.properties.above_outline`.
    """

    probability: NDArray[np.float32]
    closures: Closures
    exists: NDArray[np.float64]
    area: NDArray[np.float64]
    height: NDArray[np.float64]
    volume: NDArray[np.float64]


def correlated_noise(
    shape: tuple[int, int],
    correlation: float,
    rng: np.random.Generator,
    cell_sides: tuple[float, float] = (1.0, 1.0),
) -> NDArray[np.float64]:
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
    cell_sides : tuple[float, float], default (1.0, 1.0)
        Height and width of a cell, in the unit of the correlation length.

    Returns
    -------
    (H, W) float64
        The noise.

    Raises
    ------
    UserError
        The correlation is negative, or longer than the longer side of the map, or a side of a cell is not above 0.
    """
    return NoiseFilter.of(shape, correlation, cell_sides).draw(rng)


class NoiseFilter(NamedTuple):
    """What turns white noise into correlated noise, for all realisations of a map.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns of the map.
    size : tuple of int
        Of the larger grid on which noise is filtered.
    gain : (size[0], size[1] // 2 + 1) float64
        Factor of each frequency (`scipy.fft.rfft2`).
    """

    shape: tuple[int, int]
    size: tuple[int, int]
    gain: NDArray[np.float64]

    @classmethod
    def of(cls, shape: tuple[int, int], correlation: float, cell_sides: tuple[float, float]) -> "NoiseFilter":
        """Of a map; arguments and errors as of `correlated_noise`."""
        _check_correlation(shape, correlation, cell_sides)
        rows, cols = (
            fft.next_fast_len(n + int(np.ceil(6 * correlation / side)))
            for n, side in zip(shape, cell_sides, strict=True)
        )
        # A Gaussian of sigma = correlation / sqrt(2) is the product of one along rows and one along columns.
        down, across = (
            np.exp(-((np.pi * correlation * fft.fftfreq(n, side)) ** 2))
            for n, side in zip((rows, cols), cell_sides, strict=True)
        )
        deviation = np.sqrt(np.mean(down**2) * np.mean(across**2))
        return cls(shape, (rows, cols), np.outer(down / deviation, across[: cols // 2 + 1]))

    def draw(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Noise (H, W) from the next random numbers."""
        threads = threads_for(self.gain.size)
        white = fft.rfft2(rng.standard_normal(self.size), workers=threads)
        white *= self.gain
        return fft.irfft2(white, s=self.size, overwrite_x=True, workers=threads)[: self.shape[0], : self.shape[1]]


def closure_probability(
    depth: ArrayLike,
    std: ArrayLike,
    correlation: float,
    realisations: int = 100,
    seed: int = 0,
    cell_sides: tuple[float, float] = (1.0, 1.0),
    **options: Any,
) -> ClosureProbability:
    """Find the closures of many perturbed maps: depth + std * correlated Gaussian noise.

    A closure of the map exists in a realisation when its crest lies in a closure, or else when a closure overlaps it:
    the one with the largest overlap is taken.

    Parameters
    ----------
    depth : (H, W) float or integer, positive down
        The map, as `find_closures` takes it.
    std : float or (H, W)
        Standard deviation of the depth error, in the unit of depth: at most 100 times the relief of the map. Outside
        of the map it may be missing.
    correlation : float
        Correlation length of the error, in the unit of `cell_sides`, cells by default: at this distance the
        correlation is exp(-1/2). At most the longer side of the map: errors that are alike over all of it change no
        closure.
    realisations : int, default 100
        How many maps are tried, at most 100,000.
    seed : int, default 0
        Seed of the random numbers; the same seed gives the same answer.
    cell_sides : tuple[float, float], default (1.0, 1.0)
        Height and width of a cell: (25, 12.5) for rows 25 m and columns 12.5 m apart, with a correlation in metres.
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
    best_guess, drawn = closure_realisations(depth, std, correlation, realisations, seed, cell_sides, **options)
    roots = int(np.count_nonzero(best_guess.table["parent"] == 0))
    require_memory(realisations * roots * 3 * 8, "realisations", "try fewer, or a larger min_area")
    count = np.zeros(best_guess.labels.shape, np.int32)
    sizes = np.full((realisations, roots, 3), np.nan)
    for k, (found, match) in enumerate(drawn):
        count += found.labels > 0
        rows = found.table[match[match > 0] - 1]
        sizes[k, match > 0] = np.stack([rows["area"], *above_outline(rows)], axis=1)
    exists = np.isfinite(sizes[:, :, 0]).mean(axis=0)
    area, height, volume = (_cases(sizes[:, :, k]) for k in range(3))
    return ClosureProbability((count / realisations).astype(np.float32), best_guess, exists, area, height, volume)


def _cases(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """P90, P50 and P10 of each column (N, 3), NaN left out: `numpy.nanpercentile`, for all columns at once."""
    count = np.count_nonzero(np.isfinite(values), axis=0)
    rising, column = np.sort(values, axis=0), np.arange(count.size)  # NaN last
    place = np.array([[0.1], [0.5], [0.9]]) * np.maximum(count - 1, 0)
    below = np.floor(place).astype(np.int64)
    low, high = rising[below, column], rising[np.minimum(below + 1, np.maximum(count - 1, 0)), column]
    return (low + (high - low) * (place - below)).T


class Realisation(NamedTuple):
    """The closures of one equally likely depth map.

    Attributes
    ----------
    found : Closures
        Of the perturbed map.
    match : (N,) int32
        For each outermost closure of the map as it is, in order of id, the id of the same closure in `found`; 0 where
        it does not exist.
    """

    found: Closures
    match: NDArray[np.int32]


def closure_realisations(
    depth: ArrayLike,
    std: ArrayLike,
    correlation: float,
    realisations: int = 100,
    seed: int = 0,
    cell_sides: tuple[float, float] = (1.0, 1.0),
    **options: Any,
) -> tuple[Closures, Iterator[Realisation]]:
    """Find the closures of the map as it is, and of perturbed ones, one after the other.

    Parameters
    ----------
    depth, std, correlation, realisations, seed, cell_sides
        As in `closure_probability`, which counts the same realisations.
    **options
        Further arguments of `find_closures`.

    Returns
    -------
    best_guess : Closures
        Of the map as it is.
    drawn : Iterator[Realisation]
        As many as `realisations` says.

    Raises
    ------
    UserError
        A number is out of range, or `find_closures` refuses the map or an option.
    """
    if not isinstance(realisations, int | np.integer) or not 1 <= realisations <= MAX_REALISATIONS:
        raise UserError("realisations", f"{realisations}", f"at least 1, at most {MAX_REALISATIONS:,}")
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise UserError("seed", f"{seed}", "a whole number, 0 or more")
    given, depth = depth, check_depth(depth)
    _check_correlation(depth.shape, correlation, cell_sides)
    std = _check_std(std, given)
    if options.get("valid") is not None:
        options["valid"] = check_mask(options["valid"], "valid", depth.shape, like=given)
    if options.get("faults") is not None:
        options["faults"] = check_faults(options["faults"], depth.shape, like=given)
    best_guess = find_closures(given, **options)
    _check_size_of_std(std, depth, map_cells(best_guess.grid))
    std = np.nan_to_num(std)  # missing outside of the map
    rng, noise = np.random.default_rng(seed), NoiseFilter.of(depth.shape, correlation, cell_sides)

    def draw() -> Iterator[Realisation]:
        roots = best_guess.table[best_guess.table["parent"] == 0]
        for _ in range(realisations):
            noisy = (depth + std * noise.draw(rng)).astype(np.float32)
            found = find_closures(noisy, **options)
            yield Realisation(found, _matching_closures(best_guess, roots, found))

    return best_guess, draw()


def _check_correlation(shape: tuple[int, ...], correlation: float, cell_sides: tuple[float, float]) -> None:
    """Refuse a correlation length that is no number, negative, or longer than the map."""
    if not all(0 < side < np.inf for side in cell_sides):
        raise UserError("cell_sides", f"{cell_sides}", "height and width of a cell, both above 0")
    longest = max(n * side for n, side in zip(shape, cell_sides, strict=True))
    if not 0 <= correlation <= longest:  # NaN too
        unit = " cells" if tuple(cell_sides) == (1.0, 1.0) else ""
        hint = "a longer one shifts the whole map; mind its unit"
        expected = f"0 to {longest:g}, the longer side of the map"
        raise UserError("correlation", f"{correlation:g}{unit}", expected, hint)
    cells = [n + 6.0 * correlation / side for n, side in zip(shape, cell_sides, strict=True)]
    require_memory(NOISE_BYTES * float(np.prod(cells)), "correlation", "a shorter one")


def _check_std(std: ArrayLike, given: ArrayLike) -> NDArray[np.float64]:
    """The deviation as an array, NaN where it is missing."""
    values, undefined = plain_array(std, "std", like=given)
    shape = np.shape(laid_on(given, None, "depth"))
    if values.dtype.kind not in "buif" or values.shape not in ((), shape):
        raise UserError("std", f"{values.dtype} {values.shape}", f"a number, or numbers {shape}, the shape of depth")
    values = values.astype(np.float64)
    return values if undefined is None else np.where(undefined, np.nan, values)


def _check_size_of_std(std: NDArray[np.float64], depth: NDArray, inside: NDArray[np.bool_]) -> None:
    """Refuse a deviation that is negative, missing inside the map, or out of all proportion to its relief."""
    used = std if std.ndim == 0 else std[inside]
    if not (used >= 0).all():
        raise UserError("std", "a negative or missing standard deviation", "0 or more, in the unit of depth")
    if not inside.any():
        return
    low, high, largest = float(depth[inside].min()), float(depth[inside].max()), float(used.max())
    if max(abs(low), abs(high)) > MAX_DEPTH:
        raise UserError("depth", f"{low:g} to {high:g}", f"at most {MAX_DEPTH:g} in size")
    most = MAX_RELIEFS * (high - low) if high > low else max(abs(high), 1.0) * MAX_RELIEFS
    if largest > most:
        raise UserError("std", f"{largest:g}", f"at most {most:g}: {MAX_RELIEFS} times the relief of the map",
                        "it is in the unit of depth")  # fmt: skip


def _matching_closures(best_guess: Closures, roots: NDArray[Any], found: Closures) -> NDArray[np.int32]:
    """For each outermost closure of the map, the id of the same closure in a realisation, 0 = it does not exist."""
    at_crest = found.labels[roots["crest_row"], roots["crest_col"]]
    both = (best_guess.labels > 0) & (found.labels > 0)
    own, other = best_guess.labels[both], found.labels[both]
    size = roots.size + 1, found.table.size + 1
    overlap = sparse.csr_array((np.ones(own.size, np.int32), (own, other)), shape=size)  # cells that two have in common
    overlap.sort_indices()
    pairs = overlap.tocoo()
    order = np.argsort(pairs.data, kind="stable")
    largest = np.zeros(roots.size + 1, np.int32)
    largest[pairs.row[order]] = pairs.col[order]  # the last one written stays: the largest
    return np.where(at_crest > 0, at_crest, largest[1:])
