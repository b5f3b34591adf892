"""Position, maps and random-number states of a run in its checkpoints, so that a resumed run is exact."""

from collections.abc import Mapping
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback

from mtl.distributed.collectives import all_gather_objects
from mtl.models.checkpoint import MAPS_KEY, POSITION_KEY


class ResumeState(Callback):
    """Saves the epoch and batch that come next, and the random states of all processes, which dropout draws from.

    The order of patches and their augmentation follow from seed and epoch and need no state.

    Parameters
    ----------
    maps : Mapping[str, list[str]]
        Names of the maps that train and validate (`mtl.training.resume.map_names`).
    """

    def __init__(self, maps: Mapping[str, list[str]]) -> None:
        self.maps = dict(maps)

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        batches = int((trainer.fit_loop.batch_idx + 1) % trainer.num_training_batches)
        checkpoint[POSITION_KEY] = {"epoch": trainer.current_epoch + (batches == 0), "batches": batches}
        checkpoint[MAPS_KEY] = self.maps
        checkpoint["random"] = torch.stack(all_gather_objects([torch.get_rng_state()]))
        if torch.cuda.is_available():
            checkpoint["random_cuda"] = all_gather_objects([torch.cuda.get_rng_state()])

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Restore the random state of this process, if the run had as many processes when it was saved."""
        states, rank = torch.atleast_2d(checkpoint["random"].cpu()), trainer.global_rank
        if rank < len(states):
            torch.set_rng_state(states[rank].clone())  # torch crashes on a part of a tensor
        if torch.cuda.is_available() and rank < len(checkpoint.get("random_cuda", [])):
            torch.cuda.set_rng_state(checkpoint["random_cuda"][rank].cpu())
