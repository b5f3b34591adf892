"""An ONNX graph answers as the network it was made of, at every size."""

import sys

import pytest
import torch

from mtl.config import NetConfig
from mtl.inference.backends import OnnxBackend
from mtl.inference.onnx import compare_backends, export_graph, import_optional
from mtl.models.checkpoint import build_net
from targets.common.cli import Names
from targets.errors import UserError
from tests.conftest import tiny_config

ort = pytest.importorskip("onnxruntime")


def small_net(arch="unet", **more):
    """A network of three heads on five planes, in evaluation."""
    torch.manual_seed(0)
    decoder = [16] if "deeplab" in arch else [16, 16, 8, 8, 8]
    config = NetConfig(
        arch, "timm-mobilenetv3_small_minimal_100", encoder_weights="none", decoder_channels=decoder, **more
    )
    return build_net(tiny_config(net=config, heads=Names("trap,dist,fused")), pretrained=False)[0].eval()


RICH = {"hypercolumn": True, "deep_supervision": 0.1, "block": "bottleneck"}


@pytest.mark.parametrize(
    ("arch", "more"),
    [
        ("unet", {}),
        ("deeplabv3plus", {}),
        ("unet", RICH),
        ("unetplusplus", RICH),
    ],  # one decodes at a quarter of the size
)
def test_onnx_runtime_answers_as_torch_at_any_size_and_batch(arch, more):
    net = small_net(arch, **more)
    found = compare_backends(net, OnnxBackend(export_graph(net, 5), "32"), 5, [(1, 64, 96), (3, 160, 32)])
    assert set(found[3, 160, 32]) == {"trap", "dist", "fused"}
    assert max(max(errors.values()) for errors in found.values()) < 1e-4


def test_another_network_is_noticed():
    net = small_net()
    model = export_graph(net, 5)
    with torch.no_grad():
        net.heads["dist"].bias += 0.1
    found = compare_backends(net, OnnxBackend(model, "32"), 5, [(1, 64, 64)])[1, 64, 64]
    assert found["dist"] == pytest.approx(0.1, abs=1e-4) and found["trap"] < 1e-4


def test_a_fixed_size_is_part_of_the_graph():
    session = ort.InferenceSession(export_graph(small_net(), 5, size=96))
    assert session.get_inputs()[0].shape == ["batch", 5, 96, 96]
    assert {o.name: o.shape for o in session.get_outputs()} == {
        "trap": ["batch", 1, 96, 96],
        "dist": ["batch", 1, 96, 96],
        "fused": ["batch", 3, 96, 96],
    }


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match=r"onnxruntime is not installed.*trapmtl\[export\]"):
        import_optional("onnxruntime")
