"""Families of styles: decided by the generator, wide, and those of the tests apart from those of training."""

import numpy as np
import pytest

from targets.errors import UserError
from targets.rendering.annotations import ELEMENT_DRAWERS, Annotations
from targets.rendering.palettes import PALETTES
from targets.rendering.scan_effects import ScanEffects
from targets.rendering.style import Style
from targets.rendering.style_families import FAMILIES, FAMILY_NAMES, TRAIN, random_style, with_random_style
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


def test_training_shows_every_annotation_and_every_fault_symbol():
    styles = drawn_from("train", 150)
    assert {style.fault_symbol for style in styles} == set(TRAIN.fault_symbols)
    for element in ELEMENT_DRAWERS:
        assert 5 < sum(bool(getattr(style.annotations, element)) for style in styles) < 75
    for change in ("blur", "fade", "noise", "jpeg_quality"):
        assert 5 < sum(bool(getattr(style.scan, change)) for style in styles) < 120
    assert sum(style.palette.startswith("random:") for style in styles) > 50


@pytest.mark.parametrize("family", ["unseen", "unseen_legend"])
def test_what_tests_are_drawn_in_is_kept_from_training(family):
    for field in ("palettes", "fault_colours", "fonts", "inks"):
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
        few, many = small.annotations, large.annotations
        assert not (few.title or few.grid_spacing) and few.wells == many.wells


def test_an_unknown_family_lists_the_known_ones():
    with pytest.raises(UserError, match="clean, train, unseen, unseen_legend"):
        random_style(np.random.default_rng(0), "nice")
