"""How does a map lie on disk as pictures? Reads and writes map folders and flat sets of files, with every check.

The files (their names can be changed in `Layout`):

======================  ================================================================================
``rgb.png`` (or .jpg)   coloured map; a white margin around it is cropped, of a picture alone with what stands in it
``fault_mask.png``      faults black, all else white; needed beside a depth
``depth_norm.png``      8 or 16 bit, black = deepest; or ``depth.npy`` or a grid ``depth.*``, positive down
``depth_mask.png``      white = measured; optional
``depth_clean.png``     the true surface where the depth is a poor copy of it, in the same range; optional
``map_mask.png``        white = inside the map; optional
``traps.png``           traps black, all else white; optional
``map.yaml``            fields of `Geo`, ``group``, ``polarity: inverted``; optional
======================  ================================================================================

What is derived when it is absent:

- **map_mask**: inside is what `holes.map_outline` makes of the cells that are not white in the picture (and of the
  fault cells): holes in the colours and white strips up to 6 cells wide belong to the map. Of a picture alone, what
  stands beside the map on its paper does not (`beside.without_notes`). Without a picture the cells that `depth_mask` or
  the NaN of a `depth.npy` show as measured take its place; without these all cells are inside.
- **depth_mask**: measured is every cell inside the map except fault cells, NaN or transparent cells, and (in a picture)
  patches of pure black or pure white that stand out from their rim by over a tenth of the range: that is how programs
  export the cells they have no depth for.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy import ndimage

from targets.common.atomic_write import written_whole
from targets.common.bounded_yaml import read_yaml
from targets.common.rgb_planes import weakest
from targets.errors import UserError
from targets.io.images import read_colours, read_grey, read_mask, write_picture
from targets.picture_reading.page_layout import without_notes
from targets.scene import Geo, Scene
from targets.surface.fill import Fill, fill_holes
from targets.surface.outline import map_outline

# A pixel whose three channels are at least this is white. JPEG blurs colours over the blocks along an edge.
WHITE = {".png": 240, ".jpg": 200, ".jpeg": 200}
MAX_SMEAR = 0.03  # share of the colour that JPEG may have smeared into the margin
HOLE_STEP = 0.1  # of the range: pure black or white patches that differ more from their rim are holes, not crests
MAX_FAULT = 0.5  # share of the map; faults are lines, so more black than this is an inverted mask
MAX_CONTOURS = 10_000  # of a map; the finest of charts have some hundreds
MIN_MEASURED = 0.5  # share of the map
MIN_TONE = (
    0.05  # share of the map that cold and warm colours have at least each: less may be coloured ink on a grey map
)
# Correlation of depth with cold against warm colours: 0.12 to 1 on the 675 of 1188 maps in all styles of training that
# have both, as much below 0 where a depth is inverted.
CONTRADICTION = -0.25


@dataclass(frozen=True)
class Layout:
    """The names of a map's files, without suffix, and the pattern of flat sets of files.

    In `flat`, ``{kind}`` stands for one of the names, ``{x|y}`` for either letter (interpreters put x before inputs
    and y before targets), ``{number}`` for digits, ``{name}`` for anything. Files that agree in number and name make
    one map, called ``number_name``; maps that agree in name are taken for cuts of one larger map (`Scene.group`).
    """

    rgb: str = "rgb"
    fault_mask: str = "fault_mask"
    depth_norm: str = "depth_norm"
    depth: str = "depth"
    depth_mask: str = "depth_mask"
    depth_clean: str = "depth_clean"
    map_mask: str = "map_mask"
    traps: str = "traps"
    map: str = "map"
    flat: str = "{number}_{x|y}_{kind}_{name}"

    def kinds(self) -> dict[str, str]:
        """The kind that each file name stands for."""
        return {getattr(self, entry.name): entry.name for entry in fields(self) if entry.name != "flat"}

    def flat_expression(self) -> re.Pattern[str]:
        """The pattern of flat names as a regular expression."""
        kinds = "|".join(sorted(map(re.escape, self.kinds()), key=len, reverse=True))
        parts = {"number": r"(?P<number>\d+)", "x|y": "[xyXY]", "kind": f"(?P<kind>{kinds})", "name": "(?P<name>.+)"}
        text, holes = re.split(r"\{(.*?)\}", self.flat)[::2], re.split(r"\{(.*?)\}", self.flat)[1::2]
        if set(holes) - set(parts) or "kind" not in holes or not {"number", "name"} & set(holes):
            raise UserError(f"flat pattern {self.flat!r}", "cannot tell maps and kinds apart",
                            "{kind} with {number} or {name} or both, and perhaps {x|y}")  # fmt: skip
        filled = [
            re.escape(text[0]),
            *(parts[hole] + re.escape(rest) for hole, rest in zip(holes, text[1:], strict=True)),
        ]
        return re.compile("".join(filled))


# The suffixes of each kind; a depth may have any other suffix, since grids are known by their content.
PICTURES = (".png", ".jpg", ".jpeg")
SUFFIXES = {"rgb": PICTURES, "map": (".yaml", ".yml")}


def find_files(folder: str | Path, layout: Layout = Layout()) -> dict[str, Path]:
    """The files of one map folder by kind ("rgb", "fault_mask", ... as in `Layout`); empty if it is none.

    Raises
    ------
    UserError
        The folder is missing, or two files are of one kind.
    """
    found: dict[str, Path] = {}
    kinds = layout.kinds()
    for path in _listed(folder):
        kind = kinds.get(path.stem)
        if kind and _suffix_fits(kind, path.suffix.lower()):
            _add(found, kind, path)
    return found if set(found) - {"map"} else {}


def find_flat(folder: str | Path, layout: Layout = Layout()) -> dict[str, dict[str, Path]]:
    """The maps of a folder of flat files: {map name: {kind: file}}; empty if there are none.

    Raises
    ------
    UserError
        The folder is missing, or two files are of one kind of one map.
    """
    found: dict[str, dict[str, Path]] = {}
    kinds, expression = layout.kinds(), layout.flat_expression()
    for path in _listed(folder):
        match = expression.fullmatch(path.stem)
        if match and _suffix_fits(kind := kinds[match["kind"]], path.suffix.lower()):
            _add(found.setdefault(_flat_name(match), {}), kind, path)
    return {name: files for name, files in found.items() if set(files) - {"map"}}


def flat_group(path: Path, layout: Layout = Layout()) -> str:
    """The larger map that a flat file's name tells: its ``{name}``, or "" if the pattern has none."""
    match = layout.flat_expression().fullmatch(path.stem)
    return match.groupdict().get("name", "") if match else ""


