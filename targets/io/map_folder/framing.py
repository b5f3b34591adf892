"""Common frame of a map's files: the picture's white margin is cropped, and all arrays get one size."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.common.rgb_planes import weakest
from targets.errors import UserError
from targets.io.map_folder.layout import folder_of
from targets.picture_reading.page_layout import remove_marginalia
from targets.scene import GeoReference

# A pixel whose three channels are at least this is white. Lossy files blur colours over the blocks along an edge.
WHITE, WHITE_IF_LOSSY = 240, 200
LOSSY = (".jpg", ".jpeg", ".webp")
MAX_SMEAR = 0.03  # share of the colour that JPEG may have smeared into the margin


class Frame(NamedTuple):
    """A map's arrays of one size.

    Attributes
    ----------
    rgb : (H, W, 3) uint8 | None
        The picture without its margin.
    coloured : (H, W) bool | None
        The picture's cells that are not white.
    arrays : dict[str, NDArray]
        {kind: (H, W)} of all other files.
    geo : GeoReference
        x0 and y0 are those of the first cell; without a location first_row and first_col.
    margin : tuple[int, int, int, int]
        Pixels that were cropped at the top, bottom, left and right.
    """

    rgb: NDArray[np.uint8] | None
    coloured: NDArray[np.bool_] | None
    arrays: dict[str, NDArray]
    geo: GeoReference
    margin: tuple[int, int, int, int] = (0, 0, 0, 0)


def crop_to_frame(
    files: Mapping[str, Path],
    rgb: NDArray[np.uint8] | None,
    arrays: dict[str, NDArray],
    geo: GeoReference,
    of_picture: bool = False,
) -> Frame:
    """Crop the picture's white margin and bring all arrays to one size.

    Parameters
    ----------
    files : Mapping[str, Path]
        {kind: file} of the map.
    rgb : (h, w, 3) uint8 | None
        The whole picture.
    arrays : dict[str, NDArray]
        {kind: array}, of the picture's size or of that of the map in it.
    geo : GeoReference
        x0 and y0 are those of the first cell of the depth, or without a depth of whatever has no margin, or else of the
        picture as it is on disk.
    of_picture : bool, default False
        x0 and y0 are those of the picture as it is on disk in any case.

    Returns
    -------
    frame : Frame

    Raises
    ------
    UserError
        The sizes contradict each other, or the picture is all white.
    """
    sizes = {kind: array.shape for kind, array in arrays.items()}
    full = rgb.shape[:2] if rgb is not None else None
    smaller = {size for size in sizes.values() if size != full}
    if len(smaller) > 1 or (full and any(size[0] > full[0] or size[1] > full[1] for size in smaller)):
        raise _sizes_differ(files, rgb, sizes)
    if rgb is None:
        return Frame(None, None, arrays, geo)
    filled = coloured = _coloured_cells(files["rgb"], rgb, alone="depth" not in arrays)
    if not filled.any():
        raise UserError(files["rgb"], "the map is empty: every pixel is white", "a coloured map")
    if "map_mask" in arrays and sizes["map_mask"] == full:
        filled = filled | arrays["map_mask"]
    rows, cols = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(cols[0]), int(cols[-1]) + 1
    for height, width in smaller:
        if (bottom - top, right - left) != (height, width):
            # The map may not reach the edges of its own arrays, or JPEG has smeared it into the margin.
            tight = (bottom - top, right - left)
            top, left = _fullest_window(filled.sum(axis=1), height), _fullest_window(filled.sum(axis=0), width)
            bottom, right = top + height, left + width
            lost = 1 - filled[top:bottom, left:right].sum() / filled.sum()
            if lost > (MAX_SMEAR if files["rgb"].suffix.lower() in LOSSY else 0):
                raise _sizes_differ(files, rgb, sizes, tight)
    box = np.s_[top:bottom, left:right]
    if not geo.located:
        geo = replace(geo, first_row=top, first_col=left)
    elif of_picture or (sizes["depth"] == full if "depth" in sizes else not smaller):
        x0, y0 = geo.xy(top, left)
        geo = replace(geo, x0=float(x0), y0=float(y0))
    arrays = {kind: array[box] if array.shape == full else array for kind, array in arrays.items()}
    margin = (top, rgb.shape[0] - bottom, left, rgb.shape[1] - right)
    return Frame(rgb[box], coloured[box], arrays, geo, margin)


def _fullest_window(counts: NDArray, length: int) -> int:
    """Where a window of this length holds most; of several such places the one nearest to the middle."""
    held = np.convolve(counts, np.ones(length, counts.dtype), "valid")
    best = np.flatnonzero(held == held.max())
    return int(best[np.abs(best - (len(held) - 1) / 2).argmin()])


def _coloured_cells(path: Path, rgb: NDArray[np.uint8], alone: bool) -> NDArray[np.bool_]:
    """Pixels that are not white; of a picture alone those of its map."""
    coloured = np.asarray(weakest(rgb) < (WHITE_IF_LOSSY if path.suffix.lower() in LOSSY else WHITE))
    return remove_marginalia(coloured) if alone and coloured.any() else coloured


def _sizes_differ(
    files: Mapping[str, Path], rgb: NDArray | None, sizes: Mapping[str, tuple[int, ...]], cropped: tuple | None = None
) -> UserError:
    def spelled(size: tuple[int, ...]) -> str:
        return f"{size[1]} x {size[0]}"

    found = []
    if rgb is not None:
        found = [f"rgb {spelled(rgb.shape)}" + (f" ({spelled(cropped)} without margin)" if cropped else "")]
    found += [f"{kind} {spelled(size)}" for kind, size in sizes.items() if kind != "measured"]
    expected = "one width x height, or that of the picture without its white margin"
    hint = "export all files of the map at one size"
    return UserError(folder_of(files), f"sizes differ: {', '.join(found)}", expected, hint)
