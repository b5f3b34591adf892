"""Palettes from deep to shallow: known legends of mapping programs, matplotlib's colour maps, and random ones."""

import colorsys
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError

HighEnd = Literal["red", "blue", "light", "dark"]  # which part of a map is high
Colour = tuple[int, int, int]
RGB = NDArray[np.uint8]  # (H, W, 3), a picture
Stops = NDArray[np.float64]  # (n, 3) red, green, blue from 0 to 255 at equal steps of depth, deepest first

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
# Colours from deepest to shallowest, at equal steps of depth. "spectral" is ColorBrewer's, "jet" MATLAB's; the others
# follow the defaults of mapping programs for structure maps. `targets.picture_reading.known_palettes` knows these.
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
MAX_PALENESS = 228  # grey level of the weakest channel; paler colours are taken for the paper outside the map
MIN_BLUE_SHIFT = 60  # grey levels by which blue exceeds red more in the deepest colour than in the shallowest
MIN_STOP_DISTANCE = 30  # grey levels, summed over channels, between two colours that can be distinguished
PALETTE_NAMES = f"{', '.join(PALETTES)}, mpl:NAME of a colour map of matplotlib, or random:SEED"


def colour_table(name: str) -> NDArray[np.uint8]:
    """Interpolate the colours of a palette to a look-up table.

    Parameters
    ----------
    name : str
        One of `PALETTES`, ``mpl:viridis`` (any colour map of matplotlib, its low end deepest) or ``random:7``.

    Returns
    -------
    (256, 3) uint8
        Colours at equal steps of depth, deepest first.

    Raises
    ------
    UserError
        An unknown name.

    Examples
    --------
    >>> table = colour_table("rainbow")
    >>> table.shape, table[0].tolist(), table[-1].tolist()
    ((256, 3), [120, 0, 200], [230, 0, 0])
    """
    stops = palette_stops(name)
    position = np.linspace(0, 255, len(stops))
    planes = [np.interp(np.arange(256), position, stops[:, i]) for i in range(3)]
    return np.stack(planes, axis=1).round().astype(np.uint8)


def palette_stops(name: str) -> Stops:
    """Look up the colours that the others of a palette are interpolated between.

    Parameters
    ----------
    name : str
        As in `colour_table`.

    Returns
    -------
    (n, 3) float64
        Red, green and blue from 0 to 255 at equal steps of depth, deepest first.

    Raises
    ------
    UserError
        An unknown name.
    """
    kind, _, rest = name.partition(":")
    if name in PALETTES:
        return np.array(PALETTES[name], float)
    if kind == "random" and rest.isdecimal():
        return random_palette_stops(np.random.default_rng(int(rest)))
    if kind == "mpl":
        import matplotlib  # late: importing it takes longer than drawing a map

        if rest in matplotlib.colormaps:
            stops = matplotlib.colormaps[rest](np.linspace(0, 1, 64))[:, :3] * 255
            return stops[stops.min(axis=1) <= MAX_PALENESS]
    raise UserError("palette", repr(name), f"one of {PALETTE_NAMES}")


# Hues (turns) of violet, blue, sky, cyan, green, yellow, orange, red and crimson: as mapping programs space them.
HUE_WHEEL = (0.78, 0.66, 0.57, 0.5, 0.36, 0.16, 0.09, 0.02, -0.05)


def random_palette_stops(rng: np.random.Generator) -> Stops:
    """Draw a palette: from cold and deep to warm and high, no two depths alike, none as pale as paper.

    Parameters
    ----------
    rng : np.random.Generator
        Decides everything.

    Returns
    -------
    (n, 3) float64
        As of `palette_stops`.
    """
    kind = RANDOM_KINDS[int(rng.choice(len(RANDOM_KINDS), p=RANDOM_SHARES))]
    while True:
        stops = np.clip(kind(rng), 0, 255)
        if is_readable(stops):
            return stops


def is_readable(stops: Stops) -> bool:
    """Check that depths can be read from colours: none alike, the deep end bluer, none as pale as paper.

    Parameters
    ----------
    stops : (n, 3) float64
        Red, green and blue from 0 to 255, deepest first.

    Returns
    -------
    bool
        Whether the colours make a palette.

    Examples
    --------
    >>> is_readable(np.array([[20, 40, 220], [220, 60, 20]], float))
    True
    >>> is_readable(np.array([[220, 60, 20], [20, 40, 220]], float))  # red in the deep
    False
    """
    blue = stops[:, 2] - stops[:, 0]
    grey = np.ptp(stops, axis=1).max() < 1
    falls = grey or (blue[0] - blue[-1] >= MIN_BLUE_SHIFT and np.corrcoef(blue, np.arange(len(blue)))[0, 1] < -0.5)
    apart = np.abs(stops[:, None] - stops[None]).sum(2) + 1e3 * np.eye(len(stops))
    return bool(falls and apart.min() >= MIN_STOP_DISTANCE and stops.min(axis=1).max() <= MAX_PALENESS)


