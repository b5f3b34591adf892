"""Flat sets: the files of many maps in one folder, or in one folder per kind, recognised by words of their names."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from targets.common.rgb_planes import colourfulness
from targets.errors import UserError
from targets.io.grids.registry import detect_format
from targets.io.images import PICTURE_SUFFIXES, is_picture_file, read_rgb
from targets.io.map_folder.layout import SUFFIXES, Layout, find_map_files, names_kinds_by_words
from targets.io.map_folder.results import is_result_folder
from targets.io.map_folder.sidecar import read_sidecar
from targets.io.map_folder.words import recognise_kind

# Numbers, words, and the words inside camelCase.
TOKEN = re.compile(r"\d+|[A-ZА-ЯЁ]+(?![a-zа-яё])|[A-ZА-ЯЁ]?[a-zа-яё]+|[^\W\d_]")
MAX_TOKENS = 8  # of a kind, such as structural NO isoline
MAX_LEVELS = 2  # of folders, such as x/faults
SET_SIDECAR = "set_map"  # kind of the sidecar of a whole set
OF_GRIDS = {"rgb": "depth", "depth_norm": "depth"}  # what a grid holds whose name says a kind of picture
OPTION = "--reading.layout"
TARGET_SIDE = {"x": "y", "y": "y", "input": "output", "output": "output", "inputs": "outputs", "outputs": "outputs"}
SIDES = "x|y|inputs?|outputs?"
# A name by the pattern {number}_{x|y}_{kind}_{name}, whatever its words.
SIDED_NAME = re.compile(
    rf"(?P<number>\d+)[\W_]+(?:{SIDES})[\W_]+(?P<word>[^\W_]+)(?:[\W_]+(?P<name>.*))?", re.IGNORECASE
)
MIN_COLOUR = 16  # of 255, difference of the channels of a coloured pixel
MAX_COLOURED = 0.05  # share of a picture: more is no stray pixels
MIN_LEVELS = 0.3  # share of a picture beside its two commonest greys: less is a mask


Span = tuple[int, int]  # where a part of a name begins and ends


class NameReading(NamedTuple):
    """One way to read a file's name.

    Attributes
    ----------
    key : str
        What is left of the name without kind and side: the map.
    word : str
        What names the kind.
    kind : str
        A field of `Layout`, or mask.
    rank : int
        Of several files of one kind that with the lowest rank is read.
    sided : bool
        Whether x (input) or y (target) stands beside the kind.
    group : str | None, default None
        The larger map, where a pattern says which part of the name it is.
    """

    key: str
    word: str
    kind: str
    rank: int
    sided: bool
    group: str | None = None

    @property
    def map(self) -> str:
        """The key without regard to case."""
        return self.key.casefold()


@dataclass(frozen=True)
class WordUse:
    """What a word of a set's file names stands for.

    Attributes
    ----------
    kind : str
        A field of `Layout`; "" of words that the user leaves out.
    word : str
        As files spell it.
    count : int
        Number of its files.
    is_read : bool
        Whether they are read; of several words for one kind only one is.
    """

    kind: str
    word: str
    count: int
    is_read: bool = True


@dataclass(frozen=True, eq=False)
class FlatSet:
    """The maps of a flat set.

    Attributes
    ----------
    folder : Path
        Where it lies.
    maps : dict[str, dict[str, Path]]
        {map name: {kind: file}}, the kinds being fields of `Layout` and ``set_map`` (the ``map.yaml`` of the set).
    groups : dict[str, str]
        {map name: name of the larger map}, "" where the names tell none.
    words : tuple[WordUse, ...]
        What each word stands for.
    unused : tuple[Path, ...]
        Sidecars that belong to no map.
    members : frozenset[Path]
        All files of the set, also those that are not read.
    """

    folder: Path
    maps: dict[str, dict[str, Path]]
    groups: dict[str, str]
    words: tuple[WordUse, ...]
    unused: tuple[Path, ...] = ()
    members: frozenset[Path] = frozenset()


def find_flat_set(folder: Path, layout: Layout = Layout()) -> FlatSet | None:  # noqa: B008 (frozen)
    """Find the flat set that a folder holds.

    A file belongs to it if its name, with the folders named like a kind that it lies in, consists of the words of a
    kind (`targets.io.map_folder.words`), perhaps x or y, and what names the map. Files that agree in the last are one
    map. Single pictures whose names happen to hold such a word are no set.

    Parameters
    ----------
    folder : Path
        The folder; of its subfolders those named like a kind, or x or y, are looked into.
    layout : Layout, default Layout()
        Words and patterns of one's own.

    Returns
    -------
    found : FlatSet | None
        None if there is none.

    Raises
    ------
    UserError
        A word is unknown or ambiguous, or two files are of one kind of one map.
    """
    files = dict(_set_files(folder, layout))
    chosen = _choose_readings(files, layout)
    members: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, reading in chosen.items():
        members[reading.map][reading.kind].append(name)
    maps = {key: kinds for key, kinds in members.items() if set(kinds) != {"map"}}
    ignored = {word.casefold() for word in layout.ignored or ()}
    if not any(len(kinds) > 1 for kinds in maps.values()) and not any(r.sided for r in chosen.values()):
        if not layout.has_own_pattern and (strange := _words_of_sided_names(files, ignored)):
            raise _unknown_word_error(folder, files, strange)
        return None
    sidecars = {key: names for key, kinds in members.items() if key not in maps for names in kinds.values()}
    unknown = _unknown_words(files, chosen, maps)
    masks = [name for kinds in maps.values() for name in kinds.get("mask", ())]
    if masks and not any("traps" in kinds for kinds in maps.values()):  # images/ and masks/: what is to be learned
        for name in masks:
            chosen[name] = chosen[name]._replace(kind="traps")
    else:
        for name in masks:
            unknown.setdefault(chosen.pop(name).word, []).append(name)
    if asked := {word: names for word, names in unknown.items() if word.casefold() not in ignored}:
        raise _unknown_word_error(folder, files, asked)
    left_out = [WordUse("", word, len(names), False) for word, names in unknown.items()]
    return _collect(folder, files, chosen, sidecars, left_out, layout)


def find_picture_sidecars(path: Path, layout: Layout) -> dict[str, Path]:
    """Find the sidecars of a picture alone: NAME.yaml beside it, and the map.yaml of its folder.

    Parameters
    ----------
    path : Path
        The picture.
    layout : Layout
        Names of files.

    Returns
    -------
    files : dict[str, Path]
        {"map": file of the picture itself, "set_map": file of all pictures}, as far as they are there.

    Raises
    ------
    UserError
        The file of all pictures gives several of them one place.
    """
    found = {}
    for suffix in reversed(SUFFIXES["map"]):
        if (own := path.with_suffix(suffix)).is_file():
            found["map"] = own
        if (common := path.with_name(f"{layout.map}{suffix}")).is_file():
            found[SET_SIDECAR] = common
    if path.stem in (layout.map, layout.rgb) and SET_SIDECAR in found:  # a map folder
        return {"map": found[SET_SIDECAR]} | {key: file for key, file in found.items() if key == "map"}
    if SET_SIDECAR in found:
        pictures = [file for file in path.parent.iterdir() if is_picture_file(file) and not file.name.startswith(".")]
        check_place_of_one(found[SET_SIDECAR], len(pictures))
    return found


def check_place_of_one(sidecar: Path, count: int) -> None:
    """Refuse a file for several maps that says where their first cell lies: they cannot all lie there.

    Raises
    ------
    UserError
        It gives x0 or y0 to more than one map.
    """
    geo = read_sidecar(sidecar).geo
    if count > 1 and (geo.x0 is not None or geo.y0 is not None):
        raise UserError(sidecar, f"x0 and y0 for {count} maps at once", "the place of one map",
                        "give each map a file of its own, such as 01_map_reek.yaml or 01_reek.yaml beside "
                        "01_x_structural_reek.png, and keep here what they share")  # fmt: skip


def piece_numbers(names: Sequence[str]) -> list[tuple[int | None, str]]:
    """The number of each piece in its name, and the name of the larger map: the rest.

    Of several numbers in a name that with the most values among alike names is the number of the piece.

    Parameters
    ----------
    names : Sequence[str]
        Names of maps.

    Returns
    -------
    numbers : list[tuple[int | None, str]]
        (number, rest) of each name; (None, "") of names without a number.

    Examples
    --------
    >>> piece_numbers(["07_north_2020", "08_north_2020", "south"])
    [(7, 'north_2020'), (8, 'north_2020'), (None, '')]
    """
    alike: dict[tuple[str, ...], list[list[str]]] = defaultdict(list)
    for name in names:
        alike[tuple(re.split(r"\d+", name))].append(re.findall(r"\d+", name))
    found: list[tuple[int | None, str]] = []
    for name in names:
        columns = [set(values) for values in zip(*alike[tuple(re.split(r"\d+", name))], strict=True)]
        if not columns:
            found.append((None, ""))
            continue
        number = list(re.finditer(r"\d+", name))[max(range(len(columns)), key=lambda i: len(columns[i]))]
        found.append((int(number[0]), _joined(name[: number.start()], name[number.end() :])))
    return found


def name_sibling(path: Path, root: Path, kind: str, layout: Layout = Layout()) -> Path:  # noqa: B008 (frozen)
    """The name of a target, a PNG, beside a file of the same map in a flat set; x becomes y.

    Parameters
    ----------
    path : Path
        Any file of the map.
    root : Path
        The folder of the set.
    kind : str
        The kind of the target, a field of `Layout`.
    layout : Layout, default Layout()
        Words and patterns of one's own.

    Raises
    ------
    ValueError
        The file's name says no kind.

    Examples
    --------
    >>> name_sibling(Path("set/x/faults/07.png"), Path("set"), "traps").as_posix()
    'set/y/traps/07.png'
    >>> name_sibling(Path("set/07_x_rgb_north.png"), Path("set"), "traps").name
    '07_y_traps_north.png'
    """
    name = unicodedata.normalize("NFC", path.relative_to(root).with_suffix("").as_posix())
    word = layout.word_by_kind()[kind]
    if (match := layout.flat_regex().fullmatch(name)) is not None:
        parts = match.groupdict() | {"kind": word, "x|y": "y"}
        return root / (re.sub(r"\{(.*?)\}", lambda found: parts[found[1]], layout.flat) + ".png")
    _, (start, end), side = max(
        _word_readings(name, path.suffix, layout), key=lambda item: (item[0].sided, len(item[0].word))
    )
    before, after = name[:start], name[end:]
    if side is not None:
        target = TARGET_SIDE[name[slice(*side)].casefold()]
        target = target.upper() if name[side[0]].isupper() else target
        if side[0] < start:
            before = name[: side[0]] + target + name[side[1] : start]
        else:
            after = name[end : side[0]] + target + name[side[1] :]
    return root / f"{before}{word}{after}.png"


def _set_files(folder: Path, layout: Layout, prefix: str = "", level: int = 0) -> Iterator[tuple[str, Path]]:
    """(name without suffix but with the folders below the set, file), by name."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.startswith("."):
            continue
        name = prefix + unicodedata.normalize("NFC", path.name)  # macOS may take й apart
        if path.is_file():
            yield name, path
        elif level < MAX_LEVELS and path.is_dir() and _holds_kinds(path, layout):
            yield from _set_files(path, layout, f"{name}/", level + 1)


