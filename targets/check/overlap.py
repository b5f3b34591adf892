"""Do two maps show the same ground? By their location, by the details of their depths, or as turned copies."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy import ndimage

from targets.scene import Bool, Float, GeoReference, Scene
from targets.surface.resample import downsample

KEPT = 256  # cells along the longer side that are kept of a map to compare it
SEARCHED = 48  # cells along the longer side of the largest map when every shift is tried
DETAIL = 16  # kept cells; what varies more slowly looks alike on many maps, and is taken out before comparing
THUMB = 24  # cells of the square that whole maps are pressed into, to find copies
MIN_SHARE = 0.25  # of the smaller map; smaller overlaps look alike by chance
# Likeness from which two maps show the same ground, measured on 80 000 pairs of different synthetic maps and on cuts of
# one map that share 30 to 80 %: at the best of all shifts chance reaches 0.94 and cuts 0.99; where the location tells
# the shift chance reaches 0.55, and two horizons of one public field 0.6 to 0.99.
CANDIDATE, SAME, SAME_PLACE = 0.7, 0.97, 0.6
# Likeness of whole maps in the best of eight positions: 45 000 pairs of different synthetic maps stay below 0.93,
# parallel horizons of two public fields reach 0.998 to 0.99994, a map in 8 bits or at half its size 0.999996.
SHAPE, COPY = 0.97, 0.99998


@dataclass(frozen=True, eq=False)
class Ground:
    """What is kept of a map to compare it with others.

    Attributes
    ----------
    name, group : str
        As in `Scene`.
    surface : Float
        (h, w) float32 depth, at most `KEPT` cells along a side.
    inside : Bool
        (h, w) bool.
    step : float
        How many cells of the map one kept cell spans.
    geo : GeoReference
        Where the kept cells lie.
    """

    name: str
    group: str
    surface: Float
    inside: Bool
    step: float
    geo: GeoReference


@dataclass(frozen=True)
class Overlap:
    """Two maps that show the same ground.

    Attributes
    ----------
    first, second : int
        Their places in the list.
    how : str
        Copy, shape (of the whole map), location or depth.
    share : float
        Of the smaller map's ground.
    likeness : float
        Correlation of the details of their depths, at most 1.
    """

    first: int
    second: int
    method: str
    share: float
    similarity: float


def ground_of(scene: Scene) -> Ground:
    """What is needed of a map with a depth to compare it with others."""
    small = downsample(scene, KEPT)
    step = max(scene.shape) / max(small.shape)
    return Ground(scene.name, scene.group, small.depth, small.map_valid, step, small.geo)


def find_overlaps(grounds: Sequence[Ground]) -> list[Overlap]:
    """All copies, and all pairs of different groups that share ground, each pair once."""
    apart = [(i, j) for i, j in combinations(range(len(grounds)), 2) if grounds[i].group != grounds[j].group]
    found: dict[tuple[int, int], Overlap] = {}
    for pair in (*by_shape(grounds), *by_location(grounds, apart), *by_depth(grounds, apart)):
        if pair.method == "copy" or grounds[pair.first].group != grounds[pair.second].group:
            found.setdefault((pair.first, pair.second), pair)
    return list(found.values())


# --- whole maps ------------------------------------------------------------------------------------------------------


def by_shape(grounds: Sequence[Ground]) -> Iterator[Overlap]:
    """Pairs of maps that are one map, also turned or mirrored, at another size or with another scale of depths."""
    thumbs = [_thumb(ground) for ground in grounds]
    used = [i for i, thumb in enumerate(thumbs) if thumb is not None]
    if len(used) < 2:
        return
    stack = np.stack([thumb for thumb in thumbs if thumb is not None])
    flat = stack.reshape(len(used), -1)
    best = np.full((len(used), len(used)), -1.0)
    for turns in range(4):
        for mirrored in (stack, stack[:, :, ::-1]):
            np.maximum(best, flat @ np.rot90(mirrored, turns, (1, 2)).reshape(len(used), -1).T, out=best)
    for a, b in np.argwhere(np.triu(best >= SHAPE, 1)):
        yield Overlap(used[a], used[b], "copy" if best[a, b] >= COPY else "shape", 1.0, float(best[a, b]))


def _thumb(ground: Ground) -> NDArray[np.float64] | None:
    """(THUMB, THUMB) the surface without its regional dip, of length 1; None when nothing is left of it."""
    rows, cols = np.flatnonzero(ground.inside.any(axis=1)), np.flatnonzero(ground.inside.any(axis=0))
    box = ground.surface[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    small = cv2.resize(box, (THUMB, THUMB), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
    row, col = np.indices((THUMB, THUMB)) - (THUMB - 1) / 2
    plane, _ = np.linalg.qr(np.stack([np.ones(THUMB**2), row.ravel(), col.ravel()], axis=1))
    rest = small - plane @ (plane.T @ small)
    length = float(np.linalg.norm(rest))
    return None if length < 1e-6 * np.abs(small).max(initial=1) else (rest / length).reshape(THUMB, THUMB)


# --- location --------------------------------------------------------------------------------------------------------


def by_location(grounds: Sequence[Ground], pairs: Iterable[tuple[int, int]]) -> Iterator[Overlap]:
    """Pairs that overlap on the map of the world and whose depths go up and down together there."""
    boxes = [_box(ground) if ground.geo.located else None for ground in grounds]
    for i, j in pairs:
        a, b = boxes[i], boxes[j]
        if a is None or b is None or (a[0] > b[1]).any() or (b[0] > a[1]).any():
            continue
        if None not in (grounds[i].geo.crs, grounds[j].geo.crs) and grounds[i].geo.crs != grounds[j].geo.crs:
            continue
        other, shared = _seen_from(grounds[i], grounds[j])
        # of the smaller map: its cells counted in cells of map i
        area = grounds[j].geo.cell_area / grounds[i].geo.cell_area
        share = shared.sum() / min(grounds[i].inside.sum(), max(1.0, grounds[j].inside.sum() * area))
        if share >= MIN_SHARE and (likeness := _likeness(grounds[i].surface, other, shared)) >= SAME_PLACE:
            yield Overlap(i, j, "location", min(float(share), 1.0), likeness)


def _box(ground: Ground) -> NDArray[np.float64]:
    """(2, 2) smallest and largest x, y of the cells inside."""
    x, y = ground.geo.xy(*np.nonzero(ground.inside))
    return np.array([[x.min(), y.min()], [x.max(), y.max()]])


def _seen_from(here: Ground, there: Ground) -> tuple[Float, Bool]:
    """The other map's surface on the cells of this one, and the cells inside both."""
    row, col = there.geo.rowcol(*here.geo.xy(*np.indices(here.inside.shape)))
    row, col = np.rint(row).astype(int), np.rint(col).astype(int)
    on = (row >= 0) & (row < there.inside.shape[0]) & (col >= 0) & (col < there.inside.shape[1])
    row, col = np.where(on, row, 0), np.where(on, col, 0)
    return there.surface[row, col], here.inside & on & there.inside[row, col]


