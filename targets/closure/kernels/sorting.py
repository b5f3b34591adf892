"""Radix sort of depths and of cells: linear, stable, and without Python's lock."""

import numpy as np
from numpy.typing import NDArray

from targets.closure.kernels.compiled import compiled


@compiled(nogil=True)
def sort_keys(keys: NDArray, order: NDArray) -> NDArray:
    """The stable order of unsigned integers, by radix sort with 11 bits a pass.

    Parameters
    ----------
    keys : (N,) uint32 or uint64
        What is sorted.
    order : (N,) int32
        Work space.

    Returns
    -------
    (N,) int32
        Places of the keys, from the smallest key to the largest.
    """
    size, bits = keys.size, keys.itemsize * 8
    for i in range(size):
        order[i] = i
    other, sorted_keys, other_keys = np.empty_like(order), keys, np.empty_like(keys)
    owned = False  # `keys` itself is not written to
    for shift in range(0, bits, 11):
        count = np.zeros(2049, np.int64)
        for i in range(size):
            count[((sorted_keys[i] >> shift) & 2047) + 1] += 1
        if count.max() == size:
            continue
        for j in range(2048):
            count[j + 1] += count[j]
        for i in range(size):
            digit = (sorted_keys[i] >> shift) & 2047
            other[count[digit]] = order[i]
            other_keys[count[digit]] = sorted_keys[i]
            count[digit] += 1
        order, other = other, order
        if owned:
            sorted_keys, other_keys = other_keys, sorted_keys
        else:
            sorted_keys, other_keys, owned = other_keys, np.empty_like(keys), True
    return order


def order_by_depth(depth: NDArray) -> NDArray[np.int32]:
    """The order of depths (N,) from the shallowest to the deepest; equal ones stay as they are.

    Examples
    --------
    >>> order_by_depth(np.array([3.0, -1.0, 3.0, 2.0], np.float32)).tolist()
    [1, 3, 0, 2]
    """
    return sort_keys(sortable(depth), np.empty(depth.size, np.int32))


def order_by_cell(cells: NDArray[np.int64]) -> NDArray[np.int32]:
    """The order of flat indices (N,) of cells."""
    return sort_keys(cells.astype(np.uint64), np.empty(cells.size, np.int32))


def sortable(depth: NDArray) -> NDArray:
    """Unsigned integers in the order of float depths: their bits, negative numbers reversed.

    Examples
    --------
    >>> a, b, c = sortable(np.array([-2.0, -1.0, 1.0]))
    >>> bool(a < b < c)
    True
    """
    kind = np.uint32 if depth.itemsize == 4 else np.uint64
    bits = (depth + depth.dtype.type(0)).view(kind)  # adding 0 makes -0 and 0 equal
    sign = kind(1) << kind(8 * depth.itemsize - 1)
    return np.where(bits & sign, ~bits, bits | sign)
