"""Habits of interpreters: which closures of a surface they take for traps, before the hand draws them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from targets.closure import Closures, find_closures
from targets.closure.nesting import find_nesting
from targets.errors import UserError
from targets.scene import Scene
from targets.units.names import metres_per_unit

Labels = NDArray[np.int32]


@dataclass(frozen=True)
class Habit:
    """What an interpreter takes for a trap.

    Attributes
    ----------
    interval : float | None, default None
        He outlines along the last closed contour of this interval, in metres; None: down to the spill point.
    base : float, default 0.0
        A depth in metres that one of his contours passes through.
    faults : str, default 'transparent'
        What he takes faults to do: nothing (transparent), hold (sealing), or let out (leaking).
    min_area : int, default 40
        His smallest trap, in cells.
    min_relief : float, default 0.02
        The smallest height of his traps, as a share of the map's relief.
    apart : bool, default False
        He outlines each culmination by itself, down to the saddle; else the whole closure around several.
    against_faults : bool, default False
        He takes nothing but closures that lean on a fault.
    """

    interval: float | None = None
    base: float = 0.0
    faults: str = "transparent"
    min_area: int = 40
    min_relief: float = 0.02
    apart: bool = False
    against_faults: bool = False


def label_traps(scene: Scene, habit: Habit) -> Labels:
    """Label the traps that an interpreter of a habit takes, exactly.

    Parameters
    ----------
    scene : Scene
        A map with a depth; where its depth is a poor copy of the true surface, that surface is interpreted. A depth in
        another unit than one of length is taken for metres.
    habit : Habit
        Which closures are taken.

    Returns
    -------
    (H, W) int32
        0 = no trap; a number for each trap.

    Raises
    ------
    UserError
        The map has no depth.

    Examples
    --------
    >>> depth, inside = np.full((3, 7), 9, np.float32), np.ones((3, 7), bool)
    >>> depth[1, 1:6] = [2, 3, 5, 3, 7]
    >>> scene = Scene("two crests", depth, inside, inside, ~inside)
    >>> label_traps(scene, Habit(min_area=1))[1].tolist()
    [0, 1, 1, 1, 1, 1, 0]
    >>> label_traps(scene, Habit(min_area=1, apart=True))[1].tolist()
    [0, 2, 2, 0, 3, 0, 0]
    >>> label_traps(scene, Habit(min_area=1, interval=3.0))[1].tolist()
    [0, 1, 1, 1, 1, 0, 0]
    """
    if not scene.has_depth:
        raise UserError(scene.name, "the map has no depth", "a depth for an interpreter to draw traps on")
    depth = scene.depth if scene.true_depth is None else scene.true_depth
    metres = metres_per_unit(scene.geo.depth_unit) or 1.0
    closures = find_closures(
        depth,
        valid=scene.map_valid,
        faults=scene.fault,
        fault_rule=habit.faults,
        contour_interval=None if habit.interval is None else habit.interval / metres,
        contour_base=habit.base / metres,
        min_area=habit.min_area,
        min_height=habit.min_relief * float(np.ptp(depth[scene.map_valid])),
    )
    labels = _label_culminations(closures) if habit.apart else closures.labels
    if habit.against_faults:
        leaning = closures.table["id"][closures.table["touches_fault"]]
        labels = np.where(np.isin(labels, leaning), labels, 0)
    return labels.astype(np.int32)


def _label_culminations(closures: Closures) -> Labels:
    """Label the outermost closures with a single culmination."""
    parent = closures.table["parent"].astype(np.int64)
    culminations = np.zeros(parent.size + 1, np.int64)
    for row in range(parent.size - 1, -1, -1):  # what lies inside a closure stands below it in the table
        culminations[row + 1] = max(culminations[row + 1], 1)
        culminations[parent[row]] += culminations[row + 1]
    nesting = find_nesting(closures)
    places = nesting.places()
    labels = np.zeros_like(closures.labels)
    for row, above in enumerate(parent):
        if culminations[row + 1] == 1 and (above == 0 or culminations[above] > 1):
            labels[(places >= nesting.first[row]) & (places < nesting.last[row])] = row + 1
    return labels
