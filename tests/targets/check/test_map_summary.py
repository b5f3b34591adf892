"""Summary of a map: its outline is classified."""

import numpy as np

from targets.check.map_summary import outline_kind


def test_outlines_are_classified():
    full = np.ones((60, 80), bool)
    rows, cols = np.indices(full.shape)
    assert outline_kind(full) == "full frame" == outline_kind(np.pad(full, 5))
    assert outline_kind(full & ~((rows < 20) & (cols > 30))) == "rectangles"
    assert outline_kind(rows + cols > 40) == "irregular"
