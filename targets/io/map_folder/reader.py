"""Reader of maps that lie on disk as pictures: map folders, flat sets of files, pictures alone."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.images import read_mask, read_rgb
from targets.io.map_folder.conventions import SetConventions, read_set_mask
from targets.io.map_folder.depth_files import read_depth, read_true_depth, to_depth_units
from targets.io.map_folder.flat_set import SET_SIDECAR
from targets.io.map_folder.framing import LOSSY, crop_to_frame
from targets.io.map_folder.layout import find_map_files, folder_of
from targets.io.map_folder.location import check_same_location, read_picture_location
from targets.io.map_folder.masks import check_fault_and_trap_masks, derive_inside, derive_measured
from targets.io.map_folder.polarity import check_depth_polarity, read_high_end
from targets.io.map_folder.sidecar import Sidecar, read_sidecar
from targets.io.read_options import DEFAULT_READING, ReadOptions, complete_location
from targets.pages.crop import crop_to_map
from targets.pages.page import PageError, PageOptions, read_page
from targets.scene import GeoReference, Provenance, Scene
from targets.surface.fill import fill_holes

MASKS = ("fault_mask", "depth_mask", "map_mask", "traps")
PICTURE_ALONE = {"rgb", "map", SET_SIDECAR}
MIN_PAGE_MARGIN = 0.3  # of a picture, around its map: more has numbers and a colour bar in it
MIN_PAGE_SIDE = 64  # pixels; a smaller picture has no room for a map with something beside it
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
    name: str,
    files: Mapping[str, Path],
    reading: ReadOptions = DEFAULT_READING,
    group: str = "",
    conventions: SetConventions | None = None,
) -> Scene:
    """Read one map from its files.

    Parameters
    ----------
    name : str
        The name of the map.
    files : Mapping[str, Path]
        {kind: file} as `find_map_files` and `find_flat_set` return them.
    reading : ReadOptions, default DEFAULT_READING
        What the files do not say themselves, and how holes in the depth are filled.
    group : str, default ''
        The larger map that this one is a crop of, when the sidecar says none.
    conventions : SetConventions | None, default None
        Those of the flat set that the map belongs to; None: those of map folders.

    Returns
    -------
    scene : Scene
        As of `read_map_folder`.

    Raises
    ------
    UserError
        As `read_map_folder`.
    """
    sidecar = read_sidecar(*(files[kind] for kind in (SET_SIDECAR, "map") if kind in files))
    sidecar = _with_depth_range(sidecar, reading)
    polarity = reading.polarity or (conventions.polarity if conventions is not None else None)
    if "depth" not in files and sidecar.inverted is None and polarity is not None:
        sidecar = replace(sidecar, inverted=polarity == "inverted")
    rgb = read_rgb(files["rgb"]) if "rgb" in files else None
    placed = read_picture_location(files["rgb"]) if rgb is not None else None
    if rgb is not None and set(files) <= PICTURE_ALONE:
        options = _page_options(sidecar, reading)
        if options != PageOptions() or min(rgb.shape[:2]) >= MIN_PAGE_SIDE:
            return _read_page_map(name, files, reading, sidecar, rgb, placed)
    arrays: dict[str, NDArray] = {
        kind: _read_mask(kind, files[kind], reading, conventions) for kind in MASKS if kind in files
    }
    depth, measured, geo, notes = read_depth(files, sidecar, reading)
    of_picture = placed is not None and not ("depth" in files and geo.located)  # a grid's own location comes first
    if placed is not None and of_picture:
        geo = _with_picture_location(files, geo, placed)
    has_depth_unit = depth is not None and ("depth" in files or geo.depth_range is not None)
    try:
        geo, more_notes = complete_location(geo, reading, has_depth_unit)
    except UserError as error:
        raise UserError(f"{error.where} and {folder_of(files) / name}", *error.args[1:]) from error
    notes = (*notes, *more_notes, *_unused_options(files, sidecar, reading, has_depth_unit))
    if depth is not None and measured is not None:
        arrays |= {"depth": depth, "measured": measured}
    _check_complete(files, has_depth=depth is not None, has_picture=rgb is not None)
    if "depth_clean" in files:
        arrays["depth_clean"] = read_true_depth(files, sidecar, depth)
    try:
        rgb, coloured, arrays, geo, margin = crop_to_frame(files, rgb, arrays, geo, of_picture)
    except UserError:
        if rgb is None or not set(files) <= PICTURE_ALONE | {"traps"}:
            raise
        return _read_page_map(name, files, reading, sidecar, rgb, placed, ~arrays["traps"])  # drawn on a page's map
    if rgb is not None and depth is None:
        notes = (*notes, *_unread_page(files, _page_options(sidecar, reading), rgb, margin))
    if placed is not None and not of_picture:
        first = placed[0].xy(margin[0], margin[2])
        check_same_location(files["depth"], geo, replace(placed[0], x0=float(first[0]), y0=float(first[1])), placed[1])

    shape = rgb.shape[:2] if rgb is not None else arrays["depth"].shape
    fault = ~arrays.get("fault_mask", np.ones(shape, np.bool_))
    inside = derive_inside(files, arrays, fault, coloured)
    traps = ~arrays["traps"] if "traps" in arrays else None
    check_fault_and_trap_masks(files, inside, fault, traps)
    known = derive_measured(files, arrays, inside, fault) if "depth" in arrays else np.zeros(shape, np.bool_)
    true_depth, depth = None, arrays.get("depth")
    if depth is not None:
        if rgb is not None:
            check_depth_polarity(files, bool(sidecar.inverted), rgb, depth, known)
        depth = fill_holes(depth if "depth" in files else to_depth_units(depth, geo), known, inside, reading.fill)
        _check_contour_interval(files, depth, geo)
        if "depth_clean" in arrays:
            true_depth = fill_holes(arrays["depth_clean"], known, inside, reading.fill)
    else:
        depth = np.zeros(shape, np.float32)
    undefined = 1 - float(known.mean()) if known.any() else 0.0
    file, form = _file_and_format(name, files, conventions)
    form += f" located by {placed[1]}" if placed is not None and of_picture else ""
    provenance = Provenance(file, form, (), undefined, notes, margin=margin, interpreter=sidecar.interpreter)
    return Scene(name, depth, known, inside, fault, rgb, traps, geo, sidecar.group or group, true_depth=true_depth,
                 provenance=provenance)  # fmt: skip


def _read_page_map(
    name: str,
    files: Mapping[str, Path],
    reading: ReadOptions,
    sidecar: Sidecar,
    rgb: NDArray[np.uint8],
    placed: tuple[GeoReference, str] | None,
    traps: NDArray[np.bool_] | None = None,
) -> Scene:
    """The map on the page of a picture alone; with a depth where its colour bar was read, with traps of its cells."""
    path = files["rgb"]
    options = _page_options(sidecar, reading)
    if options.high is None and options.is_inverted is None and (noted := read_high_end(path)) is not None:
        options = replace(options, high=noted, said_by="by the note in its file", is_map=True)
    page = read_page(rgb, options, path, path.suffix.lower() in LOSSY)
    if page.problem is not None:
        raise PageError(page.problem, page)
    found = crop_to_map(page)
    if traps is not None and traps.shape != found.inside.shape:
        sizes = [f"{size[1]} x {size[0]}" for size in (traps.shape, rgb.shape, found.inside.shape)]
        raise UserError(files["traps"], f"is {sizes[0]}, the picture {sizes[1]} and the map on it {sizes[2]}",
                        "one of the two sizes", "draw the traps again")  # fmt: skip
    geo = replace(sidecar.geo, first_row=found.geo.first_row, first_col=found.geo.first_col, pixels=found.geo.pixels)
    if placed is not None:
        geo = _with_picture_location(files, geo, placed)
    if geo.located:
        geo = _of_cells(geo, found.geo)
    elif page.axes is not None:
        geo = page.axes.georeference(*found.first, geo)
    if page.bar is not None and found.depth is not None and geo.depth_unit is None:
        geo = replace(geo, depth_unit=page.bar.unit)
    has_depths = found.depth is not None or geo.depth_range is not None
    try:
        geo, notes = complete_location(geo, reading, has_depths)
    except UserError as error:
        raise UserError(f"{error.where} and {folder_of(files) / name}", *error.args[1:]) from error
    said = tuple(stage.sentence for stage in page.stages if stage.sentence)
    unused = _unused_options(files, replace(sidecar, inverted=None), reading, has_depths)
    if found.depth is not None and geo.depth_range is not None:
        geo = replace(geo, depth_range=None)
        unused.append("depth_range is not used: the colour bar gives the depths")
    by_axes = " located by its axes" if page.axes is not None and page.axes.is_location and placed is None else ""
    form = "picture" + (f" located by {placed[1]}" if placed is not None else by_axes)
    provenance = Provenance(path.name, form, notes=(*said, *notes, *unused), margin=found.margin, page=page)
    depth, known = np.zeros(found.inside.shape, np.float32), np.zeros(found.inside.shape, np.bool_)
    if found.depth is not None:
        known = found.inside & np.isfinite(found.depth)
        depth = fill_holes(found.depth, known, found.inside, reading.fill)
    return Scene(name, depth, known, found.inside, np.zeros_like(known), found.rgb, traps, geo, sidecar.group,
                 provenance=provenance)  # fmt: skip


def _page_options(sidecar: Sidecar, reading: ReadOptions) -> PageOptions:
    """What sidecar and user say of a page; the sidecar comes first."""
    high, panel = sidecar.high or reading.high, sidecar.panel or reading.panel
    return PageOptions(high, sidecar.inverted, panel, sidecar.map_box or reading.map_box,
                       colour_bar=sidecar.colour_bar or reading.colour_bar)  # fmt: skip


def _of_cells(geo: GeoReference, first: GeoReference) -> GeoReference:
    """The location of a map's own cells, from that of the picture's pixels."""
    row, col = (start + (first.pixels - 1) / 2 for start in (first.first_row, first.first_col))
    x0, y0 = geo.xy(row, col)
    assert geo.dx is not None and geo.dy is not None
    return replace(geo, x0=float(x0), y0=float(y0), dx=geo.dx * first.pixels, dy=geo.dy * first.pixels)


def _read_mask(kind: str, path: Path, reading: ReadOptions, conventions: SetConventions | None) -> NDArray[np.bool_]:
    """A mask of a map folder (True where white), or of a flat set (True where nothing is marked, or white)."""
    if conventions is None:
        return read_mask(path)
    bright = read_set_mask(path, reading)
    return ~bright if kind in conventions.white_masks else bright


def _with_picture_location(
    files: Mapping[str, Path], geo: GeoReference, placed: tuple[GeoReference, str]
) -> GeoReference:
    """The location of files and sidecar with that of the picture, which they must not contradict."""
    location, by = placed
    where = files.get("map", files.get(SET_SIDECAR, files.get("depth", files["rgb"])))
    check_same_location(where, geo, location, by)
    own = {key: getattr(location, key) for key in ("x0", "y0", "dx", "dy", "rotation")}
    return replace(geo, **own, crs=geo.crs or location.crs)


def _with_depth_range(sidecar: Sidecar, reading: ReadOptions) -> Sidecar:
    """What the sidecar says, with the range of depths that the user says where it says none."""
    if reading.depth_range is None or sidecar.geo.depth_range is not None:
        return sidecar
    low, high = reading.depth_range
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise UserError("--depth_range", f"[{low:g},{high:g}]", "shallowest before deepest, positive down")
    return replace(sidecar, geo=replace(sidecar.geo, depth_range=(low, high)))


def _unused_options(
    files: Mapping[str, Path], sidecar: Sidecar, reading: ReadOptions, has_depth_unit: bool
) -> list[str]:
    """What was said but cannot be used, one sentence each."""
    notes = []
    has_depth = "depth" in files or "depth_norm" in files
    if not has_depth and sidecar.inverted is not None:
        notes.append(f"polarity {'inverted' if sidecar.inverted else 'normal'} is not used: there is no depth, and "
                     "colours are read as blue = deep, red = high")  # fmt: skip
    if reading.depth_unit is not None and not has_depth_unit:
        notes.append(f"depth_unit {reading.depth_unit} is not used: without depth_range in map.yaml the depth has no "
                     "unit")  # fmt: skip
    return notes


def _unread_page(
    files: Mapping[str, Path], options: PageOptions, rgb: NDArray[np.uint8], margin: tuple[int, int, int, int]
) -> list[str]:
    """What a picture is not read for that has files beside it, if it is drawn as a page or something was said of it."""
    beside = sorted(kind for kind in files if kind not in PICTURE_ALONE)
    height, width = rgb.shape[:2]
    share = 1 - height * width / ((height + sum(margin[:2])) * (width + sum(margin[2:])))
    is_page = "traps" not in files and share > MIN_PAGE_MARGIN and min(height, width) >= MIN_PAGE_SIDE
    said = (options.high, options.panel, options.map_box, options.colour_bar)
    if not beside or (said == (None,) * 4 and not is_page):
        return []
    names = ", ".join(files[kind].name for kind in beside)
    return [f"its picture is not read as a page, for {names} beside it: colour bar, numbers and --high are not used"]


def _file_and_format(name: str, files: Mapping[str, Path], conventions: SetConventions | None) -> tuple[str, str]:
    """What a user would call the map's file, and its format in words."""
    if conventions is not None:
        return name, "flat set"
    if set(files) <= {"rgb", "map", SET_SIDECAR}:
        return files["rgb"].name, "picture"
    return folder_of(files).name, "map folder"


def read_map_picture(path: str | Path) -> Scene:
    """Read a picture that holds a coloured map and white margins, nothing else.

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
    files = {"rgb": Path(path)}
    rgb, coloured, _, geo, margin = crop_to_frame(files, read_rgb(files["rgb"]), {}, GeoReference(), False)
    assert rgb is not None
    nothing = np.zeros(rgb.shape[:2], np.bool_)
    inside = derive_inside(files, {}, nothing, coloured)
    provenance = Provenance(Path(path).name, "picture", margin=margin)
    return Scene(
        Path(path).stem, nothing.astype(np.float32), nothing, inside, nothing, rgb, geo=geo, provenance=provenance
    )


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
