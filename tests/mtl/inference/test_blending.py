"""Laws of blending: an identity network survives, order does not matter, MONAI gives the same."""

import numpy as np
import pytest
import torch
from monai.data.utils import compute_importance_map
from monai.inferers import sliding_window_inference

from mtl.inference.blending import TileBlender, blend_tiles, make_tile_weights
from mtl.inference.tiling import TiledMap, run_tiles, space_tiles
from tests.mtl.inference.blended_maps import CPU, blend_map
from tests.mtl.inference.seams import edge_jumps


@pytest.mark.parametrize("kind", ["gaussian", "hann"])
def test_weights_are_positive_symmetric_and_largest_in_the_middle(kind):
    weights = make_tile_weights(64, kind)
    assert weights.min() > 0 and weights.max() == 1
    torch.testing.assert_close(weights * weights[32, 32], weights[:, 32:33] * weights[32:33])  # down times across
    assert torch.allclose(weights, weights.flip(0)) and torch.allclose(weights, weights.T)
    assert weights.argmax() in (31 * 64 + 31, 31 * 64 + 32, 32 * 64 + 31, 32 * 64 + 32)


def test_constant_weights_and_gaussian_ones_without_their_floor_are_monais():
    constant, gaussian = (
        compute_importance_map((64, 64), kind, sigma_scale=1 / 8) for kind in ("constant", "gaussian")
    )
    assert torch.equal(make_tile_weights(64, "constant"), constant)
    ours, floor = make_tile_weights(64, "gaussian"), gaussian.min()
    torch.testing.assert_close(ours[ours > 2 * floor], (gaussian / gaussian.max())[ours > 2 * floor])
    assert ours.min() < floor / 3


@pytest.mark.parametrize("shape", [(64, 64), (97, 131), (33, 200), (1, 1)])
@pytest.mark.parametrize("kind", ["gaussian", "hann"])
def test_an_identity_network_survives_at_odd_sizes(shape, kind):
    inputs = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    out = blend_map(lambda x: {"a": x, "b": x[:, :1]}, inputs, np.ones(shape, bool), kind=kind)
    np.testing.assert_allclose(out["a"], inputs, atol=1e-5)
    np.testing.assert_allclose(out["b"], inputs[:1], atol=1e-5)


def uneven(x):
    """A network that answers differently at every place of a tile, so that blending matters."""
    ramp = torch.linspace(0, 1, x.shape[-1])
    return {"a": x[:, :1] * ramp + torch.nn.functional.avg_pool2d(x[:, :1], 5, 1, 2)}


@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_of_tiles_does_not_matter(seed):
    inputs = np.random.default_rng(1).normal(size=(1, 150, 110)).astype(np.float32)
    valid = np.ones(inputs.shape[1:], bool)
    tiled_map = TiledMap(lambda rows: inputs[:, rows], np.zeros(1, np.float32), valid)
    tiles = list(run_tiles(uneven, tiled_map, 64, 32, 4, CPU))
    np.random.default_rng(seed).shuffle(tiles)
    whole = TileBlender(
        (160, 128), make_tile_weights(64, "gaussian"), {"a": 1}
    )  # a band as high as the map takes any order
    for origin, tile in tiles:
        whole.add(origin, tile)
    ((_, rows),) = whole.finished_rows(160)
    np.testing.assert_allclose(rows["a"][:, :150, :110], blend_map(uneven, inputs, valid)["a"], atol=1e-5)


def test_rows_without_a_tile_are_nan_and_lose_no_others():
    valid = np.zeros((700, 64), bool)
    valid[[200, 600], 10] = True
    inputs = np.random.default_rng(3).normal(size=(1, 700, 64)).astype(np.float32)
    out = blend_map(lambda x: {"a": x}, inputs, valid)["a"]
    covered = np.isfinite(out[0, :, 0])
    assert np.flatnonzero(np.diff(covered)).tolist() == [191, 255, 543, 607]  # origins 192 and 544
    np.testing.assert_allclose(out[:, covered], inputs[:, covered], atol=1e-5)


