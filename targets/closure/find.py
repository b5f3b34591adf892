"""`find_closures`: every closed structural trap of a depth map, as labels, heights and a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from targets.closure.arguments import SearchOptions, active_rules, cell_states, check_contours, dilate
from targets.closure.arrays import check_depth, check_faults, check_mask, georeference_of
from targets.closure.kernels.codes import Grid
from targets.closure.merge_tree import grow_tree, label_map, number_nodes
from targets.scene import GeoReference

ROW = np.dtype(
    [
        ("id", "i4"),  # row number + 1
        ("crest_row", "i4"),
        ("crest_col", "i4"),
        ("crest_depth", "f8"),
        ("spill_row", "i4"),
        ("spill_col", "i4"),
        ("spill_depth", "f8"),
        ("leak_row", "i4"),  # the neighbour it leaks to; -1 = over the edge of the map: a minimum case; or no way out
        ("leak_col", "i4"),
        ("contour_depth", "f8"),  # of the outline: the last closed contour, or the spill depth in the spill reading
        ("height", "f8"),
        ("area", "i8"),  # cells
        ("volume", "f8"),  # cells x depth unit
        ("parent", "i4"),  # id, 0 = none
        ("spills_into", "i4"),  # id, 0 = out of the map
        ("touches_fault", "?"),
    ]
)


@dataclass(frozen=True, eq=False)
class Closures:
    """Every closure of one map.

    Attributes
    ----------
    labels : (H, W) int32
        The id of the outermost closure a cell belongs to, 0 = none.
    height : (H, W) float32
        Height of a cell above the spill depth of that closure, in the unit of depth; 0 elsewhere.
    table : (N,) of `ROW`
        Structured array, one row per closure, row ``id - 1``: outermost closures first, from the shallowest spill
        depth to the deepest; then nested ones, from the deepest. ``pandas.DataFrame(table)`` takes it as it is.
    grid : Grid
        The map, for the functions that take closures.
    geo : GeoReference, default GeoReference()
        Where it lies, if depth was an `xarray.DataArray` with coordinates.
    """

    labels: NDArray[np.int32]
    height: NDArray[np.float32]
    table: NDArray[Any]
    grid: Grid
    geo: GeoReference = field(default_factory=GeoReference)


def find_closures(
    depth: ArrayLike,
    valid: ArrayLike | None = None,
    faults: ArrayLike | None = None,
    fault_rule: str | Mapping[int, str] = "transparent",
    edge: str = "open",
    connectivity: int = 8,
    contour_interval: float | None = None,
    contour_base: float = 0.0,
    min_area: float = 0,
    min_height: float = 0.0,
) -> Closures:
    """Find the closed structural traps of a depth map, exactly.

    A cell belongs to a closure when it is shallower than the spill depth of its high, which is the *minimax depth*:
    over all paths from the cell to an open border, the smallest possible maximum depth. That is the `spill` reading
    (``contour_interval=None``). With a contour interval, the cell must also lie at or above the deepest contour
    ``contour_base + k * contour_interval`` that is strictly shallower than the spill depth: the last closed contour. A
    part of the map with no way out at all is full at its deepest cell.

    Parameters
    ----------
    depth : (H, W) float or integer, positive down
        The map; traps are shallow highs. Cells that are not finite, or masked (`numpy.ma`), lie outside. An
        `xarray.DataArray` is taken in its own order of rows and columns; the answer's `geo` holds its location.
    valid : (H, W) bool, default None
        False or masked outside the map; None = every cell is inside.
    faults : (H, W) bool or integer, default None
        0 or masked = no fault, else the fault's number; a boolean mask is fault 1.
    fault_rule : str | Mapping[int, str], default 'transparent'
        What faults do to flow: "transparent" (nothing), "sealing" (fault cells are taken out and are a wall, against
        which contours may close) or "leaking" (fault cells are taken out and are an open border). Or a mapping {fault
        number: rule}; faults it does not name are transparent.
    edge : str, default 'open'
        "open": what lies outside the map is an open border; "closed": it is a wall.
    connectivity : int, default 8
        8 or 4 neighbours.
    contour_interval : float | None, default None
        Contour interval in the unit of depth; None = the spill reading.
    contour_base : float, default 0.0
        A depth that one contour passes through.
    min_area : float, default 0
        Closures of fewer cells are dropped.
    min_height : float, default 0.0
        Closures with a smaller height are dropped, in the unit of depth.

    Returns
    -------
    Closures
        Labels, heights and the table of all closures.

    Raises
    ------
    UserError
        The arrays do not fit each other, or an option is unknown or out of range.

    Examples
    --------
    Two highs, 2 and 3, with a saddle at 5; the whole leaks at 7:

    >>> found = find_closures([[9, 9, 9, 9, 9, 9], [9, 2, 5, 3, 7, 6], [9, 9, 9, 9, 9, 9]])
    >>> found.labels[1].tolist()
    [0, 1, 1, 1, 0, 0]
    >>> found.table[["crest_depth", "spill_depth", "area", "parent"]].tolist()
    [(2.0, 7.0, 3, 0), (2.0, 5.0, 1, 1), (3.0, 5.0, 1, 1)]
    """
    options = SearchOptions(
        fault_rule, edge, connectivity, contour_interval, contour_base, min_area, min_height
    )  # fmt: skip
    given, geo = depth, georeference_of(depth)
    depth = check_depth(given)
    valid = None if valid is None else check_mask(valid, "valid", depth.shape, like=given)
    faults = None if faults is None else check_faults(faults, depth.shape, like=given)
    known = set() if faults is None or isinstance(fault_rule, str) else set(np.unique(faults).tolist())
    state = cell_states(depth, valid, faults, active_rules(fault_rule, known), edge)
    check_contours(options, depth, state)
    near_fault = np.empty((0, 0), bool) if faults is None else dilate(faults != 0, connectivity)
    grid = Grid(depth, state, options.eight, options.edge_open, options.interval, options.base)
    return search_grid(grid, near_fault, options.min_area, options.min_height, geo)


def search_grid(
    grid: Grid,
    near_fault: NDArray[np.bool_],
    min_area: float = 0,
    min_height: float = 0.0,
    geo: GeoReference | None = None,
) -> Closures:
    """Find the closures of a map whose cells have their states already.

    Parameters
    ----------
    grid : Grid
        The map; nothing of it is checked.
    near_fault : (H, W) bool
        Cells on or beside a fault; (0, 0) when there is none.
    min_area, min_height : float
        As in `find_closures`.
    geo : GeoReference | None, default None
        Where the map lies.

    Returns
    -------
    Closures
    """
    tree = grow_tree(grid)
    totals = tree.total(near_fault)
    count, ids = number_nodes(tree.highs, totals, min_area, min_height)
    table = np.empty(count, ROW)
    tree.fill(table, ids, totals)
    basin, closures = tree.cells.basin, tree.highs.closures
    del tree, totals  # most of the memory, before more is asked for
    labels, height = label_map(grid.depth, basin, closures, ids)
    return Closures(labels, height, table, grid, geo or GeoReference())
