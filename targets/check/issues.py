"""Findings of a data check: what looks wrong with one map, with maps that overlap, and with the set as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from targets.check.map_summary import MapSummary
from targets.check.overlap import Footprint, Overlap
from targets.errors import UserError
from targets.scene import Bool, Scene

# Worst first. What the reader of maps refuses (a mask inverted beyond doubt, sizes that differ) is "unreadable".
KINDS = ("unreadable", "not read", "assumed", "units", "mask", "polarity", "traps", "same ground", "copy", "set")
UNIT_OPTIONS = {"map coordinates": "--xy_unit or --crs", "depth": "--depth_unit"}
# Thresholds: see docs/experiments/data_check.md.
MAX_FAULT_SHARE = 0.2  # of the map; faults are lines
MAX_TRAP_SHARE = 0.5  # of the map
MIN_MAP_SHARE = 0.1  # of the array
MIN_COLOUR_CORRELATION = 0.3  # of a picture's place on its palette with the depth
MIN_IOU = 0.3  # of interpreted traps with exact closures
MIN_PIECES = 4  # of one map: some train, some validate, and one between them is left out
RING_WIDTH = 3  # cells around a trap that are compared with its inside
MAX_SHARE_IN_LOWS = 0.5  # of the drawn traps


@dataclass(frozen=True)
class Finding:
    """One thing that looks wrong.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    maps : tuple[str, ...]
        Names of the maps it is about.
    error : UserError
        Where, what was found, what was expected, and a hint.
    """

    kind: str
    maps: tuple[str, ...]
    error: UserError


def map_issues(summary: MapSummary, scene: Scene, exact: Bool | None) -> list[Finding]:
    """Find what looks wrong with one map by itself.

    Parameters
    ----------
    summary : MapSummary
        Of the map.
    scene : Scene
        The map.
    exact : (H, W) bool
        Its exact closures, None without a depth.

    Returns
    -------
    list[Finding]
        Of the kinds mask, polarity and traps.
    """
    found: list[Finding] = []

    def report(kind: str, file: str, text: str, expected: str, hint: str) -> None:
        where = summary.source.files.get(file, summary.source.path)
        found.append(Finding(kind, (summary.name,), UserError(where, text, expected, hint)))

    if summary.inside_share < MIN_MAP_SHARE:
        report(
            "mask",
            "map_mask",
            f"only {summary.inside_share:.0%} of the array is map",
            "most of it",
            "check that map_mask is white inside the map, or crop the files",
        )
    if summary.fault_share > MAX_FAULT_SHARE:
        report(
            "mask",
            "fault_mask",
            f"{summary.fault_share:.0%} of the map is fault",
            f"lines, below {MAX_FAULT_SHARE:.0%}",
            "check that faults are black and all else is white",
        )
    agreement = summary.colours.agreement if summary.colours else None
    if agreement is not None and agreement < MIN_COLOUR_CORRELATION:
        report(
            "polarity",
            "depth_norm",
            f"the depth does not follow the picture's colours (correlation {agreement:.2f})",
            f"blue = deep and red = high, a correlation above {MIN_COLOUR_CORRELATION}",
            "check that picture and depth are of one map, and 'polarity' in map.yaml",
        )
    if summary.relief is not None and summary.relief[0] == summary.relief[1]:
        report(
            "polarity",
            "depth_norm",
            f"the depth is {summary.relief[0]:g} everywhere",
            "a surface with relief",
            "export the depth again",
        )
        return found
    if scene.traps is None:
        return found
    if summary.trap_share > MAX_TRAP_SHARE:
        report(
            "mask",
            "traps",
            f"{summary.trap_share:.0%} of the map is trap",
            f"below {MAX_TRAP_SHARE:.0%}",
            "check that traps are black and all else is white",
        )
    if scene.has_depth and share_in_lows(scene, scene.traps) > MAX_SHARE_IN_LOWS:
        report(
            "traps",
            "traps",
            "the drawn traps lie deeper than what surrounds them",
            "highs",
            "invert the mask if black is the background, or put 'polarity: inverted' into map.yaml if white is deep",
        )
    elif summary.iou is not None and exact is not None and summary.iou < MIN_IOU:
        shares = f"drawn {summary.trap_share:.1%} of the map, exact {exact.sum() / scene.map_valid.sum():.1%}"
        report(
            "traps",
            "traps",
            f"the drawn traps contradict the exact closures (IoU {summary.iou:.2f}; {shares})",
            f"an IoU above {MIN_IOU}",
            "look whether traps and depth belong to one map, and which rules fit: tools/fit_rules.py",
        )
    return found


def share_in_lows(scene: Scene, traps: Bool) -> float:
    """Measure how much of the drawn traps lies in lows: each trap against the cells around it, away from faults.

    Parameters
    ----------
    scene : Scene
        A map with a depth.
    traps : (H, W) bool
        Its drawn traps.

    Returns
    -------
    float
        Share of the cells of traps whose trap is deeper, on average, than what surrounds it; a trap that faults
        surround is not. Across a fault the surface may be high or low.

    Examples
    --------
    >>> rows, cols = np.indices((21, 21))
    >>> depth, inside = np.hypot(rows - 10, cols - 10).astype(np.float32), np.ones((21, 21), bool)
    >>> share_in_lows(Scene("dome", depth, inside, inside, ~inside), depth < 5)
    0.0
    """
    labels, count = ndimage.label(traps & scene.map_valid, np.ones((3, 3)))
    fault_block = ndimage.binary_dilation(scene.fault, iterations=2 * RING_WIDTH)
    around = ndimage.maximum_filter(labels, 2 * RING_WIDTH + 1)
    around[(labels > 0) | fault_block | ~scene.map_valid] = 0

    def means(owner: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        cells = np.bincount(owner.ravel(), minlength=count + 1)
        depths = np.bincount(owner.ravel(), scene.depth.ravel(), minlength=count + 1)
        return cells[1:], depths[1:] / np.maximum(cells[1:], 1)

    (area, inside), (ring, outside) = means(labels), means(around)
    return float(area[(ring > 0) & (inside > outside)].sum() / max(area.sum(), 1))


def assumptions(maps: Sequence[MapSummary]) -> list[Finding]:
    """Report what had to be assumed to read maps: one finding for each sentence, whatever the number of maps.

    Parameters
    ----------
    maps : Sequence[MapSummary]
        All maps that were read.

    Returns
    -------
    list[Finding]
        Of the kinds assumed and units.
    """
    maps_by_note: dict[str, list[MapSummary]] = {}
    maps_by_units: dict[tuple[str, ...], list[MapSummary]] = {}
    for summary in maps:
        for note in dict.fromkeys(summary.notes):
            maps_by_note.setdefault(note, []).append(summary)
        if summary.source.kind == "grid" and "location" in summary.channels:
            missing = tuple(name for name, unit in (("map coordinates", summary.xy_unit), ("depth", summary.unit))
                            if not unit)  # fmt: skip
            maps_by_units.setdefault(missing, []).append(summary)
    found = [_about("assumed", members, note, "", "") for note, members in maps_by_note.items()]
    for missing, members in maps_by_units.items():
        if missing:
            options = " and ".join(UNIT_OPTIONS[name] for name in missing)
            text = f"the unit of {' and '.join(missing)} is unknown"
            found.append(_about("units", members, text, "a known unit", f"name it with {options}"))
    return found


def _about(kind: str, maps: Sequence[MapSummary], text: str, expected: str, hint: str) -> Finding:
    """A finding about one map or several."""
    names = tuple(summary.name for summary in maps)
    found = text if len(maps) == 1 else f"{text} ({len(maps)} maps: {name_list(names)})"
    return Finding(kind, names, UserError(maps[0].source.path, found, expected, hint))


def overlap_issues(
    maps: Sequence[MapSummary], footprints: Sequence[Footprint], overlaps: Sequence[Overlap]
) -> list[Finding]:
    """Report maps that show the same ground: one finding for each connected set of overlaps.

    Parameters
    ----------
    maps : Sequence[MapSummary]
        All maps, at least those of the footprints.
    footprints : Sequence[Footprint]
        Of the maps with a surface.
    overlaps : Sequence[Overlap]
        Pairs of footprints.

    Returns
    -------
    list[Finding]
        Of the kinds copy and same ground.
    """
    paths = {summary.name: summary.source.path for summary in maps}
    found = []
    for kind in ("copy", "same ground"):
        chosen = [pair for pair in overlaps if (pair.method == "copy") == (kind == "copy")]
        for members in connected_sets(len(footprints), chosen):
            names, together = tuple(footprints[i].name for i in members), set(members)
            best = max((p for p in chosen if p.first in together), key=lambda pair: (pair.share, pair.similarity))
            first, second = footprints[best.first].name, footprints[best.second].name
            if kind == "copy":
                text = f"{len(names)} maps are one, perhaps turned, mirrored or resampled: {name_list(names)}"
                expected, hint = "every map once", "remove the copies"
            else:
                groups = len({footprints[i].group for i in members})
                text = (
                    f"{len(names)} maps of {groups} groups share ground: {name_list(names)} ({first} and {second} have "
                    f"{best.share:.0%} in common by {best.method}, similarity {best.similarity:.2f})"
                )
                expected = "maps that share ground in one group, or training maps leak into validation"
                hint = "write one and the same 'group' into their map.yaml"
            found.append(Finding(kind, names, UserError(paths[first], text, expected, hint)))
    return found


def connected_sets(count: int, pairs: Sequence[Overlap]) -> list[list[int]]:
    """Sets of maps that are connected by overlaps; maps without any are left out."""
    edges = np.array([(pair.first, pair.second) for pair in pairs], np.int64).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (count, count))
    sets: dict[int, list[int]] = {}
    for place, label in enumerate(connected_components(graph, directed=False)[1].tolist()):
        sets.setdefault(label, []).append(place)
    return [members for members in sets.values() if len(members) > 1]


def name_list(names: Sequence[str], most: int = 6) -> str:
    """The first `most` names with commas, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def dataset_issues(maps: Sequence[MapSummary], where: Path) -> list[Finding]:
    """Find what looks wrong with the maps as a set.

    Parameters
    ----------
    maps : Sequence[MapSummary]
        All maps that were read.
    where : Path
        The place that findings name.

    Returns
    -------
    list[Finding]
        Of the kind set.
    """
    found = []

    def report(about: Sequence[MapSummary], text: str, expected: str, hint: str) -> None:
        found.append(Finding("set", tuple(summary.name for summary in about), UserError(where, text, expected, hint)))

    if not maps:
        return []
    if len({summary.group for summary in maps}) == 1 and len(maps) < MIN_PIECES:
        report(
            [],
            f"{len(maps)} map(s) of one group",
            f"at least two groups, one of them to validate on, or {MIN_PIECES} pieces of one map",
            "give cuts of different larger maps different groups, or add maps",
        )
    for channel, hint in (
        ("depth", "add their depth, or train with --inputs rgb"),
        ("drawn traps", "draw the others too: computed traps are not what a person draws"),
        ("salt", "draw the others too, or leave them out: nothing is learned from them"),
    ):
        without = [summary for summary in maps if channel not in summary.channels]
        if 0 < len(without) < len(maps):
            names = name_list([summary.name for summary in without])
            report(
                without,
                f"{len(without)} of {len(maps)} maps have no {channel}: {names}",
                f"{channel} in all maps or in none",
                hint,
            )
    known = [summary for summary in maps if "depth" in summary.channels or "drawn traps" in summary.channels]
    trapless = [summary for summary in known if summary.trap_count == 0]
    if known and len(trapless) > len(known) / 2:
        report(
            trapless,
            f"{len(trapless)} of {len(known)} maps hold no trap",
            "a trap in most of them",
            "check depth and masks, or the thresholds --rules.min_area and --rules.min_relief",
        )
    return found