def flat_sibling(path: Path, kind: str, layout: Layout = Layout()) -> Path:
    """The PNG of another kind of the map that a flat file belongs to; `{x|y}` becomes y, as of all targets."""
    match = layout.flat_expression().fullmatch(path.stem)
    if match is None:
        raise ValueError(f"{path.name} does not follow the flat pattern {layout.flat}")
    parts = match.groupdict() | {"kind": getattr(layout, kind), "x|y": "y"}
    return path.with_name(re.sub(r"\{(.*?)\}", lambda hole: parts[hole[1]], layout.flat) + ".png")


def read_folder(folder: str | Path, fill: Fill = "inpaint", layout: Layout = Layout()) -> Scene:
    """Read a map folder; the map takes the folder's name.

    Parameters
    ----------
    folder : str | Path
        Holds the files listed at the top of this module.
    fill : Fill, default 'inpaint'
        How holes in the depth are filled, see `holes.fill_holes`.
    layout : Layout, default Layout()
        The names of the files.

    Returns
    -------
    scene : depth in `geo.depth_unit` when a grid or ``depth_range`` gives it, else normalised with 1 = deepest.
        With a picture alone the depth is zero and `depth_valid` False everywhere.

    Raises
    ------
    UserError
        For whatever is missing, damaged or contradictory; it names the file and the mend.
    """
    files = find_files(folder, layout)
    if not files:
        raise UserError(folder, "holds no map", f"files named {', '.join(f'{name}.*' for name in layout.kinds())}",
                        "check the path, or name the files so")  # fmt: skip
    return read_files(Path(folder).resolve().name, files, fill)


