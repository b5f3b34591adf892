"""Annotations: each hides a little of the map and leaves the others where they are."""

import numpy as np
import pytest

from targets.errors import UserError
from targets.rendering.annotations import ELEMENT_DRAWERS, Annotations
from targets.rendering.map import render
from targets.rendering.style import Style
from targets.scene import Scene
from tests.conftest import dome_scene


@pytest.mark.parametrize("element", ELEMENT_DRAWERS)
def test_an_element_hides_a_little_of_the_map_and_leaves_the_others_where_they_are(element):
    scene = dome_scene(size=260)
    bare = render(scene, Style())
    value = {"grid_spacing": 50, "blocks": 2, "wells": 5, "names": 2}.get(element, True)
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


@pytest.mark.parametrize(
    "wrong", [{"font": "gothic"}, {"wells": -1}, {"letter_height": 0.0}], ids=lambda wrong: next(iter(wrong))
)
def test_wrong_annotations_are_refused(wrong):
    with pytest.raises(UserError, match="annotations"):
        Annotations(**wrong)
