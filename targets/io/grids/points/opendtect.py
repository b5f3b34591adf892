"""OpendTect horizons: headings in one line of quotes, or one a line ("# 1: X"), then tabs or spaces."""

import re

from targets.io.grids.grid_format import GridFormat
from targets.io.grids.points.reader import holds_grid_points, is_table, read_points

HEAD = re.compile(rb'\A\s*#\s*(?:1\s*:\s*\S|"[^"\n]+"\s+"[^"\n]+")')


def _is_opendtect(head: bytes) -> bool:
    return HEAD.match(head) is not None and is_table(head)


OPENDTECT = GridFormat("OpendTect horizon", _is_opendtect, read_points, holds_surface=holds_grid_points)
"""Attributes may stand behind z; without x and y the map has no location."""