def read_files(name: str, files: Mapping[str, Path], fill: Fill = "inpaint", group: str = "") -> Scene:
    """Read one map from its files, given by kind as `find_files` and `find_flat` return them; else as `read_folder`.

    `group` is the larger map when the sidecar tells none.
    """
    side = _read_sidecar(files["map"]) if "map" in files else Sidecar()
    rgb = read_colours(files["rgb"]) if "rgb" in files else None
    masks = {
        kind: read_mask(files[kind]) for kind in ("fault_mask", "depth_mask", "map_mask", "traps") if kind in files
    }
    depth, measured, geo = _read_depth(files, side)
    arrays: dict[str, NDArray] = dict(masks)
    if depth is not None and measured is not None:
        arrays |= {"depth": depth, "measured": measured}
    if depth is not None and "fault_mask" not in files:
        raise UserError(_folder(files), "a depth but no fault mask", "fault_mask.png with faults black",
                        "add one; it is all white if the map has no faults")  # fmt: skip
    if depth is None and rgb is None:
        raise UserError(_folder(files), f"no picture and no depth among {_names(files)}",
                        "rgb.png, depth_norm.png or depth.npy")  # fmt: skip
    if "depth_clean" in files:
        arrays["depth_clean"] = _read_clean(files, side, depth)
    rgb, coloured, arrays, geo = _framed(files, rgb, arrays, geo)

    shape = rgb.shape[:2] if rgb is not None else arrays["depth"].shape
    fault = ~arrays.get("fault_mask", np.ones(shape, np.bool_))
    inside = _inside(files, arrays, fault, coloured, shape)
    traps = ~arrays["traps"] if "traps" in arrays else None
    _check_masks(files, inside, fault, traps)

    depth, known = _known_depth(files, arrays, inside, fault)
    if rgb is not None and known.any():
        _check_polarity(files, side, rgb, depth, known)
    if known.any():
        depth = fill_holes(_in_units(depth, files, geo), known, inside, fill)
        if geo.contour_interval and (lines := float(np.ptp(depth)) / geo.contour_interval) > MAX_CONTOURS:
            raise UserError(files.get("map", _folder(files)), f"contour_interval is {geo.contour_interval:g}: "
                            f"{lines:.0f} contours", f"at most {MAX_CONTOURS}", "correct it")  # fmt: skip
    clean = fill_holes(arrays["depth_clean"], known, inside, fill) if "depth_clean" in arrays else None
    return Scene(name, depth, known, inside, fault, rgb, traps, geo, side.group or group, clean=clean)


def read_picture(path: str | Path) -> Scene:
    """Read a coloured map alone: depth zero and `depth_valid` False everywhere, no faults."""
    return read_files(Path(path).stem, {"rgb": Path(path)})


def write_folder(
    scene: Scene,
    folder: str | Path,
    margin: int = 0,
    depth_bits: int = 16,
    layout: Layout = Layout(),
) -> None:
    """Write a map as a folder that `read_folder` reads back.

    Masks and a 32-bit depth come back exactly, a PNG depth to half a grey level, and cells that are not measured are
    filled anew. If the map reaches none of the picture's edges, the empty border is cropped on reading; every cell
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
    """
    folder = Path(folder)
    _check_seen_from_above(folder, scene.geo)
    files, geo = _encoded(scene, margin, depth_bits)
    names = {kind: getattr(layout, kind) for kind in files}
    stale = [path.name for kind, path in (find_files(folder, layout) if folder.is_dir() else {}).items()
             if kind not in (*files, "map")]  # fmt: skip
    if stale:
        raise UserError(folder, f"holds {', '.join(sorted(stale))} of another map", "a folder without them",
                        "delete them or choose another folder")  # fmt: skip
    for kind, pixels in files.items():
        if kind == "depth":
            with written_whole(folder / f"{names[kind]}.npy") as temporary:
                np.save(temporary, pixels)
        else:
            write_picture(pixels, folder / f"{names[kind]}.png")
    unlike = {entry.name: value for entry in fields(Geo) if (value := getattr(geo, entry.name)) != entry.default}
    with written_whole(folder / f"{layout.map}.yaml") as temporary:
        temporary.write_text(yaml.safe_dump(_plain(unlike | {"group": scene.group}), sort_keys=False), "utf-8")


