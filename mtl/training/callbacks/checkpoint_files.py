"""Checkpoint files: written atomically, read without trust, and valid after their run folder has moved."""

import io
import os
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins import TorchCheckpointIO
from torch import Tensor

from mtl.training.version_1 import upgrade_training_state
from targets.common.atomic_write import atomic_write


def save_atomically(content: dict[str, Any], path: Path) -> None:
    """Write a file for `torch.load(path, weights_only=True)` that is either whole and on the disk, or not there.

    Raises
    ------
    UserError
        The disk is full, or the folder cannot be written to.
    """
    packed = io.BytesIO()  # torch hides what the system says of its own writing
    torch.save(content, packed)
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        file.write(packed.getbuffer())
        file.flush()
        os.fsync(file.fileno())


class AtomicCheckpointIO(TorchCheckpointIO):
    """Lightning plugin that writes checkpoints beside their place, to the disk, and then renames them.

    Lightning's own writes to the machine's temporary folder and moves the file, which copies it where the run folder
    is on another disk: a process that is killed meanwhile leaves half a file under the good one's name.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint.

        Raises
        ------
        UserError
            The disk is full, or the folder cannot be written to.
        """
        save_atomically(checkpoint, Path(path))

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """Read a checkpoint of this version or an earlier one; no code in it can run, whatever Lightning asks for."""
        return upgrade_training_state(torch.load(path, map_location="cpu", weights_only=True))


class RelocatableModelCheckpoint(ModelCheckpoint):
    """NAME.ckpt of a run folder, written at the end of epochs; it remembers the best metric where the folder has moved.

    Lightning forgets the metric in that case, and the next epoch, better or not, would replace the best one.

    Parameters
    ----------
    folder : Path
        The run folder.
    name : str
        File name without `.ckpt`.
    monitor : str | None, default None
        The metric that a new checkpoint has to improve; None: every epoch is written.
    mode : str, default 'min'
        Whether the smallest (`min`) or the largest (`max`) metric is the best.
    last_of_equal : bool, default False
        Of epochs with one metric the last is kept, not the first.
    """

    def __init__(
        self, folder: Path, name: str, monitor: str | None = None, mode: str = "min", last_of_equal: bool = False
    ) -> None:
        super().__init__(
            folder, name, monitor=monitor, mode=mode, enable_version_counter=False, save_on_train_epoch_end=True
        )
        self.last_of_equal = last_of_equal

    def check_monitor_top_k(self, trainer: L.Trainer, current: Tensor | None = None) -> bool:
        """Whether the metric of this epoch is the best."""
        is_best = super().check_monitor_top_k(trainer, current)
        if is_best or current is None or not self.last_of_equal:
            return is_best
        return bool(current == self.best_k_models[self.kth_best_model_path])

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of a run, with the paths that its files have now."""

        def here(path: str) -> str:
            return str(Path(str(self.dirpath)) / Path(path).name) if path else path

        moved = {key: here(state_dict[key]) for key in ("best_model_path", "kth_best_model_path", "last_model_path")}
        kept = {here(path): metric for path, metric in state_dict["best_k_models"].items()}
        super().load_state_dict({**state_dict, **moved, "best_k_models": kept, "dirpath": self.dirpath})
        self.current_score = state_dict["current_score"]  # Lightning saves it only
