"""Properties of single closures: cells, volume curve, share of the outline on faults, figures in map units."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib import recfunctions
from numpy.typing import NDArray
from scipy import ndimage

from targets.closure.arrays import check_faults
from targets.closure.find import Closures
from targets.closure.nesting import find_nesting
from targets.errors import UserError
from targets.scene import GeoReference


def cells_of(closures: Closures, id: int) -> NDArray[np.bool_]:
    """The cells of one closure, nested or not.

    Parameters
    ----------
    closures : Closures
        Of `find_closures`.
    id : int
        Id of the closure in the table.

    Returns
    -------
    (H, W) bool
        True in the closure.

    Raises
    ------
    UserError
        The table has no such id.
    """
    row = _row(closures, id)
    root = row
    while root["parent"]:
        root = closures.table[root["parent"] - 1]
    inside = closures.labels == root["id"]
    if root["id"] == row["id"]:
        return inside
    level = row["contour_depth"]
    depth = closures.grid.depth
    inside &= (depth < level) if closures.grid.interval == 0 else (depth <= level)
    pieces, _ = ndimage.label(inside, ndimage.generate_binary_structure(2, 2 if closures.grid.eight else 1))
    return pieces == pieces[row["crest_row"], row["crest_col"]]


@dataclass(frozen=True, eq=False)
class VolumeCurve:
    """Rock volume above a contact at each depth, from the crest (first) to the spill depth (last).

    Attributes
    ----------
    contact : (N,) float64, positive down
        Depth of the contact.
    height : (N,) float64
        Height of the crest above the contact, in the unit of depth.
    area : (N,) float64
        Area of the closure at the contact: cells, times the cell area that was given.
    volume : (N,) float64
        Volume above the contact: cells times the unit of depth, times the cell area that was given.
    """

    contact: NDArray[np.float64]
    height: NDArray[np.float64]
    area: NDArray[np.float64]
    volume: NDArray[np.float64]


def volume_curve(closures: Closures, id: int, steps: int = 50, cell_area: float = 1.0) -> VolumeCurve:
    """The volume-height curve of one closure.

    Parameters
    ----------
    closures : Closures
        Of `find_closures`.
    id : int
        Id of the closure in the table.
    steps : int, default 50
        The curve has steps + 1 contacts, evenly spaced from the crest to the spill point.
    cell_area : float, default 1.0
        Area of a cell, e.g. in square metres.

    Returns
    -------
    VolumeCurve
        Area and volume at each contact.

    Raises
    ------
    UserError
        The table has no such id.

    Examples
    --------
    A closure of two cells, 4 and 2 above the spill depth:

    >>> from targets.closure import find_closures
    >>> found = find_closures([[9, 9, 9, 9], [9, 3, 5, 7], [9, 9, 9, 9]])
    >>> curve = volume_curve(found, 1, steps=2)
    >>> curve.contact.tolist(), curve.area.tolist(), curve.volume.tolist()
    ([3.0, 5.0, 7.0], [0.0, 1.0, 2.0], [0.0, 2.0, 6.0])
    """
    row = _row(closures, id)
    depth = np.sort(closures.grid.depth[cells_of(closures, id)].astype(np.float64))
    contact = np.linspace(row["crest_depth"], row["spill_depth"], steps + 1)
    count = np.searchsorted(depth, contact, side="left")
    total = np.concatenate([[0.0], np.cumsum(depth)])
    area, volume = count.astype(np.float64), count * contact - total[count]
    return VolumeCurve(contact, contact - row["crest_depth"], area * cell_area, volume * cell_area)


def fault_share(closures: Closures, faults: NDArray) -> NDArray[np.float64]:
    """The share of each outline that lies on a fault: 0 = a four-way closure, 1 = bounded by faults all round.

    The outline consists of the cell sides between a closure and what is not; a side is on a fault when one of its two
    cells is.

    Parameters
    ----------
    closures : Closures
        Of `find_closures`.
    faults : (H, W) bool or integer
        Fault cells, 0 or masked = none.

    Returns
    -------
    (N,) float64
        For the rows of the table; NaN for nested closures.
    """
    labels, fault = np.pad(closures.labels, 1), np.pad(check_faults(faults, closures.labels.shape) != 0, 1)
    count = np.zeros((2, closures.table.size + 1))
    for axis in (0, 1):
        for step in (-1, 1):
            other, other_fault = np.roll(labels, step, axis), np.roll(fault, step, axis)
            side = (labels > 0) & (other != labels)
            for k, chosen in enumerate([side, side & (fault | other_fault)]):
                count[k] += np.bincount(labels[chosen], minlength=count.shape[1])
    with np.errstate(invalid="ignore"):
        return np.where(closures.table["parent"] == 0, count[1, 1:] / count[0, 1:], np.nan)


def in_map_units(closures: Closures, geo: GeoReference | None = None) -> NDArray[Any]:
    """The table in map units.

    Parameters
    ----------
    closures : Closures
        Of `find_closures`.
    geo : GeoReference | None, default None
        Location of the map, and the units of its coordinates and depths; by default that of the `DataArray` in which
        the closures were found. Without a location x is the column and y the row.

    Returns
    -------
    (N,) structured array
        The columns of `ROW`, and crest_x, crest_y, spill_x, spill_y. Heights and volumes are those above the depth of
        the outline: of the last closed contour in the contour reading, where `ROW` has those above the spill depth,
        which holds more. Areas are in m² and volumes in m³ where the units
        of x, y and depth are known, on the ellipsoid if the map lies in degrees; else in squared map units, times the
        unit of depth; in cells where the spacing is unknown too (`GeoReference.units` says which). The depths keep
        their own unit. On a map of travel times the volume means nothing, and no file shows it.

    Examples
    --------
    A closure of two cells, 4 and 2 ft above the spill depth, on a grid in metres:

    >>> from targets.closure import find_closures
    >>> found = find_closures([[9, 9, 9, 9], [9, 3, 5, 7], [9, 9, 9, 9]])
    >>> table = in_map_units(found, GeoReference(dx=10.0, dy=-10.0, xy_unit="m", depth_unit="ft"))
    >>> table["area"].tolist(), table["height"].tolist(), table["volume"].round(2).tolist()
    ([200.0], [4.0], [182.88])
    """
    geo, table = closures.geo if geo is None else geo, closures.table
    xy = [*geo.xy(table["crest_row"], table["crest_col"]), *geo.xy(table["spill_row"], table["spill_col"])]
    cell_areas = geo.cell_areas(closures.labels.shape)
    heights, volumes = above_outline(table)
    if cell_areas.size == 1:
        areas, volumes = table["area"] * cell_areas.item(), volumes * cell_areas.item()
    else:
        nesting, weights = find_nesting(closures), np.broadcast_to(cell_areas, closures.labels.shape)
        areas = nesting.sums(weights)
        volumes = areas * table["contour_depth"] - nesting.sums(weights * closures.grid.depth)
    kept = recfunctions.drop_fields(table, ["height", "area", "volume"])
    names = ["height", "area", "volume", "crest_x", "crest_y", "spill_x", "spill_y"]
    columns = [heights, areas, volumes * geo.height_factor, *xy]
    return recfunctions.append_fields(kept, names, columns, usemask=False)


def above_outline(rows: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Height and volume of closures above the depth of their outlines, the spill depth or the last closed contour.

    Parameters
    ----------
    rows : (N,) of `ROW`
        Rows of a table of closures.

    Returns
    -------
    height, volume : (N,) float64
        In the unit of depth, and in cells times it.

    Examples
    --------
    The last closed contour of every 2 is at 6, one above the spill depth:

    >>> from targets.closure import find_closures
    >>> found = find_closures([[9, 9, 9, 9], [9, 3, 5, 7], [9, 9, 9, 9]], contour_interval=2)
    >>> found.table[["height", "volume"]].tolist(), [values.tolist() for values in above_outline(found.table)]
    ([(4.0, 6.0)], [[3.0], [4.0]])
    """
    above_spill = rows["spill_depth"] - rows["contour_depth"]
    return rows["contour_depth"] - rows["crest_depth"], rows["volume"] - rows["area"] * above_spill


