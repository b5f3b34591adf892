"""Palettes: cold and deep to warm and high, never taken for paper, and decided by their name."""

import numpy as np
import pytest

from targets.errors import UserError
from targets.rendering.palettes import MIN_BLUE_SHIFT, PALETTES, colour_table, is_readable, random_palette_stops


@pytest.mark.parametrize(
    "name", [*PALETTES, "mpl:turbo", "mpl:terrain", "mpl:bone", *(f"random:{n}" for n in range(9))]
)
def test_no_colour_is_taken_for_the_white_outside(name):
    colours = colour_table(name)
    assert colours.shape == (256, 3) and colours.dtype == np.uint8 and (colours.min(axis=1) < 235).all()


def test_random_colours_are_cold_in_the_deep_and_differ():
    ends = []
    for seed in range(60):
        stops = random_palette_stops(np.random.default_rng(seed))
        blue = stops[:, 2] - stops[:, 0]
        assert np.ptp(stops, axis=1).max() < 1 or blue[0] - blue[-1] >= MIN_BLUE_SHIFT
        ends.append(stops[[0, -1]].ravel())
    apart = np.abs(np.array(ends)[:, None] - ends).sum(2) + 1e3 * np.eye(60)
    assert apart.min() > 1 and (colour_table("random:5") == colour_table("random:5")).all()


def test_what_cannot_be_read_back_is_no_palette():
    ramp = np.linspace(0, 1, 5)[:, None]
    cold, warm = np.array([20.0, 40, 220]), np.array([220.0, 60, 20])
    assert is_readable(cold + (warm - cold) * ramp)
    assert not is_readable(warm + (cold - warm) * ramp)  # red in the deep
    assert not is_readable(np.concatenate([cold + (warm - cold) * ramp, warm[None]]))  # one colour for two depths
    assert not is_readable(cold + (np.array([255.0, 250, 240]) - cold) * ramp)  # as pale as paper


@pytest.mark.parametrize("name", ["grey", "mpl:grau", "random:x", "random:-1", ""])
def test_unknown_names_say_what_is_known(name):
    with pytest.raises(UserError, match=r"dusk, mpl:NAME.*random:SEED"):
        colour_table(name)
