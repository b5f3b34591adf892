"""Families of styles: decided by the generator, wide, and those of the tests apart from those of training."""

import numpy as np
import pytest

from targets.errors import UserError
from targets.rendering.annotations import DRAWERS, Annotations
from targets.rendering.map import render
from targets.rendering.palettes import PALETTES
from targets.rendering.scan_effects import ScanEffects
from targets.rendering.style import Style
from targets.rendering.style_families import FAMILIES, FAMILY_NAMES, TRAIN, random_style, with_random_style
from targets.scene import Scene
from tests.conftest import dome_scene


def drawn_from(family: str, count: int = 60) -> list[Style]:
    return [random_style(np.random.default_rng(seed), family) for seed in range(count)]


def test_styles_vary_and_are_decided_by_the_generator():
    styles = drawn_from("clean")
    assert styles[3] == random_style(np.random.default_rng(3))
    assert {style.palette for style in styles} == set(PALETTES) and {style.banded for style in styles} == {True, False}
    assert all(style.annotations == Annotations() and style.scan == ScanEffects() for style in styles)
    for family in FAMILIES:
        assert drawn_from(family, 5) == drawn_from(family, 5)


def test_training_shows_every_element_and_every_mark():
    styles = drawn_from("train", 150)
    assert {style.fault_symbol for style in styles} == set(TRAIN.fault_symbols)
    for element in DRAWERS:
        assert 5 < sum(bool(getattr(style.annotations, element)) for style in styles) < 75
    for change in ("blur", "fade", "noise", "jpeg"):
        assert 5 < sum(bool(getattr(style.scan, change)) for style in styles) < 120
    assert sum(style.palette.startswith("random:") for style in styles) > 50


@pytest.mark.parametrize("family", ["unseen", "unseen_legend"])
def test_what_tests_are_drawn_in_is_kept_from_training(family):
    for field in ("palettes", "faults", "fonts", "inks"):
        assert not set(getattr(FAMILIES[family], field)) & set(getattr(TRAIN, field)), field
    seen = {style.palette for style in drawn_from(family)}
    assert seen == set(FAMILIES[family].palettes) and (seen <= set(PALETTES)) == (family == "unseen_legend")


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_drawing_changes_the_picture_and_its_contours_alone(family):
    scene = dome_scene(size=96)
    again = with_random_style(scene, np.random.default_rng(1), family)
    assert (again.rgb != scene.rgb).any()
    for field in ("depth", "depth_valid", "map_valid", "fault"):
        assert getattr(again, field) is getattr(scene, field)
    assert (again.geo.x0, again.geo.dx) == (scene.geo.x0, scene.geo.dx) and again.geo.contour_interval > 0


def test_small_maps_are_not_hidden_by_their_lines():
    for seed in range(40):
        small, large = (random_style(np.random.default_rng(seed), "train", shape) for shape in ((65, 119), (200, 300)))
        assert small.palette == large.palette and large == random_style(np.random.default_rng(seed), "train")
        assert small.contour_width <= 0.5 and small.fault_width == 1 and small.contour_density <= 1.2
        assert not (small.annotations.title or small.annotations.grid_spacing) and small.annotations.wells == large.annotations.wells


def test_an_unknown_family_lists_the_known_ones():
    with pytest.raises(UserError, match="clean, train, unseen, unseen_legend"):
        random_style(np.random.default_rng(0), "nice")


@pytest.mark.parametrize("element", DRAWERS)
def test_an_element_hides_a_little_of_the_map_and_leaves_the_others_where_they_are(element):
    scene = dome_scene(size=260)
    bare = render(scene, Style())
    value = {"grid": 50, "blocks": 2, "wells": 5, "names": 2}.get(element, True)
    alone = (render(scene, Style(annotations=Annotations(**{element: value}))) != bare).any(axis=2)
    assert 0 < alone.mean() < 0.25
    other = {"wells": 4} if element != "wells" else {"names": 2}
    both = render(scene, Style(annotations=Annotations(**{element: value}, **other)))
    only_other = (render(scene, Style(annotations=Annotations(**other))) != bare).any(axis=2)
    assert not ((both != bare).any(axis=2) & ~alone & ~only_other).any()


def test_a_legend_that_would_hide_much_is_left_out():
    small = dome_scene(size=40)
    assert np.array_equal(render(small, Style(annotations=Annotations(legend=True))), render(small, Style()))


def test_a_legend_lies_beside_the_map_where_there_is_room():
    scene = dome_scene(size=128)
    inside = scene.map_valid.copy()
    inside[:70, 60:] = False
    scene = Scene("corner", scene.depth, inside, inside, ~scene.map_valid)
    changed = (render(scene, Style(annotations=Annotations(legend=True))) != render(scene, Style())).any(axis=2)
    assert changed.any() and not changed[inside].any()


@pytest.mark.parametrize("mark", ["filled", "edged", "outline", "line", "teeth"])
def test_every_mark_shows_a_fault_near_its_cells_alone(mark):
    scene = dome_scene(size=96)
    fault = np.zeros(scene.shape, bool)
    fault[20:75, 40:45] = True
    bare = render(scene, Style())
    changed = (render(scene.replace(fault=fault), Style(fault_symbol=mark)) != bare).any(axis=2)
    rows, cols = np.nonzero(changed)
    assert rows.min() >= 12 and rows.max() <= 82 and cols.min() >= 32 and cols.max() <= 52
    assert changed[25:70].any(axis=1).all()


def test_teeth_point_to_the_side_that_is_down():
    scene = dome_scene(size=96)
    fault = np.zeros(scene.shape, bool)
    fault[20:75, 40] = True
    depth = np.where(np.arange(96) > 40, 2100, 2000).astype(np.float32) + np.zeros((96, 1), np.float32)
    scene = scene.replace(fault=fault, depth=depth)
    extra = (render(scene, Style(fault_symbol="teeth")) != render(scene, Style(fault_symbol="line"))).any(axis=2)
    assert extra[:, 42:].sum() > 20 and extra[:, :39].sum() == 0


def test_scanning_leaves_white_paper_white_and_repeats_itself():
    scene = dome_scene(size=64)
    inside = scene.map_valid.copy()
    inside[:20] = False
    scene = Scene("cut", scene.depth, inside, inside, ~scene.map_valid)
    rough = Style(scan=ScanEffects(blur=0.7, colour_cast=(5, -9, 3), fade=0.1, noise=4, jpeg_quality=50))
    picture = render(scene, rough)
    assert (picture[:20] == 255).all() and np.array_equal(picture, render(scene, rough))
    off = np.abs(picture.astype(int) - render(scene, Style()))[inside]
    assert 3 < off.mean() < 40


def test_a_faded_picture_with_a_cast_by_hand():
    scene = dome_scene(size=64)
    bare, changed = render(scene, Style()).astype(float), render(scene, Style(scan=ScanEffects(fade=0.2, colour_cast=(10, 0, -10))))
    expected = np.clip(np.rint(0.8 * bare + 51 + (10, 0, -10)), 0, 255)
    assert np.abs(changed - expected)[bare.min(axis=2) < 255].max() <= 1


@pytest.mark.parametrize(
    "wrong", [{"font": "gothic"}, {"wells": -1}, {"letters": 0.0}], ids=lambda wrong: next(iter(wrong))
)
def test_wrong_sheets_are_refused(wrong):
    with pytest.raises(UserError, match="sheet"):
        Annotations(**wrong)
    with pytest.raises(UserError, match="scan"):
        ScanEffects(jpeg_quality=101)
