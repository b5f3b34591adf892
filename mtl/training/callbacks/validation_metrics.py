"""Metrics of every output over all validation maps of all processes."""

from collections.abc import Container, Sequence
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from numpy.typing import ArrayLike
from torch import Tensor
from torchmetrics import Metric

from mtl.distributed.collectives import all_gather_objects
from mtl.tasks.base import Output
from mtl.tasks.heads import FUSION
from mtl.training.lightning_module import MultiTaskModule, ValidatedMap
from targets.scene import Bool, Float


class MapTotals(Metric):
    """Sums over maps, and over processes when they are computed.

    Parameters
    ----------
    *shape : int
        Of the sums, float64.

    Examples
    --------
    >>> totals = MapTotals(2)
    >>> totals.update([1, 2]); totals.update([3, 4])
    >>> totals.compute().tolist()
    [4.0, 6.0]
    """

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


class ValidationMetrics(Callback):
    """Logs OUTPUT/METRIC of every output, and HEAD/val_loss.

    Parameters
    ----------
    outputs : Sequence[Output]
        All outputs of the run, its heads among them.
    later : Container[str], default ()
        Names of outputs that are decided on at the end of a validation, and added by the callbacks that decide. The
        stacked output always is.
    """

    def __init__(self, outputs: Sequence[Output], later: Container[str] = ()) -> None:
        self.outputs, self.later = outputs, later
        self._totals = {output.name: MapTotals(len(output.metric.state)) for output in outputs}
        self._curves = {o.name: MapTotals(*o.curve.state_shape) for o in outputs if o.curve is not None}
        self._losses: dict[str, list[float]] = {}

    def on_validation_epoch_start(self, trainer: L.Trainer, pl_module: MultiTaskModule) -> None:  # type: ignore[override]
        for totals in (*self._totals.values(), *self._curves.values()):
            totals.reset()
        self._losses = {head.name: [] for head in pl_module.heads}

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: ValidatedMap | None,  # type: ignore[override]
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if outputs is None:
            return
        for output in self.outputs:
            if output is not FUSION and output.name not in self.later:
                judged = outputs.sample.judged
                self.add(output, outputs.predictions[output.name], *judged.target_of(output), judged.scene.cell_sides)
        for name, loss in outputs.losses.items():
            self._losses[name].append(loss)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: MultiTaskModule) -> None:  # type: ignore[override]
        monitored = pl_module.heads[0]
        for output in self.outputs:
            metrics = self.compute(output)
            if output.name in self._losses:
                losses = all_gather_objects(self._losses[output.name])
                metrics["val_loss"] = sum(losses) / max(1, len(losses))
            for name, value in metrics.items():
                is_primary = output is monitored and name == output.metric.primary
                pl_module.log(f"{output.name}/{name}", value, prog_bar=is_primary)

    def add(
        self, output: Output, prediction: Float, target: Float, valid: Bool, cell_sides: tuple[float, float]
    ) -> None:
        """Add one map.

        Parameters
        ----------
        prediction, target : Float
            (C, H, W) float32, in the output's unit.
        valid : Bool
            (H, W) cells that count.
        cell_sides : tuple[float, float]
            Height and width of a cell (`Scene.cell_sides`).
        """
        sums = output.metric.count(prediction, target, valid, cell_sides)
        self._totals[output.name].update([sums[name] for name in output.metric.state])
        if output.curve is not None:
            self._curves[output.name].update(output.curve.update(prediction, target, valid))

    def compute(self, output: Output) -> dict[str, float]:
        """{metric: value} of an output, pooled over all maps so far."""
        totals = self._totals[output.name].compute().reshape(-1).tolist()  # torchmetrics makes (1,) a scalar
        metrics = output.metric.compute(dict(zip(output.metric.state, totals, strict=True)))
        if output.curve is not None:
            metrics |= output.curve.compute(self._curves[output.name].compute().numpy())
        return metrics

    def curve_totals(self) -> dict[str, Any]:
        """{output: sums over all maps so far} of the outputs that have curves, as arrays of their `state_shape`."""
        return {name: totals.compute().numpy() for name, totals in self._curves.items()}
