"""Learning rates that fall when the monitored metric stalls."""

from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback
from torch.optim.lr_scheduler import ReduceLROnPlateau

from mtl.metrics.base import Mode


class PlateauSchedule(Callback):
    """torch's ReduceLROnPlateau, stepped before the epoch's checkpoint is written.

    Lightning steps it afterwards, and a resumed run would miss the step.

    Parameters
    ----------
    monitor : str
        The metric that is watched, such as `trap/iou`.
    mode : Mode
        Whether it should be `max` or `min`.
    factor : float
        Every learning rate is multiplied by it, once the metric
    patience : int
        has not improved for more epochs than this.
    """

    def __init__(self, monitor: str, mode: Mode, factor: float, patience: int) -> None:
        self.monitor, self.mode, self.factor, self.patience = monitor, mode, factor, patience
        self.scheduler: ReduceLROnPlateau | None = None
        self._restored: dict[str, Any] | None = None

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin to watch, from where a checkpoint stopped: its state is loaded before there is an optimiser."""
        optimizer = trainer.optimizers[0]
        self.scheduler = ReduceLROnPlateau(optimizer, mode=self.mode, factor=self.factor, patience=self.patience)
        if self._restored:
            self.scheduler.load_state_dict(self._restored)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert self.scheduler is not None
        self.scheduler.step(float(trainer.callback_metrics[self.monitor]))

    def state_dict(self) -> dict[str, Any]:
        return {} if self.scheduler is None else self.scheduler.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._restored = state_dict
