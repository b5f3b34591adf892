"""Juxtaposition across faults: the depth of both sides along each fault, and where a closure could leak across."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.graph import MCP_Geometric

from targets.analysis.analyse import Analysis
from targets.scene import GeoReference

MIN_LENGTH = 4  # cells along a fault: shorter pieces have no direction
MAX_GAP = 12  # cells from the middle of a fault to where a side begins: wider ones are voids
BESIDE = 2  # cells from there to where the surface is read: at the fault itself, grids run from one side to the other
STEPS = 3  # cells on either side of a place, from which the fault takes its direction there
COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


@dataclass(frozen=True, eq=False)
class FaultProfile:
    """Both sides of one fault, or of one piece of it, from one end to the other.

    Attributes
    ----------
    name : str
        Of the fault; pieces that do not touch are "F1 (1)", "F1 (2)", ...
    row, col : (K,) float64
        The places, in cells.
    distance : (K,) float64
        From the first place along the fault: in metres, or in map units or cells where these are unknown.
    depth : (2, K) float64, positive down
        Of the surface beside the fault, on the left of who walks along it and on the right; NaN = unknown.
    closure : (2, K) int
        The outermost closure there, 0 = none.
    cell : (2, K) int
        Flat index of the cell that is read there, -1 = none.
    sides : tuple[str, str]
        Where left and right lie, such as "west" and "east"; "left" and "right" on a map without a location.
    """

    name: str
    row: NDArray[np.float64]
    col: NDArray[np.float64]
    distance: NDArray[np.float64]
    depth: NDArray[np.float64]
    closure: NDArray[np.int32]
    cell: NDArray[np.int64]
    sides: tuple[str, str]

    @property
    def throw(self) -> NDArray[np.float64]:
        """(K,) float64: how much deeper the right side lies; NaN = unknown."""
        return self.depth[1] - self.depth[0]


@dataclass(frozen=True)
class FaultContact:
    """One closure against one fault.

    Attributes
    ----------
    fault : str
        Name of the profile.
    closure : int
        Id of the outermost closure.
    side : str
        On which side of the fault it lies.
    length : float
        Along the fault, in the unit of the profile's distance.
    throw_min, throw_max : float
        Smallest and largest throw along it, without a sign.
    spill_depth : float
        Of the closure.
    leak_depth : float
        Depth of the shallowest place where the reservoir of the closure lies against that of the other side: above it
        a column need not be sealed by the fault. NaN: nowhere.
    leak_x, leak_y : float
        Where that is.
    leaks_into : int
        The closure on the other side there, 0 = none.
    sealed_height : float
        Height of the column that only a sealing fault holds: from `leak_depth` to `spill_depth`, 0 = none.
    """

    fault: str
    closure: int
    side: str
    length: float
    throw_min: float
    throw_max: float
    spill_depth: float
    leak_depth: float
    leak_x: float
    leak_y: float
    leaks_into: int
    sealed_height: float


def find_profiles(analysis: Analysis) -> list[FaultProfile]:
    """Walk along the faults of a map and read the surface on both sides.

    The middle line of a fault's cells is followed from one end to the other. At each place both sides begin beyond the
    last fault cell at right angles to the line, and are read two cells further where that is no other fault.

    Parameters
    ----------
    analysis : Analysis
        Of a map with faults.

    Returns
    -------
    list[FaultProfile]
        The faults in their order; a fault has several if its cells do not touch. Pieces of less than four cells are
        left out.
    """
    labels, names = analysis.faults.labels, analysis.faults.names
    profiles = []
    for k, name in enumerate(names, 1):
        pieces, count = ndimage.label(labels == k, np.ones((3, 3)))
        lines = [_middle_line(pieces == piece) for piece in range(1, count + 1)]
        lines = [line for line in lines if len(line) >= MIN_LENGTH]
        for number, line in enumerate(lines, 1):
            title = name if len(lines) == 1 else f"{name} ({number})"
            profiles.append(_read_sides(title, line, analysis))
    return profiles


def find_fault_contacts(
    profiles: list[FaultProfile], analysis: Analysis, thickness: float = np.inf
) -> list[FaultContact]:
    """Find which closures lie against which faults, and the shallowest place where each could leak across.

    Parameters
    ----------
    profiles : list[FaultProfile]
        Of `find_profiles`.
    analysis : Analysis
        Of the map.
    thickness : float, default inf
        Of the reservoir below the surface, in the unit of depth: where the throw is larger, it lies against other rock.

    Returns
    -------
    list[FaultContact]
    """
    table, geo, found = analysis.table, analysis.scene.geo, []
    for profile in profiles:
        for side in (0, 1):
            own, beyond = profile.depth[side], profile.depth[1 - side]
            for id in np.unique(profile.closure[side][profile.closure[side] > 0]).tolist():
                here = (profile.closure[side] == id) & np.isfinite(beyond)
                if not here.any():
                    continue
                spill = float(table[id - 1]["spill_depth"])
                depth = np.where(here & (np.abs(own - beyond) < thickness), np.maximum(own, beyond), np.inf)
                k = int(depth.argmin())
                leak = float(depth[k]) if np.isfinite(depth[k]) else np.nan
                x, y = (float(value) for value in geo.xy(profile.row[k], profile.col[k]))
                throw = np.abs(profile.throw[here])
                found.append(FaultContact(
                    profile.name, id, profile.sides[side], _length(profile.distance, here), float(throw.min()),
                    float(throw.max()), spill, leak, *((x, y) if leak == leak else (np.nan, np.nan)),
                    int(profile.closure[1 - side][k]) if leak == leak else 0,
                    max(spill - leak, 0.0) if leak == leak else 0.0,
                ))  # fmt: skip
    return found


def _middle_line(cells: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(K, 2) rows and columns from one end of a fault to the other, along the middle of its cells."""
    first = np.argwhere(cells)[0]
    cost = np.where(cells, 1 / ndimage.distance_transform_edt(np.pad(cells, 1))[1:-1, 1:-1].clip(min=1e-9), -1.0)
    start = _farthest(cells, first)
    end = _farthest(cells, start)
    way = MCP_Geometric(cost)
    way.find_costs([tuple(start)], [tuple(end)])
    line = np.array(way.traceback(tuple(end)), np.float64)
    if line[0, 1] > line[-1, 1] or (line[0, 1] == line[-1, 1] and line[0, 0] > line[-1, 0]):
        line = line[::-1]  # from the left to the right of the map
    return line