def _holds_kinds(folder: Path, layout: Layout) -> bool:
    """Whether a folder's name says no more than a kind or a side, or its files' names do; and it is no map folder."""
    if is_result_folder(folder):
        return False
    readings = [reading for reading, _, _ in _word_readings(folder.name, ".png", layout)]
    is_kind = any(not reading.key for reading in readings) or names_kinds_by_words(folder)
    try:
        is_kind = is_kind and not find_map_files(folder, layout)
    except UserError:
        is_kind = False  # a map folder, though one that contradicts itself
    return re.fullmatch(SIDES, folder.name, re.IGNORECASE) is not None or is_kind


def _choose_readings(files: Mapping[str, Path], layout: Layout) -> dict[str, NameReading]:
    """{file: how its name is read}: of several ways that which makes a map of most kinds."""
    ways: dict[str, list[NameReading]] = {}
    for name, path in files.items():
        stem = name.removesuffix(path.suffix)
        found = _pattern_readings(stem, path.suffix, layout)
        if not found and not layout.has_own_pattern:
            found = [reading for reading, _, _ in _word_readings(stem, path.suffix, layout)]
            if path.suffix.lower() in SUFFIXES["map"]:  # beside 01_x_faults_reek.png: 01_reek.yaml
                found.append(NameReading(_joined(stem, ""), layout.map, "map", 1, False))
        if found:
            ways[name] = found
    kinds: dict[str, set[str]] = defaultdict(set)
    for found in ways.values():
        for reading in found:
            kinds[reading.map].add(reading.kind)
    chosen = {}
    for name, found in ways.items():
        best = max(found, key=lambda reading: (len(kinds[reading.map]), reading.sided, len(reading.word)))
        if best.kind == "map" or is_picture_file(files[name]):
            chosen[name] = best
        elif _is_grid(files[name]):
            chosen[name] = best._replace(kind=OF_GRIDS.get(best.kind, best.kind), rank=best.rank + (best.kind == "rgb"))
    return chosen


