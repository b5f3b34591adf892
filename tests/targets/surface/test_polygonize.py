"""Outlines of cells: their area is that of the cells, and no ring meets itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from targets.surface.polygonize import polygonize_labels


def area_of(ring):
    (row, col), (next_row, next_col) = ring[:-1].T, ring[1:].T
    return float((col * next_row - next_col * row).sum()) / 2


def test_one_cell_is_a_square_around_its_centre() -> None:
    labels = np.zeros((4, 5), np.int32)
    labels[2, 3] = 7
    (polygon,) = polygonize_labels(labels)
    assert polygon.label == 7 and len(polygon.rings) == 1 and polygon.area == 1
    ring = polygon.rings[0]
    assert {tuple(point) for point in ring.tolist()} == {(1.5, 2.5), (1.5, 3.5), (2.5, 3.5), (2.5, 2.5)}
    assert len(ring) == 5 and (ring[0] == ring[-1]).all()


def test_a_hole_that_touches_the_outline_at_a_corner_is_a_ring_of_its_own() -> None:
    cells = np.array(
        [[1, 1, 1, 0], [1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 1]]
    )  # the hole (1, 1) touches the hole (2, 2)
    (polygon,) = polygonize_labels(cells)
    assert [area_of(ring) for ring in polygon.rings] == [14, -1, -1]
    bitten = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]])  # the hole meets the bay at a corner
    (polygon,) = polygonize_labels(bitten)
    assert [area_of(ring) for ring in polygon.rings] == [8, -1]


def test_cells_that_touch_at_a_corner_are_two_polygons_and_straight_points_are_left_out() -> None:
    labels = np.array([[3, 3, 0], [0, 0, 3], [2, 0, 0]])
    assert [(p.label, len(p.rings[0])) for p in polygonize_labels(labels)] == [(2, 5), (3, 5), (3, 5)]
    assert polygonize_labels(np.zeros((3, 3), np.int32)) == []


@settings(max_examples=60, deadline=None)
@given(arrays(np.int8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 2)))
def test_polygons_are_valid_and_cover_their_cells(labels) -> None:
    shapely = pytest.importorskip("shapely")
    found = [
        (p.label, shapely.Polygon(p.rings[0][:, ::-1], [ring[:, ::-1] for ring in p.rings[1:]]))
        for p in polygonize_labels(labels)
    ]
    assert all(shape.is_valid for _, shape in found)
    for label in (1, 2):
        whole = shapely.MultiPolygon([shape for key, shape in found if key == label])
        assert whole.is_valid and whole.area == (labels == label).sum()
        for row, col in np.argwhere(labels == label):
            assert whole.contains(shapely.Point(col, row))
