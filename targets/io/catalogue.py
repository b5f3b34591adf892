"""Catalogue of maps: what map folders, flat sets of files, pictures and grids hold, and how each is read."""

import logging
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from numpy.typing import ArrayLike

from targets.common.atomic_write import portable_name
from targets.common.files.input_files import MAX_FOLDERS, is_file, is_folder, require_file, visible_entries
from targets.errors import UserError
from targets.io.grid_map import load_grid, scene_from_array
from targets.io.grids.registry import is_grid_file, require_format
from targets.io.images import is_picture_file
from targets.io.listing.fault_matching import FaultMatcher
from targets.io.listing.left_out import left_out_files
from targets.io.map_folder.conventions import SetConventions, find_conventions
from targets.io.map_folder.flat_set import find_flat_set, find_picture_sidecars
from targets.io.map_folder.layout import find_map_files
from targets.io.map_folder.reader import read_map_files
from targets.io.map_folder.results import is_result_folder
from targets.io.read_options import DEFAULT_READING, ReadOptions
from targets.io.tgs_salt import find_salt_images, read_salt_image
from targets.scene import Scene

SIDE_SUFFIXES = (".prj", ".wld", ".tfw", ".tifw", ".pgw", ".pngw", ".jgw", ".jpgw")
TABLE_SUFFIXES = "csv|html|jsonl|md|png|yaml|gpkg"  # of what a tool writes beside the folders of maps
MAX_REASONS = 5  # that a folder without maps names
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MapSource:
    """One map that can be read.

    Attributes
    ----------
    name : str
        Unique in its list, as `portable_name` makes it, so that it can name a file on every system.
    kind : Literal['folder', 'flat', 'picture', 'grid', 'tgs']
        A map folder, a flat set of files, a coloured map alone, a grid, or a seismic image of the TGS layout.
    files : dict[str, Path]
        {kind: file} as in `Layout`, and ``set_map``, the map.yaml of a whole folder; of a grid {"grid": path}; of a
        seismic image as in `SaltImage`.
    fault_files : tuple[Path, ...], default ()
        Files of fault lines that belong to a grid.
    group : str, default ''
        The larger map in the name of a flat file, or "".
    table_values : dict[str, str]
        What tables hold for a seismic image, as in `SaltImage`.
    conventions : SetConventions | None, default None
        Of the flat set that the map belongs to.
    notes : tuple[str, ...], default ()
        Files beside the map that look like a part of it and are not used, one sentence each.
    problem : UserError | None, default None
        Why the map cannot be read, as far as that is known before; `read_map` raises it.
    """

    name: str
    kind: Literal["folder", "flat", "picture", "grid", "tgs"]
    files: dict[str, Path] = field(hash=False)
    fault_files: tuple[Path, ...] = ()
    group: str = ""
    table_values: dict[str, str] = field(default_factory=dict, hash=False)
    conventions: SetConventions | None = field(default=None, hash=False)
    notes: tuple[str, ...] = ()
    problem: UserError | None = field(default=None, hash=False)

    @property
    def path(self) -> Path:
        """The folder or file that a user would call the map."""
        first = next(iter(self.files.values()))
        return first.parent if self.kind == "folder" else first

    @property
    def input_files(self) -> tuple[Path, ...]:
        """All files that the map is read from, fault files included."""
        return (*self.files.values(), *self.fault_files, *self._side_files())

    def _side_files(self) -> list[Path]:
        """What lies beside a grid or picture and says where it is."""
        if self.kind not in ("grid", "picture"):
            return []
        names = [self.path.with_suffix(suffix) for suffix in SIDE_SUFFIXES]
        return [file for file in (*names, self.path.with_name(f"{self.path.name}.aux.xml")) if is_file(file)]


@dataclass(frozen=True)
class Catalogue:
    """What some files and folders hold.

    Attributes
    ----------
    sources : list[MapSource]
        The maps, in the order given, those of a folder by name.
    left_out : list[UserError]
        What looks like a surface and is not read, with the reason.
    """

    sources: list[MapSource]
    left_out: list[UserError]

    @property
    def lines(self) -> list[str]:
        """What is to be said before the maps are read: how flat sets are understood, and what is left out."""
        return self.set_lines + [f"not read: {error}" for error in self.left_out]

    @property
    def set_lines(self) -> list[str]:
        """How flat sets are understood, as tables to confirm."""
        sets = {source.conventions.folder: source.conventions.lines for source in self.sources if source.conventions}
        return [line for lines in sets.values() for line in lines]


