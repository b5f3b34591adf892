"""Fault symbols: each shows the fault near its cells alone, and teeth point down."""

import numpy as np
import pytest

from targets.rendering.map import render
from targets.rendering.style import Style
from tests.conftest import dome_scene


@pytest.mark.parametrize("symbol", ["filled", "edged", "outline", "line", "teeth"])
def test_every_symbol_shows_a_fault_near_its_cells_alone(symbol):
    scene = dome_scene(size=96)
    fault = np.zeros(scene.shape, bool)
    fault[20:75, 40:45] = True
    bare = render(scene, Style())
    changed = (render(scene.replace(fault=fault), Style(fault_symbol=symbol)) != bare).any(axis=2)
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
