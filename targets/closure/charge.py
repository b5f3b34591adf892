"""Finite charge of closures: given volumes fill them, spill along the chain, and merge where neighbours are full."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from targets.closure.arguments import map_cells
from targets.closure.arrays import plain_array
from targets.closure.find import Closures
from targets.closure.kernels import charge as kernels
from targets.closure.kernels.branches import Hierarchy
from targets.closure.kernels.charge import Columns, Links
from targets.closure.kernels.sorting import order_by_depth
from targets.closure.merge_tree import ClosureTree, grow_tree
from targets.closure.strips import map_strips
from targets.errors import UserError


@dataclass(frozen=True, eq=False)
class ChargeTree:
    """The tree of all closures of a map, ready to be charged many times.

    Every closure of the map takes part, those too that `min_area` or `min_height` left out of the table.

    Attributes
    ----------
    closures : Closures
        Of `find_closures`, in the spill reading.
    cell_areas : (1, 1), (H, 1) or (H, W) float64
        Areas of the cells, the unit of area of all volumes.
    highs : Hierarchy
        The join tree.
    drain, node : (H, W) int32
        Per cell the basin of the crest that it drains to (0 = out of the map, -1 = off the map), and the node of its
        innermost closure (0 = none).
    rows : (N,) int64
        The node of each row of the table.
    links : Links
        Where each node spills.
    columns : Columns
        The cells of each node, and its capacity.
    """

    closures: Closures
    cell_areas: NDArray[np.float64]
    highs: Hierarchy
    drain: NDArray[np.int32]
    node: NDArray[np.int32]
    rows: NDArray[np.int64]
    links: Links
    columns: Columns

    @cached_property
    def capacity(self) -> NDArray[np.float64]:
        """(N,) float64: volume of each closure between surface and spill depth, with the closures inside it."""
        return self.total(self.columns.capacity)[self.rows]

    def total(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(nodes,) float64: values of all nodes, with those of the nodes inside each."""
        values = values.copy()
        kernels.add_parts(self.highs.tree, values)
        return values


@dataclass(frozen=True, eq=False)
class Filling:
    """How far one charge fills the closures.

    All volumes are in the unit of area of `ChargeTree.cell_areas`, times the unit of depth, and
    ``given = stored[outermost].sum() + elsewhere + lost + unplaced + off_map``.

    Attributes
    ----------
    tree : ChargeTree
        What was charged.
    given : float
        The whole charge.
    stored : (N,) float64
        What each closure of the table holds, with the closures inside it.
    contact : (N,) float64, positive down
        Depth of the contact; NaN of an empty closure, and of one whose parts have contacts of their own. In a closure
        that has merged with its neighbour it lies deeper than its own spill depth.
    area : (N,) float64
        Area of what it holds, at the contact or the contacts of its parts.
    elsewhere : float
        What outermost closures hold that the table does not list.
    lost : float
        What left the map over an open border.
    unplaced : float
        What found no room in parts of the map without a way out.
    off_map : float
        Charge of cells off the map, fault cells that were taken out included.
    contact_of_node : (nodes,) float64, positive down
        The contact of each node of the tree.
    """

    tree: ChargeTree
    given: float
    stored: NDArray[np.float64]
    contact: NDArray[np.float64]
    area: NDArray[np.float64]
    elsewhere: float
    lost: float
    unplaced: float
    off_map: float
    contact_of_node: NDArray[np.float64]

    @property
    def share(self) -> NDArray[np.float64]:
        """(N,) float64: how full each closure is, from 0 to 1."""
        return np.minimum(self.stored / self.tree.capacity, 1.0)

    @cached_property
    def height(self) -> NDArray[np.float64]:
        """(H, W) float64: height of the fluid in each cell, from the surface to the contact; 0 where there is none."""
        found = self.contact_of_node[self.tree.node] - self.tree.closures.grid.depth
        return np.where(found > 0, found, 0.0)  # NaN is not above 0


@dataclass(frozen=True, eq=False)
class FillingOrder:
    """When each closure begins to fill and is full, as the charge grows everywhere in proportion.

    Attributes
    ----------
    begins : (N,) float64
        The share of the whole charge at which the first of it reaches a closure; inf: none ever does.
    full : (N,) float64
        The share at which it is full: above 1, more than the charge is needed; inf: it never is.
    """

    begins: NDArray[np.float64]
    full: NDArray[np.float64]


