"""How a run is kept: checkpoints written whole, within epochs too, and once more when the run is asked to stop."""

import io
import os
import signal
import sys
import threading
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.plugins import TorchCheckpointIO

from targets.common.atomic_write import atomic_write

# Slurm and Colab send SIGTERM, Ctrl-C is SIGINT; SIGUSR1 is what Lightning's users have Slurm send ahead of the end
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
MIN_SECONDS_TO_SAVE = 20.0  # seconds of training that are not lost to a stop in the validation after them


def ignore_stop_signals(worker: int) -> None:
    """Let a worker that loads patches outlive the signals, which reach it too: the process it works for ends it."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def save_atomically(content: dict[str, Any], path: Path) -> None:
    """Write what `torch.load(path, weights_only=True)` reads, whole and to the disk."""
    packed = io.BytesIO()  # torch hides what the system says of its own writing
    torch.save(content, packed)
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        file.write(packed.getbuffer())
        file.flush()
        os.fsync(file.fileno())


class AtomicCheckpointIO(TorchCheckpointIO):
    """Checkpoints are written beside their place, to the disk, and then renamed.

    Lightning writes them to the machine's temporary folder and moves them, which copies where the run folder is on
    another disk: one that is killed meanwhile leaves half a file under the good one's name.
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
        """Read a checkpoint; no code in it can run, whatever Lightning asks for."""
        return torch.load(path, map_location="cpu", weights_only=True)


class RelocatableModelCheckpoint(ModelCheckpoint):
    """NAME.ckpt of a run folder, written at the end of epochs; of a folder that was moved it knows the best figure.

    Lightning forgets the figure there, and would put the next epoch, better or not, in the place of the best.
    """

    def __init__(self, folder: Path, name: str, monitor: str | None = None, mode: str = "min") -> None:
        super().__init__(
            folder, name, monitor=monitor, mode=mode, enable_version_counter=False, save_on_train_epoch_end=True
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the state of a run, its paths as they are now."""

        def here(path: str) -> str:
            return str(Path(str(self.dirpath)) / Path(path).name) if path else path

        moved = {key: here(state_dict[key]) for key in ("best_model_path", "kth_best_model_path", "last_model_path")}
        kept = {here(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict({**state_dict, **moved, "best_k_models": kept, "dirpath": self.dirpath})
        self.current_score = state_dict["current_score"]  # Lightning saves it only


class PreemptionCheckpoint(Callback):
    """Writes last.ckpt within epochs, every so often and when a signal asks the run to stop; then it ends.

    Always between two steps of the optimiser, in all processes after the same one. While validation runs there is
    nothing to write: a signal then ends the run, which goes on from the checkpoint before. So one is written before the
    last step of an epoch, if that took longer than `WORTH`. A second signal ends the run at once.

    Parameters
    ----------
    folder
        Of the run.
    minutes
        Between two checkpoints.
    """

    def __init__(self, folder: Path, minutes: float) -> None:
        self.path, self._seconds = folder / "last.ckpt", 60 * minutes
        self._asked = 0  # the signal that asks to stop

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._saved = monotonic()
        if threading.current_thread() is threading.main_thread():  # no other may; workers of Dask run in others
            for number in STOP_SIGNALS:
                signal.signal(number, self._ask)  # Lightning puts back what there was before

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if it is time to, unless the epoch is about to end or gradients are being added up."""
        batches = batch_idx + 1
        if batches == trainer.num_training_batches or batches % trainer.accumulate_grad_batches:
            return
        last = batches + trainer.accumulate_grad_batches >= trainer.num_training_batches
        due = self._asked > 0 or monotonic() - self._saved >= (min(MIN_SECONDS_TO_SAVE, self._seconds) if last else self._seconds)
        if trainer.strategy.reduce_boolean_decision(due, all=False):
            trainer.save_checkpoint(self.path)
            self._saved = monotonic()
            asked = torch.tensor(self._asked, device=trainer.strategy.root_device)
            self._asked = int(trainer.strategy.reduce(asked, reduce_op="max"))
            self._stop_if_asked(trainer, f"saved in epoch {trainer.current_epoch + 1}, after {batches} batches")

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if trainer.world_size == 1:  # else processes with fewer maps would be waited for
            self._stop_if_asked(trainer, f"stopped while epoch {trainer.current_epoch + 1} was validated")

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """End the workers that load training patches.

        Of a run that ends while it validates, Lightning ends those of validation only; the others do not listen to the
        program when it leaves, which then waits for them for ever.
        """
        trainer.fit_loop.teardown()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise SystemExit(128 + number)
        self._asked = number
        print(f"\n{signal.Signals(number).name}: the run is about to stop", file=sys.stderr, flush=True)

    def _stop_if_asked(self, trainer: L.Trainer, done: str) -> None:
        """End the program with the code that a shell gives to what a signal ended: 128 + its number."""
        if self._asked:
            if trainer.is_global_zero:
                print(f"{done}; go on with --resume --out {self.path.parent}", file=sys.stderr, flush=True)
            raise SystemExit(128 + self._asked)
