"""Lines that say what was understood of each map, as every tool prints them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from targets.io.catalogue import MapSource, find_maps
from targets.io.read_options import ReadOptions
from targets.scene import GeoReference, Provenance, Scene

MAX_LINES = 12  # maps that get a line each where a tool says nothing else of single maps
WITH_MASKS = ("map folder", "flat set", "picture", "map", "")  # formats whose faults lie in a mask
MAX_NAMES = 4  # maps that are named before a sentence about all of them


class MapDescription(NamedTuple):
    """What was understood of one map; JSON keeps it as a list.

    Attributes
    ----------
    file : str
        Name of its file or folder.
    format : str
        Name of the format.
    text : str
        Size, depth, faults and so on, with commas.
    notes : Sequence[str]
        What had to be assumed, one sentence each.
    """

    file: str
    format: str
    text: str
    notes: Sequence[str] = ()

    @property
    def lines(self) -> list[str]:
        """The line of the map, and one of each note."""
        return [f"{self.file}: {self.format}, {self.text}", *(f"{self.file}: {note}" for note in self.notes)]


def describe_map(scene: Scene) -> MapDescription:
    """Describe what was understood of a map.

    Parameters
    ----------
    scene : Scene
        From `targets.io.catalogue.read_map`.

    Returns
    -------
    description : MapDescription

    Examples
    --------
    >>> import numpy as np
    >>> depth, inside = np.array([[1547.0, 1933.0]], np.float32), np.ones((1, 2), bool)
    >>> geo = GeoReference(0.0, 0.0, 20.0, -20.0, xy_unit="m", depth_unit="m")
    >>> known = Provenance("top.gri", "IRAP/RMS binary", (("faults.pol", 7),), notes=("1 cell is odd",))
    >>> print("\\n".join(describe_map(Scene("top", depth, inside, inside, ~inside, geo=geo, provenance=known)).lines))
    top.gri: IRAP/RMS binary, 1 x 2 cells of 20 m, depth 1547 to 1933 m, 7 faults from faults.pol
    top.gri: 1 cell is odd
    """
    known = scene.provenance or Provenance(scene.name, "map")
    notes = (*known.notes, *_unknown_units(scene))
    return MapDescription(known.file, known.format or "map", ", ".join(_parts(scene, known)), notes)


def describe_maps(descriptions: Iterable[MapDescription]) -> list[str]:
    """Describe many maps: a line each up to `MAX_LINES`, beyond that their notes and how many maps are of which format.

    Parameters
    ----------
    descriptions : Iterable[MapDescription]
        Of all maps.

    Returns
    -------
    lines : list[str]

    Examples
    --------
    >>> maps = [MapDescription(f"{k}.xyz", "XYZ points", "5 x 5 cells", ["is odd"][k % 7 :]) for k in range(20)]
    >>> print("\\n".join(describe_maps(maps)))
    0.xyz, 7.xyz, 14.xyz: is odd
    20 maps: XYZ points (20)
    """
    descriptions = list(descriptions)
    if len(descriptions) <= MAX_LINES:
        return [line for description in descriptions for line in description.lines]
    files_of_note: dict[str, list[str]] = defaultdict(list)
    for description in descriptions:
        for note in description.notes:
            files_of_note[note].append(description.file)
    formats = Counter(description.format for description in descriptions)
    counts = ", ".join(f"{name} ({count})" for name, count in formats.most_common())
    return [
        *(f"{_names(files)}: {note}" for note, files in files_of_note.items()),
        f"{len(descriptions)} maps: {counts}",
    ]


def report_maps(paths: Iterable[str | Path], reading: ReadOptions) -> list[MapSource]:
    """Find all maps that files and folders hold, and print what lies there and is not read.

    Parameters
    ----------
    paths : Iterable[str | Path]
        As of `targets.io.catalogue.find_maps`.
    reading : ReadOptions
        Likewise.

    Returns
    -------
    sources : list[MapSource]

    Raises
    ------
    UserError
        Likewise.
    """
    catalogue = find_maps(paths, reading)
    print_lines(catalogue.lines, reading)
    return catalogue.sources


def print_lines(lines: Iterable[str], reading: ReadOptions) -> None:
    """Print what was understood, unless the user wants it quiet.

    Parameters
    ----------
    lines : Iterable[str]
        Of `describe_maps` or `MapDescription.lines`.
    reading : ReadOptions
        As the maps were read.
    """
    if reading.quiet:
        return
    for line in lines:
        # What a file holds could else steer the terminal.
        text = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)
        print(text, flush=True)


def _parts(scene: Scene, known: Provenance) -> list[str]:
    rows, cols = scene.shape
    parts = [f"{rows} x {cols} cells{_spacing(scene.geo)}"]
    if scene.has_depth:
        low, high = scene.relief
        unit = f" {scene.geo.depth_unit}" if scene.geo.depth_unit else ""
        parts.append(f"depth {_number(low, high - low)} to {_number(high, high - low)}{unit}")
        if known.undefined_share > 0:
            parts.append(f"{_percent(known.undefined_share)} undefined")
    elif scene.image_depth is not None:
        parts.append(f"at a depth of {scene.image_depth:g}")
    else:
        parts.append("no depth")
    parts += _faults(scene, known)
    if any(known.margin):
        parts.append("margin of {}, {}, {}, {} pixels (top, bottom, left, right) cropped".format(*known.margin))
    if scene.interpreted_mask is not None:
        what = "salt" if scene.salt is not None else "traps"
        parts.append(f"{what} drawn by {known.interpreter}" if known.interpreter else f"drawn {what}")
    return parts


def _unknown_units(scene: Scene) -> list[str]:
    """What the numbers of a map's closures will mean where units are unknown."""
    geo, (low, high) = scene.geo, scene.relief
    if not scene.has_depth:
        return []
    no_xy = geo.dx is not None and geo.xy_unit is None
    no_depth = geo.depth_unit is None and not (low >= 0 and high <= 1)  # a normalised depth has none
    notes = []
    if no_xy:
        what, options = ("units of x, y and depth", "--xy_unit m --depth_unit m or ft") if no_depth else (
            "unit of x and y", "--xy_unit m")  # fmt: skip
        notes.append(f"{what} unknown: areas in squared map units ({options})")
    elif no_depth:
        notes.append("unit of depth unknown (--depth_unit m or ft)")
    if geo.is_geographic and not geo.crs:
        notes.append("in degrees without a coordinate system: areas on the ellipsoid of WGS 84 (--crs)")
    return notes


