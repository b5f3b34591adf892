"""What is in a data set, and what looks wrong with it? One map at a time, then all maps against each other."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import find_boundaries

from targets.check.overlap import Ground, Overlap, ground_of, find_overlaps
from targets.common.html_report import jpeg_of_pixels
from targets.common.parallel import THIS_PROCESS, Workers, map_unordered
from targets.errors import UserError
from targets.io.catalogue import MapSource, Reading, list_maps, read_map
from targets.picture_reading.known_palettes import PaletteMatch, match_palette, palette_positions
from targets.rendering.map import RGB, ensure_picture
from targets.scene import Bool, Scene
from targets.surface.fill import fill_holes
from targets.truth.traps import TrapCriteria, compute_traps

# Worst first. What the reader of maps refuses (a mask inverted beyond doubt, sizes that differ) is "unreadable".
KINDS = ("unreadable", "mask", "polarity", "traps", "same ground", "copy", "set")
MUCH_FAULT = 0.2  # share of the map; 24 synthetic and 16 public maps stay below 0.06
MUCH_TRAP = 0.5  # share of the map
LITTLE_MAP = 0.1  # share of the picture
MIN_AGREEMENT = 0.3  # of colours with depth: six palettes on 60 maps reach 0.55 to 1
MIN_IOU = 0.3  # of drawn traps with exact closures
RING = 3  # cells around a trap that are compared with its inside
CORNERS = 24  # of an outline: six rectangles have at most as many
SIDE = 280  # pixels of a map's small picture


@dataclass(frozen=True)
class Finding:
    """One thing that looks wrong: its kind (of `KINDS`), the maps it is about, and where, what, expected and mend."""

    kind: str
    maps: tuple[str, ...]
    error: UserError


@dataclass(frozen=True, eq=False)
class MapFacts:
    """What one map is like.

    Attributes
    ----------
    channels : tuple[str, ...]
        Of picture, depth, faults, drawn traps and location, those it has.
    relief : tuple[float, float] | None
        Shallowest and deepest depth, None without a depth.
    inside : float
        Share of the array; fault, trap : shares of the map.
    outline : str
        Full frame, rectangles or irregular.
    traps : int
        How many, drawn or computed.
    iou : float | None
        Of drawn traps with the exact closures, None where one of them is missing.
    salt : float | None
        Share of a seismic image, None where nobody drew any.
    picture : bytes
        A small one as JPEG, with drawn traps or salt outlined in white and exact closures in magenta.
    """

    source: MapSource
    group: str
    shape: tuple[int, int]
    channels: tuple[str, ...]
    relief: tuple[float, float] | None
    unit: str
    interval: float | None
    inside: float
    outline: str
    fault: float
    colours: PaletteMatch | None
    traps: int
    trap: float
    iou: float | None
    salt: float | None
    picture: bytes

    @property
    def name(self) -> str:
        """The map's name."""
        return self.source.name


@dataclass(frozen=True, eq=False)
class DataCheck:
    """A data set's maps that can be read, and all findings, worst first."""

    facts: list[MapFacts]
    findings: list[Finding]


@dataclass(frozen=True, eq=False)
class MapInspection:
    """What is kept of a map that was looked at: what it holds, what looks wrong, and the ground it shows, if known."""

    fact: MapFacts
    findings: list[Finding]
    ground: Ground | None


def check_data(paths: Sequence[str | Path], how: Reading, rules: TrapCriteria, workers: Workers = THIS_PROCESS) -> DataCheck:
    """Look at every map under some paths. A map that cannot be read is a finding, and the others are looked at.

    Raises
    ------
    UserError
        A path does not exist or holds no map.
    """
    sources = list_maps(paths, how.layout)
    done = dict(map_unordered(partial(look_at, how=how, rules=rules), sources, workers, "maps"))
    looked: list[MapInspection] = []
    findings: list[Finding] = []
    for number, source in enumerate(sources):
        outcome = done[number]
        if isinstance(outcome, UserError):
            findings.append(Finding("unreadable", (source.name,), outcome))
        else:
            looked.append(outcome)
            findings += outcome.findings
    facts = [one.fact for one in looked]
    grounds = [one.ground for one in looked if one.ground is not None]
    findings += shared_ground(facts, grounds, find_overlaps(grounds))
    findings += of_the_set(facts, Path(next(iter(paths), "")))
    return DataCheck(facts, sorted(findings, key=lambda finding: KINDS.index(finding.kind)))


