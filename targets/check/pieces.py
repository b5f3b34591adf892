"""Pieces of one map: their order, by location or by the numbers in their names, and which of them are neighbours."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from targets.io.map_folder.flat_set import piece_numbers
from targets.scene import Scene

Pairs = NDArray[np.bool_]  # (N, N), symmetric
Shift = tuple[int, int]  # rows and columns that one piece lies below and right of another

# Shared pixels: windows of a picture whose content alone decides that they are kept (winnowing, Schleimer, Wilkerson
# and Aiken 2003) are found in both pieces wherever their overlap lies. Where they say it lies, pixel is compared with
# pixel: pictures of few colours hold many windows that are alike by chance.
WINDOW = 8  # pixels
KEPT_WINDOWS = 2048  # of a piece, at least
MIN_SHARED = 3  # windows; fewer are chance
MAX_PIECES = 6  # that hold one window; more is a legend or a pattern
MAX_SHIFTS = 3  # that are tried of a pair of pieces
MIN_EQUAL = 0.5  # of the windows of the common part that show anything: by chance below 0.5, 1 but for marks
MIN_COMPARED = 16  # of these windows
MIN_COLOURS = 3  # that both show; the border of two is alike at many places
MAX_STEP = 0.2  # of the variance along an edge: the mean squared step across it where two pieces continue each other
FACTORS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))


@dataclass(frozen=True, eq=False)
class Pieces:
    """The pieces of one map.

    Attributes
    ----------
    order : (N,) int64
        Places of the pieces in their list, from one end of the map to the other.
    near : (N, N) bool
        Pieces that lie closer to each other than the gap, overlap, or continue each other.
    overlapping : (N, N) bool
        Pieces that show the same ground.
    by : str
        What tells where they lie, in words.
    """

    order: NDArray[np.int64]
    near: Pairs
    overlapping: Pairs
    by: str


def arrange_pieces(scenes: Sequence[Scene], gap: float) -> Pieces:
    """Arrange the pieces of one map.

    Parameters
    ----------
    scenes : Sequence[Scene]
        The pieces.
    gap : float
        Pieces that are separated by less than so many widths of a piece are near.

    Returns
    -------
    pieces : Pieces
        By location where all pieces have one. Else by the numbers in their names; then pieces are near, too, if their
        edges continue each other, and overlap if they share pixels.
    """
    if all(scene.geo.located for scene in scenes):
        order, near, overlapping = _by_location(scenes, gap)
        return Pieces(order, near, overlapping, "their location")
    numbers = [number for number, _ in piece_numbers([scene.name for scene in scenes])]
    keys = [(number is None, number or 0, scene.name) for number, scene in zip(numbers, scenes, strict=True)]
    order = np.array(sorted(range(len(scenes)), key=keys.__getitem__))
    rank = np.argsort(order)
    close = abs(rank[:, None] - rank) <= math.ceil(gap)
    overlapping = _sharing_pixels(scenes)
    near = (close | overlapping | _continuing(scenes)) if gap > 0 else overlapping | np.eye(len(scenes), dtype=bool)
    return Pieces(order, near, overlapping, "the numbers in their names")


def _by_location(scenes: Sequence[Scene], gap: float) -> tuple[NDArray[np.int64], Pairs, Pairs]:
    """Order along the longer side of all pieces together, near and overlapping pairs."""
    corners = []
    for scene in scenes:
        rows, cols = np.array([0, 0, scene.shape[0], scene.shape[0]]), np.array([0, scene.shape[1], 0, scene.shape[1]])
        corners.append(np.stack(scene.geo.xy(rows - 0.5, cols - 0.5), axis=1))
    low = np.array([points.min(axis=0) for points in corners])  # (N, 2) x, y
    high = np.array([points.max(axis=0) for points in corners])
    size = (high - low).mean(axis=0)
    apart = np.maximum(low[:, None] - high, low - high[:, None]) / size  # (N, N, 2) in widths, below 0 in common
    separation = apart.max(axis=2)
    extent = (high.max(axis=0) - low.min(axis=0)) / size
    along = int(extent.argmax())
    centre = (low + high) / 2
    order = np.lexsort((centre[:, 1 - along], centre[:, along]))
    tolerance = 1e-3  # of a width; pieces that only touch do not overlap
    return order, separation < max(gap, 0) - tolerance, separation < -tolerance


def _continuing(scenes: Sequence[Scene]) -> Pairs:
    """Pairs whose edges continue each other: each is the other's best of all, and the step across is small."""
    planes = [_grey(scene) for scene in scenes]
    found = np.zeros((len(scenes), len(scenes)), np.bool_)
    for first, second in ((-1, 0), (0, -1)):
        for axis in (0, 1):
            one = [np.take(plane, first, axis=axis) for plane in planes]
            other = [np.take(plane, second, axis=axis) for plane in planes]
            by_length: dict[int, list[int]] = defaultdict(list)
            for i, edge in enumerate(one):
                by_length[len(edge)].append(i)
            for places in by_length.values():
                found[np.ix_(places, places)] |= _matching(
                    np.array([one[i] for i in places]), np.array([other[i] for i in places])
                )
    return found | found.T


