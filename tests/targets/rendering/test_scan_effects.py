"""Scan effects: repeatable, by hand where it can be done, and white paper stays white."""

import numpy as np
import pytest

from targets.errors import UserError
from targets.rendering.map import render
from targets.rendering.scan_effects import ScanEffects
from targets.rendering.style import Style
from targets.scene import Scene
from tests.conftest import dome_scene


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
    bare, changed = (
        render(scene, Style()).astype(float),
        render(scene, Style(scan=ScanEffects(fade=0.2, colour_cast=(10, 0, -10)))),
    )
    expected = np.clip(np.rint(0.8 * bare + 51 + (10, 0, -10)), 0, 255)
    assert np.abs(changed - expected)[bare.min(axis=2) < 255].max() <= 1


def test_wrong_scan_effects_are_refused():
    with pytest.raises(UserError, match="scan"):
        ScanEffects(jpeg_quality=101)