def look_at(source: MapSource, how: Reading, rules: TrapCriteria) -> MapInspection:
    """Read one map of a list, and look at it by itself."""
    scene = read_map(source, how.fill, how.elevation)
    exact = compute_traps(scene, rules)[0] > 0 if scene.has_depth else None
    fact = summarise_map(source, scene, exact)
    surface = _surface(scene, fact.colours)
    return MapInspection(fact, map_issues(fact, scene, exact), None if surface is None else ground_of(surface))


# --- one map ---------------------------------------------------------------------------------------------------------


def summarise_map(source: MapSource, scene: Scene, exact: Bool | None) -> MapFacts:
    """Count what a map holds; `exact` are its exact closures, None without a depth."""
    traps = scene.traps if scene.traps is not None else exact
    cells = scene.map_valid.sum()
    has = {
        "picture": scene.rgb is not None,
        "depth": scene.has_depth,
        "faults": bool(scene.fault.any()),
        "drawn traps": scene.traps is not None,
        "salt": scene.salt is not None,
        "location": scene.geo.located,
    }
    return MapFacts(
        source=source,
        group=scene.group,
        shape=scene.shape,
        channels=tuple(name for name, there in has.items() if there),
        relief=scene.relief if scene.has_depth else None,
        unit=scene.geo.depth_unit or "",
        interval=scene.geo.contour_interval,
        inside=float(scene.map_valid.mean()),
        outline=outline_kind(scene.map_valid),
        fault=float(scene.fault[scene.map_valid].sum() / cells),
        colours=match_palette(scene),
        traps=0 if traps is None else int(ndimage.label(traps & scene.map_valid, np.ones((3, 3)))[1]),
        trap=0.0 if traps is None else float((traps & scene.map_valid).sum() / cells),
        iou=_iou(scene.traps & scene.map_valid, exact) if scene.traps is not None and exact is not None else None,
        salt=None if scene.salt is None else float(scene.salt.mean()),
        picture=jpeg_of_pixels(small_picture(scene, exact)),
    )


def outline_kind(inside: Bool) -> str:
    """Whether a map fills its frame, is a union of some rectangles, or is bounded by slanting or curved lines."""
    rows, cols = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if inside[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1].all():
        return "full frame"
    padded = np.pad(inside, 1).astype(np.int8)
    blocks = padded[1:, 1:] + padded[1:, :-1] + padded[:-1, 1:] + padded[:-1, :-1]
    return "rectangles" if (blocks % 2 == 1).sum() <= CORNERS else "irregular"


