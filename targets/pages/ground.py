"""Ground of a page: constant neutral areas that are paper, black or grey background, voids or parts of a window."""

import cv2
import numpy as np
from numpy.typing import NDArray

from targets.common.rgb_planes import colourfulness, strongest
from targets.rendering.palettes import RGB
from targets.scene import Bool

MAX_COLOUR = 16  # grey levels between the channels of a neutral colour
TOLERANCE, LOSSY_TOLERANCE = 3, 14  # grey levels around the colour of a ground; a lossy file blurs it
MAX_GROUNDS = 6  # different greys that are looked at
MIN_PEAK_SHARE = 0.01  # of the picture, of a grey that a ground may have
MIN_AREA_SHARE = 0.001  # of the picture, of one part of a ground
MIN_BORDER_SHARE = 0.05  # of the picture's border, along which the page's own ground lies
MIN_WIDTH = 6  # pixels of ground; what is narrower is a line, but for paper that the picture's border cuts
MIN_PAPER = 240  # grey level
LETTER_GAP = 10  # pixels that ground reaches between letters
RING_WIDTH, INK_WIDTH = 9, 5  # pixels around a part that are looked at, less those of a contour and its soft edges
MIN_RING_SHARE = 0.2  # of the ring that is neither the page's ground nor another part of the same grey
COLOUR_STEP = 32  # grey levels of the cubes that colours of a ring are counted in
# Share of a ring in its commonest cubes of colour: a level of a map lies between two others, a void runs across many.
LEVEL_CUBES, MIN_LEVEL_SHARE = 2, 0.75
MIN_CONTACT = 0.2  # of the ring beyond a frame's line; the paper inside the frame lies along it


def find_ground(rgb: RGB, lossy: bool = False) -> Bool:
    """Find the ground of a page, whatever its grey: what lies around the map and in its voids.

    A constant neutral area is ground where it reaches along the border of the picture, or where the colours around it
    are many. Areas between one or two colours are levels of the map: a white top, a grey band.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    lossy : bool, default False
        Whether the file has blurred its colours (JPEG).

    Returns
    -------
    (H, W) bool
        Cells of ground.

    Examples
    --------
    >>> page = np.zeros((60, 60, 3), np.uint8)  # a black page
    >>> page[10:50, 10:50] = np.linspace(0, 255, 40)[:, None, None] * [1, 0, 0.5]
    >>> int((~find_ground(page)).sum()) > 1400, bool(find_ground(page)[0, 0])
    (True, True)
    """
    size = rgb.shape[0] * rgb.shape[1]
    whole, masks = list[Bool](), list[Bool]()
    tolerance = LOSSY_TOLERANCE if lossy else TOLERANCE
    neutral = colourfulness(rgb) <= (MAX_COLOUR if lossy else TOLERANCE * 2)
    levels = strongest(rgb)
    counts = np.bincount(levels[neutral], minlength=256).astype(np.float64)
    for _ in range(MAX_GROUNDS):
        peak = int(counts.argmax())
        low, high = max(0, peak - tolerance), min(255, peak + tolerance)
        if counts[low : high + 1].sum() < MIN_PEAK_SHARE * size:
            break
        counts[low : high + 1] = 0
        whole.append(neutral & (levels >= low) & (levels <= high))
        masks.append(_broad(whole[-1], peak >= MIN_PAPER))
    page = np.zeros(rgb.shape[:2], np.bool_)
    for mask in masks:
        page |= _along_border(mask)
    ground = page.copy()
    for mask in masks:
        ground |= _parts_of_ground(rgb, mask, page)
    found = ground.copy()
    for mask, all_of_grey in zip(masks, whole, strict=True):
        found |= _grown(ground & mask, all_of_grey)
    return found


def _broad(mask: Bool, is_paper: bool) -> Bool:
    """The cells of a mask that lie in or beside squares of `MIN_WIDTH`: no lines, frames and letters.

    Paper goes on beyond the picture's border.
    """
    border = cv2.BORDER_REPLICATE if is_paper else cv2.BORDER_CONSTANT
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), *(MIN_WIDTH,) * 4, border, value=0)
    opened = cv2.morphologyEx(padded, cv2.MORPH_OPEN, np.ones((MIN_WIDTH, MIN_WIDTH), np.uint8))
    near = cv2.dilate(opened, np.ones((3, 3), np.uint8)) > 0
    return mask & near[MIN_WIDTH:-MIN_WIDTH, MIN_WIDTH:-MIN_WIDTH]


def _grown(ground: Bool, grey: Bool) -> Bool:
    """Ground with what lies beside it in the same grey between letters and lines."""
    grown, square = ground.astype(np.uint8), np.ones((3, 3), np.uint8)
    for _ in range(LETTER_GAP):
        grown = cv2.dilate(grown, square) & grey
    return grown > 0


def _parts_of_ground(rgb: RGB, mask: Bool, page: Bool) -> Bool:
    """The parts (8 neighbours) of one grey that are ground; `page` is what is known to be."""
    of_page, mask = bool((mask & page).any()), mask & ~page
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= MIN_AREA_SHARE * mask.size
    is_ground = np.zeros(count, np.bool_)
    for part in np.flatnonzero(large):
        if part:
            level, contact = _surroundings(rgb, parts, page, int(part), stats[part])
            is_ground[part] = level < MIN_LEVEL_SHARE or (contact > MIN_CONTACT and (of_page or level < 0.9))
    return is_ground[parts]


def _along_border(mask: Bool) -> Bool:
    """The parts (8 neighbours) that reach along the picture's border."""
    count, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    border = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    is_page = np.bincount(border, minlength=count) >= MIN_BORDER_SHARE * border.size
    is_page[0] = False
    return is_page[parts]


def _surroundings(
    rgb: RGB, parts: NDArray[np.int32], page: Bool, part: int, stats: NDArray[np.int32]
) -> tuple[float, float]:
    """Share of the commonest colours in the ring around a part, and share of the ring that is the page's ground.

    Ink, and for the colours the page's ground, are left out; 0 where no colours are left.
    """
    left, top, width, height = (int(stats[k]) for k in range(4))
    box = np.s_[max(0, top - RING_WIDTH) : top + height + RING_WIDTH,
                max(0, left - RING_WIDTH) : left + width + RING_WIDTH]  # fmt: skip
    own = (parts[box] == part).astype(np.uint8)
    grown, inner = (cv2.dilate(own, np.ones((2 * reach + 1,) * 2, np.uint8)) for reach in (RING_WIDTH, INK_WIDTH))
    ring = grown > inner
    contact = float(page[box][ring].mean())
    colours = rgb[box][ring & (parts[box] == 0) & ~page[box]]
    if len(colours) < MIN_RING_SHARE * ring.sum():
        return 0.0, contact
    cubes = (colours // COLOUR_STEP).astype(np.int64) @ np.array([64, 8, 1])
    counts = np.sort(np.bincount(cubes))
    return float(counts[-LEVEL_CUBES:].sum() / counts.sum()), contact
