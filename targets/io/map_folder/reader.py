"""Reader of maps that lie on disk as pictures: map folders, flat sets of files, pictures alone."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.images import read_mask, read_rgb
from targets.io.map_folder.depth_files import read_depth, read_true_depth, to_depth_units
from targets.io.map_folder.framing import crop_to_frame
from targets.io.map_folder.layout import find_map_files, folder_of
from targets.io.map_folder.masks import check_fault_and_trap_masks, derive_inside, derive_measured
from targets.io.map_folder.polarity import check_depth_polarity
from targets.io.map_folder.sidecar import Sidecar, read_sidecar
from targets.io.read_options import DEFAULT_READING, ReadOptions, complete_location
from targets.scene import GeoReference, Provenance, Scene
from targets.surface.fill import fill_holes

MASKS = ("fault_mask", "depth_mask", "map_mask", "traps")
MAX_CONTOURS = 10_000  # of a map; the finest of charts have some hundreds


def read_map_folder(folder: str | Path, reading: ReadOptions = DEFAULT_READING) -> Scene:
    """Read a map folder; the map takes the folder's name.

    Parameters
    ----------
    folder : str | Path
        Holds the files listed in `targets.io.map_folder.layout`; what is absent is derived as
        `targets.io.map_folder.masks` says.
    reading : ReadOptions, default DEFAULT_READING
        Names of the files, what they do not say themselves, and how holes in the depth are filled.

    Returns
    -------
    scene : Scene
        Its depth is in `geo.depth_unit` when a grid or ``depth_range`` gives it, else normalised with 1 = deepest.
        With a picture alone the depth is zero and `depth_valid` False everywhere.

    Raises
    ------
    UserError
        Something is missing, damaged or contradictory; the error names the file and what to do.
    """
    files = find_map_files(folder, reading.layout)
    if not files:
        expected = f"files named {', '.join(f'{name}.*' for name in reading.layout.kind_by_name())}"
        raise UserError(folder, "holds no map", expected, "check the path, or name the files so")
    return read_map_files(Path(folder).resolve().name, files, reading)


def read_map_files(
    name: str, files: Mapping[str, Path], reading: ReadOptions = DEFAULT_READING, group: str = ""
) -> Scene:
    """Read one map from its files.

    Parameters
    ----------
    name : str
        The name of the map.
    files : Mapping[str, Path]
        {kind: file} as `find_map_files` and `find_flat_maps` return them.
    reading : ReadOptions, default DEFAULT_READING
        What the files do not say themselves, and how holes in the depth are filled.
    group : str, default ''
        The larger map that this one is a crop of, when the sidecar says none.

    Returns
    -------
    scene : Scene
        As of `read_map_folder`.

    Raises
    ------
    UserError
        As `read_map_folder`.
    """
    sidecar = read_sidecar(files["map"]) if "map" in files else Sidecar()
    rgb = read_rgb(files["rgb"]) if "rgb" in files else None
    arrays: dict[str, NDArray] = {kind: read_mask(files[kind]) for kind in MASKS if kind in files}
    depth, measured, geo = read_depth(files, sidecar)
    has_depth_unit = depth is not None and ("depth" in files or geo.depth_range is not None)
    geo, notes = complete_location(geo, reading, has_depth_unit)
    provenance = Provenance(Path(folder_of(files)).name, notes=notes)
    if depth is not None and measured is not None:
        arrays |= {"depth": depth, "measured": measured}
    _check_complete(files, has_depth=depth is not None, has_picture=rgb is not None)
    if "depth_clean" in files:
        arrays["depth_clean"] = read_true_depth(files, sidecar, depth)
    rgb, coloured, arrays, geo = crop_to_frame(files, rgb, arrays, geo)

    shape = rgb.shape[:2] if rgb is not None else arrays["depth"].shape
    fault = ~arrays.get("fault_mask", np.ones(shape, np.bool_))
    inside = derive_inside(files, arrays, fault, coloured)
    traps = ~arrays["traps"] if "traps" in arrays else None
    check_fault_and_trap_masks(files, inside, fault, traps)
    if "depth" not in arrays:
        nothing = np.zeros(shape, np.bool_)
        return Scene(name, np.zeros(shape, np.float32), nothing, inside, fault, rgb, traps, geo, sidecar.group or group,
                     provenance=provenance)  # fmt: skip

    depth, known = arrays["depth"], derive_measured(files, arrays, inside, fault)
    if rgb is not None:
        check_depth_polarity(files, sidecar, rgb, depth, known)
    depth = fill_holes(depth if "depth" in files else to_depth_units(depth, geo), known, inside, reading.fill)
    _check_contour_interval(files, depth, geo)
    true_depth = fill_holes(arrays["depth_clean"], known, inside, reading.fill) if "depth_clean" in arrays else None
    return Scene(name, depth, known, inside, fault, rgb, traps, geo, sidecar.group or group, true_depth=true_depth,
                 provenance=provenance)  # fmt: skip


def read_map_picture(path: str | Path) -> Scene:
    """Read a coloured map alone.

    Parameters
    ----------
    path : str | Path
        A PNG or JPEG.

    Returns
    -------
    scene : Scene
        Depth zero and `depth_valid` False everywhere, no faults.

    Raises
    ------
    UserError
        The picture is missing, damaged, or all white.
    """
    return read_map_files(Path(path).stem, {"rgb": Path(path)})


def _check_complete(files: Mapping[str, Path], has_depth: bool, has_picture: bool) -> None:
    """Refuse a map without picture and depth, or with a depth but no fault mask."""
    if has_depth and "fault_mask" not in files:
        raise UserError(folder_of(files), "a depth but no fault mask", "fault_mask.png with faults black",
                        "add one; it is all white if the map has no faults")  # fmt: skip
    if not has_depth and not has_picture:
        names = ", ".join(path.name for path in files.values())
        raise UserError(folder_of(files), f"no picture and no depth among {names}",
                        "rgb.png, depth_norm.png or depth.npy")  # fmt: skip


def _check_contour_interval(files: Mapping[str, Path], depth: NDArray, geo: GeoReference) -> None:
    if geo.contour_interval and (count := float(np.ptp(depth)) / geo.contour_interval) > MAX_CONTOURS:
        where = files.get("map", folder_of(files))
        found = f"contour_interval is {geo.contour_interval:g}: {count:.0f} contours"
        raise UserError(where, found, f"at most {MAX_CONTOURS}", "correct it")