# --- depth -----------------------------------------------------------------------------------------------------------


def by_depth(grounds: Sequence[Ground], pairs: Iterable[tuple[int, int]]) -> Iterator[Overlap]:
    """Pairs whose depths have the same details where one map is laid over the other at the best of all shifts.

    Cells of both maps must be equally large, as those of cuts of one larger map are; the maps are not turned.
    """
    if len(grounds) < 2:
        return
    step = max(ground.step for ground in grounds)
    even = [_rescaled(ground, ground.step / step) for ground in grounds]
    longest = max(max(inside.shape) for _, inside in even)
    small = [_shrunk(surface, inside, min(1.0, SEARCHED / longest)) for surface, inside in even]
    size = scipy.fft.next_fast_len(2 * max(max(inside.shape) for _, inside in small), real=True)
    spectra = [_spectra(surface, inside, size) for surface, inside in small]
    grown = longest / max(max(inside.shape) for _, inside in small)
    for i, j in pairs:
        likeness, shift = _best_shift(spectra[i], spectra[j], size)
        if likeness < CANDIDATE:
            continue
        share, likeness = _laid_over(even[i], even[j], (round(shift[0] * grown), round(shift[1] * grown)), round(grown))
        if share >= MIN_SHARE and likeness >= SAME:
            yield Overlap(i, j, "depth", share, likeness)


def _rescaled(ground: Ground, scale: float) -> tuple[Float, Bool]:
    return _shrunk(ground.surface, ground.inside, scale)


