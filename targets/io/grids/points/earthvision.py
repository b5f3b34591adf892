"""EarthVision grids and scattered data: x, y, z and perhaps column and row, behind lines such as "# Field: 1 x"."""

import re

from targets.io.grids.grid_format import GridFormat
from targets.io.grids.points.reader import holds_grid_points, is_table, read_points

FIELD = re.compile(rb"^#\s*Field:\s*\d+\s", re.MULTILINE | re.IGNORECASE)


def _is_earthvision(head: bytes) -> bool:
    return FIELD.search(head) is not None and is_table(head)


EARTHVISION = GridFormat("EarthVision points", _is_earthvision, read_points, holds_surface=holds_grid_points)
"""`# Null_value:` names undefined values, `# Z_units:` and a word behind a field its unit."""
