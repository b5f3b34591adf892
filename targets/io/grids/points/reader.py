"""Reader of tables of points in all dialects, and the test whether a file holds the points of a grid."""

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.common.memory import require_memory
from targets.errors import UserError
from targets.io.grids.grid_format import HEAD_SIZE, check_cell_count
from targets.io.grids.points import evidence
from targets.io.grids.points.columns import MAX_UNNAMED, PointColumns, find_columns
from targets.io.grids.text_numbers import NULL_FLOOR
from targets.io.read_options import ReadOptions
from targets.io.scattered_points import grid_scattered_points
from targets.io.surface_file import Surface
from targets.io.text_tables.headings import Heading
from targets.io.text_tables.layout import LINE_SEPARATOR, TableLayout, find_layout
from targets.io.text_tables.rows import read_columns, sample_runs
from targets.scene import GeoReference
from targets.units.names import unit_kind

MAX_POINTS = 2**26  # of a table
MAX_BYTES = 2**33  # of a file: 128 for each of them
MEMORY_PER_BYTE = 6  # bytes of memory for each byte of a file, measured on 10 million points
MIN_GRID_POINTS = 4
NORTHINGS, EASTINGS = (1e6, 9.9e6), (166e3, 834e3)  # of UTM


def is_table(head: bytes) -> bool:
    """Whether the beginning of a file is that of a table of points, of whatever kind."""
    layout = find_layout(head, len(head) < HEAD_SIZE)
    if layout is None or layout.parts_lines or len(layout.sample) < 2:
        return False
    return bool(layout.preamble.headings) or layout.width <= MAX_UNNAMED


def holds_grid_points(path: Path) -> bool:
    """Whether a table that merely lies in a folder holds the points of a grid: no fault lines, no wells, no statistics.

    Only its beginning is looked at.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_SIZE)
    if head[:2] == b"\x1f\x8b":
        with gzip.open(path) as file:
            head = file.read(HEAD_SIZE)
    layout = find_layout(head, len(head) < HEAD_SIZE)
    if layout is None or layout.parts_lines or len(layout.sample) < MIN_GRID_POINTS:
        return False
    roles = {heading.role for heading in layout.preamble.headings}
    if "path" in roles:
        return False
    try:
        columns = find_columns(layout, [layout.sample])
    except UserError:
        return False
    if not columns.is_located:
        return True
    x, y, z = layout.sample[:, (columns.x, columns.y, columns.z)].T
    known = np.isfinite(x) & np.isfinite(y) & np.isfinite(z)
    if layout.is_whole:
        try:
            grid_scattered_points(x[known], y[known], z[known])
        except UserError:
            return False
        return True
    # A large table in any order, of a rotated grid, cannot be distinguished from other points by its beginning.
    return evidence.looks_like_grid([layout.sample], columns.x, columns.y) or not roles & {"name"}


def read_points(path: Path, reading: ReadOptions) -> Surface:
    """Read a table of points that were exported from a grid.

    Parameters
    ----------
    path : Path
        The file, unpacked.
    reading : ReadOptions
        Its `columns` names x, y and z, its `nodata` an undefined value.

    Returns
    -------
    surface : Surface

    Raises
    ------
    UserError
        The columns cannot be distinguished, a line is no row, or the points do not lie on a grid.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise UserError(path, f"a table of {size:,} bytes", f"at most {MAX_BYTES:,}", "cut it into smaller maps")
    if size > HEAD_SIZE:
        require_memory(MEMORY_PER_BYTE * size, path, "cut it into smaller maps")
    with path.open("rb") as file:
        head = file.read(HEAD_SIZE)
    layout = find_layout(head, len(head) < HEAD_SIZE)
    if layout is None:
        raise UserError(path, "no table of points", "columns x, y, z")
    if layout.parts_lines:
        raise UserError(path, "lines parted by rows of 999: faults or other lines", "points of a grid")
    if layout.doubtful_comma:
        raise UserError(path, "the commas in numbers may mark decimals or thousands, as in 461,500",
                        "other decimals than three in some number", "export it again with a decimal point")  # fmt: skip
    columns = find_columns(layout, sample_runs(path, layout), reading.columns)
    table, notes = read_columns(path, layout, (columns.x, columns.y, columns.z))
    check_cell_count(path, len(table), max_cells=MAX_POINTS)
    if layout.preamble.null is not None:
        table[np.isclose(table[:, 2], layout.preamble.null, rtol=1e-6, atol=0), 2] = np.nan
    placed = (np.abs(table[:, 0]) < NULL_FLOOR) & (np.abs(table[:, 1]) < NULL_FLOOR)
    if not placed.all():  # rows without anything
        table = table[placed | (np.abs(table[:, 2]) < NULL_FLOOR)]
    if (table[table[:, 0] == LINE_SEPARATOR] == LINE_SEPARATOR).all(axis=1).any():
        raise UserError(path, "lines parted by rows of 999: faults or other lines", "points of a grid")
    return _surface(table, layout, columns, notes, reading)


def _swapped_note(table: NDArray[np.float64], columns: PointColumns) -> tuple[str, ...]:
    """A note where x is as large as northings are, and y as eastings: the map may be mirrored."""
    x, y = np.median(table[:, 0]), np.median(table[:, 1])
    if not (NORTHINGS[0] < x < NORTHINGS[1] and EASTINGS[0] < y < EASTINGS[1]):
        return ()
    swapped = f"--columns x={columns.y + 1},y={columns.x + 1},z={columns.z + 1}"
    return (f"x is about {x:,.0f} and y {y:,.0f}: if they are northing and easting, the map is mirrored ({swapped})",)


def _surface(
    table: NDArray[np.float64], layout: TableLayout, columns: PointColumns, notes: tuple[str, ...], reading: ReadOptions
) -> Surface:
    """Points (n, 3) on their grid, with what the headings say of units and sign."""
    preamble, no_heading = layout.preamble, Heading("", "other")
    x_heading, z_heading = ((*preamble.headings, *[no_heading] * layout.width)[i] for i in (columns.x, columns.z))
    is_up = True if z_heading.is_up else preamble.is_up
    if z_heading.is_up and reading.elevation is None:
        notes = (*notes, f"the heading {z_heading.text!r} says positive up: read as elevations; --no_elevation "
                 "reads them as depths")  # fmt: skip
    if x_heading.rank == 0 and columns.is_located and reading.columns is None:
        notes = (*notes, *_swapped_note(table[:1000], columns))
    surface = grid_scattered_points(table[:, 0], table[:, 1], table[:, 2], reading, is_up)
    depth_unit, xy_unit = z_heading.unit or preamble.depth_unit, x_heading.unit or preamble.xy_unit
    if unit_kind(depth_unit) == "angle":
        depth_unit = None
    if unit_kind(xy_unit) == "time" or (unit_kind(xy_unit) == "angle" and np.abs(table[:, :2]).max() > 360):
        xy_unit = None
    geo = replace(surface.geo, crs=preamble.crs, xy_unit=xy_unit) if columns.is_located else GeoReference()
    return replace(surface, geo=replace(geo, depth_unit=depth_unit), notes=(*columns.notes, *notes, *surface.notes),
                   is_depth=is_up is False, is_elevation=bool(is_up))  # fmt: skip
