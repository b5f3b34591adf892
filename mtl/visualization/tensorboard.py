"""What TensorBoard shows of a run: pages of charts, panels, and the pictures that belong to an output's kind."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.image
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from torchmetrics import Metric

from mtl.data.sample import Sample
from mtl.tasks.base import Head, Output
from mtl.visualization.panels import keypoint_panel, output_panel
from targets.scene import Bool, Float

Pages = dict[str, dict[str, list]]
SUMMARY = "summary"


class MapTotals(Metric):
    """Sums of this shape, added over maps and over processes."""

    full_state_update = False
    sums: Tensor

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.add_state("sums", torch.zeros(shape, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, sums: ArrayLike) -> None:
        """Add the sums of one map."""
        self.sums += torch.as_tensor(sums, dtype=torch.float64)

    def compute(self) -> Tensor:
        """The sums of all maps."""
        return self.sums


class Board:
    """Gathers one epoch's validation maps and draws them.

    Parameters
    ----------
    outputs
        Of the run.
    """

    def __init__(self, outputs: Sequence[Output]) -> None:
        self.outputs = outputs
        self._sums = {output.name: MapTotals(*output.curve.state_shape) for output in outputs if output.curve is not None}

    def add(self, output: Output, prediction: Float, target: Float, valid: Bool) -> None:
        """Count one map."""
        if output.curve is not None:
            self._sums[output.name].update(output.curve.update(prediction, target, valid))

    def figures(self, output: Output) -> dict[str, float]:
        """What the maps so far tell beside the score."""
        return {} if output.curve is None else output.curve.compute(self._sums[output.name].compute().numpy())

    def draw(
        self,
        writer: SummaryWriter,
        epoch: int,
        samples: Sequence[Sample],
        predictions: Sequence[Mapping[str, Float]],
    ) -> None:
        """The panel of each output on some maps, and the pictures of its kind, as OUTPUT/PICTURE."""
        for output in self.outputs:
            writer.add_figure(f"{output.name}/panel", output_panel(output, samples, predictions), epoch)
            if output.curve is not None:
                sums = self._sums[output.name].compute().numpy()
                picture = output.curve.draw(f"{output.name}: {output.unit}", sums)
                writer.add_figure(f"{output.name}/{output.curve.name}", picture, epoch)
            if output.match_points is not None:
                picture = keypoint_panel(output, output.match_points, samples, predictions)
                writer.add_figure(f"{output.name}/hits", picture, epoch)

    def clear(self) -> None:
        """Forget the maps."""
        for sums in self._sums.values():
            sums.reset()


def scalar_layout(outputs: Sequence[Output]) -> Pages:
    """The layout of TensorBoard's custom scalars: a summary of all outputs, one page per output, and one of training.

    Every chart shows all runs of the folder that TensorBoard looks at, so the summary compares them.
    """
    best = {f"{output.name}: {output.metric.primary}": _chart(output, output.metric.primary) for output in outputs}
    training = {"sum of the losses": _lines("loss$"), "learning rates": _lines("rate/")}
    if sum(isinstance(output, Head) for output in outputs) > 1:
        training["cosines of the heads' gradients"] = _lines("cosine/")
    return {SUMMARY: best} | {output.name: _page(output) for output in outputs} | {"training": training}


def _page(output: Output) -> dict[str, list]:
    groups = list(output.metric.charts)
    if output.curve is not None and (more := output.curve.compute(torch.zeros(output.curve.state_shape).numpy())):
        groups.append(tuple(more))
    if isinstance(output, Head):
        groups += [("train_loss", "val_loss"), ("weight",), ("gradient",)]
    return {", ".join(group): _chart(output, *group) for group in groups}


def _chart(output: Output, *figures: str) -> list:
    return _lines(*(f"{output.name}/{figure}$" for figure in figures))


def _lines(*patterns: str) -> list:
    """A chart of all figures whose names begin as one of the patterns does."""
    return ["Multiline", list(patterns)]


def write_summary_run(folder: Path, text: str, pictures: Mapping[str, Path]) -> None:
    """Put a page about several runs beside them in TensorBoard, as a run `summary`; an older one is replaced.

    Parameters
    ----------
    folder : Path
        Of the runs.
    text : str
        Markdown.
    pictures : Mapping[str, Path]
        {name: PNG file}.
    """
    own = folder / SUMMARY
    for old in own.glob("events.out.*"):
        old.unlink()
    with SummaryWriter(str(own)) as writer:
        writer.add_text("comparison", text)
        for name, path in pictures.items():
            writer.add_image(f"comparison/{name}", matplotlib.image.imread(path)[..., :3], dataformats="HWC")
