"""Codes of cells and directions, and the records of arrays that hold one value per cell."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

INSIDE, OPEN, WALL = 0, 1, 2  # state of a cell: part of the map, an open border, or a wall
PEAK, BORDER, OFF_MAP = 8, 9, 10  # flow codes beside the directions 0..7; BORDER: a cell beside an open border
MEETS = 16  # added to the flow code of a cell where basins can meet
DIRECTION = 15  # the bits of a flow code without MEETS
OVER_BORDER, NO_OUTLET = 8, 9  # directions beside 0..7 in which a closure leaks

# The eight neighbours, clockwise, so that runs of neighbours are runs of bits:
#   7 0 1
#   6 . 2
#   5 4 3
ROW_STEP = np.array([-1, -1, 0, 1, 1, 1, 0, -1])
COL_STEP = np.array([0, 1, 1, 1, 0, -1, -1, -1])
SIDE_BITS, CORNER_BITS = 0b01010101, 0b10101010


class Grid(NamedTuple):
    """The map that is searched.

    Attributes
    ----------
    depth : (H, W) float32 or float64, positive down
        Depths; cells that are not finite are no part of the map.
    state : (H, W) uint8, or (0, 0) when every cell is part of the map
        `INSIDE`, `OPEN` or `WALL`.
    eight : bool
        Whether cells have eight neighbours; otherwise four.
    edge_open : bool
        Whether what lies outside the array is an open border.
    interval : float
        Contour interval in the unit of depth; 0 = the spill reading.
    base : float
        A depth that one contour passes through.
    """

    depth: NDArray
    state: NDArray[np.uint8]
    eight: bool
    edge_open: bool
    interval: float
    base: float


class Cells(NamedTuple):
    """What is known of every cell.

    Attributes
    ----------
    precedes : (H, W) uint8
        Bit k is set when neighbour k precedes the cell.
    flow : (H, W) uint8
        Flow code: the direction of the first of the preceding neighbours (up-dip), `PEAK`, `BORDER` or `OFF_MAP`, plus
        `MEETS` where basins can meet.
    basin : (H, W) int32
        Number of the cell's basin, 0 = the outside, -1 = off the map, -2 = not known yet.
    """

    precedes: NDArray[np.uint8]
    flow: NDArray[np.uint8]
    basin: NDArray[np.int32]
