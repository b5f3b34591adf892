"""OpenWorks horizons (IJXYZ): lines "@..." and "#...", then inline, crossline, x, y, z, and EOD or EOB at the end."""

import re

from targets.io.grids.grid_format import GridFormat
from targets.io.grids.points.reader import holds_grid_points, is_table, read_points

HEAD = re.compile(rb"^(?:@File_Version|@Export_Type|#End_of_Horizon_ASCII_Header)", re.MULTILINE | re.IGNORECASE)


def _is_openworks(head: bytes) -> bool:
    return HEAD.search(head) is not None and is_table(head)


OPENWORKS = GridFormat("OpenWorks IJXYZ", _is_openworks, read_points, holds_surface=holds_grid_points)
"""The order of the columns shows in the numbers: line numbers and coordinates follow from each other."""
