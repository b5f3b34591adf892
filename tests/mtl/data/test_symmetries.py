"""Symmetries of the square: those of NumPy and torch, undone by their inverse, one encoding for both libraries."""

import numpy as np
import pytest
import torch

from mtl.data.symmetries import SYMMETRIES, d4_transform, invert_d4


@pytest.mark.parametrize(("turns", "flip"), SYMMETRIES["d4"])
def test_a_symmetry_is_so_many_quarter_turns_and_then_a_mirror(turns, flip):
    values = np.random.default_rng(0).random((2, 3, 5, 5), np.float32)
    expected = np.rot90(values, turns, axes=(-2, -1))
    expected = expected[..., ::-1] if flip else expected
    np.testing.assert_array_equal(d4_transform(values, turns, flip), expected)
    np.testing.assert_array_equal(d4_transform(torch.from_numpy(values), turns, flip).numpy(), expected)


@pytest.mark.parametrize("shape", [(1, 4, 4), (2, 3, 5)])
@pytest.mark.parametrize(("turns", "flip"), SYMMETRIES["d4"])
def test_the_inverse_undoes_a_symmetry(turns, flip, shape):
    values = torch.arange(np.prod(shape)).reshape(shape)
    assert torch.equal(invert_d4(d4_transform(values, turns, flip), turns, flip), values)


def test_the_eight_symmetries_differ_and_the_smaller_groups_are_among_them():
    square = np.arange(9).reshape(3, 3)
    assert len({d4_transform(square, *symmetry).tobytes() for symmetry in SYMMETRIES["d4"]}) == 8
    for name, order in (("none", 1), ("mirror", 2), ("flips", 4)):
        assert len(SYMMETRIES[name]) == order and set(SYMMETRIES[name]) <= set(SYMMETRIES["d4"])


def test_down_stays_down_in_a_mirror_and_no_symmetry_of_flips_swaps_rows_and_columns():
    rows = np.indices((4, 4))[0]
    assert all((d4_transform(rows, *s) == rows).all() for s in SYMMETRIES["mirror"])
    assert all(np.ptp(d4_transform(rows, *s), axis=1).max() == 0 for s in SYMMETRIES["flips"])