def _faults(scene: Scene, known: Provenance) -> list[str]:
    if known.fault_files:
        return [f"{count} fault{'' if count == 1 else 's'} from {name}" for name, count in known.fault_files]
    if scene.image_depth is not None or scene.salt is not None:
        return []
    if not scene.fault.any():
        return ["faults drawn in it are not read" if known.format.startswith("picture") else "no faults"]
    share = _percent(float(scene.fault[scene.map_valid].mean()))
    return [f"faults on {share} of the map" if known.format in WITH_MASKS else f"voids on {share} taken for faults"]


def _spacing(geo: GeoReference) -> str:
    if geo.dx is None or geo.dy is None:
        return ""
    unit = {"degrees": "°"}.get(geo.xy_unit or "", geo.xy_unit or "")
    dx, dy = f"{abs(geo.dx):.6g}", f"{abs(geo.dy):.6g}"
    return f" of {dx if dx == dy else f'{dy} x {dx}'} {unit}".rstrip()


def _number(value: float, extent: float) -> str:
    """A depth with as many digits as its map's relief calls for."""
    return f"{value:.0f}" if extent >= 20 else f"{value:.6g}"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %") if share >= 0.01 else f"{100 * share:.1g} %"


def _names(files: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(files))
    more = len(distinct) - MAX_NAMES
    return ", ".join(distinct[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
