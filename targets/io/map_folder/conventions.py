"""Conventions of a flat set, found by evidence: which tone marks faults and traps, and which end of grey is deep."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from targets.errors import UserError
from targets.io.grids.registry import load_surface
from targets.io.images import is_picture_file, read_grey, read_rgb, read_two_tones
from targets.io.map_folder.flat_set import OPTION, SET_SIDECAR, FlatSet
from targets.io.map_folder.polarity import colour_correlation
from targets.io.map_folder.sidecar import read_sidecar
from targets.io.read_options import Polarity, ReadOptions
from targets.scene import Bool

SAMPLES = 8  # maps of a set that are looked at
MARKED = ("fault_mask", "traps")  # masks whose tone is found
CLEAR = 0.35  # share of the rarer tone up to which it is what is marked
RING = 3  # cells around a trap that are compared with its inside
MIN_AGREEMENT = 0.7  # share of maps whose traps lie on highs
MIN_CORRELATION = 0.25  # of a depth with its colours; see `targets.io.map_folder.polarity`
TITLES = {
    "rgb": "picture",
    "depth": "depth grid",
    "depth_norm": "depth picture",
    "fault_mask": "faults",
    "traps": "traps",
    "depth_mask": "measured cells",
    "map_mask": "map outline",
    "depth_clean": "true depth",
    "": "left out",
}


@dataclass(frozen=True)
class SetConventions:
    """How the files of a flat set are read.

    Attributes
    ----------
    folder : Path
        Where the set lies.
    white_masks : tuple[str, ...], default ()
        Kinds of masks whose marked cells are white; of the others they are black.
    polarity : Polarity | None, default None
        Of depth pictures, where neither a sidecar nor the user says it.
    lines : tuple[str, ...], default ()
        What was understood, as a table to confirm.
    """

    folder: Path
    white_masks: tuple[str, ...] = ()
    polarity: Polarity | None = None
    lines: tuple[str, ...] = ()


def find_conventions(found: FlatSet, reading: ReadOptions) -> SetConventions:
    """Find the conventions of a flat set on some of its maps.

    Parameters
    ----------
    found : FlatSet
        The set.
    reading : ReadOptions
        What the user says; evidence that contradicts it is named.

    Returns
    -------
    conventions : SetConventions

    Raises
    ------
    UserError
        The maps contradict each other, or nothing tells what a mask marks.
    """
    chosen = _samples(list(found.maps.values()))
    remarks: dict[str, str] = {}
    white = []
    for kind in MARKED:
        if not any(kind in files for files in found.maps.values()):
            continue
        is_white, remarks[kind] = _mask_tone(kind, found.folder, chosen, reading)
        white += [kind] if is_white else []
    polarity = None
    if any("depth_norm" in files for files in chosen):
        polarity, remarks["depth_norm"] = _find_polarity(found.folder, chosen, tuple(white), reading)
    return SetConventions(found.folder, tuple(white), polarity, tuple(_table(found, remarks)))


def read_set_mask(path: Path, reading: ReadOptions) -> Bool:
    """Read a mask of a flat set, a picture or a grid of 0 and 1 (or of numbers of faults, 0 = none).

    Parameters
    ----------
    path : Path
        The file.
    reading : ReadOptions
        As of grids; every value of a mask counts.

    Returns
    -------
    bright : (H, W) bool
        True where the picture has the brighter of its two tones, or the grid is not 0 (not its least value).

    Raises
    ------
    UserError
        The file is damaged, or holds more than two tones.
    """
    if is_picture_file(path):
        return read_two_tones(path)
    values = load_surface(path, replace(reading, nodata="none", elevation=False)).values
    finite = np.isfinite(values)
    if (values[finite] != np.rint(values[finite])).any():
        raise UserError(path, "a mask with fractions", "whole numbers: 0 and 1, or the numbers of faults",
                        "check that it is not the depth")  # fmt: skip
    return finite & (values != min(0.0, float(values.min(where=finite, initial=0.0))))


def _samples(maps: Sequence[Mapping[str, Path]]) -> list[Mapping[str, Path]]:
    """Some maps, evenly spread over the set."""
    places = np.unique(np.linspace(0, len(maps) - 1, min(SAMPLES, len(maps))).round().astype(int))
    return [maps[place] for place in places]


def _mask_tone(kind: str, folder: Path, maps: Iterable[Mapping[str, Path]], reading: ReadOptions) -> tuple[bool, str]:
    """Whether white marks what a mask shows, and why, in words."""
    shares, rims, files = [], [], []
    for path in (files_of[kind] for files_of in maps if kind in files_of):
        try:
            bright = read_set_mask(path, reading)
        except UserError:
            continue  # what is wrong with one map is said where it is read
        shares.append(float(bright.mean()))
        rims.append(float(np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]]).mean()))
        files.append(path.name)
    what = TITLES[kind]
    if reading.layout.white_masks is not None:
        is_white = kind in reading.layout.white_masks
        return is_white, f"{'white' if is_white else 'black'} marks {what}, as asked"
    if not shares:
        return False, f"black marks {what}, as no file of them can be read"
    mean, rim = float(np.mean(shares)), float(np.mean(rims))
    hint = f"say what is marked: {OPTION}.white_masks {kind}, or {OPTION}.white_masks none if black marks {what}"
    rare_bright = [name for name, share in zip(files, shares, strict=True) if 0 < share <= CLEAR]
    rare_dark = [name for name, share in zip(files, shares, strict=True) if 1 > share >= 1 - CLEAR]
    if rare_bright and rare_dark:
        raise UserError(folder, f"masks of {what} contradict each other: white is rare in {rare_bright[0]}, black in "
                        f"{rare_dark[0]}", "one tone for all", hint)  # fmt: skip
    if min(mean, 1 - mean) <= CLEAR:
        is_white = mean < 0.5
    elif rim <= 0.1 or rim >= 0.9:  # what is marked is closed inside the map
        is_white = rim < 0.5
    else:
        raise UserError(folder, f"{mean:.0%} of the masks of {what} is white, {rim:.0%} of their border",
                        "one tone that is rarer", hint)  # fmt: skip
    share = mean if is_white else 1 - mean
    return is_white, f"{'white' if is_white else 'black'} marks {what}: {share:.1%} of the maps"


def _find_polarity(
    folder: Path, maps: Iterable[Mapping[str, Path]], white: tuple[str, ...], reading: ReadOptions
) -> tuple[Polarity | None, str]:
    """Which end of grey is deep, by the colours of the pictures and by the traps, which lie on highs."""
    correlations, brighter = list[float](), list[bool]()
    said: set[Polarity] = set()
    for files in maps:
        if "depth_norm" not in files:
            continue
        try:
            inverted = read_sidecar(*(files[kind] for kind in (SET_SIDECAR, "map") if kind in files)).inverted
            said |= set() if inverted is None else {"inverted" if inverted else "normal"}
            by_colours, by_traps = _signs_of_depth(files, "traps" in white, reading)
        except UserError:
            continue
        correlations += [] if by_colours is None else [by_colours]
        brighter += [] if by_traps is None else [by_traps > 0]
    opinions: dict[str, Polarity] = {}
    if correlations and abs(mean := float(np.mean(correlations))) > MIN_CORRELATION:
        opinions[f"by the colours, correlation {abs(mean):.2f}"] = "normal" if mean > 0 else "inverted"
    if brighter and max(share := float(np.mean(brighter)), 1 - share) >= MIN_AGREEMENT:
        count = round(max(share, 1 - share) * len(brighter))
        opinions[f"by the traps, which lie on highs in {count} of {len(brighter)}"] = (
            "normal" if share > 0.5 else "inverted"
        )
    asked = next(iter(said)) if len(said) == 1 else reading.polarity
    votes = set(opinions.values())
    if asked is not None:
        against = [reason for reason, vote in opinions.items() if vote != asked]
        return None, f"{DEEP[asked]}, as asked" + (f"; but it is not so {' nor '.join(against)}" if against else "")
    if len(votes) > 1:
        raise UserError(folder, f"which end of the grey depth is deep is contradictory: {', '.join(opinions)}",
                        "colours and traps that agree", "say it: --polarity normal (black = deepest), or inverted; "
                        "and look whether the masks of traps are marked as you think")  # fmt: skip
    if not votes:
        return None, f"{DEEP['normal']}, which nothing in the set confirms: --polarity inverted if white is"
    return votes.pop(), f"{DEEP[next(iter(opinions.values()))]} ({'; '.join(opinions)})"


def _signs_of_depth(
    files: Mapping[str, Path], white_traps: bool, reading: ReadOptions
) -> tuple[float | None, float | None]:
    """Correlation of dark with cold colours, and how much brighter traps are than what surrounds them, if known."""
    dark = 1 - read_grey(files["depth_norm"])[0]
    by_colours = by_traps = None
    if "rgb" in files and (rgb := read_rgb(files["rgb"])).shape[:2] == dark.shape:
        by_colours = colour_correlation(rgb, dark, np.ones(dark.shape, np.bool_))
    if "traps" in files:
        bright = read_set_mask(files["traps"], reading)
        traps = bright if white_traps else ~bright
        by_traps = _height_over_ring(traps, 1 - dark) if traps.shape == dark.shape else None
    return by_colours, by_traps


DEEP: dict[Polarity, str] = {"normal": "black is deepest", "inverted": "black is highest"}


def _height_over_ring(traps: Bool, height: NDArray) -> float | None:
    """How much higher traps are than what surrounds them, None without either."""
    ring = ndimage.binary_dilation(traps, iterations=RING) & ~traps
    if not traps.any() or not ring.any():
        return None
    difference = float(height[traps].mean() - height[ring].mean())
    return difference or None


def _table(found: FlatSet, remarks: Mapping[str, str]) -> list[str]:
    """The set as a table of kind, word, number of files and remark."""
    names = list(found.maps)
    groups = sorted({group for group in found.groups.values() if group})
    pieces = f", of {len(groups)} larger map{'s'[: len(groups) != 1]}: {', '.join(groups[:6])}" if groups else ""
    lines = [f"{found.folder}: flat set of {len(names)} maps, {names[0]} to {names[-1]}{pieces}"]
    order = list(TITLES)
    rows = sorted(found.words, key=lambda use: (order.index(use.kind), not use.is_read, use.word))
    for use in rows:
        remark = remarks.get(use.kind, "")
        if not use.is_read:
            remark = f"not read; {OPTION}.{use.kind} {use.word} reads it instead" if use.kind else "not read, as asked"
        lines.append(f"  {TITLES[use.kind]:15}{use.word:24}{use.count:5} files  {remark}".rstrip())
    if len(names) > 1 and all(name.isdigit() for name in names):
        lines.append(
            "  numbers alone name the maps: each counts as a larger map of its own; if they are pieces of one,"
        )
        lines.append("  put 'group: NAME' into map.yaml")
    own = sum("map" in files for files in found.maps.values())
    common = next((files[SET_SIDECAR] for files in found.maps.values() if SET_SIDECAR in files), None)
    if common is not None:
        lines.append(f"  {common.name} is that of all maps" + (f", {own} have their own" if own else ""))
    elif own:
        lines.append(f"  {own} maps have a file of location and units")
    lines += [f"  {path.name} belongs to no map: not read" for path in found.unused]
    return lines
