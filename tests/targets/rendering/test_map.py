"""The renderer: blue deep, red high, white outside, contours where the depth crosses them, faults on their cells."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from targets.errors import UserError
from targets.rendering.contours import trace_contours, split_into_dashes
from targets.rendering.map import contact_sheet, with_rendered_picture, render
from targets.rendering.palettes import PALETTES
from targets.rendering.style import BROWN, Style
from targets.scene import GeoReference, Scene
from targets.surface.contour_interval import nice_interval

PLAIN = Style(contour_width=0)


def ramp(rows: int = 60, cols: int = 101, geo: GeoReference = GeoReference()) -> Scene:  # noqa: B008 (frozen)
    """Depth 1000 m in column 0, one metre deeper per column; the first 10 rows lie outside the map."""
    depth = np.tile(1000 + np.arange(cols, dtype=np.float32), (rows, 1))
    inside = np.ones((rows, cols), bool)
    inside[:10] = False
    return Scene("ramp", depth, inside, inside.copy(), np.zeros_like(inside), geo=geo)


@pytest.mark.parametrize("name", PALETTES)
def test_high_is_red_and_deep_is_blue(name):
    picture = render(ramp(), replace(PLAIN, palette=name)).astype(int)
    high, deep = picture[30, 0], picture[30, 100]
    assert high[0] > high[2] + 40 and deep[2] > deep[0] + 40
    assert picture.shape == (60, 101, 3) and (picture[:10] == 255).all()


def test_colours_are_scaled_by_each_maps_own_relief():
    scene = ramp()
    stretched = scene.replace(depth=(scene.depth * 7 - 300).astype(np.float32))
    assert np.array_equal(render(scene, PLAIN), render(stretched, PLAIN))


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


def test_fault_cells_are_brown_and_drawn_wider():
    scene = ramp()
    fault = np.zeros(scene.shape, bool)
    fault[20:50, 40] = True
    picture = render(scene.replace(fault=fault), Style(fault_width=2))
    assert (picture[fault] == BROWN).all() and (picture[25:45, 39:42] == BROWN).all()
    assert (picture[30, 38] != render(scene)[30, 38]).any() and (picture[30, 34] == render(scene)[30, 34]).all()
    thin = render(scene.replace(fault=fault), Style(fault_width=0))
    assert (thin[fault] == BROWN).all() and not (thin[30, 37] == BROWN).all()


def test_bands_are_flat_between_contours():
    style = Style(banded=True, contour_interval=25.0, contour_width=0)
    row = render(ramp(), style)[30]
    assert len(np.unique(row[:-1], axis=0)) == 4
    assert (row[0:25] == row[0]).all() and (row[25] != row[24]).any()
    smooth = render(ramp(), PLAIN)[30].astype(int)  # a band has the colour of its middle, 1012.5 m
    assert (np.abs(row[0] - (smooth[12] + smooth[13]) / 2) <= 3).all()


@pytest.mark.parametrize("relief", [0.37, 8, 42, 386, 826, 5000])
def test_nice_interval_gives_15_to_25_contours_or_nearly(relief):
    interval = nice_interval(1500, 1500 + relief)
    assert 12 <= relief / interval <= 32
    assert float(f"{interval:.0e}"[0]) in (1, 2, 5)


def test_nice_interval_of_a_flat_map():
    assert nice_interval(5, 5) == 1.0
    assert render(ramp().replace(depth=np.full((60, 101), 5, np.float32))).shape == (60, 101, 3)


def test_the_map_keeps_the_contours_it_is_drawn_with():
    assert with_rendered_picture(ramp(geo=GeoReference(contour_interval=7.0, contour_base=3.0))).geo.contour_interval == 7.0
    scene = with_rendered_picture(ramp(), Style(contour_interval=30.0, contour_base=5.0))
    assert (scene.geo.contour_interval, scene.geo.contour_base) == (30.0, 5.0)
    assert np.array_equal(scene.rgb, render(scene))


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


def test_density_is_of_the_usual_number_of_contours_and_gives_way_to_what_the_map_says():
    counts = [100 / with_rendered_picture(ramp(300, 101), Style(contour_density=d)).geo.contour_interval for d in (0.5, 1, 2)]
    assert counts == [5, 10, 20]
    assert with_rendered_picture(ramp(geo=GeoReference(contour_interval=7.0)), Style(contour_density=3)).geo.contour_interval == 7.0


def test_the_light_comes_from_the_upper_left():
    rows, cols = np.indices((80, 80), np.float32)
    dome = np.hypot(rows - 40, cols - 40) + 1000
    inside = np.ones((80, 80), bool)
    scene = Scene("dome", dome.astype(np.float32), inside, inside, ~inside)
    bare, shaded = (render(scene, replace(PLAIN, hillshade=h)).astype(float).sum(axis=2) for h in (0, 0.5))
    light = shaded / bare
    assert light[28, 28] > 0.8 and light[52, 52] < 0.7 and light[28, 52] == pytest.approx(0.75, abs=0.03)


def test_contact_sheet_holds_maps_of_any_shape():
    sheet = contact_sheet([ramp(60, 101), ramp(40, 20), ramp(600, 300)], columns=2, side=100)
    assert sheet.shape == (2 * 136, 2 * 116, 3)


def test_wrong_styles_say_what_is_known():
    with pytest.raises(UserError, match=r"jet.*mpl:NAME.*random:SEED"):
        Style(palette="viridis")
    with pytest.raises(UserError, match="above 0"):
        Style(contour_interval=0.0)