def find_maps(paths: Iterable[str | Path], reading: ReadOptions = DEFAULT_READING) -> Catalogue:
    """Find all maps that files and folders hold.

    A file is a picture alone (PNG, JPEG) or a grid. A folder is one map if it holds files with the names of the layout;
    else its flat sets of files, its grids and its subfolders that are maps are listed. Only when there is none of
    these, its pictures are, and after them whatever its other subfolders hold. A set of seismic images in the layout
    of `targets.io.tgs_salt` gives its images instead. A damaged map is listed too: `read_map` says what is wrong
    with it, and the other maps can still be read.

    The faults of a grid lie beside it: `targets.io.listing.fault_matching.FaultMatcher` says in which files.

    Parameters
    ----------
    paths : Iterable[str | Path]
        Files and folders; a map that several of them hold is listed once.
    reading : ReadOptions, default DEFAULT_READING
        Its layout names the files of a map.

    Returns
    -------
    catalogue : Catalogue

    Raises
    ------
    UserError
        A path does not exist, or a folder holds no map.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/top.npz", depth=np.ones((4, 4)))
    ...     _ = Path(f"{folder}/base.grd").write_text("no grid")
    ...     catalogue = find_maps([folder])
    >>> [source.name for source in catalogue.sources], [Path(error.where).name for error in catalogue.left_out]
    (['top'], ['base.grd'])
    """
    found: dict[Path, MapSource] = {}
    left_out: list[UserError] = []
    matcher = FaultMatcher(reading.fault_file)
    for path in map(Path, paths):
        for source in _sources_of_path(path, reading, matcher, left_out):
            place = source.path.resolve() if source.problem is None else source.path.absolute()  # links in a circle
            found.setdefault(place, source)
    return Catalogue(with_unique_names(list(found.values())), left_out)


def list_maps(paths: Iterable[str | Path], reading: ReadOptions = DEFAULT_READING) -> list[MapSource]:
    """Find all maps that files and folders hold, as `find_maps`; what is left out is logged as a warning.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/top.npz", depth=np.ones((4, 4)))
    ...     [(source.name, source.kind) for source in list_maps([folder])]
    [('top', 'grid')]
    """
    catalogue = find_maps(paths, reading)
    for error in catalogue.left_out:
        log.warning("not read: %s", error)
    return catalogue.sources


def as_scene(given: Scene | str | Path | ArrayLike, reading: ReadOptions = DEFAULT_READING) -> Scene:
    """One map, from whatever holds it.

    Parameters
    ----------
    given : Scene | str | Path | (H, W) array_like
        A map; the file or folder of one map; or its depths (`targets.io.grid_map.scene_from_array`).
    reading : ReadOptions, default DEFAULT_READING
        What files do not say themselves.

    Raises
    ------
    UserError
        It is no map, or several.

    Examples
    --------
    >>> as_scene([[1500.0, 1510.0], [1520.0, 1505.0]]).shape
    (2, 2)
    """
    if isinstance(given, Scene):
        return given
    if not isinstance(given, str | Path):
        return scene_from_array(given, reading=reading)
    sources = list_maps([given], reading)
    if len(sources) != 1:
        raise UserError(given, f"{len(sources)} maps", "one map", "name the file or folder of one of them")
    return read_map(sources[0], reading)


def read_map(source: MapSource, reading: ReadOptions = DEFAULT_READING) -> Scene:
    """Read one map of a list.

    Parameters
    ----------
    source : MapSource
        From `list_maps`.
    reading : ReadOptions, default DEFAULT_READING
        What the files do not say themselves, and how holes in the depth are filled.

    Returns
    -------
    scene : Scene
        Under the name of the source; its `provenance` is what was understood, with all that had to be assumed.

    Raises
    ------
    UserError
        A file is missing, damaged or contradicts the others.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/top.npz", depth=np.ones((4, 4)))
    ...     (source,) = list_maps([folder])
    ...     read_map(source).shape
    (4, 4)
    """
    scene = _read_files(source, reading)
    known = scene.provenance
    return scene if known is None else scene.replace(provenance=replace(known, path=str(source.path.resolve())))


def _read_files(source: MapSource, reading: ReadOptions) -> Scene:
    """Read a map by what reads its kind."""
    if source.problem is not None:
        raise UserError(*source.problem.args)
    if source.kind == "tgs":
        return read_salt_image(source.name, source.files, source.table_values)
    if source.kind != "grid":
        return read_map_files(source.name, source.files, reading, source.group, source.conventions)
    scene = load_grid(source.files["grid"], source.fault_files, reading)
    known = scene.provenance
    if source.notes and known is not None:
        known = replace(known, notes=(*known.notes, *source.notes))
    group = source.name if scene.group == scene.name else scene.group
    return scene.replace(name=source.name, group=group, provenance=known)


def _sources_of_path(
    path: Path, reading: ReadOptions, matcher: FaultMatcher, left_out: list[UserError]
) -> list[MapSource]:
    """The maps of one path that the user typed."""
    if not is_folder(path):
        return [_file_source(path, reading, matcher)]
    if is_result_folder(path):
        raise UserError(path, "holds results of a tool, not maps", "maps", "name one of its grids to analyse that")
    own: list[UserError] = []
    if sources := _FolderScan(reading, matcher, own).sources(path):
        left_out += own
        return sources
    names = reading.layout
    reasons = " | ".join(f"{Path(error.where).name}: {error.found}" for error in own[:MAX_REASONS])
    raise UserError(path, f"holds no map{f' ({reasons})' if reasons else ''}",
                    "a map folder, a set of flat files, a picture or a grid",
                    f"a map folder holds {names.rgb}.png, {names.fault_mask}.png and so on")  # fmt: skip


