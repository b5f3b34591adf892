"""Faults of a file as lines on one horizon: in its coordinate system, sticks as traces where their planes cut it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.faults.fault_format import FaultFile
from targets.io.faults.registry import read_fault_file
from targets.scene import GeoReference
from targets.surface.rasterize_faults import FaultLine, is_fault_sticks, trace_of_sticks
from targets.units.crs import same_crs, understand_crs
from targets.units.names import UNITS, unit_symbol


@dataclass(frozen=True, eq=False)
class HorizonFaults:
    """The faults of one file on one horizon.

    Attributes
    ----------
    lines : list[FaultLine]
        In map coordinates.
    notes : tuple[str, ...]
        What had to be assumed, one sentence each.
    """

    lines: list[FaultLine]
    notes: tuple[str, ...]


def read_faults_on_horizon(
    path: str | Path, depth: NDArray[np.floating], geo: GeoReference, is_elevation: bool = False
) -> HorizonFaults:
    """Read the polygons and traces of a fault file; sticks become the trace where their plane cuts the horizon.

    Parameters
    ----------
    path : str | Path
        A file for `targets.io.faults.registry.read_fault_lines`. Sticks without names of faults are those of one fault.
    depth : (H, W) float, positive down
        The horizon, finite, in the unit of the sticks' z unless the file names another one.
    geo : GeoReference
        Its location.
    is_elevation : bool, default False
        The z of sticks counts upwards, as the file of the horizon did. Sticks that meet the horizon only with the other
        sign are read with that.

    Returns
    -------
    faults : HorizonFaults
        No lines if no plane of sticks cuts the horizon.

    Raises
    ------
    UserError
        The file is missing, of no known format, or holds no line; sticks are in time and the horizon in depth.
    """
    found = read_fault_file(path)
    lines, notes = _in_system(found, geo)
    notes = (*found.notes, *notes)
    if not geo.located or not is_fault_sticks(lines):
        return HorizonFaults(lines, notes)
    lines, more = _in_unit(lines, found.z_unit, geo, path)
    notes = (*notes, *more)
    traces: list[FaultLine] = []
    turned, missed = [], []
    for name, sticks in _faults_of_sticks(found, lines, Path(path).stem).items():
        trace, is_turned = _trace(sticks, depth, geo, name, is_elevation)
        if trace is None:
            missed.append(name)
        else:
            traces.append(trace)
            turned += [name] * is_turned
    if turned:
        way = "downwards" if is_elevation else "upwards"
        notes = (*notes, f"z of the sticks of {_named(turned)} is read as counting {way}, unlike the grid: only so "
                 "they meet the horizon")  # fmt: skip
    if missed:
        notes = (*notes, f"the sticks of {_named(missed)} do not meet the horizon")
    return HorizonFaults(traces, notes)


def _in_system(found: FaultFile, geo: GeoReference) -> tuple[list[FaultLine], tuple[str, ...]]:
    """The lines in the coordinate system of the map."""
    if not found.crs or not geo.crs or not geo.located:
        return found.lines, ()
    try:
        source, target = understand_crs(found.crs), understand_crs(geo.crs)
    except UserError:
        source = target = None
    if source is None or target is None:
        return found.lines, (f"coordinate system {found.crs[:60]!r} is not understood: taken as that of the map",)
    if same_crs(found.crs, geo.crs):
        return found.lines, ()
    import pyproj

    transformer = pyproj.Transformer.from_crs(source.text, target.text, always_xy=True)
    lines = []
    for line in found.lines:
        x, y = transformer.transform(line.points[:, 0], line.points[:, 1])
        lines.append(FaultLine(line.name, np.column_stack([x, y, line.points[:, 2:]])))
    if not all(np.isfinite(line.points[:, :2]).all() for line in lines):
        return found.lines, (f"its coordinate system {source.name} does not reach the map's: taken as that of the map",)
    return lines, (f"converted from {source.name} to {target.name}",)


def _in_unit(
    lines: list[FaultLine], unit: str | None, geo: GeoReference, path: str | Path
) -> tuple[list[FaultLine], tuple[str, ...]]:
    """Sticks with their z in the unit of the horizon."""
    own = geo.depth_unit
    if unit is None or unit == own:
        return lines, ()
    if own is None:
        return lines, (f"z of the sticks is in {unit_symbol(unit)}, the horizon's unit unknown: taken as the same",)
    if unit not in UNITS or own not in UNITS or UNITS[unit].kind != UNITS[own].kind:
        raise UserError(path, f"sticks in {unit_symbol(unit)} on a horizon in {unit_symbol(own)}", "one domain",
                        "convert the sticks")  # fmt: skip
    scale = np.array([1.0, 1.0, UNITS[unit].factor / UNITS[own].factor])
    note = f"z of the sticks is converted from {unit_symbol(unit)} to {unit_symbol(own)}"
    return [FaultLine(line.name, line.points * scale) for line in lines], (note,)


def _faults_of_sticks(found: FaultFile, lines: list[FaultLine], stem: str) -> dict[str, list[FaultLine]]:
    """{fault: its sticks}: by name where several sticks share one, else all of the file."""
    groups: dict[str, list[FaultLine]] = {}
    for line in lines:
        groups.setdefault(line.name, []).append(line)
    return groups if found.is_named and len(groups) < len(lines) else {stem: lines}


def _trace(
    sticks: list[FaultLine], depth: NDArray[np.floating], geo: GeoReference, name: str, is_elevation: bool
) -> tuple[FaultLine | None, bool]:
    """The trace of a fault, and whether its sticks had to be read with the other sign."""
    for is_turned in (False, True):
        sign = np.array([1.0, 1.0, -1.0 if is_elevation != is_turned else 1.0])
        trace = trace_of_sticks([FaultLine(stick.name, stick.points * sign) for stick in sticks], depth, geo, name)
        if trace is not None:
            return trace, is_turned
    return None, False


def _named(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} others" if len(names) > 5 else "")
