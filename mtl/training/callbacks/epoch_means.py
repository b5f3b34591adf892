"""The heads' training losses of every step, and means over an epoch: losses, their weights and the learning rates."""

from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor

from mtl.training.lightning_module import MultiTaskModule


class EpochMeans(Callback):
    """Logs HEAD/step_loss of every step, and of every epoch HEAD/train_loss and HEAD/loss_weight, per patch, and
    lr/GROUP of the optimiser's parameter groups.

    Its state is part of a checkpoint, so that an epoch that was interrupted ends with the same means.
    """

    def __init__(self) -> None:
        self.means: dict[str, tuple[Tensor, int]] = {}  # {tag: (sum over patches, patches)}

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: MultiTaskModule) -> None:  # type: ignore[override]
        for group in trainer.optimizers[0].param_groups:
            self.add(f"lr/{group['name']}", torch.tensor(group["lr"]), 1)

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: MultiTaskModule,  # type: ignore[override]
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        step = pl_module.step
        for head, loss, weight in zip(pl_module.heads, step.losses, step.weights, strict=True):
            self.add(f"{head.name}/train_loss", loss, step.patches)
            self.add(f"{head.name}/loss_weight", weight, step.patches)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):  # metrics.csv has a row per epoch
                names = (f"{head.name}/step_loss" for head in pl_module.heads)
                logger.log_metrics(dict(zip(names, map(float, step.losses), strict=True)), trainer.global_step)

    def add(self, tag: str, value: Tensor, count: int) -> None:
        """Add the mean of `count` patches to the mean of an epoch."""
        total, before = self.means.get(tag, (torch.zeros_like(value), 0))
        self.means[tag] = total.to(value.device) + value * count, before + count

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: MultiTaskModule) -> None:  # type: ignore[override]
        for tag, (total, count) in self.means.items():
            pl_module.log(tag, total / count)
        self.means = {}

    def state_dict(self) -> dict[str, Any]:
        return {"means": self.means}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.means = state_dict["means"]
