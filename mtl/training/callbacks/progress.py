"""Progress display of a training run: a moving bar on a terminal, a line per epoch in a log file."""

import sys
from time import perf_counter

import lightning as L
from lightning.pytorch.callbacks import ProgressBar, TQDMProgressBar


class EpochLogLines(ProgressBar):
    """One line per epoch: the metrics that a bar would show, and the seconds it took."""

    def disable(self) -> None:
        """Do nothing: of several processes, only the main one has lines anyway."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._start = perf_counter()  # a resumed run may begin within an epoch

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._start = perf_counter()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        metrics = ", ".join(f"{tag} {float(value):.3f}" for tag, value in trainer.progress_bar_metrics.items())
        epoch, seconds = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}", perf_counter() - self._start
        print(f"{epoch}: {metrics} ({seconds:.0f} s)", file=sys.stderr, flush=True)


def progress_display(steps: int) -> ProgressBar:
    """The display that suits standard error: a bar if it is a terminal, else lines.

    Parameters
    ----------
    steps : int
        Batches of an epoch; the bar moves about ten times in it.
    """
    return TQDMProgressBar(refresh_rate=max(1, steps // 10)) if sys.stderr.isatty() else EpochLogLines()
