"""Depth from a known palette: a picture drawn from a depth is read back as that depth."""

import numpy as np
import pytest

from targets.picture_reading.depth_from_known_palette import depth_from_known_palette, scene_from_picture
from targets.picture_reading.known_palettes import nearest_palette
from targets.rendering.map import render
from targets.rendering.palettes import PALETTES
from targets.rendering.style import Style
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import compute_traps
from tests.conftest import dome_scene


def relief_scene():
    """A dome on a slope, so that every colour of the legend is on the map, with a fault across."""
    scene = dome_scene(size=128)
    fault = np.zeros(scene.shape, bool)
    fault[60:63, 10:80] = True
    slope = np.linspace(0, 60, 128, dtype=np.float32)
    return scene.replace(depth=scene.depth + slope, fault=fault)


@pytest.mark.parametrize("name", list(PALETTES))
@pytest.mark.parametrize("banded", [False, True])
def test_every_palette_is_recognised_and_read_back(name, banded):
    scene = relief_scene()
    style = Style(palette=name, banded=banded)
    picture = render(scene, style)
    assert nearest_palette(picture[scene.map_valid], 0.5)[0] == name
    depth, read = depth_from_known_palette(picture, scene.map_valid)
    error = np.abs(depth - scene.depth_norm())
    assert error.mean() < (0.05 if banded else 0.015)
    assert read.mean() > 0.4 and not read[scene.fault].any()


def test_the_traps_of_a_picture_are_those_of_the_depth_it_was_drawn_from():
    scene = relief_scene()
    alone = scene_from_picture(scene.replace(rgb=render(scene), traps=scene.fault))
    assert not alone.fault.any() and alone.traps is None and alone.geo.dx is None
    seen, true = (compute_traps(s, TrapCriteria())[0] > 0 for s in (alone, scene))
    assert (seen & true).sum() / (seen | true).sum() > 0.9


def test_a_picture_without_colours_shows_nothing():
    inside = np.ones((32, 32), bool)
    for grey in (0, 255):
        _, read = depth_from_known_palette(np.full((32, 32, 3), grey, np.uint8), inside)
        assert not read.any()