def _farthest(cells: NDArray[np.bool_], start: NDArray) -> NDArray:
    """The fault cell with the longest way from another one."""
    costs, _ = MCP_Geometric(np.where(cells, 1.0, -1.0)).find_costs([tuple(start)])
    return np.array(np.unravel_index(np.where(np.isfinite(costs), costs, -1).argmax(), cells.shape))


def _read_sides(name: str, line: NDArray[np.float64], analysis: Analysis) -> FaultProfile:
    """The profile of a line of fault cells."""
    scene, labels = analysis.scene, analysis.closures.labels
    dx, dy = scene.geo.ground_spacing(scene.shape)
    steps = np.hypot(*(np.diff(line, axis=0) * (dy, dx)).T)
    ahead, behind = (line[np.clip(np.arange(len(line)) + k, 0, len(line) - 1)] for k in (STEPS, -STEPS))
    along = (ahead - behind) * (dy, dx)
    along /= np.hypot(*along.T)[:, None].clip(min=1e-9)
    left = np.stack([-along[:, 1] / dy, along[:, 0] / dx], axis=1)  # at right angles on the ground, in cells
    left /= np.abs(left).max(axis=1, keepdims=True).clip(min=1e-9)
    cell = np.full((2, len(line)), -1)
    readable = scene.depth_valid & ~scene.fault
    for side, way in enumerate((left, -left)):
        for step in range(MAX_GAP, 0, -1):  # the last one that is written is the nearest
            begin, free = _cells_at(line + step * way, readable)
            beyond, also = _cells_at(line + (step + BESIDE) * way, readable)
            cell[side] = np.where(free, np.where(also, beyond, begin), cell[side])
    depth = np.where(cell >= 0, scene.depth.ravel()[cell], np.nan)
    closure = np.where(cell >= 0, labels.ravel()[cell], 0)
    distance = np.concatenate([[0.0], np.cumsum(steps)])
    return FaultProfile(name, line[:, 0], line[:, 1], distance, depth, closure, cell, _name_sides(left, scene.geo))


def _cells_at(places: NDArray[np.float64], readable: NDArray[np.bool_]) -> tuple[NDArray, NDArray[np.bool_]]:
    """Flat indices of the cells at places (K, 2), and whether each is a readable cell of the map."""
    row, col = np.rint(places).astype(int).T
    on_map = (row >= 0) & (row < readable.shape[0]) & (col >= 0) & (col < readable.shape[1])
    index = np.where(on_map, row * readable.shape[1] + col, 0)
    return index, on_map & readable.ravel()[index]


def _name_sides(left: NDArray[np.float64], geo: GeoReference) -> tuple[str, str]:
    """Where left and right lie, by the compass."""
    if not geo.located:
        return "left", "right"
    row, col = left.mean(axis=0)
    (x0, y0), (x1, y1) = geo.xy(0.0, 0.0), geo.xy(float(row), float(col))
    eighth = round(float(np.degrees(np.arctan2(x1 - x0, y1 - y0))) / 45) % 8
    return COMPASS[eighth], COMPASS[(eighth + 4) % 8]


def _length(distance: NDArray[np.float64], here: NDArray[np.bool_]) -> float:
    """Length of the stretches of a profile: each place stands for half the way to its neighbours."""
    reach = np.diff(np.concatenate([distance[:1], (distance[1:] + distance[:-1]) / 2, distance[-1:]]))
    return float(reach[here].sum())
