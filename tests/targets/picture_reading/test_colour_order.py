"""Order of colours: what lies side by side on the map follows in the palette."""

import numpy as np

from targets.picture_reading.colour_order import count_adjacency, order_colours


def test_a_palette_is_ordered_by_what_lies_side_by_side_alone():
    random = np.random.default_rng(0)
    steps = np.clip(np.indices((60, 80))[1] + random.integers(-1, 2, (60, 80)), 0, 79) // 4
    names = random.permutation(20)  # bins are numbered in any order
    bins = names[steps]
    bins[20, :] = -1  # a line of ink
    colours = np.zeros((20, 3))
    colours[names] = np.linspace(0, 200, 20)[:, None]
    cells = np.bincount(bins[bins >= 0])
    placed, position = order_colours(count_adjacency(bins, 20), cells, cells > 0, colours, np.inf)
    in_turn = names[np.arange(20)]
    at = dict(zip(placed.tolist(), position.tolist(), strict=True))
    along = np.array([at[name] for name in in_turn.tolist()])
    assert (np.diff(along) > 0).all() or (np.diff(along) < 0).all()
    assert along.min() == 0 and along.max() == 1


def test_a_palette_of_nothing_or_one_colour_has_no_order():
    for bins in (np.full((5, 5), -1), np.zeros((5, 5), int)):
        cells = np.bincount(bins[bins >= 0], minlength=1)
        assert len(order_colours(count_adjacency(bins, 1), cells, cells > 0, np.zeros((1, 3)), np.inf)[0]) < 2
