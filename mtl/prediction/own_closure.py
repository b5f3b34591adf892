"""Height and volume that close inside the outline of a predicted trap, on the depth of its map."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import reconstruction

from targets.closure import Closures
from targets.closure.kernels.codes import WALL

DTYPE = np.dtype([("height", "f8"), ("volume", "f8"), ("spill_depth", "f8")])
PASS, STOP = -1e30, 1e30  # depths of an open border and of a wall, beyond those of any map


class Neighbourhood(NamedTuple):
    """A trap in its box, one cell wider on each side.

    Attributes
    ----------
    depth : (h, w) float64, positive down
        `PASS` where the map ends openly, `STOP` on a wall.
    own : (h, w) bool
        Cells of the trap.
    """

    depth: NDArray[np.float64]
    own: NDArray[np.bool_]


def closed_inside(labels: NDArray[np.int32], exact: Closures, cell_areas: NDArray[np.float64]) -> NDArray:
    """Measure what closes inside each outline: nothing outside it may help, what leaks over it is lost.

    The level to which a cell is full is its minimax depth: over all paths out of the outline, the smallest possible
    maximum depth. The outline of an exact closure so gives that closure's height and volume, an outline on a slope
    gives 0.

    Parameters
    ----------
    labels : (H, W) int32
        Predicted traps 1 to N, 0 = none.
    exact : Closures
        Closures of the map's depth: their map, with its walls, borders and neighbours.
    cell_areas : float64, broadcasts to (H, W)
        Area of each cell.

    Returns
    -------
    (N,) of `DTYPE`
        Height of the highest column, volume (area times the unit of depth), and the depth to which that column is
        full, NaN where nothing closes.

    Examples
    --------
    >>> from targets.closure import find_closures
    >>> found = find_closures([[9, 9, 9, 9], [9, 3, 5, 7], [9, 9, 9, 9]])
    >>> closed_inside(found.labels, found, np.ones((1, 1))).tolist()
    [(4.0, 6.0, 7.0)]
    >>> closed_inside(np.array([[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]), found, np.ones((1, 1))).tolist()
    [(2.0, 2.0, 5.0)]
    """
    table = np.full(int(labels.max(initial=0)), np.nan, DTYPE)
    grid, areas = exact.grid, np.broadcast_to(cell_areas, labels.shape)
    footprint = ndimage.generate_binary_structure(2, 2 if grid.eight else 1)
    depth = np.where(np.isfinite(grid.depth), grid.depth.astype(np.float64), PASS)
    if grid.state.size:
        depth[grid.state != 0] = PASS
        depth[grid.state == WALL] = STOP
    depth = np.pad(depth, 1, constant_values=PASS if grid.edge_open else STOP)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        around = tuple(slice(side.start, side.stop + 2) for side in box)
        trap = Neighbourhood(depth[around], np.pad(labels[box] == number, 1))
        is_rock = trap.own & (trap.depth < STOP)
        above = np.where(is_rock, _fill_level(trap, footprint) - trap.depth, 0)
        at = np.unravel_index(above.argmax(), above.shape)
        height, volume = float(above[at]), float((above[1:-1, 1:-1] * areas[box]).sum())
        table[number - 1] = (height, volume, float(trap.depth[at]) + height if height > 0 else np.nan)
    return table


def _fill_level(trap: Neighbourhood, footprint: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The minimax depth of each cell of a box: reconstruction by erosion from what lies outside the trap."""
    seed = np.where(trap.own, STOP, trap.depth)
    level = reconstruction(seed, trap.depth, method="erosion", footprint=footprint)
    # Without any way out a trap is full at its deepest cell.
    return np.where(level < STOP, level, trap.depth.max(where=trap.own & (trap.depth < STOP), initial=PASS))