def _encoded(scene: Scene, margin: int, depth_bits: int) -> tuple[dict[str, NDArray], Geo]:
    """The arrays to write by kind, and the `Geo` whose depth range tells what black and white mean."""
    files: dict[str, NDArray] = {"fault_mask": ~scene.fault, "map_mask": scene.map_valid}
    geo = scene.geo
    if scene.rgb is not None:
        files["rgb"] = np.pad(scene.rgb, ((margin, margin), (margin, margin), (0, 0)), constant_values=255)
    if scene.traps is not None:
        files["traps"] = ~scene.traps
    if scene.depth_valid.any():
        files["depth_mask"] = scene.depth_valid
        if depth_bits == 32 and scene.clean is None:
            return files | {"depth": scene.depth}, geo
        if depth_bits not in (8, 16, 32):
            raise ValueError(f"depth_bits is {depth_bits}; known: 8, 16, 32")
        low, high = scene.relief
        if scene.clean is not None:
            true = scene.with_(depth=scene.clean).relief
            low, high = min(low, true[0]), max(high, true[1])
        if geo.depth_range and geo.depth_range[0] <= low and high <= geo.depth_range[1]:
            low, high = geo.depth_range
        elif geo.depth_unit is None and low >= 0 and high <= 1:
            low, high = 0.0, 1.0  # normalised already
        else:
            geo = replace(geo, depth_range=(low, high))
        if scene.clean is not None:
            files["depth_clean"] = _as_grey(scene.clean, low, high, 16)
        if depth_bits == 32:
            files["depth"] = scene.depth
        else:
            files["depth_norm"] = _as_grey(scene.depth, low, high, depth_bits)
    return files, geo


def _as_grey(depth: NDArray, low: float, high: float, bits: int) -> NDArray:
    """A depth as a picture of 8 or 16 bits, white at `low` and black at `high`."""
    white = (high - depth.astype(np.float64)) / max(high - low, 1e-12)
    kind = np.uint8 if bits == 8 else np.uint16
    return (np.clip(white, 0, 1) * (2**bits - 1)).round().astype(kind)


@dataclass(frozen=True)
class Sidecar:
    """What ``map.yaml`` says."""

    geo: Geo = field(default_factory=Geo)
    group: str = ""
    inverted: bool = False  # depth pictures: white = deepest; depth grids: positive up


def _read_sidecar(path: Path) -> Sidecar:
    content = read_yaml(path) or {}
    known = [entry.name for entry in fields(Geo)] + ["group", "polarity"]
    if not isinstance(content, dict):
        raise UserError(
            path, f"holds a {type(content).__name__}", "lines 'key: value'", f"known keys: {', '.join(known)}"
        )
    if unknown := [str(key) for key in content if key not in known]:
        raise UserError(path, f"unknown key {', '.join(unknown)}", "", f"known keys: {', '.join(known)}")
    polarity = content.pop("polarity", "normal")
    if polarity not in ("normal", "inverted"):
        raise UserError(path, f"polarity is {polarity!r}", "'normal' (black = deepest) or 'inverted'")
    group = str(content.pop("group", None) or "")
    given = {key: _geo_value(path, key, value) for key, value in content.items() if value is not None}
    try:
        geo = Geo(**given)
    except UserError as error:
        raise UserError(path, *error.args[1:]) from error
    _check_seen_from_above(path, geo)
    return Sidecar(geo, group, polarity == "inverted")


def _geo_value(path: Path, key: str, value: Any) -> Any:
    """A field of `Geo` from YAML; numbers written 1e3 arrive as text."""
    if key in ("crs", "depth_unit"):
        return str(value)
    try:
        numbers = tuple(float(v) for v in (value if isinstance(value, list) else [value]))
    except (TypeError, ValueError, OverflowError):
        numbers = ()
    if len(numbers) != (2 if key == "depth_range" else 1) or not all(map(math.isfinite, numbers)):
        raise UserError(path, f"{key} is {value!r}", "[shallowest, deepest]" if key == "depth_range" else "a number")
    if key != "depth_range":
        return numbers[0]
    if numbers[0] > numbers[1]:
        raise UserError(path, f"depth_range is {value!r}", "shallowest before deepest, positive down")
    return numbers


