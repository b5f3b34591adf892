"""Fit of the stacked output to the validation maps, at the end of every validation."""

from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback

from mtl.models.stacking import Stacking
from mtl.tasks.heads import FUSION, trap_outputs
from mtl.training.callbacks.validation_metrics import ValidationMetrics
from mtl.training.lightning_module import MultiTaskModule, ValidatedMap


class StackingFit(Callback):
    """Fits the weights of `Fusion` to this epoch's maps and adds its predictions of them to the metrics.

    It has to come before the callbacks that log metrics or draw pictures.

    Parameters
    ----------
    fusion : Fusion
        Of the run's network; fitted in place.
    metrics : ValidationMetrics
        Gets the predictions of the stacked output.
    """

    def __init__(self, fusion: Stacking, metrics: ValidationMetrics) -> None:
        self.fusion, self.metrics = fusion, metrics
        self._maps: list[ValidatedMap] = []

    def on_validation_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._maps = []

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: MultiTaskModule,  # type: ignore[override]
        outputs: ValidatedMap | None,  # type: ignore[override]
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if outputs is None:
            return
        kept = {output.name: outputs.predictions[output.name] for output in trap_outputs(pl_module.outputs)}
        self._maps.append(outputs._replace(predictions=kept))

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        answers = [(item.sample.input_sets[0], item.predictions, *item.sample.target_of(FUSION)) for item in self._maps]
        self.fusion.fit(answers)
        for shown, predictions, target, valid in answers:
            self.metrics.add(FUSION, self.fusion(predictions, shown), target, valid)
        self._maps = []
