"""Position, maps and random-number states of a run in its checkpoints, so that a resumed run is exact."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback

from mtl.distributed.collectives import all_gather_objects
from mtl.models.checkpoint import MAPS_KEY, POSITION_KEY
from targets.errors import UserError


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
        self.is_training = False

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Everything of the checkpoint is restored."""
        self.is_training = True

    @contextmanager
    def report_damage(self, last: Path) -> Iterator[None]:
        """Report what fails while a checkpoint is restored, in Lightning or torch, as an error of that file.

        Parameters
        ----------
        last : Path
            The checkpoint.

        Raises
        ------
        UserError
            It was damaged, or is none that training wrote.
        """
        try:
            yield
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            if self.is_training or isinstance(error, torch.OutOfMemoryError):
                raise
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            raise UserError(
                last, f"cannot be resumed ({reason})", "a checkpoint as training wrote it",
                f"start a new run with its weights: --init {last} --out ...",
            ) from error  # fmt: skip

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
