"""Metrics of traps by size: traps classed by their diameter over the side of a tile, and spill points out of sight."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mtl.config import THRESHOLD
from mtl.metrics.base import State, add_states, ratio
from mtl.metrics.masks import mask_metrics
from targets.scene import Bool, Float, Scene

CLASS_EDGES = (0.25, 0.5, 1.0, 2.0)  # between the classes, diameters in tile sides
SIZE_CLASSES = ("below 1/4", "1/4 to 1/2", "1/2 to 1", "1 to 2", "above 2")
STATE = ("traps", "found", "beyond", "tp", "fp", "fn")
EIGHT_NEIGHBOURS = np.ones((3, 3), np.uint8)  # traps do not touch, not even at corners


@dataclass(frozen=True, eq=False)
class TileView:
    """How a map is tiled for a network, in cells of the map.

    Attributes
    ----------
    tile_side : float
        Side of a tile, the square whose cells are predicted.
    visible_side : float
        Side of the square around the same centre that the network sees: the tile, or the tile and its context.
    origins : (N, 2) float64
        Row and column of the first cell of each tile.
    """

    tile_side: float
    visible_side: float
    origins: NDArray[np.float64]


def count_by_size(
    prediction: Float, target: Float, valid: Bool, scene: Scene, view: TileView, side: float
) -> list[State]:
    """State of every class of `SIZE_CLASSES`; over all classes they add up to the state of the mask.

    The class of a trap is the diameter of the circle of its area over `side`. False positive cells count for the trap
    that their predicted part covers most of or, where it covers none, for the class of the part's own size.

    Parameters
    ----------
    prediction, target : (1, H, W) float32
        Probability of trap.
    valid : (H, W) bool
        Cells that count.
    scene : Scene
        The map, whose depth gives the spill points.
    view : TileView
        How the map was tiled.
    side : float
        Length that sizes are compared with, in cells: the side of a tile as a rule.

    Returns
    -------
    list of State
        For each class: traps; `found`, those of which more than half is predicted; `beyond`, those whose
        `spill_point_hidden`; and the cells tp, fp, fn.
    """
    predicted, true = ((np.nan_to_num(a[0]) > THRESHOLD) & valid for a in (prediction, target))
    states = [dict.fromkeys(STATE, 0.0) for _ in SIZE_CLASSES]
    labels, count = ndimage.label(true, EIGHT_NEIGHBOURS)
    areas, found = (np.bincount(cells, minlength=count + 1) for cells in (labels.ravel(), labels[predicted]))
    for trap in range(1, count + 1):
        state = states[size_class(areas[trap], side)]
        state["traps"] += 1
        state["found"] += float(found[trap] > areas[trap] / 2)
        state["beyond"] += float(spill_point_hidden(labels == trap, scene, view))
        state["tp"] += float(found[trap])
        state["fn"] += float(areas[trap] - found[trap])
    parts, _ = ndimage.label(predicted, EIGHT_NEIGHBOURS)
    for part, box in enumerate(ndimage.find_objects(parts), start=1):
        cells = np.bincount(labels[box][parts[box] == part], minlength=count + 1)
        area = areas[1 + cells[1:].argmax()] if cells[1:].any() else cells[0]
        states[size_class(area, side)]["fp"] += float(cells[0])
    return states


def size_class(area: float, side: float) -> int:
    """Index of the class of a trap with an area in cells.

    Examples
    --------
    >>> SIZE_CLASSES[size_class(area=3.14 * 40**2 / 4, side=64)]  # a disc of 40 cells, a tile of 64
    '1/2 to 1'
    """
    return int(np.searchsorted(CLASS_EDGES, 2 * np.sqrt(area / np.pi) / side, side="right"))


def spill_point_hidden(trap: Bool, scene: Scene, view: TileView) -> bool:
    """Whether the spill point lies out of sight of all tiles that hold most of a trap.

    The spill point is the shallowest cell around the trap, several if they are equal: without a depth the whole
    outline must be visible.

    Parameters
    ----------
    trap : (H, W) bool
        Cells of one trap.
    """
    outline = cv2.dilate(trap.astype(np.uint8), EIGHT_NEIGHBOURS).astype(bool) & ~trap & scene.map_valid
    if not outline.any():  # the map is one trap
        return False
    spill = np.argwhere(outline & (scene.depth == scene.depth[outline].min()))
    integral = np.pad(trap.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    ends = view.origins + view.tile_side
    (top, left), (bottom, right) = (np.clip(np.rint(ij), 0, trap.shape).astype(int).T for ij in (view.origins, ends))
    cells = integral[bottom, right] - integral[top, right] - integral[bottom, left] + integral[top, left]
    first = view.origins[cells == cells.max(), None] - (view.visible_side - view.tile_side) / 2
    return not ((spill >= first) & (spill < first + view.visible_side)).all((1, 2)).any()


def metrics_by_size(maps: Sequence[list[State]]) -> dict[str, dict[str, float]]:
    """Metrics of every size class over several maps.

    Returns
    -------
    {class: {name: value}}
        `traps`, the share of them that is `found` and whose spill point is `beyond` sight, `recall` and `iou` of cells.
    """
    metrics = {}
    for name, state in zip(SIZE_CLASSES, map(add_states, zip(*maps, strict=True)), strict=True):
        cells = mask_metrics(state)
        metrics[name] = {
            "traps": state["traps"],
            "beyond": ratio(state["beyond"], state["traps"]),
            "found": ratio(state["found"], state["traps"]),
            "recall": cells["recall"],
            "iou": cells["iou"],
        }
    return metrics
