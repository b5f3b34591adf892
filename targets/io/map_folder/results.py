"""The file that marks a folder as results: what made them, from which map, and where its first cell lies."""

from pathlib import Path

import yaml

from targets.common.atomic_write import atomic_write
from targets.common.settings_files import read_yaml
from targets.errors import UserError
from targets.scene import Scene

RESULT_FILE = "made_from.yaml"


def is_result_folder(folder: Path) -> bool:
    """Whether a folder holds results of a tool, which are never read as maps."""
    return (folder / RESULT_FILE).is_file()


def write_result_file(scene: Scene, tool: str, folder: Path) -> None:
    """Mark a folder as the results of a tool.

    Parameters
    ----------
    scene : Scene
        The map that they were made from.
    tool : str
        Such as predict.
    folder : Path
        The folder; it is made.

    Raises
    ------
    UserError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> inside = np.ones((2, 2), bool)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scene = Scene("top", np.zeros((2, 2), np.float32), inside, inside, ~inside)
    ...     write_result_file(scene, "predict", Path(folder))
    ...     is_result_folder(Path(folder))
    True
    """
    known, geo = scene.provenance, scene.geo
    content: dict[str, object] = {"made_by": tool, "map": scene.name}
    if known is not None:
        content |= {"file": known.file, "path": known.path, "format": known.format}
        content |= {"notes": list(known.notes)} if known.notes else {}
    content |= {"rows": scene.shape[0], "columns": scene.shape[1]}
    if geo.located:
        content["coordinates"] = f"map coordinates{f' of {geo.crs}' if geo.crs else ''}"
    else:
        content["coordinates"] = "x = column, y = row of the picture as it is on disk, 0 at its first pixel's centre"
        content |= {"first_row": geo.first_row, "first_column": geo.first_col}
    write_mark(content, folder)


def write_mark(content: dict[str, object], folder: Path) -> None:
    """Write the file that marks a folder as results; content : what made them, from which map, in a few words."""
    with atomic_write(folder / RESULT_FILE) as temporary:
        temporary.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), "utf-8")


def check_results_lie_apart(path: Path, inputs: tuple[Path, ...], folder: Path, tool: str) -> None:
    """Refuse a folder for results in which the map's own files lie, or results of another tool or another map.

    Parameters
    ----------
    path : Path
        The map's file or folder.
    inputs : tuple[Path, ...]
        All files that it is read from.
    folder : Path
        Where its results would be written.
    tool : str
        The tool whose results they are; files of two tools have the same names.

    Raises
    ------
    UserError
        One of the files lies in it, or another tool wrote there, or this one for a map of the same name.
    """
    place = folder.resolve()
    for file in inputs:
        if file.resolve().is_relative_to(place):
            raise UserError("--out", f"{folder} is the folder of the map itself ({file.name} lies in it)",
                            "a folder without maps: results must never be read as maps",
                            "choose another --out")  # fmt: skip
    if is_result_folder(folder):
        known = read_yaml(folder / RESULT_FILE)
        known = known if isinstance(known, dict) else {}
        before, other = str(known.get("made_by", "")), str(known.get("path", ""))
        if before and before.split()[0] != tool.split()[0]:
            raise UserError("--out", f"{folder} holds results of the tool {before}",
                            f"a folder without them, or with results of {tool}: files of both have the same names",
                            "choose another --out")  # fmt: skip
        if other and other != str(path.resolve()):
            raise UserError("--out", f"{folder} holds results of another map of this name, {other}",
                            f"a folder without them, or with results of {path.resolve()}",
                            f"choose another --out; if the map was moved, remove {folder}")  # fmt: skip
