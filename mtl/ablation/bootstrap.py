"""Paired bootstrap of the differences between the rows of an ablation and its first row.

Metrics of a run are pooled over the maps of a test set. An interval resamples groups of maps and seeds with
replacement, the same ones for both rows: maps because a test set is a sample of all maps, seeds because a run is a
sample of all runs. It reaches from the 2.5th to the 97.5th percentile of the resampled differences of seed means.

Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 13 (percentile intervals); Owen & Eckles 2012,
Bootstrapping data arrays of arbitrary order, Ann. Appl. Stat. 6 (resampling two crossed factors, here maps and seeds;
the interval is then rather too wide than too narrow, but for the small number of seeds).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtl.ablation.grid import AblationRun
from mtl.ablation.results import METRICS, METRICS_FILE, RunKey, RunResult
from mtl.metrics.base import Metric
from targets.errors import UserError

RESAMPLE_COUNT = 2000
CONFIDENCE_LEVEL = 0.95
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """Difference of a metric from the first row, and its 95 % bootstrap interval."""

    difference: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval excludes zero.

        Examples
        --------
        >>> Interval(0.1, 0.05, 0.15).excludes_zero, Interval(0.1, -0.05, 0.25).excludes_zero
        (True, False)
        """
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class ComparisonRow:
    """One output of one row of an ablation, on one test set under one condition.

    Attributes
    ----------
    name : str
        Name of the row, and of the output if the row has several.
    values : dict[str, list[float]]
        {metric: one value per seed}.
    differences : dict[str, Interval]
        {metric: difference from the table's first row}; empty for that row itself.
    relative_step_time : float
        Time of a training step over that of the first row, NaN where either has none.
    """

    name: str
    values: dict[str, list[float]]
    differences: dict[str, Interval]
    relative_step_time: float


@dataclass(frozen=True)
class ComparisonTable:
    """All rows on one test set under one condition, and its numbers of maps and of groups of maps."""

    test_set: str
    condition: str
    maps: int
    groups: int
    rows: list[ComparisonRow]


@dataclass(frozen=True, eq=False)
class StackedStates:
    """Metric states of one output of one row.

    Attributes
    ----------
    states : (seeds, maps, quantities) float64
        Additive quantities of the metric.
    metric : Metric
        Computes metrics from states.
    seeds : list[int]
        Seeds of the runs.
    groups : list[str]
        Group of each map.
    step_seconds : float
        Mean over the runs of their seconds per training step.
    """

    states: Array
    metric: Metric
    seeds: list[int]
    groups: list[str]
    step_seconds: float

    def metrics(self, pooled: Array, names: Sequence[str]) -> dict[str, Array]:
        """Compute metrics of pooled states (..., quantities): {metric: (...)}, NaN where undefined."""
        flat = pooled.reshape(-1, pooled.shape[-1])
        computed = [self.metric.compute(dict(zip(self.metric.state, state, strict=True))) for state in flat.tolist()]
        return {
            name: np.array([values.get(name, np.nan) for values in computed]).reshape(pooled.shape[:-1])
            for name in names
        }


def compare_rows(
    grid: Sequence[AblationRun], results: Mapping[RunKey, RunResult], metrics: Sequence[str]
) -> list[ComparisonTable]:
    """Compare the rows of an ablation, as far as their runs are finished.

    Parameters
    ----------
    grid : Sequence[AblationRun]
        All runs of the ablation.
    results : Mapping[RunKey, RunResult]
        Finished runs; those with other settings than the grid's are left out.
    metrics : Sequence[str]
        Names of the metrics.

    Returns
    -------
    list[ComparisonTable]
        One table per test set and condition.

    Raises
    ------
    UserError
        Runs were scored on different maps of one test set.
    """
    tables = []
    for test_set in dict.fromkeys(key[3] for key in results):
        for condition in dict.fromkeys(run.condition for run in grid):
            rows: dict[str, list[tuple[AblationRun, RunResult]]] = defaultdict(list)
            for run in grid:
                result = results.get((run.row, run.condition, run.seed, test_set))
                if run.condition == condition and result is not None and result.fingerprint == run.fingerprint:
                    rows[run.row].append((run, result))
            if rows:
                tables.append(_compare_condition(test_set, condition, rows, metrics))
    return tables


