"""Which colour has which depth? Palettes with a legend that programs know, those of matplotlib, and random ones."""

import colorsys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError

Colour = tuple[int, int, int]
RGB = NDArray[np.uint8]  # (H, W, 3), a picture
Stops = NDArray[np.float64]  # (n, 3) red, green, blue from 0 to 255 at equal steps of depth, deepest first

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
# Colours from deepest to shallowest, at equal steps of depth. "spectral" is ColorBrewer's, "jet" MATLAB's; the others
# follow what mapping programs draw structure maps with by default. These are the legends that `targets.picture_reading.known_palettes` knows.
PALETTES: dict[str, tuple[Colour, ...]] = {
    "rainbow": ((120, 0, 200), (0, 0, 255), (0, 190, 255), (0, 230, 80), (255, 255, 0), (255, 140, 0), (230, 0, 0)),
    "jet": ((0, 0, 143), (0, 0, 255), (0, 128, 255), (0, 255, 255), (128, 255, 128), (255, 255, 0), (255, 128, 0),
            (255, 0, 0), (128, 0, 0)),
    "spectral": ((94, 79, 162), (50, 136, 189), (102, 194, 165), (171, 221, 164), (230, 245, 152), (255, 255, 191),
                 (254, 224, 139), (253, 174, 97), (244, 109, 67), (213, 62, 79), (158, 1, 66)),
    "hue": ((20, 20, 235), (0, 130, 255), (0, 235, 235), (0, 235, 120), (120, 245, 0), (245, 245, 0), (255, 130, 0),
            (245, 10, 10)),
    "soft": ((60, 70, 170), (80, 140, 215), (120, 200, 215), (150, 215, 150), (225, 230, 130), (245, 190, 100),
             (235, 120, 80), (200, 50, 50)),
    "dusk": ((10, 20, 110), (30, 80, 200), (70, 170, 230), (190, 225, 235), (250, 225, 170), (245, 150, 80),
             (215, 60, 40), (130, 0, 20)),
}  # fmt: skip
MAX_PALENESS = 228  # of the weakest channel: what is paler is taken for the paper outside the map
MIN_BLUE_SHIFT = 60  # grey levels by which blue over red is more in the deepest colour than in the shallowest
KNOWN = f"{', '.join(PALETTES)}, mpl:NAME of a colour map of matplotlib, or random:SEED"


def colour_table(name: str) -> NDArray[np.uint8]:
    """(256, 3) uint8 colours of a palette, deepest first.

    Parameters
    ----------
    name : str
        One of `PALETTES`, ``mpl:viridis`` (any colour map of matplotlib, its low end deepest) or ``random:7``.

    Raises
    ------
    UserError
        A name that none of these is.
    """
    stops = palette_stops(name)
    at = np.linspace(0, 255, len(stops))
    return np.stack([np.interp(np.arange(256), at, stops[:, i]) for i in range(3)], axis=1).round().astype(np.uint8)


def palette_stops(name: str) -> Stops:
    """The colours of a palette that the others lie between."""
    kind, _, rest = name.partition(":")
    if name in PALETTES:
        return np.array(PALETTES[name], float)
    if kind == "random" and rest.isdecimal():
        return random_palette_stops(np.random.default_rng(int(rest)))
    if kind == "mpl":
        import matplotlib  # takes longer than drawing a map

        if rest in matplotlib.colormaps:
            stops = matplotlib.colormaps[rest](np.linspace(0, 1, 64))[:, :3] * 255
            return stops[stops.min(axis=1) <= MAX_PALENESS]
    raise UserError("palette", repr(name), f"one of {KNOWN}")


# Hues (turns) of violet, blue, sky, cyan, green, yellow, orange, red and crimson: as mapping programs space them.
WHEEL = (0.78, 0.66, 0.57, 0.5, 0.36, 0.16, 0.09, 0.02, -0.05)

# --- random ones -----------------------------------------------------------------------------------------------------


def random_palette_stops(rng: np.random.Generator) -> Stops:
    """Colours that a map could be drawn in: cold and deep to warm and high, no two depths alike, none like paper."""
    draw = RANDOM[int(rng.choice(len(RANDOM), p=SHARES))]
    while True:
        stops = np.clip(draw(rng), 0, 255)
        if is_readable(stops):
            return stops


def is_readable(stops: Stops) -> bool:
    """Whether depths can be told apart by these colours, the deep from the high, and the map from its paper."""
    blue = stops[:, 2] - stops[:, 0]
    grey = np.ptp(stops, axis=1).max() < 1
    falls = grey or (blue[0] - blue[-1] >= MIN_BLUE_SHIFT and np.corrcoef(blue, np.arange(len(blue)))[0, 1] < -0.5)
    apart = np.abs(stops[:, None] - stops[None]).sum(2) + 1e3 * np.eye(len(stops))
    return bool(falls and apart.min() >= 30 and stops.min(axis=1).max() <= MAX_PALENESS)


