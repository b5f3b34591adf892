"""Brute force for routing: where what rises from each cell ends, by filling highs cell by cell."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def ends_by_filling(
    depth: NDArray, here: NDArray[np.bool_], leaving: NDArray[np.bool_], labels: NDArray, connectivity: int
) -> dict[tuple[int, int], set[int]]:
    """Where what rises from each cell of `here` can end: ids of `labels`, 0 = out of the map. No two depths are equal.

    It climbs to the shallowest neighbour until it meets a label or a cell of `leaving`. On a peak without a label it
    fills the high down to the first cell by which the high is joined to what holds a label or leaves, and goes on there
    (to any of them, where it is joined to several at this cell).
    """
    around = ndimage.generate_binary_structure(2, connectivity // 4)
    ends: dict[tuple[int, int], set[int]] = {}

    def neighbours(cell: tuple[int, int]) -> list[tuple[int, int]]:
        steps = [(int(r) - 1, int(c) - 1) for r, c in np.argwhere(around) if (r, c) != (1, 1)]
        cells = [(cell[0] + r, cell[1] + c) for r, c in steps]
        return [k for k in cells if 0 <= k[0] < depth.shape[0] and 0 <= k[1] < depth.shape[1] and here[k]]

    def end(cell: tuple[int, int]) -> set[int]:
        if cell not in ends:
            up = min(neighbours(cell), key=lambda k: depth[k], default=cell)
            if labels[cell] or leaving[cell]:
                ends[cell] = {int(labels[cell])}
            else:
                ends[cell] = end(up) if depth[up] < depth[cell] else filled(cell)
        return ends[cell]

    def filled(peak: tuple[int, int]) -> set[int]:
        for level in np.sort(depth[here & (depth > depth[peak])]):
            pieces, _ = ndimage.label(here & (depth < level), around)
            (lowest,) = map(tuple, np.argwhere(here & (depth == level)))
            near = [k for k in neighbours(lowest) if depth[k] < level]
            if pieces[peak] not in [pieces[k] for k in near]:
                continue
            if leaving[lowest]:
                return {0}
            others = [
                k for k in near if ((labels > 0) | leaving)[(pieces == pieces[k]) & (pieces != pieces[peak])].any()
            ]
            if others:
                return set().union(*map(end, others))
        return {0}

    return {cell: end(cell) for cell in map(tuple, np.argwhere(here).tolist())}
