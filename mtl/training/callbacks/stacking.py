"""Fit of the stacked output to the validation maps, at the end of every validation."""

from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback

from mtl.distributed.collectives import all_gather_objects
from mtl.models.stacking import LabelledMap, Stacking, halves_of
from mtl.tasks.heads import FUSION, trap_outputs
from mtl.training.callbacks.validation_metrics import ValidationMetrics
from mtl.training.lightning_module import MultiTaskModule, ValidatedMap


class StackingFit(Callback):
    """Fits the weights of a `Stacking` to this epoch's maps, and judges a fit to each half of them on the other half.

    So its metrics are of maps that had no part in the fit, where there are several groups of maps (or, of one group,
    several maps); those of a single map are of the map itself. It has to come before the callbacks that log metrics or
    draw pictures.

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
        self._names: list[str] = []

    def on_validation_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._maps, self._names = [], []

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
        target, valid = sample.judged.target_of(FUSION)
        sides = sample.judged.scene.cell_sides
        self._maps.append(LabelledMap(sample.input_sets[0], predictions, target, valid, sample.scene.group, sides))
        self._names.append(sample.scene.name)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        groups = all_gather_objects([one.group for one in self._maps])
        if len(set(groups)) == 1:  # pieces of one map
            self._maps = [one._replace(group=name) for one, name in zip(self._maps, self._names, strict=True)]
            groups = all_gather_objects(self._names)
        halves = halves_of(groups)
        self.stacking.fit(self._maps)
        for half in sorted(set(halves.values())):
            judge = self.stacking
            if len(halves) > 1:
                judge = self.stacking.unfitted_copy()
                judge.fit([one for one in self._maps if halves[one.group] != half])
            for visible, predictions, target, valid, group, sides in self._maps:
                if halves[group] == half:
                    self.metrics.add(FUSION, judge(predictions, visible), target, valid, sides)
        self._maps, self._names = [], []