def test_equals_monai_where_both_are_defined():
    # 192 = 64 + 4 * 32: MONAI's tiles then lie where ours do.
    inputs = np.random.default_rng(2).normal(size=(1, 192, 128)).astype(np.float32)
    ours = blend_map(uneven, inputs, np.ones(inputs.shape[1:], bool))["a"]
    theirs = sliding_window_inference(
        torch.from_numpy(inputs)[None],
        64,
        4,
        lambda x: uneven(x)["a"],
        overlap=0.5,
        roi_weight_map=make_tile_weights(64, "gaussian"),  # its own has a floor
    )
    np.testing.assert_allclose(ours, theirs[0].numpy(), atol=1e-5)


@pytest.mark.parametrize("kind", ["gaussian", "hann"])
def test_more_overlap_comes_closer_to_the_whole_map_at_once(kind):
    inputs = np.random.default_rng(4).normal(size=(1, 384, 256)).astype(np.float32)

    def blurred(x):  # sees 12 cells far, and nothing beyond a tile
        return {"a": torch.nn.functional.avg_pool2d(x, 25, 1, 12)}

    valid = np.ones(inputs.shape[1:], bool)
    at_once = blurred(torch.from_numpy(inputs))["a"].numpy()
    off = [
        np.abs(blend_map(blurred, inputs, valid, 128, stride, kind)["a"] - at_once).max() for stride in (128, 96, 64)
    ]
    assert off == sorted(off, reverse=True) and off[-1] < 0.05 * np.abs(at_once).max() < off[0]


def coarse(x):
    """A network that answers once per 32 cells, as the deepest features do."""
    return {"a": torch.nn.functional.interpolate(torch.nn.functional.avg_pool2d(x, 32), scale_factor=32)}


@pytest.mark.parametrize("moved", [(32, 0), (64, 96)])
def test_moving_the_map_by_multiples_of_the_encoders_stride_moves_the_result(moved):
    inputs = np.random.default_rng(5).normal(size=(1, 150, 117)).astype(np.float32)
    margin = np.pad(inputs, ((0, 0), (moved[0], 0), (moved[1], 0)))
    inside = np.ones(inputs.shape[1:], bool)
    for stride in (32, 64):
        first = blend_map(coarse, inputs, inside, stride=stride)["a"]
        second = blend_map(coarse, margin, np.pad(inside, ((moved[0], 0), (moved[1], 0))), stride=stride)["a"]
        np.testing.assert_allclose(second[:, moved[0] :, moved[1] :], first, atol=1e-6)


@pytest.mark.parametrize("kind", ["gaussian", "hann"])
@pytest.mark.parametrize("stride", [64, 96])
def test_tiles_that_contradict_each_other_leave_no_seam(kind, stride):
    rng = np.random.default_rng(7)
    tiles = {
        (row, col): torch.from_numpy(rng.normal(rng.normal(), 0.01, (1, 128, 128)))
        for row in space_tiles(300, 128, stride)
        for col in space_tiles(400, 128, stride)
    }
    jumps, expected = edge_jumps(tiles, make_tile_weights(128, kind), np.ones((300, 400), bool))
    assert jumps / expected < 1.02
    flat_jumps, expected = edge_jumps(tiles, torch.ones(128, 128), np.ones((300, 400), bool))
    assert flat_jumps / expected > 2


def test_a_nan_in_one_tile_does_not_spread():
    calls = []

    def broken(x):
        calls.append(1)
        return {"a": torch.full_like(x, torch.nan) if len(calls) == 1 else torch.ones_like(x)}

    inputs, valid = np.zeros((1, 64, 160), np.float32), np.ones((64, 160), bool)
    tiled_map = TiledMap(lambda rows: inputs[:, rows], np.zeros(1, np.float32), valid)
    tiles = run_tiles(broken, tiled_map, 64, 32, 1, CPU)
    ((_, band),) = blend_tiles(tiles, (64, 160), make_tile_weights(64, "gaussian"))
    out = band["a"][0]
    assert torch.isnan(out[:, :32]).all()  # covered by the broken tile alone
    torch.testing.assert_close(out[:, 32:], torch.ones(64, 128))
