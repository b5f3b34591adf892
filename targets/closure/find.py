"""The door to the closure engine: check a map, run the passes, give labels, heights and the table of closures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from targets.closure import kernels as engine
from targets.closure.merge_tree import grow_tree, paint
from targets.errors import UserError

RULES = ("transparent", "sealing", "leaking")

ROW = np.dtype(
    [
        ("id", "i4"),  # row number + 1
        ("crest_row", "i4"),
        ("crest_col", "i4"),
        ("crest_depth", "f8"),
        ("spill_row", "i4"),
        ("spill_col", "i4"),
        ("spill_depth", "f8"),
        ("leak_row", "i4"),  # the neighbour it leaks to; -1 over the border of the map, or no way out
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
class Grid:
    """The map that was searched, as the engine sees it: what further questions about the closures need."""

    depth: NDArray
    state: NDArray[np.uint8]
    eight: bool
    edge_open: bool
    interval: float
    base: float


@dataclass(frozen=True, eq=False)
class Closures:
    """Every closure of one map.

    Attributes
    ----------
    labels : (H, W) int32
        The id of the outermost closure a cell belongs to, 0 = none.
    height : (H, W) float32
        Height of a cell above the spill depth of that closure, 0 elsewhere.
    table : (N,)
        Structured array of `ROW`, one row per closure, row ``id - 1``; outermost closures first, each part from the
        shallowest crest down. ``pandas.DataFrame(table)`` takes it as it is.
    grid : Grid
        The map, for the functions that take closures.
    """

    labels: NDArray[np.int32]
    height: NDArray[np.float32]
    table: NDArray[Any]
    grid: Grid


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

    A cell belongs to a closure when it is shallower than the spill depth of its high: the least depth that a way
    from the cell to an open border has to go down to. That is the `spill` reading (``contour_interval=None``). With a
    contour interval, it must also lie at or above the deepest contour ``contour_base + k * contour_interval`` that is
    strictly shallower than the spill depth: the last contour that closes. A part of the map with no way out at all
    is full at its deepest cell.

    Parameters
    ----------
    depth : (H, W) float
        Or integer, positive down (traps are shallow highs). Cells that are not finite lie outside.
    valid : (H, W) bool, default None
        False outside the map; None = everywhere inside.
    faults : (H, W) bool, default None
        Or integers: 0 = no fault, else the fault's number.
    fault_rule : str | Mapping[int, str], default 'transparent'
        What faults do to flow: "transparent" (nothing), "sealing" (fault cells are taken out and are a wall, against
        which contours may close) or "leaking" (fault cells are taken out and are an open border). Or a mapping {fault
        number: rule}; faults it does not name are transparent; a boolean mask is fault 1.
    edge : str, default 'open'
        "open": what lies outside the map is an open border; "closed": it is a wall.
    connectivity : int, default 8
        8 or 4 neighbours.
    contour_interval, contour_base
        In the unit of `depth`.
    min_area : float, default 0
        Closures of fewer cells are dropped.
    min_height : float, default 0.0
        Closures with a smaller height are dropped, in the unit of `depth`.

    Raises
    ------
    UserError
        The arrays do not fit each other, or an option is unknown.
    """
    depth = checked_depth(depth)
    check_options(edge, connectivity, contour_interval, contour_base)
    valid = None if valid is None else checked_mask(valid, "valid", depth.shape)
    faults = None if faults is None else checked_faults(faults, depth.shape)
    known = set() if faults is None or isinstance(fault_rule, str) else set(np.unique(faults).tolist())
    state = state_of(depth, valid, faults, checked_rules(fault_rule, known), edge)
    near = np.empty((0, 0), bool) if faults is None else beside(faults != 0, connectivity)
    interval, base = float(contour_interval or 0), float(contour_base)
    grid = Grid(depth, state, connectivity == 8, edge == "open", interval, base)
    tree = grow_tree(grid.depth, grid.state, grid.eight, grid.edge_open, grid.interval, grid.base)
    sums, touches = tree.sizes(near)
    count, number = tree.highs.choose(sums, float(min_area), float(min_height))
    table = np.empty(count, ROW)
    tree.fill(table, number, sums, touches)
    kept = tree.basin, tree.highs.spill, tree.highs.deep, tree.highs.outer
    del tree, sums, touches  # most of the memory, before more is asked for
    labels, height = paint(depth, *kept, number)
    return Closures(labels, height, table, grid)


