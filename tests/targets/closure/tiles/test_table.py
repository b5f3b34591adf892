"""Rows of all tiles are numbered in the order of the whole map, a range of depths at a time."""

import numpy as np
import pytest

from targets.closure.tiles import table


@pytest.mark.parametrize("chunk", [64, 2**22])
def test_numbers_follow_depth_then_cell_whatever_the_source(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "CHUNK", chunk)
    rng = np.random.default_rng(0)
    depth, cell = rng.integers(0, 40, 500).astype(np.uint32), rng.permutation(500).astype(np.uint64)
    source = rng.integers(0, 4, 500)
    order = np.lexsort([cell, depth])
    parts = [order[source[order] == k] for k in range(4)]
    numbers = table.number_rows([depth[p] for p in parts], [cell[p] for p in parts], 7)
    expected = np.empty(500, int)
    expected[order] = np.arange(7, 507)
    assert all((found == expected[p]).all() for found, p in zip(numbers, parts, strict=True))
