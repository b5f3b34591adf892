"""How sure a difference between the rows of an ablation is: mean, spread, and a paired bootstrap against the first row.

The figures of a run are those of all maps of a test set pooled. An interval comes from drawing anew, with
replacement, the groups of maps and the seeds, the same ones for both rows: maps because a test set is a sample of all
maps, seeds because a run is a sample of all runs. Of the resampled differences of the seeds' means, the interval is
from the 2.5th to the 97.5th percentile.

Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 13 (percentile intervals); Owen & Eckles 2012,
Bootstrapping data arrays of arbitrary order, Ann. Appl. Stat. 6 (drawing two crossed factors, here maps and seeds;
the interval is then rather too wide than too narrow, but for the small number of seeds).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtl.ablation.grid import AblationRun
from mtl.ablation.results import METRICS_FILE, SCORES, RunKey, RunResult
from mtl.metrics.base import Metric
from targets.errors import UserError

RESAMPLE_COUNT = 2000
CONFIDENCE_LEVEL = 0.95
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A difference against the first row, and where 95 % of its resampled values lie."""

    difference: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class ComparisonRow:
    """One answer of one row, on one test set under one condition.

    Attributes
    ----------
    values : dict[str, list[float]]
        {figure: one value per seed}.
    against : dict[str, Interval]
        {figure: difference against the table's first line}; empty on that line itself.
    step : float
        Time per step over that of the first line, NaN where either has none.
    """

    name: str
    values: dict[str, list[float]]
    differences: dict[str, Interval]
    relative_step_time: float


@dataclass(frozen=True)
class ComparisonTable:
    """All lines of one test set under one condition, and what they were counted on."""

    test_set: str
    condition: str
    maps: int
    groups: int
    rows: list[ComparisonRow]


@dataclass(frozen=True, eq=False)
class MapSums:
    """The sums of one answer of one row: (seeds, maps, sums), with the score that makes figures of them.

    Attributes
    ----------
    seeds : list[int]
        Which; groups : of the maps.
    """

    sums: Array
    score: Metric
    seeds: list[int]
    groups: list[str]
    seconds: float

    def metrics(self, pooled: Array, wanted: Sequence[str]) -> dict[str, Array]:
        """{figure: (...)} of pooled sums (..., sums); NaN where a figure is not defined."""
        flat = pooled.reshape(-1, pooled.shape[-1])
        made = [self.score.compute(dict(zip(self.score.state, own, strict=True))) for own in flat.tolist()]
        return {name: np.array([own.get(name, np.nan) for own in made]).reshape(pooled.shape[:-1]) for name in wanted}


def compare_rows(
    grid: Sequence[AblationRun], results: Mapping[RunKey, RunResult], metrics: Sequence[str]
) -> list[ComparisonTable]:
    """One table per test set and condition, of the runs that are finished.

    Raises
    ------
    UserError
        Runs were scored on different maps of one test set.
    """
    tables = []
    for test in dict.fromkeys(key[3] for key in results):
        for condition in dict.fromkeys(job.condition for job in grid):
            rows: dict[str, list[tuple[AblationRun, RunResult]]] = defaultdict(list)
            for job in grid:
                result = results.get((job.row, job.condition, job.seed, test))
                if job.condition == condition and result is not None and result.fingerprint == job.fingerprint:
                    rows[job.row].append((job, result))
            if rows:
                tables.append(_table(test, condition, rows, metrics))
    return tables


def _table(
    test: str, condition: str, rows: Mapping[str, list[tuple[AblationRun, RunResult]]], figures: Sequence[str]
) -> ComparisonTable:
    lines: list[ComparisonRow] = []
    first: MapSums | None = None
    maps = next(iter(rows.values()))[0][1].maps
    for row, runs in rows.items():
        for job, result in runs:
            if [(m.group, m.name) for m in result.maps] != [(m.group, m.name) for m in maps]:
                raise UserError(
                    METRICS_FILE,
                    f"{job} was scored on other maps of the test set {test} than the first row",
                    "one test set for all runs",
                    "remove the lines of the older test set",
                )
        answers, same_run = runs[0][0].outputs, runs[0][0].baseline is not None
        for answer in answers:
            counts = stack_sums([result for _, result in runs], answer)
            values = {k: [float(x) for x in v] for k, v in counts.metrics(counts.sums.sum(1), figures).items()}
            against = {} if first is None else bootstrap_difference(counts, first, figures, same_run)
            first = first or counts
            name = row if answer == answers[0] else f"{row} → {answer}"
            lines.append(ComparisonRow(name, values, against, counts.seconds / first.seconds))
    return ComparisonTable(test, condition, len(maps), len({own.group for own in maps}), lines)


def stack_sums(results: Sequence[RunResult], output: str) -> MapSums:
    """The sums of one output of several runs that differ in the seed."""
    score = SCORES[output]
    sums = [[[own.sums[output][name] for name in score.state] for own in result.maps] for result in results]
    seconds = float(np.mean([result.seconds_per_step for result in results]))
    groups = [own.group for own in results[0].maps]
    return MapSums(np.array(sums, float), score, [result.seed for result in results], groups, seconds)


def bootstrap_difference(
    one: MapSums, first: MapSums, metrics: Sequence[str], single_run: bool = False
) -> dict[str, Interval]:
    """{figure: how much higher it is in `one` than in `first`}, with the interval of the paired bootstrap.

    Parameters
    ----------
    same_run : bool, default False
        `one` does not depend on the seed: its only run stands beside every run of `first`.
    """
    mine, others = one.sums, first.sums
    if single_run:
        mine = np.repeat(mine[:1], len(others), axis=0)
    else:
        shared = [seed for seed in first.seeds if seed in one.seeds]
        mine = mine[[one.seeds.index(seed) for seed in shared]]
        others = others[[first.seeds.index(seed) for seed in shared]]
    if not len(mine):
        return {}
    maps, seeds = draw_resamples(first.groups, len(mine))
    at_hand = _gaps(one, first, mine.sum(1), others.sum(1), metrics)
    drawn = _gaps(one, first, np.tensordot(maps, mine, (1, 1)), np.tensordot(maps, others, (1, 1)), metrics)
    intervals = {}
    for name in metrics:
        picked = np.take_along_axis(drawn[name], seeds, axis=1).mean(axis=1)
        # A figure that a resample does not define (no true trap in any map drawn) cannot be counted in it.
        picked = picked[np.isfinite(picked)]
        low, high = (
            np.quantile(picked, [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2])
            if len(picked)
            else (np.nan, np.nan)
        )
        intervals[name] = Interval(float(at_hand[name].mean()), float(low), float(high))
    return intervals


def draw_resamples(groups: Sequence[str], seeds: int) -> tuple[Array, NDArray[np.int64]]:
    """How often each map is drawn (resamples, maps), whole groups at a time, and which seeds are (resamples, seeds)."""
    rng = np.random.default_rng(0)
    _, number = np.unique(groups, return_inverse=True)
    count = int(number.max()) + 1
    times = rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLE_COUNT)
    return times[:, number].astype(float), rng.integers(seeds, size=(RESAMPLE_COUNT, seeds))


def _gaps(one: MapSums, first: MapSums, mine: Array, others: Array, figures: Sequence[str]) -> dict[str, Array]:
    here, there = one.metrics(mine, figures), first.metrics(others, figures)
    return {name: here[name] - there[name] for name in figures}