def grow_charge_tree(closures: Closures, cell_areas: ArrayLike = 1.0) -> ChargeTree:
    """Prepare the closures of a map for charging.

    Parameters
    ----------
    closures : Closures
        Of `find_closures`, in the spill reading.
    cell_areas : array_like, default 1.0
        Areas of the cells, a number or an array that broadcasts to (H, W), such as `GeoReference.cell_areas` gives;
        with 1 volumes are cells times the unit of depth, like the table's.

    Returns
    -------
    ChargeTree

    Raises
    ------
    UserError
        The closures are those of a contour reading, or their volumes are no numbers of float64.
    """
    grid = closures.grid
    if grid.interval > 0:
        raise UserError("closures", "outlined by the last closed contour", "closures down to their spill points",
                        "find them without contour_interval: a charge fills them to the spill point")  # fmt: skip
    shape = grid.depth.shape
    areas = _check_areas(cell_areas, shape)
    tree = grow_tree(grid)
    highs = tree.highs
    nodes = highs.tree.parent.size
    links = Links(*(np.zeros(nodes, np.int32) for _ in range(3)))
    drain, node, routing = np.empty(shape, np.int32), np.empty(shape, np.int32), tree.routing
    kernels.find_drains(routing, drain)
    kernels.link_nodes(highs.tree, highs.saddles, highs.closures.outermost, highs.outlet, drain, routing.step, links)
    closed = highs.closures
    map_strips(
        grid.depth.size, shape[0], lambda a, b: kernels.find_innermost(
            grid.depth, tree.cells.basin, closed.limit, closed.outermost, highs.branches, a, b, node)
    )  # fmt: skip
    columns = _sum_columns(tree, node, areas)
    if not np.isfinite(columns.capacity.sum()):
        raise UserError("closures", "volumes beyond float64", "depths of a map", "are undefined cells among them?")
    return ChargeTree(closures, areas, highs, drain, node, _nodes_of_rows(closures, highs), links, columns)


def fill_closures(tree: ChargeTree, charge: ArrayLike) -> Filling:
    """Charge the closures of a map: each cell's volume rises up-dip, fills what it meets, spills and merges.

    A closure that is full spills at its spill point into its neighbour. When that is full to the same depth, both go
    on as one. What reaches an open border is lost. The result does not depend on an order of filling. A high that meets
    two others in one cell at its spill depth spills into the one with which the engine joins it first.

    Parameters
    ----------
    tree : ChargeTree
        Of `grow_charge_tree`.
    charge : (H, W) array_like
        The volume that starts from each cell, 0 or more; NaN and masked cells are 0. The functions `uniform_charge`,
        `point_charge` and `catchment_charge` make it.

    Returns
    -------
    Filling

    Raises
    ------
    UserError
        The charge does not fit the map, or is negative.

    Examples
    --------
    Two highs, 2 and 3, with a saddle at 5; 4 units on the left one fill it (3) and spill into its neighbour:

    >>> from targets.closure import find_closures
    >>> found = find_closures([[9, 9, 9, 9, 9, 9], [9, 2, 5, 3, 7, 6], [9, 9, 9, 9, 9, 9]])
    >>> tree = grow_charge_tree(found)
    >>> filling = fill_closures(tree, point_charge(found, [1], [1], [4.0]))
    >>> filling.stored.tolist(), filling.contact.tolist(), filling.lost
    ([4.0, 3.0, 1.0], [nan, 5.0, 4.0], 0.0)
    """
    inflow, given, off_map = _inflow(tree, charge)
    size = tree.columns.capacity.size
    stored, area, full, contact = np.zeros(size), np.zeros(size), np.zeros(size, bool), np.full(size, np.nan)
    lost, unplaced = kernels.pour(inflow, tree.columns.capacity, tree.links, stored, full)
    kernels.find_contacts(
        tree.columns,
        tree.links,
        tree.highs.tree,
        tree.highs.closures.spill.astype(np.float64),
        stored,
        full,
        contact,
        area,
    )
    held = tree.total(stored)
    of_rows = held[tree.rows]
    listed = of_rows[tree.closures.table["parent"] == 0].sum()
    return Filling(
        tree, given, of_rows, contact[tree.rows], tree.total(area)[tree.rows],
        max(float(stored.sum() - listed), 0.0), lost, unplaced, off_map, contact,
    )  # fmt: skip


