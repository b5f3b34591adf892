"""metrics.csv of a run folder: one row per epoch."""

import csv
from pathlib import Path

import lightning as L
from lightning.pytorch.callbacks import Callback

from mtl.training.version_1 import current_tag
from targets.common.atomic_write import atomic_write


class MetricsCSV(Callback):
    """Writes every logged value of an epoch as a row; a resumed run continues the table.

    Parameters
    ----------
    path : Path
        The table.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        row = {"epoch": str(trainer.current_epoch)}
        row |= {tag: f"{float(value):.6g}" for tag, value in sorted(trainer.callback_metrics.items())}
        rows = [old for old in self._read() if int(old["epoch"]) < trainer.current_epoch] + [row]
        columns = list(dict.fromkeys(name for r in rows for name in r))
        with atomic_write(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)

    def _read(self) -> list[dict[str, str]]:
        """The rows so far."""
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            return [{current_tag(tag): value for tag, value in row.items()} for row in csv.DictReader(file)]
