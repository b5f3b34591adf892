"""Bands of colour: their levels are found, and the surface behind them is smooth and stays in them."""

import numpy as np
import pytest
from scipy import ndimage

from targets.picture_reading.colour_bands import band_levels, dequantise

ROWS, COLS = np.indices((90, 110))
TRUE = (-0.01 - np.hypot(ROWS - 45, (COLS - 50) * 0.8) / 60).astype(np.float32)
INSIDE = COLS < 100


def in_steps(depth: np.ndarray, step: float) -> np.ndarray:
    """The depth as a banded picture shows it."""
    return ((np.floor(depth / step) + 0.5) * step).astype(np.float32)


@pytest.mark.parametrize("step", [0.1, 0.2])
def test_levels_are_those_of_the_bands(step: float) -> None:
    flat = in_steps(TRUE, step)
    noise = np.random.default_rng(0).normal(0, 0.02 * step, flat.shape).astype(np.float32)
    found = band_levels(flat + noise, INSIDE)
    expected = np.unique(flat[INSIDE])
    large = [level for level in expected if (flat[INSIDE] == level).mean() > 0.02]
    assert all(abs(found - level).min() < 0.1 * step for level in large)
    assert all(abs(expected - level).min() < 0.1 * step for level in found)


@pytest.mark.parametrize("step", [0.05, 0.1])
def test_levels_are_found_in_noise_that_fills_the_gaps_between_them(step: float) -> None:
    flat = in_steps(TRUE, step)
    noise = np.random.default_rng(0).normal(0, 0.18 * step, flat.shape).astype(np.float32)
    found = band_levels(flat + noise, INSIDE)
    assert len(found) > 0.75 * np.ptp(TRUE[INSIDE]) / step  # the deepest bands are corners of a few cells
    assert np.median([abs(np.unique(flat[INSIDE]) - level).min() for level in found]) < 0.1 * step


def test_a_rough_surface_has_no_bands() -> None:
    """Some depths are more frequent than others on any surface."""
    for seed in range(5):
        waves = np.random.default_rng(seed).normal(size=TRUE.shape)
        rough = TRUE + 3 * ndimage.gaussian_filter(waves, 6).astype(np.float32)
        assert len(band_levels(rough, INSIDE)) == 0


def test_a_smooth_picture_and_a_flat_one_have_no_bands() -> None:
    assert len(band_levels(TRUE, INSIDE)) == 0
    assert len(band_levels(np.zeros_like(TRUE), INSIDE)) == 0
    assert len(band_levels(TRUE, np.zeros_like(INSIDE))) == 0


def test_the_surface_lies_in_its_bands_and_nearer_to_the_truth_than_they_do() -> None:
    flat = in_steps(TRUE, 0.2)
    surface = dequantise(flat, INSIDE, band_levels(flat, INSIDE))
    assert np.isnan(surface[~INSIDE]).all()
    within = INSIDE & (np.hypot(ROWS - 45, COLS - 50) < 40)  # the corners are bands of a few cells
    assert (abs(surface - flat)[within] <= 0.1 + 0.01).all()
    assert abs(surface - TRUE)[within].mean() < 0.3 * abs(flat - TRUE)[within].mean()
    highest = np.unravel_index(np.nanargmax(surface), surface.shape)
    assert np.hypot(highest[0] - 45, highest[1] - 50) < 3  # a band alone does not show where in it the crest lies


def test_a_top_rises_to_its_middle_by_the_step_to_the_next_band() -> None:
    """A closed contour around a flat band was a closure of next to no height, and its crest anywhere in the band."""
    away = np.hypot(ROWS - 45, COLS - 50)
    flat = np.select([away < 12, away < 30], [0.2, 0.1], 0.0).astype(np.float32)
    flat[60:70, 10:20] = 0.1  # a top of its own, of the lower band
    surface = dequantise(flat, INSIDE, np.array([0.0, 0.1, 0.2]))
    assert abs(surface[45, 50] - 0.25) < 0.01
    assert abs(np.nanmax(surface[60:70, 10:20]) - 0.15) < 0.01
    assert surface[(away > 18) & (away < 24)].max() < 0.15  # a band with a higher one on it is none
    assert surface[33:58, 38:63][away[33:58, 38:63] < 11].min() > 0.15


def test_a_speck_is_no_top() -> None:
    flat = np.where(ROWS < 45, 0.1, 0.0).astype(np.float32)
    specks = flat.copy()
    specks[20:22, 30:32] = specks[70:72, 30:32] = 0.2
    surface = dequantise(specks, INSIDE, np.array([0.0, 0.1, 0.2]))
    assert np.nanmax(surface[15:27, 25:37]) < 0.17  # the least depth of its band, as before
    large = flat.copy()
    large[20:23, 30:33] = 0.2
    assert np.nanmax(dequantise(large, INSIDE, np.array([0.0, 0.1, 0.2]))) > 0.24
