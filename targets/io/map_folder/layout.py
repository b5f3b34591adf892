"""Names of a map's files: map folders, flat sets of files, and how both are found.

The files of a map (their names can be changed in `Layout`):

======================  ================================================================================
``rgb.png`` (or .jpg)   coloured map; a white margin around it is cropped, of a picture alone with what stands in it
``fault_mask.png``      faults black, all else white; needed beside a depth
``depth_norm.png``      8 or 16 bit, black = deepest; or ``depth.npy`` or a grid ``depth.*``, positive down
``depth_mask.png``      white = measured; optional
``depth_clean.png``     the true surface where the depth is a poor copy of it, in the same range; optional
``map_mask.png``        white = inside the map; optional
``traps.png``           traps black, all else white; optional
``map.yaml``            fields of `GeoReference`, ``group``, ``polarity: inverted``, ``interpreter``; optional
======================  ================================================================================
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from targets.common.cli import Names
from targets.errors import UserError
from targets.io.images import PICTURE_SUFFIXES, TIFF_SUFFIXES
from targets.io.map_folder.words import recognise_kind

# The suffixes of each kind that is no .png; a depth may have any other suffix, since grids are known by their content.
SUFFIXES = {"rgb": (*PICTURE_SUFFIXES, *TIFF_SUFFIXES), "map": (".yaml", ".yml")}
NO_WORDS = ("flat", "white_masks", "ignored")  # fields of `Layout` that are no file's name
FLAT = "{number}_{x|y}_{kind}_{name}"


@dataclass(frozen=True)
class Layout:
    """The names of a map's files, without suffix, and the pattern of flat sets of files.

    Attributes
    ----------
    rgb : str, default 'rgb'
        Name of the coloured map, without suffix (.png, .jpg or .jpeg).
    fault_mask : str, default 'fault_mask'
        Name of the PNG whose black cells are faults, without suffix.
    depth_norm : str, default 'depth_norm'
        Name of the grey PNG of the depth (black = deepest), without suffix.
    depth : str, default 'depth'
        Name of the depth as .npy or grid of any format (positive down), without suffix.
    depth_mask : str, default 'depth_mask'
        Name of the PNG whose white cells have a measured depth, without suffix.
    depth_clean : str, default 'depth_clean'
        Name of the grey PNG of the true surface where the depth is a poor copy of it, without suffix.
    map_mask : str, default 'map_mask'
        Name of the PNG that is white inside the map, without suffix.
    traps : str, default 'traps'
        Name of the PNG whose black cells are interpreted traps, without suffix.
    map : str, default 'map'
        Name of the YAML file of location, units, group and polarity, without suffix.
    flat : str, default '{number}_{x|y}_{kind}_{name}'
        Pattern of file names where the files of many maps lie in one folder. ``{kind}`` stands for one of the names
        above, ``{x|y}`` for either letter (interpreters put x before inputs and y before targets), ``{number}`` for
        digits, ``{name}`` for anything. Files that agree in number and name make one map, called ``number_name``; maps
        that agree in name are taken for crops of one larger map, which splits never separate. Other orders and
        separators, and names by the words of `targets.io.map_folder.words`, are found without it.
    white_masks : Names | None, default None
        Masks of flat sets whose marked cells are white: fault_mask, traps, or both with a comma; none: those of both
        are black. By default the rarer of black and white, which is printed.
    ignored : Names | None, default None
        Words of the names in flat sets whose files are not read, with commas between them.
    """

    rgb: str = "rgb"
    fault_mask: str = "fault_mask"
    depth_norm: str = "depth_norm"
    depth: str = "depth"
    depth_mask: str = "depth_mask"
    depth_clean: str = "depth_clean"
    map_mask: str = "map_mask"
    traps: str = "traps"
    map: str = "map"
    flat: str = FLAT
    white_masks: Names | None = None
    ignored: Names | None = None

    @property
    def has_own_pattern(self) -> bool:
        """Whether the pattern of flat names is not the default one."""
        return self.flat != FLAT

    def word_by_kind(self) -> dict[str, str]:
        """{kind: file name without suffix}, the kind being the name of the field."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name not in NO_WORDS}

    def kind_by_name(self) -> dict[str, str]:
        """{file name without suffix: kind}, the kind being the name of the field.

        Examples
        --------
        >>> Layout(rgb="colours").kind_by_name()["colours"]
        'rgb'
        """
        return {word: kind for kind, word in self.word_by_kind().items()}

    def flat_regex(self, known_kinds: bool = True) -> re.Pattern[str]:
        """The pattern of flat names as a regular expression with the groups kind, number and name.

        Parameters
        ----------
        known_kinds : bool, default True
            The kind is one of the layout's own names; False: any text.

        Raises
        ------
        UserError
            The pattern cannot tell maps and kinds apart.

        Examples
        --------
        >>> Layout().flat_regex().fullmatch("07_x_rgb_north").groupdict()
        {'number': '07', 'kind': 'rgb', 'name': 'north'}
        """
        kinds = "|".join(sorted(map(re.escape, self.kind_by_name()), key=len, reverse=True)) if known_kinds else ".+?"
        parts = {"number": r"(?P<number>\d+)", "x|y": "[xyXY]", "kind": f"(?P<kind>{kinds})", "name": "(?P<name>.+)"}
        texts, placeholders = re.split(r"\{(.*?)\}", self.flat)[::2], re.split(r"\{(.*?)\}", self.flat)[1::2]
        unknown, repeated = set(placeholders) - set(parts), len(set(placeholders)) < len(placeholders)
        if unknown or repeated or "kind" not in placeholders or not {"number", "name"} & set(placeholders):
            raise UserError(f"flat pattern {self.flat!r}", "cannot tell maps and kinds apart",
                            "{kind} with {number} or {name} or both, and perhaps {x|y}, each once")  # fmt: skip
        pieces = [parts[name] + re.escape(text) for name, text in zip(placeholders, texts[1:], strict=True)]
        return re.compile(re.escape(texts[0]) + "".join(pieces))


