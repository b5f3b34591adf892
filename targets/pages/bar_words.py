"""Words at the ends of a colour bar without numbers (high and low, shallow and deep): which of its colours are high."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from targets.pages.colour_bar import find_colour_bar
from targets.pages.text import Box, TextBox
from targets.rendering.palettes import RGB

HIGH = re.compile(r"(high(er|est)?|shallow(er|est)?|up|crest|hoch|flach|haut|alto|мелко|высоко)\W*\Z")
LOW = re.compile(r"(low(er|est)?|deep(er|est)?|down|tief|bas|bajo|profundo|profond|глубоко|низко)\W*\Z")
MAX_WORDS = 8  # of each kind that are looked at


@dataclass(frozen=True, eq=False)
class NamedEnds:
    """A colour bar whose ends are named.

    Attributes
    ----------
    colours : (N, 3) float64
        Red, green and blue along it.
    height : (N,) float64
        0 at the low end to 1 at the high one.
    words : str
        Both words, quoted.
    """

    colours: NDArray[np.float64]
    height: NDArray[np.float64]
    words: str


def find_named_ends(picture: RGB, map_box: Box, texts: Sequence[TextBox]) -> NamedEnds | None:
    """Find the colour bar of a map that has the words high and low, or shallow and deep, at its ends.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        The page.
    map_box : tuple[int, int, int, int]
        First row and column of the map, and the row and column behind the last ones.
    texts : Sequence[TextBox]
        Texts of the page.

    Returns
    -------
    NamedEnds | None
        None where no strip of the map's colours stands beside two such words.
    """
    highs, lows = ([text for text in texts if word.match(text.text.strip().casefold())][:MAX_WORDS]
                   for word in (HIGH, LOW))  # fmt: skip
    for high, low in product(highs, lows):
        # The bar of two numbers in the places of the words.
        bar = find_colour_bar(picture, map_box, (replace(high, text="1"), replace(low, text="0")))
        if bar is not None:
            height = np.clip(bar.values, 0, 1)
            return NamedEnds(bar.colours, height, f"{high.text.strip()!r} and {low.text.strip()!r}")
    return None
