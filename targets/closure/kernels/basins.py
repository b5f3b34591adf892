"""Passes 2 and 6: the basin of every cell, found by following receivers to a peak, and the label that replaces it."""

import numpy as np
from numpy.typing import NDArray

from targets.closure.kernels.codes import COL_STEP, DIRECTION, PEAK, ROW_STEP, Cells
from targets.closure.kernels.compiled import compiled
from targets.closure.kernels.merge import NodeClosures


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


@compiled(nogil=True)
def label_cells(
    depth: NDArray, closures: NodeClosures, ids: NDArray, first: int, last: int, basin: NDArray, height: NDArray
) -> None:
    """Replace the basins of a strip of rows by labels, and write heights.

    Parameters
    ----------
    depth : (H, W) float32 or float64, positive down
        The map.
    closures : NodeClosures
        The closures around each basin.
    ids : (nodes,) int32
        The id of each node's closure in the table, 0 = none.
    first, last : int
        The strip is rows first..last-1.
    basin : (H, W) int32
        Basins; written over by the id of the outermost closure, 0 = none.
    height : (H, W) float32
        Written: height above the spill depth, 0 outside closures.
    """
    spill, limit, outermost = closures
    width = depth.shape[1]
    for row in range(first, last):
        b_last, label, root_limit, root_spill = -2, 0, limit[0], spill[0]
        for col in range(width):
            b = basin[row, col]
            if b != b_last:
                b_last = b
                root = outermost[b] if b > 0 else 0
                label, root_limit, root_spill = ids[root], limit[root], spill[root]
            z = depth[row, col]
            if label > 0 and z <= root_limit:
                basin[row, col] = label
                height[row, col] = np.float64(root_spill) - np.float64(z)
            else:
                basin[row, col] = 0
                height[row, col] = 0
