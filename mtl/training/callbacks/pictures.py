"""Pictures of validation maps and curves, every few epochs and after the last one."""

from collections.abc import Callable
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback
from matplotlib.figure import Figure

from mtl.tasks.heads import FUSION
from mtl.training.callbacks.validation_metrics import ValidationMetrics
from mtl.training.lightning_module import MultiTaskModule, ValidatedMap
from mtl.visualization.tensorboard import output_pictures

PANEL_MAPS = 4  # rows of a panel


def is_picture_epoch(trainer: L.Trainer, panels_every: int) -> bool:
    """Whether pictures are drawn in this epoch: one in `panels_every`, and the last one."""
    return trainer.current_epoch + 1 == trainer.max_epochs or trainer.current_epoch % panels_every == 0


class ValidationPictures(Callback):
    """Draws OUTPUT/panel of the first maps, OUTPUT/keypoints, and the curves of every output.

    Parameters
    ----------
    metrics : ValidationMetrics
        Holds the totals that the curves are drawn from.
    panels_every : int
        Epochs between two sets of pictures.
    log_figure : Callable[[str, Figure, int], None]
        (tag, figure, optimiser step) -> shows the picture.
    """

    def __init__(
        self, metrics: ValidationMetrics, panels_every: int, log_figure: Callable[[str, Figure, int], None]
    ) -> None:
        self.metrics, self.panels_every, self.log_figure = metrics, panels_every, log_figure
        self._maps: list[ValidatedMap] = []

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: ValidatedMap | None,  # type: ignore[override]
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        drawn = trainer.is_global_zero and is_picture_epoch(trainer, self.panels_every)
        if outputs is not None and drawn and len(self._maps) < PANEL_MAPS:
            self._maps.append(outputs)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: MultiTaskModule) -> None:  # type: ignore[override]
        if not is_picture_epoch(trainer, self.panels_every):
            return
        totals = self.metrics.curve_totals()  # in all processes: they are summed over them
        if trainer.is_global_zero:
            if (stacking := pl_module.net.fusion) is not None:  # it was fitted a moment ago
                for item in self._maps:
                    item.predictions[FUSION.name] = stacking(item.predictions, item.sample.input_sets[0])
            samples, predictions = (
                [item.sample.judged for item in self._maps],
                [item.predictions for item in self._maps],
            )
            for tag, figure in output_pictures(pl_module.outputs, samples, predictions, totals):
                self.log_figure(tag, figure, trainer.global_step)
        self._maps = []
