"""A predictor answers on the map's own cells, also when the network saw a coarser map."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from mtl.config import PatchConfig, PredictConfig
from mtl.data.channels import INPUTS
from mtl.data.dataset import prepare_sample
from mtl.inference.predictor import Predictor
from mtl.tasks.heads import DISTANCE_SCALE, HEADS
from targets.rendering.map import with_rendered_picture
from targets.surface.resample import upsample
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.traps import build_ground_truth
from tests.conftest import dome_scene, tiny_config


class Copies(torch.nn.Module):
    """A network whose logits are its input channel, so that answers follow from the depth."""

    def __init__(self, distance=0.0):
        super().__init__()
        self.distance = torch.nn.Parameter(torch.tensor(distance))

    def forward(self, x):
        return {"trap": x * 9, "dist": x * 0 + self.distance}


def predictor(longest):
    config = tiny_config(patches=PatchConfig(64, 64, max_side=longest), predict=PredictConfig(stride=32))
    return Predictor((Copies(),), None, (INPUTS["depth"],), (HEADS["trap"], HEADS["dist"]), config)


def test_answers_have_the_maps_cells_and_nan_outside(dome):
    scene = dome_scene(size=200)
    inside = scene.map_valid.copy()
    inside[:, :37] = False
    scene = scene.replace(map_valid=inside, depth_valid=inside)
    for longest in (0, 50):
        out = predictor(longest)(scene)
        assert out["trap"].shape == (1, 200, 200) and out["trap"].dtype == np.float32
        np.testing.assert_array_equal(np.isfinite(out["trap"][0]), inside)


def test_a_coarse_look_gives_nearly_the_same_mask_on_a_smooth_map():
    scene = dome_scene(size=200)
    fine, coarse = (predictor(longest)(scene)["trap"][0] > 0.5 for longest in (0, 100))
    assert (fine & coarse).sum() / (fine | coarse).sum() > 0.97


def test_large_maps_go_into_files(tmp_path):
    scene = dome_scene(size=150)
    for longest in (0, 50):
        values, files = predictor(longest)(scene), predictor(longest)(scene, buffer_folder=tmp_path / str(longest))
        for name in ("trap", "dist"):
            np.testing.assert_array_equal(files[name], values[name])
            np.testing.assert_array_equal(np.load(tmp_path / str(longest) / f"{name}.npy"), values[name])


def test_lengths_in_cells_grow_with_the_resolution():
    scene = dome_scene(size=200)
    fine, coarse = (predictor(longest)(scene)["dist"] for longest in (0, 50))
    np.testing.assert_allclose(fine, np.log(2) * DISTANCE_SCALE, rtol=1e-5)
    np.testing.assert_allclose(coarse, 4 * fine, rtol=1e-5)


def test_spreads_of_lengths_grow_with_the_resolution():
    scene, nets = dome_scene(size=200), (Copies(), Copies(distance=1.0))
    fine, coarse = (replace(predictor(longest), nets=nets)(scene) for longest in (0, 50))
    np.testing.assert_allclose(coarse["dist_std"], 4 * fine["dist_std"], rtol=1e-4)
    assert np.nanmax(coarse["trap_std"]) == 0


def test_refining_fills_from_the_nearest_cell():
    plane = np.array([[np.nan, 2.0], [np.nan, 2.0]], np.float32)
    np.testing.assert_array_equal(upsample(plane, (4, 4)), np.full((4, 4), 2.0))


def test_the_stride_of_tiles_hardly_matters_for_a_local_network():
    scene = dome_scene(size=150)
    first = predictor(0)
    second = replace(first, config=replace(first.config, predict=PredictConfig(stride=64, tile_weights="hann")))
    np.testing.assert_allclose(first(scene)["trap"], second(scene)["trap"], atol=1e-4)


class AllHeads(torch.nn.Module):
    """A network whose every plane of logits is its input channel."""

    def __init__(self, heads):
        super().__init__()
        self.planes = {head.name: head.out_channels for head in heads}
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return {name: 3 * x.repeat(1, planes, 1, 1) for name, planes in self.planes.items()}


@pytest.mark.parametrize("blend", ["values", "logits"])
@pytest.mark.parametrize("tta", ["none", "d4"])
def test_every_head_comes_back_cell_by_cell_at_odd_sizes(blend, tta):
    heads = [replace(head, blend=blend, derived=None) for head in HEADS.values()]
    scene = dome_scene(size=131)
    scene = scene.replace(
        **{name: getattr(scene, name)[:97] for name in ("depth", "depth_valid", "map_valid", "fault", "rgb")}
    )
    config = tiny_config(patches=PatchConfig(64, 64), predict=PredictConfig(stride=32, tta=tta))
    whole = Predictor((AllHeads(heads),), None, (INPUTS["depth"],), tuple(heads), config)
    out = whole(scene)
    seen = 3 * torch.from_numpy(scene.relative_depth())
    for head in heads:
        expected = head.values(seen.expand(1, head.out_channels, *scene.shape))[0].numpy()
        np.testing.assert_allclose(out[head.name], expected, rtol=1e-4, atol=1e-4)


class Remembers(torch.nn.Module):
    """Answers a depth that was made beforehand, for a map that is one tile."""

    def __init__(self, depth):
        super().__init__()
        self.depth = torch.nn.Parameter(torch.from_numpy(depth)[None, None])

    def forward(self, x):
        return {"depth": self.depth}


@pytest.mark.parametrize("side", [192, 96])
def test_closures_of_a_guessed_depth_are_read_from_the_colours_of_the_maps_own_cells(side):
    scene = with_rendered_picture(make_structure_map(8, 192))
    true = build_ground_truth(scene).labels > 0
    errors = cv2.GaussianBlur(np.random.default_rng(0).normal(size=scene.shape), (0, 0), 4)
    guess = cv2.resize(scene.relative_depth() + 0.1 * errors / errors.std(), (side, side)).astype(np.float32)
    config = tiny_config(patches=PatchConfig(side, side, max_side=side), predict=PredictConfig(stride=side))
    by_colours = Predictor((Remembers(guess),), None, (INPUTS["rgb"],), (HEADS["depth"],), config)
    # A network that is given the depth knows better than colours: the picture is then not read.
    by_itself = replace(by_colours, inputs=(INPUTS["rgb"], INPUTS["depth"]))
    found = [predictor(scene)["depth_traps"][0] > 0.5 for predictor in (by_colours, by_itself)]
    read, guessed = ((traps & true).sum() / (traps | true).sum() for traps in found)
    assert read > 0.8 and guessed < 0.7


def test_a_predictor_is_described_in_one_line():
    described = repr(predictor(0))
    assert "\n" not in described and len(described) < 200
    assert described.startswith("Predictor(depth -> trap,dist; 1 network, unet with ")


def test_a_run_judges_downsampled_maps_as_evaluate_does():
    """Validation sees prepared samples, evaluation maps as they are given: predictions and truth are the same."""
    scene = make_structure_map(seed=3, size=160)
    judge = predictor(64)
    sample = prepare_sample(scene, judge.inputs, judge.heads, judge.config.targets, max_side=64, judged=True)
    assert sample.scene.shape == (64, 64) and sample.judged.scene is scene
    predictions, logits = judge.predict_with_logits(lambda rows: sample.inputs[:, rows], sample.scene, scene)
    truth = build_ground_truth(scene, judge.config.targets)
    for head in judge.heads:
        np.testing.assert_allclose(predictions[head.name], judge(scene)[head.name], rtol=1e-5)
        assert logits[head.name].shape[-2:] == (64, 64) == sample.targets[head.name].shape[-2:]
        for found, expected in zip(sample.judged.target_of(head), head.target(truth), strict=True):
            np.testing.assert_array_equal(found, expected)
