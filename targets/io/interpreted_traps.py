"""How are traps that a person drew or corrected kept with their map, so that it reads back exactly these?"""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from targets.common.atomic_write import atomic_write
from targets.errors import UserError
from targets.io.catalogue import MapSource, ReadOptions, read_map
from targets.io.images import write_picture
from targets.io.map_folder.layout import flat_sibling
from targets.scene import Bool


def interpreted_traps_file(source: MapSource, options: ReadOptions) -> Path:
    """The picture that holds a map's drawn traps, whether it is there or not.

    Raises
    ------
    UserError
        Maps of this kind keep no drawn traps.
    """
    if "traps" in source.files:
        return source.files["traps"]
    if source.kind == "folder":
        return source.path / f"{options.layout.traps}.png"
    if source.kind == "flat":
        return flat_sibling(source.path, "traps", options.layout)
    raise UserError(
        source.path,
        f"a {source.kind} keeps no drawn traps",
        "a map folder or a set of flat files",
        "draw grids as map folders: tools/make_maps.py --grids; put a picture into a folder of its own as rgb.png",
    )


def save_interpreted_traps(source: MapSource, traps: Bool, options: ReadOptions) -> Path:
    """Write the traps of a map, black on white; the file is replaced only if the map then reads back exactly these.

    The traps that were there before the first correction are kept beside it as NAME.png.bak.

    Parameters
    ----------
    traps : (H, W) bool
        Of the map's own shape.

    Raises
    ------
    UserError
        The map keeps no drawn traps, has another shape, or would be refused with these traps.
    """
    path = interpreted_traps_file(source, options)
    with atomic_write(path) as temporary:
        write_picture(~traps, temporary)
        scene = read_map(replace(source, files=source.files | {"traps": temporary}), options.fill, options.elevation)
        if scene.traps is None or not np.array_equal(scene.traps, traps):
            raise UserError(path, f"traps of {traps.shape[1]} x {traps.shape[0]} cells do not read back as drawn",
                            f"{scene.shape[1]} x {scene.shape[0]} cells", "open the map again")  # fmt: skip
        backup = path.with_name(f"{path.name}.bak")
        if path.exists() and not backup.exists():
            with atomic_write(backup) as copy:
                shutil.copyfile(path, copy)
    return path
