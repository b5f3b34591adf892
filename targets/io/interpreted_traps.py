"""Interpreted traps of a map: written beside it, and kept only if the map reads back exactly these."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from targets.common.atomic_write import atomic_write
from targets.errors import UserError
from targets.io.catalogue import MapSource, read_map
from targets.io.images import write_picture
from targets.io.map_folder.flat_set import SET_SIDECAR, name_sibling
from targets.io.read_options import ReadOptions
from targets.scene import Bool

LOSSLESS = (".png", ".bmp", ".gif")


def interpreted_traps_file(source: MapSource, options: ReadOptions) -> Path:
    """The picture of a map's interpreted traps, whether it is there or not.

    Parameters
    ----------
    source : MapSource
        The map.
    options : ReadOptions
        The layout of its files.

    Returns
    -------
    path : Path
        A PNG.

    Raises
    ------
    UserError
        Maps of this kind keep no interpreted traps: grids, pictures alone and seismic images; or the traps of the map
        lie in a file of another format.
    """
    if "traps" in source.files:
        path = source.files["traps"]
        if path.suffix.lower() not in LOSSLESS:
            raise UserError(path, "traps in this format are not replaced", f"one of {', '.join(LOSSLESS)}",
                            "save it as PNG, and remove the other")  # fmt: skip
        return path
    if source.kind == "folder":
        return source.path / f"{options.layout.traps}.png"
    if source.conventions is not None:
        own = next(file for kind, file in source.files.items() if kind not in ("map", SET_SIDECAR))
        return name_sibling(own, source.conventions.folder, "traps", options.layout)
    raise UserError(
        source.path,
        f"a {source.kind} keeps no interpreted traps",
        "a map folder or a set of flat files",
        "draw grids as map folders: tools/make_maps.py --grids; put a picture into a folder of its own as rgb.png",
    )


def save_interpreted_traps(source: MapSource, traps: Bool, options: ReadOptions) -> Path:
    """Write the traps of a map; the file is replaced only if the map then reads back exactly these.

    They are black on white, or in a flat set as its other masks of traps are.

    The traps that were there before the first correction are kept beside it as ``NAME.png.bak``.

    Parameters
    ----------
    source : MapSource
        The map.
    traps : (H, W) bool
        The cells of its traps, of the map's own shape.
    options : ReadOptions
        How the map is read.

    Returns
    -------
    path : Path
        The file.

    Raises
    ------
    UserError
        The map keeps no interpreted traps, has another shape, or would be refused with these traps.
    """
    path = interpreted_traps_file(source, options)
    with atomic_write(path) as temporary:
        is_white = source.conventions is not None and "traps" in source.conventions.white_masks
        write_picture(traps if is_white else ~traps, temporary)
        scene = read_map(replace(source, files=source.files | {"traps": temporary}), options)
        if scene.traps is None or not np.array_equal(scene.traps, traps):
            raise UserError(path, f"traps of {traps.shape[1]} x {traps.shape[0]} cells do not read back as drawn",
                            f"{scene.shape[1]} x {scene.shape[0]} cells", "open the map again")  # fmt: skip
        backup = path.with_name(f"{path.name}.bak")
        if path.exists() and not backup.exists():
            with atomic_write(backup) as copy:
                shutil.copyfile(path, copy)
    return path
