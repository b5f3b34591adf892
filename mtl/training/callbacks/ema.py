"""Exponential moving average of the weights, which validates and is saved in place of the trained weights."""

import lightning as L
from lightning.pytorch.callbacks import EMAWeightAveraging
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn


class WarmupEMA(EMAWeightAveraging):
    """Lightning's moving average of weights and buffers, whose decay grows at the start; a resumed run is exact.

    At step n the decay is min(decay, (1 + n) / (10 + n)), as in TensorFlow's ExponentialMovingAverage: a short run
    would else remember its initial weights.

    Parameters
    ----------
    decay : float
        Share of itself that the average keeps at a step, from 0 to below 1.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(decay=decay)
        self.decay = decay
        self._kwargs = {"multi_avg_fn": self.update_averages}  # all weights in one call: less than half the time

    def update_averages(self, averages: list[Tensor], weights: list[Tensor], steps: Tensor | int) -> None:
        """Move the averages towards the weights in place; `steps` counts the updates before this one."""
        decay = min(self.decay, float((1 + steps) / (10 + steps)))
        get_ema_multi_avg_fn(decay)(averages, weights, steps)

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Follow the network to its device: it was not there yet when the average was set up."""
        assert self._average_model is not None
        self._average_model.to(pl_module.device)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Do nothing yet: stacking is fitted in this hook of a later callback, and belongs to the average."""

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Give the network its own weights back."""
        super().on_validation_epoch_end(trainer, pl_module)
