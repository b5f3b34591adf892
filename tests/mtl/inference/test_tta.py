"""Laws of ensembles and test-time augmentation: equal looks change nothing, unequal ones are averaged by the rule."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mtl.config import PredictConfig
from mtl.data.symmetries import SYMMETRIES
from mtl.inference.predictor import load_predictor
from mtl.inference.tta import Ensemble, RunningMoments, relative_std, std_name
from mtl.tasks.heads import HEADS
from mtl.training.run import fit
from targets.common.cli import Names
from targets.errors import UserError
from tests.conftest import dome_scene, tiny_config

TRAP, LOGITS = HEADS["trap"], replace(HEADS["crest"], blend="logits")
TILES = torch.randn(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))


def smooth(x):
    """A network that gives the turned answer to the turned tile."""
    return {"trap": torch.nn.functional.avg_pool2d(x, 5, 1, 2), "crest": x**2}


def slanted(x):
    """A network that prefers the right and the lower side."""
    ramp = torch.arange(64.0)
    return {"trap": x + 0.1 * ramp, "crest": x + 0.2 * ramp[:, None]}


@pytest.mark.parametrize("tta", SYMMETRIES)
def test_an_equivariant_network_answers_the_same_and_without_spread(tta):
    one, several = (Ensemble([smooth], [TRAP, LOGITS], how)(TILES) for how in ("none", tta))
    for name in ("trap", "crest"):
        torch.testing.assert_close(several[name], one[name])
        if tta != "none":
            assert several[std_name(name)].max() < 1e-6
    assert set(several) == set(one) | ({"trap_std", "crest_std"} if tta != "none" else set())


@pytest.mark.parametrize(("tta", "axes"), [("mirror", [-1]), ("flips", [-1, -2]), ("d4", [-1, -2])])
def test_the_mean_of_any_network_has_the_symmetries_it_was_averaged_over(tta, axes):
    looks = Ensemble([slanted], [TRAP, LOGITS], tta)
    for axis in axes:
        for name, values in looks(TILES.flip(axis)).items():
            torch.testing.assert_close(values, looks(TILES).pop(name).flip(axis))
    turned = looks(TILES.transpose(-1, -2))["trap"].transpose(-1, -2)
    assert torch.allclose(turned, looks(TILES)["trap"], atol=1e-5) == (tta == "d4")


def test_a_mirror_keeps_up_and_down():
    seen = []
    Ensemble([lambda x: seen.append(x) or slanted(x)], [TRAP], "mirror")(TILES)
    torch.testing.assert_close(seen[1], TILES.flip(-1))
    assert len(seen) == 2 and [len(SYMMETRIES[tta]) for tta in SYMMETRIES] == [1, 2, 4, 8]


def test_each_head_is_averaged_by_its_own_rule():
    nets = [lambda x, logit=logit: {"trap": x * 0 + logit, "crest": x * 0 + logit} for logit in (-2.0, 3.0)]
    out = Ensemble(nets, [TRAP, LOGITS], "none")(TILES)
    values = torch.sigmoid(torch.tensor([-2.0, 3.0]))
    torch.testing.assert_close(out["trap"][0, 0, 0, 0], values.mean())
    torch.testing.assert_close(out["crest"][0, 0, 0, 0], torch.tensor(0.5))
    for name in ("trap_std", "crest_std"):  # in the unit of the head, whatever the rule of the mean
        torch.testing.assert_close(out[name][0, 0, 0, 0], values.std(correction=0))


def test_moments_are_those_of_numpy():
    many = torch.randn(7, 50) * 3 + 1000
    moments = RunningMoments()
    for values in many:
        moments.add(values)
    np.testing.assert_allclose(moments.mean, many.double().mean(0), rtol=1e-6)
    np.testing.assert_allclose(moments.std(), many.double().std(0, correction=0), rtol=1e-3)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Two runs of two heads, one of which has an output derived from it, and one run of another head."""
    folder, scenes = tmp_path_factory.mktemp("runs"), [dome_scene(f"d{i}", crest=(0.4 + 0.1 * i, 0.5)) for i in (0, 1)]
    for name, heads in (("a", "trap,depth"), ("b", "trap,depth"), ("other", "trap")):
        config = tiny_config(heads=Names(heads), predict=PredictConfig(stride=32))
        config = replace(config, loop=replace(config.loop, epochs=1, seed=ord(name[0])))
        fit(config, folder / name, scenes[:1], scenes[1:])
    return {name: folder / name / "last.ckpt" for name in ("a", "b", "other")}


def test_one_checkpoint_twice_is_the_single_one_without_spread(checkpoints):
    scene = dome_scene(size=100)
    single, twice = (load_predictor(paths)(scene) for paths in (checkpoints["a"], [checkpoints["a"]] * 2))
    assert set(twice) == set(single) | {"trap_std", "depth_std"}
    for name, values in single.items():
        np.testing.assert_allclose(twice[name], values, atol=1e-6)
    assert relative_std(twice) == {"trap_std": 0, "depth_std": 0} and relative_std(single) == {}


def test_the_spread_of_a_map_is_relative_to_what_it_holds():
    values = {"trap": np.array([[[0.5, 0.0, np.nan]]]), "trap_std": np.array([[[0.1, 0.1, np.nan]]])}
    assert relative_std(values) == {"trap_std": pytest.approx(0.4)}


def test_an_ensemble_is_the_mean_of_its_members_and_derives_from_it(checkpoints):
    scene = dome_scene(size=100)
    inside = scene.map_valid.copy()
    inside[:, :30] = False
    scene = scene.replace(map_valid=inside, depth_valid=inside)
    a, b = (load_predictor(checkpoints[name])(scene) for name in "ab")
    predictor = load_predictor([checkpoints["a"], checkpoints["b"]])
    both = predictor(scene)
    for name in ("trap", "depth"):
        np.testing.assert_allclose(both[name], (a[name] + b[name]) / 2, atol=1e-5)
        assert np.nanmax(both[f"{name}_std"]) > 0
        np.testing.assert_array_equal(np.isfinite(both[f"{name}_std"][0]), inside)
    traps = HEADS["depth"].derived.derive(both["depth"], scene, predictor.config.targets, 1.0)
    np.testing.assert_array_equal(both["depth_traps"], traps)
    np.testing.assert_array_equal(both["fusion"], predictor.stacking(both, predictor.config.inputs))


def test_networks_of_other_questions_are_no_ensemble(checkpoints):
    with pytest.raises(UserError, match=r"other.last\.ckpt.*heads trap.*trap,depth"):
        load_predictor([checkpoints["a"], checkpoints["other"]])
