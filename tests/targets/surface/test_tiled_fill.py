"""Voids filled window by window are those filled in memory, cell by cell."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from targets.surface import tiled_fill
from targets.surface.fill import fill_holes
from targets.surface.outline import inside_of_map
from targets.surface.tiled_fill import fill_tiled


def with_voids(seed: int) -> NDArray[np.float32]:
    """A surface with gaps of faults, holes, islands of data, ragged borders and bays."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(20, 130, 2))
    depth = ndimage.gaussian_filter(rng.normal(size=shape), 3) * 300 + 2000
    row, col = np.indices(shape)
    for _ in range(rng.integers(1, 9)):
        r, c, size = rng.integers(shape[0]), rng.integers(shape[1]), rng.integers(1, 25)
        kind = rng.integers(4)
        if kind == 0:
            depth[np.hypot(row - r, col - c) < size] = np.nan
        elif kind == 1:
            depth[np.abs(row - r + (col - c) * rng.normal()) < size / 8] = np.nan
        elif kind == 2:
            depth[np.abs(np.hypot(row - r, col - c) - size) < 1.2] = np.nan  # an island of data
        else:
            depth[rng.random(shape) < 0.02 * rng.random()] = np.nan
    if rng.random() < 0.5:
        depth[row + col < rng.integers(5, 60)] = np.nan
    depth[rng.integers(shape[0]), rng.integers(shape[1])] = 2000
    return depth.astype(np.float32)


def filled_in_memory(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    known = np.isfinite(depth)
    inside = inside_of_map(known)
    return np.where(inside, fill_holes(depth, known, inside), np.float32(np.nan))


def check(seed: int, notes: Path) -> None:
    depth = with_voids(seed)
    extent = float(np.nanmin(depth)), float(np.nanmax(depth))
    side = int(np.random.default_rng(seed).integers(7, 60))
    found = fill_tiled(depth, extent, side, notes, threads=2)
    np.testing.assert_array_equal(found[:, :], filled_in_memory(depth))


@pytest.mark.parametrize("seed", range(25))
def test_windows_do_not_matter(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)


@pytest.mark.soak
def test_windows_do_not_matter_on_hundreds_of_maps(tmp_path: Path) -> None:
    for seed in range(100, 500):
        check(seed, tmp_path)


def test_a_spiral_of_data_across_all_windows(tmp_path: Path) -> None:
    """What is enclosed can only be told by following the gap from window to window."""
    row, col = np.indices((120, 120))
    angle, radius = np.arctan2(row - 60, col - 60), np.hypot(row - 60, col - 60)
    arm = (radius / 18 - angle / (2 * np.pi)) % 1 < 0.4
    depth = np.where(arm & (radius > 8), 1000 + radius, np.nan).astype(np.float32)
    for closed in (False, True):
        if closed:
            depth[np.abs(radius - 57) < 2] = 1057
        extent = float(np.nanmin(depth)), float(np.nanmax(depth))
        found = fill_tiled(depth, extent, 16, tmp_path)[:, :]
        np.testing.assert_array_equal(found, filled_in_memory(depth))
        assert np.isfinite(found[60, 60]) == closed


def test_a_full_map_is_left_alone_and_a_huge_void_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    depth = np.ones((90, 90), np.float32)
    assert fill_tiled(depth, (1.0, 1.0), 20, tmp_path) is depth
    depth[20:70, 30:60] = np.nan
    monkeypatch.setattr(tiled_fill, "MAX_VOID", 80 * 80)
    with pytest.raises(tiled_fill.UserError, match="a void over 64 x 48 cells"):
        fill_tiled(depth, (1.0, 1.0), 20, tmp_path)
