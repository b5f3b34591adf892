"""Context of a tile: the same centre, a multiple of the width, and fill values beyond the map."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mtl.config import NO_AUGMENTATION, AugmentConfig, PatchConfig, PredictConfig
from mtl.data.channels import INPUTS
from mtl.data.context import BLOCK_ROWS, FACTORS, Context, block_means
from mtl.data.dataset import PatchDataset, prepare_sample
from mtl.export.all_heads import export_onnx
from mtl.export.deepness import export_deepness
from mtl.inference.predictor import Predictor
from mtl.models.checkpoint import build_net
from mtl.models.multi_head_net import enlarge_middle
from mtl.tasks.heads import HEADS
from mtl.training.check_settings import check_settings
from targets.common.cli import Names
from targets.errors import UserError
from targets.truth.criteria import GroundTruthOptions
from tests.conftest import dome_scene, tiny_config

OUTSIDE = [7.0, -1.0]
RECORDS = [INPUTS["rgb"], INPUTS["depth"], INPUTS["map"]]


def noise(height, width):
    return np.random.default_rng(0).normal(size=(2, height, width)).astype(np.float32)


def around(planes, origin, size, factor):
    return Context(lambda rows: planes[:, rows], planes.shape[1:], OUTSIDE, size, factor)(origin)


def blocks(values, factor):
    """Means of the blocks of factor × factor cells of (C, h, w), both sides a multiple of it."""
    channels, height, width = values.shape
    return values.reshape(channels, height // factor, factor, width // factor, factor).mean((2, 4))


def middle(values, factor):
    """The middle of a square (C, size, size), a factor less wide and high."""
    size = values.shape[-1]
    inner = slice((size - size // factor) // 2, (size + size // factor) // 2)
    return values[:, inner, inner]


@pytest.mark.parametrize("factor", FACTORS)
def test_around_a_map_of_one_tile_are_fill_values(factor):
    planes = noise(64, 64)
    wide = around(planes, (0, 0), 64, factor)
    np.testing.assert_allclose(middle(wide, factor), blocks(planes, factor), atol=1e-5)
    count = 64 * 64 - (64 // factor) ** 2
    assert [(wide[c] == OUTSIDE[c]).sum() for c in range(2)] == [count, count]


@pytest.mark.parametrize("factor", FACTORS)
def test_the_middle_enlarged_lies_on_the_tile(factor):
    rows, cols = np.indices((1024, 1024), np.float32) / 1024
    planes = np.stack([rows, cols - rows])  # linear: reducing and enlarging change nothing
    tile = planes[:, 480:544, 512:576]
    wide = torch.from_numpy(around(planes, (480, 512), 64, factor))
    np.testing.assert_allclose(enlarge_middle(wide[None], factor)[0], tile, atol=1e-5)
    off = around(planes, (481, 511), 64, factor)  # no multiple of the factor: half a reduced cell at most
    assert np.abs(middle(off, factor) - blocks(planes[:, 481:545, 511:575], factor)).max() < (factor / 2 + 0.01) / 512


@pytest.mark.parametrize("factor", FACTORS)
def test_a_map_moved_by_the_stride_of_the_encoder_moves_its_context(factor):
    planes = noise(100, 70)
    moved = np.empty((2, 132, 134), np.float32)
    moved[:] = np.array(OUTSIDE, np.float32)[:, None, None]
    moved[:, 32:, 64:] = planes
    np.testing.assert_allclose(
        around(moved, (64, 64), 64, factor), around(planes, (32, 0), 64, factor), rtol=1e-5, atol=1e-5
    )


def test_downsampling_reads_a_few_rows_at_a_time_and_fills_beyond_the_map():
    planes, asked = noise(2 * BLOCK_ROWS * 2 + 3, 5), []

    def read(rows):
        asked.append(rows.stop - rows.start)
        return planes[:, rows]

    means = block_means(read, planes.shape[1:], 2, OUTSIDE)
    assert means.shape == (2, 2 * BLOCK_ROWS + 2, 3) and max(asked) == 2 * BLOCK_ROWS
    np.testing.assert_allclose(means[:, :-1, :2], blocks(planes[:, :-1, :4][:, : 4 * BLOCK_ROWS + 2], 2), atol=1e-6)
    np.testing.assert_allclose(means[:, -1, 2], (planes[:, -1, 4] + 3 * np.array(OUTSIDE)) / 4, atol=1e-6)


def patches(augment, factor=4):
    scene = dome_scene(size=192, crest=(0.4, 0.6))
    sample = prepare_sample(scene, RECORDS, [HEADS["trap"]], GroundTruthOptions())
    return PatchDataset([sample], RECORDS, PatchConfig(64, 64, context=factor), augment)


@pytest.mark.parametrize(
    "augment", [AugmentConfig(brightness=0, contrast=0, noise=0), AugmentConfig(symmetry="none", noise=0)]
)
def test_patch_and_context_are_augmented_alike(augment):
    data = patches(augment)
    for key in range(0, 200, 9):
        near, wide = data[key]["inputs"].numpy().reshape(2, 5, 64, 64)
        np.testing.assert_allclose(middle(wide, 4), blocks(near, 4), atol=1e-4)


def test_without_variation_the_context_of_a_patch_is_that_of_a_tile():
    data = patches(NO_AUGMENTATION)
    planes = prepare_sample(dome_scene(size=192, crest=(0.4, 0.6)), RECORDS, [], GroundTruthOptions()).inputs
    outside = [2, 2, 2, -1.5, 0]
    wide = Context(lambda rows: planes[:, rows], (192, 192), outside, 64, 4)((64, 128))
    np.testing.assert_allclose(data[5]["inputs"][5:], wide, atol=1e-6)


def predictor(factor):
    config = tiny_config(
        heads=Names("trap"), patches=PatchConfig(64, 64, context=factor), predict=PredictConfig(stride=32)
    )
    torch.manual_seed(0)
    net, inputs, heads = build_net(config, pretrained=False)
    return Predictor((net.eval(),), None, inputs, heads, config)


def test_with_a_context_the_answer_depends_on_what_lies_outside_the_tile():
    scene = dome_scene(size=64)
    wide = scene.replace(
        **{
            name: np.pad(getattr(scene, name), [(0, 128), (0, 128)], mode="edge")
            for name in ("depth", "depth_valid", "map_valid", "fault")
        },
        rgb=None,
    )
    far = wide.fault.copy()
    far[130:160, 130:160] = True  # in no tile that holds one of the first 64 cells
    changes = []
    for factor in (0, 8):
        answers = [predictor(factor)(s)["trap"][0, :64, :64] for s in (wide, wide.replace(fault=far))]
        changes.append(float(np.abs(answers[0] - answers[1]).max()))
    assert changes[0] == 0 < changes[1]


def test_what_is_visible_from_a_tile_is_wider_with_a_context():
    view = predictor(4).tile_view(dome_scene(size=200))
    assert (view.tile_side, view.visible_side) == (64, 256)


def test_features_start_as_the_sum_of_both_squares():
    net = predictor(2).nets[0]
    x = torch.randn(1, 10, 64, 64)
    with torch.inference_mode():
        near, wide = (net.decoder(net.encoder(part)) for part in x.chunk(2, 1))
        expected = torch.relu(near + enlarge_middle(wide, 2))
        seen = net.shared_features(x)
    torch.testing.assert_close(seen[:, : expected.shape[1]], expected, atol=1e-4, rtol=1e-4)
    assert torch.equal(seen[:, expected.shape[1] :], x[:, :5])  # and the inputs of the square itself


def test_a_context_that_does_not_fit_the_encoder_is_an_error():
    with pytest.raises(UserError, match="2, 4, 8"):
        check_settings(replace(predictor(0).config, patches=PatchConfig(64, 64, context=3)))


def test_an_exported_network_takes_the_planes_of_both_squares(tmp_path):
    pytest.importorskip("onnxruntime")
    export_onnx(predictor(4), tmp_path / "model.onnx")  # which holds it against torch at several sizes
    assert (tmp_path / "model.onnx").exists()
    with pytest.raises(UserError, match="around a tile"):
        export_deepness(predictor(4), "trap", None, tmp_path / "deepness.onnx")