def _compare_condition(
    test_set: str, condition: str, rows: Mapping[str, list[tuple[AblationRun, RunResult]]], metrics: Sequence[str]
) -> ComparisonTable:
    """The table of one test set under one condition."""
    compared: list[ComparisonRow] = []
    first: StackedStates | None = None
    maps = next(iter(rows.values()))[0][1].maps
    for row, runs in rows.items():
        for run, result in runs:
            if [(m.group, m.name) for m in result.maps] != [(m.group, m.name) for m in maps]:
                raise UserError(
                    METRICS_FILE,
                    f"{run} was scored on other maps of the test set {test_set} than the first row",
                    "one test set for all runs",
                    "remove the lines of the older test set",
                )
        outputs, single_run = runs[0][0].outputs, runs[0][0].baseline is not None
        for output in outputs:
            stacked = stack_states([result for _, result in runs], output)
            pooled = stacked.metrics(stacked.states.sum(1), metrics)
            values = {name: [float(value) for value in seeds] for name, seeds in pooled.items()}
            differences = {} if first is None else bootstrap_difference(stacked, first, metrics, single_run)
            first = first or stacked
            name = row if output == outputs[0] else f"{row} → {output}"
            relative_step_time = stacked.step_seconds / first.step_seconds
            compared.append(ComparisonRow(name, values, differences, relative_step_time))
    return ComparisonTable(test_set, condition, len(maps), len({score.group for score in maps}), compared)


def stack_states(results: Sequence[RunResult], output: str) -> StackedStates:
    """Stack the metric states of one output of several runs that differ in the seed only."""
    metric = METRICS[output]
    states = [[[score.states[output][name] for name in metric.state] for score in result.maps] for result in results]
    step_seconds = float(np.mean([result.step_seconds for result in results]))
    groups = [score.group for score in results[0].maps]
    return StackedStates(np.array(states, float), metric, [result.seed for result in results], groups, step_seconds)


def bootstrap_difference(
    row: StackedStates, first: StackedStates, metrics: Sequence[str], single_run: bool = False
) -> dict[str, Interval]:
    """Bootstrap the differences between a row and the first row, over the seeds that both have.

    Parameters
    ----------
    row : StackedStates
        The row.
    first : StackedStates
        The first row, on the same maps.
    metrics : Sequence[str]
        Names of the metrics.
    single_run : bool, default False
        The row does not depend on the seed: its only run is paired with every run of `first`.

    Returns
    -------
    dict[str, Interval]
        {metric: value of the row minus that of the first row}; empty without a common seed.
    """
    row_states, first_states = row.states, first.states
    if single_run:
        row_states = np.repeat(row_states[:1], len(first_states), axis=0)
    else:
        shared = [seed for seed in first.seeds if seed in row.seeds]
        row_states = row_states[[row.seeds.index(seed) for seed in shared]]
        first_states = first_states[[first.seeds.index(seed) for seed in shared]]
    if not len(row_states):
        return {}
    map_counts, seed_draws = draw_resamples(first.groups, len(row_states))

    def differences(row_pooled: Array, first_pooled: Array) -> dict[str, Array]:
        row_metrics, first_metrics = row.metrics(row_pooled, metrics), first.metrics(first_pooled, metrics)
        return {name: row_metrics[name] - first_metrics[name] for name in metrics}

    observed = differences(row_states.sum(1), first_states.sum(1))
    resampled = differences(
        np.tensordot(map_counts, row_states, (1, 1)), np.tensordot(map_counts, first_states, (1, 1))
    )
    intervals = {}
    for name in metrics:
        means = np.take_along_axis(resampled[name], seed_draws, axis=1).mean(axis=1)
        means = means[np.isfinite(means)]  # a resample without a true trap does not define the metric
        tails = [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2]
        low, high = np.quantile(means, tails) if len(means) else (np.nan, np.nan)
        intervals[name] = Interval(float(observed[name].mean()), float(low), float(high))
    return intervals


def draw_resamples(groups: Sequence[str], seeds: int) -> tuple[Array, NDArray[np.int64]]:
    """Draw the resamples of a bootstrap, always the same ones.

    Parameters
    ----------
    groups : Sequence[str]
        Group of each map; groups are drawn as a whole.
    seeds : int
        Number of seeds.

    Returns
    -------
    map_counts : (resamples, maps) float64
        How often each map is drawn.
    seed_draws : (resamples, seeds) int64
        Indices of the drawn seeds.

    Examples
    --------
    >>> map_counts, seed_draws = draw_resamples(["field a", "field a", "field b"], seeds=2)
    >>> bool((map_counts[:, 0] == map_counts[:, 1]).all()), seed_draws.shape
    (True, (2000, 2))
    """
    rng = np.random.default_rng(0)
    _, index = np.unique(groups, return_inverse=True)
    count = int(index.max()) + 1
    group_counts = rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLE_COUNT)
    return group_counts[:, index].astype(float), rng.integers(seeds, size=(RESAMPLE_COUNT, seeds))