def find_map_files(folder: str | Path, layout: Layout = Layout()) -> dict[str, Path]:
    """Find the files of one map folder.

    Parameters
    ----------
    folder : str | Path
        Its subfolders are not looked into.
    layout : Layout, default Layout()
        The names of the files.

    Returns
    -------
    files : dict[str, Path]
        {kind: file} with the kinds "rgb", "fault_mask", … of `Layout`; empty if the folder is no map.

    Raises
    ------
    UserError
        The folder is missing, or two files are of one kind.
    """
    found: dict[str, Path] = {}
    kinds = layout.kind_by_name()
    for path in _list_files(folder):
        kind = kinds.get(path.stem)
        if kind and _suffix_fits(kind, path.suffix.lower()):
            _add_file(found, kind, path)
    if not found.keys() & {"rgb", "depth_norm", "depth"} and names_kinds_by_words(folder):
        return {}
    return found if set(found) - {"map"} else {}


def names_kinds_by_words(folder: str | Path) -> bool:
    """Whether a folder holds pictures of several kinds whose whole names are words of a kind: a flat set of one map."""
    pictures = [path for path in _list_files(folder) if path.suffix.lower() in PICTURE_SUFFIXES]
    kinds = {known.kind for path in pictures if (known := recognise_kind(path.stem)) is not None}
    return len(kinds) > 1 and bool(kinds & {"rgb", "depth_norm"})


def folder_of(files: Mapping[str, Path]) -> Path:
    """The folder in which the files of a map lie."""
    return next(iter(files.values())).parent


def _list_files(folder: str | Path) -> list[Path]:
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(folder, "is a file" if folder.exists() else "no such folder", "a folder", "check the path")
    files = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return sorted(files, key=lambda path: path.name)


def _suffix_fits(kind: str, suffix: str) -> bool:
    if kind == "depth":
        return suffix not in (*PICTURE_SUFFIXES, *SUFFIXES["map"])
    return suffix in SUFFIXES.get(kind, (".png",))


def _add_file(files: dict[str, Path], kind: str, path: Path) -> None:
    if kind in files:
        raise UserError(
            path, f"a second file of the kind {kind} beside {files[kind].name}", "one", "remove one of them"
        )
    files[kind] = path
