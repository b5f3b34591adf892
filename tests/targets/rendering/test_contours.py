"""Contours: they lie where the depth crosses them, with their widths, dashes and labels."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from targets.rendering.contours import split_into_dashes, trace_contours
from targets.rendering.map import render
from targets.rendering.style import Style
from targets.scene import GeoReference, Scene

PLAIN = Style(contour_width=0)


def ramp(rows: int = 60, cols: int = 101, geo: GeoReference = GeoReference()) -> Scene:  # noqa: B008 (frozen)
    """Depth 1000 m in column 0, one metre deeper per column; the first 10 rows lie outside the map."""
    depth = np.tile(1000 + np.arange(cols, dtype=np.float32), (rows, 1))
    inside = np.ones((rows, cols), bool)
    inside[:10] = False
    return Scene("ramp", depth, inside, inside.copy(), np.zeros_like(inside), geo=geo)


def test_contours_lie_where_the_depth_crosses_multiples_of_the_interval():
    style = Style(contour_interval=20.0, contour_base=7.0)
    ink = (render(scene := ramp(), style) != render(scene, PLAIN)).any(axis=2)
    columns = np.flatnonzero(ink[20:].any(axis=0))
    levels = np.array([7, 27, 47, 67, 87])  # 1000 is a multiple of 20: depths 1007, 1027, ...
    assert set(levels) <= set(columns)
    assert np.abs(columns[:, None] - levels).min(axis=1).max() <= 1


def test_a_contour_between_two_cells_inks_both():
    picture = render(scene := ramp(), Style(contour_interval=50.0, contour_base=0.5))
    dark = render(scene, PLAIN)[30].astype(int).sum(axis=1) - picture[30].astype(int).sum(axis=1)
    assert dark[50] > 0 and abs(dark[50] - dark[51]) < 60


def test_every_fifth_contour_is_stronger():
    scene = ramp(geo=GeoReference(contour_interval=10.0))
    loss = render(scene, PLAIN).astype(int).sum(axis=(0, 2)) - render(scene).astype(int).sum(axis=(0, 2))
    strong, weak = loss[49:52].sum(), loss[39:42].sum()  # 1050 = 5 x 210
    assert strong > 1.2 * weak > 0


def test_contours_lie_at_their_depth_however_the_map_is_cut_into_blocks():
    rng = np.random.default_rng(0)
    scene = ramp(300, 290)
    scene = scene.replace(depth=(scene.depth + 5 * rng.standard_normal((300, 290)).cumsum(0) / 9).astype(np.float32))
    whole = trace_contours(scene.depth, scene.map_valid, 20.0, 0.0, block=1000)
    parts = trace_contours(scene.depth, scene.map_valid, 20.0, 0.0, block=64)

    def length(pieces):
        return sum(np.hypot(*np.diff(line, axis=0).T).sum() for _, line in pieces)

    assert length(parts) == pytest.approx(length(whole))
    for level, line in parts:  # contour corners lie on the lines between two cells, where bilinear is linear
        assert map_coordinates(scene.depth, line.T[::-1], float, order=1) == pytest.approx(level, abs=1e-2)


def test_labels_are_written_on_large_maps():
    labelled = render(ramp(250, 300), Style(contour_labels=True))
    assert (labelled != render(ramp(250, 300), Style())).any()
    assert (labelled != render(ramp(250, 300), Style(contour_labels=True, align_labels=True))).any()
    assert np.array_equal(render(ramp(), Style(contour_labels=True)), render(ramp(), Style()))  # too small to be read


def test_index_contours_come_as_often_as_asked():
    scene = ramp(geo=GeoReference(contour_interval=10.0))

    def strong(**how):
        bare, lined = (render(scene, style)[10:].sum(axis=(0, 2), dtype=int) for style in (PLAIN, Style(**how)))
        loss = 1 - lined / bare
        at = np.array([loss[x - 1 : x + 2].sum() for x in range(10, 100, 10)])
        return (np.flatnonzero(at > 1.2 * np.median(at)) + 1) * 10

    assert strong(index_every=3).tolist() == [20, 50, 80]  # 1020 = 3 x 340
    assert strong(index_every=0).tolist() == []


def test_contours_have_their_colour_and_their_dashes():
    scene = ramp(geo=GeoReference(contour_interval=25.0))
    red = render(scene, Style(contour_colour=(200, 0, 0), contour_width=1.5, index_every=0))[20:, 25].astype(int)
    assert (np.abs(red - (200, 0, 0)).max(axis=1) < 60).all()
    whole = (render(scene, Style(index_every=0)) != render(scene, PLAIN)).any(axis=2)[20:, 25]
    some = (render(scene, Style(index_every=0, dashed_contours=True)) != render(scene, PLAIN)).any(axis=2)[20:, 25]
    assert whole.all() and 0.3 < some.mean() < 0.9
    pieces = split_into_dashes(np.stack([np.arange(23.0), np.zeros(23)], axis=1))
    assert [piece[[0, -1], 0].tolist() for piece in pieces] == [[0, 4], [10, 14], [20, 22]]
