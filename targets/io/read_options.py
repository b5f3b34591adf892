"""Options of reading: what the files of maps do not say themselves, and how their gaps are filled."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from targets.common.cli import Names
from targets.errors import UserError
from targets.io.map_folder.layout import Layout
from targets.rendering.palettes import HighEnd
from targets.scene import GeoReference
from targets.surface.fill import FillMethod
from targets.units.crs import map_plane_scale, same_crs, understand_crs
from targets.units.names import DEPTH_UNITS, XY_UNITS, require_unit

Duplicates = Literal["shallower", "mean", "fault"]
Polarity = Literal["normal", "inverted"]


@dataclass(frozen=True)
class ReadOptions:
    """How the files of maps are read.

    Attributes
    ----------
    fill : FillMethod, default 'inpaint'
        How holes in a depth are filled: inpaint or griddata.
    elevation : bool | None, default None
        Grids and fault sticks hold elevations, positive up; their negative is the depth. By default a grid whose values
        are all negative holds elevations, which is printed.
    nodata : float | Literal['none'] | None, default None
        The value of undefined cells in grids, such as -9999; none: every finite value is a depth, unless the file
        declares it undefined. By default values that are repeated far outside the rest are undefined, which is printed.
    columns : Names | None, default None
        The columns of tables of points, by number from 1 or by heading: x=3,y=4,z=5.
    crs : str | None, default None
        Coordinate system of maps whose files name none, such as EPSG:23031; an error where a file names another.
    depth_unit : str | None, default None
        Unit of the depth of maps whose files name none: m, ft, ms or s; an error where a file names another.
    xy_unit : str | None, default None
        Unit of the map coordinates of maps whose files name none: m, km, ft or degrees; an error where a file or the
        coordinate system says another.
    depth_range : tuple[float, float] | None, default None
        Shallowest and deepest depth of pictures whose map.yaml gives no depth_range and whose page no numbers, in
        brackets: [1500,2000]. Of depth pictures what white and black mean, else what the highest and lowest colour do.
    polarity : Polarity | None, default None
        Polarity of pictures whose map.yaml names none: normal (black, and blue, = deepest) or inverted.
    high : HighEnd | None, default None
        The end of the colours that is high in pictures whose map.yaml says nothing: red, blue, light or dark. By
        default numbers and words on the page tell; where they do not, red if the colours close round it, else
        predict.py asks.
    panel : str | None, default None
        The panel to read of pictures with several maps: its number in reading order, or a word of its title.
    map_box : tuple[int, int, int, int] | None, default None
        The map in pictures of a page, if it is not found: left,top,right,bottom in pixels, in brackets.
    colour_bar : tuple[float, float, float, float, float, float] | None, default None
        The colour bar of pictures of a page, if it is not found or read: x and y in pixels of a place on it, x and y of
        another one, and the numbers there, in brackets: [640,80,640,420,1500,2100].
    fault_file : Path | None, default None
        File of the faults of the grids, in place of the files beside them; none: no faults.
    duplicates : Duplicates, default 'shallower'
        What a node with two depths holds: the shallower one, their mean, or a fault.
    quiet : bool, default False
        Do not print what was understood of each map.
    layout : Layout
        Names of the files of a map, and the pattern of flat names.
    """

    fill: FillMethod = "inpaint"
    elevation: bool | None = None
    nodata: float | Literal["none"] | None = None
    columns: Names | None = None
    crs: str | None = None
    depth_unit: str | None = None
    xy_unit: str | None = None
    depth_range: tuple[float, float] | None = None
    polarity: Polarity | None = None
    high: HighEnd | None = None
    panel: str | None = None
    map_box: tuple[int, int, int, int] | None = None
    colour_bar: tuple[float, float, float, float, float, float] | None = None
    fault_file: Path | None = None
    duplicates: Duplicates = "shallower"
    quiet: bool = False
    layout: Layout = field(default_factory=Layout)


DEFAULT_READING = ReadOptions()
MAX_AREA_ERROR = 0.01  # a projection for mapping is within a few thousandths


def complete_location(
    geo: GeoReference, reading: ReadOptions = DEFAULT_READING, has_depth_unit: bool = True
) -> tuple[GeoReference, tuple[str, ...]]:
    """Fill in the coordinate system and the units that the files of a map do not say.

    Parameters
    ----------
    geo : GeoReference
        What the files say.
    reading : ReadOptions, default DEFAULT_READING
        What the user says.
    has_depth_unit : bool, default True
        Whether the depth can have a unit: it is not normalised, and there is one.

    Returns
    -------
    geo : GeoReference
        Without a coordinate system that is not understood; the unit of a compound system's vertical axis is that of the
        depth where nothing else says one.
    notes : tuple[str, ...]
        What was left out, and what areas mean where the map plane differs from the ground by more than 1 %.

    Raises
    ------
    UserError
        An option is not understood, or contradicts the files.

    Examples
    --------
    >>> geo, notes = complete_location(GeoReference(crs="Mars"), ReadOptions(crs="EPSG:23031", depth_unit="feet"))
    >>> geo.crs, geo.xy_unit, geo.depth_unit, notes
    ('EPSG:23031', 'm', 'ft', ("coordinate system 'Mars' is not understood: left out",))
    """
    notes: list[str] = []
    if geo.crs and understand_crs(geo.crs) is None:
        hint = "" if reading.crs else " (--crs)"
        notes.append(f"coordinate system {geo.crs[:80]!r} is not understood: left out{hint}")
        geo = replace(geo, crs=None)
    if reading.crs:
        if understand_crs(reading.crs) is None:
            raise UserError("--crs", repr(reading.crs[:80]), "a coordinate system that PROJ knows, such as EPSG:23031")
        if geo.crs and not same_crs(geo.crs, reading.crs):
            raise UserError("--crs", reading.crs, f"{geo.crs[:80]}, as the file says",
                            "leave the option away for this map, or correct the file")  # fmt: skip
        geo = _filled(geo, "crs", geo.crs or reading.crs, reading.crs)
    for key, allowed in (("xy_unit", XY_UNITS), ("depth_unit", DEPTH_UNITS)):
        asked = getattr(reading, key)
        if asked is not None and (key == "xy_unit" or has_depth_unit):
            geo = _filled(geo, key, require_unit(asked, f"--{key}", allowed), getattr(geo, key))
    system = understand_crs(geo.crs) if geo.crs else None
    if system is not None and geo.depth_unit is None and has_depth_unit:
        geo = replace(geo, depth_unit=system.depth_unit)
    if geo.crs and geo.x0 is not None and geo.y0 is not None:
        scale = map_plane_scale(geo.crs, geo.x0, geo.y0)
        if scale is not None and abs(scale - 1) > MAX_AREA_ERROR:
            notes.append(f"areas are those of the map plane, {scale:.3g} times those on the ground: reproject the map "
                         "to one that keeps areas")  # fmt: skip
    return geo, tuple(notes)


def _filled(geo: GeoReference, key: str, value: str, said: str | None) -> GeoReference:
    """A location with one more field; it may contradict what the file says."""
    more: dict[str, Any] = {key: value}
    try:
        filled = replace(geo, **more)
    except UserError as error:
        raise UserError(f"--{key}", *error.args[1:]) from error
    own = getattr(geo, key)
    if key != "crs" and own is not None and own != getattr(filled, key):
        raise UserError(f"--{key}", value, f"{said}, as the file says", "leave the option away for this map")
    return filled
