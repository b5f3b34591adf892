"""Parts of a page that show a map: broad areas of ordered colours, which bars, icons, tables and charts have not."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from targets.picture_reading.colour_order import count_adjacency, order_colours, spread_bins
from targets.picture_reading.contour_removal import detect_dark_lines
from targets.picture_reading.page_layout import MAX_LINE_WIDTH
from targets.rendering.palettes import RGB
from targets.scene import Bool

Box = tuple[int, int, int, int]  # first row, first column, last row + 1, last column + 1

MIN_SIDE = 40  # pixels of a part
# What a map has, and bars, icons, tables, charts, patchworks, seismic sections and clouds of points have not; see
# docs/experiments/picture_reading.md.
MIN_PAGE_SHARE = 0.03  # of the page
MIN_PART_SHARE = 0.02  # of the largest part, of a block beside it
MIN_LEVELS, MIN_ORDER, MAX_CROSSINGS, MAX_STRAIGHTNESS, MAX_STRIP = 1.5, 0.8, 6.0, 0.4, 0.95
MAX_LAYERED, MAX_RAGGEDNESS = 0.95, 10.0
FLAT_LEVELS, MIN_SPECK = 4.0, 12  # levels of a part that is flat for the most part, and cells of a speck
MIN_SPECKS, SPECK_AREA = 25, 4000.0  # of a flat part: so many specks, and fewer cells for each, are no surface
RANK_STEPS = 6  # of the palette, in which specks are counted
LINES = 60  # rows, and columns, that are followed through the palette
# Pixels beyond a frame that numbers close to it reach; share of them there; grey levels and share of a frame's line.
MIN_NUMBERS, MAX_NUMBERS, MAX_BEYOND, LINE_STEP, LINE_COVER = 3, 80, 0.75, 24, 0.95
BEYOND_ROWS = 8  # pixels beyond a frame, that are looked at
SOFT_EDGE = 1  # pixels of a frame's line towards the ground, as other parts have
MAX_SIDE = 1500  # cells of a part that are looked at one by one
MEDIAN_WIDTH = 5  # pixels, of the filter that removes lines and letters before colours are counted
CUBE = 24  # grey levels of the cubes that colours are counted in
NEAR = (
    0.25  # of the palette: colours that are no farther apart are neighbours, and those next to each other in any case
)
MIN_CUBE_SHARE = 0.005  # of the part, of a cube that counts


@dataclass(frozen=True, eq=False)
class Part:
    """A connected part of a page beside its ground.

    Attributes
    ----------
    box : Box
        Its bounding box.
    mask : (h, w) bool
        Its cells in the box, holes filled.
    """

    box: Box
    mask: Bool

    @property
    def cells(self) -> int:
        """Number of its cells."""
        return int(self.mask.sum())


@dataclass(frozen=True)
class Traits:
    """What tells a map from other coloured parts of a page.

    Attributes
    ----------
    levels : float
        Effective number of colours: the inverse of the sum of squared shares.
    order : float
        Share of the boundaries between colours that lie between neighbours in the order of the colours: 1 on a surface.
    crossings : float
        How often a straight line across the part runs through its whole range of colours and back.
    straightness : float
        Share of the boundaries between colours that run along rows or columns for `MIN_SIDE` / 2 pixels.
    strip : float
        1 where the colours change in one direction only, as in a colour bar.
    layered : float, default 0.0
        Share of the columns, or rows, along which the colours change in one direction only: 1 of a section in layers.
    specks : int, default 0
        Number of patches of one colour.
    speck_area : float, default inf
        Cells for each of them.
    raggedness : float, default 4.0
        Length of its outlines over the square root of its area: 4 of a square.
    """

    levels: float
    order: float
    crossings: float
    straightness: float
    strip: float
    layered: float = 0.0
    specks: int = 0
    speck_area: float = np.inf
    raggedness: float = 4.0

    @property
    def is_map(self) -> bool:
        """Whether a part with these traits shows a surface."""
        return self.lack == ""

    @property
    def lack(self) -> str:
        """Why a part with these traits shows no surface, in words; empty for a map."""
        if self.levels < MIN_LEVELS:
            return f"{self.levels:.1f} colours"
        if self.strip > MAX_STRIP:
            return "colours that change in one direction only"
        if self.order < MIN_ORDER:
            return "colours without an order"
        if self.straightness > MAX_STRAIGHTNESS:
            return "straight edges between its colours"
        if self.layered > MAX_LAYERED:
            return "colours in layers without a high or a low"
        if self.raggedness > MAX_RAGGEDNESS:
            return "dots or lines"
        if self.levels < FLAT_LEVELS and self.specks >= MIN_SPECKS and self.speck_area < SPECK_AREA:
            return "specks on one colour"
        return "colours that change too fast for a surface" if self.crossings > MAX_CROSSINGS else ""

    @property
    def confidence(self) -> float:
        """How clearly a part shows a surface, 0 to 1."""
        margins = (
            (self.levels - MIN_LEVELS) / MIN_LEVELS,
            (self.order - MIN_ORDER) / (1 - MIN_ORDER),
            2 * (MAX_CROSSINGS - self.crossings) / MAX_CROSSINGS,
            2 * (MAX_STRAIGHTNESS - self.straightness) / MAX_STRAIGHTNESS,
            4 * (MAX_STRIP - self.strip) / MAX_STRIP,
        )
        return float(np.clip(min(margins), 0.0, 1.0))


def find_parts(ground: Bool) -> list[Part]:
    """Find the broad parts of a page that are not ground, the largest first; lines, frames and letters are none.

    Parameters
    ----------
    ground : (H, W) bool
        Its ground.

    Examples
    --------
    >>> ground = np.ones((100, 100), bool)
    >>> ground[20:70, 30:80] = ground[90, :] = False
    >>> [part.box for part in find_parts(ground)]
    [(20, 30, 70, 80)]
    """
    foreground = ~ground
    size = 2 * (MAX_LINE_WIDTH // 2) + 1
    square = np.ones((size, size), np.uint8)
    padded = np.pad(foreground, size).astype(np.uint8)
    for operation in (cv2.MORPH_CLOSE, cv2.MORPH_OPEN):
        padded = cv2.morphologyEx(padded, operation, square)
    broad = (padded[size:-size, size:-size] > 0) & foreground
    _, parts, stats, _ = cv2.connectedComponentsWithStats(broad.astype(np.uint8), connectivity=8)
    found = []
    for number in range(1, len(stats)):
        left, top, width, height = (int(stats[number, k]) for k in range(4))
        if min(width, height) < 8 or max(width, height) < MIN_SIDE:
            continue
        box = (top, left, top + height, left + width)
        found.append(Part(box, parts[top : top + height, left : left + width] == number))
    return sorted(found, key=lambda part: -part.cells)


def clip_to_frame(rgb: RGB, part: Part) -> Part:
    """Cut off a part what touches its frame from outside: numbers of its axes that stand close to it.

    A side of a frame is a line of one neutral colour, beyond which the part is not filled.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The page.
    part : Part
        A part of it.

    Examples
    --------
    >>> page = np.full((120, 120, 3), 90, np.uint8)
    >>> page[:100, :100] = np.arange(100)[:, None, None] * [2, 1, 0]
    >>> page[99, :100] = 0  # the frame, and the numbers below it
    >>> mask = np.ones((110, 100), bool)
    >>> mask[100:, 30:] = False
    >>> clip_to_frame(page, Part((0, 0, 110, 100), mask)).box
    (0, 0, 101, 100)
    """
    for _ in range(4):  # the lower side, and after each quarter turn another one
        end = _lower_end(rgb, part)
        height = len(rgb)
        top, left, _, right = part.box
        mask, box = part.mask[: end - top], (top, left, end, right)
        rgb, box = rgb[::-1].transpose(1, 0, 2), (box[1], height - box[2], box[3], height - box[0])
        part = Part(box, mask[::-1].T)
    return part


def _lower_end(rgb: RGB, part: Part) -> int:
    """The row behind the lower side of a part's frame, or behind the part where there is none."""
    top, left, bottom, right = part.box
    reach = min(MAX_NUMBERS, (bottom - top) // 4)
    inner = slice(left + (right - left) // 5, right - (right - left) // 5)
    for row in range(bottom - reach, bottom - MIN_NUMBERS):
        own = part.mask[row - top, inner.start - left : inner.stop - left]
        beyond = part.mask[row + 2 - top : row + 2 - top + BEYOND_ROWS]  # the line of a net lies in the map
        if _is_line(rgb[row, inner]) and own.mean() >= LINE_COVER and beyond.mean() < MAX_BEYOND:
            return row + 1 + SOFT_EDGE
    return bottom


def _is_line(pixels: RGB) -> bool:
    """Whether a row of pixels (n, 3) has one neutral colour."""
    colour = np.median(pixels, axis=0)
    near = np.abs(pixels.astype(np.int16) - colour).max(axis=1) <= LINE_STEP
    return bool(near.mean() >= LINE_COVER and np.ptp(colour) <= LINE_STEP)


def measure_traits(rgb: RGB, part: Part) -> Traits:
    """Measure what tells a map.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The page.
    part : Part
        A part of it; of a large one every second cell or fewer is looked at.

    Returns
    -------
    Traits
    """
    top, left, bottom, right = part.box
    if (step := -(-max(bottom - top, right - left) // MAX_SIDE)) > 1:
        small = Part((0, 0, *part.mask[::step, ::step].shape), part.mask[::step, ::step])
        return measure_traits(rgb[top:bottom:step, left:right:step], small)
    patch = cv2.medianBlur(np.ascontiguousarray(rgb[top:bottom, left:right]), MEDIAN_WIDTH)
    inside = cv2.erode(part.mask.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0) > 0
    inside &= ~detect_dark_lines(rgb[top:bottom, left:right])
    if not inside.any():
        return Traits(0.0, 0.0, 0.0, 1.0, 1.0)
    cube = (patch // CUBE).astype(np.int64) @ np.array([121, 11, 1])
    _, bins, counts = np.unique(cube[inside], return_inverse=True, return_counts=True)
    share = counts / counts.sum()
    often = share >= MIN_CUBE_SHARE
    label = np.full(inside.shape, -1)
    label[inside] = np.where(often[bins], bins, -1)
    centres = np.stack([np.bincount(bins, patch[inside][:, k]) / counts for k in range(3)], axis=1)
    levels = float(1 / (share**2).sum())
    if often.sum() < 3:
        return Traits(levels, 0.0, 0.0, _straightness(label), 1.0)
    label = spread_bins(label, part.mask)
    placed, position = order_colours(count_adjacency(label, len(counts)), counts, often, centres, np.inf)
    place = np.full(len(counts) + 1, np.nan)
    place[placed] = position
    rank = place[label]
    steps = np.concatenate([np.abs(np.diff(rank, axis=axis)).ravel() for axis in (0, 1)])
    steps = steps[np.isfinite(steps) & (steps > 0)]
    near = max(1.01 / max(len(placed) - 1, 1), NEAR)
    order = float((steps <= near).mean()) if len(steps) else 0.0
    specks = _count_specks(rank)
    return Traits(levels, order, _crossings(rank), _straightness(label), _strip(patch, inside), _layered(rank),
                  specks, part.cells / max(1, specks), _raggedness(part))  # fmt: skip


def _crossings(rank: NDArray[np.float64]) -> float:
    """Mean total variation of the rank along rows and columns: how often the whole range is run through."""
    sums = []
    for axis in (0, 1):
        steps = np.abs(np.diff(rank, axis=axis))
        known = np.isfinite(steps).sum(axis=axis)
        length = rank.shape[axis]
        lines = np.nansum(steps, axis=axis)[known > length / 3]
        if len(lines):
            sums.append(float(lines.mean()))
    return float(np.mean(sums)) if sums else 0.0


def _layered(rank: NDArray[np.float64]) -> float:
    """Share of columns, or of rows where it is larger, along which the rank rises only or falls only."""
    shares = []
    for ranks in (rank.T, rank):
        lines = [line[np.isfinite(line)] for line in ranks[:: -(-len(ranks) // LINES)]]
        steps = [np.diff(line) for line in lines if len(line) >= ranks.shape[1] / 4]
        shares.append(np.mean([np.abs(step).sum() - abs(step.sum()) < 1e-9 for step in steps]) if steps else 0.0)
    return float(max(shares))


def _count_specks(rank: NDArray[np.float64]) -> int:
    """Number of patches of one part of the palette."""
    step = np.where(np.isfinite(rank), np.minimum(np.nan_to_num(rank) * RANK_STEPS, RANK_STEPS - 1).astype(int), -1)
    counts = [np.bincount(ndimage.label(step == number)[0].ravel())[1:] for number in range(RANK_STEPS)]
    return int(sum((cells >= MIN_SPECK).sum() for cells in counts))


def _raggedness(part: Part) -> float:
    """Length of the outer outlines of a part over the square root of its area."""
    outlines, _ = cv2.findContours(part.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return sum(len(outline) for outline in outlines) / float(np.sqrt(part.cells))


def _straightness(label: NDArray[np.intp]) -> float:
    """Share of the boundaries between colours that run straight along rows or columns."""
    straight = total = 0
    for labels in (label, label.T):
        edge = (labels[1:] != labels[:-1]) & (labels[1:] >= 0) & (labels[:-1] >= 0)
        run = ndimage.uniform_filter1d(edge.astype(np.float32), MIN_SIDE // 2, axis=1) > 0.999
        run = ndimage.maximum_filter1d(run, MIN_SIDE // 2, axis=1) & edge
        straight, total = straight + int(run.sum()), total + int(edge.sum())
    return straight / max(total, 1)


def _strip(patch: RGB, inside: Bool) -> float:
    """Share of the colours' variance that rows or columns alone explain, the larger one."""
    colours = patch.astype(np.float64)
    mean = colours[inside].mean(axis=0)
    whole = ((colours[inside] - mean) ** 2).sum()
    explained = []
    for axis in (0, 1):
        count = inside.sum(axis=axis)
        sums = (colours * inside[..., None]).sum(axis=axis)
        explained.append(((sums / np.maximum(count, 1)[:, None] - mean) ** 2).sum(axis=1) @ count)
    return float(max(explained) / max(whole, 1e-9))
