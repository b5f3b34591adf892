"""What finished ablation runs left: figures of every run, and the sums per map they follow from, as two CSV files.

Both are small texts that can be committed: whoever continues an ablation elsewhere does not repeat what is in them.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtl.evaluation.evaluate import MapScore
from mtl.metrics.base import Metric, State, add_states
from mtl.tasks.heads import HEADS, collect_outputs
from targets.common.csv_tables import read_csv, write_csv
from targets.errors import UserError

METRICS_FILE, SUMS_FILE = "results.csv", "sums.csv"
RunKey = tuple[str, str, int, str]  # row, condition, seed, test set
RUN_COLUMNS = ("row", "condition", "seed", "test", "settings")
SCORES: dict[str, Metric] = {output.name: output.metric for output in collect_outputs(tuple(HEADS.values()))}


@dataclass(frozen=True)
class RunResult:
    """One run on one test set.

    Attributes
    ----------
    settings : str
        Fingerprint of all settings of the run: another one means that the run is out of date.
    seconds_per_step : float
        NaN for a baseline.
    maps : tuple[MapScore, ...]
        The sums of every output on every map.
    """

    row: str
    condition: str
    seed: int
    test_set: str
    fingerprint: str
    seconds_per_step: float
    maps: tuple[MapScore, ...]

    @property
    def key(self) -> RunKey:
        """What tells one result from another."""
        return self.row, self.condition, self.seed, self.test_set

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs that were scored."""
        return tuple(self.maps[0].sums)

    def metrics(self) -> dict[str, float]:
        """{OUTPUT/FIGURE: value} over all maps pooled."""
        return {
            f"{output}/{name}": value
            for output in self.outputs
            for name, value in SCORES[output].compute(add_states([m.sums[output] for m in self.maps])).items()
        }


def read_results(folder: Path) -> dict[RunKey, RunResult]:
    """The results that `write_results` left in a folder; none if there are none.

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
            score = SCORES[line["output"]]
            own = {name: float(line[name]) for name in score.state}
            maps[tuple(line[name] for name in RUN_COLUMNS)][line["group"], line["map"]][line["output"]] = own
        found = {}
        for line in read_csv(folder / METRICS_FILE):
            scores = [
                MapScore(name, group, sums) for (group, name), sums in maps[tuple(line[n] for n in RUN_COLUMNS)].items()
            ]
            if len(scores) != int(line["maps"]):
                raise ValueError(
                    f"{SUMS_FILE} has {len(scores)} of the {line['maps']} maps of {'/'.join(line[n] for n in RUN_COLUMNS)}"
                )
            seconds = float(line["seconds_per_step"] or "nan")
            run = line["row"], line["condition"], int(line["seed"]), line["test"], line["settings"]
            result = RunResult(*run, seconds, tuple(scores))
            found[result.key] = result
    except (KeyError, ValueError, OSError, csv.Error) as error:
        raise UserError(
            folder / METRICS_FILE,
            f"cannot be read with {SUMS_FILE} beside it ({error})",
            "the two files as tools/ablate.py wrote them",
            "restore them, or remove both to start again",
        ) from error
    return found


def write_results(folder: Path, results: Iterable[RunResult], metrics: Sequence[str]) -> None:
    """Write results.csv (a line per run and test set) and sums.csv (a line per run, map and output).

    Parameters
    ----------
    figures : Sequence[str]
        Those that get a column for each output.
    """
    results = list(results)
    outputs = list(dict.fromkeys(output for result in results for output in result.outputs))
    names = list(dict.fromkeys(name for output in outputs for name in SCORES[output].state))
    wanted = [f"{output}/{figure}" for output in outputs for figure in metrics]
    _write(folder / SUMS_FILE, [*RUN_COLUMNS, "group", "map", "output", *names], _sums_lines(results))
    _write(folder / METRICS_FILE, [*RUN_COLUMNS, "maps", "seconds_per_step", *wanted], _figures_lines(results, wanted))


def _sums_lines(results: Iterable[RunResult]) -> Iterator[Mapping[str, object]]:
    for result in results:
        for score in result.maps:
            for output, sums in score.sums.items():
                counts = {name: f"{value:.10g}" for name, value in sums.items()}
                yield _run(result) | {"group": score.group, "map": score.name, "output": output} | counts


def _figures_lines(results: Iterable[RunResult], wanted: Sequence[str]) -> Iterator[Mapping[str, object]]:
    for result in results:
        figures = result.metrics()
        line = {name: _number(figures.get(name, float("nan"))) for name in wanted}
        yield _run(result) | {"maps": len(result.maps), "seconds_per_step": _number(result.seconds_per_step)} | line


def _run(result: RunResult) -> dict[str, object]:
    return {name: getattr(result, name) for name in RUN_COLUMNS}


def _number(value: float) -> str:
    return "" if value != value else f"{value:.5g}"


def _write(path: Path, names: list[str], lines: Iterable[Mapping[str, object]]) -> None:
    write_csv(path, names, ([line.get(name, "") for name in names] for line in lines))
