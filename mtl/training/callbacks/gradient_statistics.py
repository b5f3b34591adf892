"""Statistics of the heads' gradients at the shared features: their norms and pairwise cosines (Yu et al. 2020)."""

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from matplotlib.figure import Figure
from torch import Tensor

from mtl.distributed.collectives import global_batch
from mtl.losses.weighting import cosine_similarities, gradient_gramian
from mtl.training.callbacks.pictures import is_picture_epoch
from mtl.training.lightning_module import MultiTaskModule
from mtl.visualization.panels import cosine_panel

BATCHES_PER_EPOCH = 4  # on which gradients are compared: each costs a backward pass per head through one convolution


class GradientStatistics(Callback):
    """Logs HEAD/grad_norm, grad_cosine/A-B of each pair of heads, and the picture gradients/cosine.

    Norms are of the weighted losses. Its state is part of a checkpoint.

    Parameters
    ----------
    panels_every : int
        Epochs between two pictures.
    log_figure : Callable[[str, Figure, int], None]
        (tag, figure, epoch) -> shows the picture.
    """

    def __init__(self, panels_every: int, log_figure: Callable[[str, Figure, int], None]) -> None:
        self.panels_every, self.log_figure = panels_every, log_figure
        self.gramians: list[tuple[Tensor, Tensor]] = []  # (heads, heads) products of gradients, (heads,) weights
        self._is_due = False

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self._is_due = batch_idx % math.ceil(trainer.num_training_batches / BATCHES_PER_EPOCH) == 0

    def on_before_backward(self, trainer: L.Trainer, pl_module: MultiTaskModule, loss: Tensor) -> None:  # type: ignore[override]
        step = pl_module.step
        if self._is_due and step.features is not None:
            with global_batch():
                gramian = gradient_gramian(step.losses, step.features)
            self.gramians.append((gramian.cpu(), step.weights.cpu()))

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: MultiTaskModule) -> None:  # type: ignore[override]
        heads = [head.name for head in pl_module.heads]
        norms = torch.stack([weights * gramian.diagonal().sqrt() for gramian, weights in self.gramians]).mean(0)
        cosines = torch.stack([cosine_similarities(gramian) for gramian, _ in self.gramians]).nanmean(0).tolist()
        self.gramians = []
        for head, norm in zip(heads, norms, strict=True):
            pl_module.log(f"{head}/grad_norm", norm)
        pairs = {(heads[i], heads[j]): cosines[i][j] for i, j in combinations(range(len(heads)), 2)}
        for (a, b), cosine in pairs.items():
            pl_module.log(f"grad_cosine/{a}-{b}", cosine)
        if pairs and is_picture_epoch(trainer, self.panels_every):
            self.log_figure("gradients/cosine", cosine_panel(heads, pairs), trainer.global_step)

    def state_dict(self) -> dict[str, Any]:
        return {"gramians": self.gramians}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.gramians = state_dict["gramians"]