def _shrunk(surface: Float, inside: Bool, scale: float) -> tuple[Float, Bool]:
    if scale == 1:
        return surface, inside
    size = (max(1, round(inside.shape[1] * scale)), max(1, round(inside.shape[0] * scale)))
    share = cv2.resize(inside.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return cv2.resize(surface, size, interpolation=cv2.INTER_AREA), share >= 0.5


@dataclass(frozen=True, eq=False)
class _Spectra:
    """Transforms of a map's details, of their squares and of its inside."""

    detail: NDArray
    square: NDArray
    inside: NDArray
    area: int


def _spectra(surface: Float, inside: Bool, size: int) -> _Spectra:
    detail = _details(surface, inside, DETAIL * SEARCHED / KEPT)
    detail /= max(float(detail[inside].std()) if inside.any() else 0.0, 1e-12)
    one, two, three = (scipy.fft.rfft2(p, (size, size)) for p in (detail, detail**2, inside.astype(np.float32)))
    return _Spectra(one, two, three, int(inside.sum()))


def _best_shift(a: _Spectra, b: _Spectra, size: int) -> tuple[float, tuple[int, int]]:
    """The best correlation of two maps over their common cells at any shift, and how far b then lies down and right.

    Padfield 2012, Masked object registration in the Fourier domain, IEEE Trans. Image Processing 21, 2706-2718.
    """

    def sums(first: NDArray, second: NDArray) -> NDArray:
        return np.asarray(scipy.fft.irfft2(first * second.conj(), (size, size)))

    count = sums(a.inside, b.inside)
    enough = count >= MIN_SHARE * min(a.area, b.area)
    count = np.maximum(count, 1)
    of_a, of_b = sums(a.detail, b.inside), sums(a.inside, b.detail)
    spread_a = sums(a.square, b.inside) - of_a**2 / count
    spread_b = sums(a.inside, b.square) - of_b**2 / count
    least = 1e-3 * count  # where nearly nothing of the detail is left, all correlations are chance
    likeness = (sums(a.detail, b.detail) - of_a * of_b / count) / np.sqrt(
        np.maximum(spread_a, least) * np.maximum(spread_b, least)
    )
    likeness = np.where(enough, likeness, -1)
    row, col = divmod(int(likeness.argmax()), size)
    half = size // 2
    return float(likeness[row, col]), (row - size * (row > half), col - size * (col > half))


def _laid_over(a: tuple[Float, Bool], b: tuple[Float, Bool], shift: tuple[int, int], near: int) -> tuple[float, float]:
    """Share of the smaller map and correlation of details, at the best shift within `near` cells."""
    best, place = -2.0, shift
    for row in range(shift[0] - near, shift[0] + near + 1):
        for col in range(shift[1] - near, shift[1] + near + 1):
            one, two, shared = _common(a, b, (row, col))
            if shared.sum() > 2 and (likeness := _correlation(one[shared], two[shared])) > best:
                best, place = likeness, (row, col)
    one, two, shared = _common(a, b, place)
    return float(shared.sum() / max(1, min(a[1].sum(), b[1].sum()))), _likeness(one, two, shared)


def _common(a: tuple[Float, Bool], b: tuple[Float, Bool], shift: tuple[int, int]) -> tuple[Float, Float, Bool]:
    """The windows of both maps that lie over each other when b is moved down and right by `shift`."""
    here, there = [], []
    for axis in (0, 1):
        first = max(0, shift[axis])
        last = max(first, min(a[1].shape[axis], b[1].shape[axis] + shift[axis]))
        here.append(slice(first, last))
        there.append(slice(first - shift[axis], last - shift[axis]))
    return a[0][tuple(here)], b[0][tuple(there)], a[1][tuple(here)] & b[1][tuple(there)]


def _likeness(one: Float, two: Float, shared: Bool) -> float:
    """Correlation of the details of two surfaces over the cells they share."""
    if shared.sum() < 3:
        return -1.0
    return _correlation(_details(one, shared, DETAIL)[shared], _details(two, shared, DETAIL)[shared])


def _correlation(one: NDArray, two: NDArray) -> float:
    one, two = one - one.mean(dtype=np.float64), two - two.mean(dtype=np.float64)
    spread = float(np.sqrt((one @ one) * (two @ two)))
    return float(one @ two) / spread if spread > 0 else -1.0


def _details(surface: Float, inside: Bool, sigma: float) -> Float:
    """(H, W) the surface less its mean over some `sigma` cells around, 0 outside."""
    level = np.float32(surface[inside].mean()) if inside.any() else np.float32(0)
    weight = ndimage.gaussian_filter(inside.astype(np.float32), sigma, mode="constant")
    mean = ndimage.gaussian_filter(np.where(inside, surface - level, 0).astype(np.float32), sigma, mode="constant")
    return np.where(inside, surface - level - mean / np.maximum(weight, 1e-6), 0).astype(np.float32)
