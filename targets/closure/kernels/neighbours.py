"""Pass 1: which neighbours precede each cell, and the code of where it sends what rises through it."""

import numpy as np
from numpy.typing import NDArray

from targets.closure.kernels.codes import (
    BORDER,
    COL_STEP,
    CORNER_BITS,
    INSIDE,
    MEETS,
    OFF_MAP,
    OPEN,
    PEAK,
    ROW_STEP,
    SIDE_BITS,
    Cells,
    Grid,
)
from targets.closure.kernels.compiled import compiled


@compiled(nogil=True)
def find_preceding(grid: Grid, first: int, last: int, cells: Cells) -> tuple[int, int]:
    """Write the preceding neighbours and flow codes of a strip of rows, and what is known of basins at once.

    Parameters
    ----------
    grid : Grid
        The map.
    first, last : int
        The strip is rows first..last-1.
    cells : Cells
        Written; the basin is -1 off the map, 0 beside an open border, else -2 (not known yet).

    Returns
    -------
    peaks : int
        How many peaks the strip has.
    saddles : int
        How many saddles it can have at most.
    """
    depth, state, eight, edge_open = grid.depth, grid.state, grid.eight, grid.edge_open
    precedes, flow, basin = cells.precedes, cells.flow, cells.basin
    height, width = depth.shape
    above = np.full(width + 2, np.inf, depth.dtype)
    here, below = above.copy(), above.copy()
    special0 = _load_row(depth, state, first - 1, above)
    special1 = _load_row(depth, state, first, here)
    peaks = saddles = 0
    for row in range(first, last):
        special2 = _load_row(depth, state, row + 1, below)
        if eight:
            _compare_row(above, here, below, precedes[row], flow[row], True)
            _mark_meetings(precedes[row], flow[row], True)
        else:
            _compare_row(above, here, below, precedes[row], flow[row], False)
            _mark_meetings(precedes[row], flow[row], False)
        edge_row = edge_open and (row == 0 or row == height - 1)
        codes, bits, basins = flow[row], precedes[row], basin[row]
        basins[:] = -2
        if edge_row or special0 or special1 or special2:
            for c in range(width):
                beside_open = edge_row
                if state.size > 0:
                    if state[row, c] != INSIDE:
                        codes[c], bits[c], basins[c] = OFF_MAP, 0, -1
                        continue
                    for k in range(8):
                        r, d = row + ROW_STEP[k], c + COL_STEP[k]
                        if (eight or SIDE_BITS >> k & 1) and 0 <= r < height and 0 <= d < width:
                            beside_open |= state[r, d] == OPEN
                if beside_open:
                    codes[c] = BORDER
        if edge_open:
            for c in (0, width - 1):
                if codes[c] != OFF_MAP:
                    codes[c] = BORDER
        if edge_row or edge_open or special0 or special1 or special2:
            full = edge_row or special0 or special1 or special2
            for c in range(0, width, 1 if full else max(1, width - 1)):
                if codes[c] == BORDER:
                    basins[c] = 0
                    if bits[c] != 0:
                        codes[c] += MEETS
                        saddles += 1  # beside the border there can be one more
        for c in range(width):
            peaks += codes[c] == PEAK
            saddles += 3 * (codes[c] >= MEETS)
        above, here, below = here, below, above
        special0, special1 = special1, special2
    return peaks, saddles


@compiled
def _load_row(depth: NDArray, state: NDArray, row: int, line: NDArray) -> bool:
    """Copy a row of depths into a framed line, cells off the map infinitely deep; whether there are such cells."""
    height, width = depth.shape
    if row < 0 or row >= height:
        line[:] = np.inf
        return False
    line[1:-1] = depth[row]
    special = False
    if state.size > 0:
        for c in range(width):
            if state[row, c] != INSIDE:
                line[c + 1] = np.inf
                special = True
    return special


@compiled
def _compare_row(above: NDArray, here: NDArray, below: NDArray, bits: NDArray, codes: NDArray, eight: bool) -> None:
    """Compare a row with its neighbours: the bits of those that precede, and the direction of the first of them."""
    # Without branches, so that the compiler vectorises. Of equal depths the smaller index precedes.
    for c in range(bits.size):
        z = here[c + 1]
        z0, z1, z2, z3 = above[c + 1], above[c + 2], here[c + 2], below[c + 2]
        z4, z5, z6, z7 = below[c + 1], below[c], here[c], above[c]
        m = np.uint8(z0 <= z) | (np.uint8(z1 <= z) << 1) | (np.uint8(z2 < z) << 2) | (np.uint8(z3 < z) << 3)
        m |= (np.uint8(z4 < z) << 4) | (np.uint8(z5 < z) << 5) | (np.uint8(z6 <= z) << 6) | (np.uint8(z7 <= z) << 7)
        bits[c] = m
        x = z0 if z0 < z2 else z2
        x = z4 if z4 < x else x
        x = z6 if z6 < x else x
        if eight:
            x = z1 if z1 < x else x
            x = z3 if z3 < x else x
            x = z5 if z5 < x else x
            x = z7 if z7 < x else x
        # the first of the shallowest: the last one written, in falling order of index
        k = np.int32(4)
        if eight:
            k = np.int32(3) if z3 == x else k
            k = np.int32(4) if z4 == x else k
            k = np.int32(5) if z5 == x else k
        k = np.int32(2) if z2 == x else k
        k = np.int32(6) if z6 == x else k
        if eight:
            k = np.int32(1) if z1 == x else k
        k = np.int32(0) if z0 == x else k
        if eight:
            k = np.int32(7) if z7 == x else k
        codes[c] = k


@compiled
def _mark_meetings(bits: NDArray, codes: NDArray, eight: bool) -> None:
    """Finish a row's codes: `PEAK` where nothing precedes, `MEETS` where preceding neighbours form several runs."""
    used = np.uint8(0xFF if eight else SIDE_BITS)
    for c in range(bits.size):
        m = bits[c]
        both = ((m << 1) | (m >> 7)) & ((m >> 1) | (m << 7)) & CORNER_BITS
        # two sides touch across a corner with 8 neighbours; with 4 they do so only through a preceding corner cell
        run = (m | both) if eight else ((m & SIDE_BITS) | (m & both))
        run &= 0xFF
        begin = run & ~((run << 1) | (run >> 7)) & 0xFF
        k = np.uint8(codes[c] if m & used != 0 else PEAK)
        codes[c] = k | (MEETS if begin & (begin + 0xFF) & 0xFF != 0 else 0)
