"""Figures: the scale bar has the length that it names, and a label from a file fits on a map."""

from itertools import product

import numpy as np
import pytest
from matplotlib_scalebar.scalebar import ScaleBar

from targets.rendering.overlays import MAX_LABEL_LENGTH, make_map_figure, shorten_label
from targets.scene import GeoReference, Scene
from tests.targets.analysis.maps import ridge


def bar_of(columns: int, spacing: float | None, tmp_path, unit: str | None = "m", **location):
    """Cells and text of the scale bar of a map so many columns wide."""
    depth = np.tile(np.arange(columns, dtype=np.float32), (6, 1))
    inside = np.ones(depth.shape, bool)
    geo = GeoReference(dx=spacing, dy=spacing, xy_unit=unit, **location)
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


@pytest.mark.parametrize(
    ("spacing", "unit", "location", "bar"),
    [
        (0.025, "km", {}, (20, "500 m")),
        (0.2, "km", {}, (10, "2 km")),
        (25.0, "ft", {}, (20, "500 ft")),
        (250.0, "ftUS", {}, (20, "5000 ftUS")),
        (25.0, None, {}, (20, "500 map units")),
        (0.001, "degrees", {"x0": 5.0, "y0": 0.0}, (2000 / 111.32, "2 km")),
        (0.001, None, {"x0": 5.0, "y0": 60.0, "crs": "EPSG:4326"}, (1000 / 55.8, "1 km")),
    ],
)
def test_the_scale_bar_is_in_units_of_the_ground(spacing, unit, location, bar, tmp_path):
    cells, text = bar_of(101, spacing, tmp_path, unit, **location)
    assert (cells, text) == (pytest.approx(bar[0], rel=0.01), bar[1])


def test_a_map_in_degrees_is_drawn_as_it_lies_on_the_ground():
    depth = np.tile(np.arange(40, dtype=np.float32), (30, 1))
    inside = np.ones(depth.shape, bool)
    geo = GeoReference(5.0, 60.0, 0.001, -0.001, crs="EPSG:4326")
    _, axis = make_map_figure(Scene("north", depth, inside, inside, ~inside, geo=geo))
    assert axis.get_aspect() == pytest.approx(2, rel=0.01)  # a degree of longitude is half as long at 60 degrees


def test_labels_from_files_fit_on_a_map():
    assert shorten_label("Troll") == "Troll" and shorten_label("a\x1bb") == "ab"
    assert shorten_label("x" * 24) == "x" * 24
    long = shorten_label("x" * 25)
    assert len(long) == MAX_LABEL_LENGTH and long.endswith("…")


def test_the_picture_keeps_proportions_and_says_where_north_is(tmp_path) -> None:
    figure, axis = make_map_figure(ridge().replace(geo=GeoReference(0.0, 0.0, 50.0, -25.0, xy_unit="m")))
    assert axis.get_aspect() == 0.5
    words = [text.get_text() for text in axis.texts]
    assert "N" in words and scale_of(figure, axis, tmp_path).split()[1] in ("km", "m")
    arrow = next(text for text in axis.texts if text.get_text() == "N")
    assert arrow.xy[1] < arrow.get_position()[1] and arrow.xy[0] == pytest.approx(arrow.get_position()[0])  # up
    plain_figure, plain_axis = make_map_figure(ridge(GeoReference()))
    words = [text.get_text() for text in plain_axis.texts]
    assert "N" not in words and "cells" in scale_of(plain_figure, plain_axis, tmp_path)


def scale_of(figure, axis, tmp_path) -> str:
    """The text of the scale bar, which it has when it is drawn."""
    figure.savefig(tmp_path / "map.png")
    (bar,) = (artist for artist in axis.artists if isinstance(artist, ScaleBar))
    return bar.info.scale_text


def test_a_map_of_any_name_is_drawn(tmp_path) -> None:
    figure, _ = make_map_figure(ridge().replace(name="a$\\frac{$"))
    figure.savefig(tmp_path / "a.png")