def _check_seen_from_above(path: Path, geo: Geo) -> None:
    if (geo.dx is not None and geo.dx <= 0) or (geo.dy is not None and geo.dy >= 0):
        raise UserError(path, f"dx is {geo.dx} and dy is {geo.dy}", "dx > 0 and dy < 0: rows run down the picture",
                        "give x0 and y0 of the top-left cell and a negative dy")  # fmt: skip


def _read_depth(files: Mapping[str, Path], side: Sidecar) -> tuple[NDArray | None, NDArray[np.bool_] | None, Geo]:
    """Depth as it lies in the file (normalised in a picture), the cells that have one, and the geo."""
    if "depth" in files:
        from targets.io.grids.registry import read_surface

        values, grid_geo = read_surface(files["depth"])
        given = {entry.name: getattr(side.geo, entry.name) for entry in fields(Geo)
                 if getattr(side.geo, entry.name) != entry.default}  # fmt: skip
        return (-values if side.inverted else values), ~np.isnan(values), replace(grid_geo, **given)
    if "depth_norm" not in files:
        return None, None, side.geo
    if side.geo.depth_unit is not None and side.geo.depth_range is None:
        raise UserError(files["map"], f"depth_unit {side.geo.depth_unit} without a depth_range", "both or neither",
                        "add depth_range: [shallowest, deepest], the depths of white and of black")  # fmt: skip
    grey, opaque = read_grey(files["depth_norm"])
    return (grey if side.inverted else 1 - grey), opaque, side.geo


def _read_clean(files: Mapping[str, Path], side: Sidecar, depth: NDArray | None) -> NDArray:
    """The true surface of a poor depth, in map units if its range is known."""
    path = files["depth_clean"]
    if depth is None or ("depth" in files and side.geo.depth_range is None):
        found = "a true surface, but no depth that is a copy of it" if depth is None else "no depth_range in map.yaml"
        raise UserError(path, found, "a depth beside it, and a depth_range if that is a grid", "add it")
    grey, _ = read_grey(path)
    white = grey if side.inverted else 1 - grey
    return white if side.geo.depth_range is None else _in_units(white, {}, side.geo)


def _in_units(depth: NDArray, files: Mapping[str, Path], geo: Geo) -> NDArray:
    """Depth in map units, when a picture's range is known."""
    if "depth" in files or geo.depth_range is None:
        return depth
    low, high = geo.depth_range
    return low + depth * (high - low)


def _framed(
    files: Mapping[str, Path], rgb: NDArray[np.uint8] | None, arrays: dict[str, NDArray], geo: Geo
) -> tuple[NDArray[np.uint8] | None, NDArray[np.bool_] | None, dict[str, NDArray], Geo]:
    """Crop the picture's white margin and bring all arrays to one size; x0, y0 belong to the depth's first cell.

    Second of what is returned: the picture's cells that are not white.
    """
    sizes = {kind: array.shape for kind, array in arrays.items()}
    full = rgb.shape[:2] if rgb is not None else None
    smaller = {size for size in sizes.values() if size != full}
    if len(smaller) > 1 or (full and any(size[0] > full[0] or size[1] > full[1] for size in smaller)):
        raise _sizes_differ(files, rgb, sizes)
    if rgb is None:
        return None, None, arrays, geo
    filled = coloured = _coloured(files["rgb"], rgb, alone="depth" not in arrays)
    if not filled.any():
        raise UserError(files["rgb"], "the map is empty: every pixel is white", "a coloured map")
    if "map_mask" in arrays and sizes["map_mask"] == full:
        filled = filled | arrays["map_mask"]
    rows, cols = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(cols[0]), int(cols[-1]) + 1
    for height, width in smaller:
        if (bottom - top, right - left) != (height, width):
            # The map may not reach the edges of its own arrays, or JPEG has smeared it into the margin.
            tight = (bottom - top, right - left)
            top, left = _window(filled.sum(axis=1), height), _window(filled.sum(axis=0), width)
            bottom, right = top + height, left + width
            lost = 1 - filled[top:bottom, left:right].sum() / filled.sum()
            if lost > (0 if files["rgb"].suffix.lower() == ".png" else MAX_SMEAR):
                raise _sizes_differ(files, rgb, sizes, tight)
    box = np.s_[top:bottom, left:right]
    if sizes.get("depth") == full and geo.located:
        x0, y0 = geo.xy(top, left)
        geo = replace(geo, x0=float(x0), y0=float(y0))
    arrays = {kind: array[box] if array.shape == full else array for kind, array in arrays.items()}
    return rgb[box], coloured[box], arrays, geo


