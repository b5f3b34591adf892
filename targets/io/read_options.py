"""Options of reading: what the files of maps do not say themselves, and how their gaps are filled."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from targets.common.cli import Names
from targets.io.map_folder.layout import Layout
from targets.surface.fill import FillMethod

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
        Coordinate system of maps whose files name none, such as EPSG:23031.
    depth_unit : str | None, default None
        Unit of the depth of maps whose files name none: m, ft, ms or s.
    xy_unit : str | None, default None
        Unit of the map coordinates of maps whose files name none: m, km, ft or degrees.
    polarity : Polarity | None, default None
        Polarity of depth pictures whose map.yaml names none: normal (black = deepest) or inverted.
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
    polarity: Polarity | None = None
    fault_file: Path | None = None
    duplicates: Duplicates = "shallower"
    quiet: bool = False
    layout: Layout = field(default_factory=Layout)


DEFAULT_READING = ReadOptions()
