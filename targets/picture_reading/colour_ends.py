"""Ends of a map's colours: red and blue, or light and dark parts of a surface, of which one is high."""

from typing import NamedTuple

import numpy as np
from matplotlib.colors import rgb_to_hsv
from numpy.typing import NDArray
from scipy import ndimage

from targets.picture_reading.colour_bins import bin_colours, bin_means
from targets.picture_reading.colour_order import count_adjacency, order_colours, place_colours, spread_bins
from targets.rendering.palettes import RGB, HighEnd
from targets.scene import Bool

MIN_WARMTH = 40  # grey levels between red and blue of a colour that is red, or blue
MIN_TONE = 0.04  # of the map's cells that are red, and blue, on a map of both
BLUE = (195.0, 265.0)  # degrees of hue, from and to
PURE_SHARE, MIN_BRIGHT = 0.45, 110  # saturation of a blue, and grey level of its strongest channel
VIVID_SHARE, MIN_VIVID = 0.6, 200  # likewise of a vivid colour
MIN_PURE = 0.01  # of the map's cells
MAX_CELLS = 200_000  # that are looked at
# Net change of lightness along a palette over the sum of its rises and falls, above which colours run from dark to
# light: such palettes are drawn either way round.
MAX_SEQUENTIAL = 0.8
NEAR, MIN_ORDER = 0.25, 0.93  # of the palette, between neighbours, and the share of boundaries between such
STEPS = 12  # of the palette, between which lightness is compared
# Share of the cells at either end of the palette, cells along the border, and how much of the warm end may lie, and of
# the cold end must lie, in parts that reach it.
END_SHARE, RIM, MAX_WARM_AT_RIM, MIN_COLD_AT_RIM = 0.12, 4, 0.1, 0.97
MIN_KNOWN = 1000  # cells with a place in the palette
MIN_CORRELATION = 0.6  # of a height with red or light, that tells which end is high
MIN_BIN_SHARE = 0.004  # of the cells, of a bin of colours that counts: others are mixed on edges
LUMINANCE = np.array([0.299, 0.587, 0.114])


class ColourEnds(NamedTuple):
    """The two ends of a map's colours.

    Attributes
    ----------
    has_red_and_blue : bool
        Whether there are warm and cold parts.
    is_rainbow : bool
        Whether there is blue at one end and a warm colour at the other, as on most maps: vivid ones, or any where the
        palette does not run from dark to light. That includes palettes of land over water.
    is_sequential : bool
        Whether the palette runs from dark to light, which says nothing of high and low.
    """

    has_red_and_blue: bool
    is_rainbow: bool
    is_sequential: bool

    @property
    def choices(self) -> str:
        """What can be said of them, in words."""
        light = self.is_sequential and not self.is_rainbow
        return "--high light or --high dark" if light else "--high red or --high blue (its warm or its cold end)"


def find_colour_ends(rgb: RGB, inside: Bool) -> ColourEnds:
    """Find what tells the two ends of a map's colours apart.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    inside : (H, W) bool
        The map, without its lines; at least one cell.

    Examples
    --------
    >>> ramp = np.linspace(0, 255, 64)[None, :, None]
    >>> grey = (ramp * np.ones((8, 1, 3))).astype(np.uint8)
    >>> find_colour_ends(grey, np.ones((8, 64), bool)).choices
    '--high light or --high dark'
    >>> rainbow = np.array([[0, 0, 200], [0, 200, 255], [0, 220, 0], [255, 255, 0], [230, 0, 0]], np.uint8)
    >>> find_colour_ends(rainbow.repeat(9, 0)[None].repeat(9, 0), np.ones((9, 45), bool)).is_rainbow
    True
    """
    step = int(np.ceil(np.sqrt(inside.sum() / MAX_CELLS))) or 1
    small, use = rgb[::step, ::step], inside[::step, ::step]
    colours = small[use].astype(np.float64)
    warmth = colours[:, 0] - colours[:, 2]
    red, blue = float((warmth > MIN_WARMTH).mean()), float((warmth < -MIN_WARMTH).mean())
    strongest, spread = colours.max(axis=1), np.ptp(colours, axis=1)
    is_pure = spread >= PURE_SHARE * np.maximum(strongest, MIN_BRIGHT)
    is_vivid = (spread >= VIVID_SHARE * strongest) & (strongest >= MIN_VIVID)
    hue = rgb_to_hsv(colours / 255)[:, 0] * 360
    is_blue = (hue >= BLUE[0]) & (hue <= BLUE[1])
    has_pure = (is_blue & is_pure).mean() >= MIN_PURE and red >= MIN_TONE
    has_vivid = min((warmth[is_vivid] > MIN_WARMTH).sum(), (is_blue & is_vivid).sum()) >= MIN_TONE * len(colours)
    sequential = _is_sequential(small, use, colours)
    return ColourEnds(min(red, blue) >= MIN_TONE, bool(has_vivid or (has_pure and not sequential)), sequential)


