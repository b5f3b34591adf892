"""Experiment loggers by name: TensorBoard, CSV, MLflow and Weights & Biases, all written to the run folder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from lightning.pytorch.loggers import CSVLogger, Logger, MLFlowLogger, TensorBoardLogger, WandbLogger
from matplotlib.figure import Figure

from mtl.registry import select_records
from targets.common.cli import Names
from targets.errors import UserError


@dataclass(frozen=True)
class LoggerRecord:
    """A logger that `loop.logger` may name.

    Attributes
    ----------
    name : str
        What `loop.logger` calls it.
    package : str
        The Python package that it needs.
    build : Callable[[Path], Logger]
        Run folder -> Lightning's logger.
    """

    name: str
    package: str
    build: Callable[[Path], Logger]


LOGGERS = {
    record.name: record
    for record in (
        LoggerRecord(
            "tensorboard",
            "tensorboard",
            lambda out: TensorBoardLogger(out, name="", version="", default_hp_metric=False),
        ),
        LoggerRecord("csv", "lightning", lambda out: CSVLogger(out, name="csv")),
        LoggerRecord(
            "mlflow", "mlflow", lambda out: MLFlowLogger("trapmtl", out.name, f"file:{out.absolute() / 'mlruns'}")
        ),
        LoggerRecord("wandb", "wandb", lambda out: WandbLogger(out.name, out, offline=True, project="trapmtl")),
    )
}


def select_loggers(names: str) -> list[LoggerRecord]:
    """The records of comma-separated names.

    Raises
    ------
    UserError
        An unknown name, or a package that is not installed.
    """
    try:
        records = select_records(LOGGERS, Names(names), "--loop.logger")
    except ValueError as error:
        raise UserError("--loop.logger", str(error), f"names out of {', '.join(LOGGERS)}") from error
    for record in records:
        if find_spec(record.package) is None:
            found, hint = f"{record.name} needs the package {record.package}, which is not installed", ""
            raise UserError("--loop.logger", found, "an installed package", f"pip install {record.package}" + hint)
    return list(records)


def holds_pictures(logger: Logger) -> bool:
    """Whether a logger can show pictures."""
    return isinstance(logger, TensorBoardLogger | MLFlowLogger | WandbLogger)


def log_figure(loggers: Sequence[Logger], tag: str, figure: Figure, step: int) -> None:
    """Show a picture in every logger that can hold pictures, at an optimiser step as all curves are."""
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.experiment.add_figure(tag, figure, step)
        elif isinstance(logger, MLFlowLogger):
            logger.experiment.log_figure(logger.run_id, figure, f"{tag}/{step:06d}.png")
        elif isinstance(logger, WandbLogger):
            logger.log_image(tag, [figure])
