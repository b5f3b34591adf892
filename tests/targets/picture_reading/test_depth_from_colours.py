"""Colours mean depths: a rough guess of a surface, brought into line by the colours of its picture, has its traps."""

import cv2
import numpy as np
import pytest
from scipy import ndimage

from targets.picture_reading.colour_bins import MAX_BINS, bin_colours
from targets.picture_reading.depth_from_colours import count_adjacency, order_colours
from targets.picture_reading.depth_from_colours import depth_from_colours as colours_told
from targets.rendering.map import render
from targets.rendering.palettes import colour_table
from targets.rendering.style import Style
from targets.scene import Bool, Float
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.traps import TrapCriteria, compute_traps


def rough(scene, share: float, seed: int = 0) -> Float:
    """The map's depth, +1 shallowest, with smooth errors of this share of its relief."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=scene.shape), 4)
    return (scene.relative_depth() + 2 * share * noise / noise.std()).astype(np.float32)


def traps(scene, surface: Float) -> Bool:
    """Where the closures of a surface with +1 = shallowest lie."""
    return compute_traps(scene.replace(depth=-surface), TrapCriteria())[0] > 0


def iou(a: Bool, b: Bool) -> float:
    return (a & b).sum() / (a | b).sum()


def depth_of_colours(rgb, guess, inside):
    """The depth alone."""
    return colours_told(rgb, guess, inside).depth


@pytest.fixture(scope="module")
def scene():
    return make_structure_map(8, 192)


@pytest.mark.parametrize("name", ["rainbow", "spectral", "jet", "dusk"])
def test_colours_take_the_errors_of_a_guess_away(scene, name):
    guess = rough(scene, 0.05)
    told = depth_of_colours(render(scene, Style(palette=name)), guess, scene.map_valid)
    true = traps(scene, scene.relative_depth())
    assert iou(traps(scene, guess), true) < 0.65
    assert iou(traps(scene, told), true) > 0.85


def test_the_guess_says_which_end_is_deep_and_in_which_unit(scene):
    picture, guess = render(scene), rough(scene, 0.02)
    told = depth_of_colours(picture, guess, scene.map_valid)
    turned = depth_of_colours(picture, 500 - 100 * guess, scene.map_valid)
    np.testing.assert_allclose(turned, 500 - 100 * told, atol=0.1)


def test_ink_of_any_colour_is_painted_over_from_its_sides(scene):
    guess = rough(scene, 0.02)
    plain = render(scene, Style(contour_width=0))
    for ink in ((255, 255, 255), (200, 0, 200)):
        written = plain.copy()
        cv2.putText(written, "WELL 7", (30, 100), cv2.FONT_HERSHEY_SIMPLEX, 1.0, ink, 2)
        there = (written != plain).any(axis=2) & scene.map_valid
        told = depth_of_colours(written, guess, scene.map_valid)
        error = np.abs(told - depth_of_colours(plain, guess, scene.map_valid))
        assert np.quantile(error[there], 0.9) < 0.1


def test_a_picture_that_tells_no_depth_is_none(scene):
    guess = rough(scene, 0.02)
    grey = np.full((*scene.shape, 3), 128, np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, grey.shape).astype(np.uint8)
    for picture in (grey, noise, np.zeros_like(grey)):
        assert colours_told(picture, guess, scene.map_valid) is None
    assert colours_told(render(scene), guess, np.zeros(scene.shape, bool)) is None


def test_a_photograph_has_no_more_classes_than_are_quick():
    colours = np.random.default_rng(0).integers(0, 256, (50_000, 3)).astype(float)
    of = bin_colours(colours)
    assert 100 < len(np.unique(of)) <= MAX_BINS
    first = colours[of == of[0]]
    assert np.ptp(first, axis=0).max() < 64  # a class is a cube of neighbouring colours


@pytest.mark.parametrize("name", ["rainbow", "dusk"])
def test_colours_beyond_those_that_the_guess_knows_follow_in_the_order_of_the_palette(scene, name):
    true = scene.relative_depth()
    folded = np.where(true > 0.2, 0.3 - 0.5 * true, true).astype(np.float32)  # the highs are taken for flanks
    guess = folded + rough(scene, 0.02) - true
    told = depth_of_colours(render(scene, Style(palette=name)), guess, scene.map_valid)
    assert iou(traps(scene, guess), traps(scene, true)) < 0.4
    assert iou(traps(scene, told), traps(scene, true)) > 0.85


def test_a_top_that_ink_parts_from_all_other_colours_stays_a_top():
    """It was filled from its sides, as ink is. Found on Midreek in land colours."""
    rows, cols = np.indices((120, 120))
    away = np.hypot(rows - 60, cols - 60)
    true = (1 - away / 50).astype(np.float32)
    inside = away < 85
    stops = np.array([(40, 60, 180), (60, 170, 90), (220, 210, 110), (130, 80, 50), (225, 215, 210)], float)
    at = np.clip((true + 0.7) / 1.7, 0, 1) * 4
    rgb = np.stack([np.interp(at, np.arange(5), plane) for plane in stops.T], axis=2).astype(np.uint8)
    rgb[abs(away - 22) < 5] = (30, 20, 30)  # a thick fault all around it
    told = depth_of_colours(rgb, true, inside)
    assert np.corrcoef(told[inside], true[inside])[0, 1] > 0.98
    assert told[away < 12].min() > told[(away > 28) & inside].max()


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
    assert abs(depth_of_colours(rgb, true, inside) - true)[inside].max() < 0.02


def test_a_palette_is_ordered_by_what_lies_side_by_side_alone():
    random = np.random.default_rng(0)
    steps = np.clip(np.indices((60, 80))[1] + random.integers(-1, 2, (60, 80)), 0, 79) // 4
    names = random.permutation(20)  # classes are numbered as they come
    classes = names[steps]
    classes[20, :] = -1  # a line of ink
    colours = np.zeros((20, 3))
    colours[names] = np.linspace(0, 200, 20)[:, None]
    cells = np.bincount(classes[classes >= 0])
    placed, place = order_colours(count_adjacency(classes, 20), cells, cells > 0, colours, np.inf)
    in_turn = names[np.arange(20)]
    at = dict(zip(placed.tolist(), place.tolist(), strict=True))
    along = np.array([at[name] for name in in_turn.tolist()])
    assert (np.diff(along) > 0).all() or (np.diff(along) < 0).all()
    assert along.min() == 0 and along.max() == 1


def test_a_palette_of_nothing_or_one_colour_has_no_order():
    for classes in (np.full((5, 5), -1), np.zeros((5, 5), int)):
        cells = np.bincount(classes[classes >= 0], minlength=1)
        assert len(order_colours(count_adjacency(classes, 1), cells, cells > 0, np.zeros((1, 3)), np.inf)[0]) < 2
