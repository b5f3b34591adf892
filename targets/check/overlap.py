"""Overlap of maps: pairs that show the same ground, found by location, by details of their depths, or as copies."""

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

FOOTPRINT_SIDE = 256  # cells along the longer side of a footprint
SEARCH_SIDE = 48  # cells along the longer side of the largest footprint while every shift is tried
DETAIL_SCALE = 16  # cells of a footprint; slower variation is alike on many maps and is removed before comparing
SHAPE_SIDE = 24  # cells of the square that whole maps are resized to, to find copies
MIN_SHARE = 0.25  # of the smaller map; smaller overlaps look alike by chance
# Correlations from which two maps show the same ground; see docs/experiments/data_check.md.
MIN_CANDIDATE = 0.7  # at the best of all shifts of the small footprints; more than chance, looked at more finely
MIN_SAME = 0.97  # at the best of all shifts
MIN_SAME_PLACE = 0.6  # where the location gives the shift
MIN_SHAPE = 0.97  # of whole maps in the best of eight orientations
MIN_COPY = 0.99998  # likewise, from which they are one map


@dataclass(frozen=True, eq=False)
class Footprint:
    """A small copy of a map's surface that other maps are compared with.

    Attributes
    ----------
    name : str
        As in `Scene`.
    group : str
        As in `Scene`.
    surface : (h, w) float32
        Depth, at most `FOOTPRINT_SIDE` cells along a side.
    inside : (h, w) bool
        Cells of the map.
    step : float
        Cells of the map along one cell of the footprint.
    geo : GeoReference
        Location of the footprint's cells.
    """

    name: str
    group: str
    surface: Float
    inside: Bool
    step: float
    geo: GeoReference


@dataclass(frozen=True)
class Overlap:
    """Two maps that show the same footprint.

    Attributes
    ----------
    first : int
        Place of one map in the list.
    second : int
        Place of the other.
    method : str
        How it was found: copy, shape (of the whole map), location or depth.
    share : float
        Common part of the smaller map, 0 to 1.
    similarity : float
        Correlation of the details of their depths, at most 1.
    """

    first: int
    second: int
    method: str
    share: float
    similarity: float


def footprint_of(scene: Scene) -> Footprint:
    """Make the footprint of a map with a depth.

    Parameters
    ----------
    scene : Scene
        The map.

    Returns
    -------
    Footprint
    """
    small = downsample(scene, FOOTPRINT_SIDE)
    step = max(scene.shape) / max(small.shape)
    return Footprint(scene.name, scene.group, small.depth, small.map_valid, step, small.geo)


def find_overlaps(footprints: Sequence[Footprint]) -> list[Overlap]:
    """Find all copies, and all pairs of different groups that share footprint.

    Parameters
    ----------
    footprints : Sequence[Footprint]
        Of all maps.

    Returns
    -------
    list[Overlap]
        Each pair once, by the first method that finds it: shape, location, depth.
    """
    across = [(i, j) for i, j in combinations(range(len(footprints)), 2) if footprints[i].group != footprints[j].group]
    found: dict[tuple[int, int], Overlap] = {}
    for pair in (
        *overlaps_by_shape(footprints),
        *overlaps_by_location(footprints, across),
        *overlaps_by_depth(footprints, across),
    ):
        if pair.method == "copy" or footprints[pair.first].group != footprints[pair.second].group:
            found.setdefault((pair.first, pair.second), pair)
    return list(found.values())


# --- whole maps ------------------------------------------------------------------------------------------------------


def overlaps_by_shape(footprints: Sequence[Footprint]) -> Iterator[Overlap]:
    """Find pairs that are one map, also rotated or mirrored, at another size or with another scale of depths.

    Parameters
    ----------
    footprints : Sequence[Footprint]
        Of all maps.

    Yields
    ------
    Overlap
        Method "copy", or "shape" where the maps are alike but not equal (parallel horizons).
    """
    shapes = [_normalised_shape(footprint) for footprint in footprints]
    used = [i for i, shape in enumerate(shapes) if shape is not None]
    if len(used) < 2:
        return
    stack = np.stack([shape for shape in shapes if shape is not None])
    flat = stack.reshape(len(used), -1)
    best = np.full((len(used), len(used)), -1.0)
    for quarter_turns in range(4):
        for mirrored in (stack, stack[:, :, ::-1]):
            np.maximum(best, flat @ np.rot90(mirrored, quarter_turns, (1, 2)).reshape(len(used), -1).T, out=best)
    for a, b in np.argwhere(np.triu(best >= MIN_SHAPE, 1)):
        yield Overlap(used[a], used[b], "copy" if best[a, b] >= MIN_COPY else "shape", 1.0, float(best[a, b]))


