"""Pass 6: the label of every cell, and its height above the spill depth."""

import numpy as np
from numpy.typing import NDArray

from targets.closure.kernels.compiled import compiled
from targets.closure.kernels.merge import NodeClosures


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
