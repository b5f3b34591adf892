"""TensorBoard views of a run: the layout of its charts, the pictures of its outputs, and a page about several runs."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from mtl.data.sample import JudgedMap, Sample
from mtl.tasks.base import Head, Output
from mtl.visualization.curves import draw_curve
from mtl.visualization.panels import keypoint_panel, output_panel
from targets.scene import Float

Layout = dict[str, dict[str, list]]
SUMMARY = "summary"
READING = """\
| tab | what it shows |
|---|---|
| *Custom scalars* | page `summary`: the main figure of every head; a page per head with all its figures and losses |
| *Images* | `panel` in *Filter tags*: input, target, prediction and error of every head; curves and errors beside |
| *Scalars* | the same figures one by one; all steps are optimiser steps |
| *HParams* | settings and the best figure of every finished run |
"""
# Settings that HParams shows: the same of all runs, as the tab asks for.
HPARAMS = ("heads", "inputs", "init", "net.arch", "net.encoder", "patches.size", "patches.max_side", "augment.restyle",
           "optim.lr", "optim.encoder_lr", "optim.schedule", "optim.balance", "loop.epochs", "loop.batch_size",
           "loop.seed")  # fmt: skip


def output_pictures(
    outputs: Sequence[Output],
    samples: Sequence[Sample | JudgedMap],
    predictions: Sequence[Mapping[str, Float]],
    curve_totals: Mapping[str, NDArray[np.float64]],
) -> Iterator[tuple[str, Figure]]:
    """Yield (tag, picture): OUTPUT/panel of every output, and its curves and keypoints if it has them.

    Parameters
    ----------
    outputs : Sequence[Output]
        Of the run.
    samples : Sequence[Sample | JudgedMap]
        The maps that are drawn.
    predictions : Sequence[Mapping[str, Float]]
        Of each of these maps, {output: (C, H, W) float32 in the output's unit}.
    curve_totals : Mapping[str, NDArray[np.float64]]
        {output: state of its curves over all validation maps}.
    """
    for output in outputs:
        yield f"{output.name}/panel", output_panel(output, samples, predictions)
        if output.curve is not None:
            title = f"{output.name}: {output.unit}"
            yield f"{output.name}/{output.curve.name}", draw_curve(title, output.curve, curve_totals[output.name])
        if output.match_points is not None:
            yield f"{output.name}/keypoints", keypoint_panel(output, output.match_points, samples, predictions)


def scalar_layout(outputs: Sequence[Output]) -> Layout:
    """The layout of TensorBoard's custom scalars: a summary of all outputs, a page per output, and one of training.

    Every chart shows all runs of the folder that TensorBoard looks at, so the summary compares them.

    Parameters
    ----------
    outputs : Sequence[Output]
        Of the run.

    Returns
    -------
    {page: {chart: ["Multiline", tag patterns]}}.
    """
    primary = {f"{output.name}: {output.metric.primary}": _chart(output, output.metric.primary) for output in outputs}
    training = {"weighted sum of the losses": _lines("total_loss$"), "learning rates": _lines("lr/")}
    if sum(isinstance(output, Head) for output in outputs) > 1:
        training["cosines of the heads' gradients"] = _lines("grad_cosine/")
    return {SUMMARY: primary} | {output.name: _page(output) for output in outputs} | {"training": training}


def _page(output: Output) -> dict[str, list]:
    """The charts of an output: its metrics, those of its curves, and the losses of a head."""
    groups = list(output.metric.charts)
    if output.curve is not None and (more := output.curve.compute(np.zeros(output.curve.state_shape))):
        groups.append(tuple(more))
    if isinstance(output, Head):
        groups += [("step_loss",), ("train_loss", "val_loss"), ("loss_weight",), ("grad_norm",)]
    return {", ".join(group): _chart(output, *group) for group in groups}


def _chart(output: Output, *metrics: str) -> list:
    """A chart of some metrics of an output."""
    return _lines(*(f"{output.name}/{metric}$" for metric in metrics))


def _lines(*patterns: str) -> list:
    """A chart of all tags that begin as one of the patterns does."""
    return ["Multiline", list(patterns)]


def write_summary_run(folder: Path, text: str, pictures: Mapping[str, Path]) -> None:
    """Write a page that compares several runs, as a run `summary` beside them; an older page is replaced.

    Parameters
    ----------
    folder : Path
        Parent folder of the runs.
    text : str
        Markdown.
    pictures : Mapping[str, Path]
        {name: PNG file}.
    """
    run = folder / SUMMARY
    for old in run.glob("events.out.*"):
        old.unlink()
    with report_event_errors_once(), SummaryWriter(str(run)) as writer:
        writer.add_text("comparison", text)
        for name, path in pictures.items():
            writer.add_image(f"comparison/{name}", matplotlib.image.imread(path)[..., :3], dataformats="HWC")


def write_hparams(folder: Path, settings: Mapping[str, Any], monitor: str, best: float) -> None:
    """Write a finished run's line of the HParams tab.

    Parameters
    ----------
    folder : Path
        The run folder.
    settings : Mapping[str, Any]
        All settings of the run in plain types, sections as mappings.
    monitor : str
        The metric that chose its best checkpoint, such as trap/iou.
    best : float
        The metric's best value over the epochs.
    """
    shown: dict[str, str | float] = {"monitor": monitor}
    for name in HPARAMS:
        value: Any = settings
        for key in name.split("."):
            value = value[key]
        words = ",".join(value) if isinstance(value, list) else str(value)
        shown[name] = value if isinstance(value, int | float) else words
    with report_event_errors_once(), SummaryWriter(str(folder)) as writer:
        writer.add_hparams(shown, {"best_of_monitor": best}, run_name=".")


@contextmanager
def report_event_errors_once() -> Iterator[None]:
    """Let a full disk under TensorBoard's events be reported by the next call that writes some, and by nothing else.

    The thread that writes them keeps the error for that call, and prints a traceback beside.
    """

    def report(found: threading.ExceptHookArgs) -> None:
        is_writer = type(found.thread).__module__.startswith("tensorboard.")
        if not (is_writer and isinstance(found.exc_value, OSError)):
            before(found)

    before, threading.excepthook = threading.excepthook, report
    try:
        yield
    finally:
        threading.excepthook = before