def _normalised_shape(footprint: Footprint) -> NDArray[np.float64] | None:
    """(THUMB, THUMB) the surface without its regional dip, of length 1; None when nothing is left of it."""
    rows, cols = np.flatnonzero(footprint.inside.any(axis=1)), np.flatnonzero(footprint.inside.any(axis=0))
    box = footprint.surface[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    small = cv2.resize(box, (SHAPE_SIDE, SHAPE_SIDE), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
    row, col = np.indices((SHAPE_SIDE, SHAPE_SIDE)) - (SHAPE_SIDE - 1) / 2
    plane, _ = np.linalg.qr(np.stack([np.ones(SHAPE_SIDE**2), row.ravel(), col.ravel()], axis=1))
    rest = small - plane @ (plane.T @ small)
    length = float(np.linalg.norm(rest))
    return None if length < 1e-6 * np.abs(small).max(initial=1) else (rest / length).reshape(SHAPE_SIDE, SHAPE_SIDE)


# --- location --------------------------------------------------------------------------------------------------------


def overlaps_by_location(footprints: Sequence[Footprint], pairs: Iterable[tuple[int, int]]) -> Iterator[Overlap]:
    """Find pairs whose locations overlap and whose depths correlate there.

    Parameters
    ----------
    footprints : Sequence[Footprint]
        Of all maps.
    pairs : Iterable[tuple[int, int]]
        The pairs to compare.

    Yields
    ------
    Overlap
        Method "location".
    """
    boxes = [_bounding_box(footprint) if footprint.geo.located else None for footprint in footprints]
    for i, j in pairs:
        a, b = boxes[i], boxes[j]
        if a is None or b is None or (a[0] > b[1]).any() or (b[0] > a[1]).any():
            continue
        if (
            None not in (footprints[i].geo.crs, footprints[j].geo.crs)
            and footprints[i].geo.crs != footprints[j].geo.crs
        ):
            continue
        other, shared = _resample_onto(footprints[i], footprints[j])
        # of the smaller map: its cells counted in cells of map i
        area = footprints[j].geo.cell_area / footprints[i].geo.cell_area
        share = shared.sum() / min(footprints[i].inside.sum(), max(1.0, footprints[j].inside.sum() * area))
        if (
            share >= MIN_SHARE
            and (likeness := _detail_correlation(footprints[i].surface, other, shared)) >= MIN_SAME_PLACE
        ):
            yield Overlap(i, j, "location", min(float(share), 1.0), likeness)


def _bounding_box(footprint: Footprint) -> NDArray[np.float64]:
    """(2, 2) smallest and largest x, y of the cells inside."""
    x, y = footprint.geo.xy(*np.nonzero(footprint.inside))
    return np.array([[x.min(), y.min()], [x.max(), y.max()]])


def _resample_onto(here: Footprint, there: Footprint) -> tuple[Float, Bool]:
    """Nearest values of the other map on the cells of this one, and the cells inside both."""
    row, col = there.geo.rowcol(*here.geo.xy(*np.indices(here.inside.shape)))
    row, col = np.rint(row).astype(int), np.rint(col).astype(int)
    on = (row >= 0) & (row < there.inside.shape[0]) & (col >= 0) & (col < there.inside.shape[1])
    row, col = np.where(on, row, 0), np.where(on, col, 0)
    return there.surface[row, col], here.inside & on & there.inside[row, col]


# --- depth -----------------------------------------------------------------------------------------------------------


def overlaps_by_depth(footprints: Sequence[Footprint], pairs: Iterable[tuple[int, int]]) -> Iterator[Overlap]:
    """Find pairs whose details correlate at the best of all shifts of one map over the other.

    Cells of both maps must be equally large, as those of crops of one larger map are; the maps are not rotated.

    Parameters
    ----------
    footprints : Sequence[Footprint]
        Of all maps.
    pairs : Iterable[tuple[int, int]]
        The pairs to compare.

    Yields
    ------
    Overlap
        Method "depth".
    """
    if len(footprints) < 2:
        return
    step = max(footprint.step for footprint in footprints)
    common = [_resize(footprint.surface, footprint.inside, footprint.step / step) for footprint in footprints]
    longest = max(max(inside.shape) for _, inside in common)
    small = [_resize(surface, inside, min(1.0, SEARCH_SIDE / longest)) for surface, inside in common]
    size = scipy.fft.next_fast_len(2 * max(max(inside.shape) for _, inside in small), real=True)
    spectra = [_spectra(surface, inside, size) for surface, inside in small]
    factor = longest / max(max(inside.shape) for _, inside in small)
    for i, j in pairs:
        likeness, shift = _best_shift(spectra[i], spectra[j], size)
        if likeness < MIN_CANDIDATE:
            continue
        share, likeness = _refine_shift(
            common[i], common[j], (round(shift[0] * factor), round(shift[1] * factor)), round(factor)
        )
        if share >= MIN_SHARE and likeness >= MIN_SAME:
            yield Overlap(i, j, "depth", share, likeness)


def _resize(surface: Float, inside: Bool, scale: float) -> tuple[Float, Bool]:
    """Area averages; a cell is inside where half of it is."""
    if scale == 1:
        return surface, inside
    size = (max(1, round(inside.shape[1] * scale)), max(1, round(inside.shape[0] * scale)))
    share = cv2.resize(inside.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return cv2.resize(surface, size, interpolation=cv2.INTER_AREA), share >= 0.5


@dataclass(frozen=True, eq=False)
class _Spectra:
    """Fourier transforms of a map's details, of their squares and of its inside; the cells inside."""

    detail: NDArray
    square: NDArray
    inside: NDArray
    area: int


def _spectra(surface: Float, inside: Bool, size: int) -> _Spectra:
    """Fourier transforms, padded to `size`, of details of standard deviation 1."""
    detail = _remove_regional(surface, inside, DETAIL_SCALE * SEARCH_SIDE / FOOTPRINT_SIDE)
    detail /= max(float(detail[inside].std()) if inside.any() else 0.0, 1e-12)
    one, two, three = (scipy.fft.rfft2(p, (size, size)) for p in (detail, detail**2, inside.astype(np.float32)))
    return _Spectra(one, two, three, int(inside.sum()))


def _best_shift(a: _Spectra, b: _Spectra, size: int) -> tuple[float, tuple[int, int]]:
    """The best correlation of two maps over their common cells at any shift, and that shift of b, down and right.

    Masked normalised cross-correlation: Padfield 2012, Masked object registration in the Fourier domain, IEEE Trans.
    Image Processing 21, 2706-2718.
    """

    def sums(first: NDArray, second: NDArray) -> NDArray:
        return np.asarray(scipy.fft.irfft2(first * second.conj(), (size, size)))

    count = sums(a.inside, b.inside)
    enough = count >= MIN_SHARE * min(a.area, b.area)
    count = np.maximum(count, 1)
    of_a, of_b = sums(a.detail, b.inside), sums(a.inside, b.detail)
    variance_a = sums(a.square, b.inside) - of_a**2 / count
    variance_b = sums(a.inside, b.square) - of_b**2 / count
    least = 1e-3 * count  # where nearly nothing of the detail is left, all correlations are chance
    likeness = (sums(a.detail, b.detail) - of_a * of_b / count) / np.sqrt(
        np.maximum(variance_a, least) * np.maximum(variance_b, least)
    )
    likeness = np.where(enough, likeness, -1)
    row, col = divmod(int(likeness.argmax()), size)
    half = size // 2
    return float(likeness[row, col]), (row - size * (row > half), col - size * (col > half))


def _refine_shift(
    a: tuple[Float, Bool], b: tuple[Float, Bool], shift: tuple[int, int], near: int
) -> tuple[float, float]:
    """Common share of the smaller map and correlation of details, at the best shift within `near` cells."""
    best, place = -2.0, shift
    for row in range(shift[0] - near, shift[0] + near + 1):
        for col in range(shift[1] - near, shift[1] + near + 1):
            one, two, shared = _shifted_windows(a, b, (row, col))
            if shared.sum() > 2 and (likeness := _correlation(one[shared], two[shared])) > best:
                best, place = likeness, (row, col)
    one, two, shared = _shifted_windows(a, b, place)
    return float(shared.sum() / max(1, min(a[1].sum(), b[1].sum()))), _detail_correlation(one, two, shared)


def _shifted_windows(a: tuple[Float, Bool], b: tuple[Float, Bool], shift: tuple[int, int]) -> tuple[Float, Float, Bool]:
    """The common windows of both maps when b is moved down and right by `shift`."""
    here, there = [], []
    for axis in (0, 1):
        first = max(0, shift[axis])
        last = max(first, min(a[1].shape[axis], b[1].shape[axis] + shift[axis]))
        here.append(slice(first, last))
        there.append(slice(first - shift[axis], last - shift[axis]))
    return a[0][tuple(here)], b[0][tuple(there)], a[1][tuple(here)] & b[1][tuple(there)]


def _detail_correlation(one: Float, two: Float, shared: Bool) -> float:
    """Correlation of the details of two surfaces over the cells they share."""
    if shared.sum() < 3:
        return -1.0
    return _correlation(
        _remove_regional(one, shared, DETAIL_SCALE)[shared], _remove_regional(two, shared, DETAIL_SCALE)[shared]
    )


def _correlation(one: NDArray, two: NDArray) -> float:
    """Pearson's correlation; -1 where one of them is constant."""
    one, two = one - one.mean(dtype=np.float64), two - two.mean(dtype=np.float64)
    norm = float(np.sqrt((one @ one) * (two @ two)))
    return float(one @ two) / norm if norm > 0 else -1.0


def _remove_regional(surface: Float, inside: Bool, sigma: float) -> Float:
    """(H, W) surface minus its Gaussian mean (`sigma` cells) over the map; 0 outside."""
    level = np.float32(surface[inside].mean()) if inside.any() else np.float32(0)
    weight = ndimage.gaussian_filter(inside.astype(np.float32), sigma, mode="constant")
    mean = ndimage.gaussian_filter(np.where(inside, surface - level, 0).astype(np.float32), sigma, mode="constant")
    return np.where(inside, surface - level - mean / np.maximum(weight, 1e-6), 0).astype(np.float32)
