"""Palettes are recognised through contours and faults, and colours are read back as places on the palette."""

import numpy as np
import pytest

from targets.picture_reading.known_palettes import match_palette, palette_positions
from targets.rendering.map import render
from targets.rendering.palettes import PALETTES
from targets.rendering.style import Style
from targets.synthetic.structure_maps import make_structure_map


@pytest.mark.parametrize("name", PALETTES)
@pytest.mark.parametrize("banded", [False, True])
def test_the_palette_a_map_is_drawn_with_is_named(name, banded):
    scene = make_structure_map(3, 128)
    found = match_palette(scene.replace(rgb=render(scene, Style(name, banded=banded))))
    assert found.palette == name and found.agreement > 0.5
    deep, high = found.step_colours[0].astype(int), found.step_colours[-1].astype(int)
    assert deep[2] - deep[0] > high[2] - high[0]  # bluer


def test_an_upside_down_depth_disagrees_and_a_picture_alone_says_nothing():
    scene = make_structure_map(3, 128)
    low, high = scene.relief
    assert match_palette(scene.replace(depth=(low + high - scene.depth).astype(np.float32))).agreement < -0.5
    alone = match_palette(scene.replace(depth_valid=np.zeros_like(scene.map_valid)))
    assert alone.palette == match_palette(scene).palette and alone.agreement is None and alone.step_colours is None


def test_grey_and_foreign_colours_are_not_named():
    scene = make_structure_map(3, 64)
    assert match_palette(scene.replace(rgb=np.full_like(scene.rgb, 128))) is None
    assert match_palette(scene.replace(rgb=None)) is None
    pink = np.full_like(scene.rgb, (255, 120, 220))
    found = match_palette(scene.replace(rgb=pink))
    assert found.palette == "unknown" and found.agreement is None


def test_the_position_on_the_palette_is_the_relative_height():
    scene = make_structure_map(3, 128)
    plain = scene.replace(rgb=render(scene, Style("rainbow", contour_width=0)))
    position, known = palette_positions(plain, "rainbow")
    right = np.abs(position - (1 - scene.depth_norm()))[known] < 0.02  # wrong: the rims of faults
    assert right.mean() > 0.85 and known.sum() > 0.9 * scene.map_valid.sum()
