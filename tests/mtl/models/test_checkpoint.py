"""Checkpoints of strangers: no code in them runs, and what they claim is held against what they hold."""

import io
import os
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mtl.config import TrainConfig
from mtl.inference.predictor import load_predictor
from mtl.models.checkpoint import CONFIG_KEY, build_net, read_checkpoint
from mtl.training.callbacks.checkpoint_files import AtomicCheckpointIO
from mtl.training.finetune import load_initial_weights
from mtl.training.run import fit
from targets.common.cli import Names
from targets.errors import UserError
from tests.conftest import dome_scene, tiny_config

SCENES = [dome_scene(f"d{i}", crest=(0.4 + 0.05 * i, 0.5)) for i in range(2)]


class Evil:
    """A pickle that writes a file when it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.mark),)


@pytest.fixture(scope="module")
def config() -> TrainConfig:
    """A network of a quarter of a million numbers."""
    net = replace(tiny_config().net, encoder="tu-test_efficientnet", decoder_channels=[8, 8, 8, 8, 8])
    return tiny_config(heads=Names("trap"), inputs=Names("depth"), net=net)


@pytest.fixture(scope="module")
def content(config: TrainConfig) -> dict:
    """What its checkpoint holds."""
    state = build_net(config, pretrained=False)[0].state_dict()
    return {CONFIG_KEY: config.as_dict(), "state_dict": {f"net.{name}": value for name, value in state.items()}}


def test_a_good_one_is_read(tmp_path, config, content):
    torch.save(content, tmp_path / "a.ckpt")
    assert read_checkpoint(tmp_path / "a.ckpt")[0] == config
    assert load_predictor(tmp_path / "a.ckpt", "cpu")(SCENES[0])["trap"].shape == (1, 64, 64)


def test_a_pickle_that_would_run_does_not(tmp_path, config, content):
    mark = tmp_path / "mark"
    good, evil, bare = tmp_path / "good.ckpt", tmp_path / "last.ckpt", tmp_path / "bare.ckpt"
    torch.save(content, good)
    torch.save(content | {"optimizer_states": [Evil(mark)]}, evil)
    bare.write_bytes(pickle.dumps(Evil(mark)))
    torch.load(evil, weights_only=False)  # it does run where it may
    assert mark.exists()
    mark.rmdir()
    for path in (evil, bare):
        for read in (read_checkpoint, load_predictor, lambda path: load_predictor([good, path])):
            with pytest.raises(UserError, match=rf"{path.name}: cannot be read"):
                read(path)
    with pytest.raises(UserError, match="cannot be read"):
        fit(config, tmp_path, SCENES[:1], SCENES[1:], resume=True)  # from last.ckpt
    with pytest.raises(UserError, match="cannot be read"):
        load_initial_weights(build_net(config, pretrained=False)[0], replace(config, init=str(evil)))
    with pytest.raises(pickle.UnpicklingError, match="Weights only"):
        AtomicCheckpointIO().load_checkpoint(evil, weights_only=False)  # what Lightning calls to go on
    assert not mark.exists()


def test_packed_entries_are_refused_before_they_unpack(tmp_path, content):
    torch.save(content, packed := io.BytesIO())
    with zipfile.ZipFile(packed) as stored, zipfile.ZipFile(tmp_path / "a.ckpt", "w", zipfile.ZIP_DEFLATED) as out:
        for name in stored.namelist():
            out.writestr(name, stored.read(name))
    with pytest.raises(UserError, match="packed entries"):
        read_checkpoint(tmp_path / "a.ckpt")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"patches": {"size": 2**40}}, "patches.size is"),
        ({"patches": {"size": "large"}}, "its config cannot be read"),
        ({"predict": {"stride": -32}}, "predict.stride is -32"),
        ({"predict": {"batch_size": -3}}, "predict.batch_size is -3; expected 0 to 65536"),
        ({"predict": {"batch_size": 10**12}}, "predict.batch_size is 1000000000000"),
        ({"patches": {"max_side": -1}}, "patches.max_side is -1"),
        ({"targets": {"crest_sigma": float("nan")}}, "targets.crest_sigma is nan"),
        ({"config": "/etc/passwd"}, "a key config"),
        ({"net": {"decoder_channels": [8] * 10**6}}, "more than 10,000 values"),
        ({"heads": 3}, "its config cannot be read"),
        ({"heads": ["nonsense"]}, "unknown name 'nonsense'"),
        ({"nonsense": 3}, "its config cannot be read"),
        ({"net": {"decoder_channels": [10**7] * 5}}, "the weights of another network"),  # petabytes, if it were built
        ({"net": {"decoder_channels": [-1]}}, r"net.decoder_channels is \[-1\]"),
        ({"net": {"encoder": "hf-hub:someone/model"}}, "net.encoder"),  # would be fetched
        ({"net": {"encoder": "tu-local-dir:/etc"}}, "net.encoder"),
        ({"net": {"encoder": "nonsense"}}, "a.ckpt: net.encoder: unknown encoder 'nonsense'"),
    ],
)
def test_a_config_that_lies_is_refused(tmp_path, content, changes, found):
    plain = content[CONFIG_KEY] | {
        name: content[CONFIG_KEY][name] | own if isinstance(own, dict) else own for name, own in changes.items()
    }
    torch.save(content | {CONFIG_KEY: plain}, tmp_path / "a.ckpt")
    with pytest.raises(UserError, match=found):
        load_predictor(tmp_path / "a.ckpt", "cpu")


@pytest.mark.parametrize("claim", [lambda s: torch.zeros(1).expand(s), lambda s: torch.empty(s, device="meta")])
def test_weights_that_claim_more_than_they_hold_are_refused_before_a_network_is_built(tmp_path, content, config, claim):
    wide = replace(config, net=replace(config.net, decoder_channels=[20_000, 16_000, 32, 16, 16]))
    with torch.device("meta"):
        shapes = {f"net.{name}": value.shape for name, value in build_net(wide, False)[0].state_dict().items()}
    torch.save(
        {CONFIG_KEY: wide.as_dict(), "state_dict": {n: claim(s or (1,)) for n, s in shapes.items()}},
        tmp_path / "a.ckpt",
    )
    assert (tmp_path / "a.ckpt").stat().st_size < 2**20  # of a network of 20 GiB and more
    with pytest.raises(UserError, match="is larger than its numbers"):
        load_predictor(tmp_path / "a.ckpt", "cpu")


def test_many_tensors_of_the_same_numbers_are_refused(tmp_path, content):
    shared = torch.zeros(2**20)
    torch.save(content | {"state_dict": {f"net.{i}": shared for i in range(50)}}, tmp_path / "a.ckpt")
    with pytest.raises(UserError, match="weights that are larger than the file"):
        read_checkpoint(tmp_path / "a.ckpt")


def test_tiles_beyond_memory_are_refused(tmp_path, content, monkeypatch):
    plain = content[CONFIG_KEY] | {"patches": content[CONFIG_KEY]["patches"] | {"size": 2**14}}
    torch.save(content | {CONFIG_KEY: plain}, tmp_path / "a.ckpt")
    monkeypatch.setattr("targets.common.memory.available_memory", lambda: 2**35)
    with pytest.raises(UserError, match="tiles of 16384 x 16384 cells: takes about 100 GiB"):
        load_predictor(tmp_path / "a.ckpt", "cpu")(SCENES[0])


@pytest.mark.parametrize("state", [{"net.x": 3}, {3: torch.zeros(1)}, [], {"net.x": torch.zeros(1)}])
def test_a_state_that_is_none_is_refused(tmp_path, content, state):
    torch.save(content | {"state_dict": state}, tmp_path / "a.ckpt")
    with pytest.raises(UserError, match=r"holds no weights|weights of another network"):
        load_predictor(tmp_path / "a.ckpt", "cpu")
