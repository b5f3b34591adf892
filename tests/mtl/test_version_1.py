"""What version 1 wrote is still read: its checkpoint, config and bundled model predict as it did, bit for bit."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mtl.config import TrainConfig
from mtl.inference.predictor import load_predictor
from mtl.migration import EARLIER_SETTINGS
from mtl.models.checkpoint import read_checkpoint
from mtl.training.check_settings import check_settings
from targets.common.cli import read_record
from targets.rendering.map import with_rendered_picture
from targets.scene import GeoReference, Scene
from targets.synthetic.structure_maps import make_structure_map

FOLDER = Path(__file__).parent / "fixtures" / "version_1"
ARRAYS = ("depth", "depth_valid", "map_valid", "fault", "rgb")
SPREAD, STD = "_spread", "_std"  # what version 1 called the standard deviation of a head, and its name today


def this_machine() -> str:
    """What the last bit of a convolution depends on, as the fixtures name it."""
    return f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"


def digest(arrays: dict[str, np.ndarray]) -> str:
    """A hash of names and bytes."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        found.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return found.hexdigest()


def test_the_settings_of_its_config_and_of_its_checkpoint_are_the_same_in_todays_names():
    config, content = read_checkpoint(FOLDER / "best.ckpt")
    assert "version" not in content["trapmtl"] and "shown" in content["trapmtl"]
    written = read_record(TrainConfig, ["--config", str(FOLDER / "config.yaml")], "tools/train.py", EARLIER_SETTINGS)
    assert config.missing_values == {"fault": 0.0}  # a network keeps what it was trained with, a new run does not
    assert written == replace(config, missing_values={})
    check_settings(config)
    assert config.input_sets == ["rgb", "rgb,fault,depth"]
    patches, optim, loop = config.patches, config.optim, config.loop
    assert (patches.max_side, patches.min_valid_fraction, patches.min_positive_fraction) == (64, 0.2, 0.25)
    assert (patches.small_map_mode, config.split.val_fraction, config.augment.restyle) == ("reflect", 0.25, 0.2)
    assert (optim.second_stage_losses, optim.second_stage_epoch) == ({"trap": "lovasz"}, 2)
    assert (optim.loss_weights, optim.grad_clip_norm) == ({"dist": 0.3}, 4.0)
    assert (loop.batch_size, loop.repeats_per_epoch, config.predict.tta) == (2, 4, "mirror")


def test_its_checkpoint_predicts_what_it_did():
    stored = np.load(FOLDER / "answers.npz")
    geo = GeoReference(**json.loads(str(stored["geo"])))
    scene = Scene("version_1", **{name: stored[f"scene_{name}"] for name in ARRAYS}, geo=geo)
    predictions = load_predictor(FOLDER / "best.ckpt", device="cpu", backend="torch")(scene)
    expected = {name.replace(SPREAD, STD): stored[name] for name in stored.files if stored[name].ndim == 3}
    expected = {name: values for name, values in expected.items() if not name.startswith("scene_")}
    assert set(predictions) == set(expected)
    for name, values in predictions.items():
        if str(stored["machine"]) == this_machine():
            np.testing.assert_array_equal(values, expected[name], name)
        # elsewhere sums may end in another last bit, and a mask of closures in another cell
        assert np.nanmean(np.abs(values - expected[name])) < 1e-3 * max(1, np.nanmax(np.abs(values))), name


@pytest.mark.parametrize("seed", [61, 62])
def test_the_bundled_model_predicts_what_it_did(seed):
    stored = json.loads((FOLDER / "bundled_model.json").read_text())
    expected = stored["maps"][str(seed)]
    scene = with_rendered_picture(make_structure_map(seed, expected["size"]))
    assert digest({name: getattr(scene, name) for name in ARRAYS}) == expected["scene"], "another map is generated"
    if expected["picture_only"]:
        scene = scene.replace(depth_valid=np.zeros(scene.shape, bool))
    predictions = load_predictor(None, device="cpu", backend="torch")(scene)
    if stored["machine"] == this_machine():
        assert digest(predictions) == expected["answers"]
    means = {name: float(np.nanmean(values)) for name, values in predictions.items()}
    assert means == pytest.approx(expected["means"], rel=1e-3, abs=1e-4)
