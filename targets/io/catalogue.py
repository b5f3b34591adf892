"""Catalogue of maps: what map folders, flat sets of files, pictures and grids hold, and how each is read."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from targets.errors import UserError
from targets.io.grid_map import read_grid
from targets.io.grids.registry import detect_format, is_grid_file, require_format
from targets.io.images import is_picture_file
from targets.io.map_folder.conventions import SetConventions, find_conventions
from targets.io.map_folder.flat_set import find_flat_set, find_picture_sidecars
from targets.io.map_folder.layout import find_map_files
from targets.io.map_folder.reader import read_map_files
from targets.io.map_folder.results import is_result_folder
from targets.io.read_options import DEFAULT_READING, ReadOptions
from targets.io.tgs_salt import find_salt_images, read_salt_image
from targets.scene import Scene

FAULT_SUFFIXES = (".csv", ".pol", ".zmap")


@dataclass(frozen=True)
class MapSource:
    """One map that can be read.

    Attributes
    ----------
    name : str
        Unique in its list; letters, digits, ``_``, ``-`` and ``.`` only, so that it can name a file.
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
    """

    name: str
    kind: Literal["folder", "flat", "picture", "grid", "tgs"]
    files: dict[str, Path] = field(hash=False)
    fault_files: tuple[Path, ...] = ()
    group: str = ""
    table_values: dict[str, str] = field(default_factory=dict, hash=False)
    conventions: SetConventions | None = field(default=None, hash=False)

    @property
    def path(self) -> Path:
        """The folder or file that a user would call the map."""
        first = next(iter(self.files.values()))
        return first.parent if self.kind == "folder" else first

    @property
    def input_files(self) -> tuple[Path, ...]:
        """All files that the map is read from, fault files included."""
        return (*self.files.values(), *self.fault_files)


def list_maps(paths: Iterable[str | Path], reading: ReadOptions = DEFAULT_READING) -> list[MapSource]:
    """Find all maps that files and folders hold.

    A file is a picture alone (PNG, JPEG) or a grid. A folder is one map if it holds files with the names of the layout;
    else its flat sets of files, its grids and its subfolders that are maps are listed. Only when there is none of
    these, its pictures are, and after them whatever its other subfolders hold. A set of seismic images in the layout
    of `targets.io.tgs_salt` gives its images instead. A damaged grid is listed too: `read_map` says what is wrong
    with it, and the other maps of the folder can still be read.

    The faults of a grid lie beside it, in ``.csv``, ``.pol`` or ``.zmap`` files: those whose name starts with the
    grid's; if there are none, those with "fault" in their name that do not start with another grid's name.

    Parameters
    ----------
    paths : Iterable[str | Path]
        Files and folders; a map that several of them hold is listed once.
    reading : ReadOptions, default DEFAULT_READING
        Its layout names the files of a map.

    Returns
    -------
    sources : list[MapSource]
        In the order given, those of a folder by name.

    Raises
    ------
    UserError
        A path does not exist or holds no map.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/top.npz", depth=np.ones((4, 4)))
    ...     [(source.name, source.kind) for source in list_maps([folder])]
    [('top', 'grid')]
    """
    layout = reading.layout
    found: dict[Path, MapSource] = {}
    for path in map(Path, paths):
        if is_result_folder(path):
            raise UserError(path, "holds results of a tool, not maps", "maps", "name one of its grids to analyse that")
        sources = _folder_sources(path, reading) if path.is_dir() else [_file_source(path, reading)]
        if not sources:
            raise UserError(path, "holds no map", "a map folder, a set of flat files, a picture or a grid",
                            f"a map folder holds {layout.rgb}.png, {layout.fault_mask}.png and so on")  # fmt: skip
        for source in sources:
            found.setdefault(source.path.resolve(), source)
    return _with_unique_names(list(found.values()))


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
        Under the name of the source.

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
    if source.kind == "tgs":
        return read_salt_image(source.name, source.files, source.table_values)
    if source.kind != "grid":
        return read_map_files(source.name, source.files, reading, source.group, source.conventions)
    scene = read_grid(source.files["grid"], source.fault_files, reading)
    return scene.replace(name=source.name, group=source.name if scene.group == scene.name else scene.group)


def _file_source(path: Path, reading: ReadOptions) -> MapSource:
    if is_picture_file(path):
        if not path.exists():
            raise UserError(path, "no such file", hint="check the path")
        return MapSource(path.stem, "picture", {"rgb": path} | find_picture_sidecars(path, reading.layout))
    require_format(path)
    return _grid_source(path, [])


def _grid_source(path: Path, siblings: list[Path]) -> MapSource:
    """A grid with the fault files beside it; `siblings` are the grids of the same folder, if they are known."""
    candidates = [file for file in sorted(path.parent.iterdir())
                  if file.suffix.lower() in FAULT_SUFFIXES and file != path and file not in siblings]  # fmt: skip
    faults = [file for file in candidates if _name_starts_with(file, path)]
    if not faults:
        grids = siblings or [file for file in path.parent.iterdir() if file.is_file() and detect_format(file)]
        faults = [file for file in candidates if "fault" in file.stem.lower()
                  and not any(_name_starts_with(file, grid) for grid in grids)]  # fmt: skip
    return MapSource(path.stem, "grid", {"grid": path}, tuple(faults))


def _name_starts_with(file: Path, grid: Path) -> bool:
    """Whether a file's name starts with a grid's, at a word's end: top1 is not the start of top10_faults."""
    stem = grid.name.split(".")[0]
    return re.match(re.escape(stem) + r"(?![A-Za-z0-9])", file.name, re.IGNORECASE) is not None


