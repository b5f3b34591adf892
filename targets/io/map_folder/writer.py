"""Writer of map folders."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.common.atomic_write import atomic_write
from targets.errors import UserError
from targets.io.images import write_picture
from targets.io.map_folder.depth_files import encode_depth
from targets.io.map_folder.layout import Layout, find_map_files
from targets.io.map_folder.polarity import note_high_end
from targets.io.map_folder.sidecar import Sidecar, check_not_mirrored, write_sidecar
from targets.scene import GeoReference, Scene


def write_map_folder(
    scene: Scene,
    folder: str | Path,
    margin: int = 0,
    depth_bits: int = 16,
    layout: Layout = Layout(),  # noqa: B008 (frozen)
) -> None:
    """Write a map as a folder that `targets.io.map_folder.reader.read_map_folder` reads back.

    Masks and a 32-bit depth come back exactly, a PNG depth to half a grey level, and cells that are not measured are
    filled again. If the map reaches none of the picture's edges, the empty border is cropped on reading; every cell
    keeps its place on earth.

    Parameters
    ----------
    scene : Scene
        The map.
    folder : str | Path
        Is made; a map of the same layout in it is replaced.
    margin : int, default 0
        White cells put around the picture (the other files have none).
    depth_bits : int, default 16
        8 or 16 for ``depth_norm.png``, 32 for ``depth.npy``.
    layout : Layout, default Layout()
        The names of the files.

    Raises
    ------
    UserError
        The folder cannot be written, holds files of the layout that this map would not replace, or the map is mirrored
        (``dx < 0`` or ``dy > 0``).

    Examples
    --------
    >>> import tempfile
    >>> from targets.io.map_folder.reader import read_map_folder
    >>> depth, inside = np.array([[1500.0, 1510.0]], np.float32), np.ones((1, 2), bool)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_map_folder(Scene("map", depth, inside, inside, ~inside), folder, depth_bits=32)
    ...     read_map_folder(folder).depth.tolist()
    [[1500.0, 1510.0]]
    """
    folder = Path(folder)
    check_not_mirrored(folder, scene.geo)
    files, geo = _encode_files(scene, margin, depth_bits)
    names = {kind: getattr(layout, kind) for kind in files}
    present = find_map_files(folder, layout) if folder.is_dir() else {}
    stale = [path.name for kind, path in present.items() if kind not in (*files, "map")]
    if stale:
        raise UserError(folder, f"holds {', '.join(sorted(stale))} of another map", "a folder without them",
                        "delete them or choose another folder")  # fmt: skip
    for kind, pixels in files.items():
        if kind == "depth":
            with atomic_write(folder / f"{names[kind]}.npy") as temporary:
                np.save(temporary, pixels)
        else:
            note = note_high_end(scene) if kind == "rgb" else ""
            write_picture(pixels, folder / f"{names[kind]}.png", note)
    interpreter = scene.provenance.interpreter if scene.provenance is not None and scene.traps is not None else ""
    write_sidecar(Sidecar(geo, scene.group, interpreter=interpreter), folder / f"{layout.map}.yaml")


def _encode_files(scene: Scene, margin: int, depth_bits: int) -> tuple[dict[str, NDArray], GeoReference]:
    """The arrays to write by kind, and the location whose depth range says what black and white mean."""
    files: dict[str, NDArray] = {"fault_mask": ~scene.fault, "map_mask": scene.map_valid}
    geo = scene.geo
    if scene.rgb is not None:
        files["rgb"] = np.pad(scene.rgb, ((margin, margin), (margin, margin), (0, 0)), constant_values=255)
    if scene.traps is not None:
        files["traps"] = ~scene.traps
    if scene.depth_valid.any():
        files["depth_mask"] = scene.depth_valid
        if depth_bits == 32 and scene.true_depth is None:
            return files | {"depth": scene.depth}, geo
        if depth_bits not in (8, 16, 32):
            raise ValueError(f"depth_bits is {depth_bits}; known: 8, 16, 32")
        low, high = scene.relief
        if scene.true_depth is not None:
            true_low, true_high = scene.replace(depth=scene.true_depth).relief
            low, high = min(low, true_low), max(high, true_high)
        if geo.depth_range and geo.depth_range[0] <= low and high <= geo.depth_range[1]:
            low, high = geo.depth_range
        elif geo.depth_unit is None and low >= 0 and high <= 1:
            low, high = 0.0, 1.0  # normalised already
        else:
            geo = replace(geo, depth_range=(low, high))
        if scene.true_depth is not None:
            files["depth_clean"] = encode_depth(scene.true_depth, low, high, 16)
        if depth_bits == 32:
            files["depth"] = scene.depth
        else:
            files["depth_norm"] = encode_depth(scene.depth, low, high, depth_bits)
    return files, geo
