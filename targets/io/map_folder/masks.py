"""Masks of a map: inside, measured, fault and traps, read or derived, and checked for inverted ones.

What is derived when its file is absent:

- **map_mask**: inside is what `targets.surface.outline.inside_of_map` makes of the cells that are not white in the
  picture (and of the fault cells): holes in the colours and white strips up to 6 cells wide belong to the map. Of a
  picture alone, what stands beside the map on its paper does not (`targets.picture_reading.page_layout`). Without a
  picture the cells that ``depth_mask`` or the NaN of a ``depth.npy`` show as measured take its place; without these all
  cells are inside.
- **depth_mask**: measured is every cell inside the map except fault cells, NaN or transparent cells, and (in a depth
  picture) patches of pure black or pure white that stand out from their rim by over a tenth of the range: that is how
  programs export the cells they have no depth for.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from targets.errors import UserError
from targets.io.map_folder.layout import folder_of
from targets.surface.outline import inside_of_map

HOLE_STEP = 0.1  # of the range: pure black or white patches that differ more from their rim are holes, not crests
MAX_FAULT = 0.5  # share of the map; faults are lines, so more black than this is an inverted mask
MAX_TRAPS = 0.5  # share of the map, likewise if they run along its border too
MIN_MEASURED = 0.5  # share of the map


def derive_inside(
    files: Mapping[str, Path],
    arrays: Mapping[str, NDArray],
    fault: NDArray[np.bool_],
    coloured: NDArray[np.bool_] | None,
) -> NDArray[np.bool_]:
    """The cells inside the map, given by its mask or derived.

    Parameters
    ----------
    files : Mapping[str, Path]
        {kind: file} of the map, for errors.
    arrays : Mapping[str, NDArray]
        {kind: (H, W)}: "map_mask", else "depth_mask" or "measured".
    fault : (H, W) bool
        Fault cells; they are inside.
    coloured : (H, W) bool | None
        The picture's cells that are not white.

    Returns
    -------
    inside : (H, W) bool

    Raises
    ------
    UserError
        The map is empty, or its mask inverted.
    """
    if "map_mask" not in arrays:
        if coloured is not None:
            return inside_of_map(coloured | fault)
        if "depth_mask" in arrays:
            return inside_of_map(arrays["depth_mask"] | fault)
        if not arrays["measured"].any():
            raise UserError(folder_of(files), "the map is empty: the depth has no values", "some measured cells")
        return inside_of_map(arrays["measured"] | fault)
    inside = arrays["map_mask"]
    if not inside.any():
        raise UserError(files["map_mask"], "the map is empty: the mask is all black", "white inside the map",
                        "invert it")  # fmt: skip
    outside = ~inside
    if coloured is not None and outside.any():
        inverted = coloured[outside].mean() > 0.9 and coloured[inside].mean() < 0.1
    else:
        edge = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
        inverted = bool(edge.all()) and outside.mean() > 0.5
    if inverted:
        raise UserError(files["map_mask"], "inverted: black inside the map and white outside",
                        "white inside the map", "invert it")  # fmt: skip
    return inside


def check_fault_and_trap_masks(
    files: Mapping[str, Path], inside: NDArray[np.bool_], fault: NDArray[np.bool_], traps: NDArray[np.bool_] | None
) -> None:
    """Refuse masks of faults or traps that are inverted.

    Parameters
    ----------
    files : Mapping[str, Path]
        {kind: file} of the map, for errors.
    inside, fault : (H, W) bool
        Cells inside the map, fault cells.
    traps : (H, W) bool | None
        Cells of interpreted traps.

    Raises
    ------
    UserError
        More of the map is fault, or trap, than any map has.
    """
    if (share := float(fault[inside].mean())) > MAX_FAULT:
        raise UserError(files["fault_mask"], f"inverted: {share:.0%} of the map is black, that is, fault",
                        "faults black and everything else white", "invert it")  # fmt: skip
    if traps is not None and (share := float(traps[inside].mean())) > MAX_TRAPS:
        rim = inside & ~ndimage.binary_erosion(inside)
        # A trap is closed inside the map, so a mask whose black runs along the map's border is not one of traps.
        if traps[rim].mean() > 0.5:
            raise UserError(files["traps"], f"inverted: {share:.0%} of the map and most of its border are black",
                            "traps black and everything else white", "invert it")  # fmt: skip


def derive_measured(
    files: Mapping[str, Path], arrays: Mapping[str, NDArray], inside: NDArray[np.bool_], fault: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """The cells inside the map whose depth was measured, given by a mask or derived.

    Parameters
    ----------
    files : Mapping[str, Path]
        {kind: file} of the map.
    arrays : Mapping[str, NDArray]
        {kind: (H, W)}: "depth", "measured" and perhaps "depth_mask".
    inside, fault : (H, W) bool
        Cells inside the map, fault cells.

    Returns
    -------
    known : (H, W) bool

    Raises
    ------
    UserError
        The mask is inverted or contradicts the depth, or no cell has one.
    """
    depth, measured = arrays["depth"], arrays["measured"]
    depth_file = files.get("depth", files.get("depth_norm"))
    if "depth_mask" in arrays:
        known = arrays["depth_mask"] & inside
        share = float(known.sum() / max(1, inside.sum()))
        if not known.any() or share < MIN_MEASURED:
            raise UserError(files["depth_mask"], f"inverted or empty: {share:.0%} of the map is white",
                            "white where the depth is measured, black in voids under faults", "invert it")  # fmt: skip
        if missing := int((known & ~measured).sum()):
            raise UserError(depth_file, f"NaN in {missing} cells that depth_mask shows as measured", "numbers there",
                            "fill them, or make these cells black in depth_mask")  # fmt: skip
        return known
    known = measured & inside & ~fault
    if "depth" not in files:
        known &= ~_exported_holes(depth, known)
    if not known.any():
        raise UserError(depth_file, "the map is empty: no cell inside it has a depth", "some measured cells",
                        "check map_mask and the depth")  # fmt: skip
    return known


def _exported_holes(depth: NDArray, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Patches of pure black or white that are not the end of a slope: cells a program exported without a depth."""
    holes = np.zeros(known.shape, np.bool_)
    for extreme in (0.0, 1.0):
        patches, _ = ndimage.label((depth == extreme) & known, np.ones((3, 3), np.bool_))
        for number, box in enumerate(ndimage.find_objects(patches), 1):
            grown = tuple(slice(max(s.start - 1, 0), s.stop + 1) for s in box)
            patch = patches[grown] == number
            rim = ndimage.binary_dilation(patch, np.ones((3, 3), np.bool_)) & ~patch & known[grown]
            if rim.any() and abs(float(np.median(depth[grown][rim])) - extreme) > HOLE_STEP:
                holes[grown] |= patch
    return holes
