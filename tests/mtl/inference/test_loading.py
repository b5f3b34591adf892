"""Backend of a batch: the same maps give the same answers, whoever predicted what before."""

import pytest

from mtl.inference import loading
from mtl.inference.backends import LAZY_TILES
from mtl.inference.loading import options_for_batch
from mtl.inference.options import PredictorOptions

FEW, MANY = LAZY_TILES, LAZY_TILES + 1  # maps


@pytest.mark.parametrize(
    ("typed", "device", "maps", "one_by_one", "chosen"),
    [
        ("auto", "cpu", FEW, True, "auto"),  # which counts tiles, in their order
        ("auto", "cpu", FEW, False, "torch"),
        ("auto", "cpu", MANY, True, "onnx"),
        ("auto", "cpu", MANY, False, "onnx"),
        ("auto", "cuda", MANY, False, "torch"),
        ("openvino", "cpu", MANY, False, "openvino"),
    ],
)
def test_a_batch_has_one_backend(monkeypatch, typed, device, maps, one_by_one, chosen):
    monkeypatch.setattr(loading, "fastest_engine", lambda precision: "onnx")
    options = PredictorOptions(backend=typed, device=device)
    assert options_for_batch(options, maps, one_by_one).backend == chosen


def test_without_an_engine_it_is_torch(monkeypatch):
    monkeypatch.setattr(loading, "fastest_engine", lambda precision: None)
    assert options_for_batch(PredictorOptions(device="cpu"), MANY, False).backend == "torch"