def check_options(edge: str, connectivity: int, contour_interval: float | None, contour_base: float) -> None:
    """Raise UserError for an option that is unknown."""
    if edge not in ("open", "closed"):
        raise UserError("edge", f"{edge!r}", '"open" or "closed"')
    if connectivity not in (4, 8):
        raise UserError("connectivity", f"{connectivity!r}", "4 or 8")
    if contour_interval is not None and not 0 < contour_interval < np.inf:
        raise UserError("contour_interval", f"{contour_interval!r}", "a positive number or None")
    if not np.isfinite(contour_base):
        raise UserError("contour_base", f"{contour_base!r}", "a finite number")


def checked_depth(depth: ArrayLike) -> NDArray:
    """Depth as a C-ordered float32 or float64 array that holds every value exactly."""
    depth = np.asarray(depth)
    if depth.ndim != 2 or depth.size == 0:
        raise UserError("depth", f"shape {depth.shape}", "(H, W) with at least one cell")
    if depth.size >= 2**31:
        raise UserError("depth", f"{depth.size} cells", "fewer than 2^31", "cut the map or take every second cell")
    if depth.dtype.kind not in "buif" or depth.dtype.itemsize > 8:
        raise UserError("depth", f"type {depth.dtype}", "numbers: float32, float64 or integers")
    kind = np.float32 if np.can_cast(depth.dtype, np.float32) else np.float64
    exact = np.ascontiguousarray(depth, kind)
    if depth.dtype.kind in "ui" and depth.itemsize == 8 and (exact.astype(depth.dtype) != depth).any():
        raise UserError("depth", "integers beyond 2^53", "numbers that float64 can hold")
    return exact


def checked_mask(mask: ArrayLike, name: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
    mask = np.asarray(mask)
    if mask.shape != shape or mask.dtype != np.bool_:
        raise UserError(name, f"{mask.dtype} {mask.shape}", f"bool {shape}, the shape of depth")
    return mask


def checked_faults(faults: ArrayLike, shape: tuple[int, int]) -> NDArray:
    faults = np.asarray(faults)
    if faults.shape != shape or faults.dtype.kind not in "bui":
        raise UserError("faults", f"{faults.dtype} {faults.shape}", f"bool or integers {shape}, the shape of depth")
    return faults


def checked_rules(rule: str | Mapping[int, str], known: Iterable[int]) -> dict[int | None, str]:
    """{fault number, None = all: what it does to flow}, of the rules that do something. known : numbers of the map."""
    rules = {None: rule} if isinstance(rule, str) else dict(rule)
    for fault, word in rules.items():
        if word not in RULES:
            raise UserError("fault_rule", f"{word!r}", f"one of {', '.join(RULES)}")
        if fault is not None and fault not in known:
            names = ", ".join(str(int(k)) for k in sorted(set(known) - {0})) or "none"
            raise UserError("fault_rule", f"a rule for fault {fault}, which the map does not have", f"faults: {names}")
    return {k: word for k, word in rules.items() if word != "transparent"}


def state_of(
    depth: NDArray, valid: NDArray | None, faults: NDArray | None, rules: Mapping[int | None, str], edge: str
) -> NDArray[np.uint8]:
    """(H, W) of what each cell is: part of the map, an open border, or a wall; (0, 0) when all are part of the map."""
    lines = [depth[row : row + 64] for row in range(0, depth.shape[0], 64)]  # small pieces stay in the cache
    finite = all(np.isfinite(piece).all() for piece in lines)
    if finite and (faults is None or not rules) and (valid is None or valid.all()):
        return np.empty((0, 0), np.uint8)
    state = np.full(depth.shape, engine.INSIDE, np.uint8)
    for fault, word in rules.items() if faults is not None else ():
        cells = faults != 0 if fault is None else faults == fault
        state[cells] = engine.WALL if word == "sealing" else engine.OPEN
    outside = engine.OPEN if edge == "open" else engine.WALL
    if valid is not None:
        state[~valid] = outside
    if not finite:
        state[~np.isfinite(depth)] = outside
    return state


def beside(faults: NDArray[np.bool_], connectivity: int) -> NDArray[np.bool_]:
    """Fault cells and their neighbours."""
    return ndimage.binary_dilation(faults, ndimage.generate_binary_structure(2, connectivity // 4))
