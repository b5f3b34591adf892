"""Which maps do these paths hold? Lists map folders, flat sets of files, pictures and grids, and reads them."""

import re
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from targets.errors import UserError
from targets.io.grids.registry import format_of, read_grid
from targets.io.map_folder import PICTURES, Layout, find_files, find_flat, flat_group, read_files
from targets.io.tgs_salt import find_images, read_image
from targets.scene import Scene
from targets.surface.fill import Fill

FAULT_SUFFIXES = (".csv", ".pol", ".zmap")
GRID_SUFFIXES = (".gri", ".irap", ".tif", ".tiff", ".gxf", ".cps3")  # of nothing but grids


@dataclass(frozen=True)
class Reading:
    """How the files of maps are to be understood.

    Attributes
    ----------
    fill : Fill, default 'inpaint'
        How holes in a depth are filled, inpaint or griddata.
    elevation : bool, default False
        Grids hold elevations, positive up.
    layout : Layout
        Names of the files of a map, and the pattern of flat names.
    """

    fill: Fill = "inpaint"
    elevation: bool = False
    layout: Layout = field(default_factory=Layout)


@dataclass(frozen=True)
class MapSource:
    """One map that can be read.

    Attributes
    ----------
    name : str
        Unique in its list, letters, digits, ``_``, ``-`` and ``.`` only: it can name a file.
    kind : Literal['folder', 'flat', 'picture', 'grid', 'tgs']
        "folder", "flat" (files of one name pattern), "picture" (a coloured map alone), "grid" or "tgs" (a seismic
        image).
    files : dict[str, Path]
        The files by kind as in `folder.Layout`; of a grid {"grid": path}; of an image as in `tgs.ImageFiles`.
    faults : tuple[Path, ...], default ()
        Files of fault lines that belong to a grid.
    group : str, default ''
        The larger map that a flat file's name tells, or "".
    row : dict[str, str]
        What tables tell of a seismic image.
    """

    name: str
    kind: Literal["folder", "flat", "picture", "grid", "tgs"]
    files: dict[str, Path] = field(hash=False)
    faults: tuple[Path, ...] = ()
    group: str = ""
    row: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def path(self) -> Path:
        """The folder or file that a person would call the map."""
        first = next(iter(self.files.values()))
        return first.parent if self.kind == "folder" else first

    @property
    def input_files(self) -> tuple[Path, ...]:
        """All files that the map is read from, fault files included."""
        return (*self.files.values(), *self.faults)


def list_maps(paths: Iterable[str | Path], layout: Layout = Layout()) -> list[MapSource]:  # noqa: B008 (frozen)
    """Find all maps that files and folders hold, in the order given, those of a folder by name.

    A file is a picture alone (PNG, JPEG) or a grid. A folder is one map if it holds files with the names of `layout`;
    else its flat sets of files, its grids and its subfolders that are maps are listed. Only when there is none of
    these, its pictures are, and after them whatever its other subfolders hold. A set of seismic images in the layout
    of `tgs` gives its images instead. What is named as a grid but damaged is listed too: `read_map` says what is wrong
    with it, and the other maps of the folder are not held up.

    The faults of a grid lie beside it, in ``.csv``, ``.pol`` or ``.zmap`` files: those whose name starts with the
    grid's; if there are none, those with "fault" in their name that do not start with another grid's name.

    Raises
    ------
    UserError
        A path does not exist or holds no map.
    """
    found: dict[Path, MapSource] = {}
    for path in map(Path, paths):
        sources = _in_folder(path, layout) if path.is_dir() else [_of_file(path)]
        if not sources:
            raise UserError(path, "holds no map", "a map folder, a set of flat files, a picture or a grid",
                            f"a map folder holds {layout.rgb}.png, {layout.fault_mask}.png and so on")  # fmt: skip
        for source in sources:
            found.setdefault(_key(source), source)
    return _with_unique_names(list(found.values()))