def _hues(rng: np.random.Generator) -> Stops:
    """Round the colour wheel from blue or violet to yellow, red or brown, at uneven steps."""
    count = int(rng.integers(5, 11))
    steps = np.cumsum(rng.uniform(0.4, 1.6, count))
    along = (steps - steps[0]) / (steps[-1] - steps[0])
    hue = np.interp(rng.uniform(0, 2) * (1 - along) + rng.uniform(5, 8) * along, np.arange(9), WHEEL)
    strong = rng.uniform(0.35, 1.0) * (1 + rng.uniform(-0.15, 0.15, count))
    bright = rng.uniform(0.75, 1.0) - rng.uniform(0, 0.45) * np.abs(along - rng.uniform(0.3, 0.7)) ** 2 * 4
    return _rgb(hue, strong, bright)


def _diverging(rng: np.random.Generator) -> Stops:
    """Cold and strong, pale in the middle, warm and strong."""
    cold, warm = rng.uniform(0.48, 0.78), rng.uniform(-0.06, 0.14)
    half = np.linspace(1, 0.12, int(rng.integers(3, 5)))
    dark = rng.uniform(0.2, 0.7, 2)
    ends = [
        _rgb(np.full(len(half), hue), half * rng.uniform(0.7, 1), 0.94 - (0.94 - low) * half**2)
        for hue, low in zip((cold, warm), dark, strict=True)
    ]
    return np.concatenate([ends[0], ends[1][::-1]])


def _lightness(rng: np.random.Generator) -> Stops:
    """From dark and cold to light and warm through colours between, or from light and cold to dark and warm."""
    count = int(rng.integers(4, 8))
    along = np.linspace(0, 1, count)
    hue = rng.uniform(0.5, 0.8) * (1 - along) + rng.uniform(-0.04, 0.17) * along
    low, high = rng.uniform(0.15, 0.5), rng.uniform(0.85, 1.0)
    bright = low + (high - low) * (along if rng.random() < 0.6 else 1 - along)
    return _rgb(hue, rng.uniform(0.35, 0.95) * (1.15 - 0.5 * bright), bright)


def _greys(rng: np.random.Generator) -> Stops:
    """From dark to light grey, as copies in black and white have it."""
    level = np.linspace(rng.uniform(0, 80), rng.uniform(190, MAX_PALENESS), 5)
    return np.repeat(level[:, None], 3, axis=1)


def _land(rng: np.random.Generator) -> Stops:
    """As maps of land and sea: blue, green, yellow, brown and nearly white, some left out, at uneven steps."""
    lows_and_highs = np.array([
        ((0.58, 0.7, 0.3), (0.68, 1.0, 0.8)),    # deep sea
        ((0.5, 0.35, 0.75), (0.57, 0.8, 1.0)),   # shallow sea
        ((0.28, 0.4, 0.4), (0.42, 0.9, 0.85)),   # lowland
        ((0.12, 0.3, 0.8), (0.18, 0.7, 1.0)),    # hills
        ((0.0, 0.15, 0.3), (0.1, 0.8, 0.7)),     # mountains
        ((0.0, 0.0, 0.78), (0.1, 0.12, 0.89)),   # snow
    ])  # fmt: skip
    kept = np.array([True, *(rng.random(5) < 0.75)])
    kept[[2, 4]] |= kept[1:].sum() < 3
    low, high = lows_and_highs[kept, 0], lows_and_highs[kept, 1]
    colours = _rgb(*rng.uniform(low, high).T)
    place = np.cumsum(rng.uniform(0.5, 1.5, len(colours)))
    at = np.linspace(place[0], place[-1], 2 * len(colours) - 1)
    return np.stack([np.interp(at, place, plane) for plane in colours.T], axis=1)


RANDOM: tuple[Callable[[np.random.Generator], Stops], ...] = (_hues, _diverging, _lightness, _land, _greys)
SHARES = (0.4, 0.12, 0.13, 0.3, 0.05)


def _rgb(hue: NDArray, strong: NDArray, bright: NDArray) -> Stops:
    """Hue (turns), saturation and value as red, green and blue."""
    hsv = zip(hue % 1, np.clip(strong, 0, 1), np.clip(bright, 0, 1), strict=True)
    return 255 * np.array([colorsys.hsv_to_rgb(*each) for each in hsv])
