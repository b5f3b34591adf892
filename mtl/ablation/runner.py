"""How an ablation is trained and scored: every run once, in its own folder, however often it is interrupted."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from torch.utils.tensorboard import SummaryWriter

from mtl.ablation.examples import EXAMPLES_FILE, write_examples
from mtl.ablation.grid import Ablation, AblationRun, TestSets, expand_grid, find_test_sets
from mtl.ablation.results import RunKey, RunResult, read_results, write_results
from mtl.evaluation.baselines import TRAP_HEAD, INITIAL_MODEL, predict_baseline
from mtl.evaluation.evaluate import score_maps, write_scores
from mtl.inference.loading import threads_of
from mtl.inference.predictor import load_predictor
from mtl.tasks.base import Output
from mtl.training.finetune import model_path
from mtl.training.run_folder import ensure_run
from targets.common.parallel import THIS_PROCESS, Workers, map_unordered
from targets.errors import UserError
from targets.scene import Float, Scene

# -- one run -----------------------------------------------------------------------------------------------------


class StepTimer(Callback):
    """Seconds from the end of one training step to the end of the next: loading included, validation excluded."""

    FIRST = 5  # steps that are slow: memory is asked for, kernels are chosen

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
        """The median, which a busy moment of the machine does not move; NaN for a run of too few steps."""
        return statistics.median(self.seconds[self.FIRST :]) if len(self.seconds) > self.FIRST else float("nan")

    def state_dict(self) -> dict[str, Any]:
        """Kept in the run's checkpoints, so that a run that goes on knows the time of all its steps."""
        return {"seconds": list(self.seconds)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.seconds = list(state_dict["seconds"])


@dataclass(frozen=True)
class PendingRun:
    """A run, and the test sets on which it has no result yet."""

    run: AblationRun
    test_sets: TestSets

    def __str__(self) -> str:
        return str(self.run)


def make_and_score_run(pending: PendingRun, metrics: Sequence[str], threads: int | None) -> list[RunResult]:
    """Train (or go on with) one run and score it on its test sets.

    Parameters
    ----------
    figures : Sequence[str]
        That TensorBoard is told.
    threads : int | None
        Of torch in this process; None leaves them.
    """
    job = pending.run
    if threads is not None:
        torch.set_num_threads(threads)
    seconds = _trained(job) if job.baseline is None else float("nan")
    answers, outputs = load_answering(job)
    results = []
    for test, groups in pending.test_sets.items():
        scores = [
            replace(score, group=group or score.group)
            for group, paths in groups.items()
            for score in score_maps(answers, outputs, job.config.targets, paths, job.config.reading)
        ]
        write_scores(scores, outputs, job.folder / test)
        shown = [output for output in outputs if output.name in job.outputs]
        every = [path for paths in groups.values() for path in paths]
        write_examples(answers, shown, job.config.targets, every, job.config.reading, job.folder / test / EXAMPLES_FILE)
        kept = tuple(replace(s, sums={name: s.sums[name] for name in job.outputs}) for s in scores)
        results.append(RunResult(job.row, job.condition, job.seed, test, job.fingerprint, seconds, kept))
    if job.baseline is None:
        _write_hparams(job, results, metrics)
    return results


def load_answering(job: AblationRun) -> tuple[Callable[[Scene], Mapping[str, Float]], Sequence[Output]]:
    """What answers for a run that is trained, or for a row that needs no training; and the outputs it gives."""
    if job.baseline is not None and job.baseline != INITIAL_MODEL:
        return partial(predict_baseline, job.baseline, job.config.targets.traps), (TRAP_HEAD,)
    if job.baseline is None:
        predictor = load_predictor(job.folder / "best.ckpt")
    else:
        predictor = load_predictor(model_path(str(job.config.init))).known_by(job.config.input_sets)
    return predictor, predictor.outputs


def _trained(job: AblationRun) -> float:
    """Make sure that the run's folder holds the finished run; returns its seconds per step."""
    time = StepTimer()
    ensure_run(job.config, job.folder, job.fingerprint, [time])
    return time.median()


def _write_hparams(job: AblationRun, results: Sequence[RunResult], figures: Sequence[str]) -> None:
    """One line of TensorBoard's hparams tab: the same columns for all runs of the grid, or it would show none."""
    reached = {f"{result.test_set}/{name}": value for result in results for name, value in result.metrics().items()}
    shown = {name: value for name, value in reached.items() if name.rsplit("/", 1)[1] in figures} | {
        "seconds_per_step": results[0].seconds_per_step
    }
    with SummaryWriter(str(job.folder)) as writer:
        names = {"row": job.row, "condition": job.condition, "seed": job.seed}
        writer.add_hparams(job.hparams | names, shown, run_name=".")


# -- all runs ----------------------------------------------------------------------------------------------------


def run_ablation(
    ablation: Ablation, out: Path, workers: Workers = THIS_PROCESS, threads: int | None = None
) -> list[tuple[AblationRun, UserError]]:
    """Make every run of the grid that is not finished; results.csv and sums.csv in `out` are written after each.

    Parameters
    ----------
    workers : Workers, default THIS_PROCESS
        Who makes them. A run whose process died goes on from its last epoch.
    threads : int | None, default None
        Of torch in each process; None: all cores of this machine shared among them.

    Returns
    -------
    The runs that could not be made, and why; they stop no other.
    """
    grid, tests = expand_grid(ablation, out), find_test_sets(ablation)
    results = read_results(out)
    todo = [PendingRun(job, left) for job in grid if (left := missing_test_sets(job, tests, results))]
    todo.sort(key=lambda one: one.run.seed)  # all rows with one seed first: half an ablation compares all rows
    print(f"{ablation.name}: {len(grid)} runs, {len(grid) - len(todo)} finished", flush=True)
    threads = threads_of(workers) if threads is None else threads
    failed = []
    work = partial(make_and_score_run, metrics=ablation.metrics, threads=threads)
    for number, (place, outcome) in enumerate(map_unordered(work, todo, workers), start=1):
        job = todo[place].run
        if isinstance(outcome, UserError):
            failed.append((job, outcome))
            print(f"[{number}/{len(todo)}] {job}: error: {outcome}", flush=True)
            continue
        results |= {result.key: result for result in outcome}
        write_results(out, sort_results(results, grid, tests), ablation.metrics)
        print(f"[{number}/{len(todo)}] {job}: {_told(outcome, ablation.metrics)}", flush=True)
    return failed


def missing_test_sets(job: AblationRun, tests: TestSets, results: Mapping[RunKey, RunResult]) -> TestSets:
    """The test sets on which a run has no result of these settings yet."""
    left = {}
    for test, groups in tests.items():
        found = results.get((job.row, job.condition, job.seed, test))
        if found is None or found.fingerprint != job.fingerprint or not set(job.outputs) <= set(found.outputs):
            left[test] = groups
    return left


def sort_results(results: Mapping[RunKey, RunResult], grid: Sequence[AblationRun], tests: TestSets) -> list[RunResult]:
    """Results in the order of the grid; those that are not of it last, so that nothing is lost."""
    keys = [(job.row, job.condition, job.seed, test) for job in grid for test in tests]
    known = [key for key in keys if key in results]
    return [results[key] for key in [*known, *sorted(results.keys() - set(known))]]


def _told(results: Sequence[RunResult], figures: Sequence[str]) -> str:
    parts = []
    for result in results:
        reached = result.metrics()
        shown = [f"{name} {value:.3f}" for name, value in reached.items() if name.rsplit("/", 1)[1] in figures]
        parts.append(f"{result.test_set}: {', '.join(shown)}")
    return "; ".join(parts)