def read_map(source: MapSource, fill: Fill = "inpaint", elevation: bool = False) -> Scene:
    """Read one map of a list.

    Parameters
    ----------
    source : MapSource
        From `list_maps`.
    fill : Fill, default 'inpaint'
        How holes in the depth are filled, see `holes.fill_holes`.
    elevation : bool, default False
        Grids hold elevations, positive up; never guessed. (Map folders say ``polarity: inverted``.).

    Raises
    ------
    UserError
        A file is missing, damaged or contradicts the others.
    """
    if source.kind == "tgs":
        return read_image(source.name, source.files, source.row)
    if source.kind != "grid":
        return read_files(source.name, source.files, fill, source.group)
    scene = read_grid(source.files["grid"], source.faults, fill, elevation)
    return scene.with_(name=source.name, group=source.name if scene.group == scene.name else scene.group)


def _of_file(path: Path) -> MapSource:
    if path.suffix.lower() in PICTURES:
        if not path.exists():
            raise UserError(path, "no such file", mend="check the path")
        return MapSource(path.stem, "picture", {"rgb": path})
    format_of(path, strict=True)
    return _grid(path, [])


def _grid(path: Path, others: list[Path]) -> MapSource:
    """A grid with the fault files beside it; `others` are the grids of the same folder."""
    near = [file for file in sorted(path.parent.iterdir())
            if file.suffix.lower() in FAULT_SUFFIXES and file != path and file not in others]  # fmt: skip
    own = [file for file in near if _starts(file, path)]
    if not own:
        grids = others or [file for file in path.parent.iterdir() if file.is_file() and format_of(file)]
        own = [file for file in near if "fault" in file.stem.lower() and not any(_starts(file, grid) for grid in grids)]
    return MapSource(path.stem, "grid", {"grid": path}, tuple(own))


def _starts(file: Path, grid: Path) -> bool:
    """Whether a file's name starts with a grid's, at a word's end: top1 is not the start of top10_faults."""
    return re.match(re.escape(_stem(grid)) + r"(?![A-Za-z0-9])", file.name, re.IGNORECASE) is not None


def _stem(path: Path) -> str:
    return path.name.split(".")[0]


def _in_folder(folder: Path, layout: Layout) -> list[MapSource]:
    if files := find_files(folder, layout):
        return [MapSource(folder.resolve().name, "folder", files)]
    if images := find_images(folder):
        return [MapSource(image.id, "tgs", image.files, row=image.row) for image in images]
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    found = [
        MapSource(name, "flat", files, group=flat_group(next(iter(files.values())), layout))
        for name, files in find_flat(folder, layout).items()
    ]
    grids = [
        path for path in entries if path.is_file() and path.suffix.lower() not in PICTURES and _meant_as_grid(path)
    ]
    found += [_grid(path, grids) for path in grids]
    folders = [path for path in entries if path.is_dir()]
    maps = {path: files for path in folders if (files := find_files(path, layout))}
    found += [MapSource(path.name, "folder", files) for path, files in maps.items()]
    if found:
        return found
    found = [_of_file(path) for path in entries if path.is_file() and path.suffix.lower() in PICTURES]
    return found + [source for path in folders for source in _in_folder(path, layout)]


def _meant_as_grid(path: Path) -> bool:
    """Whether a file is a grid, or one that was damaged: cut off, empty, or overwritten."""
    try:
        known = format_of(path) is not None
    except UserError:
        return True
    suffix = path.suffix.lower()
    return known or suffix in GRID_SUFFIXES or (suffix == ".npz" and not zipfile.is_zipfile(path))


def _key(source: MapSource) -> Path:
    """What tells that two paths lead to the same map."""
    return source.path.resolve()


def _with_unique_names(sources: list[MapSource]) -> list[MapSource]:
    """Names that can be file names, on systems that ignore case too; namesakes get their folder's name in front."""
    names = [_safe(source.name) for source in sources]
    counts = Counter(name.lower() for name in names)
    taken: set[str] = set()
    for i, source in enumerate(sources):
        name = names[i]
        if counts[name.lower()] > 1:
            name = f"{_safe(source.path.resolve().parent.name)}_{name}"
        number, base = 2, name
        while name.lower() in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name.lower())
        names[i] = name
    return [replace(source, name=name) for source, name in zip(sources, names, strict=True)]


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name).strip("._-") or "map"