def small_picture(scene: Scene, exact: Bool | None, side: int = SIDE) -> RGB:
    """The map within `side` pixels; exact closures outlined in magenta, over them drawn traps or salt in white."""
    rgb = ensure_picture(scene).rgb if scene.has_depth else scene.rgb
    assert rgb is not None
    scale = side / max(scene.shape)
    size = (max(1, round(scene.shape[1] * scale)), max(1, round(scene.shape[0] * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    for mask, colour, width in ((exact, (255, 0, 255), 2), (scene.interpreted_mask, (255, 255, 255), 1)):
        if mask is not None:
            at_size = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
            edge = find_boundaries(np.pad(at_size, 1), mode="thick")[1:-1, 1:-1]
            small[ndimage.binary_dilation(edge, iterations=width - 1) if width > 1 else edge] = colour
    return np.asarray(small, np.uint8)


def map_issues(fact: MapFacts, scene: Scene, exact: Bool | None) -> list[Finding]:
    """What looks wrong with one map by itself."""
    found: list[Finding] = []

    def tell(kind: str, file: str, text: str, expected: str, mend: str) -> None:
        where = fact.source.files.get(file, fact.source.path)
        found.append(Finding(kind, (fact.name,), UserError(where, text, expected, mend)))

    if fact.inside < LITTLE_MAP:
        tell("mask", "map_mask", f"only {fact.inside:.0%} of the array is map", "most of it",
             "check that map_mask is white inside the map, or crop the files")  # fmt: skip
    if fact.fault > MUCH_FAULT:
        tell("mask", "fault_mask", f"{fact.fault:.0%} of the map is fault", f"lines, below {MUCH_FAULT:.0%}",
             "check that faults are black and all else is white")  # fmt: skip
    agreement = fact.colours.agreement if fact.colours else None
    if agreement is not None and agreement < MIN_AGREEMENT:
        tell("polarity", "depth_norm", f"the depth does not follow the picture's colours (correlation {agreement:.2f})",
             f"blue = deep and red = high, a correlation above {MIN_AGREEMENT}",
             "check that picture and depth are of one map, and 'polarity' in map.yaml")  # fmt: skip
    if fact.relief is not None and fact.relief[0] == fact.relief[1]:
        tell("polarity", "depth_norm", f"the depth is {fact.relief[0]:g} everywhere", "a surface with relief",
             "export the depth again")  # fmt: skip
        return found
    if scene.traps is None:
        return found
    if fact.trap > MUCH_TRAP:
        tell("mask", "traps", f"{fact.trap:.0%} of the map is trap", f"below {MUCH_TRAP:.0%}",
             "check that traps are black and all else is white")  # fmt: skip
    traps = scene.traps & scene.map_valid
    ring = ndimage.binary_dilation(traps, iterations=RING) & scene.map_valid & ~traps
    if scene.has_depth and ring.any() and traps.any() and scene.depth[traps].mean() > scene.depth[ring].mean():
        tell("traps", "traps", "the drawn traps lie deeper than what surrounds them", "highs",
             "invert the mask if black is the background, or put 'polarity: inverted' into map.yaml "
             "if white is deep")  # fmt: skip
    elif fact.iou is not None and exact is not None and fact.iou < MIN_IOU:
        shares = f"drawn {fact.trap:.1%} of the map, exact {exact.sum() / scene.map_valid.sum():.1%}"
        tell("traps", "traps", f"the drawn traps contradict the exact closures (IoU {fact.iou:.2f}; {shares})",
             f"an IoU above {MIN_IOU}", "look whether traps and depth belong to one map, and whether other rules fit, "
             "such as --rules.reading contour or --rules.faults sealing")  # fmt: skip
    return found


def _iou(one: Bool, two: Bool) -> float | None:
    union = int((one | two).sum())
    return (one & two).sum() / union if union else None


# --- all maps --------------------------------------------------------------------------------------------------------


def shared_ground(facts: Sequence[MapFacts], grounds: Sequence[Ground], pairs: Sequence[Overlap]) -> list[Finding]:
    """One finding for every set of maps that hang together by pairs of the same ground."""
    paths = {fact.name: fact.source.path for fact in facts}
    found = []
    for kind in ("copy", "same ground"):
        chosen = [pair for pair in pairs if (pair.method == "copy") == (kind == "copy")]
        for linked in _linked(len(grounds), chosen):
            names = tuple(grounds[i].name for i in linked)
            best = max((p for p in chosen if p.first in linked), key=lambda pair: (pair.share, pair.similarity))
            one, two = grounds[best.first].name, grounds[best.second].name
            if kind == "copy":
                text = f"{len(names)} maps are one, perhaps turned, mirrored or resampled: {_some(names)}"
                expected, mend = "every map once", "remove the copies"
            else:
                groups = len({grounds[i].group for i in linked})
                text = (
                    f"{len(names)} maps of {groups} groups share ground: {_some(names)} ({one} and {two} have "
                    f"{best.share:.0%} in common by {best.method}, likeness {best.similarity:.2f})"
                )
                expected = "maps that share ground in one group, or training maps leak into validation"
                mend = "write one and the same 'group' into their map.yaml"
            found.append(Finding(kind, names, UserError(paths[one], text, expected, mend)))
    return found


def _linked(count: int, pairs: Sequence[Overlap]) -> list[list[int]]:
    """Sets of maps that hang together by pairs."""
    label = list(range(count))
    for pair in pairs:
        old, new = label[pair.second], label[pair.first]
        label = [new if value == old else value for value in label]
    sets = [[i for i in range(count) if label[i] == value] for value in dict.fromkeys(label)]
    return [members for members in sets if len(members) > 1]


def _some(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def of_the_set(facts: Sequence[MapFacts], where: Path) -> list[Finding]:
    """What looks wrong with the maps together."""
    found = []

    def tell(maps: Sequence[MapFacts], text: str, expected: str, mend: str) -> None:
        found.append(Finding("set", tuple(fact.name for fact in maps), UserError(where, text, expected, mend)))

    if not facts:
        return []
    if len({fact.group for fact in facts}) == 1:
        tell([], f"{len(facts)} map(s) of one group", "at least two groups, one of them to validate on",
             "give cuts of different larger maps different groups, or add maps")  # fmt: skip
    for channel, mend in (
        ("depth", "add their depth, or train with --inputs rgb"),
        ("drawn traps", "draw the others too: computed traps are not what a person draws"),
        ("salt", "draw the others too, or leave them out: nothing is learned from them"),
    ):
        lack = [fact for fact in facts if channel not in fact.channels]
        if 0 < len(lack) < len(facts):
            tell(lack, f"{len(lack)} of {len(facts)} maps have no {channel}: {_some([fact.name for fact in lack])}",
                 f"{channel} in all maps or in none", mend)  # fmt: skip
    known = [fact for fact in facts if "depth" in fact.channels or "drawn traps" in fact.channels]
    bare = [fact for fact in known if fact.traps == 0]
    if known and len(bare) > len(known) / 2:
        tell(bare, f"{len(bare)} of {len(known)} maps hold no trap", "a trap in most of them",
             "check depth and masks, or the thresholds --rules.min_area and --rules.min_relief")  # fmt: skip
    return found


def _surface(scene: Scene, colours: PaletteMatch | None) -> Scene | None:
    """The map with a depth to compare it by: its own, else the one its colours tell; None when nothing tells it."""
    if scene.has_depth:
        return scene
    if colours is None or colours.palette == "unknown":
        return None
    place, known = palette_positions(scene, colours.palette)
    return scene.replace(depth=fill_holes(-place, known, scene.map_valid))


# --- in words --------------------------------------------------------------------------------------------------------


def fingerprint(check: DataCheck) -> list[tuple[str, str]]:
    """What a data set holds: (what, text) lines."""
    facts, unread = check.facts, sum(finding.kind == "unreadable" for finding in check.findings)
    lines = [("maps", f"{len(facts)}" + (f", and {unread} that cannot be read" if unread else ""))]
    if not facts:
        return lines
    groups = Counter(fact.group for fact in facts)
    units = sorted({fact.unit or "no unit" for fact in facts if fact.relief})
    reliefs = [fact.relief for fact in facts if fact.relief]
    known = [fact for fact in facts if "depth" in fact.channels or "drawn traps" in fact.channels]
    drawn = sum("drawn traps" in fact.channels for fact in facts)
    ious = [fact.iou for fact in facts if fact.iou is not None]
    lines += [
        ("groups", f"{len(groups)}, the largest with {max(groups.values())} map(s)"),
        ("sizes", _counted(f"{rows} × {cols}" for rows, cols in (fact.shape for fact in facts))),
        ("channels", _counted(channel for fact in facts for channel in fact.channels)),
        ("outlines", _counted(fact.outline for fact in facts)),
        ("inside", f"{_range([fact.inside for fact in facts])} of the array"),
    ]
    if reliefs:
        low, high = min(low for low, _ in reliefs), max(high for _, high in reliefs)
        relief = sorted(high - low for low, high in reliefs)
        lines.append(("depth", f"{low:.4g} to {high:.4g} ({', '.join(units)}); relief of a map {relief[0]:.4g} to "
                      f"{relief[-1]:.4g}, median {np.median(relief):.4g}"))  # fmt: skip
    lines += [
        ("contours", _counted(f"every {fact.interval:g}" if fact.interval else "interval unknown" for fact in facts)),
        ("palettes", _counted(fact.colours.palette if fact.colours else "no colours" for fact in facts)),
        ("faults", f"{_range([fact.fault for fact in facts])} of the map"),
    ]
    if known:
        count, none = sum(fact.traps for fact in known), sum(fact.traps == 0 for fact in known)
        lines += [
            ("traps", f"drawn in {drawn} maps, computed from the depth in {len(known) - drawn}; {count} in all"),
            ("", f"none in {none} maps; {_range([fact.trap for fact in known])} of the map"),
        ]
    if shares := [fact.salt for fact in facts if fact.salt is not None]:
        lines += _salt_lines(shares)
    if ious:
        lines.append(("drawn × exact", f"IoU {min(ious):.2f} to {max(ious):.2f}, median {np.median(ious):.2f}"))
    return lines


def _salt_lines(shares: Sequence[float]) -> list[tuple[str, str]]:
    """How often images hold salt, and how much."""
    some, none = [share for share in shares if share > 0], shares.count(0.0)
    floor = f"none in {none} of {len(shares)} images: predicting nothing scores {none / len(shares):.4f}"
    if not some:
        return [("salt", floor)]
    tenths = Counter(min(int(10 * share), 9) for share in some)
    counts = " ".join(str(tenths[i]) for i in range(10))
    return [("salt", floor), ("", f"{_range(some)} of the others; images by tenths of their area: {counts}")]


def _range(shares: Sequence[float]) -> str:
    return f"{min(shares):.0%} to {max(shares):.0%}, median {np.median(shares):.0%}"


def _counted(words: Iterable[str], most: int = 8) -> str:
    counts = Counter(words).most_common()
    text = ", ".join(f"{word} ({count})" for word, count in counts[:most])
    return text + (f" and {len(counts) - most} more" if len(counts) > most else "")


def contradiction(scene: Scene, rules: TrapCriteria) -> tuple[NDArray[np.int64], float | None]:
    """(H, W) 0 = neither, 1 = drawn only, 2 = exact only, 3 = both; and their IoU."""
    assert scene.traps is not None
    drawn, exact = scene.traps & scene.map_valid, compute_traps(scene, rules)[0] > 0
    return drawn + 2 * exact, _iou(drawn, exact)
