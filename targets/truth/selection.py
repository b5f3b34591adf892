"""Selection of traps among nested closures: culminations joined or each by itself, against faults or free of them."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.closure import Closures, find_nesting
from targets.scene import Bool


def select_traps(closures: Closures, culminations: str, fault_contact: str) -> Closures:
    """Make those closures the outermost ones that an interpreter takes as traps.

    Parameters
    ----------
    closures : Closures
        Of `find_closures`, with the thresholds of the traps: what it lists is a culmination worth drawing.
    culminations : str
        "joined": the outermost closures. "single": the largest closures that hold one culmination only, so that a
        closure which joins two listed ones is left out, and these are taken.
    fault_contact : str
        "any", "touching" (only closures that touch a fault) or "free" (only those that touch none).

    Returns
    -------
    Closures
        The chosen closures as outermost ones, with what is nested in them; the others are gone.

    Examples
    --------
    >>> from targets.closure import find_closures
    >>> found = find_closures([[9, 9, 9, 9, 9, 9], [9, 2, 5, 3, 7, 6], [9, 9, 9, 9, 9, 9]])
    >>> select_traps(found, "single", "any").labels[1].tolist()
    [0, 1, 0, 2, 0, 0]
    """
    if culminations == "joined" and fault_contact == "any":
        return closures
    table = closures.table
    owner = _owners(table["parent"], culminations == "single")
    if fault_contact != "any":
        left_out = table["touches_fault"] != (fault_contact == "touching")
        owner[1:][np.append(True, left_out)[owner[1:]]] = 0
    return _with_owners(closures, owner, find_nesting(closures).innermost if culminations == "single" else None)


def keep_traps(closures: Closures, kept: Bool) -> Closures:
    """Leave out some of the outermost closures, with what is nested in them.

    Parameters
    ----------
    closures : Closures
        Of `find_closures` or `select_traps`.
    kept : (N,) bool
        Which of the outermost closures stay, in the order of their ids.

    Returns
    -------
    Closures
        The same object if all stay.

    Examples
    --------
    >>> from targets.closure import find_closures
    >>> found = find_closures([[9, 9, 9, 9, 9, 9], [9, 2, 9, 3, 7, 9], [9, 9, 9, 9, 9, 9]])
    >>> keep_traps(found, np.array([False, True])).labels[1].tolist()
    [0, 0, 0, 1, 1, 0]
    """
    if kept.all():
        return closures
    owner = _owners(closures.table["parent"], single=False)
    owner[~np.append(True, kept)[owner]] = 0
    return _with_owners(closures, owner)


def _with_owners(closures: Closures, owner: NDArray[np.int64], pieces: NDArray[np.int32] | None = None) -> Closures:
    """Closures whose outermost ones are the owners (N + 1,) of all; `pieces` : (H, W) ids, else the outermost ones."""
    ids = _new_ids(closures.table, owner)
    chosen = _renumbered(closures.table, owner, ids)
    labels = ids[owner][closures.labels if pieces is None else pieces].astype(np.int32)
    spill = np.append(0.0, chosen["spill_depth"])[labels]
    height = np.where(labels > 0, spill - closures.grid.depth, 0).astype(np.float32)
    return replace(closures, labels=labels, height=height, table=chosen)


def _owners(parent: NDArray[np.int32], single: bool) -> NDArray[np.int64]:
    """(N + 1,) the trap that each closure belongs to, by ids, 0 = none; the first is that of no closure."""
    count = len(parent)
    peaks = np.zeros(count + 1, np.int64)  # culminations in each closure
    for k in range(count, 0, -1):  # parents stand before what lies inside them
        peaks[k] = max(peaks[k], 1)
        peaks[parent[k - 1]] += peaks[k]
    owner = np.zeros(count + 1, np.int64)
    for k in range(1, count + 1):
        above = owner[parent[k - 1]]
        owner[k] = above if above or (single and peaks[k] > 1) else k
    return owner


def _new_ids(table: NDArray[Any], owner: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N + 1,) new ids of closures, 0 = gone: outermost ones by spill depth, then nested ones in their order."""
    numbers = np.arange(len(owner))
    outermost = np.flatnonzero((owner == numbers) & (owner > 0))
    outermost = outermost[np.argsort(table["spill_depth"][outermost - 1], kind="stable")]
    nested = np.flatnonzero((owner != numbers) & (owner > 0))
    ids = np.zeros(len(owner), np.int64)
    ids[np.concatenate([outermost, nested])] = np.arange(1, len(outermost) + len(nested) + 1)
    return ids


def _renumbered(table: NDArray[Any], owner: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[Any]:
    """The rows that remain, in the order of their new ids; what spills into a closure that is gone leaves the map."""
    places = np.argsort(ids, kind="stable")[np.count_nonzero(ids == 0) :]
    rows = table[places - 1].copy()
    rows["id"] = ids[places]
    is_trap = owner[places] == places
    rows["parent"] = np.where(is_trap, 0, ids[table["parent"][places - 1]])
    rows["spills_into"] = ids[owner[table["spills_into"][places - 1]]]
    return rows
