"""The benchmark on pages: what is drawn is what it says, and outcomes are counted."""

from dataclasses import replace

import numpy as np
import pytest

from mtl.evaluation.pages import PALETTES, PageScore, PageStyle, _row, draw_page, random_page_style
from targets.picture_reading.colour_ends import agreement
from targets.scene import Scene

STYLE = PageStyle("jet_r", "white", "right", 0, False, False, 60, False, "Depth (m)")


@pytest.fixture
def surface() -> Scene:
    """A dome of 1000 to 1100 m, twice as wide as high, with a corner cut off."""
    rows, cols = np.mgrid[:40, :80]
    depth = (1000 + 100 * np.clip(np.hypot(rows - 15, (cols - 30) / 2) / 30, 0, 1)).astype(np.float32)
    inside = rows + cols > 20
    return Scene("dome", np.where(inside, depth, 0), inside, inside, np.zeros(depth.shape, np.bool_))


def test_the_depth_of_a_page_is_that_of_its_surface(surface):
    for style in (STYLE, replace(STYLE, bands=10, ground="black", has_panel=True, bar="bottom", is_elevation=True)):
        page = draw_page(surface, style)
        assert page.picture.shape[:2] == page.depth.shape
        known = np.isfinite(page.depth)
        rows, cols = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
        assert (cols[-1] - cols[0]) / (rows[-1] - rows[0]) == pytest.approx(2, abs=0.1)
        assert not known[rows[0], cols[0]] and known.mean() > 0.05
        assert np.nanmin(page.depth) == pytest.approx(1000, abs=2)
        row, col = np.unravel_index(np.nanargmin(page.depth), page.depth.shape)
        assert (row - rows[0]) / np.ptp(rows) == pytest.approx(15 / 40, abs=0.05)
        assert (col - cols[0]) / np.ptp(cols) == pytest.approx(30 / 80, abs=0.05)


@pytest.mark.parametrize(("palette", "is_elevation"), [("jet", True), ("viridis_r", False), ("plasma", True)])
def test_the_high_end_of_a_style_is_high_on_its_page(surface, palette, is_elevation):
    page = draw_page(surface, replace(STYLE, palette=palette, bar=None, is_elevation=is_elevation))
    known = np.isfinite(page.depth)
    assert agreement(page.picture, known, -page.depth, PALETTES[palette]) > 0.5


def test_a_style_is_drawn_by_its_seed():
    one, other = (random_page_style(np.random.default_rng(seed), True) for seed in (0, 0))
    assert one == other and one.bar is not None
    assert random_page_style(np.random.default_rng(1), False).bar is None


def test_outcomes_are_counted():
    read, asked = PageScore("read", 30, 40, 0.02), PageScore("asked", 0, 10)
    wrong = PageScore("read", 0, 10, 0.04, is_upright=False)
    assert _row([read, asked, wrong]) == "3 | 2 | 1 | 0 | 1 | 0.500 | 3.0%"
