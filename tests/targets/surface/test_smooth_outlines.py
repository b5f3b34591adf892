"""Smooth outlines: round where the surface is, around the same cells, with their area, and never through each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from targets.closure import contour_closures, find_closures, polygonize_closures
from targets.errors import UserError
from targets.surface.polygonize import polygonize_labels
from targets.surface.simplify_outlines import simplify_polygons
from targets.surface.smooth_outlines import smooth_rings

shapely = pytest.importorskip("shapely")
ROWS, COLS = np.mgrid[:81, :91]


def shape_of(polygons):
    """A feature in shapely, x = row."""
    return shapely.MultiPolygon([shapely.Polygon(polygon[0], polygon[1:]) for polygon in polygons])


def count_rings(polygons):
    return [len(polygon) for polygon in polygons]


@pytest.mark.parametrize(("height", "width"), [(30.0, 30.0), (12.0, 12.0), (14.0, 33.0)])
def test_a_cone_and_an_ellipsoid_have_the_outline_of_their_formula(height, width):
    far = np.hypot((ROWS - 40.3) / height, (COLS - 45.6) / width)
    ellipsoid = 20 - 20 * np.sqrt(np.maximum(1 - (far / 2) ** 2, 0))
    for surface, level in ((10 * np.minimum(far, 2), 10.0), (ellipsoid, 20 - 10 * np.sqrt(3))):
        inside = far < 1
        ((ring,),) = [polygon.rings for polygon in polygonize_labels(inside.astype(np.int32))]
        (smooth,) = smooth_rings([ring], np.array([0]), surface, np.array([level]))
        area = shape_of([[smooth]]).area
        assert area == pytest.approx(np.pi * height * width, rel=0.01)
        assert area == pytest.approx(inside.sum(), rel=1e-6)
        away = np.hypot((smooth[:, 0] - 40.3) / height, (smooth[:, 1] - 45.6) / width) - 1
        assert np.abs(away).max() * max(height, width) < 0.2  # cells; sides of cells are up to 0.7 away


@st.composite
def rough_maps(draw):
    """Small maps: smooth, in whole metres, or with holes; and how their closures are found."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    depth = ndimage.gaussian_filter(rng.normal(size=(16, 18)), draw(st.sampled_from([0.6, 1.0, 2.0]))) * 30
    if draw(st.booleans()):
        depth = np.round(depth)
    if draw(st.booleans()):
        depth[rng.random(depth.shape) < 0.05] = np.nan
    return depth, draw(st.sampled_from([None, 1.0])), draw(st.sampled_from([8, 4]))


@given(rough_maps(), st.sampled_from([0.0, 0.4, 2.0]))
@settings(max_examples=30, deadline=None)
def test_outlines_keep_cells_areas_and_apart(rough, tolerance):
    depth, interval, connectivity = rough
    found = find_closures(depth, contour_interval=interval, connectivity=connectivity)
    smooth, cells = contour_closures(found), polygonize_closures(found)
    assert [count_rings(smooth[key]) for key in cells] == [count_rings(polygons) for polygons in cells.values()]
    simple = dict(zip(smooth, simplify_polygons(list(smooth.values()), tolerance), strict=True))
    assert {key: count_rings(polygons) for key, polygons in simple.items()} == {
        key: count_rings(polygons) for key, polygons in smooth.items()
    }
    centres = shapely.points(*np.indices(depth.shape).reshape(2, -1)).reshape(depth.shape)
    for outlines in (smooth, simple):
        shapes = {key: shape_of(polygons) for key, polygons in outlines.items()}
        assert all(shape.is_valid for shape in shapes.values())
        roots = [shapes[key] for key in found.table["id"][found.table["parent"] == 0]]
        assert shapely.unary_union(roots).area == pytest.approx(sum(shape.area for shape in roots))  # no overlap
        for row in found.table[found.table["parent"] > 0]:
            assert shapely.covers(shapes[row["parent"]].buffer(1e-9), shapes[row["id"]])
    for row in found.table[found.table["parent"] == 0]:
        shape = shape_of(smooth[row["id"]])
        np.testing.assert_array_equal(shapely.contains(shape, centres), found.labels == row["id"])


def test_an_outline_in_whole_metres_is_not_half_a_cell_too_wide():
    far = np.hypot(ROWS - 40, COLS - 45)
    found = find_closures(np.minimum(np.round(far), 35))
    (row,) = found.table
    assert shape_of(contour_closures(found)[1]).area == pytest.approx(row["area"], rel=1e-6)


def test_sides_at_the_edge_of_the_map_stay():
    depth = np.array([[1.0, 2, 9], [1, 2, 9], [1, 2, 9]])
    found = find_closures(depth, edge="closed")
    (((ring,),),) = contour_closures(found).values()
    assert ring[:, 1].min() == -0.5 and ring[:, 0].min() == -0.5


def test_nothing_has_no_outline_and_a_tolerance_is_a_distance():
    flat = find_closures(np.zeros((3, 3)))
    assert contour_closures(flat) == {} and simplify_polygons([], 5.0) == []
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(UserError, match="--simplify"):
            simplify_polygons([], wrong)
