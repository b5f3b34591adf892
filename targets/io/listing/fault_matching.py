"""Matching of fault files to grids: by name, and by content where a name could mean either.

A file is called a fault file if a word for faults is in its name (faults, flt, разломы, ...), or if it begins with a
grid's name and is called polygons, or has a column that is called a fault. It belongs to the grid whose name it begins
with, or else, if it has a word for faults, to every grid of the folder that has no fault file of its own. What such a
file holds decides whether it is used: a grid, a picture or a letter is not. Of several files of one name and different
suffixes one is used.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from targets.errors import UserError
from targets.io.faults.fault_format import HEAD_SIZE, head_text
from targets.io.faults.registry import FORMATS as FAULT_FORMATS
from targets.io.grids.points.columns import find_columns
from targets.io.grids.points.evidence import looks_like_grid
from targets.io.grids.registry import detect_format, is_grid_file
from targets.io.text_tables.dialect import sniff_dialect
from targets.io.text_tables.encoding import decode_head, detect_encoding
from targets.io.text_tables.layout import find_layout

# English, Russian, German, French, Spanish, Portuguese and Norwegian; "default" and "faulted" are other words.
FOREIGN_SUFFIXES = (".kml", ".dxf", ".gml", ".mif")  # texts with coordinates that a GIS reads
FAULT_WORD = re.compile(
    r"(?<!de)faults?(?!ed)|(?<![^\W\d_])flts?(?![^\W\d_])|fltpoly|разлом|сброс|нарушени|дизъюнктив|verwerfung|"
    r"st(ö|oe)rung|faille|(?<![^\W\d_])fallas?(?![^\W\d_])|falha|forkastning", re.IGNORECASE)  # fmt: skip
POLYGON_WORD = re.compile(r"(?<![^\W\d_])(pol|poly|polys|polygons?|sticks?)(?![^\W\d_])", re.IGNORECASE)
STICK_HEADING = re.compile(r"(?:fault_?)?sticks?(?:_?(?:id|no|nr|num|number|index))?", re.IGNORECASE)
OTHER_WORD = re.compile(
    r"outline|boundar|border|limit|licen[cs]e|lease|block|well|contour|contact|owc|goc|gwc|closure|trap|prospect|"
    r"lead|channel|coast|скважин|контур|границ|ловушк|лиценз", re.IGNORECASE)  # fmt: skip
# Never fault lines, whatever their names: pictures, papers, and what lies beside shapefiles and grids.
OTHER_SUFFIXES = frozenset(
    [
        ".png",
        ".jpg",
        ".jpeg",
        ".bmp",
        ".gif",
        ".svg",
        ".webp",
        ".pdf",
        ".doc",
        ".docx",
        ".odt",
        ".md",
        ".html",
        ".htm",
        ".py",
        ".yaml",
        ".yml",
        ".xml",
        ".log",
        ".prj",
        ".dbf",
        ".shx",
        ".cpg",
        ".qix",
        ".sbn",
        ".sbx",
        ".qpj",
        ".qmd",
        ".qml",
        ".qgz",
        ".qgs",
        ".lyr",
        ".sld",
        ".pgw",
        ".tfw",
        ".jgw",
        ".wld",
        ".ovr",
        ".gpkg-wal",
        ".gpkg-shm",
        ".part",
    ]
)
FIRST_SUFFIXES = (".gpkg", ".shp", ".geojson", ".json", ".csv")  # of one file in several formats: names are kept here
GRID_SUFFIXES = frozenset((".gri", ".npz", ".tif", ".tiff", ".gxf"))  # that no fault file has
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".dat", ".prn")
FIRST_BYTES = 1024  # that hold the headings of a table
FEWEST_NODES = 16  # of a table of points that is called faults and is a grid nevertheless


@dataclass(frozen=True)
class FaultMatch:
    """The fault files of one grid.

    Attributes
    ----------
    files : tuple[Path, ...]
        Those that are used, by name.
    notes : tuple[str, ...]
        Files that look like fault files and are not used, one sentence each.
    """

    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class _Folder:
    """What is known of one folder.

    Attributes
    ----------
    by_stem : dict[str, list[Path]]
        {name before the first point, in lower case: files}.
    named : list[Path]
        Files that are called fault files, or polygons.
    of_stem : dict[str, list[Path]], optional
        {name of a grid, in lower case: the files of `named` that begin with it}.
    common : list[Path], optional
        Those of `named` that begin with no grid's name.
    """

    by_stem: dict[str, list[Path]]
    named: list[Path]
    of_stem: dict[str, list[Path]] = field(default_factory=dict)
    common: list[Path] = field(default_factory=list)


class FaultMatcher:
    """Finds the fault files of grids; every folder is listed once.

    Parameters
    ----------
    fault_file : Path | None, default None
        The one file that all grids get; a path of the name ``none``: no grid gets any.

    Raises
    ------
    UserError
        `fault_file` does not exist.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("top.gri", "base.gri", "TOP_Faults.csv"):
    ...         _ = Path(folder, name).write_text("x,y,id\\n0,0,1\\n9,9,1\\n" if "csv" in name else "")
    ...     matcher = FaultMatcher()
    ...     [[file.name for file in matcher.match(Path(folder, name)).files] for name in ("top.gri", "base.gri")]
    [['TOP_Faults.csv'], []]
    """

    def __init__(self, fault_file: Path | None = None) -> None:
        self._given: FaultMatch | None = None
        if fault_file is not None:
            is_none = str(fault_file).casefold() == "none"
            if not is_none and not Path(fault_file).is_file():
                raise UserError("--fault_file", f"{fault_file}: no such file", "a file of faults, or none")
            self._given = FaultMatch(() if is_none else (Path(fault_file),))
        self._folders: dict[Path, _Folder] = {}
        self._verdicts: dict[Path, str | None] = {}

    def match(self, grid: Path) -> FaultMatch:
        """Find the fault files of a grid.

        Parameters
        ----------
        grid : Path
            The grid's file.

        Returns
        -------
        match : FaultMatch
        """
        if self._given is not None:
            return self._given
        folder = self._folder(grid.parent)
        own = [file for file in folder.of_stem.get(_stem(grid), []) if file.name != grid.name]
        found = self._choose(own)
        if not found.files:
            common = self._choose([file for file in folder.common if file.name != grid.name])
            found = FaultMatch(common.files, (*found.notes, *common.notes))
        return found

    def is_fault_file(self, path: Path) -> bool:
        """Whether a file of a folder holds fault lines by its name and content, so that it is no map of its own."""
        return _has_fault_word(path) and _may_be(path) and self._verdict(path) is None

    def _folder(self, path: Path) -> _Folder:
        """List a folder, and give each fault file to the grid whose name it begins with."""
        if path in self._folders:
            return self._folders[path]
        files = [file for file in sorted(path.iterdir(), key=_name) if not file.name.startswith(".")]
        by_stem: dict[str, list[Path]] = {}
        for file in files:
            by_stem.setdefault(_stem(file), []).append(file)
        folder = _Folder(by_stem, [file for file in files if _may_be(file) and _is_named(file)])
        for file in folder.named:
            grid = self._grid_stem(file, folder)
            if grid is not None:
                folder.of_stem.setdefault(grid, []).append(file)
            elif _has_fault_word(file):
                folder.common.append(file)
        self._folders[path] = folder
        return folder

    def _grid_stem(self, file: Path, folder: _Folder) -> str | None:
        """The longest name of a grid that a file's name begins with, at a word's end: top1 is not that of top10."""
        stem = _name(file).lower().rpartition(".")[0] or _name(file).lower()
        ends = [match.start() for match in re.finditer(r"(?<=[^\W_])(?=[\W_]|\Z)", stem)]
        for end in reversed(ends):
            others = [other for other in folder.by_stem.get(stem[:end], []) if other != file]
            if any(self._is_grid(other) for other in others):
                return stem[:end]
        return None

    def _is_grid(self, path: Path) -> bool:
        return path.is_file() and not self.is_fault_file(path) and is_grid_file(path)

    def _choose(self, files: Sequence[Path]) -> FaultMatch:
        """The files that are used, one of each name, and why others are not."""
        chosen: dict[str, Path] = {}
        notes = []
        for file in sorted(files, key=_preference):
            if (reason := self._verdict(file)) is not None:
                if reason:
                    notes.append(f"{file.name} is not used as faults: {reason}")
            elif (taken := chosen.setdefault(file.stem.lower(), file)) != file:
                notes.append(f"{file.name} is not used as faults: {taken.name} has the same name; --fault_file chooses")
        return FaultMatch(tuple(sorted(chosen.values())), tuple(notes))

    def _verdict(self, path: Path) -> str | None:
        """Why a file that is called one is no fault file; "" goes without saying, None: it is one."""
        if path not in self._verdicts:
            self._verdicts[path] = _why_no_fault_file(path)
        return self._verdicts[path]


def _name(path: Path) -> str:
    """A file's name in composed letters: macOS may take й apart, and the grid's name came from elsewhere."""
    return unicodedata.normalize("NFC", path.name)


def _stem(path: Path) -> str:
    return _name(path).split(".")[0].lower()


def _preference(path: Path) -> tuple[int, str]:
    suffix = path.suffix.lower()
    return (FIRST_SUFFIXES.index(suffix) if suffix in FIRST_SUFFIXES else len(FIRST_SUFFIXES)), path.name


def _may_be(path: Path) -> bool:
    return path.suffix.lower() not in OTHER_SUFFIXES and not path.name.lower().endswith(".aux.xml")


def _is_named(path: Path) -> bool:
    """Whether a name speaks of faults, or of polygons that can only be faults."""
    return (
        _has_fault_word(path)
        or path.suffix.lower() == ".pol"
        or POLYGON_WORD.search(path.stem) is not None
        or (path.suffix.lower() in TABLE_SUFFIXES and _has_fault_heading(path))
    )


def _has_fault_heading(path: Path) -> bool:
    """Whether a column of a table is called a fault."""
    if not path.is_file():  # a pipe would be waited for
        return False
    try:
        with path.open("rb") as file:
            line = head_text(file.read(FIRST_BYTES))
    except OSError:
        return False
    return any(FAULT_WORD.fullmatch(word.strip(" \"'")) for word in re.split(r"[\s,;|]+", line))


def _has_fault_word(path: Path) -> bool:
    return FAULT_WORD.search(path.name.removesuffix(".flt")) is not None  # the suffix of grids of floats


def _why_no_fault_file(path: Path) -> str | None:
    if not path.is_file():
        return ""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_SIZE)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    if _holds_grid(path, head):
        return ""
    if not _has_fault_word(path) and OTHER_WORD.search(path.stem):
        return "its name speaks of something else; --fault_file uses it"
    if any(fmt.recognise(head) for fmt in FAULT_FORMATS if not fmt.catch_all):
        return None
    encoding = detect_encoding(head)
    if encoding is None:
        return "it is no text and no vector file (GeoJSON, Shapefile, GeoPackage)"
    if path.stat().st_size == 0:
        return "it is empty"
    if path.suffix.lower() in FOREIGN_SUFFIXES:
        return f"{path.suffix[1:].upper()} files are not read: save it as GeoJSON or GeoPackage in a GIS"
    return None if sniff_dialect(decode_head(head, encoding).splitlines(), 2) else "it holds no coordinates"


def _holds_grid(path: Path, head: bytes) -> bool:
    """Whether a file is a grid although it is called faults."""
    try:
        fmt = detect_format(path)
    except UserError:
        return is_grid_file(path)
    if fmt is not None and not fmt.catch_all:
        return True
    if any(lines.recognise(head) for lines in FAULT_FORMATS if not lines.catch_all):
        return False  # picks at equal steps, of Charisma for one
    layout = find_layout(head, len(head) < HEAD_SIZE)
    if layout is None or layout.parts_lines or len(layout.sample) < FEWEST_NODES:
        return fmt is None and path.suffix.lower() in GRID_SUFFIXES and is_grid_file(path)
    try:
        columns = find_columns(layout, [layout.sample])
    except UserError:
        return False
    if _has_stick_heading(head) or (layout.text_columns and _has_fault_heading(path)):
        return False  # picks at equal steps on each stick of a straight fault
    return looks_like_grid([layout.sample], columns.x, columns.y)


def _has_stick_heading(head: bytes) -> bool:
    return any(
        STICK_HEADING.fullmatch(word.strip(" \"'")) for word in re.split(r"[\s,;|]+", head_text(head[:FIRST_BYTES]))
    )
