"""XYZ and CSV: tables of points with or without headings, in any dialect that no other format of points is."""

from targets.io.grids.grid_format import GridFormat
from targets.io.grids.points.reader import holds_grid_points, is_table, read_points

XYZ = GridFormat("XYZ points", is_table, read_points, holds_surface=holds_grid_points, catch_all=True)