def order_of_filling(tree: ChargeTree, charge: ArrayLike) -> FillingOrder:
    """Find when each closure begins to fill and is full, as a charge grows from nothing everywhere in proportion.

    Parameters
    ----------
    tree : ChargeTree
        Of `grow_charge_tree`.
    charge : (H, W) array_like
        As `fill_closures` takes it.

    Returns
    -------
    FillingOrder

    Raises
    ------
    UserError
        The charge does not fit the map, or is negative.

    Examples
    --------
    >>> from targets.closure import find_closures
    >>> found = find_closures([[9, 9, 9, 9, 9, 9], [9, 2, 5, 3, 7, 6], [9, 9, 9, 9, 9, 9]])
    >>> order = order_of_filling(grow_charge_tree(found), point_charge(found, [1], [1], [5.0]))
    >>> order.begins.tolist(), order.full.tolist()
    ([0.0, 0.0, 0.6], [2.2, 0.6, 1.0])
    """
    inflow, _, _ = _inflow(tree, charge)
    begins, full = (np.full(tree.columns.capacity.size, np.inf) for _ in range(2))
    kernels.pour_steadily(inflow, tree.columns.capacity, tree.links, tree.highs.tree, begins, full)
    return FillingOrder(begins[tree.rows], full[tree.rows])


# Charges --------------------------------------------------------------------------------------------------------------


def uniform_charge(closures: Closures, volume: float, cell_areas: ArrayLike = 1.0) -> NDArray[np.float64]:
    """A volume spread evenly over the map: the same per area, nothing off the map.

    Parameters
    ----------
    closures : Closures
        Of `find_closures`.
    volume : float
        The whole charge.
    cell_areas : array_like, default 1.0
        As in `grow_charge_tree`.

    Returns
    -------
    (H, W) float64
    """
    grid = closures.grid
    inside = map_cells(grid)
    share = np.where(inside, _check_areas(cell_areas, grid.depth.shape), 0.0)
    return share * (float(volume) / share.sum()) if inside.any() else share


def point_charge(closures: Closures, rows: ArrayLike, cols: ArrayLike, volumes: ArrayLike) -> NDArray[np.float64]:
    """Volumes that start from single cells, such as wells or the ends of carrier beds.

    Parameters
    ----------
    closures : Closures
        Of `find_closures`.
    rows, cols : (K,) int
        The cells; one that comes twice gets both volumes.
    volumes : (K,) float
        Their volumes.

    Returns
    -------
    (H, W) float64

    Raises
    ------
    UserError
        A point lies off the map.
    """
    row, col, volume = (np.atleast_1d(np.asarray(values)) for values in (rows, cols, volumes))
    shape, inside = closures.grid.depth.shape, lie_on_map(closures, row, col)
    if not inside.all():
        k = int(np.flatnonzero(~inside)[0])
        raise UserError("charge", f"a point at row {row[k]}, column {col[k]}", "a cell of the map",
                        "it lies outside of the map, in a void, or on a fault that was taken out")  # fmt: skip
    charge = np.zeros(shape)
    np.add.at(charge, (row, col), np.broadcast_to(volume, row.shape))
    return charge


def catchment_charge(closures: Closures, volumes: Mapping[int, float]) -> NDArray[np.float64]:
    """Volumes that reach closures from their own catchments: each starts from the crest of its closure.

    Parameters
    ----------
    closures : Closures
        Of `find_closures`.
    volumes : Mapping[int, float]
        {id of a closure, nested or not: volume}.

    Returns
    -------
    (H, W) float64

    Raises
    ------
    UserError
        The table has no such id.
    """
    table = closures.table
    for id in volumes:
        if not 1 <= id <= table.size:
            raise UserError("charge", f"a volume for closure {id}", f"ids 1 to {table.size}")
    rows = table[np.array([*volumes], int) - 1]
    return point_charge(closures, rows["crest_row"], rows["crest_col"], np.array([*volumes.values()], float))


