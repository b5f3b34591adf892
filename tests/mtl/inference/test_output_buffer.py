"""Outputs written row by row are the same in memory and in files."""

import numpy as np
import pytest

from mtl.inference.output_buffer import OutputBuffer


@pytest.mark.parametrize("in_files", [False, True])
def test_rows_come_back_where_they_were_written(tmp_path, in_files):
    values = np.random.default_rng(0).normal(size=(2, 50, 30)).astype(np.float32)
    store = OutputBuffer(50, tmp_path / "out" if in_files else None)
    for top in range(0, 50, 20):
        store.write("a", top, values[:, top : top + 20])
        store.write("b", top, values[:1, top : top + 20])
    arrays = store.arrays()
    np.testing.assert_array_equal(arrays["a"], values)
    np.testing.assert_array_equal(arrays["b"], values[:1])
    assert sorted(path.name for path in tmp_path.rglob("*.npy")) == (["a.npy", "b.npy"] if in_files else [])
