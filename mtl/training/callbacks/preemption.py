"""Checkpoints within epochs: every few minutes, and when a signal asks the run to stop."""

import signal
import sys
import threading
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback

# Slurm and Colab send SIGTERM, Ctrl-C is SIGINT; SIGUSR1 is what Lightning's users have Slurm send ahead of the end.
# Windows has no SIGUSR1.
STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGUSR1") if hasattr(signal, name))
MIN_SECONDS_TO_SAVE = 20.0  # of training in an epoch, which a stop in the validation after it would lose


def ignore_stop_signals(worker: int) -> None:
    """Let a data-loading worker outlive the signals, which reach it too: its training process ends it."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


class PreemptionCheckpoint(Callback):
    """Writes last.ckpt within epochs, periodically and when a signal asks the run to stop; then it ends the run.

    It writes between two optimiser steps, in all processes after the same one. While validation runs there is nothing
    to write: a signal then ends the run, which resumes from the checkpoint before. So one is written before the last
    step of an epoch, if the epoch took longer than `MIN_SECONDS_TO_SAVE`. A second signal ends the run at once.

    Parameters
    ----------
    folder : Path
        The run folder.
    minutes : float
        Time between two checkpoints; 0: after every step.
    """

    def __init__(self, folder: Path, minutes: float) -> None:
        self.path, self._seconds = folder / "last.ckpt", 60 * minutes
        self._signal = 0  # the one that asked to stop

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Catch the signals; Lightning restores the handlers that were there before."""
        self._saved = monotonic()
        if threading.current_thread() is threading.main_thread():  # no other may; workers of Dask run in others
            for number in STOP_SIGNALS:
                signal.signal(number, self._ask_to_stop)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if it is time to, unless the epoch is about to end or gradients are being accumulated."""
        batches = batch_idx + 1
        if batches == trainer.num_training_batches or batches % trainer.accumulate_grad_batches:
            return
        is_last_step = batches + trainer.accumulate_grad_batches >= trainer.num_training_batches
        wait = min(MIN_SECONDS_TO_SAVE, self._seconds) if is_last_step else self._seconds
        due = self._signal > 0 or monotonic() - self._saved >= wait
        if trainer.strategy.reduce_boolean_decision(due, all=False):
            trainer.save_checkpoint(self.path)
            self._saved = monotonic()
            received = torch.tensor(self._signal, device=trainer.strategy.root_device)
            self._signal = int(trainer.strategy.reduce(received, reduce_op="max"))
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
        """Stop between two validation maps."""
        if trainer.world_size == 1:  # else processes with fewer maps would be waited for
            self._stop_if_asked(trainer, f"stopped while epoch {trainer.current_epoch + 1} was validated")

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """End the workers that load training patches.

        When a run ends while it validates, Lightning ends the workers of validation only; the others ignore the
        signals, and the program would wait for them for ever.
        """
        trainer.fit_loop.teardown()

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        """Signal handler: note the first signal, obey the second at once."""
        if self._signal:
            raise SystemExit(128 + number)
        self._signal = number
        print(f"\n{signal.Signals(number).name}: the run is about to stop", file=sys.stderr, flush=True)

    def _stop_if_asked(self, trainer: L.Trainer, done: str) -> None:
        """End the program with the exit code that a shell reports for a signal: 128 + its number."""
        if self._signal:
            if trainer.is_global_zero:
                print(f"{done}; continue with --resume --out {self.path.parent}", file=sys.stderr, flush=True)
            raise SystemExit(128 + self._signal)
