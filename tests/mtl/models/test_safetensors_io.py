"""Weights in half their size answer as the network does, and hold nothing else; the package's own model is found."""

import json
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

import mtl.models.safetensors_io
from mtl.config import SplitConfig
from mtl.export.weights import export_weights
from mtl.inference.predictor import Predictor, load_predictor
from mtl.models.checkpoint import build_net, read_checkpoint
from mtl.models.safetensors_io import BUNDLED_MODEL, MAX_BUNDLED_BYTES, SUFFIX, to_half
from targets.common.cli import Names
from targets.errors import UserError
from tests.conftest import dome_scene, tiny_config


@pytest.fixture(scope="module")
def trained():
    """An untrained network, whose config knows where its maps lay."""
    torch.manual_seed(1)
    config = tiny_config(heads=Names("trap,dist"), data="/home/somebody/maps", split=SplitConfig(val_data="/home/x"))
    net, inputs, heads = build_net(config, pretrained=False)
    for head in net.heads.values():
        torch.nn.init.normal_(head.weight, std=0.5)
    return Predictor((net.eval(),), net.fusion, inputs, heads, config)


def test_the_file_predicts_what_the_network_does(trained, tmp_path):
    path = tmp_path / "model.safetensors"
    errors = export_weights(trained, path)
    assert all(0 < found["trap"] < 0.01 for found in errors.values())
    scene = dome_scene()
    before, after = trained(scene), load_predictor(path, device="cpu")(scene)
    assert before["trap"].max() - before["trap"].min() > 0.1
    for name, off in (("trap", 0.01), ("dist", 2.0)):  # dist: cells, of some hundreds
        np.testing.assert_allclose(before[name], after[name], atol=off)


def test_the_file_holds_half_sized_kernels_and_settings_and_no_path(trained, tmp_path):
    path = tmp_path / "model.safetensors"
    export_weights(trained, path)
    kernels = sum(4 * value.numel() for value in trained.nets[0].state_dict().values() if value.ndim > 1)
    assert kernels / 2 < path.stat().st_size < kernels / 2 * 1.2
    with safe_open(path, "pt") as file:
        assert json.loads(file.metadata()["config"])["heads"] == ["trap", "dist"]
        assert file.get_tensor("net.heads.trap.weight").dtype == torch.float16
        assert file.get_tensor("net.heads.trap.bias").dtype == torch.float32
    assert b"/home/" not in path.read_bytes()
    config, _ = read_checkpoint(path)
    assert (config.heads, config.net, config.patches) == tuple(
        getattr(trained.config, name) for name in ("heads", "net", "patches")
    )


def test_what_does_not_fit_into_half_stays_whole():
    large = torch.tensor([[1.0, 1e5]])
    assert to_half(large) is large and to_half(torch.ones(1, 1)).dtype == torch.float16


@pytest.mark.parametrize("content", [b"", b"no weights", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.safetensors: cannot be read"):
        load_predictor(tmp_path / "a.safetensors")


def test_without_a_checkpoint_the_packages_model_answers(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(mtl.models.safetensors_io, "BUNDLED_MODEL", tmp_path / "default.safetensors")
    with pytest.raises(UserError, match="without a trained model"):
        load_predictor(None)
    export_weights(trained, tmp_path / "default.safetensors")
    assert load_predictor(None).config.heads == ("trap", "dist")


def test_the_packages_model_is_part_of_a_wheel_and_small():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    rules = project["tool"]["setuptools"]["package-data"]["*"]
    assert any(fnmatch(BUNDLED_MODEL.name, rule) for rule in rules)
    assert BUNDLED_MODEL.suffix == SUFFIX
    if BUNDLED_MODEL.exists():
        assert BUNDLED_MODEL.stat().st_size <= MAX_BUNDLED_BYTES
