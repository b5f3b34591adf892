"""Files beside a raster that say where it lies: .prj, world files and GDAL's .aux.xml, read without following names."""

import html
import math
import re
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

# (a, b, c, d, e, f) with x = a*col + b*row + c and y = d*col + e*row + f, from the corner of the first cell.
Affine = tuple[float, float, float, float, float, float]

MAX_SIZE = 2**20  # bytes; statistics and histograms of an .aux.xml take some thousand


@dataclass(frozen=True)
class SideFiles:
    """What files beside a raster say; a field is None where none of them says it.

    Attributes
    ----------
    affine : Affine | None, default None
        From the corner of the first cell, as GDAL counts.
    affine_file : str, default ''
        Name of the file that says it.
    nodata : float | None, default None
        Stored value of undefined cells.
    scale : tuple[float, float] | None, default None
        Factor and summand that turn what is stored into values.
    unit : str | None, default None
        Unit of the values, in the file's words.
    notes : tuple[str, ...], default ()
        What was taken from which file, and what could not be understood.
    """

    affine: Affine | None = None
    affine_file: str = ""
    nodata: float | None = None
    scale: tuple[float, float] | None = None
    unit: str | None = None
    notes: tuple[str, ...] = ()


NO_SIDE_FILES = SideFiles()


def read_side_text(path: Path) -> str | None:
    """The text of a small regular file; None if there is none, or it is something else."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_SIZE:
            return None
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return None


def read_crs_beside(path: Path) -> tuple[str, str] | None:
    """Read the coordinate system that a .prj or an .aux.xml beside a grid names.

    Parameters
    ----------
    path : Path
        The grid.

    Returns
    -------
    crs : str
        The text in the file.
    name : str
        The name of the file.
    """
    auxiliary = path.with_name(f"{path.name}.aux.xml")
    for beside in (path.with_suffix(".prj"), path.with_suffix(".PRJ"), path.with_name(f"{path.name}.prj"), auxiliary):
        text = read_side_text(beside) if beside != path else None
        if text is not None and beside == auxiliary:
            match = re.search(r"<SRS[^<>]*>([^<>]+)</SRS>", text)
            text = html.unescape(match[1]) if match else None
        if text is not None and (crs := text.strip(" \t\r\n\x00")):
            return crs, beside.name
    return None


def read_side_files(path: Path) -> SideFiles:
    """Read what .aux.xml and world files beside a raster say.

    Parameters
    ----------
    path : Path
        The raster.

    Returns
    -------
    beside : SideFiles
        The .aux.xml goes before a world file, as in GDAL.
    """
    found = read_auxiliary(path)
    if found.affine is None:
        for world in world_files(path):
            text = read_side_text(world)
            if text is not None and (affine := parse_world_file(text)) is not None:
                return replace(found, affine=affine, affine_file=world.name)
    return found


def read_auxiliary(path: Path) -> SideFiles:
    """Read what the .aux.xml of GDAL and QGIS beside a raster or a picture says, but for the coordinate system."""
    auxiliary = path.with_name(f"{path.name}.aux.xml")
    text = read_side_text(auxiliary)
    return NO_SIDE_FILES if text is None else _parse_auxiliary(text, auxiliary.name)


def world_files(path: Path) -> list[Path]:
    """Names that a world file may have: top.tfw, top.tifw and top.wld for top.tif."""
    suffix = path.suffix.lstrip(".")
    names = [f"{suffix[0]}{suffix[-1]}w", f"{suffix}w", "wld"] if suffix else ["wld"]
    forms = dict.fromkeys(form for name in names for form in (name, name.lower(), name.upper()))
    return [path.with_suffix(f".{form}") for form in forms]


def parse_world_file(text: str) -> Affine | None:
    """The transform of a world file's six numbers: steps along a row, then the centre of the first cell."""
    try:
        a, d, b, e, x, y = (float(word.replace(",", ".")) for word in text.split())
    except ValueError:
        return None
    if not all(map(math.isfinite, (a, d, b, e, x, y))):
        return None
    return a, b, x - (a + b) / 2, d, e, y - (d + e) / 2


def _parse_auxiliary(text: str, name: str) -> SideFiles:
    """Location, nodata, scale and unit of GDAL's .aux.xml; masks and overviews that it names are left alone."""
    unknown = SideFiles(notes=(f"{name} is not understood: left out",))
    if "<!" in text.replace("<!--", ""):  # entities multiply, and lead to other files
        return unknown
    try:
        root = ElementTree.fromstring(text)
        band = root.find("PAMRasterBand[@band='1']")
        band = root.find("PAMRasterBand") if band is None else band
        numbers = _numbers(root.findtext("GeoTransform"), ",")
        nodata = None if band is None else _numbers(band.findtext("NoDataValue"))
        factor = _numbers(band.findtext("Scale")) if band is not None else None
        summand = _numbers(band.findtext("Offset")) if band is not None else None
        unit = None if band is None else band.findtext("UnitType")
    except (ElementTree.ParseError, ValueError):
        return unknown
    affine = None
    if numbers is not None and len(numbers) == 6:
        c, a, b, f, d, e = numbers
        affine = (a, b, c, d, e, f)
    scale = (factor[0] if factor else 1.0, summand[0] if summand else 0.0) if factor or summand else None
    value = nodata[0] if nodata else None
    said = {"undefined value": value, "scale": scale, "unit": unit}
    taken = [word for word, known in said.items() if known is not None]
    notes = (f"{name} beside it gives its {' and '.join(taken)}",) if taken else ()
    return SideFiles(affine, name if affine else "", value, scale, unit, notes)


def _numbers(text: str | None, separator: str | None = None) -> list[float] | None:
    return None if not text else [float(word) for word in text.split(separator)]