def _pattern_readings(stem: str, suffix: str, layout: Layout) -> list[NameReading]:
    """The reading of a name by the layout's own pattern; none if it does not follow it."""
    for known in (True, False) if layout.has_own_pattern else (True,):
        match = layout.flat_regex(known).fullmatch(stem)
        if match is None:
            continue
        word = match["kind"]
        kind_and_rank = _kind_of_word(word, suffix, layout)
        if kind_and_rank is not None:
            parts = match.groupdict()
            key = "_".join(value for name in ("number", "name") if (value := parts.get(name)))
            return [NameReading(key, word, *kind_and_rank, True, parts.get("name", ""))]
    return []


def _word_readings(
    name: str, suffix: str, layout: Layout
) -> list[tuple[NameReading, tuple[int, int], tuple[int, int] | None]]:
    """The ways to read a name by words: (reading, where its word starts and ends, where x or y does)."""
    tokens = list(TOKEN.finditer(name))
    found = []
    for i, first in enumerate(tokens):
        for last in tokens[i : i + MAX_TOKENS]:
            start, end = first.start(), last.end()
            kind_and_rank = _kind_of_word(name[start:end], suffix, layout)
            if kind_and_rank is None:
                continue
            side = _place_of_side(name, start, end)
            letters = list(name)
            if side is not None:
                letters[slice(*side)] = "_" * (side[1] - side[0])
            key = _joined("".join(letters[:start]), "".join(letters[end:]))
            # A folder per map: the folders' names say nothing of a larger map.
            by_folder = "/" in name[:start] and not _joined(name[name.rindex("/") : start], name[end:])
            group = "" if by_folder and _joined(name[:start], "") else None
            reading = NameReading(key, name[start:end], *kind_and_rank, side is not None, group)
            found.append((reading, (start, end), side))
    return found


