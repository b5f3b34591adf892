"""Checked arguments of the closure search: options, fault rules and the state of every cell."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from targets.closure.kernels.codes import INSIDE, OPEN, WALL, Grid
from targets.errors import UserError

RULES = ("transparent", "sealing", "leaking")
MAX_CONTOURS = 2**40  # from 0 to the deepest depth: contours are then 4,096 numbers of float64 apart, or more


@dataclass(frozen=True)
class SearchOptions:
    """Options of a closure search; the words, defaults and meanings are those of `find_closures`.

    Attributes
    ----------
    fault_rule : str | Mapping[int, str], default 'transparent'
        What faults do to flow: "transparent", "sealing" or "leaking", or {fault number: one of these}.
    edge : str, default 'open'
        What lies outside the map: "open" (an open border) or "closed" (a wall).
    connectivity : int, default 8
        8 or 4 neighbours.
    contour_interval : float | None, default None
        In the unit of depth; None = the spill reading.
    contour_base : float, default 0.0
        A depth that one contour passes through.
    min_area : float, default 0
        Closures of fewer cells are dropped.
    min_height : float, default 0.0
        Closures with a smaller height are dropped, in the unit of depth.

    Raises
    ------
    UserError
        An option is unknown or out of range.
    """

    fault_rule: str | Mapping[int, str] = "transparent"
    edge: str = "open"
    connectivity: int = 8
    contour_interval: float | None = None
    contour_base: float = 0.0
    min_area: float = 0
    min_height: float = 0.0

    def __post_init__(self) -> None:
        """Check everything that can be checked without the map."""
        if self.edge not in ("open", "closed"):
            raise UserError("edge", f"{self.edge!r}", '"open" or "closed"')
        if self.connectivity not in (4, 8):
            raise UserError("connectivity", f"{self.connectivity!r}", "4 or 8")
        if self.contour_interval is not None and not (
            _is_number(self.contour_interval) and 0 < self.contour_interval < np.inf
        ):
            raise UserError("contour_interval", f"{self.contour_interval!r}", "a positive number or None")
        if not _is_number(self.contour_base) or not np.isfinite(self.contour_base):
            raise UserError("contour_base", f"{self.contour_base!r}", "a finite number")
        for name in ("min_area", "min_height"):
            if not _is_number(value := getattr(self, name)) or np.isnan(value):
                raise UserError(name, f"{value!r}", "a number")

    @property
    def eight(self) -> bool:
        """Whether cells have eight neighbours."""
        return self.connectivity == 8

    @property
    def edge_open(self) -> bool:
        """Whether what lies outside the map is an open border."""
        return self.edge == "open"

    @property
    def interval(self) -> float:
        """The contour interval as the kernels take it: 0 = the spill reading."""
        return float(self.contour_interval or 0)

    @property
    def base(self) -> float:
        """The contour base as the kernels take it."""
        return float(self.contour_base)


def _is_number(value: object) -> bool:
    """Whether it is one real number."""
    return isinstance(value, int | float | np.integer | np.floating)


def check_contours(options: SearchOptions, depth: NDArray, state: NDArray[np.uint8]) -> None:
    """Refuse contours that lie so close that float64 cannot tell them apart.

    Parameters
    ----------
    options : SearchOptions
        Contour interval and base.
    depth : (H, W) float32 or float64
        The map.
    state : (H, W) uint8
        Of `cell_states`.

    Raises
    ------
    UserError
        The interval is too small for these depths or for the base.
    """
    if options.contour_interval is None:
        return
    inside = depth[state == INSIDE] if state.size > 0 else depth
    size = abs(options.base)
    if inside.size > 0:
        size = max(size, abs(float(inside.min())), abs(float(inside.max())))
    least = size / MAX_CONTOURS
    if options.interval < least:
        largest = "contour_base" if size == abs(options.base) else "depths"
        expected = f"at least {least:.2g} beside {largest} of {size:g}"
        hint = "contours that lie closer are the same number"
        raise UserError("contour_interval", f"{options.interval:g}", expected, hint)


def active_rules(rule: str | Mapping[int, str], known: Iterable[int]) -> dict[int | None, str]:
    """The fault rules that do something.

    Parameters
    ----------
    rule : str | Mapping[int, str]
        As in `SearchOptions`.
    known : iterable of int
        Numbers of the faults that the map has.

    Returns
    -------
    dict
        {fault number, None = all faults: "sealing" or "leaking"}.

    Raises
    ------
    UserError
        A rule is unknown, or belongs to a fault that the map does not have.

    Examples
    --------
    >>> active_rules({1: "sealing", 2: "transparent"}, [1, 2])
    {1: 'sealing'}
    """
    rules = {None: rule} if isinstance(rule, str) else dict(rule)
    for fault, word in rules.items():
        if word not in RULES:
            raise UserError("fault_rule", f"{word!r}", f"one of {', '.join(RULES)}")
        if fault is not None and fault not in known:
            names = ", ".join(str(int(k)) for k in sorted(set(known) - {0})) or "none"
            raise UserError("fault_rule", f"a rule for fault {fault}, which the map does not have", f"faults: {names}")
    return {k: word for k, word in rules.items() if word != "transparent"}


def cell_states(
    depth: NDArray, valid: NDArray | None, faults: NDArray | None, rules: Mapping[int | None, str], edge: str
) -> NDArray[np.uint8]:
    """What each cell is: part of the map, an open border, or a wall.

    Parameters
    ----------
    depth : (H, W) float32 or float64
        Depths; what is not finite lies outside the map.
    valid : (H, W) bool | None
        False outside the map.
    faults : (H, W) bool or integer | None
        0 = no fault.
    rules : Mapping[int | None, str]
        Of `active_rules`.
    edge : str
        As in `SearchOptions`.

    Returns
    -------
    (H, W) uint8
        `INSIDE`, `OPEN` or `WALL`; (0, 0) when all cells are part of the map.
    """
    pieces = [depth[row : row + 64] for row in range(0, depth.shape[0], 64)]  # small pieces stay in the cache
    finite = all(np.isfinite(piece).all() for piece in pieces)
    if finite and (faults is None or not rules) and (valid is None or valid.all()):
        return np.empty((0, 0), np.uint8)
    state = np.full(depth.shape, INSIDE, np.uint8)
    for fault, word in rules.items() if faults is not None else ():
        cells = faults != 0 if fault is None else faults == fault
        state[cells] = WALL if word == "sealing" else OPEN
    outside = OPEN if edge == "open" else WALL
    if valid is not None:
        state[~valid] = outside
    if not finite:
        state[~np.isfinite(depth)] = outside
    return state


def map_cells(grid: Grid) -> NDArray[np.bool_]:
    """(H, W) bool: the cells that are part of the map, which voids, open borders and walls are not."""
    known = np.isfinite(grid.depth)
    return known & (grid.state == INSIDE) if grid.state.size > 0 else known


def dilate(cells: NDArray[np.bool_], connectivity: int) -> NDArray[np.bool_]:
    """Cells and their neighbours, (H, W) bool."""
    return ndimage.binary_dilation(cells, ndimage.generate_binary_structure(2, connectivity // 4))
