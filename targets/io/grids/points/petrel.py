"""Petrel points with attributes: the names of the columns one a line between BEGIN HEADER and END HEADER."""

import re

from targets.io.grids.grid_format import GridFormat
from targets.io.grids.points.reader import holds_grid_points, is_table, read_points

HEAD = re.compile(rb"^BEGIN HEADER\s*$", re.MULTILINE)


def _is_petrel(head: bytes) -> bool:
    return HEAD.search(head) is not None and is_table(head)


PETREL = GridFormat("Petrel points", _is_petrel, read_points, holds_surface=holds_grid_points)
"""Well tops and checkshots have such a header too; they lie on no grid."""
