"""The moving average of a network's weights over its training steps, which validates and is saved in its place."""

import lightning as L
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn


class WarmupEMA(WeightAveraging):
    """Exponential moving average of weights and statistics, as Lightning keeps it; a resumed run goes on exactly.

    Parameters
    ----------
    decay
        What an average keeps of itself at a step.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        super().__init__(multi_avg_fn=self._move)

    def _move(self, averages: list[Tensor], currents: list[Tensor], steps: Tensor | int) -> None:
        """Move all averages towards the weights, at once: one by one takes more than twice as long.

        The first steps keep less, as in TensorFlow's rule: a short run would else remember where it started.
        """
        keep = min(self.decay, float((1 + steps) / (10 + steps)))
        get_ema_multi_avg_fn(keep)(averages, currents, steps)

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Follow the network to its device, on which it was not yet when the average was set up."""
        assert self._average_model is not None
        self._average_model.to(pl_module.device)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Wait: the fusion is fitted when the epoch ends, and belongs to the average."""

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Give the network its own weights back."""
        super().on_validation_epoch_end(trainer, pl_module)