def _is_sequential(rgb: RGB, use: Bool, colours: NDArray[np.float64]) -> bool:
    """Whether lightness rises or falls along the palette."""
    bins = np.full(use.shape, -1)
    bins[use] = bin_colours(colours)
    cells = np.bincount(bins[use])
    centres = bin_means(colours, bins[use])
    frequent = cells >= max(3, MIN_BIN_SHARE * cells.sum())
    bins[use] = np.where(frequent[bins[use]], bins[use], -1)
    bins = spread_bins(bins, np.ones(use.shape, np.bool_))
    placed, position = order_colours(count_adjacency(bins, len(cells)), cells, frequent, centres, 20.0)
    light = centres[placed] @ LUMINANCE
    if len(placed) < 3:
        return False
    place = np.full(len(cells) + 1, np.nan)
    place[placed] = position
    steps = np.concatenate([np.abs(np.diff(place[bins], axis=axis)).ravel() for axis in (0, 1)])
    steps = steps[np.nan_to_num(steps) > 0]
    if len(steps) == 0 or (steps <= NEAR).mean() < MIN_ORDER:
        return False  # faults leave no order that says anything of lightness
    order = np.argsort(position)
    along = np.cumsum(cells[placed][order]) / cells[placed].sum()
    mean = np.interp(np.linspace(along[0], 1, STEPS), along, light[order])
    mean[1:-1] = np.median([mean[:-2], mean[1:-1], mean[2:]], axis=0)  # a rare colour may be out of place
    return abs(float(mean[-1] - mean[0])) > MAX_SEQUENTIAL * float(np.abs(np.diff(mean)).sum())


def agreement(rgb: RGB, inside: Bool, height: NDArray[np.float32], high: HighEnd) -> float:
    """Correlate a height with the end of the colours that is said to be high.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    inside : (H, W) bool
        Its cells that are read.
    height : (H, W) float32
        A guess, positive up.
    high : HighEnd
        The end that is high.

    Returns
    -------
    float
        -1 to 1; below 0 where the guess is upside down, 0 where nothing tells.
    """
    colours = rgb[inside].astype(np.float64)
    towards = colours @ LUMINANCE if high in ("light", "dark") else colours[:, 0] - colours[:, 2]
    towards = -towards if high in ("blue", "dark") else towards
    values = height[inside]
    if len(values) == 0 or np.ptp(towards) == 0 or np.ptp(values) == 0:
        return 0.0
    return float(np.corrcoef(towards, values)[0, 1])


def find_high_end(
    rgb: RGB, inside: Bool, height: NDArray[np.float32], ends: ColourEnds, least: float = MIN_CORRELATION
) -> tuple[HighEnd, float] | None:
    """Find the end of the colours that is high where a height is known.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    inside : (H, W) bool
        Its cells whose height is known.
    height : (H, W) float32
        Positive up.
    ends : ColourEnds
        Ends of the picture's colours.
    least : float, default MIN_CORRELATION
        Correlation that tells.

    Returns
    -------
    tuple[HighEnd, float] | None
        The end and its correlation, `least` to 1; None where the height follows no end.
    """
    pairs: list[tuple[HighEnd, HighEnd]] = [("red", "blue"), ("light", "dark")]
    for first, other in pairs if ends.has_red_and_blue else pairs[::-1]:
        correlation = agreement(rgb, inside, height, first)
        if abs(correlation) >= least:
            return (first if correlation > 0 else other), abs(correlation)
    return None


def surrounds_warm_end(rgb: RGB, inside: Bool, clear: Bool) -> bool:
    """Whether a map's colours close round its warm end while its cold end lies along its border.

    Structure maps are drawn round highs, so this and the convention that red is high agree by chance only on few maps
    whose red is deep; see docs/experiments/picture_reading.md.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    inside : (H, W) bool
        The map.
    clear : (H, W) bool
        Its cells without lines.

    Examples
    --------
    >>> rows, cols = np.mgrid[:90, :90] - 44.5
    >>> distance = np.clip(np.hypot(rows, cols) * 5, 0, 255)
    >>> dome = np.stack([255 - distance, 0 * distance, distance], axis=2).astype(np.uint8)
    >>> everywhere = np.ones((90, 90), bool)
    >>> surrounds_warm_end(dome, everywhere, everywhere), surrounds_warm_end(dome[..., ::-1], everywhere, everywhere)
    (True, False)
    """
    place, own = place_colours(rgb, inside, clear)
    known = np.isfinite(place)
    if known.sum() < MIN_KNOWN:
        return False
    # White tops and dark ends have no warmth of their own: the correlation over all colours tells the ends.
    height = np.where(known, place, 0).astype(np.float32)
    place = place if agreement(own.rgb, known, height, "red") > 0 else 1 - place
    cold, warm = np.quantile(place[known], (END_SHARE, 1 - END_SHARE))
    rim = known & ~ndimage.binary_erosion(own.inside, iterations=RIM)
    warm_at_rim, cold_at_rim = (_share_reaching(known & end, rim) for end in (place >= warm, place <= cold))
    return warm_at_rim <= MAX_WARM_AT_RIM and cold_at_rim >= MIN_COLD_AT_RIM


def _share_reaching(cells: Bool, rim: Bool) -> float:
    """Share of some cells whose connected part reaches the rim."""
    parts, _ = ndimage.label(cells)
    reaching = np.unique(parts[rim & cells])
    return float(np.isin(parts[cells], reaching).mean())
