"""Runner of an ablation: trains and scores every run once, in its own folder, and resumes after interruptions."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from torch.utils.tensorboard import SummaryWriter

from mtl.ablation.examples import EXAMPLES_FILE, write_examples
from mtl.ablation.grid import AblationRun, TestSets, expand_grid, find_test_sets
from mtl.ablation.options import Ablation
from mtl.ablation.results import RunKey, RunResult, read_results, write_results
from mtl.data.read import load_maps, longest_side, read_folders, shared_maps
from mtl.evaluation.baselines import FITTED_RULES, INITIAL_MODEL, TRAP_HEAD, predict_baseline
from mtl.evaluation.evaluate import score_maps, write_scores
from mtl.inference.loading import threads_per_worker
from mtl.inference.predictor import load_predictor
from mtl.tasks.base import Output
from mtl.training.finetune import model_path
from mtl.training.run_folder import ensure_run
from mtl.training.setup import decide_patch_size
from mtl.visualization.tensorboard import report_event_errors_once
from targets.check.drawn_rules import fit_drawn_rules
from targets.common.parallel import THIS_PROCESS, Workers, map_unordered
from targets.errors import UserError
from targets.io.catalogue import find_maps
from targets.scene import Float, Scene


class StepTimer(Callback):
    """Seconds from the end of one training step to the end of the next: with loading, without validation."""

    FIRST = 5  # slow steps that do not count: memory is allocated, kernels are chosen

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._last: float | None = None

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._last = None

    def on_train_batch_end(
        self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        now = perf_counter()
        if self._last is not None:
            self.seconds.append(now - self._last)
        self._last = now

    def median(self) -> float:
        """Median seconds of a step, robust to a busy machine; NaN for a run of too few steps."""
        return statistics.median(self.seconds[self.FIRST :]) if len(self.seconds) > self.FIRST else float("nan")

    def state_dict(self) -> dict[str, Any]:
        """The times, kept in checkpoints, so that a resumed run knows all of its steps."""
        return {"seconds": list(self.seconds)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the times from a checkpoint."""
        self.seconds = list(state_dict["seconds"])


@dataclass(frozen=True)
class PendingRun:
    """A run, and the test sets on which it has no result yet."""

    run: AblationRun
    test_sets: TestSets

    def __str__(self) -> str:
        return str(self.run)


def complete_run(pending: PendingRun, metrics: Sequence[str], threads: int | None) -> list[RunResult]:
    """Train one run, or resume it, and score it on its test sets.

    Parameters
    ----------
    pending : PendingRun
        The run.
    metrics : Sequence[str]
        Metrics that go into TensorBoard.
    threads : int | None
        Threads of torch in this process; None leaves them.

    Returns
    -------
    list[RunResult]
        One per test set.

    Raises
    ------
    UserError
        The run cannot be trained, or a map cannot be read.
    """
    run = pending.run
    if threads is not None:
        torch.set_num_threads(threads)
    step_seconds = _train(run) if run.baseline is None else float("nan")
    predict, outputs = load_predict(run)
    results = []
    for test_set, groups in pending.test_sets.items():
        scores = [
            replace(score, group=group or score.group)
            for group, paths in groups.items()
            for score in score_maps(predict, outputs, run.config.targets, paths, run.config.reading)
        ]
        folder = run.folder / test_set
        write_scores(scores, outputs, folder)
        scored = [output for output in outputs if output.name in run.outputs]
        data = [path for paths in groups.values() for path in paths]
        write_examples(predict, scored, run.config.targets, data, run.config.reading, folder / EXAMPLES_FILE)
        maps = tuple(replace(s, states={name: s.states[name] for name in run.outputs}) for s in scores)
        results.append(RunResult(run.row, run.condition, run.seed, test_set, run.fingerprint, step_seconds, maps))
    if run.baseline is None:
        _write_hparams(run, results, metrics)
    return results


def load_predict(run: AblationRun) -> tuple[Callable[[Scene], Mapping[str, Float]], Sequence[Output]]:
    """Load the trained network, the initial model or the baseline of a run.

    Returns
    -------
    predict : Callable[[Scene], Mapping[str, Float]]
        Map -> {output: (C, H, W) float32}.
    outputs : Sequence[Output]
        Its outputs.
    """
    if run.baseline is not None and run.baseline != INITIAL_MODEL:
        criteria = run.config.targets.traps
        if run.baseline == FITTED_RULES:
            fitted = fit_drawn_rules(load_maps(run.config).training)
            nothing = "no trap is drawn on the maps that train: rules as in the settings"
            print(f"{run}: {nothing if fitted is None else fitted.sentence()}", flush=True)
            criteria = criteria if fitted is None else fitted.rules
        return partial(predict_baseline, run.baseline, criteria), (TRAP_HEAD,)
    if run.baseline is None:
        predictor = load_predictor(run.folder / "best.ckpt")
    else:
        predictor = load_predictor(model_path(str(run.config.init))).with_input_sets(run.config.input_sets)
    return predictor, predictor.outputs


def _train(run: AblationRun) -> float:
    """Train or resume a run unless it is finished; returns the median seconds of its steps."""
    timer = StepTimer()
    ensure_run(run.config, run.folder, run.fingerprint, [timer])
    return timer.median()


