"""Loggers by name: known and installed ones only, and what they leave in the run folder."""

import csv
from dataclasses import replace

import pytest

from mtl.config import LoopConfig
from mtl.training import loggers
from mtl.training.loggers import LOGGERS, LoggerRecord, select_loggers
from mtl.training.run import fit
from targets.common.cli import Names
from targets.errors import UserError
from tests.conftest import dome_scene, tiny_config


def test_a_package_that_is_missing_is_named(monkeypatch):
    absent = LoggerRecord("absent", "no_such_package", LOGGERS["csv"].build)
    monkeypatch.setattr(loggers, "LOGGERS", LOGGERS | {"absent": absent})
    assert [record.name for record in select_loggers("csv, tensorboard")] == ["csv", "tensorboard"]
    with pytest.raises(UserError, match=r"--loop\.logger: absent needs the package no_such_package.*pip install"):
        select_loggers("tensorboard,absent")


def test_the_csv_logger_has_the_metrics_of_the_run_and_tensorboard_is_not_written(tmp_path):
    config = tiny_config(heads=Names("trap"), loop=LoopConfig(epochs=1, batch_size=2, logger="csv"))
    metrics = fit(config, tmp_path, [dome_scene("a")], [dome_scene("b")])
    (table,) = tmp_path.glob("csv/version_*/metrics.csv")
    with table.open() as file:
        values = [float(row["trap/iou"]) for row in csv.DictReader(file) if row["trap/iou"]]
    assert values == [pytest.approx(metrics["trap/iou"])]
    assert not list(tmp_path.glob("events.out.*"))
    assert replace(config.loop, logger="tensorboard") == LoopConfig(epochs=1, batch_size=2)
