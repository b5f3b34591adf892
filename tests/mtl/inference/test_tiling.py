"""Laws of tiled blending: an identity network survives, order does not matter, MONAI gives the same."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.inferers import sliding_window_inference

from mtl.config import STRIDE
from mtl.data.crop import cut
from mtl.inference.tiling import Blend, blend_tiles, padded_length, run_tiles, tile_origins, tile_places, tile_weights
from targets.errors import UserError
from tests.mtl.inference.seams import edge_jumps


@given(st.integers(1, 900), st.sampled_from([64, 128, 256]), st.sampled_from([32, 64, 96]))
@settings(max_examples=200, deadline=None)
def test_tiles_cover_the_side_without_gaps_on_multiples_of_32(length, window, stride):
    origins = tile_origins(length, window, min(stride, window))
    steps = np.diff(origins)
    assert origins[0] == 0
    assert origins[-1] + window == padded_length(length, window) >= length
    assert all(origin % 32 == 0 for origin in origins)
    assert (steps > 0).all() and (steps <= stride).all()
    assert not len(steps) or steps.max() - steps.min() <= 32  # evenly spread, no crammed last tile


@pytest.mark.parametrize(("window", "stride"), [(100, 64), (256, 50), (64, 96), (0, 32), (64, 0)])
def test_tile_sizes_off_the_encoders_grid_are_refused(window, stride):
    with pytest.raises(UserError):
        tile_origins(500, window, stride)


@pytest.mark.parametrize("kind", ["gaussian", "hann"])
def test_weights_are_positive_symmetric_and_largest_in_the_middle(kind):
    weights = tile_weights(64, kind)
    assert weights.min() > 0 and weights.max() == 1
    torch.testing.assert_close(weights * weights[32, 32], weights[:, 32:33] * weights[32:33])  # down times across
    assert torch.allclose(weights, weights.flip(0)) and torch.allclose(weights, weights.T)
    assert weights.argmax() in (31 * 64 + 31, 31 * 64 + 32, 32 * 64 + 31, 32 * 64 + 32)


CPU = torch.device("cpu")


def blend(net, inputs, valid, window=64, stride=32, kind="gaussian"):
    """{name: (C, H, W)} of a map, and the first rows of the bands it came in."""
    outside = np.zeros(len(inputs), np.float32)
    tiles = run_tiles(net, lambda rows: inputs[:, rows], outside, valid, window, stride, 4, CPU)
    padded = tuple(padded_length(n, window) for n in valid.shape)
    tops, bands = zip(*blend_tiles(tiles, padded, tile_weights(window, kind)), strict=True)
    lengths = [next(iter(band.values())).shape[1] for band in bands]
    assert list(tops) == [sum(lengths[:i]) for i in range(len(lengths))] and sum(lengths) == padded[0]
    assert max(lengths) <= window
    height, width = valid.shape
    return {name: torch.cat([band[name] for band in bands], 1)[:, :height, :width].numpy() for name in bands[0]}


@pytest.mark.parametrize("shape", [(64, 64), (97, 131), (33, 200), (1, 1)])
@pytest.mark.parametrize("kind", ["gaussian", "hann"])
def test_an_identity_network_survives_at_odd_sizes(shape, kind):
    inputs = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    out = blend(lambda x: {"a": x, "b": x[:, :1]}, inputs, np.ones(shape, bool), kind=kind)
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
    tiles = list(run_tiles(uneven, lambda rows: inputs[:, rows], np.zeros(1, np.float32), valid, 64, 32, 4, CPU))
    np.random.default_rng(seed).shuffle(tiles)
    whole = Blend((160, 128), tile_weights(64, "gaussian"), {"a": 1})  # a band as high as the map takes any order
    for origin, tile in tiles:
        whole.add(origin, tile)
    ((_, rows),) = whole.rows(160)
    np.testing.assert_allclose(rows["a"][:, :150, :110], blend(uneven, inputs, valid)["a"], atol=1e-5)


def test_rows_without_a_tile_are_nan_and_lose_no_others():
    valid = np.zeros((700, 64), bool)
    valid[[200, 600], 10] = True
    inputs = np.random.default_rng(3).normal(size=(1, 700, 64)).astype(np.float32)
    out = blend(lambda x: {"a": x}, inputs, valid)["a"]
    covered = np.isfinite(out[0, :, 0])
    assert np.flatnonzero(np.diff(covered)).tolist() == [191, 255, 543, 607]  # origins 192 and 544
    np.testing.assert_allclose(out[:, covered], inputs[:, covered], atol=1e-5)


def test_each_row_of_the_map_is_read_once_per_row_of_tiles():
    asked = []

    def read(rows):
        asked.append((rows.start, rows.stop))
        return np.zeros((1, 128, 640), np.float32)[:, rows]

    list(run_tiles(lambda x: {"a": x}, read, np.zeros(1), np.ones((128, 640), bool), 64, 32, 4, CPU))
    assert asked == [(0, 64), (32, 96), (64, 128)]


def test_equals_monai_where_both_are_defined():
    # 192 = 64 + 4 * 32: MONAI's tiles then lie where ours do.
    inputs = np.random.default_rng(2).normal(size=(1, 192, 128)).astype(np.float32)
    ours = blend(uneven, inputs, np.ones(inputs.shape[1:], bool))["a"]
    theirs = sliding_window_inference(
        torch.from_numpy(inputs)[None],
        64,
        4,
        lambda x: uneven(x)["a"],
        overlap=0.5,
        roi_weight_map=tile_weights(64, "gaussian"),  # its own has a floor
    )
    np.testing.assert_allclose(ours, theirs[0].numpy(), atol=1e-5)


@pytest.mark.parametrize("kind", ["gaussian", "hann"])
def test_more_overlap_comes_closer_to_the_whole_map_at_once(kind):
    inputs = np.random.default_rng(4).normal(size=(1, 384, 256)).astype(np.float32)

    def blurred(x):  # sees 12 cells far, and nothing beyond a tile
        return {"a": torch.nn.functional.avg_pool2d(x, 25, 1, 12)}

    valid = np.ones(inputs.shape[1:], bool)
    at_once = blurred(torch.from_numpy(inputs))["a"].numpy()
    off = [np.abs(blend(blurred, inputs, valid, 128, stride, kind)["a"] - at_once).max() for stride in (128, 96, 64)]
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
        first = blend(coarse, inputs, inside, stride=stride)["a"]
        second = blend(coarse, margin, np.pad(inside, ((moved[0], 0), (moved[1], 0))), stride=stride)["a"]
        np.testing.assert_allclose(second[:, moved[0] :, moved[1] :], first, atol=1e-6)


@pytest.mark.parametrize("kind", ["gaussian", "hann"])
@pytest.mark.parametrize("stride", [64, 96])
def test_tiles_that_contradict_each_other_leave_no_seam(kind, stride):
    rng = np.random.default_rng(7)
    tiles = {
        (row, col): torch.from_numpy(rng.normal(rng.normal(), 0.01, (1, 128, 128)))
        for row in tile_origins(300, 128, stride)
        for col in tile_origins(400, 128, stride)
    }
    jumps, expected = edge_jumps(tiles, tile_weights(128, kind), np.ones((300, 400), bool))
    assert jumps / expected < 1.02
    flat_jumps, expected = edge_jumps(tiles, torch.ones(128, 128), np.ones((300, 400), bool))
    assert flat_jumps / expected > 2


def test_tiles_without_a_valid_cell_are_not_run_and_stay_nan():
    valid = np.zeros((256, 256), bool)
    valid[:40, :40] = True
    seen = []
    out = blend(lambda x: seen.append(len(x)) or {"a": x}, np.zeros((1, 256, 256), np.float32), valid)
    assert sum(seen) == 1
    assert np.isfinite(out["a"][0][valid]).all() and np.isnan(out["a"][0, -1, -1])


def test_batches_shrink_until_they_fit_and_no_tile_is_lost():
    inputs = np.random.default_rng(4).normal(size=(1, 128, 160)).astype(np.float32)
    sizes = []

    def small(x):
        sizes.append(len(x))
        if len(x) > 1:
            raise torch.OutOfMemoryError
        return {"a": x}

    out = blend(small, inputs, np.ones(inputs.shape[1:], bool))["a"]
    np.testing.assert_allclose(out, inputs, atol=1e-5)
    assert sizes == [4, 2] + [1] * 12


def test_a_nan_in_one_tile_does_not_spread():
    calls = []

    def broken(x):
        calls.append(1)
        return {"a": torch.full_like(x, torch.nan) if len(calls) == 1 else torch.ones_like(x)}

    inputs, valid = np.zeros((1, 64, 160), np.float32), np.ones((64, 160), bool)
    tiles = run_tiles(broken, lambda rows: inputs[:, rows], np.zeros(1, np.float32), valid, 64, 32, 1, CPU)
    ((_, band),) = blend_tiles(tiles, (64, 160), tile_weights(64, "gaussian"))
    out = band["a"][0]
    assert torch.isnan(out[:, :32]).all()  # covered by the broken tile alone
    torch.testing.assert_close(out[:, 32:], torch.ones(64, 128))


def test_a_patch_beyond_the_map_is_filled_per_channel():
    patch = cut(np.ones((2, 3, 3), np.float32), (1, 2), 4, [7, -1])
    np.testing.assert_array_equal(patch[0], [[1, 7, 7, 7], [1, 7, 7, 7], [7, 7, 7, 7], [7, 7, 7, 7]])
    assert patch[1, 3, 3] == -1


def covered(mask, places, window):
    seen = np.zeros(mask.shape, bool)
    for row, col in places:
        seen[row : row + window, col : col + window] = True
    return (seen | ~mask).all()


@pytest.mark.parametrize("seed", range(20))
def test_tiles_cover_a_map_of_any_shape_and_move_with_it(seed):
    random = np.random.default_rng(seed)
    mask = np.zeros((416, 480), bool)
    for _ in range(3):
        (top, low), (left, right) = np.sort(random.integers(0, 320, 2)), np.sort(random.integers(0, 352, 2))
        mask[top : low + 1, left : right + 1] = True
    places = tile_places(mask, 128, 96)
    assert covered(mask, places, 128) and len(set(places)) == len(places)
    assert all(value % STRIDE == 0 for place in places for value in place)
    moved = np.roll(mask, (64, 96), (0, 1))
    assert covered(moved, tile_places(moved, 128, 96), 128)
    assert all(row <= 416 - 128 and col <= 480 - 128 for row, col in tile_places(moved, 128, 96))


def test_tiles_follow_a_slanting_map():
    rows, cols = np.indices((512, 512))
    band = abs(rows - cols) < 60
    assert len(tile_places(np.ones((512, 512), bool), 128, 64)) == 49
    places = tile_places(band, 128, 64)
    assert len(places) == 19 and covered(band, places, 128)
