"""What a person is told while a network trains: a moving bar on a terminal, a line per epoch in a log file."""

import sys
from time import perf_counter

import lightning as L
from lightning.pytorch.callbacks import ProgressBar, TQDMProgressBar


class EpochLogLines(ProgressBar):
    """One line per epoch: the figures that a bar would show, and the seconds it took."""

    def disable(self) -> None:
        """Nothing to do: of several processes, the first alone has lines."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._began = perf_counter()  # a resumed run may begin within an epoch

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._began = perf_counter()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        figures = ", ".join(f"{name} {float(value):.3f}" for name, value in trainer.progress_bar_metrics.items())
        epoch, seconds = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}", perf_counter() - self._began
        print(f"{epoch}: {figures} ({seconds:.0f} s)", file=sys.stderr, flush=True)


def progress_display(steps: int) -> ProgressBar:
    """What fits where standard error goes.

    Parameters
    ----------
    steps : int
        Of an epoch.
    """
    return TQDMProgressBar(refresh_rate=max(1, steps // 10)) if sys.stderr.isatty() else EpochLogLines()
