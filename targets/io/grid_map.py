"""A gridded surface and its fault files as a map: outline, filled voids, fault cells."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.fault_files import read_fault_lines
from targets.io.grids.registry import load_surface
from targets.io.read_options import DEFAULT_READING, ReadOptions
from targets.scene import GeoReference, Provenance, Scene
from targets.surface.fill import fill_holes, find_fault_gaps
from targets.surface.outline import inside_of_map
from targets.surface.rasterize_faults import FaultLine, is_fault_sticks, rasterize_faults, trace_of_sticks

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
        Files of fault polygons, traces or sticks (`targets.io.fault_files.read_fault_lines`): their cells are the fault
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
    """Read a grid as `read_grid` does, without a word to the log."""
    surface = load_surface(path, reading)
    values, geo = surface.values, surface.geo
    known = np.isfinite(values)
    if not known.any():
        raise UserError(path, "the map is empty: no cell has a value", "some cells with a depth")
    inside = inside_of_map(known)
    depth = fill_holes(values, known, inside, reading.fill)
    if not fault_files:
        fault, used = find_fault_gaps(known, inside), []
    else:
        lines_of_files = [read_fault_lines_on_horizon(file, depth, geo, surface.is_elevation)
                          for file in fault_files]  # fmt: skip
        lines = [line for lines in lines_of_files for line in lines]
        used = [(Path(file).name, len({line.name for line in lines}))
                for file, lines in zip(fault_files, lines_of_files, strict=True)]  # fmt: skip
        fault = rasterize_faults(lines, geo, known.shape) > 0
        if not fault.any():
            raise UserError(fault_files[0], f"none of its lines lies on {Path(path).name}", "the grid's coordinates",
                            "check the coordinate system of both files")  # fmt: skip
    group = ""
    if geo.located:
        x, y = geo.xy(0, 0)
        group = f"x{float(x):.0f}_y{float(y):.0f}_{known.shape[0]}x{known.shape[1]}"
    if surface.fault is not None:
        fault = fault | surface.fault & inside
    undefined = 1 - float(known.mean())
    provenance = Provenance(
        Path(path).name, surface.format, tuple(used), undefined, surface.notes, surface.is_elevation
    )
    return Scene(Path(path).stem, depth, known, inside, fault, geo=geo, group=group, provenance=provenance)


def read_fault_lines_on_horizon(
    path: str | Path, depth: NDArray[np.floating], geo: GeoReference, is_elevation: bool = False
) -> list[FaultLine]:
    """Read the polygons and traces of a fault file; sticks become the trace where their plane cuts the horizon.

    Parameters
    ----------
    path : str | Path
        A file for `targets.io.fault_files.read_fault_lines`; sticks of one fault fill a file.
    depth : (H, W) float, positive down
        The horizon, finite, in the unit of the sticks' z.
    geo : GeoReference
        Its location.
    is_elevation : bool, default False
        The z of sticks counts upwards, as the file of the horizon did.

    Returns
    -------
    lines : list[FaultLine]
        In map coordinates; none if the plane of the sticks does not cut the horizon.

    Raises
    ------
    UserError
        The file is missing, of no known format, or holds no line.
    """
    lines = read_fault_lines(path)
    if not is_fault_sticks(lines) or not geo.located:
        return lines
    trace = trace_of_sticks(lines, -depth if is_elevation else depth, geo, Path(path).stem)
    return [] if trace is None else [trace]
