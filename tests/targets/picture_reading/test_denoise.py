"""Denoising: a scan's noise is known by its colours alone, and is removed without the edges."""

import cv2
import numpy as np
import pytest

from targets.picture_reading import depth_from_colours as calibration
from targets.picture_reading.colour_bands import band_levels
from targets.picture_reading.denoise import MIN_NOISE, MIN_SIDE, denoise, estimate_noise
from targets.picture_reading.depth_from_colours import depth_from_colours
from targets.rendering.map import contour_spacing, render
from targets.rendering.palettes import colour_table
from targets.rendering.style import Style
from targets.synthetic.structure_maps import make_structure_map


@pytest.fixture(scope="module")
def scene():
    return make_structure_map(3, 192)


def colours(picture, scene):
    return picture[scene.map_valid].astype(float)


def scanned(picture, sigma: float):
    noise = np.random.default_rng(0).normal(0, sigma, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", ["rainbow", "dusk", "soft"])
@pytest.mark.parametrize("shade", [0.0, 0.5])
def test_a_drawn_picture_has_no_noise_shaded_or_not(scene, name, shade):
    picture = render(scene, Style(palette=name, hillshade=shade, contour_width=0))
    assert estimate_noise(colours(picture, scene)) < MIN_NOISE
    assert denoise(picture, scene.map_valid) is None


@pytest.mark.parametrize("sigma", [2.0, 4.0, 6.0])
def test_noise_is_as_large_as_it_was_made(scene, sigma):
    picture = render(scene, Style(palette="soft", contour_width=0))
    assert estimate_noise(colours(scanned(picture, sigma), scene)) == pytest.approx(sigma, rel=0.15)


def test_jpeg_is_noise(scene):
    picture = render(scene, Style(contour_width=0.5))
    _, packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert estimate_noise(colours(cv2.imdecode(packed, cv2.IMREAD_COLOR), scene)) > MIN_NOISE


def test_one_colour_has_no_noise():
    assert estimate_noise(np.full((50, 3), 7.0)) == 0
    assert estimate_noise(np.zeros((1, 3))) == 0


def test_noise_is_removed_and_edges_stay():
    steps = np.where(np.indices((MIN_SIDE, 200))[1] < 100, 60, 200)
    flat = colour_table("rainbow")[steps]
    noisy = scanned(flat, 4.0)
    denoised = denoise(noisy, np.ones(flat.shape[:2], bool))
    off = [np.abs(picture.astype(float) - flat) for picture in (noisy, denoised)]
    assert off[1].mean() < 0.5 * off[0].mean()
    assert off[1][:, 98:102].mean() < off[0].mean()  # mixed by the filter, they would be 70 grey levels off


def test_a_small_map_is_left_as_it_is(scene):
    noisy = scanned(render(scene), 5.0)
    for size, none in ((MIN_SIDE - 1, True), (MIN_SIDE, False)):
        assert (denoise(noisy[:size], np.ones((size, noisy.shape[1]), bool)) is None) == none


def test_bands_are_found_in_a_scan(scene):
    """Noise made one slope of them, and every ripple on it a closure or a leak."""
    picture = scanned(render(scene, Style(palette="soft", banded=True)), 6.0)
    prior, inside = scene.relative_depth(), scene.map_valid
    levels = band_levels(depth_from_colours(picture, prior, inside).depth, inside)
    low, high = scene.relief
    interval, _ = contour_spacing(scene, Style())
    assert 0.7 * (high - low) / interval < len(levels) <= (high - low) / interval + 2


@pytest.mark.parametrize("quality", [40, 60])
def test_jpeg_shifts_the_depth_less(scene, quality, monkeypatch):
    _, packed = cv2.imencode(".jpg", render(scene, Style(palette="dusk")), [cv2.IMWRITE_JPEG_QUALITY, quality])
    picture = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    true, inside = scene.relative_depth(), scene.map_valid
    off = [np.abs(depth_from_colours(picture, true, inside).depth - true)[inside].mean()]
    monkeypatch.setattr(calibration, "denoise", lambda rgb, use: None)
    off.append(np.abs(depth_from_colours(picture, true, inside).depth - true)[inside].mean())
    assert off[0] < 0.92 * off[1]
