"""Every backend answers as torch does, and `auto` changes from one to another only when there are many tiles."""

import importlib
import importlib.util

import pytest
import torch

from mtl.inference import backends
from mtl.inference.backends import LAZY_TILES, LazyBackend, make_backend
from mtl.models.checkpoint import build_net
from targets.errors import UserError
from tests.conftest import tiny_config

PLANES = 5


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    built = build_net(tiny_config(), pretrained=False)[0].eval()
    for head in built.heads.values():
        torch.nn.init.normal_(head.weight, std=0.3)  # logits of the size of a trained network's
    return built


@pytest.fixture(scope="module")
def tiles():
    return torch.rand(3, PLANES, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("backend", "library"), [("onnx", "onnxruntime"), ("openvino", "openvino")])
def test_engines_answer_as_torch_does(net, tiles, backend, library):
    pytest.importorskip("onnx")
    pytest.importorskip(library)
    with torch.inference_mode():
        expected, found = net(tiles), make_backend(net, PLANES, backend, "32")(tiles)
    assert list(found) == list(expected)
    for name, values in expected.items():
        torch.testing.assert_close(found[name], values, rtol=0, atol=1e-4)


def test_bf16_is_nearly_the_same_and_leaves_the_network_as_it_was(net, tiles, monkeypatch):
    monkeypatch.setattr(backends, "has_bfloat16", lambda on_gpu: True)  # imitated, slowly, where the processor has none
    with torch.inference_mode():
        expected, found = net(tiles), make_backend(net, PLANES, "torch", "bf16")(tiles)
        again = net(tiles)
    for name, values in expected.items():
        assert found[name].dtype == torch.float32
        off = (found[name] - values).abs().max() / values.abs().max()
        assert 1e-6 < off < 0.1
        torch.testing.assert_close(again[name], values, rtol=0, atol=0)


def test_a_processor_without_bfloat16_computes_in_32_bits_and_says_so(net, tiles, monkeypatch, capsys):
    monkeypatch.setattr(backends, "has_bfloat16", lambda on_gpu: False)
    with torch.inference_mode():
        expected, found = net(tiles), make_backend(net, PLANES, "torch", "bf16")(tiles)
    for name, values in expected.items():
        torch.testing.assert_close(found[name], values, rtol=0, atol=0)
    assert "no bfloat16" in capsys.readouterr().out


def test_a_patient_net_changes_once_there_are_many_tiles():
    made = []
    patient = LazyBackend(lambda x: {"a": x}, lambda: made.append(1) or (lambda x: {"a": -x}))
    one = torch.ones(1, 1)
    answers = [float(patient(one)["a"]) for _ in range(LAZY_TILES + 3)]
    assert answers == [1.0] * LAZY_TILES + [-1.0] * 3 and made == [1]


def test_auto_is_torch_where_no_engine_is_installed(net, tiles, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    chosen = make_backend(net, PLANES, "auto", "32")
    assert isinstance(chosen, backends.TorchBackend)


def test_an_engine_that_is_missing_or_does_not_fit_is_a_users_error(net, monkeypatch):
    with pytest.raises(UserError, match="onnx in precision bf16"):
        make_backend(net, PLANES, "onnx", "bf16")
    found = importlib.import_module

    def missing(name):
        if name in ("onnxruntime", "openvino"):
            raise ImportError(name)
        return found(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    for backend in ("onnx", "openvino"):
        with pytest.raises(UserError, match=r"not installed.*trapmtl\[fast\]"):
            make_backend(net, PLANES, backend, "32")


@pytest.mark.parametrize("name", ["teapot", "cuda:99", "meta", "", "cpu:x"])
def test_a_device_that_is_not_there_is_one_line(name):
    with pytest.raises(UserError, match=f"--device: '{name}', which this machine does not have"):
        backends.usable_device(name)
    assert backends.usable_device("cpu") == torch.device("cpu")
