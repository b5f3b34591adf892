"""Palettes are recognised through contours and faults, and colours are read back as places on the palette."""

import numpy as np
import pytest

from targets.picture_reading.known_palettes import colours_of, place_on_palette
from targets.rendering.map import render
from targets.rendering.palettes import PALETTES
from targets.rendering.style import Style
from targets.synthetic.structure_maps import make_scene


@pytest.mark.parametrize("name", PALETTES)
@pytest.mark.parametrize("banded", [False, True])
def test_the_palette_a_map_is_drawn_with_is_named(name, banded):
    scene = make_scene(3, 128)
    found = colours_of(scene.with_(rgb=render(scene, Style(name, banded=banded))))
    assert found.palette == name and found.agreement > 0.5
    deep, high = found.steps[0].astype(int), found.steps[-1].astype(int)
    assert deep[2] - deep[0] > high[2] - high[0]  # bluer


def test_an_upside_down_depth_disagrees_and_a_picture_alone_says_nothing():
    scene = make_scene(3, 128)
    low, high = scene.relief
    assert colours_of(scene.with_(depth=(low + high - scene.depth).astype(np.float32))).agreement < -0.5
    alone = colours_of(scene.with_(depth_valid=np.zeros_like(scene.map_valid)))
    assert alone.palette == colours_of(scene).palette and alone.agreement is None and alone.steps is None


def test_grey_and_foreign_colours_are_not_named():
    scene = make_scene(3, 64)
    assert colours_of(scene.with_(rgb=np.full_like(scene.rgb, 128))) is None
    assert colours_of(scene.with_(rgb=None)) is None
    pink = np.full_like(scene.rgb, (255, 120, 220))
    found = colours_of(scene.with_(rgb=pink))
    assert found.palette == "unknown" and found.agreement is None


def test_a_place_on_the_palette_is_the_relative_height():
    scene = make_scene(3, 128)
    plain = scene.with_(rgb=render(scene, Style("rainbow", contour_width=0)))
    place, known = place_on_palette(plain, "rainbow")
    right = np.abs(place - (1 - scene.depth_norm()))[known] < 0.02  # wrong: the rims of faults
    assert right.mean() > 0.85 and known.sum() > 0.9 * scene.map_valid.sum()
