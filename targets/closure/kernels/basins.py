"""Pass 2: the basin of every cell, found by following receivers to a peak."""

import numpy as np
from numpy.typing import NDArray

from targets.closure.kernels.codes import COL_STEP, DIRECTION, PEAK, ROW_STEP, Cells
from targets.closure.kernels.compiled import compiled


@compiled(nogil=True)
def number_peaks(cells: Cells, first: int, last: int, start: int, peak: NDArray) -> None:
    """Number the peaks of a strip of rows.

    Parameters
    ----------
    cells : Cells
        `basin` of the peaks is written.
    first, last : int
        The strip is rows first..last-1.
    start : int
        Basin number of the first peak.
    peak : (n + 1,) int32
        Written: the flat index of each basin's peak.
    """
    flow, basin = cells.flow, cells.basin
    width = flow.shape[1]
    for row in range(first, last):
        for c in range(width):
            if flow[row, c] == PEAK:
                basin[row, c] = start
                peak[start] = row * width + c
                start += 1


def _receiver_table(connectivity: int) -> NDArray[np.uint8]:
    """For each set of preceding neighbours, the direction of the receiver, or PEAK: take the flow code."""
    # Backwards in memory if possible, so that most basins are known when they are asked for.
    table = np.full(256, PEAK, np.uint8)
    for k in (1, 7, 0, 6) if connectivity == 8 else (0, 6):
        table[[bits for bits in range(256) if bits >> k & 1]] = k
    return table


RECEIVER = {8: _receiver_table(8), 4: _receiver_table(4)}


@compiled(nogil=True)
def assign_basins(cells: Cells, receiver: NDArray, first: int, last: int) -> None:
    """Write the basin of every cell of a strip: follow receivers until a basin is known, then write it back.

    Parameters
    ----------
    cells : Cells
        `basin` is written wherever it is -2.
    receiver : (256,) uint8
        Of `RECEIVER`.
    first, last : int
        The strip is rows first..last-1.
    """
    width = cells.precedes.shape[1]
    bits, codes, basins = cells.precedes.ravel(), cells.flow.ravel(), cells.basin.ravel()
    step = ROW_STEP * width + COL_STEP
    for i in range(first * width, last * width):
        if basins[i] != -2:
            continue
        k = receiver[bits[i]]
        if k == PEAK:
            k = codes[i] & DIRECTION
        j = i + step[k]
        found = basins[j]
        if found == -2:
            while basins[j] == -2:
                k = receiver[bits[j]]
                j += step[codes[j] & DIRECTION if k == PEAK else k]
            found = basins[j]
            j = i
            while basins[j] == -2:
                basins[j] = found
                k = receiver[bits[j]]
                j += step[codes[j] & DIRECTION if k == PEAK else k]
        basins[i] = found
