"""Callback that writes metrics.csv: a row per epoch."""

import csv
from pathlib import Path

import lightning as L
from lightning.pytorch.callbacks import Callback

from targets.common.atomic_write import atomic_write


class MetricsCSV(Callback):
    """metrics.csv of the run folder: one row per epoch, every logged figure; a resumed run goes on where it was."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        row = {"epoch": str(trainer.current_epoch)}
        row |= {name: f"{float(value):.6g}" for name, value in sorted(trainer.callback_metrics.items())}
        rows = [old for old in self._read() if int(old["epoch"]) < trainer.current_epoch] + [row]
        names = list(dict.fromkeys(name for r in rows for name in r))
        with atomic_write(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)

    def _read(self) -> list[dict[str, str]]:
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            return list(csv.DictReader(file))
