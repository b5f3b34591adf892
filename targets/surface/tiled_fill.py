"""Outline and filled voids of a map beyond memory, window by window: those of `outline` and `fill`, cell by cell."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from targets.common.files.npy_files import map_npy
from targets.common.rasters.windowed import ComputedDepth, NpyFile, Raster, create_npy
from targets.errors import UserError
from targets.surface.fill import GAP_RADIUS, fill_holes
from targets.surface.outline import close_gaps

Window = tuple[slice, slice]

HALO = 2 * GAP_RADIUS  # cells around a window that its outline depends on
BLOCK = 16  # cells; the fill of a hole depends on less around it, so holes in blocks that do not touch are apart
MARGIN = 32  # cells around a hole that are read with it: the nearest cells with data are closer
MAX_VOID = 2**26  # cells of the rectangle around a void that is filled, 2 GB
TOUCHING = np.ones((3, 3), np.bool_)
OUTSIDE, KNOWN, HOLE = 0, 1, 2  # what a cell is


@dataclass(frozen=True)
class FilledRaster(ComputedDepth):
    """A depth with its voids filled and NaN outside of the map, read by windows.

    Attributes
    ----------
    raster : Raster
        (H, W) float32 depth, NaN where it is not known.
    kinds : NpyFile
        (H, W) uint8: `OUTSIDE`, `KNOWN` or `HOLE`.
    filled : NpyFile
        (H, W) float32: depths of the holes.
    """

    kinds: NpyFile
    filled: NpyFile

    def __getitem__(self, window: Window) -> NDArray:
        kinds = self.kinds[window]
        return np.where(kinds == HOLE, self.filled[window], np.where(kinds == KNOWN, self.raster[window], np.nan))


def fill_tiled(depth: Raster, extent: tuple[float, float], side: int, notes: Path, threads: int = 1) -> Raster:
    """Fill the voids inside a map as `outline.inside_of_map` and `fill.fill_holes` do by inpainting.

    Three passes: the gaps of each window are closed and what is left between is numbered; what is joined across windows
    to the edge of the array is outside; each void that is left is filled with its surroundings.

    Parameters
    ----------
    depth : Raster
        (H, W) float32, NaN where it is not known.
    extent : tuple[float, float]
        Shallowest and deepest known depth.
    side : int
        Cells a side of a window.
    notes : Path
        Folder for 5 bytes per cell; where they lie, other processes must reach them.
    threads : int, default 1
        How many windows are worked on at a time.

    Returns
    -------
    Raster
        (H, W) float32, NaN outside of the map; the depth itself if all of it is known.

    Raises
    ------
    UserError
        A void with its surroundings does not fit into memory.
    """
    windows = cut_windows(depth.shape, side)
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda window: _number_gaps(depth, window), windows))
        if all(part.is_known for part in parts):
            return depth
        is_outside = _find_outside(parts, depth.shape, windows)
        kinds = _create(notes / "kinds.npy", depth.shape, np.uint8)
        starts = np.cumsum([0, *(part.count for part in parts)])
        blocks = np.zeros([-(-size // BLOCK) for size in depth.shape], np.bool_)  # that hold a hole

        def classify(number: int) -> None:
            window = windows[number]
            known, gaps = _gaps_of(depth, window)
            outside = np.append(False, is_outside[starts[number] : starts[number + 1]])
            part = np.where(known, KNOWN, np.where(outside[gaps], OUTSIDE, HOLE)).astype(np.uint8)
            kinds[window] = part
            row, col = np.nonzero(part == HOLE)
            blocks[(row + window[0].start) // BLOCK, (col + window[1].start) // BLOCK] = True

        list(pool.map(classify, range(len(windows))))
        filled = _create(notes / "filled.npy", depth.shape, np.float32)
        labels, _ = ndimage.label(blocks, TOUCHING)
        voids = [(number, found) for number, found in enumerate(ndimage.find_objects(labels), 1) if found is not None]
        list(pool.map(lambda void: _fill_void(depth, extent, kinds, filled, labels, *void), voids))
    return FilledRaster(depth, kinds, filled)


def cut_windows(shape: tuple[int, int], side: int) -> list[Window]:
    """Windows that cover a raster once, in the order of rows.

    Examples
    --------
    >>> cut_windows((3, 2), 2)
    [(slice(0, 2, None), slice(0, 2, None)), (slice(2, 3, None), slice(0, 2, None))]
    """
    rows, cols = shape
    return [
        np.s_[row : min(row + side, rows), col : min(col + side, cols)]
        for row in range(0, rows, side)
        for col in range(0, cols, side)
    ]


# Outline --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Gaps:
    """Gaps of a window that are wider than those that are closed.

    Attributes
    ----------
    count : int
        How many there are; cells that touch at a corner are joined.
    top, bottom, left, right : int32 arrays
        Their numbers along the sides of the window, 0 = no gap.
    is_known : bool
        Whether every cell is known.
    """

    count: int
    top: NDArray[np.int32]
    bottom: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    is_known: bool


def _gaps_of(depth: Raster, window: Window) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Which cells of a window are known, and the number of the gap that each lies in, 0 = none."""
    around, inner = _widened(window, HALO, depth.shape)
    known = np.isfinite(depth[around])
    gaps, _ = ndimage.label(~close_gaps(known)[inner], TOUCHING)
    return known[inner], gaps.astype(np.int32, copy=False)


