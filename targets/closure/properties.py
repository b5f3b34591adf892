"""What else can be said of a closure: its cells, volume against height, lean on faults, and figures in map units."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib import recfunctions
from numpy.typing import NDArray
from scipy import ndimage

from targets.closure.find import Closures
from targets.errors import UserError
from targets.scene import GeoReference


def cells_of(closures: Closures, id: int) -> NDArray[np.bool_]:
    """(H, W) bool, the cells of one closure, nested or not."""
    row = _row(closures, id)
    outer = row
    while outer["parent"]:
        outer = closures.table[outer["parent"] - 1]
    inside = closures.labels == outer["id"]
    if outer["id"] == row["id"]:
        return inside
    level = row["contour_depth"]
    depth = closures.grid.depth
    inside &= (depth < level) if closures.grid.interval == 0 else (depth <= level)
    pieces, _ = ndimage.label(inside, ndimage.generate_binary_structure(2, 2 if closures.grid.eight else 1))
    return pieces == pieces[row["crest_row"], row["crest_col"]]


@dataclass(frozen=True, eq=False)
class VolumeCurve:
    """How much rock lies above a contact at each depth, from the crest (first) to the spill depth (last).

    Attributes
    ----------
    contact : (N,)
        Depth of the contact; height : (N,) of the contact below the crest; area : (N,) at the contact and.
    volume : (N,)
        Above it, in cells and cells x depth unit, times the cell area that was given.
    """

    contact: NDArray[np.float64]
    height: NDArray[np.float64]
    area: NDArray[np.float64]
    volume: NDArray[np.float64]


def volume_curve(closures: Closures, id: int, steps: int = 50, cell_area: float = 1.0) -> VolumeCurve:
    """The volume-height curve of one closure at `steps` + 1 contacts, evenly spread from crest to spill point."""
    row = _row(closures, id)
    depth = np.sort(closures.grid.depth[cells_of(closures, id)].astype(np.float64))
    contact = np.linspace(row["crest_depth"], row["spill_depth"], steps + 1)
    count = np.searchsorted(depth, contact, side="left")
    total = np.concatenate([[0.0], np.cumsum(depth)])
    area, volume = count.astype(np.float64), count * contact - total[count]
    return VolumeCurve(contact, contact - row["crest_depth"], area * cell_area, volume * cell_area)


def fault_share(closures: Closures, faults: NDArray) -> NDArray[np.float64]:
    """Which part of each outline lies on a fault: 0 = a four-way closure, 1 = held by faults all round.

    Parameters
    ----------
    faults : (H, W) bool
        Or integers. The outline consists of the cell sides between a closure and what is not; a side.

    Notes
    -----
    is on a fault when one of its two cells is. Returns (N,) for the rows of the table, NaN for nested closures.
    """
    labels, fault = np.pad(closures.labels, 1), np.pad(np.asarray(faults) != 0, 1)
    count = np.zeros((2, closures.table.size + 1))
    for axis in (0, 1):
        for step in (-1, 1):
            other, other_fault = np.roll(labels, step, axis), np.roll(fault, step, axis)
            side = (labels > 0) & (other != labels)
            for k, chosen in enumerate([side, side & (fault | other_fault)]):
                count[k] += np.bincount(labels[chosen], minlength=count.shape[1])
    with np.errstate(invalid="ignore"):
        return np.where(closures.table["parent"] == 0, count[1, 1:] / count[0, 1:], np.nan)


def in_map_units(closures: Closures, geo: GeoReference) -> NDArray[Any]:
    """The table with crest_x, crest_y, spill_x, spill_y, and area and volume times the area of a cell.

    Without a spacing in `geo` the unit is the cell; without a location x is the column and y the row.
    """
    table = closures.table
    xy = [*geo.xy(table["crest_row"], table["crest_col"]), *geo.xy(table["spill_row"], table["spill_col"])]
    areas = table["area"] * geo.cell_area
    plain = recfunctions.drop_fields(table, ["area", "volume"])
    names = ["area", "volume", "crest_x", "crest_y", "spill_x", "spill_y"]
    columns = [areas, table["volume"] * geo.cell_area, *xy]
    return recfunctions.append_fields(plain, names, columns, usemask=False)


def _row(closures: Closures, id: int) -> Any:
    if not 1 <= id <= closures.table.size:
        raise UserError("closure id", f"{id}", f"1 to {closures.table.size}")
    return closures.table[id - 1]