def _kind_of_word(word: str, suffix: str, layout: Layout) -> tuple[str, int] | None:
    """Kind and rank of a word: the layout's own words come first, and colours without lines before those with."""
    is_sidecar = suffix.lower() in SUFFIXES["map"]
    for kind in _own_kinds(layout).get(_letters(word), ()):
        fits = (kind == "map") == is_sidecar and (kind != "depth" or suffix.lower() not in PICTURE_SUFFIXES)
        if fits:
            return kind, 0
    known = None if is_sidecar else recognise_kind(word)
    return None if known is None else (known.kind, known.rank)


@cache
def _own_kinds(layout: Layout) -> dict[str, list[str]]:
    """{letters: kinds} of the layout's own words."""
    found: dict[str, list[str]] = defaultdict(list)
    for kind, word in layout.word_by_kind().items():
        found[_letters(word)].append(kind)
    return dict(found)


def _place_of_side(name: str, start: int, end: int) -> Span | None:
    """Where x, y, input or output stands as a word of its own: before the kind, behind it, or at the very beginning."""
    for text, pattern, offset in (
        (name[:start], rf"(?:^|[\W_\d])({SIDES})[\W_]*$", 0),
        (name[end:], rf"^[\W_]+({SIDES})(?=[\W_]|$)", end),
        (name[:start], rf"^({SIDES})[\W_]", 0),
    ):
        if (match := re.search(pattern, text, re.IGNORECASE)) is not None:
            return match.start(1) + offset, match.end(1) + offset
    return None