def _window(counts: NDArray, length: int) -> int:
    """Where a window of this length holds most; of several such places the one nearest to the middle."""
    held = np.convolve(counts, np.ones(length, counts.dtype), "valid")
    best = np.flatnonzero(held == held.max())
    return int(best[np.abs(best - (len(held) - 1) / 2).argmin()])


def _coloured(path: Path, rgb: NDArray[np.uint8], alone: bool) -> NDArray[np.bool_]:
    """Pixels that are not white; of a picture alone those of its map."""
    coloured = np.asarray(weakest(rgb) < WHITE[path.suffix.lower()])
    return without_notes(coloured) if alone and coloured.any() else coloured


def _sizes_differ(
    files: Mapping[str, Path], rgb: NDArray | None, sizes: Mapping[str, tuple[int, ...]], cropped: tuple | None = None
) -> UserError:
    def say(size: tuple[int, ...]) -> str:
        return f"{size[1]} x {size[0]}"

    found = [] if rgb is None else [f"rgb {say(rgb.shape)}" + (f" ({say(cropped)} without margin)" if cropped else "")]
    found += [f"{kind} {say(size)}" for kind, size in sizes.items() if kind != "measured"]
    return UserError(_folder(files), f"sizes differ: {', '.join(found)}", "one width x height, or that of the picture "
                     "without its white margin", "export all files of the map at one size")  # fmt: skip


def _inside(
    files: Mapping[str, Path],
    arrays: Mapping[str, NDArray],
    fault: NDArray[np.bool_],
    coloured: NDArray[np.bool_] | None,
    shape: tuple[int, ...],
) -> NDArray[np.bool_]:
    """The map's inside, given or derived."""
    if "map_mask" not in arrays:
        if coloured is not None:
            return map_outline(coloured | fault)
        if "depth_mask" in arrays:
            return map_outline(arrays["depth_mask"] | fault)
        if not arrays["measured"].any():
            raise UserError(_folder(files), "the map is empty: the depth has no values", "some measured cells")
        return map_outline(arrays["measured"] | fault)
    inside = arrays["map_mask"]
    if not inside.any():
        raise UserError(files["map_mask"], "the map is empty: the mask is all black", "white inside the map",
                        "invert it")  # fmt: skip
    outside = ~inside
    if coloured is not None and outside.any():
        inverted = coloured[outside].mean() > 0.9 and coloured[inside].mean() < 0.1
    else:
        edge = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
        inverted = bool(edge.all()) and outside.mean() > 0.5
    if inverted:
        raise UserError(files["map_mask"], "inverted: black inside the map and white outside",
                        "white inside the map", "invert it")  # fmt: skip
    return inside


def _check_masks(
    files: Mapping[str, Path], inside: NDArray[np.bool_], fault: NDArray[np.bool_], traps: NDArray[np.bool_] | None
) -> None:
    if (share := float(fault[inside].mean())) > MAX_FAULT:
        raise UserError(files["fault_mask"], f"inverted: {share:.0%} of the map is black, that is, fault",
                        "faults black and everything else white", "invert it")  # fmt: skip
    if traps is not None and (share := float(traps[inside].mean())) > 0.5:
        rim = inside & ~ndimage.binary_erosion(inside)
        # A trap is closed inside the map, so a mask whose black runs along the map's border is not one of traps.
        if traps[rim].mean() > 0.5:
            raise UserError(files["traps"], f"inverted: {share:.0%} of the map and most of its border are black",
                            "traps black and everything else white", "invert it")  # fmt: skip


