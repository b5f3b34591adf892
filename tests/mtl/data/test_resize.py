"""A small map fills its window in three ways, comes back on its own cells, and only these are learned from."""

from dataclasses import replace

import numpy as np
import pytest

from mtl.config import NO_AUGMENTATION, PatchConfig
from mtl.data.channels import INPUTS
from mtl.data.dataset import PatchDataset, prepare_sample
from mtl.data.resize import Resizer
from mtl.tasks.heads import HEADS
from mtl.training.setup import decide_patch_size
from targets.truth.criteria import GroundTruthOptions
from tests.conftest import dome_scene, tiny_config
from tests.mtl.inference.test_predictor import predictor


def test_a_mirror_by_hand():
    resizer = Resizer((1, 4), 7, "reflect")
    row = np.array([[[1.0, 2, 3, 4]]])
    assert resizer.forward(row)[0, 0].tolist() == [2, 1, 2, 3, 4, 3, 2]
    assert resizer.own_cells()[3].tolist() == [False, True, True, True, True, False, False]
    assert resizer.own_cells().sum() == 4 and resizer.inverse(resizer.forward(row)).tolist() == row.tolist()


@pytest.mark.parametrize("window", [128, 224, 256])
@pytest.mark.parametrize("mode", ["reflect", "resize"])
def test_images_of_101_cells_fill_their_window_and_come_back(mode, window):
    rows, cols = np.indices((101, 101), np.float32)
    values = np.stack([np.sin(rows / 9), np.cos(cols / 7), (rows + cols) / 200])
    resizer = Resizer((101, 101), window, mode)
    seen = resizer.forward(values, smooth=True)
    assert seen.shape == (3, window, window) and resizer.own_cells().shape == (window, window)
    back = resizer.inverse(seen)
    assert back.shape == values.shape
    np.testing.assert_allclose(back, values, atol=0 if mode == "reflect" else 0.02)
    mask = resizer.forward(values[:1] > 0)
    assert mask.dtype == bool and mask.mean() == pytest.approx((values[0] > 0).mean(), abs=0.1)


@pytest.mark.parametrize("mode", ["pad", "reflect", "resize"])
def test_maps_as_large_as_the_window_stay_as_they_are(mode):
    resizer = Resizer((200, 128), 128, mode)
    values = np.zeros((2, 200, 128), np.float32)
    assert resizer.forward(values) is values and resizer.own_cells().all()
    assert resizer.inverse(values).shape == values.shape


def test_only_the_side_that_is_too_short_is_mirrored_and_proportions_are_kept():
    assert Resizer((40, 200), 64, "reflect").forward(np.zeros((1, 40, 200))).shape == (1, 64, 200)
    assert Resizer((40, 80), 160, "resize").forward(np.zeros((1, 40, 80))).shape == (1, 80, 160)


def patch(scene, mode, size):
    inputs, heads = (INPUTS["depth"], INPUTS["map"]), (HEADS["trap"],)
    sample = prepare_sample(scene, inputs, heads, GroundTruthOptions())
    return PatchDataset([sample], inputs, PatchConfig(size, size, small_map_mode=mode), NO_AUGMENTATION)[0]


def test_a_mirrored_patch_shows_the_mirror_but_learns_from_the_map_alone():
    scene = dome_scene(size=50)
    seen = patch(scene, "reflect", 64)
    assert (seen["inputs"][1] == 1).all()
    assert seen["valid/trap"].sum() == 50 * 50 and (seen["valid/trap"][0, 7:57, 7:57] == 1).all()
    depth = INPUTS["depth"].compute(scene)[0]
    np.testing.assert_allclose(seen["inputs"][0, 7:57, 7:57], depth)
    np.testing.assert_allclose(seen["inputs"][0, 6], seen["inputs"][0, 8])


def test_an_enlarged_patch_is_valid_everywhere_and_its_target_larger():
    seen, own = patch(dome_scene(size=50), "resize", 100), patch(dome_scene(size=50), "pad", 64)
    assert (seen["valid/trap"] == 1).all()
    assert float(seen["target/trap"].sum()) == pytest.approx(4 * float(own["target/trap"].sum()), rel=0.02)


@pytest.mark.parametrize("mode, atol", [("reflect", 1e-6), ("resize", 0.06)])
def test_answers_come_back_on_the_maps_own_cells(mode, atol):
    scene = dome_scene(size=50)
    first = predictor(0)  # answers with what it is fed
    other = replace(first, config=replace(first.config, patches=PatchConfig(64, 64, small_map_mode=mode)))
    expected, answer = first(scene)["trap"], other(scene)["trap"]
    assert answer.shape == (1, 50, 50)
    np.testing.assert_allclose(answer, expected, atol=atol)


def test_windows_shrink_to_the_largest_map_only_where_they_are_padded():
    sizes = [decide_patch_size(tiny_config(patches=PatchConfig(224, small_map_mode=mode)), 101).patches.size
             for mode in ("pad", "reflect", "resize")]  # fmt: skip
    assert sizes == [128, 224, 224]
