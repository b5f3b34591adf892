"""Evidence in the numbers of a table: columns that count rows, lie on a grid, or are lines of the same grid."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Runs = Sequence[NDArray[np.float64]]  # each (n, columns): rows that follow one another in the file

MIN_SHARE = 0.4  # of the steps between points: those that are equal, in a table that was written line by line
MIN_COVERED = 0.3  # share of the places of a lattice along one axis that have a point, in a table in any order
NEARLY = 0.01  # of a column's spread: residual of an affine function of two others, such as longitudes of eastings
MAX_DIGITS = 7


def counts_rows(runs: Runs, column: int) -> bool:
    """Whether a column rises by 1 from row to row."""
    return all((np.diff(run[:, column]) == 1).all() for run in runs) and any(len(run) > 1 for run in runs)


def is_constant(runs: Runs, column: int) -> bool:
    """Whether a column holds one value, or none."""
    values = np.concatenate([run[:, column] for run in runs])
    values = values[np.isfinite(values)]
    return bool((values == values[:1]).all())


def is_whole(runs: Runs, *columns: int) -> bool:
    """Whether columns hold whole numbers."""
    return all(bool((run[:, columns] == np.round(run[:, columns])).all()) for run in runs)


def looks_like_grid(runs: Runs, x: int, y: int) -> bool:
    """Whether two columns can be coordinates of the nodes of a grid.

    Either most steps from row to row are equal, or both columns hold multiples of one spacing, most of which occur.

    Examples
    --------
    >>> nodes = np.array([[col, row] for row in range(9) for col in range(9)], float) @ [[25.0, 10.0], [-10.0, 25.0]]
    >>> looks_like_grid([nodes], 0, 1), looks_like_grid([nodes**2], 0, 1)
    (True, False)
    """
    pairs = [_known(run[:, (x, y)]) for run in runs]
    resolution = np.array([_resolution(np.concatenate([pair[:, axis] for pair in pairs])) for axis in (0, 1)])
    steps = np.concatenate([np.diff(pair, axis=0) for pair in pairs])
    steps = steps[(steps != 0).any(axis=1)]
    if not len(steps):
        return False
    backwards = (steps[:, 0] < -resolution[0]) | ((np.abs(steps[:, 0]) <= resolution[0]) & (steps[:, 1] < 0))
    steps[backwards] *= -1  # every second line may be written the other way
    equal = (np.abs(steps - np.median(steps, axis=0)) <= 1.5 * resolution).all(axis=1)
    if equal.mean() >= MIN_SHARE:
        return True
    return all(_covers_lattice(np.concatenate([pair[:, axis] for pair in pairs]), resolution[axis]) for axis in (0, 1))


def map_affinely(runs: Runs, source: tuple[int, int], target: tuple[int, int]) -> NDArray[np.float64] | None:
    """The (2, 2) matrix by which two columns follow from two others, both ways up to rounding; None if they do not."""
    rows = _known(np.concatenate([run[:, (*source, *target)] for run in runs]))
    if len(rows) < 5:
        return None
    forward, fits = _fit(rows[:, :2], rows[:, 2:], 0.0)
    backward, fits_back = _fit(rows[:, 2:], rows[:, :2], 0.0)
    if forward is None or backward is None or not (fits.all() and fits_back.all()):
        return None
    return forward[1:]


def follows(runs: Runs, column: int, x: int, y: int) -> bool:
    """Whether a column is nearly an affine function of two others, as line numbers are of coordinates."""
    rows = _known(np.concatenate([run[:, (x, y, column)] for run in runs]))
    if len(rows) < 5:
        return False
    matrix, fits = _fit(rows[:, :2], rows[:, 2:], NEARLY)
    return matrix is not None and bool(fits.all())


def _fit(
    source: NDArray[np.float64], target: NDArray[np.float64], share: float
) -> tuple[NDArray[np.float64] | None, NDArray[np.bool_]]:
    """Least squares of columns on two others, (3, n), and which fit up to rounding and `share` of their spread."""
    design = np.column_stack([np.ones(len(source)), (source - source.mean(axis=0)) / (np.ptp(source, axis=0) + 1e-300)])
    if np.linalg.matrix_rank(design, 1e-6) < 3:
        return None, np.zeros(target.shape[1], bool)
    matrix = np.linalg.lstsq(design, target, rcond=None)[0]
    off = np.abs(design @ matrix - target).max(axis=0)
    spread = np.ptp(target, axis=0)
    rounding = np.array([_resolution(column) for column in target.T])
    # What is rounded in the source comes through enlarged by the ratio of the spreads.
    rounding += np.array([_resolution(column) for column in source.T]) @ (
        np.abs(matrix[1:]) / (np.ptp(source, axis=0)[:, None] + 1e-300)
    )
    matrix[1:] /= np.ptp(source, axis=0)[:, None]
    return matrix, (off <= np.maximum(rounding, share * spread)) & (spread > 0)


def _known(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows[np.isfinite(rows).all(axis=1)]


def _resolution(values: NDArray[np.float64]) -> float:
    """The last digit that the numbers are written with, as a power of ten."""
    values = values[np.isfinite(values)][:2000]
    for digits in range(MAX_DIGITS):
        if np.allclose(values * 10.0**digits, np.round(values * 10.0**digits), rtol=0, atol=1e-3):
            return 10.0**-digits
    return 10.0**-MAX_DIGITS


def _covers_lattice(values: NDArray[np.float64], resolution: float) -> bool:
    """Whether the values are multiples of one spacing, and most multiples occur."""
    steps = np.diff(np.unique(values))
    steps = steps[steps > 1.5 * resolution]
    if len(steps) < 2:
        return bool(len(steps))
    ratios = steps / np.median(steps[steps <= 1.5 * steps.min()])
    if (np.abs(ratios - np.round(ratios)) * np.median(steps) > 2 * resolution).any():
        return False
    return bool(len(ratios) / ratios.sum() >= MIN_COVERED and (steps.min() > 3 * resolution or resolution >= 1))