def _number_gaps(depth: Raster, window: Window) -> _Gaps:
    known, gaps = _gaps_of(depth, window)
    sides = (gaps[0].copy(), gaps[-1].copy(), gaps[:, 0].copy(), gaps[:, -1].copy())
    return _Gaps(int(gaps.max()), *sides, bool(known.all()))


def _find_outside(parts: Sequence[_Gaps], shape: tuple[int, int], windows: Sequence[Window]) -> NDArray[np.bool_]:
    """Whether each gap of all windows is joined to the edge of the array, numbered window after window."""
    starts = np.cumsum([0, *(part.count for part in parts)])
    place = {(window[0].start, window[1].start): number for number, window in enumerate(windows)}
    edge = int(starts[-1])  # one more, for what lies around the array
    side = windows[0][1].stop
    pairs: list[NDArray] = []
    for number, ((rows, cols), part) in enumerate(zip(windows, parts, strict=True)):
        sides = ((part.top, rows.start == 0), (part.bottom, rows.stop == shape[0]),
                 (part.left, cols.start == 0), (part.right, cols.stop == shape[1]))  # fmt: skip
        for line, is_edge in sides:
            if is_edge:
                pairs.append(_joined(line, np.ones_like(line), starts[number], edge))
        if (below := place.get((rows.stop, cols.start))) is not None:
            pairs += _joined_lines(part.bottom, parts[below].top, starts[number], starts[below])
        if (beside := place.get((rows.start, cols.stop))) is not None:
            pairs += _joined_lines(part.right, parts[beside].left, starts[number], starts[beside])
        if (right := place.get((rows.stop, cols.stop))) is not None:
            pairs.append(_joined(part.bottom[-1:], parts[right].top[:1], starts[number], starts[right]))
        if (left := place.get((rows.stop, cols.start - side))) is not None:
            pairs.append(_joined(part.bottom[:1], parts[left].top[-1:], starts[number], starts[left]))
    a, b = np.concatenate(pairs, axis=1) if pairs else np.zeros((2, 0), np.int64)
    graph = coo_array((np.ones(a.size, np.bool_), (a, b)), (edge + 1, edge + 1))
    _, group = connected_components(graph, directed=False)
    return group[:edge] == group[edge]


def _joined_lines(one: NDArray, other: NDArray, one_start: int, other_start: int) -> Iterator[NDArray]:
    """Pairs of gaps that touch along two lines of cells side by side, corners included."""
    yield _joined(one, other, one_start, other_start)
    yield _joined(one[1:], other[:-1], one_start, other_start)
    yield _joined(one[:-1], other[1:], one_start, other_start)


def _joined(one: NDArray, other: NDArray, one_start: int, other_start: int) -> NDArray[np.int64]:
    """Pairs (2, n) of the numbers of gaps that lie at one place of both lines."""
    both = (one > 0) & (other > 0)
    pairs = np.stack([one[both] - 1 + np.int64(one_start), other[both] - 1 + np.int64(other_start)])
    return np.unique(pairs, axis=1)


# Voids ----------------------------------------------------------------------------------------------------------------


def _fill_void(
    depth: Raster, extent: tuple[float, float], kinds: NpyFile, filled: NpyFile, labels: NDArray, number: int,
    blocks: Window,
) -> None:  # fmt: skip
    """Write the depths of the holes in the blocks with a number."""
    rows, cols = (slice(s.start * BLOCK, min(s.stop * BLOCK, n)) for s, n in zip(blocks, depth.shape, strict=True))
    around, inner = _widened((rows, cols), MARGIN, depth.shape)
    size = (around[0].stop - around[0].start, around[1].stop - around[1].start)
    if size[0] * size[1] > MAX_VOID:
        raise UserError("depth", f"a void over {rows.stop - rows.start} x {cols.stop - cols.start} cells, too large "
                        "to be filled tile by tile", f"voids within {MAX_VOID:,} cells",
                        "fill it before, or leave --tile away")  # fmt: skip
    own = np.kron(labels[blocks] == number, np.ones((BLOCK, BLOCK), np.bool_))[: rows.stop - rows.start]
    holes = np.zeros(size, np.bool_)
    holes[inner] = own[:, : cols.stop - cols.start] & (kinds[rows, cols] == HOLE)
    values = depth[around]
    known = np.isfinite(values)
    whole = fill_holes(values, known, known | holes, extent=extent)
    map_npy(filled.path, "r+")[rows, cols][holes[inner]] = whole[holes]  # no cell of another void


def _widened(window: Window, margin: int, shape: tuple[int, int]) -> tuple[Window, Window]:
    """A window with a margin, as far as the array reaches, and the window's place in it."""
    pairs = []
    for part, size in zip(window, shape, strict=True):
        start, stop = max(part.start - margin, 0), min(part.stop + margin, size)
        pairs.append((slice(start, stop), slice(part.start - start, part.stop - start)))
    return (pairs[0][0], pairs[1][0]), (pairs[0][1], pairs[1][1])


def _create(path: Path, shape: tuple[int, int], dtype: type) -> NpyFile:
    """An array of zeros on disk."""
    create_npy(path, shape, dtype)
    return NpyFile(path, shape, np.dtype(dtype))
