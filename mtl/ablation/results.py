"""Results of finished ablation runs as two CSV files: metrics of every run, and the metric states of every map.

Both are small texts that can be committed: whoever continues an ablation elsewhere does not repeat its runs.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtl.evaluation.evaluate import MapScore
from mtl.metrics.base import Metric, State, add_states
from mtl.tasks.heads import known_outputs
from targets.common.csv_tables import read_csv, write_csv
from targets.errors import UserError

METRICS_FILE, SUMS_FILE = "results.csv", "sums.csv"
RunKey = tuple[str, str, int, str]  # row, condition, seed, test set
# Column of both files -> field of `RunResult`.
RUN_COLUMNS = {
    "row": "row",
    "condition": "condition",
    "seed": "seed",
    "test": "test_set",
    "settings": "fingerprint",
}
METRICS: dict[str, Metric] = {name: output.metric for name, output in known_outputs().items()}


@dataclass(frozen=True)
class RunResult:
    """Result of one run on one test set.

    Attributes
    ----------
    row, condition, seed, test_set : str, str, int, str
        Which run and test set.
    fingerprint : str
        Fingerprint of all settings of the run; another one means that the result is out of date.
    step_seconds : float
        Median seconds of a training step, NaN for a baseline.
    maps : tuple[MapScore, ...]
        Metric states of every output on every map.
    """

    row: str
    condition: str
    seed: int
    test_set: str
    fingerprint: str
    step_seconds: float
    maps: tuple[MapScore, ...]

    @property
    def key(self) -> RunKey:
        """What identifies the result."""
        return self.row, self.condition, self.seed, self.test_set

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the scored outputs."""
        return tuple(self.maps[0].states)

    def metrics(self) -> dict[str, float]:
        """{OUTPUT/METRIC: value} pooled over all maps."""
        return {
            f"{output}/{name}": value
            for output in self.outputs
            for name, value in METRICS[output].compute(add_states([m.states[output] for m in self.maps])).items()
        }


def read_results(folder: Path) -> dict[RunKey, RunResult]:
    """Read the results that `write_results` left in a folder; none if there are no files.

    Raises
    ------
    UserError
        A file is damaged, or does not belong to the other.
    """
    if not (folder / METRICS_FILE).exists():
        return {}
    maps: dict[tuple[str, ...], dict[tuple[str, str], dict[str, State]]] = defaultdict(lambda: defaultdict(dict))
    try:
        for line in read_csv(folder / SUMS_FILE):
            state = {name: float(line[name]) for name in METRICS[line["output"]].state}
            maps[_run_of(line)][line["group"], line["map"]][line["output"]] = state
        results = {}
        for line in read_csv(folder / METRICS_FILE):
            run = _run_of(line)
            scores = tuple(MapScore(name, group, states) for (group, name), states in maps[run].items())
            if len(scores) != int(line["maps"]):
                raise ValueError(f"{SUMS_FILE} has {len(scores)} of the {line['maps']} maps of {'/'.join(run)}")
            row, condition, seed, test_set, fingerprint = run
            step_seconds = float(line["seconds_per_step"] or "nan")
            result = RunResult(row, condition, int(seed), test_set, fingerprint, step_seconds, scores)
            results[result.key] = result
    except (KeyError, ValueError, OSError, csv.Error) as error:
        raise UserError(
            folder / METRICS_FILE,
            f"cannot be read with {SUMS_FILE} beside it ({error})",
            "the two files as tools/ablate.py wrote them",
            "restore them, or remove both to start again",
        ) from error
    return results


def write_results(folder: Path, results: Iterable[RunResult], metrics: Sequence[str]) -> None:
    """Write results.csv (a line per run and test set) and sums.csv (a line per run, map and output).

    Parameters
    ----------
    folder : Path
        Folder of the ablation.
    results : Iterable[RunResult]
        All results.
    metrics : Sequence[str]
        Metrics that get a column for each output in results.csv.

    Raises
    ------
    UserError
        A file cannot be written.
    """
    results = list(results)
    outputs = list(dict.fromkeys(output for result in results for output in result.outputs))
    quantities = list(dict.fromkeys(name for output in outputs for name in METRICS[output].state))
    columns = [f"{output}/{metric}" for output in outputs for metric in metrics]
    _write(folder / SUMS_FILE, [*RUN_COLUMNS, "group", "map", "output", *quantities], _state_lines(results))
    _write(folder / METRICS_FILE, [*RUN_COLUMNS, "maps", "seconds_per_step", *columns], _metric_lines(results, columns))


def _run_of(line: Mapping[str, str]) -> tuple[str, ...]:
    """The cells of a line that say which run it belongs to."""
    return tuple(line[column] for column in RUN_COLUMNS)


def _state_lines(results: Iterable[RunResult]) -> Iterator[Mapping[str, object]]:
    """Lines of sums.csv."""
    for result in results:
        for score in result.maps:
            for output, state in score.states.items():
                quantities = {name: f"{value:.10g}" for name, value in state.items()}
                yield _run_cells(result) | {"group": score.group, "map": score.name, "output": output} | quantities


def _metric_lines(results: Iterable[RunResult], columns: Sequence[str]) -> Iterator[Mapping[str, object]]:
    """Lines of results.csv."""
    for result in results:
        metrics = result.metrics()
        cells = {name: _number(metrics.get(name, float("nan"))) for name in columns}
        yield _run_cells(result) | {"maps": len(result.maps), "seconds_per_step": _number(result.step_seconds)} | cells


def _run_cells(result: RunResult) -> dict[str, object]:
    """{column: cell} of the columns that both files share."""
    return {column: getattr(result, field) for column, field in RUN_COLUMNS.items()}


def _number(value: float) -> str:
    """Five significant digits; undefined values are empty."""
    return "" if value != value else f"{value:.5g}"


def _write(path: Path, columns: list[str], lines: Iterable[Mapping[str, object]]) -> None:
    """Write lines as CSV; missing cells are empty."""
    write_csv(path, columns, ([line.get(column, "") for column in columns] for line in lines))
