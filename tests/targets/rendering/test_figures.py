"""Figures: the scale bar has the length that it names, and a label from a file fits on a map."""

from itertools import product

import numpy as np
import pytest
from matplotlib_scalebar.scalebar import ScaleBar

from targets.rendering.figures import MAX_LABEL_LENGTH, make_map_figure, shorten_label
from targets.scene import GeoReference, Scene


def bar_of(columns: int, spacing: float | None, tmp_path):
    """Cells and text of the scale bar of a map so many columns wide."""
    depth = np.tile(np.arange(columns, dtype=np.float32), (6, 1))
    inside = np.ones(depth.shape, bool)
    geo = GeoReference(dx=spacing, dy=spacing)
    scene = Scene("map", depth, inside, inside, ~inside, rgb=np.zeros((*depth.shape, 3), np.uint8), geo=geo)
    figure, axis = make_map_figure(scene)
    figure.savefig(tmp_path / "map.png")
    (bar,) = (artist for artist in axis.artists if isinstance(artist, ScaleBar))
    return bar.info.length_px, bar.info.scale_text


@pytest.mark.parametrize(
    ("columns", "spacing"), list(product((10, 40, 7000), (None, 0.3, 25.0, -25.0, 10_000.0))), ids=str
)
def test_the_scale_bar_is_as_long_as_it_says(columns, spacing, tmp_path):
    cells, text = bar_of(columns, spacing, tmp_path)
    value, unit = text.split()
    assert unit in ({"cells"} if spacing is None else {"m", "km"})
    expected = float(value) * {"cells": 1, "m": 1, "km": 1000}[unit] / abs(spacing or 1)
    assert cells == pytest.approx(expected) and columns / 20 < cells <= columns / 5


def test_a_bar_of_20_cells_of_25_m_by_hand(tmp_path):
    assert bar_of(101, 25.0, tmp_path) == (pytest.approx(20), "500 m")
    assert bar_of(101, None, tmp_path) == (pytest.approx(20), "20 cells")


def test_labels_from_files_fit_on_a_map():
    assert shorten_label("Troll") == "Troll" and shorten_label("a\x1bb") == "ab"
    assert shorten_label("x" * 24) == "x" * 24
    long = shorten_label("x" * 25)
    assert len(long) == MAX_LABEL_LENGTH and long.endswith("…")