def _draw_hues(rng: np.random.Generator) -> Stops:
    """Around the colour wheel from blue or violet to yellow, red or brown, at uneven steps."""
    count = int(rng.integers(5, 11))
    steps = np.cumsum(rng.uniform(0.4, 1.6, count))
    along = (steps - steps[0]) / (steps[-1] - steps[0])
    hue = np.interp(rng.uniform(0, 2) * (1 - along) + rng.uniform(5, 8) * along, np.arange(9), HUE_WHEEL)
    saturation = rng.uniform(0.35, 1.0) * (1 + rng.uniform(-0.15, 0.15, count))
    value = rng.uniform(0.75, 1.0) - rng.uniform(0, 0.45) * np.abs(along - rng.uniform(0.3, 0.7)) ** 2 * 4
    return _rgb(hue, saturation, value)


def _draw_diverging(rng: np.random.Generator) -> Stops:
    """Cold and strong, pale in the middle, warm and strong."""
    cold, warm = rng.uniform(0.48, 0.78), rng.uniform(-0.06, 0.14)
    half = np.linspace(1, 0.12, int(rng.integers(3, 5)))
    dark = rng.uniform(0.2, 0.7, 2)
    ends = [
        _rgb(np.full(len(half), hue), half * rng.uniform(0.7, 1), 0.94 - (0.94 - low) * half**2)
        for hue, low in zip((cold, warm), dark, strict=True)
    ]
    return np.concatenate([ends[0], ends[1][::-1]])


def _draw_lightness(rng: np.random.Generator) -> Stops:
    """From dark and cold to light and warm through colours between, or from light and cold to dark and warm."""
    count = int(rng.integers(4, 8))
    along = np.linspace(0, 1, count)
    hue = rng.uniform(0.5, 0.8) * (1 - along) + rng.uniform(-0.04, 0.17) * along
    low, high = rng.uniform(0.15, 0.5), rng.uniform(0.85, 1.0)
    value = low + (high - low) * (along if rng.random() < 0.6 else 1 - along)
    return _rgb(hue, rng.uniform(0.35, 0.95) * (1.15 - 0.5 * value), value)


def _draw_greys(rng: np.random.Generator) -> Stops:
    """From dark to light grey, as copies in black and white have it."""
    level = np.linspace(rng.uniform(0, 80), rng.uniform(190, MAX_PALENESS), 5)
    return np.repeat(level[:, None], 3, axis=1)


def _draw_land_and_sea(rng: np.random.Generator) -> Stops:
    """As maps of land and sea: blue, green, yellow, brown and nearly white, some left out, at uneven steps."""
    lows_and_highs = np.array([
        ((0.58, 0.7, 0.3), (0.68, 1.0, 0.8)),    # deep sea
        ((0.5, 0.35, 0.75), (0.57, 0.8, 1.0)),   # shallow sea
        ((0.28, 0.4, 0.4), (0.42, 0.9, 0.85)),   # lowland
        ((0.12, 0.3, 0.8), (0.18, 0.7, 1.0)),    # hills
        ((0.0, 0.15, 0.3), (0.1, 0.8, 0.7)),     # mountains
        ((0.0, 0.0, 0.78), (0.1, 0.12, 0.89)),   # snow
    ])  # fmt: skip
    chosen = np.array([True, *(rng.random(5) < 0.75)])
    chosen[[2, 4]] |= chosen[1:].sum() < 3
    low, high = lows_and_highs[chosen, 0], lows_and_highs[chosen, 1]
    colours = _rgb(*rng.uniform(low, high).T)
    place = np.cumsum(rng.uniform(0.5, 1.5, len(colours)))
    at = np.linspace(place[0], place[-1], 2 * len(colours) - 1)
    return np.stack([np.interp(at, place, plane) for plane in colours.T], axis=1)


RANDOM_KINDS: tuple[Callable[[np.random.Generator], Stops], ...] = (
    _draw_hues, _draw_diverging, _draw_lightness, _draw_land_and_sea, _draw_greys,
)  # fmt: skip
RANDOM_SHARES = (0.4, 0.12, 0.13, 0.3, 0.05)


def _rgb(hue: NDArray, saturation: NDArray, value: NDArray) -> Stops:
    """Convert hue (turns), saturation and value to red, green and blue."""
    hsv = zip(hue % 1, np.clip(saturation, 0, 1), np.clip(value, 0, 1), strict=True)
    return 255 * np.array([colorsys.hsv_to_rgb(*colour) for colour in hsv])
