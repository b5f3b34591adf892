"""A gridded surface and its fault files as a map: outline, filled voids, fault cells."""

import logging
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from targets.closure.arrays import georeference_of, plain_array
from targets.errors import UserError
from targets.io.faults.on_horizon import read_faults_on_horizon
from targets.io.grids.registry import load_surface
from targets.io.read_options import DEFAULT_READING, ReadOptions
from targets.scene import GeoReference, Provenance, Scene
from targets.surface.fill import fill_holes, find_fault_gaps
from targets.surface.outline import inside_of_map
from targets.surface.rasterize_faults import FaultLine, rasterize_faults

log = logging.getLogger(__name__)


def read_grid(
    path: str | Path, fault_files: Sequence[str | Path] = (), reading: ReadOptions = DEFAULT_READING
) -> Scene:
    """Read a gridded surface as a map without a picture.

    Inside the map is what `targets.surface.outline.inside_of_map` makes of the cells that have a value: closed gaps and
    gaps up to 6 cells wide are voids under faults. Located grids of one place and size are horizons of one larger map:
    they share their `group`.

    Parameters
    ----------
    path : str | Path
        The grid, of any format that `targets.io.grids.registry.read_surface` reads.
    fault_files : Sequence[str | Path], default ()
        Files of fault polygons, traces or sticks (`targets.io.faults.registry.read_fault_lines`): their cells are fault
        cells. Without any, fault cells are the voids that `targets.surface.fill.find_fault_gaps` takes for faults.
    reading : ReadOptions, default DEFAULT_READING
        What the file does not say itself, and how voids are filled. What had to be assumed is logged as a warning.

    Returns
    -------
    scene : Scene
        Named after the file; its `provenance` is what was understood.

    Raises
    ------
    UserError
        A file is missing, damaged or of no known format, the grid is empty, or no fault lies on it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/top.npz", depth=[[1500.0, 1510.0], [1520.0, np.nan]])
    ...     scene = read_grid(f"{folder}/top.npz")
    >>> scene.name, scene.shape, int(scene.depth_valid.sum())
    ('top', (2, 2), 3)
    """
    scene = load_grid(path, fault_files, reading)
    for note in scene.provenance.notes if scene.provenance else ():
        log.warning("%s: %s", path, note)
    return scene


def load_grid(path: str | Path, fault_files: Sequence[str | Path], reading: ReadOptions) -> Scene:
    """Read a grid as `read_grid` does, and log nothing."""
    surface = load_surface(path, reading)
    values, geo = surface.values, surface.geo
    known = np.isfinite(values)
    if not known.any():
        raise UserError(path, "the map is empty: no cell has a value", "some cells with a depth")
    inside = inside_of_map(known)
    depth = fill_holes(values, known, inside, reading.fill)
    notes, used = list(surface.notes), []
    if not fault_files:
        fault = find_fault_gaps(known, inside)
    else:
        lines, sizes = [], []
        for file in map(Path, fault_files):
            try:
                found = read_faults_on_horizon(file, depth, geo, surface.is_elevation)
            except UserError as error:
                hint = f"{error.hint}; " if error.hint else ""
                hint += "--fault_file none reads the map without faults"
                raise UserError(error.where, error.found, error.expected, hint) from error
            lines += found.lines
            used.append((file.name, len({line.name for line in found.lines})))
            notes += [f"{file.name}: {note}" for note in found.notes]
            sizes.append(len(found.lines))
        labels = rasterize_faults(lines, geo, known.shape)
        fault = labels > 0
        covered = np.bincount(labels.ravel(), minlength=len(lines) + 1)[1:] > 0
        for (name, _), part in zip(used, np.split(covered, np.cumsum(sizes)[:-1]), strict=True):
            if len(part) and not part.any() and fault.any():
                notes.append(f"{name}: none of its lines lies on the map")
        if not lines:
            raise UserError(fault_files[0], f"no plane of its sticks meets {Path(path).name}",
                            "z in the unit of the grid", "say the grid's unit (--depth_unit m) where the heading of z "
                            "names its own, or convert z; --fault_file none reads the map without faults")  # fmt: skip
        if not fault.any():
            missed = f"none of its lines lies on {Path(path).name}: {_extents(lines, geo, known.shape)}"
            hint = "check coordinate system, unit and order of x and y; --fault_file none reads the map without faults"
            raise UserError(fault_files[0], missed, "the grid's coordinates", hint)
    group = ""
    if geo.located:
        group = _name_place(geo, known.shape)
    if surface.fault is not None:
        fault = fault | surface.fault & inside
    undefined = 1 - float(known.mean())
    provenance = Provenance(Path(path).name, surface.format, tuple(used), undefined, tuple(notes), surface.is_elevation)
    return Scene(Path(path).stem, depth, known, inside, fault, geo=geo, group=group, provenance=provenance)


def scene_from_array(depth: ArrayLike, name: str = "array", reading: ReadOptions = DEFAULT_READING) -> Scene:
    """Make a map of depths that are at hand, as `read_grid` makes one of a file; rows stay in the caller's order.

    Parameters
    ----------
    depth : (H, W) array_like
        Positive down, NaN or masked where unknown; of an `xarray.DataArray` location, units and fill values are taken.
    name : str, default 'array'
        Of the map.
    reading : ReadOptions, default DEFAULT_READING
        How voids are filled.

    Raises
    ------
    UserError
        No two-dimensional array of numbers with a value.

    Examples
    --------
    >>> scene_from_array([[1500.0, 1510.0], [1520.0, np.nan]]).depth_valid.tolist()
    [[True, True], [True, False]]
    """
    plain = plain_array(depth, "depth")
    values = plain.values
    if values.ndim != 2 or values.dtype.kind not in "iuf":
        found = f"an array of shape {values.shape} and type {values.dtype}"
        raise UserError(name, found, "(H, W) depths", "of a picture name the file")
    values = np.where(np.zeros(values.shape, bool) if plain.undefined is None else plain.undefined, np.nan, values)
    known = np.isfinite(values)
    if not known.any():
        raise UserError(name, "the map is empty: no cell has a value", "some cells with a depth")
    inside = inside_of_map(known)
    filled = fill_holes(values.astype(np.float32), known, inside, reading.fill)
    return Scene(name, filled, known, inside, find_fault_gaps(known, inside), geo=georeference_of(depth))


def _name_place(geo: GeoReference, shape: tuple[int, ...]) -> str:
    """Name a place for all horizons gridded there: corner and size, to the unit of x and y, or to part of a cell."""
    x, y = geo.xy(0, 0)
    decimals = max(0, math.ceil(-math.log10(min(abs(geo.dx or 1.0), abs(geo.dy or 1.0)))))
    return f"x{float(x):.{decimals}f}_y{float(y):.{decimals}f}_{shape[0]}x{shape[1]}"


def _extents(lines: Sequence[FaultLine], geo: GeoReference, shape: tuple[int, int]) -> str:
    """Ranges of x and y of fault lines, and of the grid that they miss."""
    points = np.concatenate([line.points[:, :2] for line in lines])
    rows, cols = np.array([0, 0, shape[0] - 1, shape[0] - 1]), np.array([0, shape[1] - 1, 0, shape[1] - 1])
    corners = np.column_stack(geo.xy(rows, cols))
    texts = [
        " and ".join(
            f"{axis} {low:.8g} to {high:.8g}" for axis, low, high in zip("xy", xy.min(0), xy.max(0), strict=True)
        )
        for xy in (points, corners)
    ]
    return f"{texts[0]}; the grid has {texts[1]}"