def lie_on_map(closures: Closures, rows: NDArray, cols: NDArray) -> NDArray[np.bool_]:
    """(K,) bool: whether each of (K,) cells, by row and column, is one of the map."""
    shape = closures.grid.depth.shape
    inside = (rows >= 0) & (rows < shape[0]) & (cols >= 0) & (cols < shape[1])
    inside[inside] = map_cells(closures.grid)[rows[inside], cols[inside]]
    return inside


# Parts ----------------------------------------------------------------------------------------------------------------


def _check_areas(cell_areas: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Areas of cells as float64; refused where they do not fit the map, or are none."""
    areas = np.atleast_2d(np.asarray(cell_areas, np.float64))
    try:
        np.broadcast_to(areas, shape)
    except ValueError as error:
        raise UserError("cell_areas", f"shape {areas.shape}", f"a number, or an array that fits {shape}") from error
    if not ((areas > 0) & np.isfinite(areas)).all():
        raise UserError("cell_areas", "areas of 0, below 0 or undefined", "areas above 0")
    return areas


def _inflow(tree: ChargeTree, charge: ArrayLike) -> tuple[NDArray[np.float64], float, float]:
    """The charge of each basin (n + 1,), the whole charge, and that of cells off the map."""
    shape = tree.closures.grid.depth.shape
    values, undefined = plain_array(charge, "charge")
    if values.shape != shape or values.dtype.kind not in "buif":
        raise UserError("charge", f"{values.dtype} {values.shape}", f"numbers {shape}, the shape of depth")
    volumes = values.astype(np.float64)
    none = np.isnan(volumes) if undefined is None else undefined | np.isnan(volumes)
    volumes[none] = 0.0
    given = float(volumes.sum())
    if volumes.min() < 0 or not np.isfinite(given):
        raise UserError("charge", f"{volumes.min():g} to {volumes.max():g}", "volumes of 0 or more")
    found = np.bincount(tree.drain.ravel() + 1, volumes.ravel(), minlength=tree.highs.crest_cell.size + 1)
    return found[1:].astype(np.float64), given, float(found[0])


def _nodes_of_rows(closures: Closures, highs: Hierarchy) -> NDArray[np.int64]:
    """The node of each row of the table: the closure of its crest that leaks at its spill depth."""
    table, nodes = closures.table, highs.branches.nodes
    flat = table["crest_row"].astype(np.int64) * closures.grid.depth.shape[1] + table["crest_col"]
    crest = np.searchsorted(highs.crest_cell[1:], flat) + 1
    spill = highs.closures.spill[nodes["node"]].astype(np.float64)  # rises along each branch
    ranks, rank = np.unique(spill, return_inverse=True)
    wanted = crest * (ranks.size + 1) + np.searchsorted(ranks, table["spill_depth"])
    return nodes["node"][np.searchsorted(nodes["crest"].astype(np.int64) * (ranks.size + 1) + rank, wanted)].astype(
        np.int64
    )


def _sum_columns(tree: ClosureTree, node: NDArray[np.int32], areas: NDArray[np.float64]) -> Columns:
    """The cells of each node by depth, and what they add up to."""
    nodes = tree.highs.tree.parent.size
    cells = np.flatnonzero(node)
    depth = tree.depth.ravel()[cells]
    start = np.zeros(nodes + 1, np.int64)
    order = kernels.order_by_node(order_by_depth(depth), node.ravel()[cells], start)
    cells, depth = cells[order], depth[order].astype(np.float64)
    per_cell = (
        areas.ravel().copy() if areas.size == 1 else np.broadcast_to(areas, node.shape)[np.divmod(cells, node.shape[1])]
    )
    columns = Columns(
        start, depth, *(np.empty(cells.size) for _ in range(2)), *(np.zeros(nodes) for _ in range(3))
    )  # fmt: skip
    highs, kind = tree.highs, np.float64
    spill, crest_depth = highs.closures.spill.astype(kind), highs.crest_depth.astype(kind)
    kernels.sum_columns(highs.tree, spill, crest_depth, per_cell, columns)
    return columns
