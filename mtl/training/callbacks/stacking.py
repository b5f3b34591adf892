"""Fit of the stacked output to the validation maps, at the end of every validation."""

from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback

from mtl.models.stacking import LabelledMap, Stacking
from mtl.tasks.heads import FUSION, trap_outputs
from mtl.training.callbacks.validation_metrics import ValidationMetrics
from mtl.training.lightning_module import MultiTaskModule, ValidatedMap


class StackingFit(Callback):
    """Fits the weights of a `Stacking` to this epoch's maps and adds its predictions of them to the metrics.

    It has to come before the callbacks that log metrics or draw pictures.

    Parameters
    ----------
    stacking : Stacking
        Of the run's network; fitted in place.
    metrics : ValidationMetrics
        Gets the predictions of the stacked output.
    """

    def __init__(self, stacking: Stacking, metrics: ValidationMetrics) -> None:
        self.stacking, self.metrics = stacking, metrics
        self._maps: list[LabelledMap] = []

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
        sample, members = outputs.sample, trap_outputs(pl_module.outputs)
        predictions = {output.name: outputs.predictions[output.name] for output in members}
        self._maps.append(LabelledMap(sample.input_sets[0], predictions, *sample.judged.target_of(FUSION)))

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.stacking.fit(self._maps)
        for visible, predictions, target, valid in self._maps:
            self.metrics.add(FUSION, self.stacking(predictions, visible), target, valid)
        self._maps = []
