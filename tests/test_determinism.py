"""The number of cores decides no result: maps and closures to the bit, predictions and training within rounding."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from mtl.config import LoopConfig
from mtl.predict import load_predictor
from mtl.training.run import fit
from targets.closure import closure_probability, find_closures, strips
from targets.common.cli import Names
from targets.synthetic.structure_maps import make_structure_map
from tests.conftest import dome_scene, tiny_config


@contextmanager
def cores(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine of so many cores, to everything that works in threads here."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    monkeypatch.setattr(strips, "threads_for", lambda size: number)
    torch.set_num_threads(number)
    cv2.setNumThreads(number)
    try:
        with threadpool_limits(number):  # of BLAS and OpenMP
            yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


def with_one_and_two(work: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What work gives on one core and on two."""
    found = []
    for number in (1, 2):
        with cores(number, monkeypatch):
            found.append(work())
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two records hold the same, arrays to the bit."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if hasattr(one, "__dataclass_fields__"):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return bool(one == other)


def test_maps_and_closures_are_the_same_to_the_bit(monkeypatch):
    one, other = with_one_and_two(lambda: make_structure_map(11, 300), monkeypatch)
    assert same(one, other)
    for option in ({}, {"contour_interval": 10.0}):
        assert same(*with_one_and_two(lambda option=option: find_closures(one.depth, **option), monkeypatch))
    probability = lambda: closure_probability(one.depth[:90, :90], 5.0, 8.0, realisations=4)  # noqa: E731
    assert same(*with_one_and_two(probability, monkeypatch))


@pytest.mark.slow  # it predicts twice with the bundled model
def test_predictions_are_the_same_within_rounding(monkeypatch):
    scene = make_structure_map(11, 128)
    one, other = with_one_and_two(lambda: load_predictor(None)(scene), monkeypatch)
    assert one.keys() == other.keys()
    for name in one:  # probabilities, and distances in cells
        largest = max(1.0, float(np.nanmax(np.abs(one[name]))))
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=1e-5 * largest, err_msg=name)


@pytest.mark.slow  # it trains twice
def test_training_is_the_same_within_rounding(tmp_path, monkeypatch):
    config = tiny_config(
        heads=Names("trap,dist"),
        loop=LoopConfig(epochs=1, batch_size=2, logger="csv", accelerator="cpu"),
    )
    maps = [dome_scene(f"dome{place}", crest=(0.35 + 0.06 * place, 0.5)) for place in range(5)]
    runs = iter((tmp_path / "one", tmp_path / "two"))
    one, other = with_one_and_two(lambda: fit(config, next(runs), maps[:4], maps[4:]), monkeypatch)
    assert one.keys() == other.keys() and len(one) > 3
    losses = [name for name in one if "loss" in name]
    assert losses and all(other[name] == pytest.approx(one[name], rel=1e-3) for name in losses)
