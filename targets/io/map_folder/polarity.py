"""Polarity of a map folder's picture: no contradiction of depth and colours, and a note in the file on what is high."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.images import read_note
from targets.picture_reading.colour_ends import find_colour_ends, find_high_end
from targets.rendering.palettes import HighEnd
from targets.scene import Scene

MIN_BLUENESS = 60  # of 255, difference of blue and red: neither contours, faults and text, nor green count
# Share of the map that cold and warm colours have at least each: less may be coloured ink on a grey map.
MIN_TONE = 0.05
# Correlation of depth with cold against warm colours, below which they contradict each other; see
# docs/experiments/io.md.
CONTRADICTION = -0.25
MIN_OWN_CORRELATION = 0.25  # of a depth with an end of its own picture's colours
HIGH_NOTE = re.compile(r"TrapMTL: (red|blue|light|dark) is high")


def colour_correlation(rgb: NDArray[np.uint8], depth: NDArray, known: NDArray[np.bool_]) -> float | None:
    """Correlate a depth with cold against warm colours.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    depth : (H, W) float, positive down
        The depth.
    known : (H, W) bool
        Its measured cells.

    Returns
    -------
    correlation : float | None
        Above 0 where blue is deep and red is high; None where the colours do not tell.
    """
    colours = rgb.astype(np.int16)
    blueness = colours[..., 2] - colours[..., 0]
    # A sea is bluest near its shore, so only blue against red counts, not how blue.
    use = known & (np.abs(blueness) > MIN_BLUENESS)
    cold = blueness[use] > 0
    if min(cold.sum(), (~cold).sum()) < MIN_TONE * known.sum() or np.ptp(depth[use]) == 0:
        return None
    return float(np.corrcoef(cold, depth[use])[0, 1])


def check_depth_polarity(
    files: Mapping[str, Path], inverted: bool, rgb: NDArray[np.uint8], depth: NDArray, known: NDArray[np.bool_]
) -> None:
    """Refuse a depth that is deep where its picture is red and shallow where it is blue.

    Parameters
    ----------
    files : Mapping[str, Path]
        {kind: file} of the map, for errors.
    inverted : bool
        Whether white was read as deepest: decides what an error recommends.
    rgb : (H, W, 3) uint8
        The picture.
    depth : (H, W) float, positive down
        The depth.
    known : (H, W) bool
        Its measured cells.

    Raises
    ------
    UserError
        Blue is shallow and red is deep.
    """
    correlation = colour_correlation(rgb, depth, known)
    if correlation is None or correlation >= CONTRADICTION:
        return
    depth_file = files.get("depth", files.get("depth_norm"))
    hint = ("remove 'polarity: inverted' from map.yaml, or --polarity inverted" if inverted
            else "put 'polarity: inverted' into map.yaml, or give --polarity inverted")  # fmt: skip
    found = f"depth contradicts the colours of {files['rgb'].name} (correlation {correlation:.2f})"
    raise UserError(depth_file, f"{found}: blue is shallow and red is deep",
                    "blue = deep and red = high, black = deepest",
                    f"{hint}, or remove the picture if its colours are reversed")  # fmt: skip


def note_high_end(scene: Scene) -> str:
    """The note that the picture of a map with a depth keeps, also where it is copied alone: which of its ends is high.

    Returns
    -------
    str
        Empty without a picture or a depth, and where the colours do not follow the depth.
    """
    clear = scene.depth_valid & ~scene.fault
    if scene.rgb is None or not clear.any():
        return ""
    height, ends = (-scene.depth).astype(np.float32), find_colour_ends(scene.rgb, clear)
    found = find_high_end(scene.rgb, clear, height, ends)
    found = found or find_high_end(scene.rgb, clear, height, ends, MIN_OWN_CORRELATION)
    return "" if found is None else f"TrapMTL: {found[0]} is high"


def read_high_end(path: Path) -> HighEnd | None:
    """The end of a picture's colours that is high, as the note in its file says; None without a note."""
    found = HIGH_NOTE.fullmatch(read_note(path))
    return None if found is None else cast(HighEnd, found[1])