def _known_depth(
    files: Mapping[str, Path], arrays: Mapping[str, NDArray], inside: NDArray[np.bool_], fault: NDArray[np.bool_]
) -> tuple[NDArray, NDArray[np.bool_]]:
    """The depth and its measured cells inside the map; zeros and none of them when there is no depth."""
    if "depth" not in arrays:
        return np.zeros(inside.shape, np.float32), np.zeros(inside.shape, np.bool_)
    depth, measured = arrays["depth"], arrays["measured"]
    where = files.get("depth", files.get("depth_norm"))
    if "depth_mask" in arrays:
        known = arrays["depth_mask"] & inside
        if not known.any() or known[inside].mean() < MIN_MEASURED:
            raise UserError(files["depth_mask"], f"inverted or empty: {known[inside].mean():.0%} of the map is white",
                            "white where the depth is measured, black in voids under faults", "invert it")  # fmt: skip
        if missing := int((known & ~measured).sum()):
            raise UserError(where, f"NaN in {missing} cells that depth_mask shows as measured", "numbers there",
                            "fill them, or make these cells black in depth_mask")  # fmt: skip
        return depth, known
    known = measured & inside & ~fault
    if "depth" not in files:
        known &= ~_stand_out(depth, known)
    if not known.any():
        raise UserError(where, "the map is empty: no cell inside it has a depth", "some measured cells",
                        "check map_mask and the depth")  # fmt: skip
    return depth, known


def _stand_out(depth: NDArray, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Patches of pure black or white that are not the end of a slope: cells a program exported without a depth."""
    holes = np.zeros(known.shape, np.bool_)
    for extreme in (0.0, 1.0):
        patches, _ = ndimage.label((depth == extreme) & known, np.ones((3, 3), np.bool_))
        for number, box in enumerate(ndimage.find_objects(patches), 1):
            grown = tuple(slice(max(s.start - 1, 0), s.stop + 1) for s in box)
            patch = patches[grown] == number
            rim = ndimage.binary_dilation(patch, np.ones((3, 3), np.bool_)) & ~patch & known[grown]
            if rim.any() and abs(float(np.median(depth[grown][rim])) - extreme) > HOLE_STEP:
                holes[grown] |= patch
    return holes


def _check_polarity(
    files: Mapping[str, Path], side: Sidecar, rgb: NDArray[np.uint8], depth: NDArray, known: NDArray[np.bool_]
) -> None:
    """Blue is deep and red is high; a depth that says the opposite has the wrong polarity."""
    colours = rgb.astype(np.int16)
    blueness = colours[..., 2] - colours[..., 0]
    # Neither contours, faults and text, nor green, nor a sea that is bluest near its shore, tell deep from high.
    use = known & (np.abs(blueness) > 60)
    cold = blueness[use] > 0
    if min(cold.sum(), (~cold).sum()) < MIN_TONE * known.sum() or np.ptp(depth[use]) == 0:
        return
    agreement = float(np.corrcoef(cold, depth[use])[0, 1])
    if agreement < CONTRADICTION:
        where = files.get("depth", files.get("depth_norm"))
        mend = "remove 'polarity: inverted' from" if side.inverted else "put 'polarity: inverted' into"
        raise UserError(where, f"depth contradicts the colours of {files['rgb'].name} (correlation {agreement:.2f}): "
                        "blue is shallow and red is deep", "blue = deep and red = high, black = deepest",
                        f"{mend} map.yaml, or remove the picture if its colours are reversed")  # fmt: skip


def _listed(folder: str | Path) -> list[Path]:
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(folder, "is a file" if folder.exists() else "no such folder", "a folder", "check the path")
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _suffix_fits(kind: str, suffix: str) -> bool:
    if kind == "depth":
        return suffix not in (*PICTURES, *SUFFIXES["map"])
    return suffix in SUFFIXES.get(kind, (".png",))


def _add(files: dict[str, Path], kind: str, path: Path) -> None:
    if kind in files:
        raise UserError(
            path, f"a second file of the kind {kind} beside {files[kind].name}", "one", "remove one of them"
        )
    files[kind] = path


def _flat_name(match: re.Match[str]) -> str:
    """Number and name, as far as the pattern has them."""
    return "_".join(value for key, value in match.groupdict().items() if key != "kind" and value)


def _folder(files: Mapping[str, Path]) -> Path:
    return next(iter(files.values())).parent


def _names(files: Mapping[str, Path]) -> str:
    return ", ".join(path.name for path in files.values())


def _plain(values: dict[str, object]) -> dict[str, object]:
    """Values that plain YAML can hold."""
    return {key: [float(v) for v in value] if isinstance(value, tuple) else
            float(value) if isinstance(value, (float, np.floating)) else value
            for key, value in values.items()}  # fmt: skip
