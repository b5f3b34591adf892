"""Outline of a map: thin gaps and closed holes lie inside, bays outside."""

import numpy as np

from targets.surface.outline import inside_of_map


def test_thin_gaps_and_closed_holes_are_voids_and_bays_are_outside() -> None:
    known = np.ones((60, 80), bool)
    known[:, 30:34] = False  # a gap from edge to edge
    known[20:35, 50:65] = False  # a closed hole, wide
    known[45:, :12] = False  # a bay, with a right-angled corner
    known[0, 70] = False  # a notch
    inside = np.ones_like(known)
    inside[45:, :12] = False
    np.testing.assert_array_equal(inside_of_map(known), inside)
    np.testing.assert_array_equal(inside_of_map(known.T), inside.T)
    np.testing.assert_array_equal(inside_of_map(known[::-1, ::-1]), inside[::-1, ::-1])


def test_a_gap_wider_than_twice_the_radius_is_outside() -> None:
    for width, closed in [(6, True), (7, False)]:
        known = np.ones((30, 40), bool)
        known[:, 10 : 10 + width] = False
        assert inside_of_map(known, radius=3).all() == closed
    assert not inside_of_map(np.zeros((4, 4), bool)).any()


def test_the_voids_of_fangst_are_thin(shared_data) -> None:
    depth = np.load(shared_data / "fangst" / "top_fangst.npz")["depth"]
    known = ~np.isnan(depth)
    inside = inside_of_map(known)
    voids = inside & ~known
    assert voids.sum() == 192  # of 1000 cells without a depth; the rest are three cut-off corners
    assert not inside[0, 0] and not inside[-1, 0] and not inside[-1, -1] and inside[0, -1]
