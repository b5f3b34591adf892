"""GXF text grids, by xtgeo; coordinate system and depth unit are taken from the header, which xtgeo passes over."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from targets.common.optional_import import import_optional
from targets.io.grids.grid_format import HEAD_SIZE, GridFormat
from targets.io.grids.text_numbers import parse_depth_unit
from targets.io.read_options import ReadOptions
from targets.io.surface_file import Surface
from targets.scene import GeoReference


def _is_gxf(head: bytes) -> bool:
    return b"\x00" not in head and re.search(rb"^#(POINTS|ROWS|GRID)\s*$", head, re.MULTILINE) is not None


def _read(path: Path, reading: ReadOptions) -> Surface:
    import xtgeo

    surface = xtgeo.surface_from_file(path, fformat="gxf")
    values = np.ma.filled(surface.values.astype(np.float32), np.nan).T
    geo = GeoReference(surface.xori, surface.yori, surface.xinc, surface.yinc * surface.yflip, surface.rotation)
    with path.open("rb") as file:
        header = file.read(HEAD_SIZE).decode("latin-1").split("\n#GRID")[0]
    return Surface(values, replace(geo, crs=_read_crs(header, path), depth_unit=_read_depth_unit(header)))


def _read_crs(header: str, path: Path) -> str | None:
    """The name under #MAP_PROJECTION (GXF revision 3), if EPSG has it, or the EPSG code in comments of OpenWorks."""
    if projection := re.search(r'^#MAP_PROJECTION\s*\n\s*"?([^"\n]+)', header, re.MULTILINE):
        return _epsg_code(projection[1].strip(), path)
    if code := re.search(r"^! *Export cartographic reference.*?epsg code *: *(\d+)", header, re.MULTILINE | re.DOTALL):
        return f"EPSG:{code[1]}"
    return None


def _read_depth_unit(header: str) -> str | None:
    """The unit in comments of OpenWorks, one each for depths and times; GXF itself has no word for it."""
    domain = re.search(r"^! *dataDomain *= *(\w+)", header, re.MULTILINE)
    if domain is None:
        return None
    measure = "depth measure" if domain[1].upper().startswith("TVD") else "seismic time"
    unit = re.search(rf"^! *default {measure} unit: *(.+)", header, re.MULTILINE)
    return None if unit is None else parse_depth_unit(unit[1])


def _epsg_code(name: str, path: Path) -> str | None:
    """The code of a coordinate system by its name in the EPSG register, or None."""
    pyproj = import_optional("pyproj", path)
    try:
        code = pyproj.CRS.from_user_input(name).to_epsg()
    except pyproj.exceptions.CRSError:
        return None
    return None if code is None else f"EPSG:{code}"


GXF = GridFormat(name="GXF", recognise=_is_gxf, read=_read, suffixes=(".gxf",), read_needs=("xtgeo",))