def areas_of_labels(
    labels: NDArray[np.integer], cell_areas: NDArray[np.float64], count: int | None = None
) -> NDArray[np.float64]:
    """The area of the cells with each label.

    Parameters
    ----------
    labels : (H, W) int
        1 to N; what is below 1 is nothing.
    cell_areas : float64, broadcasts to (H, W)
        Of `GeoReference.cell_areas`.
    count : int | None, default None
        N; by default the largest label.

    Returns
    -------
    (N,) float64

    Examples
    --------
    >>> areas_of_labels(np.array([[1, 1], [0, 3]]), np.array([[2.0], [5.0]])).tolist()
    [4.0, 0.0, 5.0]
    """
    chosen = labels > 0
    size = 1 + (int(labels.max(initial=0)) if count is None else count)
    if cell_areas.size == 1:
        return np.asarray(np.bincount(labels[chosen], minlength=size)[1:] * cell_areas.item(), np.float64)
    weights = np.broadcast_to(cell_areas, labels.shape)[chosen]
    return np.asarray(np.bincount(labels[chosen], weights, minlength=size)[1:], np.float64)


def _row(closures: Closures, id: int) -> Any:
    """The row of a closure."""
    if not 1 <= id <= closures.table.size:
        raise UserError("closure id", f"{id}", f"1 to {closures.table.size}")
    return closures.table[id - 1]