def _joined(before: str, after: str) -> str:
    """What is left of a name on both sides of a word, with _ between them."""
    parts = [re.sub(r"[\s/_]+", "_", part).strip("_-.,+ ") for part in (before, after)]
    return "_".join(part for part in parts if part)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _is_grid(path: Path) -> bool:
    try:
        return detect_format(path) is not None
    except UserError:
        return False


def _unknown_words(
    files: Mapping[str, Path], chosen: Mapping[str, NameReading], maps: Mapping[str, object]
) -> dict[str, list[str]]:
    """{word: files} of the pictures that are named like the maps' files but for a word that names no kind."""
    keys = {tuple(_letters(token) for token in TOKEN.findall(key)) for key in maps}
    found: dict[str, list[str]] = defaultdict(list)
    for name, path in files.items():
        if name in chosen or not is_picture_file(path):
            continue
        stem = name.removesuffix(path.suffix)
        tokens = list(TOKEN.finditer(stem))
        words = [_letters(token[0]) for token in tokens]
        spans = [(i, j) for i in range(len(tokens)) for j in range(i + 1, min(i + MAX_TOKENS, len(tokens)) + 1)]
        for i, j in sorted(spans, key=lambda span: span[1] - span[0]):
            rest = words[:i] + words[j:]
            sides: list[list[int]] = [[]] + [[k] for k in (i - 1, i, 0) if 0 <= k < len(rest) and rest[k] in ("x", "y")]
            if any(tuple(rest[k] for k in range(len(rest)) if k not in side) in keys for side in sides):
                found[stem[tokens[i].start() : tokens[j - 1].end()]].append(name)
                break
    return found


def _words_of_sided_names(files: Mapping[str, Path], ignored: set[str]) -> dict[str, list[str]]:
    """{word: files} of pictures named 01_x_WORD_reek, if several maps have several of them; else nothing."""
    found: dict[str, list[str]] = defaultdict(list)
    words: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name, path in files.items():
        match = SIDED_NAME.fullmatch(name.removesuffix(path.suffix))
        if match is not None and is_picture_file(path) and match["word"].casefold() not in ignored:
            found[match["word"]].append(name)
            words[match["number"], match["name"] or ""].add(match["word"])
    return dict(found) if sum(len(several) > 1 for several in words.values()) > 1 else {}


