"""Bins of colours: cubes of like colours, never too many."""

import numpy as np

from targets.picture_reading.colour_bins import MAX_BINS, bin_colours


def test_a_photograph_has_no_more_bins_than_are_quick():
    colours = np.random.default_rng(0).integers(0, 256, (50_000, 3)).astype(float)
    bins = bin_colours(colours)
    assert 100 < len(np.unique(bins)) <= MAX_BINS
    first = colours[bins == bins[0]]
    assert np.ptp(first, axis=0).max() < 64  # a bin is a cube of neighbouring colours