def _write_hparams(run: AblationRun, results: Sequence[RunResult], metrics: Sequence[str]) -> None:
    """Write one line of TensorBoard's hparams tab, which needs the same columns for all runs of the grid."""
    values = {f"{result.test_set}/{name}": value for result in results for name, value in result.metrics().items()}
    chosen = {name: value for name, value in values.items() if name.rsplit("/", 1)[1] in metrics}
    chosen["seconds_per_step"] = results[0].step_seconds
    with report_event_errors_once(), SummaryWriter(str(run.folder)) as writer:
        names = {"row": run.row, "condition": run.condition, "seed": run.seed}
        writer.add_hparams(run.hparams | names, chosen, run_name=".")


def run_ablation(
    ablation: Ablation, out: Path, workers: Workers = THIS_PROCESS, threads: int | None = None
) -> list[tuple[AblationRun, UserError]]:
    """Train and score every run of the grid that is not finished.

    results.csv and sums.csv are written after each run; a run that cannot be made stops no other.

    Parameters
    ----------
    ablation : Ablation
        The grid.
    out : Path
        Folder of the ablation.
    workers : Workers, default THIS_PROCESS
        Processes that train. A run whose process died resumes from its last epoch.
    threads : int | None, default None
        Threads of torch in each process; None shares the cores of this machine among them.

    Returns
    -------
    list[tuple[AblationRun, UserError]]
        The runs that could not be made, and why.

    Raises
    ------
    UserError
        The ablation is contradictory, or no test set is present.
    """
    if threads is not None and threads < 1:
        raise UserError("--threads", f"{threads}", "at least 1")
    grid, test_sets = expand_grid(ablation, out), find_test_sets(ablation)
    check_test_sets(grid, test_sets)
    results = read_results(out)
    pending = [
        PendingRun(run, missing)
        for run in share_window(grid)
        if (missing := missing_test_sets(run, test_sets, results))
    ]
    pending.sort(key=lambda item: item.run.seed)  # all rows with one seed first: half an ablation compares all rows
    print(f"{ablation.name}: {len(grid)} runs, {len(grid) - len(pending)} finished", flush=True)
    threads = threads_per_worker(workers) if threads is None else threads
    failed = []
    work = partial(complete_run, metrics=ablation.metrics, threads=threads)
    for number, (index, outcome) in enumerate(map_unordered(work, pending, workers), start=1):
        run = pending[index].run
        if isinstance(outcome, UserError):
            failed.append((run, outcome))
            print(f"[{number}/{len(pending)}] {run}: error: {outcome}", flush=True)
            continue
        results |= {result.key: result for result in outcome}
        write_results(out, sort_results(results, grid, test_sets), ablation.metrics)
        print(f"[{number}/{len(pending)}] {run}: {_summary(outcome, ablation.metrics)}", flush=True)
    return failed


def share_window(grid: Sequence[AblationRun]) -> list[AblationRun]:
    """The runs, whose patches shrink alike: to the largest of the maps of all rows under a condition.

    A row with other maps would else be shown another window than the row it is compared with. Maps that cannot be read
    are left to their own run.
    """
    sides: dict[str, int] = {}
    for condition in {run.condition for run in grid}:
        configs = [run.config for run in grid if run.condition == condition and run.baseline is None]
        found = [1]
        for config in {repr((c.data, c.split.val_data, c.reading)): c for c in configs}.values():
            with suppress(UserError):
                found.append(longest_side(chain(*read_folders(config))))
        sides[condition] = max(found)
    shared = []
    for run in grid:
        config = decide_patch_size(run.config, sides[run.condition])
        config = replace(config, patches=replace(config.patches, shrink_to_maps=False))
        shared.append(run if run.baseline is not None else replace(run, config=config))
    return shared


def check_test_sets(grid: Sequence[AblationRun], test_sets: TestSets) -> None:
    """Find the maps of all test sets before anything is trained, and print which of them train as well.

    Raises
    ------
    UserError
        A test set has no maps.
    """
    for name, groups in test_sets.items():
        paths, reading = [path for own in groups.values() for path in own], grid[0].config.reading
        find_maps(paths, reading)
        for data in sorted({run.config.data for run in grid if run.baseline is None}):
            if Path(data).exists() and (shared := shared_maps([data], paths, reading)):
                print(f"test set {name}: {len(shared)} of its maps lie in {data} and train, too", flush=True)


def missing_test_sets(run: AblationRun, test_sets: TestSets, results: Mapping[RunKey, RunResult]) -> TestSets:
    """The test sets on which a run has no result with its settings and outputs yet."""
    missing = {}
    for test_set, groups in test_sets.items():
        result = results.get((run.row, run.condition, run.seed, test_set))
        if result is None or result.fingerprint != run.fingerprint or not set(run.outputs) <= set(result.outputs):
            missing[test_set] = groups
    return missing


def sort_results(
    results: Mapping[RunKey, RunResult], grid: Sequence[AblationRun], test_sets: TestSets
) -> list[RunResult]:
    """Results in the order of the grid; those that are not of it last, so that nothing is lost."""
    keys = [(run.row, run.condition, run.seed, test_set) for run in grid for test_set in test_sets]
    known = [key for key in keys if key in results]
    return [results[key] for key in [*known, *sorted(results.keys() - set(known))]]


def _summary(results: Sequence[RunResult], metrics: Sequence[str]) -> str:
    """One line about the results of a run."""
    parts = []
    for result in results:
        values = result.metrics()
        chosen = [f"{name} {value:.3f}" for name, value in values.items() if name.rsplit("/", 1)[1] in metrics]
        parts.append(f"{result.test_set}: {', '.join(chosen)}")
    return "; ".join(parts)
