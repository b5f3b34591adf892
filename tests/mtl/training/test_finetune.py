"""Fine-tuning: the model's settings and weights are taken over, and what does not fit is named."""

from dataclasses import replace

import pytest
import torch

import mtl.commands.crossval
import mtl.commands.train
import mtl.models.safetensors_io
from mtl.ablation.grid import resolve_config
from mtl.ablation.options import Ablation
from mtl.config import PatchConfig, SplitConfig, TrainConfig
from mtl.evaluation.cross_validation import cross_validate
from mtl.export.weights import export_weights
from mtl.inference.predictor import Predictor
from mtl.models.checkpoint import build_net
from mtl.training import find_model_presets
from mtl.training.finetune import FINETUNE_RATES, load_initial_weights
from mtl.training.run import train
from mtl.training.setup import prepare_run
from targets.common.cli import Names, read_record
from targets.errors import UserError
from tests.conftest import dome_scene, tiny_config


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small model of two heads, as a file."""
    torch.manual_seed(1)
    config = tiny_config(heads=Names("trap,dist"), inputs=Names("rgb,depth"), input_sets=["rgb", "rgb,depth"])
    config = replace(config, optim=replace(config.optim, loss_weights={"dist": 0.3}))
    net, inputs, heads = build_net(config, pretrained=False)
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    export_weights(Predictor((net,), net.fusion, inputs, heads, config), path)
    return path


def parse(*words):
    return read_record(TrainConfig, list(words), "tools/train.py", find_presets=find_model_presets)


def test_the_models_settings_are_taken_over_and_typed_ones_win(model, tmp_path):
    (tmp_path / "c.yaml").write_text("inputs: [rgb]\nloop: {epochs: 3}\noptim: {lr: 1.0}\n")
    config = parse("--init", str(model), "--config", str(tmp_path / "c.yaml"), "--optim.encoder_lr=0.5")
    assert (config.heads, config.inputs, config.input_sets) == (
        ("trap", "dist"),
        ("rgb", "depth"),
        ["rgb", "rgb,depth"],
    )
    assert config.net.decoder_channels == [16, 16, 8, 8, 8] and config.patches.size == 64
    assert config.optim.loss_weights == {"dist": 0.3}
    assert (config.optim.lr, config.optim.encoder_lr, config.loop.epochs) == (FINETUNE_RATES["lr"], 0.5, 3)


def test_other_heads_may_be_asked_for(model):
    config = parse(f"--init={model}", "--heads", "trap,boundary")
    assert config.heads == ("trap", "boundary") and config.optim.loss_weights == {}


def test_a_model_that_a_config_names_is_the_base_too(model, tmp_path):
    (tmp_path / "c.yaml").write_text(f"init: {model}\nheads: [boundary]\nloop: {{epochs: 3}}\n")
    assert parse("--config", str(tmp_path / "c.yaml")) == parse("--init", str(model), "--loop.epochs", "3")


@pytest.fixture
def tools(monkeypatch, tmp_path):
    """The settings that each command would train with, by the words of its command line."""
    found = []

    def stop(config, *_, **_more):
        found.append(config)
        raise Stopped

    for name in ("mtl.training.run.train", "mtl.evaluation.cross_validation.cross_validate"):
        monkeypatch.setattr(name, stop)

    def settings(module, *words):
        with pytest.raises(Stopped):
            module.command([*words, "--out", str(tmp_path / "out")])
        return found.pop()

    return settings


class Stopped(Exception):
    pass


def test_init_in_a_config_is_init_on_the_command_line_in_every_tool(tools, model, tmp_path):
    (tmp_path / "c.yaml").write_text(f"init: {model}\nheads: [boundary]\nloop: {{epochs: 3}}\n")
    expected = parse("--init", str(model), "--loop.epochs", "3")
    assert expected.optim.lr == FINETUNE_RATES["lr"] and expected.input_sets == ["rgb", "rgb,depth"]
    for module in (mtl.commands.train, mtl.commands.crossval):
        assert tools(module, "--config", str(tmp_path / "c.yaml")) == expected
        assert tools(module, "--init", str(model), "--loop.epochs", "3") == expected
    base, tests = str(tmp_path / "c.yaml"), {"test": str(tmp_path)}
    rows = {"base": {}, "again": {"init": str(model)}}
    ablation = Ablation("init", rows, tests, base=base)
    assert [resolve_config(ablation, row, "all") for row in rows] == [expected, expected]
    (tmp_path / "plain.yaml").write_text("loop: {epochs: 3}\n")
    assert resolve_config(replace(ablation, base=str(tmp_path / "plain.yaml")), "again", "all") == expected


def test_without_a_model_the_settings_stay():
    assert parse("--data", "maps") == TrainConfig(data="maps")


def test_matching_heads_get_the_models_weights_and_others_new_ones(model):
    scenes = [dome_scene("a"), dome_scene("b")]
    saved = prepare_run(parse("--init", str(model)), scenes, scenes, pretrained=True).module.net
    ready = prepare_run(parse("--init", str(model), "--heads", "boundary,trap"), scenes, scenes, pretrained=True)
    net = ready.module.net
    for part in ("encoder.model.conv_stem.weight", "heads.trap.weight"):
        assert torch.equal(net.get_parameter(part), saved.get_parameter(part))
    assert not net.heads["boundary"].bias.allclose(net.heads["trap"].bias)
    assert load_initial_weights(net, ready.config) == ["boundary"]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"inputs": Names("depth,rgb")}, "inputs depth,rgb.*leave out --inputs"),
        ({"net": replace(tiny_config().net, decoder_channels=[64, 48, 32, 16, 16])}, r"net.decoder_channels \[64"),
        ({"patches": PatchConfig(64, 64, context=2)}, "patches.context 2"),
    ],
)
def test_what_must_agree_is_named(model, tmp_path, fields, word):
    config = replace(parse("--init", str(model)), **fields)
    net, _, _ = build_net(config, pretrained=False)
    with pytest.raises(UserError, match=word):
        load_initial_weights(net, config)
    with pytest.raises(UserError, match=word):  # before maps are asked for
        train(replace(config, data="no maps"), tmp_path / "run")
    with pytest.raises(UserError, match=word):
        cross_validate(replace(config, data="no maps", split=SplitConfig(folds=2)), tmp_path / "folds")
    with pytest.raises(UserError, match="no such folder: no maps"):
        train(replace(parse("--init", str(model)), data="no maps"), tmp_path / "run")


def test_no_model_is_an_error(monkeypatch, tmp_path):
    with pytest.raises(UserError, match="no such file"):
        parse("--init", "nowhere.safetensors")
    monkeypatch.setattr(mtl.models.safetensors_io, "BUNDLED_MODEL", tmp_path / "default.safetensors")
    with pytest.raises(UserError, match="without a trained model"):
        parse("--init", "default")
