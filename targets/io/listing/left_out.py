"""Files of a folder that look like surfaces but are not read, each with the reason."""

from collections.abc import Collection, Iterable
from itertools import islice
from pathlib import Path

from targets.common.files.input_files import is_file, is_folder, visible_entries, walk_folders
from targets.errors import UserError
from targets.io.grids.registry import detect_format, is_grid_file, require_format
from targets.io.grids.unknown_files import SIZE, table_rows
from targets.io.images import is_picture_file
from targets.io.map_folder.layout import Layout, find_map_files
from targets.io.map_folder.results import is_result_folder
from targets.io.text_tables.encoding import decode_text

# Suffixes of surfaces, whatever program wrote them, and of other things that lie beside maps.
SURFACES = """
    adf asc bil cps cps3 dem earthvisiongrid ers fgr flt grd gri gxf hgt ijxyz irap irapascii irapbin nc npy npz
    rmsascii rmsbinary roxar segy sgy storm tif tiff vrt xyz zip zmap zmp
"""
OTHERS = """
    aux bak cfg ckpt cpg ctl css db dbf doc docx geojson gpkg gpx htm html ini ipynb j2 js json jsonl kml log md mxd
    onnx ovr pdf pol ppt pptx prj py pyc qgs qgz qix qml qpj rst safetensors sbn sbx sh shp shx sld svg tfw tmp toml wld
    xml yaml yml
"""
SURFACE_SUFFIXES, OTHER_SUFFIXES = ({f".{word}" for word in words.split()} for words in (SURFACES, OTHERS))
RESULTS = ("closures", "contact_sheet", "depths", "metrics", "relative_std", "submission", "train")  # of our tools
MIN_ROWS = 3  # of numbers in a table of points
MIN_COLUMNS = 3
MAX_FILES = 500  # that are looked at in folders that are not read
MAX_NAMES = 3


def left_out_files(folder: Path, used: Collection[Path], layout: Layout, reads_pictures: bool) -> list[UserError]:
    """Say which files of a folder look like surfaces and are not read.

    Parameters
    ----------
    folder : Path
        The folder, which holds maps.
    used : Collection[Path]
        Its files and folders that are read, fault files included.
    layout : Layout
        Names of the files of a map.
    reads_pictures : bool
        Whether its pictures are read.

    Returns
    -------
    left_out : list[UserError]
        One for each file, one for all pictures together, and one for each folder in it that holds maps.
    """
    entries = [path for path in visible_entries(folder) if path not in used]
    files = [path for path in entries if is_file(path)]
    pictures = [path for path in files if is_picture_file(path)]
    found = [error for path in files if path not in pictures and (error := _reason(path)) is not None]
    shown = [path for path in pictures if path.stem not in RESULTS]
    if shown and not reads_pictures:
        names = ", ".join(path.name for path in shown[:MAX_NAMES]) + (", …" if len(shown) > MAX_NAMES else "")
        count = "a picture is" if len(shown) == 1 else f"{len(shown)} pictures are"
        found.append(UserError(folder, f"{count} not read beside grids ({names})", hint="name a picture to read it"))
    return found + [
        UserError(path, "holds maps, but is not looked into: the folder above holds maps", hint="name it to read them")
        for path in entries
        if is_folder(path) and holds_maps(path, layout)
    ]


def holds_maps(folder: Path, layout: Layout) -> bool:
    """Whether a map or a grid is among the first files of a folder and the folders in it; results are none."""
    for place in islice(walk_folders(folder), MAX_FILES):
        if is_result_folder(place):
            continue
        try:
            if find_map_files(place, layout):
                return True
        except UserError:  # two files of one kind
            return True
        if any(detect_or_none(path) for path in islice(filter(is_file, _entries(place)), MAX_FILES)):
            return True
    return False


def detect_or_none(path: Path) -> bool:
    """Whether a file is a grid of a known format; not if it cannot be read."""
    try:
        return path.suffix.lower() not in OTHER_SUFFIXES and detect_format(path) is not None
    except UserError:
        return False


def _entries(folder: Path) -> Iterable[Path]:
    try:
        return visible_entries(folder)
    except UserError:
        return []


def _reason(path: Path) -> UserError | None:
    """Why a file is not read; None if it looks like no surface."""
    suffix = path.suffix.lower()
    if suffix in OTHER_SUFFIXES or path.stem.lower() in RESULTS:
        return None
    if suffix not in SURFACE_SUFFIXES and not _is_table(path):
        return None
    if is_grid_file(path):  # it belongs to something else
        return None
    try:
        fmt = require_format(path)
    except UserError as error:
        return error
    return UserError(path, f"a file of the format {fmt.name} without a surface in it", "a grid of depths")


def _is_table(path: Path) -> bool:
    """Whether a file is text with rows of three numbers and more."""
    try:
        with path.open("rb") as file:
            text = decode_text(file.read(SIZE))
    except OSError:
        return False
    rows = table_rows(text) if text else []
    return sum(len(row) >= MIN_COLUMNS for row in rows) >= MIN_ROWS
