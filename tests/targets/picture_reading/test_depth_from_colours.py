"""Depth from colours: a rough prior of a surface, calibrated by the colours of its picture, has its traps."""

import cv2
import numpy as np
import pytest
from scipy import ndimage

from targets.picture_reading.depth_from_colours import depth_from_colours
from targets.rendering.map import render
from targets.rendering.palettes import colour_table
from targets.rendering.style import Style
from targets.scene import Bool, Float
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import compute_traps


def rough(scene, share: float, seed: int = 0) -> Float:
    """The map's depth, +1 shallowest, with smooth errors of this share of its relief."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=scene.shape), 4)
    return (scene.relative_depth() + 2 * share * noise / noise.std()).astype(np.float32)


def traps(scene, surface: Float) -> Bool:
    """Where the closures of a surface with +1 = shallowest lie."""
    return compute_traps(scene.replace(depth=-surface), TrapCriteria())[0] > 0


def iou(a: Bool, b: Bool) -> float:
    return (a & b).sum() / (a | b).sum()


def read_depth(rgb, prior, inside):
    """The depth alone."""
    return depth_from_colours(rgb, prior, inside).depth


@pytest.fixture(scope="module")
def scene():
    return make_structure_map(8, 192)


@pytest.mark.parametrize("name", ["rainbow", "spectral", "jet", "dusk"])
def test_colours_remove_the_errors_of_a_prior(scene, name):
    prior = rough(scene, 0.05)
    found = read_depth(render(scene, Style(palette=name)), prior, scene.map_valid)
    true = traps(scene, scene.relative_depth())
    assert iou(traps(scene, prior), true) < 0.65
    assert iou(traps(scene, found), true) > 0.85


def test_the_prior_says_which_end_is_deep_and_in_which_unit(scene):
    picture, prior = render(scene), rough(scene, 0.02)
    found = read_depth(picture, prior, scene.map_valid)
    turned = read_depth(picture, 500 - 100 * prior, scene.map_valid)
    np.testing.assert_allclose(turned, 500 - 100 * found, atol=0.1)


def test_ink_of_any_colour_is_filled_from_its_sides(scene):
    prior = rough(scene, 0.02)
    plain = render(scene, Style(contour_width=0))
    for ink in ((255, 255, 255), (200, 0, 200)):
        written = plain.copy()
        cv2.putText(written, "WELL 7", (30, 100), cv2.FONT_HERSHEY_SIMPLEX, 1.0, ink, 2)
        there = (written != plain).any(axis=2) & scene.map_valid
        found = read_depth(written, prior, scene.map_valid)
        error = np.abs(found - read_depth(plain, prior, scene.map_valid))
        assert np.quantile(error[there], 0.9) < 0.1


def test_a_picture_that_shows_no_depth_gives_none(scene):
    prior = rough(scene, 0.02)
    grey = np.full((*scene.shape, 3), 128, np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, grey.shape).astype(np.uint8)
    for picture in (grey, noise, np.zeros_like(grey)):
        assert depth_from_colours(picture, prior, scene.map_valid) is None
    assert depth_from_colours(render(scene), prior, np.zeros(scene.shape, bool)) is None


@pytest.mark.parametrize("name", ["rainbow", "dusk"])
def test_colours_that_the_prior_gets_wrong_follow_the_order_of_the_palette(scene, name):
    true = scene.relative_depth()
    folded = np.where(true > 0.2, 0.3 - 0.5 * true, true).astype(np.float32)  # the highs are taken for flanks
    prior = folded + rough(scene, 0.02) - true
    found = read_depth(render(scene, Style(palette=name)), prior, scene.map_valid)
    assert iou(traps(scene, prior), traps(scene, true)) < 0.4
    assert iou(traps(scene, found), traps(scene, true)) > 0.85


def test_a_top_that_ink_parts_from_all_other_colours_stays_a_top():
    """It was filled from its sides, as ink is. Found on Midreek in land colours."""
    rows, cols = np.indices((120, 120))
    distance = np.hypot(rows - 60, cols - 60)
    true = (1 - distance / 50).astype(np.float32)
    inside = distance < 85
    stops = np.array([(40, 60, 180), (60, 170, 90), (220, 210, 110), (130, 80, 50), (225, 215, 210)], float)
    at = np.clip((true + 0.7) / 1.7, 0, 1) * 4
    rgb = np.stack([np.interp(at, np.arange(5), plane) for plane in stops.T], axis=2).astype(np.uint8)
    rgb[abs(distance - 22) < 5] = (30, 20, 30)  # a thick fault all around it
    found = read_depth(rgb, true, inside)
    assert np.corrcoef(found[inside], true[inside])[0, 1] > 0.98
    assert found[distance < 12].min() > found[(distance > 28) & inside].max()


@pytest.mark.parametrize("name", ["soft", "dusk"])
def test_paper_that_blur_mixes_into_the_outline_is_not_read_as_depth(name):
    """It was a wall or a ditch, and highs that run out of the map were closed by it. Found on Topreek and Basereek."""
    rows, cols = np.indices((128, 128))
    inside = cols < 90
    true = (0.1 + 0.8 * rows / 127).astype(np.float32)
    rgb = colour_table(name)[np.rint(255 * true).astype(int)]
    rgb[~inside] = 255
    rgb = cv2.GaussianBlur(rgb, (0, 0), 0.9)
    rgb[~inside] = 255
    assert abs(read_depth(rgb, true, inside) - true)[inside].max() < 0.02
