"""metrics.csv of a run folder: one row per epoch."""

import csv
import math
import re
from pathlib import Path

import lightning as L
from lightning.pytorch.callbacks import Callback

from mtl.metrics.base import Mode
from mtl.training.version_1 import current_tag
from targets.common.atomic_write import atomic_write
from targets.errors import UserError

SEPARATORS = ",;\t"  # of the program that wrote the table, and of spreadsheets in other languages
FOREIGN = "surrogateescape"  # what is no UTF-8, such as a remark, is written back byte by byte


class MetricsCSV(Callback):
    """Writes every logged value of an epoch as a row; a resumed run continues the table.

    The table is read once, before training: what a spreadsheet does with the file meanwhile stops no run.

    Parameters
    ----------
    path : Path
        The table.
    resume : bool
        Whether the rows that are there are kept.

    Raises
    ------
    UserError
        The table to continue cannot be read.
    """

    def __init__(self, path: Path, resume: bool) -> None:
        self.path = path
        self.rows = read_rows(path) if resume and path.exists() else []

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        row = {"epoch": str(trainer.current_epoch)}
        row |= {tag: f"{float(value):.6g}" for tag, value in sorted(trainer.callback_metrics.items())}
        self.rows = [old for old in self.rows if int(old["epoch"]) < trainer.current_epoch] + [row]
        columns = list(dict.fromkeys(name for r in self.rows for name in r))
        with (
            atomic_write(self.path) as temporary,
            temporary.open("w", newline="", encoding="utf-8", errors=FOREIGN) as file,
        ):
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(self.rows)


def best_value(path: Path, name: str, mode: Mode) -> float:
    """The best value of a metric over the epochs of a metrics.csv; NaN where no epoch has one.

    Parameters
    ----------
    path : Path
        The table.
    name : str
        Such as trap/iou.
    mode : Mode
        Whether the best is the largest (`max`) or the least (`min`).
    """
    values = [value for row in read_rows(path) if not math.isnan(value := float(row.get(name) or "nan"))]
    return (max if mode == "max" else min)(values, default=math.nan)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a metrics.csv, also as Excel or an editor saves it: other separators, decimal commas, a mark of
    UTF-8 or UTF-16, empty rows.

    Parameters
    ----------
    path : Path
        The table.

    Returns
    -------
    list[dict[str, str]]
        {column: value} of an epoch, under today's names; numbers with points.

    Raises
    ------
    UserError
        The file cannot be read, or a row names no epoch.
    """
    hint = "give it another name: the run goes on and begins a new table, the checkpoints have all they need"
    try:
        content = path.read_bytes()
        utf_16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        text = content.decode("utf-16") if utf_16 else content.decode("utf-8-sig", errors=FOREIGN)
    except (OSError, UnicodeError) as error:
        raise UserError(path, f"cannot be read ({error})", "the table of the run to resume", hint) from error
    lines = [line for line in text.splitlines() if line.strip(SEPARATORS + ' "') and not line.startswith("sep=")]
    separator = max(SEPARATORS, key=(lines or [""])[0].count)
    rows = []
    try:
        if lines and "epoch" not in next(csv.reader(lines, delimiter=separator)):
            raise KeyError("epoch")
        for values in csv.DictReader(lines, delimiter=separator):
            row = {current_tag(tag): value for tag, value in values.items() if tag and value is not None}
            if separator != ",":
                row = {tag: re.sub(r"^([+-]?\d+),(\d+)", r"\1.\2", value) for tag, value in row.items()}
            epoch = float(row["epoch"])
            rows.append(row | {"epoch": str(int(epoch))})
    except (KeyError, ValueError, OverflowError, csv.Error) as error:
        found = f"row {len(rows) + 1} does not say its epoch"
        raise UserError(path, found, "a column epoch, as training writes it", hint) from error
    return rows
