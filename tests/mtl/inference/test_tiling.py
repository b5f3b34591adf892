"""Laws of tiling: tiles cover a map of any shape without gaps, are read once, and run in batches that fit."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl.config import STRIDE
from mtl.data.crop import crop
from mtl.inference.tiling import TiledMap, pad_length, place_tiles, run_tiles, space_tiles
from targets.errors import UserError
from tests.mtl.inference.blended_maps import CPU, blend_map


@given(st.integers(1, 900), st.sampled_from([64, 128, 256]), st.sampled_from([32, 64, 96]))
@settings(max_examples=200, deadline=None)
def test_tiles_cover_the_side_without_gaps_on_multiples_of_32(length, window, stride):
    origins = space_tiles(length, window, min(stride, window))
    steps = np.diff(origins)
    assert origins[0] == 0
    assert origins[-1] + window == pad_length(length, window) >= length
    assert all(origin % 32 == 0 for origin in origins)
    assert (steps > 0).all() and (steps <= stride).all()
    assert not len(steps) or steps.max() - steps.min() <= 32  # evenly spread, no crammed last tile


@pytest.mark.parametrize(("window", "stride"), [(100, 64), (256, 50), (64, 96), (0, 32), (64, 0)])
def test_tile_sizes_off_the_encoders_grid_are_refused(window, stride):
    with pytest.raises(UserError):
        space_tiles(500, window, stride)


def test_each_row_of_the_map_is_read_once_per_row_of_tiles():
    asked = []

    def read(rows):
        asked.append((rows.start, rows.stop))
        return np.zeros((1, 128, 640), np.float32)[:, rows]

    tiled_map = TiledMap(read, np.zeros(1, np.float32), np.ones((128, 640), bool))
    list(run_tiles(lambda x: {"a": x}, tiled_map, 64, 32, 4, CPU))
    assert asked == [(0, 64), (32, 96), (64, 128)]


def test_tiles_without_a_valid_cell_are_not_run_and_stay_nan():
    valid = np.zeros((256, 256), bool)
    valid[:40, :40] = True
    seen = []
    out = blend_map(lambda x: seen.append(len(x)) or {"a": x}, np.zeros((1, 256, 256), np.float32), valid)
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

    out = blend_map(small, inputs, np.ones(inputs.shape[1:], bool))["a"]
    np.testing.assert_allclose(out, inputs, atol=1e-5)
    assert sizes == [4, 2] + [1] * 12


def test_a_patch_beyond_the_map_is_filled_per_channel():
    patch = crop(np.ones((2, 3, 3), np.float32), (1, 2), 4, [7, -1])
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
    places = place_tiles(mask, 128, 96)
    assert covered(mask, places, 128) and len(set(places)) == len(places)
    assert all(value % STRIDE == 0 for place in places for value in place)
    moved = np.roll(mask, (64, 96), (0, 1))
    assert covered(moved, place_tiles(moved, 128, 96), 128)
    assert all(row <= 416 - 128 and col <= 480 - 128 for row, col in place_tiles(moved, 128, 96))


def test_tiles_follow_a_slanting_map():
    rows, cols = np.indices((512, 512))
    band = abs(rows - cols) < 60
    assert len(place_tiles(np.ones((512, 512), bool), 128, 64)) == 49
    places = place_tiles(band, 128, 64)
    assert len(places) == 19 and covered(band, places, 128)
