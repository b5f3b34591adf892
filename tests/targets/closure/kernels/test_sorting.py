"""The radix sort is a stable sort of depths and cells."""

import numpy as np
import pytest

from targets.closure.kernels.sorting import order_by_cell, order_by_depth, sort_keys


@pytest.mark.parametrize("kind", [np.uint32, np.uint64])
@pytest.mark.parametrize("bits", [1, 11, 12, 31])
def test_it_sorts_as_numpy_does(kind: type, bits: int) -> None:
    keys = np.random.default_rng(bits).integers(0, 2**bits, 3000).astype(kind)
    kept = keys.copy()
    order = sort_keys(keys, np.empty(keys.size, np.int32))
    assert (order == np.argsort(keys, kind="stable")).all() and (keys == kept).all()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_depths_of_both_signs(kind: type) -> None:
    depth = np.random.default_rng(1).integers(-50, 50, 2000).astype(kind) / kind(7)
    depth[::3] *= kind(1e-30)
    assert (order_by_depth(depth) == np.argsort(depth, kind="stable")).all()
    assert order_by_depth(np.array([0.0, -0.0, -1.0], kind)).tolist() == [2, 0, 1]
    assert order_by_depth(np.array([], kind)).tolist() == []


def test_cells_beyond_32_bits() -> None:
    assert order_by_cell(np.array([2**40, 5, 2**35])).tolist() == [1, 2, 0]