def _folder_sources(folder: Path, reading: ReadOptions) -> list[MapSource]:
    layout = reading.layout
    if files := find_map_files(folder, layout):
        return [MapSource(folder.resolve().name, "folder", files)]
    if images := find_salt_images(folder):
        return [MapSource(image.id, "tgs", image.files, table_values=image.table_values) for image in images]
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    found, members = _flat_sources(folder, reading)
    pictures = [path for path in entries if path.is_file() and is_picture_file(path)]
    grids = [path for path in entries if path.is_file() and path not in members and path not in pictures
             and is_grid_file(path)]  # fmt: skip
    found += [_grid_source(path, grids) for path in grids]
    folders = [path for path in entries if path.is_dir() and not is_result_folder(path)
               and not any(file.is_relative_to(path) for file in members)]  # fmt: skip
    maps = {path: files for path in folders if (files := find_map_files(path, layout))}
    found += [MapSource(path.name, "folder", files) for path, files in maps.items()]
    if found:
        return found
    found = [_file_source(path, reading) for path in pictures]
    return found + [source for path in folders for source in _folder_sources(path, reading)]


def _flat_sources(folder: Path, reading: ReadOptions) -> tuple[list[MapSource], frozenset[Path]]:
    """The maps of the flat set in a folder, and all files that belong to it."""
    flat = find_flat_set(folder, reading.layout)
    if flat is None:
        return [], frozenset()
    conventions = find_conventions(flat, reading)
    sources = [MapSource(name, "flat", files, group=flat.groups[name], conventions=conventions)
               for name, files in flat.maps.items()]  # fmt: skip
    return sources, flat.members


def _with_unique_names(sources: list[MapSource]) -> list[MapSource]:
    """Give names that can be file names, on systems that ignore case too; namesakes get their folder's in front."""
    names = [_file_name(source.name) for source in sources]
    counts = Counter(name.lower() for name in names)
    taken: set[str] = set()
    for i, source in enumerate(sources):
        name = names[i]
        if counts[name.lower()] > 1:
            name = f"{_file_name(source.path.resolve().parent.name)}_{name}"
        number, base = 2, name
        while name.lower() in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name.lower())
        names[i] = name
    return [replace(source, name=name) for source, name in zip(sources, names, strict=True)]


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name).strip("._-") or "map"
