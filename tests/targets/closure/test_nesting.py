"""Innermost closures and outlines of nested ones equal those that are found closure by closure."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from scipy import ndimage

from targets.closure import areas_of_labels, cells_of, find_closures, find_nesting, polygonize_nested
from targets.surface.polygonize import polygonize_labels
from tests.targets.closure.cases import maps, rough

OPTIONS = [{}, {"contour_interval": 1.5}, {"connectivity": 4}, {"edge": "closed", "contour_interval": 0.7}]


def check_nesting(found) -> None:
    """Every closure consists of its own cells and those of the closures inside it, and is outlined exactly."""
    nesting = find_nesting(found)
    places = nesting.places()
    weights = np.random.default_rng(0).random(places.shape)
    sums, polygons = nesting.sums(weights), polygonize_nested(found)
    assert set(polygons) == set(found.table["id"][found.table["parent"] > 0])
    for k, row in enumerate(found.table):
        cells = cells_of(found, k + 1)
        np.testing.assert_array_equal((places >= nesting.first[k]) & (places < nesting.last[k]), cells)
        assert sums[k] == pytest.approx(weights[cells].sum())
        if row["parent"]:
            expected = [polygon.rings for polygon in polygonize_labels(cells.astype(np.int8))]
            shapes = polygons[k + 1]
            assert [len(rings) for rings in shapes] == [len(rings) for rings in expected]
            for ring, other in zip(chain(*shapes), chain(*expected), strict=True):
                np.testing.assert_array_equal(ring, other)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("seed", range(2))
def test_rough_maps(seed: int, options: dict) -> None:
    check_nesting(find_closures(rough(seed, (18, 20)), **options))
    noise = np.round(np.random.default_rng(seed).normal(size=(20, 20)) * 3 + np.hypot(*(np.indices((20, 20)) - 10)))
    check_nesting(find_closures(noise.astype(np.float32), **options))  # many cells that touch by corners, many holes


@given(maps())
@settings(max_examples=60, deadline=None)
def test_maps_of_every_kind(case) -> None:
    depth, options = case
    check_nesting(find_closures(depth, **options))


def test_a_map_without_nested_closures() -> None:
    found = find_closures([[9, 9, 9, 9], [9, 3, 5, 7], [9, 9, 9, 9]])
    assert polygonize_nested(found) == {}
    assert find_nesting(found).innermost.tolist() == found.labels.tolist()
    nothing = find_closures(np.arange(12.0).reshape(3, 4))
    assert polygonize_nested(nothing) == {} and find_nesting(nothing).sums(np.ones((3, 4))).tolist() == []


def test_outlines_of_deeply_nested_closures_take_time_like_their_length() -> None:
    """A thousand closures, one inside the other: sides and corners of all of them are seen once."""
    size = 230
    rows, cols = np.indices((size, size)) / size
    noise = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(size, size)), 2)
    found = find_closures((noise * 30 + 200 * np.hypot(rows - 0.5, cols - 0.5)).astype(np.float32))
    polygons = polygonize_nested(found)
    assert len(polygons) > 500
    for key in list(polygons)[::97]:
        area = sum(_area(ring) for rings in polygons[key] for ring in rings)
        assert area == found.table["area"][key - 1]


def _area(ring: np.ndarray) -> float:
    row, col = ring.T
    return float((col[:-1] * row[1:] - col[1:] * row[:-1]).sum()) / 2


def test_areas_of_labels() -> None:
    labels = np.array([[1, 1, -1], [0, 3, 3]])
    assert areas_of_labels(labels, np.full((1, 1), 2.0)).tolist() == [4, 0, 4]
    assert areas_of_labels(labels, np.array([[1.0], [10.0]]), count=4).tolist() == [2, 0, 20, 0]