def _unknown_word_error(folder: Path, files: Mapping[str, Path], unknown: Mapping[str, list[str]]) -> UserError:
    listed = [f"{word!r} ({len(names)} files, such as {names[0]})" for word, names in unknown.items()]
    guesses = [f"{OPTION}.{_guess_kind(files[names[0]])} {word}" for word, names in unknown.items()]
    return UserError(
        folder,
        f"file names hold unknown words: {', '.join(listed)}",
        "words that say what a file shows, such as structural, depth, faults, traps",
        f"say what it is, by its look {' '.join(guesses)} (kinds: rgb, depth_norm, fault_mask, traps, depth_mask, "
        f"map_mask); or leave it out: {OPTION}.ignored {','.join(unknown)}",
    )


def _guess_kind(path: Path) -> str:
    """What a picture looks like: colours, levels of grey, or two tones."""
    try:
        rgb = read_rgb(path)
    except UserError:
        return "KIND"
    if float((colourfulness(rgb) > MIN_COLOUR).mean()) > MAX_COLOURED:
        return "rgb"
    counts = np.sort(np.bincount(rgb[..., 1].ravel()))
    if counts[:-2].sum() > MIN_LEVELS * counts.sum():
        return "depth_norm"
    return "traps" if re.search(r"(?:^|[\W_])y(?:[\W_]|$)", path.stem, re.IGNORECASE) else "fault_mask"


def _collect(
    folder: Path,
    files: Mapping[str, Path],
    chosen: Mapping[str, NameReading],
    sidecars: Mapping[str, list[str]],
    left_out: Sequence[WordUse],
    layout: Layout,
) -> FlatSet:
    """The set from the readings of its files: of each kind of a map the file of the lowest rank is read."""
    by_map: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, reading in chosen.items():
        if reading.map not in sidecars:
            by_map[reading.map][reading.kind].append(name)
    taken, maps, groups = set[str](), dict[str, dict[str, Path]](), dict[str, str]()
    own_groups: list[str | None] = []
    for kinds in by_map.values():
        picked: dict[str, Path] = {}
        for kind, names in kinds.items():
            first, *others = sorted(names, key=lambda name: chosen[name].rank)
            if others and chosen[others[0]].rank == chosen[first].rank:
                raise _second_file_error(folder, kind, chosen, (first, others[0]))
            picked[kind] = files[first]
            taken.add(first)
        reading = chosen[min(name for names in kinds.values() for name in names)]
        title = reading.key or folder.resolve().name
        own_groups.append(reading.group)
        maps[title] = picked
    numbers = piece_numbers(list(maps))
    set_sidecar = next((name for name in sidecars.get("", ()) if Path(name).stem == layout.map), None)
    for title, own, (_, rest) in zip(maps, own_groups, numbers, strict=True):
        groups[title] = rest if own is None else own
        if set_sidecar is not None:
            maps[title][SET_SIDECAR] = files[set_sidecar]
    if set_sidecar is not None and len(set(groups.values()) - {""}) < len(maps):
        check_place_of_one(files[set_sidecar], len(maps))
    uses = Counter((chosen[name].kind, chosen[name].word, name in taken) for name in chosen)
    words = [WordUse(kind, word, count, is_read) for (kind, word, is_read), count in uses.items() if kind != "map"]
    unused = [files[name] for names in sidecars.values() for name in names if name != set_sidecar]
    members = frozenset(files[name] for name in chosen)
    return FlatSet(folder, maps, groups, (*words, *left_out), tuple(unused), members)


def _second_file_error(folder: Path, kind: str, chosen: Mapping[str, NameReading], names: tuple[str, str]) -> UserError:
    words = [chosen[name].word for name in names]
    if len({_letters(word) for word in words}) == 1:
        return UserError(folder / names[1], f"a second file of the kind {kind} beside {names[0]}", "one",
                         "remove one of them")  # fmt: skip
    return UserError(folder, f"two words for one kind, {kind}: {' and '.join(words)} ({' and '.join(names)})",
                     "one word for each kind", f"say which is read: {OPTION}.{kind} {words[0]}")  # fmt: skip
