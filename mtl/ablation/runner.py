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

from mtl.ablation.examples import EXAMPLES, write_examples
from mtl.ablation.grid import Ablation, Job, TestSets, plan, test_sets
from mtl.ablation.results import Key, Result, read_results, write_results
from mtl.evaluation.baselines import MODEL, TRAP, answer
from mtl.evaluation.evaluate import score_maps, write_scores
from mtl.inference.loading import threads_of
from mtl.inference.predictor import load_predictor
from mtl.tasks.base import Output
from mtl.training.finetune import model_of
from mtl.training.run_folder import make_run
from targets.common.parallel import HERE, Farm, each
from targets.errors import UserError
from targets.scene import Float, Scene

# -- one run -----------------------------------------------------------------------------------------------------


class StepTime(Callback):
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
class Todo:
    """A run, and the test sets on which it has no result yet."""

    job: Job
    tests: TestSets

    def __str__(self) -> str:
        return str(self.job)


def run_job(todo: Todo, figures: Sequence[str], threads: int | None) -> list[Result]:
    """Train (or go on with) one run and score it on its test sets.

    Parameters
    ----------
    figures : Sequence[str]
        That TensorBoard is told.
    threads : int | None
        Of torch in this process; None leaves them.
    """
    job = todo.job
    if threads is not None:
        torch.set_num_threads(threads)
    seconds = _trained(job) if job.baseline is None else float("nan")
    answers, outputs = answerer(job)
    results = []
    for test, groups in todo.tests.items():
        scores = [
            replace(score, group=group or score.group)
            for group, paths in groups.items()
            for score in score_maps(answers, outputs, job.config.targets, paths, job.config.reading)
        ]
        write_scores(scores, outputs, job.folder / test)
        shown = [output for output in outputs if output.name in job.answers]
        every = [path for paths in groups.values() for path in paths]
        write_examples(answers, shown, job.config.targets, every, job.config.reading, job.folder / test / EXAMPLES)
        kept = tuple(replace(s, sums={name: s.sums[name] for name in job.answers}) for s in scores)
        results.append(Result(job.row, job.condition, job.seed, test, job.settings, seconds, kept))
    if job.baseline is None:
        _write_hparams(job, results, figures)
    return results


def answerer(job: Job) -> tuple[Callable[[Scene], Mapping[str, Float]], Sequence[Output]]:
    """What answers for a run that is trained, or for a row that needs no training; and the outputs it gives."""
    if job.baseline is not None and job.baseline != MODEL:
        return partial(answer, job.baseline, job.config.targets.traps), (TRAP,)
    if job.baseline is None:
        predictor = load_predictor(job.folder / "best.ckpt")
    else:
        predictor = load_predictor(model_of(str(job.config.init))).known_by(job.config.shown)
    return predictor, predictor.outputs


def _trained(job: Job) -> float:
    """Make sure that the run's folder holds the finished run; returns its seconds per step."""
    time = StepTime()
    make_run(job.config, job.folder, job.settings, [time])
    return time.median()


def _write_hparams(job: Job, results: Sequence[Result], figures: Sequence[str]) -> None:
    """One line of TensorBoard's hparams tab: the same columns for all runs of the grid, or it would show none."""
    reached = {f"{result.test}/{name}": value for result in results for name, value in result.figures().items()}
    shown = {name: value for name, value in reached.items() if name.rsplit("/", 1)[1] in figures} | {
        "seconds_per_step": results[0].seconds_per_step
    }
    with SummaryWriter(str(job.folder)) as writer:
        names = {"row": job.row, "condition": job.condition, "seed": job.seed}
        writer.add_hparams(job.varied | names, shown, run_name=".")


# -- all runs ----------------------------------------------------------------------------------------------------


def ablate(ablation: Ablation, out: Path, farm: Farm = HERE, threads: int | None = None) -> list[tuple[Job, UserError]]:
    """Make every run of the grid that is not finished; results.csv and sums.csv in `out` are written after each.

    Parameters
    ----------
    farm : Farm, default HERE
        Who makes them. A run whose process died goes on from its last epoch.
    threads : int | None, default None
        Of torch in each process; None: all cores of this machine shared among them.

    Returns
    -------
    The runs that could not be made, and why; they stop no other.
    """
    grid, tests = plan(ablation, out), test_sets(ablation)
    results = read_results(out)
    todo = [Todo(job, left) for job in grid if (left := unfinished(job, tests, results))]
    todo.sort(key=lambda one: one.job.seed)  # all rows with one seed first: half an ablation compares all rows
    print(f"{ablation.name}: {len(grid)} runs, {len(grid) - len(todo)} finished", flush=True)
    threads = threads_of(farm) if threads is None else threads
    failed = []
    work = partial(run_job, figures=ablation.figures, threads=threads)
    for number, (place, outcome) in enumerate(each(work, todo, farm), start=1):
        job = todo[place].job
        if isinstance(outcome, UserError):
            failed.append((job, outcome))
            print(f"[{number}/{len(todo)}] {job}: error: {outcome}", flush=True)
            continue
        results |= {result.key: result for result in outcome}
        write_results(out, in_order(results, grid, tests), ablation.figures)
        print(f"[{number}/{len(todo)}] {job}: {_told(outcome, ablation.figures)}", flush=True)
    return failed


def unfinished(job: Job, tests: TestSets, results: Mapping[Key, Result]) -> TestSets:
    """The test sets on which a run has no result of these settings yet."""
    left = {}
    for test, groups in tests.items():
        found = results.get((job.row, job.condition, job.seed, test))
        if found is None or found.settings != job.settings or not set(job.answers) <= set(found.outputs):
            left[test] = groups
    return left


def in_order(results: Mapping[Key, Result], grid: Sequence[Job], tests: TestSets) -> list[Result]:
    """Results in the order of the grid; those that are not of it last, so that nothing is lost."""
    keys = [(job.row, job.condition, job.seed, test) for job in grid for test in tests]
    known = [key for key in keys if key in results]
    return [results[key] for key in [*known, *sorted(results.keys() - set(known))]]


def _told(results: Sequence[Result], figures: Sequence[str]) -> str:
    parts = []
    for result in results:
        reached = result.figures()
        shown = [f"{name} {value:.3f}" for name, value in reached.items() if name.rsplit("/", 1)[1] in figures]
        parts.append(f"{result.test}: {', '.join(shown)}")
    return "; ".join(parts)