def _matching(one: NDArray[np.float32], other: NDArray[np.float32]) -> Pairs:
    """Pairs of rows (N, L) of which each is nearest to the other, and hardly differs from it."""
    if len(one) < 2:
        return np.zeros((len(one), len(one)), np.bool_)
    squares = (one**2).mean(axis=1)[:, None] + (other**2).mean(axis=1) - 2 * one @ other.T / one.shape[1]
    np.fill_diagonal(squares, np.inf)
    best = np.zeros(squares.shape, np.bool_)
    best[np.arange(len(one)), squares.argmin(axis=1)] = True
    mutual = np.zeros(squares.shape, np.bool_)
    mutual[squares.argmin(axis=0), np.arange(len(other))] = True
    varied = one.var(axis=1)[:, None]  # a flat edge is like any other
    return best & mutual & (squares < MAX_STEP * varied)


def _grey(scene: Scene) -> NDArray[np.float32]:
    if scene.has_depth:
        return scene.depth
    assert scene.rgb is not None
    return scene.rgb.astype(np.float32).mean(axis=2)


def _sharing_pixels(scenes: Sequence[Scene]) -> Pairs:
    """Pairs that show exactly the same pixels somewhere, at whatever place of each."""
    smallest = min(scene.depth.size for scene in scenes)
    kept_bits = max(0, int(math.log2(max(1, smallest / KEPT_WINDOWS))))
    codes = [_pixel_codes(scene) for scene in scenes]
    windows = [_distinct_windows(code, kept_bits) for code in codes]
    hashes = np.concatenate([found[0] for found in windows])
    places = np.concatenate([np.column_stack([np.full(len(found[0]), i), found[1]]) for i, found in enumerate(windows)])
    order = np.argsort(hashes, kind="stable")
    starts = np.flatnonzero(np.diff(hashes[order], prepend=hashes[order][:1] ^ np.uint64(1)))
    shifts: dict[tuple[int, int], Counter[Shift]] = defaultdict(Counter)
    for start, end in pairwise([*starts.tolist(), len(order)]):
        if 1 < end - start <= MAX_PIECES:
            for (i, *one), (j, *other) in combinations(places[order[start:end]].tolist(), 2):
                shifts[i, j][one[0] - other[0], one[1] - other[1]] += 1
    found = np.eye(len(scenes), dtype=np.bool_)
    for (i, j), counts in shifts.items():
        likely = [shift for shift, count in counts.most_common(MAX_SHIFTS) if count >= MIN_SHARED]
        found[i, j] = found[j, i] = any(_is_equal_at(codes[i], codes[j], shift) for shift in likely)
    return found


def _pixel_codes(scene: Scene) -> NDArray[np.uint64]:
    """(H, W) a number for each colour, or for each depth where there is no picture."""
    if scene.rgb is None:
        return np.ascontiguousarray(scene.depth).view(np.uint32).astype(np.uint64)
    parts = scene.rgb.astype(np.uint64)
    return parts[..., 0] * np.uint64(65536) + parts[..., 1] * np.uint64(256) + parts[..., 2]


def _is_equal_at(one: NDArray[np.uint64], other: NDArray[np.uint64], shift: Shift) -> bool:
    """Whether two pieces show the same pixels where they lie on each other, the other below and right by `shift`.

    Windows of a single colour say nothing, and two colours little.
    """
    here, there = [], []
    for offset, length, other_length in zip(shift, one.shape, other.shape, strict=True):
        here.append(slice(max(0, offset), min(length, other_length + offset)))
        there.append(slice(max(0, -offset), min(other_length, length - offset)))
    one, other = one[tuple(here)], other[tuple(there)]
    if min(one.shape) < WINDOW:
        return False
    # a window is the square below and right of its pixel
    kernel, edges = np.ones((WINDOW, WINDOW), np.uint8), _is_edge(one) | _is_edge(other)
    equal = cv2.erode((one == other).astype(np.uint8), kernel, anchor=(0, 0))
    varied = cv2.dilate(edges.astype(np.uint8), kernel, anchor=(0, 0))
    equal, varied = (plane[: 1 - WINDOW, : 1 - WINDOW] > 0 for plane in (equal, varied))
    is_enough = varied.sum() >= MIN_COMPARED and len(np.unique(one[one == other])) >= MIN_COLOURS
    return bool(is_enough and (equal & varied).sum() >= MIN_EQUAL * varied.sum())


def _is_edge(code: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """(H, W) pixels that differ from the next one below or to the right."""
    edge = np.zeros(code.shape, np.bool_)
    edge[:-1] |= code[1:] != code[:-1]
    edge[:, :-1] |= code[:, 1:] != code[:, :-1]
    return edge


def _distinct_windows(code: NDArray[np.uint64], kept_bits: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Windows that their content selects, one of 2^`kept_bits`, without those that occur twice, as flat ones do.

    Returns
    -------
    hashes : (n,) uint64
    places : (n, 2) int64
        Row and column of each.
    """
    if min(code.shape) < WINDOW:
        return np.zeros(0, np.uint64), np.zeros((0, 2), np.int64)
    code = (code + np.uint64(1)) * FACTORS[0]
    code ^= code >> np.uint64(29)
    for axis, factor in enumerate(FACTORS):
        length = code.shape[axis] - WINDOW + 1
        summed = np.zeros_like(np.take(code, np.arange(length), axis=axis))
        for k in range(WINDOW):
            summed = summed * factor + np.take(code, np.arange(k, k + length), axis=axis)
        code = summed ^ (summed >> np.uint64(31))
    rows, cols = np.nonzero((code * FACTORS[1]) >> np.uint64(32) & np.uint64(2**kept_bits - 1) == 0)
    hashes, first, counts = np.unique(code[rows, cols], return_index=True, return_counts=True)
    once = counts == 1
    return hashes[once], np.stack([rows, cols], axis=1)[first[once]]