def _file_source(path: Path, reading: ReadOptions, matcher: FaultMatcher) -> MapSource:
    try:
        require_file(path, "a grid or a picture")
        if is_picture_file(path):
            return MapSource(path.stem, "picture", {"rgb": path} | find_picture_sidecars(path, reading.layout))
        require_format(path)
    except UserError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise
        return MapSource(path.stem, "grid", {"grid": path}, problem=error)
    return _grid_source(path, matcher)


def _grid_source(path: Path, matcher: FaultMatcher) -> MapSource:
    """A grid with the fault files beside it."""
    match = matcher.match(path)
    return MapSource(path.stem, "grid", {"grid": path}, match.files, notes=match.notes)


class _FolderScan:
    """Maps of a folder and the folders in it; each is looked into once, whatever links lead to it."""

    def __init__(self, reading: ReadOptions, matcher: FaultMatcher, left_out: list[UserError]) -> None:
        self.reading, self.matcher, self.left_out = reading, matcher, left_out
        self._seen: set[Path] = set()

    def sources(self, folder: Path, level: int = 0) -> list[MapSource]:
        """The maps; what is left out is added to the list of that."""
        place, layout = folder.resolve(), self.reading.layout
        if place in self._seen or level > MAX_FOLDERS:
            return []
        self._seen.add(place)
        if files := find_map_files(folder, layout):
            return [MapSource(place.name, "folder", files)]
        if images := find_salt_images(folder):
            return [MapSource(image.id, "tgs", image.files, table_values=image.table_values) for image in images]
        entries = visible_entries(folder)
        found, members = _flat_sources(folder, self.reading)
        pictures = [path for path in entries if is_file(path) and is_picture_file(path)]
        others = set(members).union(pictures)
        plain = [path for path in entries if is_file(path) and path not in others]
        faults = {path for path in plain if self.matcher.is_fault_file(path)}
        grids = [path for path in plain if path not in faults and is_grid_file(path)]
        found += [_grid_source(path, self.matcher) for path in grids]
        folders = [path for path in entries if is_folder(path) and not is_result_folder(path)
                   and not any(file.is_relative_to(path) for file in members)]  # fmt: skip
        maps = [source for path in folders if (source := self._map_folder(path)) is not None]
        found += maps
        used: set[Path] = {*members, *faults, *(source.path for source in maps)}
        used |= {file for source in found for file in source.input_files}
        if found:
            self.left_out += left_out_files(folder, used, layout, reads_pictures=len(found) > len(grids))
            return found
        found = [_file_source(path, self.reading, self.matcher) for path in pictures]
        used |= {*pictures, *folders}
        self.left_out += left_out_files(folder, used, layout, reads_pictures=True)
        return found + [source for path in folders for source in self.sources(path, level + 1)]

    def _map_folder(self, path: Path) -> MapSource | None:
        """The map that a folder is, perhaps one that cannot be read; None if it is none."""
        try:
            files = find_map_files(path, self.reading.layout)
        except UserError as error:
            return MapSource(path.name, "folder", {"map": Path(error.where)}, problem=error)
        return MapSource(path.name, "folder", files) if files else None


def _flat_sources(folder: Path, reading: ReadOptions) -> tuple[list[MapSource], frozenset[Path]]:
    """The maps of the flat set in a folder, and all files that belong to it."""
    flat = find_flat_set(folder, reading.layout)
    if flat is None:
        return [], frozenset()
    conventions = find_conventions(flat, reading)
    sources = [MapSource(name, "flat", files, group=flat.groups[name], conventions=conventions)
               for name, files in flat.maps.items()]  # fmt: skip
    return sources, flat.members


def with_unique_names(sources: list[MapSource]) -> list[MapSource]:
    """Give names that can be file names, on systems that ignore case too; namesakes get their folder's in front."""
    names = [_file_name(source.name) for source in sources]
    counts = Counter(name.casefold() for name in names)
    taken: set[str] = set()
    for i, source in enumerate(sources):
        name = names[i]
        if counts[name.casefold()] > 1:
            name = f"{_file_name(source.path.resolve().parent.name)}_{name}"
        number, base = 2, name
        while name.casefold() in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name.casefold())
        names[i] = name
    return [replace(source, name=name) for source, name in zip(sources, names, strict=True)]


def _file_name(name: str) -> str:
    """A map's name for its folder, which lies beside tables of all maps: `closures.csv` becomes `closures_csv`."""
    return re.sub(rf"\.({TABLE_SUFFIXES})$", r"_\1", portable_name(name), flags=re.IGNORECASE) or "map"
